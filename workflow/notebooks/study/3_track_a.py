# %% [markdown]
# ## 3 Track A: does a layer take a gradient step?
#
# ### First by hand
#
# Exercise 1 can be read in another way: ŷ = c/k · Σ_i (x_testᵀ x_i) y_i is a sum over tokens of a
# *score* x_testᵀx_i times a *value* y_i. That is attention without softmax. So one layer of linear
# attention *can* take the step (von Oswald et al.), if it subtracts the prediction from the last
# coordinate: that of the query starts at zero and ends at −ŷ, those of the context become the
# residuals y_i − wᵀx_i, which are all that the next layer needs for the next step.
#
# **Exercise 3.** Which W_Q, W_K, W_V, W_O do it? Mind the √d_head by which scores are divided.


# %% tags=["exercise"]
def gradient_step_weights(d, c):
    """Four matrices (d + 1) × (d + 1), for tokens [x; y], of one step of size c."""
    on_x, on_y = torch.eye(d + 1), torch.zeros(d + 1, d + 1)
    on_x[d, d], on_y[d, d] = 0, 1
    return {"W_Q": (d + 1) ** 0.5 * on_x, "W_K": on_x, "W_V": on_y, "W_O": -c * on_y}


# %%
def hand_built(d, c, n_layers):
    model = RegressionTransformer(d, n_layers=n_layers)
    for block in model.blocks:
        weights = gradient_step_weights(d, c)
        block.attn.load_state_dict({name: matrix[None] for name, matrix in weights.items()})
    return model


torch.manual_seed(1)
x, y, x_test, w = draw_prompts(1, 20, 10)
for c in (0.25, 0.5):
    by_steps = torch.zeros(1, 10, 1)
    for n in range(1, 7):
        by_steps = by_steps + c * x.mT @ (y[..., None] - x @ by_steps) / x.shape[1]
        by_layers = hand_built(10, c, n)(x, y, x_test)
        assert torch.allclose(by_layers, (x_test @ by_steps)[..., 0], atol=1e-4), (
            f"{n} layers do not predict as {n} steps: check the sign of W_O and the √d_head"
        )
print(f"{n} layers are {n} steps: ŷ = {by_layers[0, 0]:.4f}, {(x_test @ by_steps)[0, 0, 0]:.4f}")

# %% [markdown]
# ### Then the trained layer, read
#
# A Transformer *can* do gradient descent. Does one that is merely trained to predict do it?
# **Predict** what its matrices look like, before you open them.
#
# Of the four matrices only two products act: W_QK = W_Q W_Kᵀ/√d_head and W_OV = W_V W_O. Multiply
# out what one layer predicts, in blocks of x and y. The terms that are linear in y are
#
# > x_testᵀ Γ G, with G = XᵀY/k. A gradient step of size c means Γ = c·I and nothing besides.
#
# **Exercise 4.** Find Γ. There are two ways to make a product x_i y_i: x in the score and y as the
# value, or y in the score and x as the value.


# %% tags=["exercise"]
def gamma(W_QK, W_OV):
    """Γ (d × d) of a layer with these products, both (d + 1) × (d + 1), y last."""
    d = len(W_QK) - 1
    return -(W_QK[:d, :d] * W_OV[d, d] + torch.outer(W_QK[:d, d], W_OV[:d, d]))


# %%
def products(layer):
    W_Q, W_K, W_V, W_O = (getattr(layer.blocks[0].attn, f"W_{letter}")[0] for letter in "QKVO")
    return W_Q @ W_K.mT / W_Q.shape[-1] ** 0.5, W_V @ W_O


layer = RegressionTransformer(10)  # random weights
odd = (layer(x, y, x_test) - layer(x, -y, x_test)) / 2  # the terms that change sign with y
G = x.mT @ y[..., None] / x.shape[-2]
assert torch.allclose(odd, (x_test @ gamma(*products(layer)) @ G)[..., 0], atol=1e-3), (
    "Γ misses a way to make x_i y_i, or the minus with which y is read out"
)
by_hand = gamma(*products(hand_built(10, 0.5, 1)))
assert torch.allclose(by_hand, 0.5 * torch.eye(10), atol=1e-5), "that of exercise 3 has Γ = c·I"

# %% [markdown]
# Which c would be best? Average the squared error of exercise 1 over Gaussian prompts: the risk of
# one step of size c is r(c) = 1 − 2c + c²(k + d + 1)/k. Over the mixture of context lengths that
# the study trains with, the best c is c\* = 1/(1 + (d + 1)·E[1/k]). Nothing is fitted to a network.

