# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# In exact arithmetic one wave is enough: p is prime, so cos ωd is one at d = 0 only. But its
# neighbours are nearly as high. Waves of several frequencies agree at zero and nowhere else: the
# lead grows with every wave, at the same height. Cross-entropy pays for the lead, weight decay for
# small weights. The circuit is not the simplest that is right, but a cheap one with a large lead.
# </details>
#
# ### Break it: remove a wave
#
# What is seen may still not be used. Take the waves cos ω(a + b) and sin ω(a + b) of one frequency
# out of the neurons. **Predict** what happens to the answers for a key frequency, and for another.
#
# **Exercise 9.** Write the removal. Average over the pairs of each sum, keep frequency k, subtract.


# %% tags=["clock", "exercise"]
def without_wave(values, k, answers):
    """values (pair × feature) less their part of frequency k in a + b; answers: each pair's sum."""
    p = int(answers.max()) + 1
    means = torch.zeros(p, values.shape[1]).to(values).index_add_(0, answers, values) / p
    turning = torch.fft.rfft(means, dim=0)
    alone = torch.zeros_like(turning)
    alone[k] = turning[k]
    return values - torch.fft.irfft(alone, n=p, dim=0)[answers]


# %% tags=["clock"]
angle = 2 * torch.pi * 2 / p * answers.double()
planted = torch.stack([angle.cos(), angle.sin() + 1], dim=1)
constants = torch.tensor([0.0, 1.0]).double()
assert torch.allclose(without_wave(planted, 2, answers), constants), "only its mean may be left"
assert torch.allclose(without_wave(planted, 1, answers), planted), "another frequency must stay"
wave_of_a = (4 * torch.pi / p * pairs[:, :1].double()).cos()
assert torch.allclose(without_wave(wave_of_a, 2, answers), wave_of_a), "a wave of a alone must stay"

written = neurons @ W_L
rest = logits - written  # what attention writes to the logits directly, past the neurons
broken = []
for k in range(1, len(shares) + 1):
    guess = rest + without_wave(written, k, answers)
    right = (guess.argmax(dim=1) == answers).double().mean()
    broken.append((float(functional.cross_entropy(guess, answers)), float(right)))
loss, right = zip(*broken)
whole = float(functional.cross_entropy(logits, answers))
for k in keys:
    print(f"without k = {k}: loss {loss[k - 1]:.1e}, right {right[k - 1]:.1%}")
print(f"with all waves: loss {whole:.1e}")
figure, axis = plt.subplots(figsize=(7, 2))
axis.bar(range(1, len(shares) + 1), loss, color=shades)
axis.axhline(torch.tensor(p).log(), color=REFERENCE, ls="--", lw=0.8)
axis.axhline(whole, color="black", ls=":", lw=0.8)
axis.set(yscale="log", xlabel="frequency removed (dashed: a guess; dotted: nothing removed)")
axis.set(ylabel="loss, all pairs")
show(figure, "Loss on all pairs after removing each frequency: only the keys matter")

# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# Every key is needed for the *loss*, and no other frequency is. The *answers* forgive more: without
# one key the others often still put the right answer first, for the lead that they make is large.
# </details>
#
# ### Activation patching: which neurons cause the answer?
#
# Two prompts: clean (a, b) and corrupted (a′, b′). The network reads the corrupted one, but some
# neurons at "=" are given the values that they have for the clean one. Behind the neurons there is
# only a matrix, so you can know the result beforehand.
#
# **Exercise 10.** By how much do the logits change?


# %% tags=["clock", "exercise"]
def predicted_shift(clean, corrupted, W_L):
    """Change of the logits (prompt × answer) if these neurons (prompt × neuron) are patched."""
    return (clean - corrupted) @ W_L


# %% tags=["clock"]
torch.manual_seed(5)
clean, corrupted = torch.randint(len(pairs), (2, 200))


def patch(which):
    """Logits for the corrupted prompts, with these neurons as they are for the clean ones."""

    def hook(activation, hook):
        activation[:, -1, which] = neurons[clean][:, which]
        return activation

    return model.run_with_hooks(prompts[corrupted], fwd_hooks=[(NEURONS, hook)])[:, -1]


for which in (strongest[:1], strongest[:50]):
    shift = predicted_shift(neurons[clean][:, which], neurons[corrupted][:, which], W_L[which])
    assert torch.allclose(patch(which) - logits[corrupted], shift, atol=1e-6), (
        "patching says otherwise: the change of these neurons, from corrupted to clean, times W_L"
    )


def lead(rows):
    """How far the clean prompt's answer leads that of the corrupted prompt, on average."""
    ours, other = (rows.gather(1, answers[which][:, None]) for which in (clean, corrupted))
    return float((ours - other).mean())


low, high = lead(logits[corrupted]), lead(logits[clean])
groups = {f"neurons that read k = {k}": (reads == k).nonzero()[:, 0] for k in keys}
groups["all other neurons"] = (~torch.isin(reads, torch.tensor(keys))).nonzero()[:, 0]
groups |= {f"the {n} strongest": strongest[:n] for n in (1, 10, 100)}
groups["all neurons"] = strongest
for name, which in groups.items():
    recovered = (lead(patch(which)) - low) / (high - low)
    print(f"{name} ({len(which)}): {recovered:.1%} of the lead recovered")

# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# No single neuron is responsible for the modular jump. Each key's neurons carry a part, and the
# parts add up, as exercise 10 says that they must. What all neurons together lack of the whole is
# written by attention, past the neurons.
# </details>
