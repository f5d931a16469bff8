"""Every key of a config, told once: type, bounds, unit and one sentence.

``config_checks`` and ``config_tables`` read them, no job does: a new wording reruns nothing.
"""

from typing import ClassVar

from mechanics.study.values import (
    Betas,
    Count,
    Fraction,
    Keys,
    ModelName,
    Name,
    Natural,
    NotNegative,
    Positive,
    Prime,
    Several,
    Stack,
    Steps,
    Switch,
    TrainFraction,
    WeightsFile,
    Width,
    different,
    key,
    one_of,
    or_null,
    value,
)


class CheckpointsAt(Keys):
    log_spaced: Count = key("so many, log-spaced, from step 1 to `log_until`", "checkpoints")
    log_until: Count = key("the last of these", "steps")
    every: Count = key("and one every so many steps after that", "steps")
    also: Steps = key("and at these", "steps")


class Model(Keys):
    """A model's settings over those of the model that it varies, over the defaults."""

    variant_of: ModelName = key(
        "whose settings this one shares where it sets none; main figures leave variants out",
        default=None,
    )
    attention: one_of("linear", "softmax") = key("`linear`: scores / number of keys")
    n_layers: Count = key("depth", "layers")
    n_heads: Count = key("of each layer; a divisor of `d_model`", "heads")
    d_model: Count = key("of the residual stream", "dimensions")
    d_mlp: Count = key("of each MLP", "neurons")
    layer_norm: Switch = key("LayerNorm before attention, before the MLP and at the end")
    init_std: or_null(Positive) = key("standard deviation of the initial weights; null: 1/√d_model")
    seeds: different(Natural) = key("one replica each: first weights, prompts or split, batches")
    stack: Stack = key(
        "trained together in one job: faster on a GPU, slower on CPU cores than side by side. It"
        " changes results by rounding only, but names runs: another stack trains them anew",
        "replicas",
    )
    steps: Count = key("last training step", "steps")
    learning_rate: Positive = key("peak of the schedule (AdamW)")
    schedule: one_of("constant", "one_cycle") = key("`one_cycle`: a cosine from the peak to zero")
    warmup_steps: Natural = key("of linear warm-up", "steps")
    betas: Betas = key("AdamW's two averaging rates")
    weight_decay: NotNegative = key("decoupled (AdamW), on all weights", "per learning rate")
    gradient_clip: or_null(Positive) = key("bound of each replica's gradient; null: none", "norm")
    measure_every: Count = key("between two rows of the history; checkpoints have one too", "steps")
    checkpoint_on_change: Positive = key(
        "an extra checkpoint when validation accuracy or mean risk has moved so far since the last",
        "accuracy or risk",
    )
    checkpoints_at: CheckpointsAt | None = key(
        "the schedule of the others; null: only the first step and the last, nothing is followed:"
    )


class Imported(Keys):
    """A network that others have trained. Sizes that it states must be those of its file."""

    beside: ClassVar = " beside weights, which are not trained"
    weights: WeightsFile = key(
        "safetensors or a PyTorch state dict, as `make examine` reads it; a relative path starts"
        " at the working directory, as `results_folder` does"
    )
    format: one_of("auto", "lens3", "lens4", "nanda") = key(
        "whose names: TransformerLens's 3 (or ours) or 4, Nanda et al.'s; `auto`: found from them",
        default="auto",
    )
    attention: or_null(one_of("linear", "softmax")) = key("null: the file's, or softmax", "", None)
    layer_norm: or_null(Switch) = key("needed if it is true and has no weights", default=None)
    n_layers: or_null(Count) = key("null: as in the file, as with all below", "layers", None)
    n_heads: or_null(Count) = key("needed with the names of TransformerLens 4", "heads", None)
    d_model: or_null(Width) = key("of the residual stream", "dimensions", None)
    d_mlp: or_null(Natural) = key("of each MLP", "neurons", None)


class Section(Keys):
    """A track: what its models share, and the models, which are checked once they are merged."""

    model: ClassVar[type[Model]]
    imported: ClassVar[type[Imported]] = Imported
    defaults: dict
    models: dict[Name, dict | None]
    only: different(Name) | None = key("those that the study has; null: all", default=None)


