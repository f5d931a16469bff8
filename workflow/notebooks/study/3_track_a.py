# %% [markdown]
# ## 3 Track A: a layer of linear attention becomes a step of gradient descent
#
# ### By hand
#
# From w = 0, one step on the loss ‖Xw − Y‖²/2k with step size η gives w₁ = η XᵀY/k, and the
# prediction
#
# > ŷ = x_testᵀ w₁ = η/k · Σ_i (x_testᵀ x_i) y_i.
#
# That is a sum over tokens of a *score* x_testᵀx_i times a *value* y_i: attention without
# softmax. So choose (von Oswald et al.)
#
# * W_Q = W_K = the identity on x, zero on y: the score is x_testᵀx_i;
# * W_V = zero on x, one on y: the value is y_i;
# * W_O = −η on y: the layer *subtracts* the step's prediction from the y of every token.
#
# The y of the query starts at zero and ends at −ŷ, so the prediction is minus the last
# coordinate. The y of the context tokens become residuals y_i − w₁ᵀx_i, which is all that the
# next step needs: L such layers are L steps. The gradient below is not a formula: it is PyTorch's
# own.


# %%
def hand_built(d, eta, n_layers):
    """A network each layer of which is one step of gradient descent."""
    on_x = torch.diag(torch.tensor([1.0] * d + [0.0], dtype=torch.float64))
    on_y = torch.eye(d + 1, dtype=torch.float64) - on_x
    scale = (d + 1) ** 0.5  # undoes that of the scores
    matrices = {"W_Q": scale * on_x, "W_K": on_x, "W_V": on_y, "W_O": -eta * on_y}
    model = RegressionTransformer(d, n_layers=n_layers).double()
    for block in model.blocks:
        block.attn.load_state_dict({name: matrix[None] for name, matrix in matrices.items()})
    return model


def gradient_descent(x, y, eta, n_steps):
    """w after steps from zero, by automatic differentiation."""
    w = torch.zeros(x.shape[1], dtype=x.dtype, requires_grad=True)
    for _ in range(n_steps):
        with torch.enable_grad():
            loss = ((x @ w - y) ** 2).mean() / 2
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - eta * gradient).detach().requires_grad_()
    return w.detach()


draw = torch.Generator().manual_seed(1)
x, x_new = (torch.randn(n, 10, generator=draw, dtype=torch.float64) for n in (20, 100))
y = x @ torch.randn(10, generator=draw, dtype=torch.float64)
eta = 0.5
rows = []
for n_layers in (1, 2, 6):
    by_attention = hand_built(10, eta, n_layers)(x, y, x_new)
    by_gradients = x_new @ gradient_descent(x, y, eta, n_layers)
    difference = float((by_attention - by_gradients).abs().max())
    assert difference < 1e-10
    rows.append({"layers = steps": n_layers, "first ŷ, attention": float(by_attention[0])})
    rows[-1] |= {"first ŷ, gradient descent": float(by_gradients[0])}
    rows[-1] |= {"largest difference, all test points": difference}
show_table(pd.DataFrame(rows))

# %% [markdown]
# A Transformer *can* do gradient descent. Does one that is merely trained to predict do it?
#
# ### The trained layer, read
#
# A head's four matrices act only through two products, W_QK = W_Q W_Kᵀ (scaled as in the scores)
# and W_OV = W_V W_O. Written in blocks, the layer predicts
#
# > ŷ = x_testᵀ Γ G + whatever is left, with G = XᵀY/k and
# > Γ = −(W_QK[x, x] · W_OV[y, y] + W_QK[x, y] W_OV[x, y]ᵀ).
#
# One step of gradient descent means Γ = c·I and all other blocks without effect. The best c over
# the trained mixture of context lengths follows from the moments of Gaussian matrices,
#
# > c\* = 1/(1 + (d+1)·E[1/k]).
#
# Nothing is fitted here.


# %%
def products(attention):
    """W_QK, scaled as in the scores, and W_OV of the first head, in float64."""
    W_Q, W_K, W_V, W_O = (getattr(attention, f"W_{letter}")[0].double() for letter in "QKVO")
    return W_Q @ W_K.mT / W_Q.shape[-1] ** 0.5, W_V @ W_O


