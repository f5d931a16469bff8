# %% [markdown]
# ### Activation patching, with TransformerLens's hooks
#
# Which neurons *cause* the answer? Two prompts: a clean one (a, b) and a corrupted one (a′, b′).
# The network reads the corrupted prompt, but one neuron at "=" is replaced by what it is for the
# clean one. Behind the neurons there is only a matrix, so the effect is known beforehand:
# patching neuron i shifts all logits by exactly Δn_i · W_L[i].

# %% tags=["clock"]
from mechanics.addition.patching import draw_prompt_pairs

prompt_pairs = draw_prompt_pairs(p, 96, clock.seed)
clean, corrupted = (
    torch.nn.functional.pad(t, (0, 1), value=p)
    for t in (prompt_pairs.clean, prompt_pairs.corrupted)
)
row_of = torch.tensor([p, 1])
clean_rows, corrupted_rows = prompt_pairs.clean @ row_of, prompt_pairs.corrupted @ row_of


def patched(which):
    """Logits for the corrupted prompts with these neurons taken from the clean run."""

    def hook(post, hook):
        post = post.clone()
        post[:, -1, which] = neurons[clean_rows][:, which]
        return post

    return model.run_with_hooks(corrupted, fwd_hooks=[(HOOK, hook)])[:, -1]


delta = neurons[clean_rows] - neurons[corrupted_rows]
hooked, predicted = [], []
for neuron in strongest[:12].tolist():
    hooked.append(patched([neuron]) - logits[corrupted_rows])
    predicted.append(delta[:, neuron, None] * W_L[neuron])
hooked, predicted = torch.stack(hooked), torch.stack(predicted)
error = float((hooked - predicted).abs().max())
print(
    f"{hooked.shape[0]} neurons, {hooked.shape[1]} prompts, {hooked.shape[2]} logits each:"
    f" largest shift {float(hooked.abs().max()):.2f}, largest error of the closed form {error:.1e}"
)
assert error < 1e-4

# %% [markdown]
# One neuron is exactly predictable. How many does it take? The metric is m = logit(c) −
# logit(c′), with c the answer to the clean prompt and c′ to the corrupted one; *recovery* is zero
# for the corrupted run and one for the clean run. Neurons are ranked by their mean effect on the
# first half of the prompts, and judged on the second.

# %% tags=["clock"]
c, c_other = answers[clean_rows], answers[corrupted_rows]


def metric(rows):
    return rows.gather(1, c[:, None])[:, 0] - rows.gather(1, c_other[:, None])[:, 0]


low, high = metric(logits[corrupted_rows]), metric(logits[clean_rows])
half = torch.arange(len(c)) < len(c) // 2
effects = delta * (W_L[:, c] - W_L[:, c_other]).mT  # prompt × neuron, the closed form
ranked = effects[half].mean(dim=0).argsort(descending=True)
randomly = torch.randperm(len(ranked), generator=torch.Generator().manual_seed(3))
sizes = [n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) if n < len(ranked)] + [len(ranked)]


def recovery(which):
    gained = metric(patched(which)) - low
    return float(gained[~half].sum() / (high - low)[~half].sum())


recovered = pd.DataFrame({"neurons patched": sizes})
recovered["ranked"] = [recovery(ranked[:n]) for n in sizes]
recovered["in random order"] = [recovery(randomly[:n]) for n in sizes]
show_table(recovered)
clusters = pd.DataFrame({"neurons tuned to": [f"k = {k}" for k in keys] + ["no key"]})
members = [(tuned.frequency == k).nonzero()[:, 0] for k in keys]
members.append((~torch.isin(tuned.frequency, torch.tensor(keys))).nonzero()[:, 0])
clusters["neurons"] = [len(group) for group in members]
clusters["recovery"] = [recovery(group) if len(group) else 0.0 for group in members]
show_table(clusters)

figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
axes[0].plot(predicted.flatten()[::29], hooked.flatten()[::29], ".", ms=2, color=COLOURS["train"])
axes[0].axline((0, 0), slope=1, color=REFERENCE, ls="--", lw=0.8)
axes[0].set(xlabel="closed form Δn·W_L", ylabel="shift of a logit, by hooks")
axes[1].plot(sizes, recovered["ranked"], "o-", ms=3, color=COLOURS["validation"], label="ranked")
axes[1].plot(sizes, recovered["in random order"], "o-", ms=3, color="0.6", label="random order")
axes[1].axhline(1, color=REFERENCE, ls="--", lw=0.8)
axes[1].set(xscale="log", xlabel="neurons patched", ylabel="recovery")
axes[1].legend(frameon=False)
show(figure, "Hooked effects lie on the closed form; recovery by the number of neurons patched")

# %% [markdown]
# **What to see.** No single neuron is responsible. Ranked neurons recover the answer much sooner
# than random ones, and may overshoot one, because what is left out (neurons that pull the other
# way) is not patched. What the full patch lacks of one is attention's own direct path to the
# logits. Cluster by cluster the effects add up: each key frequency carries a part of the answer,
# the neurons of no key next to nothing. That is no more than as many random neurons carry, on
# average over the clusters, because the clusters share out all neurons: what ranks neurons is
# their own effect, not their frequency.
#
# ### Ablation: necessary or not?
#
# From every neuron at "=" the two directions cos ω_k(a+b) and sin ω_k(a+b) over all pairs are
# removed: once by a hook, for the strongest key and for a frequency that is none, and then in
# closed form for every frequency.

# %% tags=["clock"]
from mechanics.addition.fourier import along_sum


def loss_and_accuracy(rows):
    loss = torch.nn.functional.cross_entropy(rows, answers)
    return float(loss), float((rows.argmax(dim=1) == answers).double().mean())


def ablated_by_hook(k):
    def hook(post, hook):
        post = post.clone()
        post[:, -1] -= along_sum(post[:, -1], [k], p)
        return post

    return model.run_with_hooks(prompts_b, fwd_hooks=[(HOOK, hook)])[:, -1]


written = neurons @ W_L
ablation = pd.DataFrame({"k": frequencies.tolist()})
without = [logits - along_sum(written, [k], p) for k in ablation["k"]]
ablation[["loss", "accuracy"]] = [loss_and_accuracy(rows) for rows in without]
key = keys[int(alpha.abs().argmax())]
other = next((k for k in ablation["k"] if k not in keys), key)
for k in (key, other):
    assert torch.allclose(ablated_by_hook(k), without[k - 1], atol=1e-6)
whole = loss_and_accuracy(logits)
rows = [{"removed": "nothing", "loss": whole[0], "accuracy": whole[1]}]
for k in (*keys, other):
    found = ablation.set_index("k").loc[k]
    rows.append({"removed": f"k = {k} ({kind if k in keys else 'another'})", **found})
show_table(pd.DataFrame(rows))
del without

figure, axis = plt.subplots(figsize=(7, 2))
axis.bar(
    ablation["k"],
    ablation["loss"],
    color=[COLOURS["validation"] if k in keys else "0.75" for k in ablation["k"]],
)
axis.axhline(torch.tensor(p).log(), color=REFERENCE, ls="--", lw=0.8)
axis.annotate(
    "a guess: ln p",
    (1, 1),
    xycoords=("axes fraction", "axes fraction"),
    ha="right",
    fontsize=7,
    color=REFERENCE,
)
axis.set(yscale="log", xlabel="frequency removed from the neurons", ylabel="loss, all pairs")
show(figure, "Loss on all pairs after removing each frequency: only the keys matter")

# %% [markdown]
# **What to see.** Without a key frequency the network loses much; without any other frequency,
# nothing. The keys are not only visible in the weights: the answers depend on them.
