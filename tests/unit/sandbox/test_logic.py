"""REDCap's expressions: values against hand-worked results, and what is no expression."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import proof_count

from blin_pipeline.sandbox.logic import parse_logic, values_scope
from blin_pipeline.sandbox.logic.functions import FUNCTIONS

NOW = datetime(2026, 6, 15, 14, 30)
VALUES = {
    "a": "7",
    "b": "2.5",
    "blank": "",
    "word": "Blue Sky",
    "born": "1970-06-16",
    "start": "2026-01-31 08:00",
    "stop": "2026-02-01 20:30",
    "code": "-99",
    "huge": "1e300",
    "box___1": "1",
    "box____98": "0",
}


def value(text: str) -> str:
    expression = parse_logic(text)
    assert expression is not None, text
    return expression.value(values_scope(VALUES, NOW, ("-99", "UNK")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a] + [b] * 2", "12"),
        ("([a] - 1) / 4", "1.5"),
        ("-[a] ^ 2", "-49"),
        ("([a])^(2)", "49"),
        ("2 ^ 3 ^ 2", "512"),
        ("[a] / 0", ""),
        ("[a] + [blank]", ""),
        ("1 / 3", "0.33333333333333"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 5", "2"),
        ("round(2.675, 2)", "2.68"),
        ("round(-2.5)", "-3"),
        ("round(1234, -2)", "1200"),
        ("roundup(2.01, 1)", "2.1"),
        ("rounddown(2.99, 1)", "2.9"),
        ("rounddown(-2.99)", "-2"),
        ("sum([a], [b], [blank])", "9.5"),
        ("sum([blank], [blank])", ""),
        ("mean([a], [b], [blank])", "4.75"),
        ("median(1, 9, 4)", "4"),
        ("min(3, [b], [blank])", "2.5"),
        ("max([a], 3)", "7"),
        ("stdev(2, 4, 4, 4, 5, 5, 7, 9)", "2.1380899352994"),
        ("stdev(1)", ""),
        ("abs(-3)", "3"),
        ("sqrt(2.25)", "1.5"),
        ("sqrt(-1)", ""),
        ("log(8, 2)", "3"),
        ("mod(7, 4)", "3"),
        ("if([a] > 5 and [b] < 3, 'yes', 'no')", "yes"),
        ("if([blank] < 5, 1, 0)", "0"),
        ("if([blank] = '', 1, 0)", "1"),
        ('if([word] = "Blue Sky" or [a] = 1, 1, 0)', "1"),
        ("if(not ([a] <> 7.0), 1, 0)", "1"),
        ("[box(1)] = '1' and [box(-98)] = '0'", "1"),
        ("[code] = '-99'", "1"),
        ("[code] + 1", ""),
        ("sum([code], 1)", "1"),
        ("isblankormissingcode([code])", "1"),
        ("isblankormissingcode([a])", "0"),
        ("isblanknotmissingcode([code])", "0"),
        ("datediff([born], 'today', 'y') >= 55.9", "1"),
        ("rounddown(datediff([born], 'today', 'y'))", "55"),
        ("datediff([start], [stop], 'h')", "36.5"),
        ("datediff([stop], [start], 'h', true)", "-36.5"),
        ("datediff([stop], [start], 'd', 'dmy', true)", "-1.5208333333333"),
        ("datediff([born], [blank], 'd')", ""),
        ("datediff('08:15', '09:00', 'm')", "45"),
        ("round(datediff('2026-01-01', '2026-03-01', 'M'), 2)", "1.94"),
        ("calcdate('2026-01-31', 1, 'M')", "2026-03-03 00:00:00"),
        ("calcdate([start], 90, 'm')", "2026-01-31 09:30:00"),
        ("year([born]) + month([born]) + day([born])", "1992"),
        ("concat([word], '!')", "Blue Sky!"),
        ("concat_ws(', ', [a], [blank], [b])", "7, 2.5"),
        ("contains([word], 'blue')", "1"),
        ("not_contain([word], 'red')", "1"),
        ("starts_with([word], 'blue') and ends_with([word], 'SKY')", "1"),
        ("upper(left([word], 4))", "BLUE"),
        ("concat(right([word], 3), mid([word], 2, 2))", "Skylu"),
        ("length([word]) + find('sky', [word])", "14"),
        ("replace_text([word], 'Blue', 'Red')", "Red Sky"),
        ("lower(trim('  A '))", "a"),
        ("isnumber([b]) + isinteger([b]) + isinteger(0)", "2"),
        ("# a comment\n// and another\n[a]", "7"),
    ],
)
def test_results(text: str, expected: str) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "[a", "[a] +", "nix([a])", "if([a], 1)", "[A]", "[a] = 'x", "1 2", "[a][b][c][d]", "[a](1)", "round()", "a"],
)
def test_what_is_no_expression(text: str) -> None:
    assert parse_logic(text) is None


def test_what_an_expression_reads() -> None:
    expression = parse_logic(
        "[visit_1_arm_1][score][2] + [box(1)] + [event-name] + [next-event-name][dose][last-instance]"
    )
    assert expression is not None
    assert {tuple(item) for item in expression.references} == {
        ("score", "", "visit_1_arm_1", "2"),
        ("box", "1", "", ""),
        ("event-name", "", "", ""),
        ("dose", "", "next-event-name", "last-instance"),
    }
    assert expression.fields == {"score", "box", "dose"}


_TOKENS = st.sampled_from(
    [
        *(
            "[a]",
            "[b]",
            "[blank]",
            "[word]",
            "[code]",
            "[box(1)]",
            "[start]",
            "[a][2]",
            "[visit_1_arm_1][a]",
            "[event-name]",
        ),
        *("1", "0", "2.5", "1e9", "99999999999999999999", "'today'", "'d'", "'M'", "'x'", '""', "true"),
        *("+", "-", "*", "/", "^", "=", "<>", "<", ">=", "and", "or", "not", "(", ")", ","),
        *(f"{name}(" for name in FUNCTIONS),
    ]
)


@settings(max_examples=proof_count(300, 20_000, quick=60), deadline=None, derandomize=True)
@given(st.lists(_TOKENS, max_size=14).map(" ".join))
def test_any_text_is_no_expression_or_has_a_result(text: str) -> None:
    expression = parse_logic(text)
    if expression is not None:
        scope = values_scope(VALUES, NOW, ("-99", "UNK"))
        assert isinstance(expression.value(scope), str)
        assert expression.holds(scope) in {True, False}


@settings(max_examples=proof_count(100, 5000, quick=30), deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.lists(
        st.sampled_from(["[a]", "[blank]", "[word]", "[start]", "-1", "0", "[huge]", "1000000", "'d'"]),
        min_size=1,
        max_size=5,
    ),
)
def test_every_function_takes_any_argument(name: str, arguments: list[str]) -> None:
    expression = parse_logic(f"{name}({', '.join(arguments)})")
    least, most, _ = FUNCTIONS[name]
    assert (expression is not None) == (len(arguments) >= least and (most is None or len(arguments) <= most))
    if expression is not None:
        assert isinstance(expression.value(values_scope(VALUES, NOW)), str)