# %% tags=["gradient-step"]
layers = [from_scratch(network).blocks[0].attn for network in regression_seeds]
mean_inverse = sum(1 / k for k in range(k_min, k_max + 1)) / (k_max - k_min + 1)  # E[1/k]
c_star = 1 / (1 + (d + 1) * mean_inverse)
rows, gammas = [], []
for network, layer in zip(regression_seeds, layers, strict=True):
    W_QK, W_OV = products(layer)
    gamma = -(W_QK[:d, :d] * W_OV[d, d] + torch.outer(W_QK[:d, d], W_OV[:d, d]))
    c_hat = float(gamma.trace()) / d
    row = {"seed": network.seed, "ĉ = tr Γ/d": c_hat, "c*": c_star, "ĉ/c* − 1": c_hat / c_star - 1}
    row["‖Γ − ĉI‖/‖Γ‖"] = float((gamma - c_hat * torch.eye(d)).norm() / gamma.norm())
    row["largest |W_QK[x, y]|"] = float(W_QK[:d, d].abs().max())
    row["largest |W_OV[x, y]|"] = float(W_OV[:d, d].abs().max())
    rows.append(row)
    gammas.append(gamma)
show_table(pd.DataFrame(rows))

from mechanics.regression.effective_weights import preconditioner

own_code = preconditioner(regression_seeds[-1].weights, regression_seeds[-1].architecture)[0]
assert torch.allclose(own_code.double(), gammas[-1], atol=1e-5)  # the study reads the same Γ

W_QK, W_OV = products(layers[0])
W_QK[d] = torch.nan  # multiplies the y of the query, which is zero
W_OV[:, :d] = torch.nan  # writes to coordinates that nobody reads
maps = {"W_QK on [x; y]": W_QK, "W_OV on [x; y]": W_OV, "Γ": gammas[0]}
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for axis, (title, matrix) in zip(axes, maps.items(), strict=True):
    limit = float(matrix.nan_to_num().abs().max())
    axis.set_facecolor("0.85")
    picture = axis.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(picture, ax=axis, shrink=0.75)
show(figure, "W_QK is a multiple of the identity on x, W_OV acts on y alone, Γ is diagonal")

# %% [markdown]
# **What to see.** Grey cells are never read. Of the others, W_QK is a multiple of the identity on
# the x coordinates, and W_OV has one cell, (y, y): the construction above, found by training. The
# signs of the two are free (only their product counts), and Γ is positive.

# %% [markdown]
# ### Its predictions, beside one step and least squares
#
# On prompts drawn for this notebook, none of which any network was trained on. `r(c)` is the law
# of one step of size c at context length k, 1 − 2c + c²(k+d+1)/k; it is evaluated at the ĉ read
# from the weights. *Effective weights* are the gradient g = ∂ŷ/∂x_test. Beware of a cosine: XᵀY
# itself points roughly along w, so *any* network that knows w has a high cosine with the gradient
# step. That null stands in the last column (from k = d on, w_OLS is w).

# %% tags=["gradient-step"]
from mechanics.regression.sensitivity import answers as sensitivities
from mechanics.regression.sensitivity import mean_cosine

first = regression_seeds[0]
first_model = from_scratch(first)
c_hat = float(gammas[0].trace()) / d


def network_predicts(prompts):
    return first_model(prompts.x, prompts.y, prompts.x_test)


def one_step(prompts):
    gradient = prompts.x.mT @ prompts.y[..., None] / prompts.x.shape[-2]
    return (prompts.x_test @ (c_star * gradient))[..., 0]


def least_squares(prompts):
    w = torch.linalg.pinv(prompts.x.double()) @ prompts.y.double()[..., None]
    return (prompts.x_test.double() @ w)[..., 0]


rows, kept = [], {}
for k in settings_a["measured_at"]:
    prompts = sample_prompts("evaluation", 3, k, 8192, k, 4, d)
    kept[k] = prompts, network_predicts(prompts), one_step(prompts), least_squares(prompts)
    row = {"k": k}
    for name, guess in zip(("network", "one step c*", "OLS"), kept[k][1:], strict=True):
        errors = ((guess - prompts.y_test) ** 2)[0].mean(dim=-1) / d
        row[f"risk: {name}"] = float(errors.mean())
        if name == "network":
            row["± s.e."] = float(errors.std() / len(errors) ** 0.5)
    row["law r(ĉ)"] = 1 - 2 * c_hat + c_hat**2 * (k + d + 1) / k
    row["OLS law"] = max(0.0, 1 - k / d)
    with torch.enable_grad():
        g = sensitivities(network_predicts, prompts).sensitivities
    x, y = prompts.x[0].double(), prompts.y[0, :, :, None].double()
    G, w_ols = (x.mT @ y).mT, (torch.linalg.pinv(x) @ y).mT  # prompt × 1 × d
    row["cos(g, XᵀY)"] = mean_cosine(g, G)
    row["cos(g, w_OLS)"] = mean_cosine(g, w_ols)
    row["null: cos(XᵀY, w_OLS)"] = mean_cosine(G, w_ols)
    rows.append(row)
