"""REDCap's conditional syntax, as ``filterLogic`` uses it: parsed once, evaluated per row.

Source of the syntax: ``docs/redcap.md`` section 10. References into other events or instances are not understood, the
classic projects of the sandbox have none.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

Value = str | float
Values = Mapping[str, str]
Node = Callable[[Values], Value]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<text>"[^"]*"|'[^']*')
      | \[(?P<field>[a-z][a-z0-9_]*)(?:\((?P<code>[^()\[\]]+)\))?\](?!\s*\[)
      | (?P<word>[A-Za-z_]+)
      | (?P<mark><=|>=|<>|!=|[=<>()+\-*/^,])
    )""",
    re.VERBOSE,
)
_NOT_WORD = re.compile(r"[^a-z0-9]")
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_SECONDS = {"y": 86400 * 365.2425, "M": 86400 * 30.44, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?")


class _BadLogicError(Exception):
    """The text is not an expression of this syntax."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes:
        fields: Names of the fields it reads.
        node: The evaluation.
    """

    fields: frozenset[str]
    node: Node

    def holds(self, values: Values) -> bool:
        """Whether the expression is true for stored values (export name -> text); false where it has no result."""
        try:
            return _truth(self.node(values))
        except (ArithmeticError, ValueError):
            return False


def parse_logic(text: str) -> Expression | None:
    """Parse a filter; None when it is not valid."""
    try:
        parser = _Parser(text)
        node = parser.whole()
    except (_BadLogicError, RecursionError):
        return None
    return Expression(frozenset(parser.fields), node)


class _Parser:
    """Recursive descent, one method per level of binding, loosest first."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._position = 0
        self._match: re.Match[str] | None = None
        self.fields: set[str] = set()
        self._advance()

    def whole(self) -> Node:
        """The complete expression.

        Raises:
            _BadLogicError: Something is left over or missing.
        """
        node = self._either()
        if self._match is not None:
            raise _BadLogicError
        return node

    def _advance(self) -> None:
        if self._position >= len(self._text):
            self._match = None
            return
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise _BadLogicError
        self._match, self._position = match, match.end()

    def _take(self, kind: str, *texts: str) -> str | None:
        token = self._match.group(kind) if self._match else None
        if token is None or (texts and token.lower() not in texts):
            return None
        self._advance()
        return token.lower() if kind == "word" else token

    def _need(self, mark: str) -> None:
        if self._take("mark", mark) is None:
            raise _BadLogicError

    def _either(self) -> Node:
        node = self._both()
        while self._take("word", "or"):
            node = _any_of(node, self._both())
        return node

    def _both(self) -> Node:
        node = self._negation()
        while self._take("word", "and"):
            node = _all_of(node, self._negation())
        return node

    def _negation(self) -> Node:
        if self._take("word", "not"):
            node = self._negation()
            return lambda values: float(not _truth(node(values)))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        mark = self._take("mark", "=", "<>", "!=", "<", ">", "<=", ">=")
        return left if mark is None else _compare(mark, left, self._sum())

    def _sum(self) -> Node:
        node = self._product()
        while mark := self._take("mark", "+", "-"):
            node = _arithmetic(mark, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._power()
        while mark := self._take("mark", "*", "/"):
            node = _arithmetic(mark, node, self._power())
        return node

    def _power(self) -> Node:
        if self._take("mark", "-"):
            return _arithmetic("-", lambda _: 0.0, self._power())
        base = self._atom()
        return _arithmetic("^", base, self._power()) if self._take("mark", "^") else base

    def _atom(self) -> Node:
        if (number := self._take("number")) is not None:
            return lambda _: float(number)
        if (text := self._take("text")) is not None:
            return lambda _: text[1:-1]
        if self._match is not None and (field := self._match.group("field")):
            return self._reference(field, self._match.group("code"))
        if self._take("mark", "("):
            node = self._either()
            self._need(")")
            return node
        name = self._take("word")
        if name is None or name not in _FUNCTIONS:
            raise _BadLogicError
        return self._call(name)

    def _reference(self, field: str, code: str | None) -> Node:
        self._advance()
        self.fields.add(field)
        if code is None:
            return lambda values: values.get(field, "")
        option = f"{field}___{_NOT_WORD.sub('_', code.strip().lower())}"
        return lambda values: values.get(option, "0")

    def _call(self, name: str) -> Node:
        self._need("(")
        arguments = [self._either()]
        while self._take("mark", ","):
            arguments.append(self._either())
        self._need(")")
        function = _FUNCTIONS[name]
        return lambda values: function([argument(values) for argument in arguments])


def _number(value: Value) -> float | None:
    if isinstance(value, float):
        return value
    try:
        return float(value)
    except ValueError:
        return None


def _truth(value: Value) -> bool:
    number = _number(value)
    return bool(value) if number is None else bool(number)


def _any_of(left: Node, right: Node) -> Node:
    return lambda values: float(_truth(left(values)) or _truth(right(values)))


def _all_of(left: Node, right: Node) -> Node:
    return lambda values: float(_truth(left(values)) and _truth(right(values)))


def _compare(mark: str, left: Node, right: Node) -> Node:
    def node(values: Values) -> Value:
        a, b = left(values), right(values)
        x, y = _number(a), _number(b)
        if mark in {"=", "<>", "!="}:
            same = x == y if x is not None and y is not None else str(a) == str(b)
            return float(same is (mark == "="))
        if x is not None and y is not None:
            return float(_ORDER[mark](x, y))
        if a == "" or b == "" or x is not None or y is not None:
            return 0.0
        return float({"<": str(a) < str(b), ">": str(a) > str(b), "<=": str(a) <= str(b), ">=": str(a) >= str(b)}[mark])

    return node


def _arithmetic(mark: str, left: Node, right: Node) -> Node:
    def node(values: Values) -> Value:
        x, y = _number(left(values)), _number(right(values))
        if x is None or y is None or (mark == "/" and y == 0):
            return ""
        if mark == "^":
            return math.pow(x, y)
        return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[mark](x, y)  # type: ignore[no-any-return]

    return node


def _datediff(arguments: list[Value]) -> Value:
    moments = [_moment(str(value)) for value in arguments[:2]]
    unit = str(arguments[2]) if len(arguments) > 2 else "d"
    if len(moments) < 2 or moments[0] is None or moments[1] is None or unit not in _SECONDS:
        return ""
    difference = (moments[1] - moments[0]).total_seconds() / _SECONDS[unit]
    is_signed = _truth(arguments[-1]) if len(arguments) > 3 and arguments[-1] not in {"ymd", "mdy", "dmy"} else False
    return difference if is_signed else abs(difference)


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _numbers(arguments: list[Value]) -> list[float]:
    return [number for number in map(_number, arguments) if number is not None]


def _round(arguments: list[Value]) -> Value:
    numbers = _numbers(arguments)
    if not numbers:
        return ""
    factor = 10 ** int(numbers[1] if len(numbers) > 1 else 0)
    return math.copysign(math.floor(abs(numbers[0]) * factor + 0.5) / factor, numbers[0])


_FUNCTIONS: Mapping[str, Callable[[list[Value]], Value]] = {
    "if": lambda a: (a[1] if _truth(a[0]) else a[2]) if len(a) == 3 else "",
    "round": _round,
    "abs": lambda a: abs(_numbers(a)[0]) if _numbers(a) else "",
    "min": lambda a: min(_numbers(a), default=""),
    "max": lambda a: max(_numbers(a), default=""),
    "sum": lambda a: sum(_numbers(a)),
    "mean": lambda a: sum(_numbers(a)) / len(_numbers(a)) if _numbers(a) else "",
    "datediff": _datediff,
    "contains": lambda a: float(len(a) == 2 and str(a[1]).casefold() in str(a[0]).casefold()),
    "isblankormissingcode": lambda a: float(all(value == "" for value in a)),
}
