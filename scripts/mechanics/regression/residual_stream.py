"""The residual stream of the regression network at every layer and position, and its read-out.

``regression.forward`` computes only what the prediction needs (in the last layer the query tokens
alone). Here every position of every layer is kept, and the skip connections and the MLPs can be
left out, as Dong et al. 2021, "Attention is not all you need", do to trained networks.
"""

from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.prompts import Prompts
from mechanics.models.regression import Parameters
from mechanics.models.transformer import Architecture


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
    the MLPs out. LayerNorms stay as trained. ``prompts`` have the
    coordinates that the network reads (``RegressionRun.tokens``).
    """
    cache: dict[str, Tensor] = {}
    regression.run(parameters, prompts, architecture, cache, skips, mlps)
    streams = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(architecture.n_layers)]
    return [*streams, cache[f"blocks.{architecture.n_layers - 1}.hook_resid_post"]]
