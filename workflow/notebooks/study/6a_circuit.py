# %% [markdown]
# ## 6 The circuit of modular addition
#
# ### The embedding is made of waves
#
# W_E has a row for every number t. Is there an order in it? Take the Fourier transform down the
# rows, column by column, and add up the power over the columns.
#
# **Exercise 6.** Write it. `torch.fft.rfft` gives the constant first: leave it out.


# %% tags=["clock", "exercise"]
def spectrum(rows):
    """Share of each frequency 1 … (p − 1)/2 in what varies over the numbers; rows: p × feature."""
    power = torch.fft.rfft(rows, dim=0)[1:].abs().square().sum(dim=1)
    return power / power.sum()


# %% tags=["clock"]
angles = torch.arange(113)[:, None] * 2 * torch.pi / 113 * torch.tensor([5.0, 17.0]).double()
circles = torch.cat([angles.cos(), angles.sin()], dim=1)  # planted: k = 5 and k = 17
one_wave = spectrum(3 + angles[:, :1].cos())
assert float(one_wave[4]) > 0.999, "one wave, k = 5: its power is at index 4 (no constant)"
two_waves = spectrum(angles.cos() * torch.tensor([1.0, 2.0]))
assert abs(float(two_waves[4]) - 0.2) < 1e-6, "power goes as the square of the height: 1 to 4"
assert spectrum(torch.randn(113, 500)).max() < 3 / 56, "noise is flat, and all shares sum to one"

# %% [markdown] tags=["clock"]
# Two places to look: where numbers enter, W_E, and where the neurons' answers leave, W_L = W_out
# W_U. Call a frequency *key* if it has at least three times its share of a flat spectrum in W_L.

# %% tags=["clock"]
weights = {name: tensor[0] for name, tensor in exact.weights.items()}
W_E = weights["embed.W_E"][:p]  # the last row is "="
W_L = weights["blocks.0.mlp.W_out"] @ weights["unembed.W_U"]  # neuron × answer
shares = spectrum(W_L.mT)
flat = 1 / len(shares)
keys = [k for k, share in enumerate(shares.tolist(), start=1) if share > 3 * flat]
if not keys:
    keys = [int(shares.argmax()) + 1]
    print("No frequency stands out: this network has not grokked. The strongest is shown instead.")
print(f"key frequencies: {keys}")

figure, axes = plt.subplots(1, 3, figsize=(7, 2.3))
for axis, rows, name in ((axes[0], W_E, "W_E, by number"), (axes[1], W_L.mT, "W_L, by answer")):
    shades = [COLOURS["validation"] if k in keys else "0.75" for k in range(1, len(shares) + 1)]
    axis.bar(range(1, len(shares) + 1), spectrum(rows), color=shades)
    axis.axhline(flat, color=REFERENCE, ls="--", lw=0.8)
    axis.set(title=name, xlabel="frequency k", ylabel="share of the variance")
centred = W_E - W_E.mean(dim=0)
_, singular, directions = torch.linalg.svd(centred, full_matrices=False)
axes[2].plot(range(1, len(singular) + 1), singular, ".-", color=COLOURS["train"], ms=3)
axes[2].set(title="singular values of W_E", xlabel="component", ylim=(0, None))
show(figure, "Fourier spectra of embedding and neurons: few frequencies; singular values in pairs")

# %% [markdown] tags=["clock"]
# ### Circles
#
# A number t stored as (cos ωt, sin ωt), with ω = 2πk/p, lies on a circle. PCA finds *a* plane, but
# its components may mix frequencies. The plane of one frequency is where the waves point: the span
# of W_Eᵀcos ωt and W_Eᵀsin ωt.
#
# **Exercise 7.** Project the numbers on it (`torch.linalg.qr` makes the two directions
# orthonormal).


# %% tags=["clock", "exercise"]
def on_plane(centred, k):
    """Coordinates p × 2 of the rows of centred (p × feature) in the plane of frequency k."""
    angle = 2 * torch.pi * k / len(centred) * torch.arange(len(centred)).to(centred)
    plane = torch.linalg.qr(centred.mT @ torch.stack([angle.cos(), angle.sin()], dim=1)).Q
    return centred @ plane


