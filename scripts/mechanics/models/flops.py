"""FLOPs of one prompt's forward pass in closed form, as ``torch.utils.flop_counter`` counts them.

Matrix products alone are counted, a multiplication and an addition each: [m, n] times [n, l] costs
2·m·n·l. Embeddings are products with W_E and are counted as such, one-hot tokens included. A test
holds each function equal to ``FlopCounterMode`` over the forward pass that it names.
"""

from mechanics.models.block import Architecture


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


def addition_flops(architecture: Architecture, p: int) -> int:
    """FLOPs of ``addition.forward_full_sequence`` for one pair: three positions in every layer.

    The collapsed ``addition.forward`` costs less by sharing rows between pairs, so that it has no
    number of its own per pair; this one is the plain network's.
    """
    n_tokens = 3
    n_heads, d_model, d_head = architecture.n_heads, architecture.d_model, architecture.d_head
    attention = 4 * _product(n_tokens, d_model, n_heads * d_head)  # W_Q, W_K, W_V, W_O
    attention += 2 * n_heads * _product(n_tokens, d_head, n_tokens)  # scores, sums of values
    flops = architecture.n_layers * (attention + _mlp(architecture, n_tokens))
    return flops + _product(n_tokens, p + 1, d_model) + _product(n_tokens, d_model, p)


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
