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
# The same measure for both tasks: from a tenth to nine tenths of the fall of the held-out loss from
# its maximum, in decades of training steps, in steps, and as a share of the training. Addition is
# judged on pairs that were trained on in neither order: where (b, a) is known, (a, b) comes early,
# by knowing that addition commutes.

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
            "median width (steps)": by_model["transition_steps"].median(),
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
# Whether it is sharper than regression, the widths say, and they depend on the axis: what comes
# late looks sharp in decades, not in steps. Accuracy is a threshold and sharper than the loss
# (`transition_width` of `tables/grokking.csv`); on all validation pairs (`transition_width_all`)
# it is wider, for the mirrored ones come early.
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