# %% tags=["clock"]
def unevenness(points):
    radius = points.norm(dim=1)
    return float(radius.std() / radius.mean())


turned = circles @ torch.linalg.qr(torch.randn(9, 4).double()).Q.mT
for k in (5, 17):
    assert unevenness(on_plane(turned, k)) < 1e-6, f"the planted circle of k = {k} is not round"
    radius = float(on_plane(3 * turned, k).norm(dim=1).mean())
    assert abs(radius - 3) < 1e-6, f"the planted circle of k = {k} has radius 3, not {radius:.3g}"

# %% tags=["clock"]
shown = {"first two PCs": centred @ directions[:2].mT}
shown |= {f"plane of k = {k}": on_plane(centred, k) for k in keys[:4]}
figure, axes = plt.subplots(1, len(shown), figsize=(7, 1.9))
for axis, k, (title, points) in zip(axes, [keys[0], *keys], shown.items()):
    axis.scatter(*points.mT, c=torch.arange(p) * k % p, cmap="twilight", s=4)
    axis.set(title=f"{title}\nradius ± {unevenness(points):.0%}", xticks=[], yticks=[])
    axis.set_aspect("equal")
show(figure, "The numbers in the plane of the first two components and in those of key frequencies")

# %% [markdown] tags=["clock"]
# ### Neurons, and the phase law
#
# A neuron reads the stream, and its ReLU bends. **Predict** what the activation of one neuron looks
# like over all a and b.

# %% tags=["clock"]
size = neurons.var(dim=0) * (W_L - W_L.mean(dim=1, keepdim=True)).square().sum(dim=1)
strongest = size.argsort(descending=True)  # by what they contribute to the logits
by_sum = torch.zeros(p, len(size)).double().index_add_(0, answers, neurons) / p
figure, axes = plt.subplots(2, 4, figsize=(7, 3.6))
for column, neuron in enumerate(strongest[:4].tolist()):
    axes[0, column].imshow(neurons[:, neuron].view(p, p), cmap="magma", origin="lower")
    axes[0, column].set(title=f"neuron {neuron}", xticks=[], yticks=[], xlabel="b")
    axes[1, column].plot(by_sum[:, neuron], color=COLOURS["validation"], lw=0.9)
    axes[1, column].set(xlabel="a + b mod p")
axes[0, 0].set_ylabel("a")
axes[1, 0].set_ylabel("mean activation")
show(figure, "Four neurons over all pairs, and their mean activation by the sum a+b")

# %% [markdown] tags=["clock"]
# A neuron reads cos(ωa + φ_a) + cos(ωb + φ_b), a wave of *one* frequency in each number. The ReLU
# multiplies, and the product of two waves has a part cos(ω(a + b) + φ_a + φ_b). The neuron then
# writes a wave cos(ωc + ψ) over the answers c. **Predict:** which ψ makes the product of the two
# largest at c = a + b, for every pair at once?
#
# <details><summary>Answer</summary>
#
# ψ = φ_a + φ_b. Then the neuron adds a multiple of cos ω(a + b − c), whatever its own phases are,
# and neurons of all phases help each other. This is the *phase law*.
# </details>
#
# **Exercise 8.** Write the function that reads a phase, and see whether the law holds.


# %% tags=["clock", "exercise"]
def phase(waves, k):
    """φ of the part r cos(ωt + φ), ω = 2πk/p, of each column of waves (p × neuron)."""
    return torch.fft.rfft(waves, dim=0)[k].angle()


# %% tags=["clock"]
planted = torch.stack([1 + 2 * (angles[:, 0] + 0.4).cos(), (angles[:, 0] - 2).cos()], dim=1)
assert torch.allclose(phase(planted, 5), torch.tensor([0.4, -2.0]).double()), (
    "the planted phases are 0.4 and −2.0: mind the sign, and which entry is frequency k"
)

