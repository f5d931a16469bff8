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
