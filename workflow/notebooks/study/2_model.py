# %% [markdown]
# ## 2 The Transformer, from scratch
#
# *…* stands for any leading dimensions. d_model is the width of the residual stream; in every head
# W_Q, W_K, W_V project it to d_head, and W_O projects back. A query token sums over the tokens that
# it sees: Σ_i A_i · z_i W_V W_O. The weights A come from the scores z_query W_Q W_Kᵀ z_i / √d_head.
# *Softmax* attention makes positive weights of them, which sum to one. *Linear* attention takes the
# scores themselves, divided by how many tokens are seen.
#
# **Exercise 2.** Write both.


# %% tags=["exercise"]
def attention_weights(scores, kind):
    """A from scores, both … × query × seen token; kind is "softmax" or "linear"."""
    return scores.softmax(dim=-1) if kind == "softmax" else scores / scores.shape[-1]


# %%
scores = torch.randn(2, 3, 4)
A = attention_weights(scores, "softmax")
assert torch.allclose(A.sum(dim=-1), torch.ones(2, 3)) and bool((A >= 0).all()), (
    "softmax: the weights of a query (last axis) are not negative and sum to one"
)
odds = (scores[..., 0] - scores[..., 1]).exp()
assert torch.allclose(A[..., 0] / A[..., 1], odds, rtol=1e-4), "softmax: weights go as exp(score)"
linear = 4 * attention_weights(scores, "linear")
assert torch.allclose(linear, scores, atol=1e-6), "linear: each score over their number, 4 here"


# %%
def drawn(d_model, *shape):
    """First weights: normal, with variance 1/d_model."""
    return nn.Parameter(torch.randn(shape) / d_model**0.5)


class Attention(nn.Module):
    def __init__(self, kind, d_model, n_heads, d_head):
        super().__init__()
        self.kind, into = kind, (n_heads, d_model, d_head)
        self.W_Q, self.W_K, self.W_V = (drawn(d_model, *into) for _ in range(3))
        self.W_O = drawn(d_model, n_heads, d_head, d_model)

    def forward(self, queries, context):
        """queries: … × m × d_model, context: … × k × d_model."""
        asked = torch.einsum("...md,hde,hce->...hmc", queries, self.W_Q, self.W_K)
        scores = torch.einsum("...hmc,...kc->...hmk", asked, context) / self.W_Q.shape[-1] ** 0.5
        read = torch.einsum("...hmk,...kc->...hmc", attention_weights(scores, self.kind), context)
        return torch.einsum("...hmc,hce,hed->...md", read, self.W_V, self.W_O)


class MLP(nn.Module):
    def __init__(self, d_model, d_mlp):
        super().__init__()
        self.W_in, self.W_out = drawn(d_model, d_model, d_mlp), drawn(d_model, d_mlp, d_model)
        self.b_in, self.b_out = (nn.Parameter(torch.zeros(n)) for n in (d_mlp, d_model))

    def forward(self, stream):
        return (stream @ self.W_in + self.b_in).relu() @ self.W_out + self.b_out


class Block(nn.Module):
    """Attention adds to the stream of the queries, and so does an MLP if there is one."""

    def __init__(self, kind, d_model, n_heads, d_head, d_mlp=0):
        super().__init__()
        self.attn = Attention(kind, d_model, n_heads, d_head)
        self.mlp = MLP(d_model, d_mlp) if d_mlp else None

    def forward(self, queries, context):
        queries = queries + self.attn(queries, context)
        return queries if self.mlp is None else queries + self.mlp(queries)


# %% [markdown]
# For regression the tokens are z_i = [x_i; y_i] and [x_test; 0], and all see the context. The
# stream *is* the token, and the prediction is minus its last coordinate: part 3 shows why. For
# addition, "a b =" is three rows of a table W_E plus a vector for each position, and the logits of
# all p answers are read at "=". The deep networks of the study also have LayerNorms, and regression
# tokens that are embedded; the study's own code, `scripts/mechanics/models`, runs these.


# %%
class RegressionTransformer(nn.Module):
    def __init__(self, d, kind="linear", n_layers=1):
        super().__init__()
        self.blocks = nn.ModuleList(Block(kind, d + 1, 1, d + 1) for _ in range(n_layers))

    def forward(self, x, y, x_test):
        """x: … × k × d, y: … × k, x_test: … × m × d; gives ŷ: … × m."""
        context, query = torch.cat([x, y[..., None]], dim=-1), functional.pad(x_test, (0, 1))
        for block in self.blocks:
            context, query = block(context, context), block(query, context)
        return -query[..., -1]


class AdditionTransformer(nn.Module):
    def __init__(self, p, d_model, n_heads, d_head, d_mlp):
        super().__init__()
        self.embed = nn.ParameterDict({"W_E": drawn(d_model, p + 1, d_model)})  # last: "="
        self.pos_embed = nn.ParameterDict({"W_pos": drawn(d_model, 3, d_model)})
        self.blocks = nn.ModuleList([Block("softmax", d_model, n_heads, d_head, d_mlp)])
        self.unembed = nn.ParameterDict({"W_U": drawn(d_model, d_model, p)})

    def forward(self, pairs):
        """pairs (a, b): n × 2; gives the logits at "=": n × p."""
        W_E = self.embed.W_E
        stream = W_E[functional.pad(pairs, (0, 1), value=len(W_E) - 1)] + self.pos_embed.W_pos
        equals = stream[:1, 2:]  # the same for every pair, until it has attended
        return self.blocks[0](equals, stream)[:, 0] @ self.unembed.W_U


# %% [markdown]
# The parts carry the names of the study's weights, so the trained ones can be loaded. The study's
# own code is written for speed; with the same weights, yours must give the same logits.


# %%
def load(model, network):
    model.load_state_dict({name: tensor[0] for name, tensor in network.weights.items()})
    return model


# %% tags=["clock"]
from mechanics.models import addition  # the study's own forward pass

own = addition_seeds[0].architecture
shape = {name: getattr(own, name) for name in ("d_model", "n_heads", "d_head", "d_mlp")}
some = pairs[torch.randperm(len(pairs))[:500]]
ours = load(AdditionTransformer(p, **shape), addition_seeds[0])(some)
theirs = addition.forward(addition_seeds[0].weights, some[None], own)[0]
print(f"largest difference of a logit: {float((ours - theirs).abs().max()):.1e}")
assert torch.allclose(ours, theirs, atol=1e-3), "the trained weights want another attention"
