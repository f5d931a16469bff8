# %% [markdown]
# ## 5 TransformerLens: read and replace what passes inside
#
# The study's trained network, copied into TransformerLens's own model. A *hook* is a function that
# TransformerLens calls with an activation as it passes: it can look, or return another one.
# `run_with_cache` is the hook that keeps everything. In float64 the model and ours agree.

# %% tags=["clock"]
from mechanics.models.lens import to_lens  # renames and transposes; the model is TransformerLens's

guesses = [load(AdditionTransformer(p, **shape), own)(pairs) for own in addition_seeds]
scores = [float((guess.argmax(dim=1) == answers).double().mean()) for guess in guesses]
clock = addition_seeds[scores.index(max(scores))]  # the first that answers everything, or most
known = training_mask(p, fraction, clock.seed)
exact = clock.exact()
model = to_lens(exact.weights, clock.architecture)
prompts = functional.pad(pairs, (0, 1), value=p)  # "a b =": "=" is token p
PATTERN, NEURONS = "blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_post"
logits, cache = model.run_with_cache(prompts, names_filter=[PATTERN, NEURONS])
logits, pattern, neurons = (t[..., -1, :] for t in (logits, cache[PATTERN], cache[NEURONS]))
del cache
print(f"seed {clock.seed} answers {max(scores):.2%} of all {len(pairs):,} pairs")
print(f"attention of '=': {tuple(pattern.shape)}, neurons: {tuple(neurons.shape)}")
ours = load(AdditionTransformer(p, **shape).double(), exact)
assert torch.allclose(logits, ours(pairs), atol=1e-8)

# %% [markdown] tags=["clock"]
# **Predict:** draw how much of the attention of "=" goes to a, for all a and b. If the network
# added in its attention, the map would have stripes along a + b.

# %% tags=["clock"]
figure, axes = plt.subplots(1, pattern.shape[1], figsize=(7, 2.2), squeeze=False)
for head, axis in enumerate(axes[0]):
    to_a = pattern[:, head, 0].view(p, p)
    axis.imshow(to_a, cmap="viridis", origin="lower")
    axis.set(title=f"head {head}: {to_a.mean():.2f} ± {to_a.std():.2f}", xlabel="b", yticks=[])
axes[0, 0].set_ylabel("a")
show(figure, "Attention of the equals sign to a over all pairs, a map for every head")

# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# Plaids, not stripes along the anti-diagonals: attention depends on a and on b by waves, but not on
# their sum. The heads bring waves of a and waves of b to "="; the adding is left to the neurons.
# </details>
