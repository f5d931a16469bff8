# %% [markdown]
# ## 6 The circuit of modular addition, opened
#
# ### The embedding is made of waves: the Fourier transform by hand
#
# W_E has one row for every number t = 0 … p − 1. `torch.fft` down the rows, for every column; the
# power is summed over the columns. A table of random vectors would have a flat spectrum.

# %% tags=["clock"]
W_E = exact["embed.W_E"][0, :p]  # the last row is "="
W_L = neuron_logits(clock.weights, clock.architecture)  # neuron × answer
frequencies = torch.arange(1, (p - 1) // 2 + 1)


def spectrum_of(rows):
    """Share of every frequency in what varies over the numbers (rows: number × feature)."""
    power = torch.fft.rfft(rows, dim=0)[1:].abs().square().sum(dim=1)
    return power / power.sum()


assert torch.allclose(spectrum_of(W_E), frequency_shares(W_E))  # the study uses cos and sin instead
figure, axes = plt.subplots(1, 2, figsize=(7, 2.3), sharey=True)
for axis, rows, name in ((axes[0], W_E, "W_E, by number"), (axes[1], W_L.mT, "W_L, by answer")):
    colours = [COLOURS["validation"] if k in keys else "0.75" for k in frequencies.tolist()]
    axis.bar(frequencies, spectrum_of(rows), color=colours)
    axis.axhline(1 / len(frequencies), color=REFERENCE, ls="--", lw=0.8)
    axis.set(title=name, xlabel="frequency k")
axes[0].set_ylabel("share of the variance")
show(
    figure,
    "Fourier spectra of the embedding and of the neurons' output: a few frequencies stand out",
)
inside = [float(spectrum_of(rows)[torch.tensor(keys) - 1].sum()) for rows in (W_E, W_L.mT)]
print(
    f"{kind} frequencies {keys} (coloured): {inside[0]:.1%} of W_E, {inside[1]:.1%} of W_L."
    f" Flat spectrum (dashed): {len(keys) / len(frequencies):.1%}"
)

# %% [markdown]
# **What to see.** A handful of frequencies, the same ones where numbers enter and where answers
# leave. k and p − k are one frequency, so k runs to (p − 1)/2 *inclusive*.
#
# ### SVD and PCA: where are the circles?
#
# If a number t is stored as (cos ω_k t, sin ω_k t), with ω_k = 2πk/p, the embedding lies on a
# circle in some plane. The leading principal components may mix frequencies; the plane of one
# frequency is spanned by W_Eᵀcos ω_k and W_Eᵀsin ω_k. Round is a claim to be measured: the
# variation of the radius (zero for a circle).

# %% tags=["clock"]
centred = W_E - W_E.mean(dim=0)
U, singular, directions = torch.linalg.svd(centred, full_matrices=False)
principal = centred @ directions[:2].mT

planes = {}
for k in keys[:5]:
    angle = 2 * torch.pi * k / p * torch.arange(p, dtype=torch.float64)
    basis = torch.linalg.qr(centred.mT @ torch.stack([angle.cos(), angle.sin()], dim=1)).Q
    planes[k] = centred @ basis

figure, axes = plt.subplots(2, 4, figsize=(7, 3.7))
axes = axes.flatten()
axes[0].plot(range(1, len(singular) + 1), singular, ".-", color=COLOURS["train"], ms=3)
axes[0].set(title="singular values of W_E", xlabel="component")
shown = [("first two PCs", principal), *((f"plane of k = {k}", xy) for k, xy in planes.items())]
for axis, (title, xy) in zip(axes[1:], shown, strict=False):
    radius = xy.norm(dim=1)
    axis.scatter(*xy.mT, c=torch.arange(p), cmap="twilight", s=5)
    axis.set(
        title=f"{title}\nradius ± {float(radius.std() / radius.mean()):.0%}", xticks=[], yticks=[]
    )
    axis.set_aspect("equal")
for axis in axes[1 + len(shown) :]:
    axis.axis("off")
show(figure, "Singular values of the embedding, its first two principal components, and key planes")

# %% [markdown]
# **What to see.** Singular values come in pairs (a cosine and its sine) and then drop. In its own
# plane a frequency is a circle, walked k times as t goes from 0 to p − 1 (colour: t). In the
# first two components it is one only if these happen to belong to the same frequency.
#
# ### Neurons are waves of a and b
#
# The neurons that add most to the logits, over all pairs.

# %% tags=["clock"]
from mechanics.addition.neurons import neuron_frequencies

contribution = neurons.var(dim=0) * (W_L - W_L.mean(dim=1, keepdim=True)).square().sum(dim=1)
strongest = contribution.argsort(descending=True)
tuned = neuron_frequencies(neurons, p)
by_sum = torch.zeros(p, len(strongest), dtype=torch.float64).index_add_(0, answers, neurons) / p
figure, axes = plt.subplots(2, 4, figsize=(7, 3.8))
for column, neuron in enumerate(strongest[:4].tolist()):
    axes[0, column].imshow(neurons[:, neuron].view(p, p), cmap="magma", origin="lower")
    title = f"neuron {neuron}\nk = {int(tuned.frequency[neuron])}, explains {tuned.fve[neuron]:.0%}"
    axes[0, column].set(title=title, xticks=[], yticks=[], xlabel="b")
    axes[1, column].plot(by_sum[:, neuron], color=COLOURS["validation"], lw=0.9)
    axes[1, column].set(xlabel="a + b mod p")
axes[0, 0].set_ylabel("a")
axes[1, 0].set_ylabel("mean activation")
show(figure, "Four neurons over all pairs, and their mean activation by the sum a+b")
explained = tuned.fve > 0.85
share = explained.double().mean()
print(f"neurons with more than 85 % of their variance from one frequency: {share:.0%}")

# %% [markdown]
# **What to see.** Each neuron is a rectified wave of *one* frequency in a and in b. The ReLU
# multiplies waves, and
#
# > cos ωa cos ωb − sin ωa sin ωb = cos ω(a + b)
#
# is what a multiplication is needed for. Not every neuron is a function of a + b (the maps are
# not pure stripes); the readout adds many of them so that the rest cancels.
#
# ### The logits against the formula
#
# > logit(c) ≈ Σ_k α_k cos ω_k(a + b − c),
#
# largest where c = a + b, since there all cosines are one. Left: the mean logit by a + b − c, and
# the formula with the keys alone (amplitudes by least squares). Right: what the sum of cosines
# looks like one by one.

# %% tags=["clock"]
cube = (logits - logits.mean(dim=1, keepdim=True)).view(p, p, p)
number = torch.arange(p)
distance = (number[:, None, None] + number[:, None] - number) % p  # a + b − c
profile = (
    torch.zeros(p, dtype=torch.float64).index_add_(0, distance.flatten(), cube.flatten()) / p**2
)
waves = torch.stack([(2 * torch.pi * k / p * number.double()).cos() for k in keys])
alpha = waves @ profile * 2 / p  # the waves are orthogonal, with norm² p/2
formula = alpha @ waves
share = float((alpha**2).sum() * p**3 / 2 / cube.square().sum())
margin = formula[0] - formula[1:].max()
print(f"share of the logits' variance in Σ α_k cos ω_k(a+b−c), k in {keys}: {share:.1%}")
print(f"the formula alone answers every pair: {bool(margin > 0)}, margin {margin:.2f}")

figure, axes = plt.subplots(1, 2, figsize=(7, 2.5))
axes[0].plot(number, profile, ".", ms=3, color=COLOURS["train"], label="network, mean over pairs")
axes[0].plot(number, formula, color=COLOURS["validation"], lw=0.9, label="Σ α cos ω(a+b−c)")
axes[0].set(xlabel="a + b − c mod p", ylabel="logit")
axes[0].legend(frameon=False)
for k, wave, amplitude in zip(keys, waves, alpha, strict=True):
    axes[1].plot(number, amplitude * wave, lw=0.8, label=f"k = {k}")
axes[1].set(xlabel="a + b − c mod p")
axes[1].legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
show(figure, "The mean logit by a+b−c is a sum of a few cosines that agree only at zero")
