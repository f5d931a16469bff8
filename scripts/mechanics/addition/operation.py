"""Subtraction and multiplication mod p, as an addition of exponents.

``a ∘ b = c`` is an addition on another circle: each number is a power of one generator, and the
exponents of a and b add up to that of c. Addition: a number is its own exponent. Subtraction: of b
it is −b. Multiplication: the discrete logarithm, mod p − 1, to the base of the smallest generator;
0 is no power of it, so that pairs with 0 are no part of the task.

All pairs are listed in the order of their exponents, that of b running fastest: where addition has
the pair (x, y) of p² they have one whose exponents are x and y, and whose answer has x + y.
"""

from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from mechanics.addition.pairs import all_pairs

Operation = Literal["add", "subtract", "multiply"]


def answer(pairs: Int[Tensor, "*batch 2"], p: int, operation: Operation) -> Int[Tensor, "*batch"]:
    """c of every pair: (100, 20) -> 7, 80, 79 for p = 113."""
    a, b = pairs.unbind(-1)
    return {"add": a + b, "subtract": a - b, "multiply": a * b}[operation] % p


def numbers(p: int, operation: Operation) -> Int[Tensor, " exponent"]:
    """The number of every exponent: 0 … p − 1, or 1, g, g², … g^(p − 2)."""
    if operation != "multiply":
        return torch.arange(p)
    powers = ([pow(g, x, p) for x in range(p - 1)] for g in range(2, p))
    return torch.tensor(next(own for own in powers if len(set(own)) == p - 1))


def order(p: int, operation: Operation) -> int:
    """How many exponents there are."""
    return p - 1 if operation == "multiply" else p


def operation_pairs(p: int, operation: Operation) -> Int[Tensor, "pair 2"]:
    """The numbers (a, b) of all pairs of exponents, that of b running fastest."""
    exponents = all_pairs(order(p, operation))
    if operation == "subtract":
        exponents[:, 1] = -exponents[:, 1] % p
    return numbers(p, operation)[exponents]
