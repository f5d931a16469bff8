# %% [markdown]
# ## 4 Training
#
# ### Track A, in seconds
#
# Fresh prompts at every step, Adam, nothing else. For one context length the best step has size c\*
# = k/(k + d + 1) and risk (d + 1)/(k + d + 1). **Predict:** on the way there, is there a moment of
# grokking? What would have to be true for one?

# %%
D, K, STEPS = 5, 20, 800
torch.manual_seed(4)
layer = RegressionTransformer(D)
*held_out, w_held_out = draw_prompts(4000, K, D)
optimiser = torch.optim.Adam(layer.parameters(), lr=0.02)
decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
for step in range(STEPS + 1):
    if step % 100 == 0:
        c, risk = (
            gamma(*products(layer)).trace() / D,
            risk_of(layer(*held_out), held_out[2], w_held_out),
        )
        print(f"step {step}: step size {c:.3f}, risk {risk:.3f}")
    *prompt, w = draw_prompts(128, K, D)
    with torch.enable_grad():
        loss = (layer(*prompt) - (prompt[2] @ w)[..., 0]).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    decay.step()
print(f"the best: step size {K / (K + D + 1):.3f}, risk {(D + 1) / (K + D + 1):.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# There is no grokking: no prompt is seen twice, so there is nothing to memorise, and no gap between
# trained and new. The gap needs a training set that can be learned by heart.
# </details>
#
# ### Track B: what a network waits for
#
# The usual recipe is AdamW with *weight decay*. Look at the record of such a training in the study:
# when are the trained pairs known, when the others, and what does the norm do meanwhile?

# %% tags=["clock"]
names = sorted((name for task, name in networks(study) if task == "modular_addition"), key=len)
firsts = [own for name in names for own in final_networks(study, "modular_addition", name)[:1]]
decayed = [own for own in firsts if own.settings.get("weight_decay", 0) > 0]  # 0: imported
usual = [own for own in decayed if own.settings["n_layers"] == 1]
usual = [own for own in usual if own.settings.get("norm", "free") == "free"]
recipe = next((own for own in usual if own.settings["attention"] == "softmax"), addition_seeds[0])
print(f"{recipe.model}: weight decay {recipe.settings['weight_decay']}, seed {recipe.seed}")
paths = sorted((study / "runs" / "modular_addition" / recipe.model).glob("*/history.parquet"))
history = pd.concat(map(pd.read_parquet, paths)).query(f"seed == {recipe.seed} and step > 0")
history = history.pivot(index="step", columns="split")


def plot_training(axes, accuracy, norm_squared, style, name):
    for split, shade in (("train", COLOURS["train"]), ("validation", COLOURS["validation"])):
        steps = accuracy.index[accuracy[split] >= 0.99]
        when = f"{split}, {name}: .99 at step {steps[0]:,}" if len(steps) else f"{split}, {name}"
        axes[0].plot(accuracy[split], style, color=shade, label=when)
    axes[1].plot(norm_squared, style, color="black", label=name)
    axes[0].set(xscale="log", xlabel="training step", ylabel="accuracy")
    axes[1].set(xscale="log", xlabel="training step", ylabel="Σθ²", ylim=(0, None))


figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
plot_training(axes, history["accuracy"], history["norm_squared"]["train"], "-", "weight decay")
axes[0].legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
show(figure, "Accuracy on trained and on other pairs, and the squared norm, with weight decay")

# %% [markdown] tags=["clock"]
# In the published study the norm rises while the network memorises, and falls when it generalises.
# Is the large norm what keeps it from generalising? Then take it away: **hold every weight matrix
# at the norm that it has before training**, with no weight decay at all. **Predict** when the
# network will grok: later, at the same time, earlier, never?
#
# The loss is in float64: in float32 the softmax of a network that is nearly sure underflows. The
# study's `table_rows` gives our network's logits in half the time: what attention mixes depends on
# a token and its place, so each product is made once for those and not for every pair. This cell
# takes some twenty seconds; from other first weights it can take three times as long.

# %% tags=["clock"]
from mechanics.models import table_rows

torch.manual_seed(2)
held = AdditionTransformer(p, **shape)
weights = list(held.parameters())
trained_pairs = table_rows.PairRows(pairs[known][None], p, own.n_heads)
norms = [float(weight.norm()) for weight in weights]  # biases start at 0, and so stay there
optimiser = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=0)
curve = []
for step in range(1, 1501):
    with torch.enable_grad():
        stacked = {name: weight[None] for name, weight in held.named_parameters()}
        logits = table_rows.forward(stacked, trained_pairs, own)[0]
        loss = functional.cross_entropy(logits.double(), answers[known])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    for weight, norm in zip(weights, norms):
        weight.mul_(norm / weight.norm())  # this is all that is new
    if step % 50 == 0 or step in (1, 2, 5, 10, 20):
        right = (held(pairs).argmax(dim=1) == answers).double()
        norm = sum(float(weight.square().sum()) for weight in weights)
        curve.append((step, float(right[known].mean()), float(right[~known].mean()), norm))
        if right[~known].mean() >= 0.99:
            break
curve = pd.DataFrame(curve, columns=["step", "train", "validation", "norm"]).set_index("step")

figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
plot_training(axes, history["accuracy"], history["norm_squared"]["train"], ":", "weight decay")
plot_training(axes, curve, curve["norm"], "-", "norm held")
for axis in axes:
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
show(figure, "Accuracy and norm with each matrix held at its first norm, beside weight decay")

# %% [markdown] tags=["clock"]
# <details><summary>Explain it, then compare</summary>
#
# It groks within hundreds of steps, and no norm falls while it does. The long wait of the usual
# recipe is the time that weight decay needs to undo a norm that grew while memorising. Held at the
# norm of a memorised network instead, none of the published runs generalised. So the norm that
# training is allowed decides *when*; its fall is one way to get there, and a slow one. Try it:
# multiply the norms by a factor.
# </details>
