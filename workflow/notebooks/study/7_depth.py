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
answers, prompts = pairs.sum(dim=1) % p, functional.pad(pairs, (0, 1), value=p)
deep_lens = to_lens(deep.weights, deep.architecture)
AFTER = [f"blocks.{layer}.hook_resid_post" for layer in range(deep.architecture.n_layers)]
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
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4))
axes[0].plot(number, deep_profile, ".-", ms=3, lw=0.6, color=COLOURS["deep_L6"])
axes[0].set(xlabel="a + b − c mod p", ylabel="logit, mean over pairs")
frequencies = range(1, (p - 1) // 2 + 1)
axes[1].bar(frequencies, torch.fft.rfft(deep_profile)[1:].abs() * 2 / p, color=COLOURS["deep_L6"])
axes[1].set(xlabel="frequency k", ylabel="amplitude in the logits")
power = torch.fft.rfft(deep.weights["embed.W_E"][0, :p], dim=0)[1:].abs().square().sum(dim=1)
axes[2].bar(frequencies, power / power.sum(), color=COLOURS["deep_L6"])
axes[2].set(xlabel="frequency k", ylabel="share of W_E's variance")
show(figure, "The mean logit is one peak, which all frequencies share; W_E has few frequencies")

# %% [markdown]
# <details><summary>Explain it, then compare</summary>
#
# The stream builds a + b layer by layer, until nothing else is left at "=". The logits are then one
# sharp peak at the right answer, and a peak has all frequencies. Whoever looks for a few cosines in
# them finds none, and might say: not understood. The few frequencies are in the embedding.
# </details>
#
# ### Pairs never seen
#
# Does the opened network answer pairs that it was never trained on? Some of them are easier: their
# mirror image (b, a) was trained on.

# %% tags=["clock"]
square, right = known.view(p, p), (logits.argmax(dim=1) == answers).view(p, p)
groups = {"trained on": square, "only (b, a) trained on": ~square & square.mT}
groups["neither"] = ~square & ~square.mT
for name, members in groups.items():
    print(f"{name}: {int(members.sum()):,} pairs, {right[members].double().mean():.2%} right")

# %% [markdown]
# ### Three questions
#
# Answer each in two sentences, from what you have run, before you unfold it. Was there an "Aha!",
# or a smooth improvement? Is the circuit the simplest that solves the task, and what has weight
# decay to do with it? Do the networks generalise beyond what they were trained on?
#
# <details><summary>Answers</summary>
#
# *Aha.* On addition yes: the other pairs are answered long after the trained ones are known, and
# then within a short part of the training. But the wait is no law of the task: with the norm held,
# hundreds of steps are enough. Regression improves smoothly, for there is nothing to know by heart.
#
# *Simplest.* No. One wave would do in exact arithmetic; several buy a larger lead. Weight decay, or
# a held norm, decides whether the network gets there at all.
#
# *Generalise.* On addition, to all pairs. On regression, to longer contexts as the law of one step
# says, and no better than that.
# </details>
#
# ### Limits, and where to go on
#
# Both tasks are toys. That a layer *is* a gradient step here says what attention can do, and what
# training finds when the best solution is such a step; it does not say how language models learn in
# context. One seed was opened in each part. `tables/comparative_metrics.md` beside this notebook
# compares all networks over all seeds: error, cost, and what each computes. `report/report.pdf` is
# the argument with its evidence, on two pages. In `page/index.html` two networks run in your
# browser: type a sum, take waves away, drag examples. `figures/` holds every picture of the study.