show_table(pd.DataFrame(rows))

# %% tags=["gradient-step"]
k = max(kept)
prompts, ours, step, ols = kept[k]
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for axis, other, name in ((axes[0], step, "one gradient step"), (axes[1], ols, "least squares")):
    axis.plot(other.flatten()[:1500], ours.flatten()[:1500], ".", ms=2, color=COLOURS["linear_L1"])
    axis.axline((0, 0), slope=1, color=REFERENCE, lw=0.8, ls="--")
    axis.set(xlabel=f"ŷ of {name}", ylabel="ŷ of the trained layer", title=f"k = {k}")
lengths = torch.arange(k_min, k_max + 1)
axes[2].plot(
    lengths,
    1 - 2 * c_star + c_star**2 * (lengths + d + 1) / lengths,
    color=REFERENCE,
    ls="--",
    label="law, one c for all k",
)
axes[2].plot(
    lengths, (d + 1) / (lengths + d + 1), color=REFERENCE, ls=":", label="law, best c at each k"
)
axes[2].plot(lengths, (1 - lengths / d).clamp(min=0), color="black", lw=0.8, label="least squares")
axes[2].plot(
    [row["k"] for row in rows],
    [row["risk: network"] for row in rows],
    "o",
    ms=4,
    color=COLOURS["linear_L1"],
    label="trained layer",
)
axes[2].set(xlabel="context length k", ylabel="risk (MSE/d)", ylim=(0, None))
axes[2].legend(frameon=False)
show(
    figure,
    "The layer's predictions lie on those of one step and scatter about least squares",
)

# %% [markdown]
# **What to see.** Point by point the trained layer *is* one step of gradient descent; from least
# squares it differs, and its risk follows the law of one step at every k. So the expectation that
# "the MSE approaches the OLS error" fails for one layer, and must: no W_QK, W_OV can make more
# than one step of it. Depth can (part 7).

# %% [markdown]
# ### The attention map A = QKᵀ
#
# "High values on the tokens that match the query" holds with one caveat: in linear attention the
# signs of the score and of the value path are only determined together. The map is therefore
# multiplied by the sign of the value path, −W_OV[y, y]: what remains positive is what *adds* y_i
# to the prediction.

# %% tags=["gradient-step"]
W_QK, W_OV = products(layers[0])
sign = -float(W_OV[d, d].sign())
one = sample_prompts("evaluation", 3, 0, 1, 24, 10, d)
x_one, x_queries = one.x[0, 0].double(), one.x_test[0, 0].double()
order = (x_one @ x_queries[0]).argsort(descending=True)
x_one = x_one[order]
context = as_tokens(x_one, one.y[0, 0].double()[order])
queries = as_tokens(x_queries, torch.zeros(len(x_queries), dtype=torch.float64))
A = queries @ W_QK @ context.mT
match = x_queries @ x_one.mT
correlation = float(torch.corrcoef(torch.stack([(sign * A).flatten(), match.flatten()]))[0, 1])
print(f"sign of the value path: {sign:+.0f}")
print(f"correlation of signed A with x_testᵀx_i: {correlation:.4f}")

figure, axes = plt.subplots(1, 3, figsize=(7, 2.5), width_ratios=[1, 1, 0.9])
maps = ((axes[0], sign * A, "signed A = ±QKᵀ"), (axes[1], match, "the match x_testᵀx_i"))
for axis, values, title in maps:
    limit = float(values.abs().max())
    picture = axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axis.set(title=title, xlabel="context token", ylabel="test point")
    figure.colorbar(picture, ax=axis, shrink=0.8)
axes[2].plot(match.flatten(), (sign * A).flatten(), ".", ms=3, color=COLOURS["linear_L1"])
axes[2].set(xlabel="x_testᵀx_i", ylabel="signed A", title="every entry")
show(
    figure,
    "The signed attention map and the map of matches look the same; their entries lie on a line",
)

# %% [markdown]
# **What to see.** The two maps are one picture in two scales. Tokens are sorted by their match
# with the first test point, so the first row runs from red to blue: attention is a similarity
# search, and the match is a plain dot product.
