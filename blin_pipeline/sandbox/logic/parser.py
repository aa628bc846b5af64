"""The syntax: text in, an evaluation out. Recursive descent, one method per level of binding, loosest first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from blin_pipeline.sandbox.logic.functions import FUNCTIONS
from blin_pipeline.sandbox.logic.nodes import Node, all_of, any_of, arithmetic, compare
from blin_pipeline.sandbox.logic.scope import Reference, Scope
from blin_pipeline.sandbox.logic.values import MissingCode, Value, text, truth

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<reference>\[[^\[\]]+\](?:\s*\[[^\[\]]+\])*)
      | (?P<word>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<mark><=|>=|<>|!=|[=<>()+\-*/^,])
    )""",
    re.VERBOSE,
)
_PART = re.compile(r"\[([^\[\]]+)\]")
_FIELD = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?:\((?P<code>[^()\[\]]+)\))?(?::value)?")
_COMMENT = re.compile(r"^\s*(?:#|//).*$", re.MULTILINE)
_EVENT_VARIABLES = frozenset(
    {"event-name", "first-event-name", "previous-event-name", "next-event-name", "last-event-name"}
)
_INSTANCE_VARIABLES = frozenset(
    {"current-instance", "first-instance", "previous-instance", "next-instance", "last-instance"}
)
_PLAIN_VARIABLES = frozenset({"record-name", "record-dag-name", "arm-number", "arm-label", "event-label"})
SMART_VARIABLES = _EVENT_VARIABLES | _INSTANCE_VARIABLES | _PLAIN_VARIABLES
_EVENT_NAME = re.compile(r"[a-z0-9_]+_arm_\d+[a-z]*")


class _BadLogicError(Exception):
    """The text is not an expression of this syntax."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes:
        references: Everything it reads.
        node: The evaluation.
    """

    references: frozenset[Reference]
    node: Node

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields it reads, smart variables left out."""
        return frozenset(reference.name for reference in self.references) - SMART_VARIABLES

    def value(self, scope: Scope) -> str:
        """The result as stored text, ``""`` where there is none."""
        try:
            return text(self.node(scope))
        except (ArithmeticError, ValueError):
            return ""

    def holds(self, scope: Scope) -> bool:
        """Whether the expression is true; false where it has no result."""
        try:
            return truth(self.node(scope))
        except (ArithmeticError, ValueError):
            return False


def parse_logic(source: str) -> Expression | None:
    """Parse an expression; None when it is not valid. Lines that begin with ``#`` or ``//`` are comments."""
    try:
        parser = _Parser(_COMMENT.sub("", source))
        node = parser.whole()
    except (_BadLogicError, RecursionError):
        return None
    return Expression(frozenset(parser.references), node)


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source.strip()
        self._position = 0
        self._match: re.Match[str] | None = None
        self.references: set[Reference] = set()
        self._advance()

    def whole(self) -> Node:
        node = self._either()
        if self._match is not None:
            raise _BadLogicError
        return node

    def _advance(self) -> None:
        if self._position >= len(self._source):
            self._match = None
            return
        match = _TOKEN.match(self._source, self._position)
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
            node = any_of(node, self._both())
        return node

    def _both(self) -> Node:
        node = self._negation()
        while self._take("word", "and"):
            node = all_of(node, self._negation())
        return node

    def _negation(self) -> Node:
        if self._take("word", "not"):
            node = self._negation()
            return lambda scope: float(not truth(node(scope)))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        mark = self._take("mark", "=", "<>", "!=", "<", ">", "<=", ">=")
        return left if mark is None else compare(mark, left, self._sum())

    def _sum(self) -> Node:
        node = self._product()
        while mark := self._take("mark", "+", "-"):
            node = arithmetic(mark, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._power()
        while mark := self._take("mark", "*", "/"):
            node = arithmetic(mark, node, self._power())
        return node

    def _power(self) -> Node:
        if self._take("mark", "-"):
            return arithmetic("-", lambda _: 0.0, self._power())
        base = self._atom()
        return arithmetic("^", base, self._power()) if self._take("mark", "^") else base

    def _atom(self) -> Node:
        if (digits := self._take("number")) is not None:
            return lambda _: float(digits)
        if (quoted := self._take("text")) is not None:
            return lambda _: quoted[1:-1]
        if (brackets := self._take("reference")) is not None:
            return self._read(brackets)
        if self._take("mark", "("):
            node = self._either()
            self._need(")")
            return node
        return self._call(self._take("word"))

    def _read(self, brackets: str) -> Node:
        reference = _reference(_PART.findall(brackets))
        self.references.add(reference)

        def node(scope: Scope) -> Value:
            found = scope.read(reference)
            return MissingCode(found) if found in scope.missing_data_codes else found

        return node

    def _call(self, name: str | None) -> Node:
        if name in {"true", "false"} and not (self._match and self._match.group("mark") == "("):
            return lambda _: float(name == "true")
        if name is None or name not in FUNCTIONS:
            raise _BadLogicError
        self._need("(")
        arguments = [self._either()]
        while self._take("mark", ","):
            arguments.append(self._either())
        self._need(")")
        least, largest, function = FUNCTIONS[name]
        if len(arguments) < least or (largest is not None and len(arguments) > largest):
            raise _BadLogicError
        return lambda scope: function([argument(scope) for argument in arguments], scope)


def _reference(parts: list[str]) -> Reference:
    """``[field]``, ``[event][field]``, ``[field][instance]`` and ``[event][field][instance]``."""
    event = parts.pop(0) if len(parts) > 1 and _is_event(parts[0]) else ""
    if parts[0] in SMART_VARIABLES and len(parts) == 1:
        return Reference(parts[0], event=event)
    match = _FIELD.fullmatch(parts.pop(0))
    if match is None or len(parts) > 1:
        raise _BadLogicError
    instance = parts[0] if parts else ""
    if instance and not (instance.isdecimal() or instance in _INSTANCE_VARIABLES):
        raise _BadLogicError
    return Reference(match["name"], (match["code"] or "").strip(), event, instance)


def _is_event(part: str) -> bool:
    return part in _EVENT_VARIABLES or _EVENT_NAME.fullmatch(part) is not None