# %% tags=["gradient-step"]
regression_seeds = final_networks(study, *model_for(study, "gradient-step"))
d, k_min, k_max = (regression_seeds[0].settings[key] for key in ("d", "k_min", "k_max"))
c_star = 1 / (1 + (d + 1) * sum(1 / k for k in range(k_min, k_max + 1)) / (k_max - k_min + 1))
layers = [load(RegressionTransformer(d), network) for network in regression_seeds]
gammas = [gamma(*products(layer)) for layer in layers]
sizes = [float(own.trace()) / d for own in gammas]
away = [float((own - c * torch.eye(d)).norm() / own.norm()) for own, c in zip(gammas, sizes)]
print(f"d = {d}, contexts of {k_min} to {k_max} pairs, {len(layers)} seeds")
print(f"step size tr Γ/d: {min(sizes):.4f} to {max(sizes):.4f}; the theory's c*: {c_star:.4f}")
print(f"distance of Γ from a multiple of the identity: at most {max(away):.2%} of its norm")

W_QK, W_OV = (matrix.clone() for matrix in products(layers[0]))
W_QK[d], W_OV[:, :d] = torch.nan, torch.nan  # never read: the query's y is 0, only y is read out
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
draw_maps(axes, {"W_QK on [x; y]": W_QK, "W_OV on [x; y]": W_OV, "Γ": gammas[0]})
show(figure, "W_QK is a multiple of the identity on x, W_OV acts on y alone, Γ is diagonal")

# %% [markdown]
# <details><summary>Explain it, then compare</summary>
#
# W_QK is a multiple of the identity on x, W_OV has one cell, (y, y), and grey cells are never read.
# Training found exercise 3. The signs of the two are free: only their product counts.
# </details>
#
# ### Its predictions
#
# **Predict:** plot the trained layer's ŷ against that of one step, and against that of least
# squares, for the longest context. Which cloud is a line? And as k grows, does the risk approach
# zero?

# %% tags=["gradient-step"]
torch.manual_seed(2)
lengths = sorted({*regression_seeds[0].settings["measured_at"], k_max, 4 * k_max})
risks = []
for k in lengths:
    x, y, x_test, w = draw_prompts(2000, k, d)
    guesses = layers[0](x, y, x_test), one_step(x, y, x_test, c_star), least_squares(x, y, x_test)
    risks.append(risk_of(guesses[0], x_test, w))
    law = 1 - 2 * sizes[0] + sizes[0] ** 2 * (k + d + 1) / k
    print(f"k = {k}: risk {risks[-1]:.3f}, by the law of its own step size {law:.3f}")
    if k == k_max:
        ours, *others = guesses

figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for axis, other, name in zip(axes, others, ("one step of size c*", "least squares")):
    axis.plot(other.flatten()[:1500], ours.flatten()[:1500], ".", ms=2, color=COLOURS["linear_L1"])
    axis.axline((0, 0), slope=1, color=REFERENCE, lw=0.8, ls="--")
    axis.set(xlabel=f"ŷ of {name}", ylabel="ŷ of the trained layer", title=f"k = {k_max}")
grid = torch.arange(k_min, 4 * k_max + 1)
axes[2].plot(grid, 1 - 2 * c_star + c_star**2 * (grid + d + 1) / grid, color=REFERENCE, ls="--")
axes[2].plot(grid, (1 - grid / d).clamp(min=0), color="black", lw=0.8)
axes[2].plot(lengths, risks, "o", ms=4, color=COLOURS["linear_L1"])
axes[2].axhline((1 - c_star) ** 2, color=REFERENCE, ls=":")
axes[2].set(title="dots: the layer; dashed: the law\nblack: least squares", xscale="log")
axes[2].set(xlabel="context length k", ylabel="risk (MSE/d)", ylim=(0, None))
show(figure, "The layer's predictions lie on those of one step and scatter about least squares")

# %% [markdown]
# <details><summary>Explain it, then compare</summary>
#
# Point by point the layer *is* one gradient step, not least squares. Its risk tends to (1 − c)²,
# the dotted line, for any number of examples. So the expectation that the error approaches that of
# least squares is false for one layer, and must be: no choice of its matrices makes a second step.
# </details>
#
# ### The attention map
#
# "High attention to the tokens that match the query" holds with one caveat: the signs of the score
# and of the value are only determined together. So the map is multiplied by the sign of the value
# path: what is positive *adds* y_i to the prediction.

# %% tags=["gradient-step"]
x, y, x_test, w = (drawn[0] for drawn in draw_prompts(1, 24, d, n_tests=10))
order = (x @ x_test[0]).argsort(descending=True)
tokens = torch.cat([x, y[:, None]], dim=1)[order]
W_QK, W_OV = products(layers[0])
A = -W_OV[d, d].sign() * functional.pad(x_test, (0, 1)) @ W_QK @ tokens.mT
match = x_test @ x[order].mT
both = torch.stack([A.flatten(), match.flatten()])
print(f"correlation of the signed attention with x_testᵀx_i: {torch.corrcoef(both)[0, 1]:.4f}")

