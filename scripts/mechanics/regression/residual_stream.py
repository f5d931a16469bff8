"""The residual stream of the regression network at every layer and position, and its read-out.

``regression.forward`` computes only what the prediction needs (in the last layer the query tokens
alone). Here every position of every layer is kept, and the skip connections and the MLPs can be
left out, as Dong et al. 2021, "Attention is not all you need", do to trained networks.
"""

from jaxtyping import Float
from torch import Tensor

from mechanics.models.attention import project
from mechanics.models.prompts import Prompts
from mechanics.models.regression import Parameters, attend, tokens
from mechanics.models.transformer import Architecture, mlp, normalise


def residual_streams(
    parameters: Parameters,
    prompts: Prompts,
    architecture: Architecture,
    skips: bool = True,
    mlps: bool = True,
) -> list[Float[Tensor, "seed prompt position d_model"]]:
    """The stream after the embedding (entry 0) and after each layer (entries 1 … n_layers).

    Positions are the k context tokens, then the query tokens. ``skips=False`` passes on what
    attention and MLP return, without adding it to the stream that they read; ``mlps=False`` leaves
    the MLPs out. LayerNorms and the activation clip stay as trained. ``prompts`` have the
    coordinates that the network reads (``RegressionRun.tokens``).
    """
    k = prompts.x.shape[-2]
    stream = tokens(prompts, query_flag=architecture.embedded)
    if architecture.embedded:
        stream = project(stream, parameters["embed.W_E"])
    streams = [stream]
    for layer in range(architecture.n_layers):
        normed = normalise(stream, parameters, f"blocks.{layer}.ln1", architecture)
        context = normed[..., :k, :]
        attended = attend(normed, context, parameters, layer, architecture, prompts.mask)
        stream = stream + attended if skips else attended
        if mlps and architecture.d_mlp:
            added = mlp(stream, parameters, layer, architecture)
            stream = stream + added if skips else added
        if architecture.activation_clip is not None:
            stream = stream.clamp(-architecture.activation_clip, architecture.activation_clip)
        streams.append(stream)
    return streams


def read_out(
    stream: Float[Tensor, "seed prompt position d_model"],
    parameters: Parameters,
    architecture: Architecture,
) -> Float[Tensor, "seed prompt position"]:
    """What the network's last step makes of a stream: ŷ for the query positions ``[..., k:, :]``.

    It is the final LayerNorm and unembedding, or minus the last coordinate of a token without
    embedding. Given the stream of an earlier layer it is what that layer would have predicted.
    """
    if not architecture.embedded:
        return -stream[..., -1]
    final = normalise(stream, parameters, "ln_final", architecture)
    return project(final, parameters["unembed.W_U"])[..., 0]
