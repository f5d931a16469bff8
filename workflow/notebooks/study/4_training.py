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
    "the gap between the two accuracies. Nothing in the training loss announces its end:"
    " it has been near zero for most of the gap.",
)
show_figure(
    STUDY,
    "regression_training",
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