figure, axes = plt.subplots(1, 3, figsize=(7, 2.5), width_ratios=[1, 1, 0.9])
draw_maps(axes, {"signed A = ±QKᵀ": A, "x_testᵀx_i": match})
axes[0].set(xlabel="context token, sorted by the first row", ylabel="test point")
axes[2].plot(match.flatten(), A.flatten(), ".", ms=3, color=COLOURS["linear_L1"])
axes[2].set(xlabel="x_testᵀx_i", ylabel="signed A", title="every entry")
show(figure, "The signed attention map and the map of matches look the same")

# %% [markdown]
# ### Any network, one picture: the spectral filter
#
# What does a network do that is *not* one linear layer? Take its effective weights g = ∂ŷ/∂x_test
# and look along the eigenvectors u of S = XᵀX/k. Directions with a large eigenvalue s are well lit
# by the examples. How much of w does the network keep along each?
#
# > f(s) = Σ (uᵀg)(uᵀw) / Σ (uᵀw)², over directions of eigenvalue near s
#
# **Predict** f for one step of gradient descent, for least squares, and for two steps.
#
# **Exercise 5.** Write f, for bins that hold equally many directions.


# %% tags=["exercise"]
def spectral_filter(s, along_g, along_w, n_bins):
    """Mean s, and f, of n_bins bins in the order of s; all three flat, one entry a direction."""
    bins = s.argsort().tensor_split(n_bins)
    f = [(along_g[bin] * along_w[bin]).sum() / along_w[bin].square().sum() for bin in bins]
    return torch.stack([s[bin].mean() for bin in bins]), torch.stack(f)


# %%
from mechanics.models import regression
from mechanics.models.prompts import Prompts

s, along_w = torch.rand(60), torch.randn(60)
found, f = spectral_filter(s, 0.7 * s * along_w, along_w, 60)  # g of one step: c·s along each u
assert torch.equal(found, s.sort().values), "with a bin for each direction, s itself in its order"
assert torch.allclose(f, 0.7 * found, atol=1e-5), "one step of size c has f(s) = c·s"
two = torch.tensor([[-1.0, 0.0], [1.0, 3.0]])  # uᵀg and uᵀw of two directions in one bin
f = float(spectral_filter(torch.ones(2), *two, 1)[1])
assert abs(f + 0.1) < 1e-6, "sum over a bin, then divide: −1 / (1 + 9)"


def study_predicts(network, x, y, x_test):
    """ŷ of any regression network of the study, by its own code, which has a dimension of seeds."""
    prompts = Prompts(*(part[None] for part in (x, y, x_test, x_test[..., 0])))
    return regression.forward(network.weights, prompts, network.architecture)[0]


def effective_weights(model, x, y, x_test):
    """g (n × d) by automatic differentiation, the mean over the test points."""
    x_test = x_test.clone().requires_grad_()
    with torch.enable_grad():
        total = model(x, y, x_test).sum()
    return torch.autograd.grad(total, x_test)[0].mean(dim=1)


# %% tags=["gradient-step"]
torch.manual_seed(3)
x, y, x_test, w = draw_prompts(400, 2 * d, d)
s, u = torch.linalg.eigh(x.mT @ x / x.shape[1])
along_w = (u.mT @ w)[..., 0]
names = [model for task, model in networks(study) if task == "linear_regression"]
figure, axis = plt.subplots(figsize=(5, 2.8))
for name in names:
    network = next(iter(final_networks(study, "linear_regression", name)), None)
    if network is None or network.settings["d_max"]:
        continue  # diverged, or made for other tokens
    g = effective_weights(lambda *prompt, of=network: study_predicts(of, *prompt), x, y, x_test)
    along_g = (u.mT @ g[..., None])[..., 0]
    curve = spectral_filter(s.flatten(), along_g.flatten(), along_w.flatten(), 12)
    axis.plot(*curve, ".-", color=colour(name, names), label=label(name))
axis.plot([0, 1 / c_star], [0, 1], color=REFERENCE, ls="--", label="one step, c*s")
axis.axhline(1, color="black", lw=0.8, label="least squares")
axis.set(xlabel="eigenvalue s of XᵀX/k", ylabel="share of w kept, f(s)", ylim=(0, 1.7))
axis.legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
show(figure, "Share of w that each network keeps, by the eigenvalue of the direction")

# %% [markdown]
# <details><summary>Explain it, then compare</summary>
#
# One step keeps c·s, in proportion to how well a direction is lit; the linear layer lies on that
# line. Least squares keeps everything. L steps of one size keep 1 − (1 − cs)^L, a curve that rises
# to one. In the published study one softmax head keeps less than a step, two heads make one; two
# and three linear layers fall short where s is small, and six layers keep all that is shown here.
# So a filter tells *which* algorithm a network runs.
# </details>
