# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The mechanics of Transformers, opened by hand
#
# Two famous claims, and networks small enough to check both to the last digit:
#
# * **Track A.** A Transformer that reads examples of a linear function in its prompt predicts the
#   next value by *gradient descent inside its forward pass*.
# * **Track B.** A Transformer that learns (a + b) mod p first memorises, and much later *groks*:
#   it builds a circuit of waves, and answers pairs that it has never seen.
#
# *What to see* under a picture describes networks trained to the end, as in the published study. If
# this one was made of a shorter study, trust the picture and the printed numbers.
#
# Everything that matters is written out here in a few lines of PyTorch, run on trained weights,
# and compared with a closed formula or with the study's own code. No number in the text is typed:
# numbers are printed by the cells above or below it. Where a cell says `assert`, the notebook
# would stop if the statement were false.
#
# | part | content |
# | --- | --- |
# | 1 Data | what is asked, and the data of both tasks |
# | 2 The model from scratch | linear and softmax attention, blocks, both Transformers in PyTorch |
# | 3 Track A | a layer that *is* a gradient step; the trained layer read |
# | 4 Training | both tasks trained here, in seconds; the study's curves and the grokking gap |
# | 5 TransformerLens | a trained network in it, its hooks and attention patterns |
# | 6 The circuit of modular addition | waves, circles, neurons, patching, ablation |
# | 7 Figures | attention maps, SVD and PCA, and all others of the study |
# | 8 The comparison | the comparative table, the three questions of the assignment, limits |

# %% tags=["parameters"]
STUDY = "results/published"

# %%
import sys
from pathlib import Path

ROOT = next(f for f in (Path.cwd(), *Path.cwd().parents) if (f / "scripts/mechanics").is_dir())
sys.path.insert(0, str(ROOT / "scripts"))
STUDY = ROOT / STUDY

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from mechanics.figures.style import COLOURS, REFERENCE, use_style
from mechanics.report.notebook import show, show_figure, show_others, show_table
from mechanics.study.results import final_networks, model_for, networks, table

torch.set_num_threads(1)
torch.set_grad_enabled(False)  # switched on where something is trained or differentiated
use_style()

# %% [markdown]
# ## 1 Data: what is asked
#
# ### Track A: a prompt is a small regression problem
#
# w ~ N(0, I_d) is drawn anew for every prompt, and never shown. The network sees k pairs (x_i,
# y_i) with y_i = wᵀx_i, and a test point x_test; it must predict wᵀx_test. It has no time to
# train on the prompt: whatever it does happens in one forward pass. A context token is z_i =
# [x_i; y_i], the query token [x_test; 0].

# %% tags=["gradient-step"]
regression_seeds = final_networks(STUDY, *model_for(STUDY, "gradient-step"))
settings_a = regression_seeds[0].settings
d, k_min, k_max = (settings_a[key] for key in ("d", "k_min", "k_max"))
print(f"d = {d}; contexts of {k_min} to {k_max} pairs; seeds trained: {len(regression_seeds)}\n")

draw = torch.Generator().manual_seed(0)
w = torch.randn(d, generator=draw)
X = torch.randn(4, d, generator=draw)
x_test = torch.randn(d, generator=draw)
names = [f"x[{j}]" for j in range(1, d + 1)]
rows = pd.DataFrame(torch.cat([X, x_test[None]]).numpy(), columns=names).round(2)
rows.insert(0, "token", [f"z_{i + 1}" for i in range(len(X))] + ["query"])
rows["y"] = [f"{y:.2f}" for y in (X @ w).tolist()] + ["0, to be predicted"]
show_table(rows)
print(f"the answer that only w knows: wᵀx_test = {w @ x_test:.2f}")

# %% [markdown]
# **Risk** is the mean squared error over E[y²] = d, so that always predicting zero scores one.
# Two predictors are the yardsticks. *Least squares* knows everything that the prompt says: its
# risk is max(0, 1 − k/d), zero as soon as there are as many pairs as dimensions. *One step of
# gradient descent* knows little: at its best step size it has the risk (d+1)/(k+d+1), which never
# reaches zero.
#
# ### Track B: a table of which three pairs in ten are shown
#
# The network reads "a b =" and must answer (a + b) mod p. All p² pairs are split once, at random:
# some are trained on, at every step; the others are never seen.

# %% tags=["clock"]
from mechanics.addition.pairs import all_pairs, targets, training_mask

addition_seeds = final_networks(STUDY, *model_for(STUDY, "clock"))
settings_b = addition_seeds[0].settings
p, fraction = settings_b["p"], settings_b["train_fraction"]
pairs, answers = all_pairs(p), targets(all_pairs(p), p)
trained_on = training_mask(p, fraction, addition_seeds[0].seed)
print(f"p = {p}: {len(pairs):,} pairs, {int(trained_on.sum()):,} of them trained on")

some = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))[:6]
examples = pd.DataFrame({"prompt": [f"{a} {b} =" for a, b in pairs[some].tolist()]})
examples["answer"] = answers[some].tolist()
examples["trained on"] = ["yes" if shown else "no" for shown in trained_on[some].tolist()]
show_table(examples)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.3))
table_map = axes[0].imshow(answers.view(p, p), cmap="twilight", origin="lower")
figure.colorbar(table_map, ax=axes[0], label="(a + b) mod p", shrink=0.8)
axes[1].imshow(trained_on.view(p, p), cmap="Greys", origin="lower")
axes[0].set(title="the whole table", xlabel="b", ylabel="a")
axes[1].set(title="black: the pairs that are trained on", xlabel="b", ylabel="a")
show(figure, "The table of (a+b) mod p as diagonal stripes, and the random pairs trained on")

# %% [markdown]
# **What to see.** The answer is constant along the anti-diagonals a + b = const, and wraps once.
# The training pairs are noise: nothing about them hints at the stripes except that the same
# answer lies on the same anti-diagonal.

# %% [markdown]
# ## 2 The model from scratch
#
# One set of parts makes all networks of the study. Shapes: *…* stands for any leading dimensions,
# d_model is the width of the residual stream, W_Q, W_K, W_V project it to d_head in every head,
# and W_O back.
#
# ### Attention, in two kinds
#
# Every query token sums over what it may see: Σ_i A_i · W_O W_V z_i. *Softmax* attention makes
# positive weights of the scores QKᵀ, which sum to one; *linear* attention takes the scores
# themselves, divided by how many tokens are seen.


# %%
class Attention(nn.Module):
    def __init__(self, kind, d_model, n_heads, d_head):
        super().__init__()
        self.kind, into = kind, (n_heads, d_model, d_head)
        self.W_Q, self.W_K, self.W_V = (drawn(into, d_model) for _ in range(3))
        self.W_O = drawn((n_heads, d_head, d_model), d_model)

    def forward(self, queries, context, visible):
        """queries: … × m × d_model, context: … × k × d_model, visible: m × k, true or false."""
        Q = torch.einsum("...md,hde->...hme", queries, self.W_Q)
        K = torch.einsum("...kd,hde->...hke", context, self.W_K)
        V = torch.einsum("...kd,hde->...hke", context, self.W_V)
        scores = Q @ K.mT / self.W_Q.shape[-1] ** 0.5  # … × head × m × k
        if self.kind == "softmax":
            A = scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)
        else:
            A = scores * visible / visible.sum(dim=-1, keepdim=True)
        return torch.einsum("...hme,hed->...md", A @ V, self.W_O)


def drawn(shape, d_model):
    """First weights: normal, with variance 1/d_model."""
    return nn.Parameter(torch.randn(shape) / d_model**0.5)


# %% [markdown]
# ### A block, and how blocks are stacked
#
# Attention reads the first tokens of the stream, the context, and adds to all of them; an MLP of
# ReLU neurons adds to each token by itself. Both may have a LayerNorm before them, and either MLP
# or LayerNorm may be left out. Stacked L times, that is each configuration of the assignment.