# %% tags=["clock"]
caught = []  # by a hook of PyTorch, on the MLP of our own model
hook = ours.blocks[0].mlp.register_forward_pre_hook(lambda module, args: caught.append(args[0]))
ours(pairs)
hook.remove()
read = (caught[0][:, 0] @ ours.blocks[0].mlp.W_in).view(p, p, -1)  # before bias and ReLU
of_a, of_b = read.mean(dim=1), read.mean(dim=0)  # p × neuron
power = torch.fft.rfft(of_a, dim=0)[1:].abs() ** 2 + torch.fft.rfft(of_b, dim=0)[1:].abs() ** 2
reads = power.argmax(dim=0) + 1  # the frequency that each neuron reads most
writes = torch.fft.rfft(W_L.mT, dim=0)[1:].abs().argmax(dim=0) + 1
busy = size > size.mean()  # they do most of the work
same = float((reads == writes)[busy].double().mean())
work = float(size[busy].sum() / size.sum())
print(f"{int(busy.sum())} neurons do {work:.0%} of the work; {same:.0%} write what they read")

figure, axis = plt.subplots(figsize=(3.4, 3))
turn, agree, null = 2 * torch.pi, [], []
for k in keys:
    of_k = (reads == k) & busy
    inputs, output = (phase(of_a, k) + phase(of_b, k))[of_k], phase(W_L.mT, k)[of_k]
    axis.plot(inputs % turn / torch.pi, output % turn / torch.pi, ".", ms=4, label=k)
    agree.append((output - inputs).cos())
    null.append((output[torch.randperm(len(output))] - inputs).cos())
print(f"mean of cos(ψ − φ_a − φ_b): {torch.cat(agree).mean():.3f}; 1 if the law holds")
print(f"with each ψ given to another neuron: {torch.cat(null).mean():.3f}")
axis.axline((0, 0), slope=1, color=REFERENCE, ls="--", lw=0.8)
axis.set(xlabel="φ_a + φ_b, in π", ylabel="ψ, in π", title="the phase law, neuron by neuron")
axis.legend(frameon=False, title="k", bbox_to_anchor=(1, 1), loc="upper left")
show(figure, "Output phase against the sum of input phases: the neurons lie on the diagonal")

# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# The neurons lie on the diagonal, spread round the whole circle. The spread matters: a neuron also
# writes unwanted waves, which turn with its own phase, so that neurons of all phases cancel them.
# That is why a neuron alone is not a pure function of a + b, and the network is.
# </details>
#
# ### The logits
#
# All neurons together should then give
#
# > logit(c) ≈ Σ_k α_k cos ω_k(a + b − c), largest where c = a + b: there all cosines are one.
#
# **Predict:** would a single frequency be enough to answer every pair? Why then are there several?

# %% tags=["clock"]
number = torch.arange(p)
cube = (logits - logits.mean(dim=1, keepdim=True)).view(p, p, p)
distance = (number[:, None, None] + number[:, None] - number) % p  # a + b − c
profile = torch.zeros(p).double().index_add_(0, distance.flatten(), cube.flatten()) / p**2
waves = torch.stack([(2 * torch.pi * k / p * number.double()).cos() for k in keys])
alpha = waves @ profile * 2 / p  # the waves are orthogonal, with norm² p/2
share = float((alpha**2).sum() * p**3 / 2 / cube.square().sum())
print(f"share of the logits' variance in the cosines of {keys}: {share:.1%}")
order = alpha.argsort(descending=True)
for n in range(1, len(keys) + 1):
    kept = alpha[order[:n]] @ waves[order[:n]]
    kept = kept * alpha.sum() / alpha[order[:n]].sum()  # as high at 0 as all together
    lead = float(kept[0] - kept[1:].max())
    print(f"with {n} of the waves the right answer leads the next by {lead:.2f}")

figure, axes = plt.subplots(1, 2, figsize=(7, 2.5))
axes[0].plot(number, profile, ".", ms=3, color=COLOURS["train"], label="network, mean over pairs")
axes[0].plot(number, alpha @ waves, color=COLOURS["validation"], lw=0.9, label="sum of the cosines")
axes[0].set(xlabel="a + b − c mod p", ylabel="logit")
near = torch.arange(-12, 13).double()
for k, amplitude in zip(keys, alpha):
    axes[1].plot(near, amplitude * (2 * torch.pi * k / p * near).cos(), label=f"k = {k}")
axes[1].set(xlabel="a + b − c")
for axis in axes:
    axis.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
show(figure, "The mean logit by a+b−c is a sum of a few cosines that agree only at zero")
