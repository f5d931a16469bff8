# %% [markdown]
# ## 5 TransformerLens: the network of the study in it
#
# ### Which of the seeds
#
# All seeds of the one-layer softmax network are judged on all p² pairs. *Key frequencies* are
# found by a rule, not by eye: those that have at least three times their share of a flat spectrum
# in W_L = W_out W_U, the matrix from neurons to logits. The first seed that answers everything is
# opened.

# %% tags=["clock"]
from mechanics.addition.activations import neuron_logits
from mechanics.addition.fourier import key_frequencies

rows = []
for network in addition_seeds:
    logits = addition.forward(network.weights, pairs[None], network.architecture)[0]
    right = logits.argmax(-1) == answers
    unseen = ~training_mask(p, fraction, network.seed)
    spectrum = frequency_shares(neuron_logits(network.weights, network.architecture).mT)
    rows.append(
        {"seed": network.seed, "last step": network.step, "all pairs right": int(right.sum())}
    )
    rows[-1]["accuracy, never trained on"] = float(right[unseen].double().mean())
    rows[-1]["key frequencies"] = " ".join(map(str, key_frequencies(spectrum))) or "none"
seeds_b = pd.DataFrame(rows)
show_table(seeds_b)
chosen = int(seeds_b["all pairs right"].argmax())
clock = addition_seeds[chosen]
keys = key_frequencies(frequency_shares(neuron_logits(clock.weights, clock.architecture).mT))
perfect = seeds_b["all pairs right"][chosen] == p * p
print(f"seed {clock.seed} is opened: {'all' if perfect else 'not all'} {p * p:,} pairs are right")
if not perfect:
    print("It has not grokked: what follows shows a network without the finished circuit.")
kind = "key" if keys else "strongest"
if not keys:
    by_share = frequency_shares(clock.weights["embed.W_E"][0, :p]).argsort(descending=True)
    keys = (by_share[: max(1, min(3, len(by_share) // 2))] + 1).tolist()
    print(f"It has no key frequency: the strongest of W_E, {keys}, are shown in their place.")

# %% [markdown]
# ### The same network in TransformerLens
#
# The weights are copied into TransformerLens's own model, whose hooks can read and replace every
# activation. It, the model of part 2 and the study's own code give the same logits for every pair
# (float64).

# %% tags=["clock"]
from mechanics.models.lens import to_lens

exact = {name: tensor.double() for name, tensor in clock.weights.items()}
model = to_lens(exact, clock.architecture)
prompts_b = torch.nn.functional.pad(pairs, (0, 1), value=p)  # "a b =", "=" being token p
HOOK = "blocks.0.mlp.hook_post"
read = {"blocks.0.attn.hook_pattern", HOOK}
lens_logits, cache = model.run_with_cache(prompts_b, names_filter=lambda name: name in read)
logits = lens_logits[:, -1]  # read at "="
others = {
    "the model of part 2": from_scratch(clock).double()(pairs),
    "the study's own forward": addition.forward(exact, pairs[None], clock.architecture)[0],
}
print({name: tuple(cache[name].shape) for name in sorted(read)})
for name, ours in others.items():
    print(f"largest difference from {name}: {float((logits - ours).abs().max()):.1e}")
    assert torch.allclose(logits, ours, atol=1e-8)
pattern = cache["blocks.0.attn.hook_pattern"][:, :, -1]  # pair × head × (a, b, =)
neurons = cache[HOOK][:, -1]  # pair × neuron
del cache, lens_logits, others, ours

# %% [markdown]
# ### Attention patterns
#
# How much of the attention of "=" goes to a, over the whole table of pairs, one map for every
# head.

# %% tags=["clock"]
n_heads = pattern.shape[1]
figure, axes = plt.subplots(1, n_heads, figsize=(7, 2.2), squeeze=False)
for head, axis in enumerate(axes[0]):
    to_a = pattern[:, head, 0].view(p, p)
    axis.imshow(to_a, cmap="viridis", origin="lower")
    axis.set(title=f"head {head}: {to_a.mean():.2f} ± {to_a.std():.2f}", xlabel="b", yticks=[])
axes[0, 0].set_ylabel("a")
show(figure, "Attention of the equals sign to a over all pairs, a map for every head")
to_equals = ", ".join(f"{share:.1%}" for share in pattern[:, :, 2].mean(0).tolist())
print(f"mean attention to '=' itself, by head: {to_equals}")

# %% [markdown]
# **What to see.** Plaids, not stripes: attention depends on a and on b, by waves, but not on a +
# b. The heads bring the waves of a and of b to "="; adding is left to the neurons.