# %%
class LayerNorm(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def forward(self, stream):
        centred = stream - stream.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred / (variance + 1e-5).sqrt() * self.w + self.b


class MLP(nn.Module):
    def __init__(self, d_model, d_mlp):
        super().__init__()
        self.W_in, self.b_in = drawn((d_model, d_mlp), d_model), nn.Parameter(torch.zeros(d_mlp))
        self.W_out = drawn((d_mlp, d_model), d_model)
        self.b_out = nn.Parameter(torch.zeros(d_model))

    def forward(self, stream):
        return (stream @ self.W_in + self.b_in).relu() @ self.W_out + self.b_out


class Block(nn.Module):
    def __init__(self, kind, d_model, n_heads, d_head, d_mlp, layer_norm):
        super().__init__()
        self.attn = Attention(kind, d_model, n_heads, d_head)
        self.mlp = MLP(d_model, d_mlp) if d_mlp else None
        self.ln1 = LayerNorm(d_model) if layer_norm else nn.Identity()
        self.ln2 = LayerNorm(d_model) if layer_norm and d_mlp else nn.Identity()

    def forward(self, stream, visible):
        """stream: … × token × d_model, visible: token × token of the context, which come first."""
        normed = self.ln1(stream)
        stream = stream + self.attn(normed, normed[..., : visible.shape[1], :], visible)
        return stream if self.mlp is None else stream + self.mlp(self.ln2(stream))


class Stack(nn.Module):
    """What both Transformers are: L blocks and, with LayerNorm, one more at the end."""

    def __init__(self, kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm, clip=None):
        super().__init__()
        parts = (kind, d_model, n_heads, d_head, d_mlp, layer_norm)
        self.blocks = nn.ModuleList(Block(*parts) for _ in range(n_layers))
        self.ln_final = LayerNorm(d_model) if layer_norm else nn.Identity()
        self.clip = clip or torch.inf  # keeps deep linear attention, a polynomial, from blowing up

    def through_blocks(self, stream, visible):
        for block in self.blocks:
            stream = block(stream, visible).clamp(-self.clip, self.clip)
        return self.ln_final(stream)


# %% [markdown]
# ### The two Transformers
#
# For regression the tokens are [x_i; y_i] and [x_test; 0], all see the context, and the prediction
# is read at the test points. Without embedding the stream *is* the token and the prediction minus
# its last coordinate, for a reason that part 3 shows. With it, a flag marks the query.
#
# For addition, "a b =" is three rows of a table W_E plus a vector for each position; a token sees
# itself and those before it, and the logits of all p answers are read at "=".


# %%
def as_tokens(x, y):
    return torch.cat([x, y[..., None]], dim=-1)


class RegressionTransformer(Stack):
    def __init__(
        self, d, kind="linear", d_model="token", n_layers=1, n_heads=1, d_head=None, **more
    ):
        width = d + 1 if d_model == "token" else d_model
        more = {"d_mlp": 0, "layer_norm": False} | more
        super().__init__(kind, width, n_layers, n_heads, d_head or width, **more)
        self.embedded = d_model != "token"
        if self.embedded:
            self.embed = nn.ParameterDict({"W_E": drawn((d + 2, width), width)})
            self.unembed = nn.ParameterDict({"W_U": drawn((width, 1), width)})

    def forward(self, x, y, x_test):
        """x: … × k × d, y: … × k, x_test: … × m × d; gives ŷ: … × m."""
        context, query = as_tokens(x, y), as_tokens(x_test, torch.zeros_like(x_test[..., 0]))
        if self.embedded:
            context = functional.pad(context, (0, 1))
            query = functional.pad(query, (0, 1), value=1.0)
        stream = torch.cat([context, query], dim=-2)
        stream = stream @ self.embed.W_E if self.embedded else stream
        visible = torch.ones(stream.shape[-2], x.shape[-2], dtype=torch.bool)
        stream = self.through_blocks(stream, visible)[..., x.shape[-2] :, :]
        return (stream @ self.unembed.W_U)[..., 0] if self.embedded else -stream[..., -1]


class AdditionTransformer(Stack):
    def __init__(self, p, kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm, clip=None):
        super().__init__(kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm, clip)
        self.embed = nn.ParameterDict({"W_E": drawn((p + 1, d_model), d_model)})  # last: "="
        self.pos_embed = nn.ParameterDict({"W_pos": drawn((3, d_model), d_model)})
        self.unembed = nn.ParameterDict({"W_U": drawn((d_model, p), d_model)})

    def forward(self, pairs):
        """pairs (a, b): n × 2; gives the logits at "=": n × p."""
        equals = len(self.embed.W_E) - 1
        stream = self.embed.W_E[functional.pad(pairs, (0, 1), value=equals)] + self.pos_embed.W_pos
        causal = torch.ones(3, 3, dtype=torch.bool).tril()
        return self.through_blocks(stream, causal)[:, -1] @ self.unembed.W_U


# %% [markdown]
# ### Are these the networks that were trained?
#
# Their weights carry the names of the study's, so the trained ones can be loaded. Each must then
# answer as the study's own code does, which is written for speed: many seeds at once, and for
# addition each distinct row only once.

# %%
from mechanics.models import addition, regression
from mechanics.models.prompts import sample_prompts


def from_scratch(network):
    """The notebook's own model with a network's trained weights."""
    own = network.architecture
    parts = {name: getattr(own, name) for name in ("n_layers", "n_heads", "d_head", "d_mlp")}
    parts |= {"kind": own.attention, "layer_norm": own.layer_norm, "clip": own.activation_clip}
    parts["d_model"] = own.d_model if own.embedded else "token"
    if network.task == "linear_regression":
        model = RegressionTransformer(network.settings["d_max"] or network.settings["d"], **parts)
    else:
        model = AdditionTransformer(network.settings["p"], **parts)
    model.load_state_dict({name: tensor[0] for name, tensor in network.weights.items()})
    return model


rows = []
for task, name in networks(STUDY):
    network = next(iter(final_networks(STUDY, task, name)), None)
    if network is None:  # all of its seeds diverged
        continue
    model, settings = from_scratch(network), network.settings
    if task == "linear_regression":
        d_token = settings["d_max"] or settings["d"]
        prompts = sample_prompts("evaluation", 3, 0, 64, settings["k_max"], 4, d_token)
        ours = model(prompts.x, prompts.y, prompts.x_test)
        theirs = regression.forward(network.weights, prompts, network.architecture)
    else:
        some = torch.randint(settings["p"], (256, 2), generator=torch.Generator().manual_seed(0))
        exact = {key: tensor.double() for key, tensor in network.weights.items()}
        ours = model.double()(some)
        theirs = addition.forward(exact, some[None], network.architecture)[0]
    row = {"task": task.replace("_", " "), "network": name, "attention": settings["attention"]}
    row |= {key: settings[key] for key in ("n_layers", "n_heads", "d_mlp", "layer_norm")}
    row["weights"] = sum(weight.numel() for weight in model.parameters())
    row["largest difference"] = float((ours - theirs).abs().max())
    assert row["largest difference"] < 1e-4
    rows.append(row)
show_table(pd.DataFrame(rows))

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
# > ŷ = x_testᵀ Γ G + whatever the other blocks do, with Γ = −W_QK[x, x] · W_OV[y, y] and G = XᵀY/k.
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
    gamma = -W_QK[:d, :d] * W_OV[d, d]
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

# %% [markdown]
# ## 4 Training
#
# ### Track A, trained here in seconds
#
# The smallest case that shows it: one layer on the tokens, random first weights, fresh prompts at
# every step, Adam. For a single context length the optimum of *linear* attention is known: c\* =
# k/(k+d+1), risk r\* = (d+1)/(k+d+1), and no weights of one layer do better. A layer of *softmax*
# attention is trained beside it, in the same way.
#
# A layer can make a product of x_testᵀx_i and y_i in two ways: x in the score and y as the value
# (ours, by hand), or with *swapped roles*, y in the score and x as the value:
#
# > ŷ = … − x_testᵀ W_QK[x, y] · y_i · x_iᵀ W_OV[x, y],
#
# which uses y_i x_i too, but for one direction of x only. Both step sizes are followed.

# %%
D, K, STEPS = 5, 20, 1500
draw = torch.Generator().manual_seed(2)


def small_batch(n):
    w, x, x_new = (torch.randn(n, rows, D, generator=draw) for rows in (1, K, 4))
    return x, (x * w).sum(-1), x_new, (x_new * w).sum(-1)


def small_errors(layer, batch):
    """Squared error over E[y²] of every prompt."""
    return ((layer(*batch[:3]) - batch[3]) ** 2).mean(dim=-1) / D


def step_sizes(layer):
    """tr Γ/D of either way."""
    W_QK, W_OV = products(layer.blocks[0].attn)
    own, swapped = W_QK[:D, :D] * W_OV[D, D], W_QK[:D, D].outer(W_OV[:D, D])
    return {"ĉ": -float(own.trace()) / D, "ĉ, swapped roles": -float(swapped.trace()) / D}


def train_on_prompts(layer):
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    curve = []
    for step in range(STEPS + 1):
        if step % 25 == 0:
            risk = float(small_errors(layer, held_out).mean())
            curve.append({"step": step, "risk": risk, **step_sizes(layer)})
        with torch.enable_grad():
            loss = small_errors(layer, small_batch(128)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    return pd.DataFrame(curve)


held_out = small_batch(4096)
torch.manual_seed(2)
layer, softmax_layer = (RegressionTransformer(D, kind) for kind in ("linear", "softmax"))
curve, softmax_curve = train_on_prompts(layer), train_on_prompts(softmax_layer)
best_risk, best_c = (D + 1) / (K + D + 1), K / (K + D + 1)
errors = small_errors(layer, held_out)
print(f"closed form: r* = {best_risk:.4f}, c* = {best_c:.4f}")
error = errors.std() / len(errors) ** 0.5
c_final = curve["ĉ"].iloc[-1]
print(f"after {STEPS} steps: risk {errors.mean():.4f} ± {error:.4f} (s.e.), ĉ {c_final:.4f}")
print(f"softmax attention, as many steps: risk {softmax_curve['risk'].iloc[-1]:.4f}")
print(f"risk of the best step along one direction alone, 1 − c*/D: {1 - best_c / D:.4f}")
show_table(curve.iloc[[0, 2, 4, 6, 8, 10, 12, 24, -1]])

figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
axes[0].plot(curve["step"], curve["risk"], color=COLOURS["linear_L1"], label="linear")
axes[0].plot(
    softmax_curve["step"], softmax_curve["risk"], color=COLOURS["softmax_L1"], label="softmax"
)
axes[1].plot(
    curve["step"], curve["ĉ"], color=COLOURS["linear_L1"], label="x in the score, y the value"
)
swapped = curve["ĉ, swapped roles"]
axes[1].plot(curve["step"], swapped, color=COLOURS["linear_L2"], label="swapped roles")
for axis, name, optimum in ((axes[0], "risk", best_risk), (axes[1], "step size", best_c)):
    axis.axhline(optimum, color=REFERENCE, ls="--", lw=0.8, label="closed form")
    axis.set(xlabel="training step", ylabel=name)
    axis.legend(frameon=False)
axes[0].set_ylim(0, None)
show(figure, "The risk falls to its closed-form optimum, and the step size rises to its own")

# %% [markdown]
# **What to see.** No step of gradient descent was built in: the layer was asked to predict, and
# it ended at the one step that is best. On its way it may rest on a short plateau: it has found the
# swapped roles, good for one direction, before it finds those that serve all of them. That is a
# saddle in the weights. It is no grokking: every prompt is new, so there is nothing to memorise and
# no gap between training and held-out risk. Softmax attention, whose weights must be positive, is a
# smoother of the y_i and stays above the step.

# %% [markdown]
# ### Track B, trained here in seconds: memorise, then generalise
#
# The same Transformer on a small modulus, with a larger share of the pairs so that it is quick. All
# training pairs are in every step; the loss is in float64, because in float32 the softmax of a
# network that is nearly sure underflows; AdamW's *weight decay* is what makes it go on after it
# knows them by heart. A held-out (a, b) is easier if (b, a) was trained on: both kinds are shown.

# %%
from mechanics.addition.fourier import frequency_shares
from mechanics.addition.pairs import (
    all_pairs,
    grokking_step,
    swapped_in_training,
    targets,
    training_mask,
)

P, FRACTION, STEPS = 29, 0.65, 1500
every_pair, sums = all_pairs(P), targets(all_pairs(P), P)
known = training_mask(P, FRACTION, 0)
mirror = swapped_in_training(known, P)
parts = {"train": known, "(b, a) trained on": ~known & mirror, "neither": ~known & ~mirror}
torch.manual_seed(0)
small = AdditionTransformer(
    P, "softmax", d_model=48, n_layers=1, n_heads=4, d_head=12, d_mlp=96, layer_norm=False
)
optimiser = torch.optim.AdamW(small.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=2.0)
spectra = {"first weights": frequency_shares(small.embed.W_E[:P])}
lines = []
for step in range(STEPS + 1):
    if step % 20 == 0 or step in (1, 2, 5, 10, 15, 30, 50):
        guess = small(every_pair).double()
        for name, rows in parts.items():
            loss = functional.cross_entropy(guess[rows], sums[rows])
            accuracy = (guess[rows].argmax(dim=1) == sums[rows]).double().mean()
            lines.append((step, name, float(loss), float(accuracy)))
        norm = sum(float(weight.square().sum()) for weight in small.parameters())
        lines.append((step, "Σθ²", norm, norm))
    with torch.enable_grad():
        loss = functional.cross_entropy(small(every_pair[known]).double(), sums[known])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
spectra["after training"] = frequency_shares(small.embed.W_E[:P])
lines = pd.DataFrame(lines, columns=["step", "part", "loss", "accuracy"])
for name, rows in parts.items():
    own = lines[lines["part"] == name]
    reached = grokking_step(own["step"].tolist(), own["accuracy"].tolist(), 0.99)
    when = f"from step {reached}" if reached is not None else "never"
    print(f"{name}: {int(rows.sum())} pairs, accuracy at least .99 {when}")
norm = lines[lines["part"] == "Σθ²"].set_index("step")["loss"]
print(f"Σθ²: {norm.iloc[0]:.0f} at first, largest {norm.max():.0f}, {norm.iloc[-1]:.0f} at the end")

figure, axes = plt.subplots(2, 2, figsize=(7, 4.2))
shades = zip(
    parts, (COLOURS["train"], COLOURS["softmax_L1_2heads"], COLOURS["validation"]), strict=True
)
for name, shade in shades:
    own = lines[(lines["part"] == name) & (lines["step"] > 0)]
    axes[0, 0].plot(own["step"], own["accuracy"], color=shade, label=name)
    axes[0, 1].plot(own["step"], own["loss"], color=shade)
axes[0, 0].set(xscale="log", xlabel="training step", ylabel="accuracy")
axes[0, 0].legend(frameon=False)
axes[0, 1].set(xscale="log", yscale="log", xlabel="training step", ylabel="loss, nats")
axes[1, 0].plot(norm.iloc[1:], color="black")
axes[1, 0].set(xscale="log", xlabel="training step", ylabel="Σθ²", ylim=(0, None))
for (name, shares), shade in zip(spectra.items(), ("0.75", COLOURS["validation"]), strict=True):
    axes[1, 1].plot(range(1, len(shares) + 1), shares, ".-", color=shade, label=name)
axes[1, 1].set(xlabel="frequency of the embedding", ylabel="share of the variance", ylim=(0, None))
axes[1, 1].legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
show(figure, "Accuracy, losses, the squared norm and the embedding's spectrum of the small network")

# %% [markdown]
# **What to see.** The training pairs are known within a few steps, the others much later. The
# pairs whose mirror image is known come first, for a network need only learn that order does not
# matter. The norm rises while the network memorises and is lower when it answers all, and the
# spectrum of the embedding, flat at first, ends in few frequencies: what part 6 opens in the
# study's network is there already.

# %% [markdown]
# ### The study's training curves, and the grokking gap
#
# The study's own curves. On addition the two accuracies part: training pairs are known by heart
# early, the others are answered at chance for a long time, and then, within a small part of the
# training, all at once.

# %%
show_figure(
    STUDY,
    "grokking_curves",
    "the shaded gap between the two accuracies. Nothing in the training loss announces its end:"
    " it has been near zero for most of the gap.",
)
show_figure(
    STUDY,
    "regression_learning_curves",
    "no gap, for no prompt is seen twice: risks fall to the level that each architecture allows,"
    " one layer to the law of one step, deep ones towards least squares.",
)

# %% [markdown]
# The squared norm Σθ² of all weights tells the two solutions apart: a lookup table needs large
# weights, the formula does not. When did each network memorise, when did it grok, and what did
# its norm do?

# %%
grokking = table(STUDY, "grokking")
if grokking is None:
    print("This study has no table grokking.")
else:
    shown = {name: name for name in ("model", "arm", "weight_decay", "seed", "status")}
    shown |= {"memorised_step": "memorised", "first_reached_step": "grokked, first"}
    shown |= {"grokking_step": "grokked, for good", "steepest_fall_step": "Σθ² falls most"}
    shown |= {"steepest_l2_fall_step": "‖θ‖ falls most", "norm_squared_peak": "Σθ² peak"}
    shown |= {"steepest_relative_fall_step": "log Σθ² falls most"}
    shown |= {"norm_squared_at_grokking": "at grokking", "norm_squared_final": "at the end"}
    show_table(grokking[[*shown]].rename(columns=shown))
show_figure(
    STUDY,
    "weight_norm",
    "the fall of the norm beside the marked grokking step: does it come with it, before it, or"
    " not at all? What is called steep decides: Σθ² loses most where it is large, its logarithm"
    " falls most where the share lost is largest. And does grokking come where the norm is not"
    " allowed to fall?",
)

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

# %% [markdown]
# ## 7 The study's figures
#
# Three kinds of picture are asked for. Each stands here with its caption and with what to look
# for; what the study does not have is said in a line. Training curves are in part 4.
#
# ### Attention maps

# %%
show_figure(
    STUDY,
    "attention_maps_regression",
    "pattern matching. Signed by the value path, attention rises with x_iᵀx_test: linearly without"
    " softmax, exponentially with it. The untrained network shows no such order.",
)
show_figure(
    STUDY,
    "attention_maps_addition",
    "waves of few frequencies, of a and of b, in one layer of softmax; no head looks at the sum."
    " Without softmax attention varies little about its mean, by a alone, and the first layer of"
    " the deep network attends to all tokens alike.",
)

# %% [markdown]
# ### SVD and PCA of the embedding

# %%
show_figure(
    STUDY,
    "embedding_svd",
    "a few large singular values, two for each circle, then a drop. One layer of softmax has little"
    " behind its keys (ring); without softmax weaker waves follow; the deep network has the"
    " frequencies of W_E itself (triangle).",
)
show_figure(
    STUDY,
    "embedding_circles",
    "circles in the key planes; the raw first components are one only where they do not mix"
    " frequencies.",
)
show_figure(STUDY, "embedding_spectrum", "few frequencies stand out, other ones in every seed.")

# %% [markdown]
# ### Track A: which algorithm did each network learn?

# %%
show_figure(
    STUDY,
    "regression_risk_by_context",
    "one layer stays on the law of one step at every k; depth goes below.",
)
show_figure(
    STUDY,
    "effective_weights",
    "the correlation with W_GD beside the null that any network reaches that knows w: only what"
    " exceeds it speaks for gradient descent.",
)
show_figure(
    STUDY, "algorithm_match", "the ring, the algorithm nearest to each network's own predictions."
)
show_figure(
    STUDY,
    "depth_bracket",
    "several layers beat as many steps of plain gradient descent, and stay above the polynomial"
    " floor that no stack of linear attention can pass.",
)
show_figure(
    STUDY,
    "kernel_smoother",
    "softmax attention is a Nadaraya–Watson smoother at the bandwidth read from its weights.",
)
show_figure(
    STUDY,
    "rank_collapse",
    "without skip connections tokens become alike with depth; with them they do not.",
)
show_figure(
    STUDY,
    "regression_generalisation",
    "which shifts a network survives, and whether the law at its own weights predicts it.",
)
show_figure(
    STUDY, "regression_emergence", "the width of the transition, the same measure for both tasks."
)

# %% [markdown]
# ### Track B: how the circuit forms and what it consists of

# %%
show_figure(
    STUDY,
    "progress_measures",
    "restricted and excluded loss move long before validation accuracy does: the jump hides a"
    " gradual growth.",
)
show_figure(STUDY, "weight_decay_survival", "how the time to grokking depends on weight decay.")
show_figure(
    STUDY,
    "weight_decay_circuit",
    "whether more weight decay leaves fewer frequencies, a lower rank or only a smaller norm.",
)
show_figure(STUDY, "neuron_frequencies", "neurons fall into clusters, one for each key frequency.")
show_figure(STUDY, "logit_identities", "the trigonometric identities, in the weights.")
show_figure(STUDY, "neuron_patching", "part 6's patching, for all neurons, seeds and directions.")
show_figure(STUDY, "frequency_ablation", "part 6's ablation, for every seed.")
show_figure(
    STUDY,
    "embedding_ablation",
    "the same in W_E, which says of the deep network what its logits do not: none of them is a sum"
    " of few cosines, yet the answers need the few frequencies of the embedding and no other.",
)
show_figure(
    STUDY, "parsimony", "how few frequencies and neurons suffice, and what ideal formulas need."
)
show_others(STUDY)  # those that were added to the study and not to this notebook

# %% [markdown]
# ## 8 The comparison, and the three questions
#
# ### The comparative table
#
# The assignment's three configurations, on both tasks; means over seeds with Student's 95 %
# interval. The interpretation is computed: on regression the algorithm nearest to the network's
# own predictions at this k, and its distance; on addition the circuit, where key frequencies are
# found that suffice and are needed. FLOPs of a prompt: the matrix products that one answer needs,
# in their cheapest order, tokens looked up.

# %%
metrics = table(STUDY, "comparative_metrics")
if metrics is None:
    print("This study has no table comparative_metrics.")
else:
    rows = []
    for (name, task), part in metrics.groupby(["configuration", "task"], sort=False):
        for metric, same in part.groupby("metric", sort=False):
            one = same.iloc[0]
            interval = "" if pd.isna(one.ci_low) else f" [{one.ci_low:.4g}, {one.ci_high:.4g}]"
            levels = zip(same["reference"], same["reference_value"], strict=True)
            row = {"Model Configuration": name, "Task": task.replace("_", " ")}
            value = "never" if one.n_seeds == 0 else f"{one.value:.4g}"
            row["Accuracy/MSE"] = f"{metric}: {value}{interval}"
            row["References"] = "; ".join(f"{level}: {value:.4g}" for level, value in levels)
            row["FLOPs (prompt)"] = f"{one.flops_per_prompt:,.0f}"
            row["FLOPs (training)"] = f"{one.train_flops:.1e}"
            row["Seeds"], row["Interpretation"] = one.n_seeds, one.interpretation
            rows.append(row)
    comparison = pd.DataFrame(rows)
    same_network = comparison.duplicated(["Model Configuration", "Task"])
    same_words = comparison.duplicated(["Model Configuration", "Task", "Interpretation"])
    comparison.loc[same_words, "Interpretation"] = ""
    comparison.loc[same_network, ["Model Configuration", "Task", "FLOPs (training)"]] = ""
    show_table(comparison)

# %% [markdown]
# ### Question 1: phase transition or smooth improvement?
#
# The same measure for both tasks: from the step at which a tenth of all the gain in held-out
# performance is made to the step at which nine tenths are, in decades of training steps, and as a
# share of the training. Addition is judged on pairs that were trained on in neither order: where
# (b, a) is known, (a, b) comes early, by knowing that addition commutes.

# %%
emergence = table(STUDY, "emergence")
if emergence is None:
    print("This study has no table emergence.")
else:
    sound = emergence[emergence["status"] != "diverged"]
    by_model = sound.groupby(["task", "model"], sort=False)
    width = by_model["transition_width"]
    summary = pd.DataFrame(
        {
            "seeds": by_model.size(),
            "with a transition": width.count(),
            "least width (decades)": width.min(),
            "median width (decades)": width.median(),
            "largest width (decades)": width.max(),
            "median share of training": by_model["share_of_training"].median(),
        }
    )
    show_table(summary.reset_index())
if grokking is not None:
    own = grokking[grokking["arm"] == "main"]
    own = own[own["status"] == "grokked"]
    if own.empty:
        print("No network of the main configurations grokked within its budget.")
    else:
        wait = own["first_reached_step"] / own["memorised_step"]
        spiked = int((own["first_reached_step"] < own["grokking_step"]).sum())
        print(
            f"{len(own)} networks grokked, first at {wait.median():.0f} times the step by which"
            f" they had memorised (median); {spiked} lost it again for a while, in spikes."
        )
        print("Where the norm falls most, against the transition on pairs new in both orders:")
        measures = {"": "Σθ²", "l2_": "‖θ‖", "relative_": "log Σθ²"}
        rows = []
        for network, group in own.groupby("model", sort=False):
            for kind, measure in measures.items():
                fall = group[f"steepest_{kind}fall_step"]
                ratio = fall / group["first_reached_step"]
                row = {"model": network, "measure": measure, "seeds": len(group)}
                row["before it begins"] = int((fall < group["transition_start_step"]).sum())
                row["after it ends"] = int((fall > group["transition_end_step"]).sum())
                row["of the step that first grokked"] = f"{ratio.min():.2f} to {ratio.max():.2f}"
                rows.append(row)
        show_table(pd.DataFrame(rows))

# %% [markdown]
# **How to read it.** What makes the "Aha!" of addition is the *delay*: held-out accuracy rises
# long after the training pairs are known by heart, and against a linear axis it looks like a jump.
# How steep it is on the scale of all the training before it, the widths say: sharp where every seed
# of addition is narrower than every one of regression. On all validation pairs (column
# `transition_width_all` of `tables/grokking.csv`) it is wider, for the mirrored ones come early.
# Nor is a jump of accuracy one of the circuit: progress measures (part 7) move before it.
# Regression has no memorised phase, because no prompt is seen twice.
#
# ### Question 2: is the circuit the simplest one, and what does weight decay do?

# %%
circuit, parsimony = table(STUDY, "circuit"), table(STUDY, "parsimony")
if circuit is None:
    print("This study has no table circuit.")
else:
    columns = [
        "model",
        "arm",
        "weight_decay",
        "seed",
        "key_frequencies",
        "logit_fve",
        "neurons_explained",
    ]
    show_table(circuit[columns])
if parsimony is None:
    print("This study has no table parsimony.")
else:
    own = parsimony[(parsimony["arm"] == "main") & (parsimony["accuracy"] == 1)]
    network = ["model", "seed"]
    complete = own.loc[own["kind"] == "full", network]  # of networks that are right themselves
    fewest = own.merge(complete, on=network).groupby([*network, "kind"])["n"].min()
    fewest = fewest.unstack("kind").rename_axis(columns=None)
    kinds = {
        "frequencies": "fewest frequencies",
        "neurons": "fewest neurons, ranked",
        "neurons_random": "fewest neurons, random order (best draw)",
        "equal_best": "fewest in an ideal formula",
    }
    present = [kind for kind in kinds if kind in fewest]
    if present:
        print("How many are enough to answer every pair:")
        show_table(fewest[present].rename(columns=kinds).reset_index())
    else:
        print("No network of this study answers every pair.")
if grokking is not None:
    decays = grokking[grokking["arm"].isin(["main", "weight_decay"])]
    decays = decays.groupby(["model", "weight_decay"], sort=True)
    spread = decays.agg(
        seeds=("seed", "size"),
        grokked=("status", lambda status: int((status == "grokked").sum())),
        median_grokking_step=("grokking_step", "median"),
        median_final_norm_squared=("norm_squared_final", "median"),
    )
    show_table(spread.reset_index())

# %% tags=["clock"]
from mechanics.addition.ablation import (
    fitted_amplitudes,
    formula_answers,
    judge,
    kept_amplitudes,
)

# One frequency is enough in exact arithmetic: the opened network, with its own amplitudes.
amplitudes = fitted_amplitudes(logits)
order = sorted(keys, key=lambda k: -float(amplitudes[k - 1].abs()))
rows = []
for n in range(1, len(order) + 1):
    found = formula_answers(kept_amplitudes(amplitudes, order[:n]).abs()).over_all()
    rows.append({"frequencies kept": n, "k": " ".join(map(str, order[:n])), **found})
own = judge(logits).over_all()
rows.append({"frequencies kept": "the network", "k": "", **own})
show_table(pd.DataFrame(rows))

# %% [markdown]
# **How to read it.** The simplest formula has *one* frequency: for a prime p, α cos ω(a + b − c)
# is largest at the right answer whatever k is. But its margin over the next answer is tiny. Every
# further frequency buys margin for the same amplitude, and cross-entropy pays for margin while
# weight decay pays for small weights: the circuit is the simplest *at a given loss and norm*, not
# the simplest that is right.
#
# ### Question 3: does it generalise?
#
# Track A: to dimensions higher than trained, which only zero-padding defines. Coordinates never
# seen in training keep their first weights (arm *axis*); trained on random subspaces of the
# larger space, the layer meets them all (arm *random*). Track B: to pairs never trained on.

# %%
generalisation = table(STUDY, "regression_generalisation")
if generalisation is None:
    print("This study has no table regression_generalisation.")
else:
    higher = generalisation[generalisation["shift"] == "dimension"]
    if higher.empty:
        print("No network of this study was trained with room for more dimensions.")
    else:
        higher = higher[higher["k"] == higher["k"].max()]
        mean = higher.groupby(["model", "arm", "d", "k"])[["risk", "law", "ols"]].mean()
        show_table(mean.reset_index())

# %% tags=["gradient-step"]
# Longer contexts, live: one step never becomes least squares, its risk tends to (1 − ĉ)².
rows = []
for k in (k_max, 2 * k_max, 4 * k_max):
    prompts = sample_prompts("evaluation", 3, k, 1024, k, 4, d)
    guess = network_predicts(prompts)
    rows.append({"k": k, "trained on": "yes" if k <= k_max else "no"})
    rows[-1]["risk: network"] = float(((guess - prompts.y_test) ** 2).mean() / d)
    rows[-1]["law r(ĉ)"] = 1 - 2 * c_hat + c_hat**2 * (k + d + 1) / k
    rows[-1]["limit (1 − ĉ)²"] = (1 - c_hat) ** 2
show_table(pd.DataFrame(rows))

# %% tags=["clock"]
show_table(seeds_b[["seed", "accuracy, never trained on"]])
mirrored = training_mask(p, fraction, clock.seed).view(p, p)
unseen = ~mirrored
right = (logits.argmax(dim=1) == answers).view(p, p)
strata = [
    ("mirror (b, a) was trained on", unseen & mirrored.mT),
    ("neither was", unseen & ~mirrored.mT),
]
rows = [
    {
        "pairs never trained on": name,
        "pairs": int(members.sum()),
        "accuracy": float(right[members].double().mean()),
    }
    for name, members in strata
]
show_table(pd.DataFrame(rows))

# %% [markdown]
# ### Limits
#
# * Both tasks are toys, and the networks tiny. That a layer *is* a gradient step here says what
#   attention can do and what training finds when the optimum is such a step; it says nothing
#   about how language models learn in context.
# * Linear attention and Gaussian inputs make the closed laws possible. Softmax and depth are
#   compared with algorithms, not derived from them: "nearest" among those compared is a weaker
#   statement than "equal".
# * Means over few seeds have wide intervals, and seeds that never grokked are censored, not late.
# * The circuit is read where TransformerLens's model and the closed form agree exactly: one
#   layer, no LayerNorm. For deeper networks W_L is only a direction, and the study says so where
#   it uses the logits instead.
# * Key frequencies depend on a declared threshold; patching and ablation, not the threshold, show
#   that they are used.
