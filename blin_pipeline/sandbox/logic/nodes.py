"""Evaluations put together: each takes evaluations and gives one."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from blin_pipeline.sandbox.logic.scope import Scope
from blin_pipeline.sandbox.logic.values import Value, number, text, truth

Node = Callable[[Scope], Value]

_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_TEXT_ORDER: Mapping[str, Callable[[str, str], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_SUMS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
}


def any_of(left: Node, right: Node) -> Node:
    """True when one side is."""
    return lambda scope: float(truth(left(scope)) or truth(right(scope)))


def all_of(left: Node, right: Node) -> Node:
    """True when both sides are."""
    return lambda scope: float(truth(left(scope)) and truth(right(scope)))


def compare(mark: str, left: Node, right: Node) -> Node:
    """A comparison: by number where both sides are numbers, else as text; an order with a blank is false."""

    def node(scope: Scope) -> Value:
        a, b = left(scope), right(scope)
        x, y = number(a), number(b)
        if mark in {"=", "<>", "!="}:
            same = x == y if x is not None and y is not None else text(a) == text(b)
            return float(same is (mark == "="))
        if x is not None and y is not None:
            return float(_ORDER[mark](x, y))
        if a == "" or b == "" or x is not None or y is not None:
            return 0.0
        return float(_TEXT_ORDER[mark](text(a), text(b)))

    return node


def arithmetic(mark: str, left: Node, right: Node) -> Node:
    """A sum, difference, product, quotient or power; blank where a side is no number, or for a division by zero."""

    def node(scope: Scope) -> Value:
        x, y = number(left(scope)), number(right(scope))
        if x is None or y is None or (mark == "/" and y == 0):
            return ""
        return _SUMS[mark](x, y)

    return node
