"""Every example of PyCap's own documentation, unchanged, against the server over HTTP.

The examples ship inside the installed package as doctests; each runs against a project of its own, created as PyCap's
own test set-up creates it. One line is replaced: the public server's address by that of the sandbox.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Callable, Iterator

import pytest
import redcap.methods
import redcap.project
from pycap_sample import SETTINGS, SUPER_TOKEN, create
from redcap.project import Project

from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_MODULES = [
    redcap.project,
    *(importlib.import_module(f"redcap.methods.{item.name}") for item in pkgutil.iter_modules(redcap.methods.__path__)),
]
_TESTS = [test for module in _MODULES for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serving({}, super_tokens=[SUPER_TOKEN], settings=SETTINGS) as running:
        yield running


@pytest.mark.parametrize("test", _TESTS, ids=[test.name.rpartition(".")[2] for test in _TESTS])
def test_the_documentation_holds(test: doctest.DocTest, server: RunningSandbox) -> None:
    project = create(server.url)
    test.globs.update(proj=project, TOKEN=project.token)
    for example in test.examples:
        if example.source.startswith("URL = "):
            example.source = f"URL = {server.url!r}\n"
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=_FLAGS, verbose=False).run(test, out=told.append)
    assert not result.failed, "".join(told)


def test_the_documentation_has_an_example_of_every_public_method(proof: Callable[[str], None]) -> None:
    shown = {test.name.rpartition(".")[2] for test in _TESTS}
    methods = {name for name in dir(Project) if not name.startswith("_") and callable(getattr(Project, name))}
    assert len(methods) == 50
    assert methods <= shown
    proof(f"PyCap: {len(_TESTS)} documented examples of {len(methods)} public methods run unchanged")
