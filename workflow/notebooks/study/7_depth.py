# %% [markdown]
# ## 7 Depth, and what follows
#
# ### A deep network adds in another way
#
# Six layers learn the same table. **Predict:** plot their mean logit against a + b − c. Is it again
# a sum of a few cosines?
#
# The cache has the stream at "=" after each block. How much of it depends on a + b alone?

# %% tags=["deep-addition"]
from mechanics.models.lens import to_lens

deep = next(iter(final_networks(study, *model_for(study, "deep-addition"))))
p = deep.settings["p"]
pairs, number = torch.cartesian_prod(torch.arange(p), torch.arange(p)), torch.arange(p)
answers = pairs.sum(dim=1) % p
deep_lens = to_lens(deep.weights, deep.architecture)
AFTER = [f"blocks.{layer}.hook_resid_post" for layer in range(deep.architecture.n_layers)]
prompts = functional.pad(pairs, (0, 1), value=p)
deep_logits, cache = deep_lens.run_with_cache(prompts, names_filter=AFTER)
deep_logits = deep_logits[:, -1]


def share_of_sum(values):
    """Share of the variance over the pairs that a function of (a + b) mod p can explain."""
    values = values.double() - values.double().mean(dim=0)
    means = torch.zeros(p, values.shape[1]).double().index_add_(0, answers, values) / p
    return float(means.square().sum() * p / values.square().sum())


for name in AFTER:
    print(f"{name}: {share_of_sum(cache[name][:, -1]):.1%} depends on a + b alone")
print(f"of the logits: {share_of_sum(deep_logits):.1%}")
distance = (number[:, None, None] + number[:, None] - number) % p
cube = (deep_logits - deep_logits.mean(dim=1, keepdim=True)).double()
deep_profile = torch.zeros(p).double().index_add_(0, distance.flatten(), cube.flatten()) / p**2
figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
axes[0].plot(number, deep_profile, ".-", ms=3, lw=0.6, color=COLOURS["deep_L6"])
axes[0].set(xlabel="a + b − c mod p", ylabel="logit, mean over pairs")
frequencies = range(1, (p - 1) // 2 + 1)
axes[1].bar(frequencies, torch.fft.rfft(deep_profile)[1:].abs() * 2 / p, color=COLOURS["deep_L6"])
axes[1].set(xlabel="frequency k", ylabel="amplitude of its cosine")
show(figure, "The deep network's mean logit is one peak, which all frequencies share")

# %% [markdown]
# <details><summary>Explain it, then compare</summary>
#
# The stream builds a + b layer by layer, until nothing else is left at "=". The logits are then one
# sharp peak at the right answer, and a peak has all frequencies. Whoever looks for a few cosines in
# them finds nothing, and would say: not understood. Its embedding has key frequencies all the same.
# </details>
#
# ### Pairs never seen
#
# Does the opened network answer pairs that it was never trained on? Some of them are easier: their
# mirror image (b, a) was trained on.

# %% tags=["clock"]
square = known.view(clock.settings["p"], -1)
correct = torch.cartesian_prod(*[torch.arange(len(square))] * 2).sum(dim=1) % len(square)
right = (logits.argmax(dim=1) == correct).view(len(square), -1)
groups = {"trained on": square, "only (b, a) trained on": ~square & square.mT}
groups["neither"] = ~square & ~square.mT
for name, members in groups.items():
    print(f"{name}: {int(members.sum()):,} pairs, {right[members].double().mean():.2%} right")

# %% [markdown]
# ### The comparison
#
# The study's table in short: each configuration on each task, the cost of one answer, and what the
# evidence says that the network does. The whole table is `tables/comparative_metrics.md`.

# %%
metrics = table(study, "comparative_metrics")
if metrics is None:
    print("This study has no comparative table.")
else:
    rows = metrics[metrics["metric"].str.match(r"MSE/d|accuracy, validation")]
    rows = rows.drop_duplicates(["configuration", "task"], keep="last")
    rows = rows.assign(interpretation=rows["interpretation"].str.split(r"[:,(]").str[0])
    shown = "configuration task metric value ci_low ci_high n_seeds flops_per_prompt interpretation"
    show_table(rows[shown.split()])

# %% [markdown]
# ### Three questions
#
# Answer each in two sentences, from what you have run, before you unfold it.
#
# 1. Was there an "Aha!", a sharp transition, or a smooth improvement?
# 2. Is the circuit the simplest that solves the task? What has weight decay to do with it?
# 3. Do the networks generalise beyond what they were trained on?
#
# <details><summary>Answers</summary>
#
# 1. On addition yes: the others are answered long after the trained pairs are known, and then within
#    a short part of the training (part 4). Regression improves smoothly: there is nothing to know by
#    heart. But the wait is no law of the task: with the norm held, it nearly vanishes.
# 2. No. One wave would do in exact arithmetic; several buy a larger lead (part 6). Weight decay, or a
#    held norm, decides whether the network gets there at all.
# 3. On addition, to all pairs. On regression, to longer contexts as the law of one step says (part 3),
#    and no better than that.
# </details>
#
# ### Limits
#
# Both tasks are toys. That a layer *is* a gradient step here says what attention can do, and what
# training finds when the best solution is such a step; it does not say how language models learn in
# context. One seed was opened in each part: the study's tables have all seeds, with intervals.
#
# ### Where to go on
#
# The two pages of `report/report.pdf` are the argument with its evidence. In `page/index.html` two
# networks run in your browser: type a sum, take waves away, drag examples. `figures/` holds every
# picture of the study: attention maps, progress measures, rank collapse, patching.