class RegressionModel(Model):
    d_model: Width = key("`token`: [x; y] itself; a head has d + 1 dimensions", "dimensions")
    d_mlp: Natural = key("of each MLP; 0 leaves the MLPs out", "neurons")
    skip_connections: Switch = key(
        "a layer adds to the stream that it reads; false: its output alone (`d_model` a number)",
        "",
        True,
    )
    d_max: or_null(Count) = key(
        "of x in a token: a prompt lies in a d-dimensional subspace of R^d_max, so that a larger d"
        " can be tested later; null: d",
        "dimensions",
    )
    subspace: one_of("axis", "random") = key(
        "which one: the first d coordinates of all prompts, or another one for every prompt"
    )
    noise: NotNegative = key(
        "variance σ² of what is added to y of the context, in training and held-out prompts; y of"
        " the test points has none, so that ridge of penalty σ² is the best predictor",
        default=0.0,
    )
    n_tasks: or_null(Count) = key(
        "so many w, fixed for each seed, are all that it is trained on; null: a new w for every"
        " prompt. An entry with this key, null or not, is measured for `task_diversity` alone",
        "tasks",
        None,
    )
    prompts_per_step: Count = key("per replica, drawn anew at every step", "prompts")
    queries_per_prompt: Count = key("of a prompt; they do not see each other", "test points")
    one_length_per_step: Switch = key("the prompts of a step share one k: faster, more noise")
    curriculum: one_of("mixed", "growing") = key("all lengths from the start, or short ones first")
    full_range_at: Fraction = key("from where on `growing` uses all lengths", "share of steps")
    standard_tokens: Switch = key(
        "tokens carry y/√d, and linear attention divides by k + d + 1 in place of k", "", False
    )
    trained_on: one_of("prompts", "moments") = key(
        "`moments`: XᵀX is drawn, no pairs, and the mean over test points is exact", "", "prompts"
    )
    strata: or_null(Count) = key(
        "ranges of k with equal shares of a step. Of moments: one stratum more, of stretched"
        " prompts; their mean log risk is the loss. Of prompts: each stratum has one length a step"
        " (`one_length_per_step: true`), and its risk counts over its own running mean",
        "",
        None,
    )
    muon_learning_rate: or_null(Positive) = key(
        "peak for the matrices of attention and MLP, which Muon moves in place of AdamW (`d_model`"
        " a number, `weight_decay: 0`); its momentum is the first of `betas`; null: AdamW for all",
        "",
        None,
    )
    measured_at: different(Count) = key(
        "stored lengths that the learning curves and the analysis of checkpoints use", "pairs"
    )
    n_prompts_history: Several = key("stored prompts that the same use", "prompts")


class ImportedRegression(Imported):
    attention: one_of("linear", "softmax") = key("shapes do not tell it")
    n_layers: Count = key("what is measured depends on it", "layers")
    d_model: Width = key("`token`: without embedding", "dimensions")


class Evaluation(Keys):
    context_lengths: different(Count) = key("the k for which prompts are stored", "pairs")
    n_prompts: Several = key("stored for each k", "prompts")
    n_queries: Count = key("of each stored prompt", "test points")


class TaskGrid(Keys):
    of: ModelName = key("the model that is varied")
    seeds: different(Natural) = key("of the variants; left out: those of `of`", default=None)
    noise: different(NotNegative) = key("of the variants", default=None)
    n_tasks: different(Count) = key("of the variants", "tasks", None)


class Regression(Section):
    model: ClassVar = RegressionModel
    imported: ClassVar = ImportedRegression
    d: Count = key("of x and w, both N(0, I_d)", "dimensions")
    k_min: Count = key("shortest context trained on", "pairs")
    k_max: Count = key("longest context trained on", "pairs")
    tabulated_at: different(Count) = key("contexts shown in the comparative table", "pairs")
    training_theory: Switch = key(
        "whether the training of one linear layer is set beside its theory, a minute's work",
        default=True,
    )
    evaluation: Evaluation = key("held-out prompts, from a seed of their own, shared by all:")
    grid: list[TaskGrid] | None = key("as in `modular_addition`:", default=None)


