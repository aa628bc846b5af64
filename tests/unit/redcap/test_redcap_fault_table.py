"""The fault table of the trust design, row by row over real HTTP: the code it must end in, and how often it is asked.

``test_redcap_faults.py`` strikes every endpoint; this table is the list of faults that a stock client takes for data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redcap_sample import TOKEN, client, project

from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow

K = FaultKind
ATTEMPTS = 5
#: What may mean that the whole is too much for the server: then records are asked for in batches as well.
TIRED = {"E_TIMEOUT", "E_DEADLINE", "E_HTTP_5XX"}
#: What a fault strikes: one instrument's records, or one list of the set-up.
CSV, JSON = ("record", "course"), ("dag", None)


@dataclass(frozen=True)
class Row:
    """One fault: what the server does, the code it must end in, and whether asking again may help."""

    name: str
    kind: FaultKind
    code: str
    again: bool
    strikes: tuple[str, str | None] = CSV
    argument: float | str | None = None
    limits: dict[str, float] = field(default_factory=dict)


TABLE = (
    Row("server hangs", K.HANG, "E_TIMEOUT", True, limits={"read_seconds": 0.3}),
    Row("slow drip", K.DRIP, "E_DEADLINE", False, argument=0.2, limits={"read_seconds": 3, "deadline_seconds": 1}),
    Row("TCP reset before the answer", K.RESET, "E_CONNECTION", True),
    Row("body shorter than Content-Length", K.SHORT_BODY, "E_TRUNCATED", True),
    Row("cut mid row, no Content-Length, CSV", K.CUT_MID_ROW, "E_TRUNCATED", True),
    Row("cut mid row, no Content-Length, JSON", K.CUT_MID_ROW, "E_TRUNCATED", True, JSON),
    Row("cut exactly at a row", K.CUT_AT_ROW, "E_INCOMPLETE", False),
    Row("chunked stream ends early", K.CHUNKED_ENDS_EARLY, "E_TRUNCATED", True),
    Row("gzip body cut", K.GZIP_CUT, "E_TRUNCATED", True),
    Row("500 with a page", K.STATUS_HTML, "E_HTTP_5XX", True, argument=500),
    Row("502 with a page", K.STATUS_HTML, "E_HTTP_5XX", True, argument=502),
    Row("500 with an empty body", K.STATUS_EMPTY, "E_HTTP_5XX", True, argument=500),
    Row("503 with []", K.STATUS_JSON, "E_HTTP_5XX", True, JSON, argument=503),
    Row("504 with half a body", K.STATUS_HALF_BODY, "E_HTTP_5XX", True, argument=504),
    Row("500 with a complete valid body", K.STATUS_FULL_BODY, "E_HTTP_5XX", True, argument=500),
    Row("429 with a page", K.RATE_LIMIT_HTML, "E_RATE_LIMIT", True),
    Row("429 with a JSON message", K.RATE_LIMIT_JSON, "E_RATE_LIMIT", True, JSON),
    Row("403 bad token", K.BAD_TOKEN, "E_AUTH", False),
    Row('200 with {"error"}', K.ERROR_JSON, "E_REDCAP", False, JSON),
    Row('200 with [{"error"}]', K.ERROR_JSON_LIST, "E_REDCAP", False, JSON),
    Row("200 with an XML error", K.ERROR_XML, "E_REDCAP", False),
    Row("200 with a maintenance page", K.MAINTENANCE, "E_MAINTENANCE", True),
    Row("200 with an empty body", K.EMPTY_BODY, "E_EMPTY", True),
    Row("200 with null", K.NULL_BODY, "E_EMPTY", False, JSON),
    Row("200 with []", K.EMPTY_LIST, "E_EMPTY", True),
    Row("PHP warning before the body", K.PHP_WARNING, "E_BODY_NOT_JSON", False),
    Row("PHP fatal error after part of the body", K.PHP_FATAL, "E_BODY_NOT_JSON", False),
    Row("one cell too many in a row", K.EXTRA_COLUMN, "E_SCHEMA", False),
    Row("one cell too few in a row", K.MISSING_COLUMN, "E_SCHEMA", False),
    Row("an open quote", K.OPEN_QUOTE, "E_SCHEMA", False),
    Row("duplicated rows", K.DUPLICATED_ROWS, "E_DUPLICATE_KEY", False),
    Row("Latin-1 bytes", K.LATIN1, "E_ENCODING", False),
    Row("byte-order mark", K.BOM, "E_ENCODING", False, JSON),
    Row("duplicate JSON key", K.DUPLICATE_KEY, "E_JSON_STRICT", False, JSON),
    Row("NaN in JSON", K.NAN, "E_JSON_STRICT", False, JSON),
    Row("302 to a login page", K.REDIRECT_302, "E_REDIRECT", False),
    Row("307 to another host", K.REDIRECT_307, "E_REDIRECT", False),
    # Beside the faults that were counted: the rows of the table about single endpoints.
    Row("metadata answers []", K.EMPTY_LIST, "E_METADATA", False, ("metadata", None)),
    Row("metadata answers an object", K.OBJECT_BODY, "E_METADATA", False, ("metadata", None)),
    Row("metadata answers null", K.NULL_BODY, "E_METADATA", False, ("metadata", None)),
    Row("is_longitudinal: project facts with 503", K.STATUS_JSON, "E_HTTP_5XX", True, ("project", None)),
    Row("is_longitudinal: project facts are []", K.EMPTY_LIST, "E_EMPTY", False, ("project", None)),
    Row("is_longitudinal: project facts are another object", K.OBJECT_BODY, "E_SCHEMA", False, ("project", None)),
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serving({TOKEN: project()}, faults=FaultPlan()) as running:
        yield running


def test_the_table_holds_the_37_measured_faults() -> None:
    """Every row is another fault: kind, endpoint and argument together."""
    assert len({(row.kind, row.strikes, row.argument) for row in TABLE}) == len(TABLE)
    assert len([row for row in TABLE if row.strikes in {CSV, JSON}]) == 37


def test_the_page_for_users_has_the_same_codes() -> None:
    """Section 12 of the page names every code of this table, and none that no fault ends in."""
    page = (Path(__file__).parents[3] / "docs" / "redcap.md").read_text(encoding="utf-8")
    section = page.partition("## 12.")[2].partition("\n## ")[0]
    named = {code for line in section.splitlines() if line.startswith("|") for code in re.findall(r"`(E_\w+)`", line)}
    of_the_project = {"E_SOURCE_MOVED", "E_SITE_SET_SHRUNK", "E_SITE_SET_UNKNOWN"}
    of_this_machine = {"E_DISK", "E_LOCKED"}
    assert named == {row.code for row in TABLE} | of_the_project | of_this_machine


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_fault_ends_in_its_code(row: Row, server: RunningSandbox, workspace: Path) -> None:
    content, form = row.strikes
    server.faults.clear()
    server.faults.add(Fault(row.kind, content=content, form=form, times=ALWAYS, argument=row.argument))
    first = len(server.requests)

    with pytest.raises(RedcapReadError) as caught:
        export_project(client(server.url, attempts=ATTEMPTS, **row.limits), workspace)

    assert caught.value.code == row.code
    # Rows that are gone without a trace are found by comparison; then everything is read once more.
    expected = 2 if row.code == "E_INCOMPLETE" else ATTEMPTS if row.again else 1
    asked = server.requests[first:].count((content, form))
    assert asked >= 2 if row.strikes == CSV and row.code in TIRED else asked == expected


def test_leading_zeros_stay(server: RunningSandbox, workspace: Path) -> None:
    server.faults.clear()
    export = export_project(client(server.url), workspace)
    baseline = next(file for file in export.forms if file.form == "baseline")
    assert {row.cells[0] for row in read_form(baseline, export.setup)} >= {"007", "08001"}


@pytest.mark.parametrize("kind", [K.STATUS_EMPTY, K.RATE_LIMIT_HTML])
def test_version_that_fails_is_recorded_as_unknown(kind: FaultKind, server: RunningSandbox, workspace: Path) -> None:
    server.faults.clear()
    server.faults.add(Fault(kind, content="version", times=ALWAYS))
    assert export_project(client(server.url), workspace).redcap_version is None
