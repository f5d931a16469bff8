"""FLOPs of one prompt's forward pass in closed form, as ``torch.utils.flop_counter`` counts them.

Matrix products alone are counted, a multiplication and an addition each: [m, n] times [n, l] costs
2·m·n·l. Two counts are kept apart, and tests hold both equal to ``FlopCounterMode``:

``regression_flops`` is the forward pass as it is written, what a step of training costs.

``least_regression_flops`` and ``least_addition_flops`` compare networks, by one rule for all: what
the answer needs with the weights as they are stored. Tokens are looked up, the last layer works on
the one row that is read, and the products of each head's attention are taken in the cheapest order
(``torch.linalg.multi_dot``); softmax, and the causal mask of linear attention, split them in two
at the scores.
"""

from collections.abc import Sequence

from mechanics.models.transformer import Architecture


def regression_flops(architecture: Architecture, d: int, k: int, n_queries: int = 1) -> int:
    """FLOPs of ``regression.forward`` for one prompt of k pairs and ``n_queries`` test points.

    As it is written: the last layer works on the query tokens alone, and a first linear layer on
    tokens without embedding sums the context to its second moments. W_Q W_Kᵀ of that layer is
    counted in full, though prompts in a batch share it.
    """
    flops = 0
    if architecture.embedded:
        flops += _product(k + n_queries, d + 2, architecture.d_model)
        flops += _product(n_queries, architecture.d_model, 1)
    for layer in range(architecture.n_layers):
        last = layer == architecture.n_layers - 1
        n_rows = n_queries if last else k + n_queries
        if layer == 0 and architecture.attention == "linear" and not architecture.embedded:
            flops += _attention_to_moments(architecture, k, n_rows)
        else:
            flops += _attention(architecture, k, n_rows)
        flops += _mlp(architecture, n_rows)
    return flops


def least_regression_flops(architecture: Architecture, d: int, k: int) -> int:
    """Least FLOPs of a prompt of k pairs and one test point, by the rule of this module."""
    flops = 0
    if architecture.embedded:
        flops += _product(k + 1, d + 2, architecture.d_model)
        flops += _product(1, architecture.d_model, 1)
    for layer in range(architecture.n_layers):
        n_rows = 1 if layer == architecture.n_layers - 1 else k + 1
        flops += _least_attention(architecture, n_rows, k, masked=False)
        flops += _mlp(architecture, n_rows)
    return flops


def least_addition_flops(architecture: Architecture, p: int) -> int:
    """Least FLOPs of the logits of one pair at "=", by the rule of this module."""
    n_tokens, flops = 3, 0
    for layer in range(architecture.n_layers):
        n_rows = 1 if layer == architecture.n_layers - 1 else n_tokens
        flops += _least_attention(architecture, n_rows, n_tokens, masked=n_rows > 1)
        flops += _mlp(architecture, n_rows)
    return flops + _product(1, architecture.d_model, p)


def _product(m: int, n: int, length: int) -> int:
    return 2 * m * n * length


def _attention(architecture: Architecture, k: int, n_rows: int) -> int:
    """``regression.attend``: ``n_rows`` tokens attend to k context tokens."""
    n_heads, d_model, d_head = architecture.n_heads, architecture.d_model, architecture.d_head
    projections = 2 * _product(n_rows, d_model, n_heads * d_head)  # W_Q and W_O
    projections += 2 * _product(k, d_model, n_heads * d_head)  # W_K and W_V
    if architecture.attention == "linear":  # Q (Kᵀ V)
        mixed = _product(d_head, k, d_head) + _product(n_rows, d_head, d_head)
    else:  # scores, sums of values
        mixed = _product(n_rows, d_head, k) + _product(n_rows, k, d_head)
    return projections + n_heads * mixed


def _attention_to_moments(architecture: Architecture, k: int, n_rows: int) -> int:
    """``regression.attend_to_moments``, term by term."""
    token, n_heads, d_head = architecture.d_model, architecture.n_heads, architecture.d_head
    moments = _product(token, k, token)
    W_QK = _product(token, d_head, token)
    asked = 2 * _product(n_rows, token, token)  # times W_QK, times the moments
    mixed = 2 * _product(n_rows, token, d_head)  # W_V and W_O
    return moments + n_heads * (W_QK + asked + mixed)


def _mlp(architecture: Architecture, n_rows: int) -> int:
    return 2 * _product(n_rows, architecture.d_model, architecture.d_mlp)


def _least_attention(architecture: Architecture, n_rows: int, k: int, masked: bool) -> int:
    """``n_rows`` tokens attend to k: x W_Q W_Kᵀ zᵀ and, with its pattern, A z W_V W_O."""
    d_model, d_head = architecture.d_model, architecture.d_head
    scores = [n_rows, d_model, d_head, d_model, k]
    values = [k, d_model, d_head, d_model]
    if architecture.attention == "linear" and not masked:
        return architecture.n_heads * least_chain_flops([*scores, *values[1:]])
    split = least_chain_flops(scores) + least_chain_flops([n_rows, *values])
    return architecture.n_heads * split


def least_chain_flops(sizes: Sequence[int]) -> int:
    """Matrices [sizes[0], sizes[1]], [sizes[1], sizes[2]], … multiplied in the cheapest order.

    >>> least_chain_flops([1, 100, 100, 1])  # (a B) c: no product of matrices
    20200
    """
    n = len(sizes) - 1
    least = {(first, first): 0 for first in range(n)}
    for length in range(1, n):
        for first in range(n - length):
            last = first + length
            least[first, last] = min(
                least[first, cut]
                + least[cut + 1, last]
                + _product(sizes[first], sizes[cut + 1], sizes[last + 1])
                for cut in range(first, last)
            )
    return least[0, n - 1]
