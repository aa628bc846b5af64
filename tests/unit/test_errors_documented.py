"""docs/errors.md names every error code that the package can raise, each in one table row, and no other."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

CODE = re.compile(r"\bE_[A-Z0-9_]+")
ROW = re.compile(r"^\| `(E_[A-Z0-9_]+)` \| (\d+) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "errors.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def raised(repository):
    """Every string of the package that is nothing but a code."""
    return {
        node.value
        for path in sorted((repository / "blin_pipeline").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def test_every_code_has_a_row(page, raised):
    assert raised, "no code was found in the package"
    assert raised - {code for code, _ in ROW.findall(page)} == set()


def test_the_page_names_no_code_that_is_gone(page, raised):
    assert set(CODE.findall(page)) - raised == set()


def test_no_code_has_two_rows(page):
    assert [code for code, n in Counter(code for code, _ in ROW.findall(page)).items() if n > 1] == []


def test_every_exit_code_of_a_row_is_explained(page):
    section = page.partition("## Exit codes")[2].partition("\n## ")[0]
    explained = set(re.findall(r"^\| (\d+) \|", section, re.MULTILINE))
    assert {exit_code for _, exit_code in ROW.findall(page)} - explained == set()
