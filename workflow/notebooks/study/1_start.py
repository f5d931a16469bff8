# %% [markdown]
# # Open a Transformer by hand
#
# Two famous claims, and networks small enough to check both to the last digit:
#
# * **Track A.** A Transformer that reads examples of a linear function in its prompt predicts the
#   next value by *gradient descent inside its forward pass*.
# * **Track B.** A Transformer that learns (a + b) mod p first memorises, and much later *groks*: it
#   builds a circuit of waves, and answers pairs that it has never seen.
#
# An evening's work in seven parts: the tasks, the Transformer, Track A, training, TransformerLens,
# the circuit of Track B, and depth. **Predict** what a cell will show, **run** it, **explain** what
# you see. Answers are folded: think first, then unfold.
#
# There are two versions. In `study.ipynb` everything is written and has been run. `exercises.ipynb`
# is the same notebook with the bodies of the **exercise** functions missing: write them. The cell
# after each one checks yours with `assert`, and the rest of the notebook uses it. Numbers are
# printed by cells and never typed into the text, so that text and networks cannot disagree.

# %% tags=["parameters"]
STUDY = "results/published"

# %%
import sys
from pathlib import Path

FOLDERS = (Path.cwd(), *Path.cwd().parents)
ROOT = next((folder for folder in FOLDERS if (folder / "scripts/mechanics").is_dir()), None)
if ROOT is None:
    raise RuntimeError(
        "This notebook needs the project that it belongs to: its trained networks and packages."
        " In Colab or anywhere else, run in a cell (the address is where you found the notebook):\n"
        "    !git clone <address of the project> transformer-mechanics\n"
        "    %cd transformer-mechanics\n"
        "    %pip install -r envs/requirements.txt\n"
        "then restart the kernel, run the %cd line again, and start from the top."
    )
sys.path.insert(0, str(ROOT / "scripts"))

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from mechanics.figures.style import COLOURS, REFERENCE, colour, label, use_style
from mechanics.report.notebook import show
from mechanics.study.results import final_networks, model_for, networks

if not (ROOT / STUDY / "weights").is_dir():
    print(f"{STUDY} is not here: the published study takes its place.")
    STUDY = "results/published"
study = ROOT / STUDY
print(f"{STUDY} has {len(networks(study))} kinds of networks")
torch.set_num_threads(1)
torch.set_grad_enabled(False)  # switched on where something is trained or differentiated
use_style()
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=dict.fromkeys(COLOURS.values()))

# %% [markdown]
# ## 1 Start: what is asked
#
# ### Track A: a prompt is a small regression problem
#
# A weight vector w ~ N(0, I_d) is drawn anew for every prompt and never shown. The network sees k
# pairs (x_i, y_i) with y_i = wᵀx_i, and a test point x_test; it must predict wᵀx_test. It has no
# time to train on the prompt: whatever it does happens in one forward pass.
#
# **Risk** is the mean squared error divided by d, the mean of y². Always answering zero has risk
# one. Two methods are the yardsticks. *Least squares* uses all that the prompt says. *One step of
# gradient descent* starts at w = 0 and takes a single step of size c on the loss ‖Xw − Y‖²/2k.


# %%
def draw_prompts(n, k, d, n_tests=4):
    """n prompts: x (n × k × d), y (n × k), test points (n × n_tests × d), and w (n × d × 1)."""
    x, x_test, w = torch.randn(n, k, d), torch.randn(n, n_tests, d), torch.randn(n, d, 1)
    return x, (x @ w)[..., 0], x_test, w


def least_squares(x, y, x_test):
    w = torch.linalg.pinv(x.double()) @ y.double()[..., None]
    return (x_test.double() @ w)[..., 0]


def risk_of(guess, x_test, w):
    return float((guess - (x_test @ w)[..., 0]).square().mean()) / w.shape[1]


def draw_maps(axes, maps):
    """Matrices, red for positive entries and blue for negative ones."""
    for axis, (title, matrix) in zip(axes, maps.items()):
        limit = float(matrix.nan_to_num().abs().max())
        axis.set_facecolor("0.85")
        picture = axis.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        axis.set(title=title, xticks=[], yticks=[])
        axis.figure.colorbar(picture, ax=axis, shrink=0.8)


# %% [markdown]
# **Exercise 1.** Write down the gradient of ‖Xw − Y‖²/2k at w = 0. One line then predicts.


# %% tags=["exercise"]
def one_step(x, y, x_test, c):
    """ŷ (… × test) after one gradient step of size c from w = 0; x: … × k × d, y: … × k."""
    w = c * x.mT @ y[..., None] / x.shape[-2]
    return (x_test @ w)[..., 0]


# %%
torch.manual_seed(0)
x, y, x_test, w = draw_prompts(4000, 20, 5)
start = torch.zeros(5, 1, requires_grad=True)
with torch.enable_grad():  # PyTorch's own gradient, for the first prompt
    (((x[0] @ start)[:, 0] - y[0]).square().mean() / 2).backward()
for c in (0.5, 1.5):
    expected = (x_test[0] @ (-c * start.grad))[:, 0]
    assert torch.allclose(one_step(x, y, x_test, c)[0], expected, atol=1e-5), (
        "not PyTorch's step: from w = 0 it is c times the mean of the y_i x_i"
    )
for c in (0.25, 0.5, 0.75, 1.0):
    print(f"one step of size {c}: risk {risk_of(one_step(x, y, x_test, c), x_test, w):.3f}")
print(f"least squares: risk {risk_of(least_squares(x, y, x_test), x_test, w):.1e}")

# %% [markdown]
# ### Track B: a table of which few pairs are shown
#
# The network reads "a b =" and must answer (a + b) mod p. All p² pairs are split once, at random:
# some are trained on, at every step; the others are never seen.

# %% tags=["clock"]
from mechanics.addition.pairs import training_mask

addition_seeds = final_networks(study, *model_for(study, "clock"))
p, fraction = (addition_seeds[0].settings[key] for key in ("p", "train_fraction"))
pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
answers = pairs.sum(dim=1) % p
known = training_mask(p, fraction, addition_seeds[0].seed)
print(f"p = {p}: {len(pairs):,} pairs, {int(known.sum()):,} of them trained on")

figure, axes = plt.subplots(1, 2, figsize=(7, 3.3))
whole = axes[0].imshow(answers.view(p, p), cmap="twilight", origin="lower")
figure.colorbar(whole, ax=axes[0], label="(a + b) mod p", shrink=0.8)
axes[1].imshow(known.view(p, p), cmap="Greys", origin="lower")
axes[0].set(title="the whole table", xlabel="b", ylabel="a")
axes[1].set(title="black: the pairs that are trained on", xlabel="b", ylabel="a")
show(figure, "The table of (a+b) mod p as diagonal stripes, and the random pairs trained on")

# %% [markdown]
# The answer is constant along the anti-diagonals a + b = const. The training pairs are noise. Very
# many functions fit the black pairs, and nearly all of them are wrong elsewhere. That a network
# ends at the right one is what Track B has to explain.
