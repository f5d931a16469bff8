# %% [markdown]
# ## 7 The study's figures
#
# Each with its caption: the title of a panel says what was found, its axes what was measured.

# %%
show_others(STUDY)