class AdditionModel(Model):
    train_fraction: TrainFraction = key("in place of the section's", "share of p²", None)
    pairs_per_step: or_null(Count) = key("random batch of the training pairs; null: all", "pairs")
    mlp_dtype: one_of("float32", "bfloat16") = key(
        "of the MLP's matrix products in training steps; all else is float32. Faster on some"
        " processors: `make benchmark` says by how much, `config/bfloat16.yaml` compares the two",
        default="float32",
    )
    after_memorising: one_of("keep", "no_decay", "fixed_norm", "initial_norm") = key(
        "once training accuracy has reached `grokking_accuracy`, weight decay stays, ends, or stays"
        " while the weights are scaled after each step to the norm that they had then;"
        " `initial_norm`: it ends and each weight matrix is scaled to its initial norm"
    )
    operation: one_of("add", "subtract", "multiply") = key(
        "what the answer is of a and b, mod p: a + b, a − b, or a · b, of which pairs with 0 are no"
        " part. Its circuit is looked for in the numbers' exponents: of `subtract` −b for b, of"
        " `multiply` the discrete logarithms to the base of the smallest generator, mod p − 1",
        default="add",
    )
    norm: one_of("free", "held") = key(
        "`held`: each weight matrix is scaled to its initial norm after each step, biases are not;"
        " it takes `weight_decay: 0`",
        default="free",
    )
    norm_factor: Positive = key("the initial weights are multiplied by it", default=1.0)
    orthogonal_gradient: Switch = key(
        "of a tensor's gradient only the part across the tensor is used, at the length of the whole"
        " (⊥Grad, Prieto et al. 2025)",
        default=False,
    )
    epsilon: Positive = key(
        "Adam's ε, added to √v̂: a weight whose gradients are smaller hardly moves", default=1e-8
    )
    temperature: Positive = key(
        "the logits are divided by it in the training loss, nowhere else", default=1.0
    )
    restart_at: or_null(Count) = key(
        "before this step the temperature is 1; at it Adam forgets its moments and warms up anew;"
        " null: the temperature holds from the start",
        "step",
        None,
    )
    grokking_accuracy: Fraction = key(
        "the grokking step is the first from which validation accuracy stays this high", "accuracy"
    )
    stop_after_grokking: or_null(Count) = key(
        "a replica ends so long after its grokking step; null: at the last step", "steps"
    )


class Sweep(Keys):
    of: ModelName = key("the model that is varied")
    weight_decay: different(NotNegative) = key("of the variants", default=None)
    train_fraction: different(TrainFraction) = key("of the variants", "share of p²", None)
    learning_rate: different(Positive) = key("of the variants", default=None)


class Grid(Keys):
    of: ModelName = key("the model that is varied")
    seeds: different(Natural) = key("of the variants; left out: those of `of`", default=None)
    weight_decay: different(NotNegative) = key("of the variants", default=None)
    norm_factor: different(Positive) = key("of the variants", default=None)
    temperature: different(Positive) = key("of the variants", default=None)
    epsilon: different(Positive) = key("of the variants", default=None)
    stop_after_grokking: Count = key("as of a model; left out: as of `of`", "steps", None)


class Addition(Section):
    model: ClassVar = AdditionModel
    p: Prime = key("the modulus")
    train_fraction: TrainFraction = key(
        "pairs trained on, drawn anew for every seed; the others validate", "share of p²"
    )
    sweep: Sweep = key(
        "instead of many model entries: a variant of `of` for each combination of these lists'"
        " values. Such a study makes the table of all runs and `grokking_sweep`, no more:",
        default=None,
    )
    grid: list[Grid] | None = key(
        "beside the models, a list: a variant of `of` for each combination of a grid's values that"
        " no model has; the table `norm_dose` tells how it ended:",
        default=None,
    )


class Study(Keys):
    study: Name = key("name of the study and of its folder under `results_folder`")
    results_folder: value(str, "a folder", min_length=1) = key("where studies are kept")
    device: one_of("auto", "cpu", "cuda") = key(
        "`auto`: CUDA if there is a GPU, else the CPU. Changing it reruns nothing. With `cuda` each"
        " training asks for one GPU (resource `gpu`), which a scheduler then gives it; the analyses"
        " take one where they find one"
    )
    threads_per_training: Count = key("two jobs of one thread beat one of two", "threads")
    takes: value(dict[str, str], "words by the names of studies") = key(
        "how long a study takes from nothing, as it is told at its start", default={}
    )
    linear_regression: Regression | None = key("Track A, below; null leaves it out", default=None)
    modular_addition: Addition | None = key("Track B, below; null leaves it out", default=None)

    def sections(self) -> dict[str, Section]:
        return {name: own for name, own in self if isinstance(own, Section)}
