# %% [markdown]
# ## 7 The study's figures
#
# Three kinds of picture are asked for. Each stands here with its caption and with what to look
# for; what the study does not have is said in a line. Training curves are in part 4.
#
# ### Attention maps

# %%
show_figure(
    STUDY,
    "attention_maps_regression",
    "pattern matching. Signed by the value path, attention rises with x_iᵀx_test: linearly without"
    " softmax, exponentially with it. The untrained network shows no such order.",
)
show_figure(
    STUDY,
    "attention_maps_addition",
    "waves of few frequencies, of a and of b, in one layer of softmax; no head looks at the sum."
    " Without softmax attention varies little about its mean, by a alone, and the first layer of"
    " the deep network attends to all tokens alike.",
)

# %% [markdown]
# ### SVD and PCA of the embedding

# %%
show_figure(
    STUDY,
    "embedding_svd",
    "a few large singular values, two for each circle, then a drop. One layer of softmax has little"
    " behind its keys (ring); without softmax weaker waves follow; the deep network has the"
    " frequencies of W_E itself (triangle).",
)
show_figure(
    STUDY,
    "embedding_circles",
    "circles in the key planes; the raw first components are one only where they do not mix"
    " frequencies.",
)
show_figure(STUDY, "embedding_spectrum", "few frequencies stand out, other ones in every seed.")

# %% [markdown]
# ### Track A: which algorithm did each network learn?

# %%
show_figure(
    STUDY,
    "regression_risk_by_context",
    "one layer stays on the law of one step at every k; depth goes below.",
)
show_figure(
    STUDY,
    "effective_weights",
    "the correlation with W_GD beside the null that any network reaches that knows w: only what"
    " exceeds it speaks for gradient descent.",
)
show_figure(
    STUDY, "algorithm_match", "the ring, the algorithm nearest to each network's own predictions."
)
show_figure(
    STUDY,
    "depth_bracket",
    "several layers beat as many steps of plain gradient descent, and stay above the polynomial"
    " floor that no stack of linear attention can pass.",
)
show_figure(
    STUDY,
    "kernel_smoother",
    "softmax attention is a Nadaraya–Watson smoother at the bandwidth read from its weights.",
)
show_figure(
    STUDY,
    "rank_collapse",
    "without skip connections tokens become alike with depth; with them they do not.",
)
show_figure(
    STUDY,
    "regression_generalisation",
    "which shifts a network survives, and whether the law at its own weights predicts it.",
)
show_figure(
    STUDY, "regression_emergence", "the width of the fall of the held-out loss, for both tasks."
)

# %% [markdown]
# ### Track B: how the circuit forms and what it consists of

# %%
show_figure(
    STUDY,
    "progress_measures",
    "restricted and excluded loss move long before validation accuracy does: the jump hides a"
    " gradual growth.",
)
show_figure(STUDY, "weight_decay_survival", "how the time to grokking depends on weight decay.")
show_figure(
    STUDY,
    "weight_decay_circuit",
    "whether more weight decay leaves fewer frequencies, a lower rank or only a smaller norm.",
)
show_figure(STUDY, "neuron_frequencies", "neurons fall into clusters, one for each key frequency.")
show_figure(STUDY, "logit_identities", "the trigonometric identities, in the weights.")
show_figure(
    STUDY,
    "phase_law",
    "a neuron writes with the sum of the phases with which it reads; this adds a and b.",
)
show_figure(STUDY, "neuron_patching", "part 6's patching, for all neurons, seeds and directions.")
show_figure(STUDY, "frequency_ablation", "part 6's ablation, for every seed.")
show_figure(
    STUDY,
    "embedding_ablation",
    "the same in W_E, which says of the deep network what its logits do not: none of them is a sum"
    " of few cosines, yet the answers need the few frequencies of the embedding and no other.",
)
show_figure(STUDY, "sum_in_stream", "where the deep network adds, and what it then answers by.")
show_figure(
    STUDY, "parsimony", "how few frequencies and neurons suffice, and what ideal formulas need."
)
show_others(STUDY)  # those that were added to the study and not to this notebook
