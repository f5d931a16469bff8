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

    def __init__(self, kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm):
        super().__init__()
        parts = (kind, d_model, n_heads, d_head, d_mlp, layer_norm)
        self.blocks = nn.ModuleList(Block(*parts) for _ in range(n_layers))
        self.ln_final = LayerNorm(d_model) if layer_norm else nn.Identity()

    def through_blocks(self, stream, visible):
        for block in self.blocks:
            stream = block(stream, visible)
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
    def __init__(self, p, kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm):
        super().__init__(kind, d_model, n_layers, n_heads, d_head, d_mlp, layer_norm)
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
    parts |= {"kind": own.attention, "layer_norm": own.layer_norm}
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
    if network is None:
        print(f"{name}: every seed diverged.")
        continue
    if network.settings["attention"] not in ("linear", "softmax"):
        print(f"{name}: the models above do not have {network.settings['attention']} attention.")
        continue
    model, settings = from_scratch(network), network.settings
    if task == "linear_regression":
        d_token = settings["d_max"] or settings["d"]
        prompts = sample_prompts("evaluation", 3, 0, 64, settings["k_max"], 4, d_token)
        own = network.architecture  # deep linear stacks: tokens of zeros, and y of variance 1
        x = functional.pad(prompts.x, (0, 0, 0, own.zero_tokens))
        y = functional.pad(prompts.y, (0, own.zero_tokens)) * own.y_scale
        ours = model(x, y, prompts.x_test) / own.y_scale
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
    assert row["largest difference"] < 1e-4, f"{name}: the two differ by {row}"
    rows.append(row)
show_table(pd.DataFrame(rows))
