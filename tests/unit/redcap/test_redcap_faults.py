"""Every fault of the fault table, at every endpoint, ends in its own code and never in data."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from redcap_sample import CANARY, TOKEN, Waits, client, project

from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.rows import Fate, read_form
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.serve import RunningSandbox, serving

K = FaultKind
#: Endpoint -> (content, form) that the fault strikes; a census asks for no single form.
JSON_ENDPOINTS = {
    "project": ("project", None),
    "metadata": ("metadata", None),
    "instrument": ("instrument", None),
    "names": ("exportFieldNames", None),
    "repeating": ("repeatingFormsEvents", None),
    "dag": ("dag", None),
    "log": ("log", None),
}
CSV_ENDPOINTS = {"census": ("record", ""), "form": ("record", "course")}
ENDPOINTS = {**JSON_ENDPOINTS, **CSV_ENDPOINTS}

#: What every endpoint must make of a fault.
EVERYWHERE = {
    K.RESET: "E_CONNECTION",
    K.SHORT_BODY: "E_TRUNCATED",
    K.CUT_MID_ROW: "E_TRUNCATED",
    K.CHUNKED_ENDS_EARLY: "E_TRUNCATED",
    K.GZIP_CUT: "E_TRUNCATED",
    K.STATUS_HTML: "E_HTTP_5XX",
    K.STATUS_EMPTY: "E_HTTP_5XX",
    K.STATUS_JSON: "E_HTTP_5XX",
    K.STATUS_HALF_BODY: "E_HTTP_5XX",
    K.STATUS_FULL_BODY: "E_HTTP_5XX",
    K.RATE_LIMIT_HTML: "E_RATE_LIMIT",
    K.RATE_LIMIT_JSON: "E_RATE_LIMIT",
    K.BAD_TOKEN: "E_AUTH",
    K.BAN_PAGE: "E_AUTH",
    K.REDIRECT_302: "E_REDIRECT",
    K.REDIRECT_307: "E_REDIRECT",
    K.ERROR_JSON: "E_REDCAP",
    K.ERROR_JSON_LIST: "E_REDCAP",
    K.ERROR_XML: "E_REDCAP",
    K.ERROR_CSV: "E_REDCAP",
    K.MEMORY_SENTENCE: "E_REDCAP",
    K.MAINTENANCE: "E_MAINTENANCE",
    K.EMPTY_BODY: "E_EMPTY",
    K.PHP_WARNING: "E_BODY_NOT_JSON",
    K.PHP_FATAL: "E_BODY_NOT_JSON",
    K.BOM: "E_ENCODING",
    K.INVALID_UTF8: "E_ENCODING",
}
ONLY_CSV = {
    K.NULL_BODY: "E_EMPTY",
    K.EMPTY_LIST: "E_EMPTY",
    K.OBJECT_BODY: "E_BODY_NOT_JSON",
    K.CUT_AT_ROW: "E_INCOMPLETE",
    K.EXTRA_COLUMN: "E_SCHEMA",
    K.MISSING_COLUMN: "E_SCHEMA",
    K.OPEN_QUOTE: "E_SCHEMA",
    K.DUPLICATED_ROWS: "E_DUPLICATE_KEY",
    K.SHUFFLED_COLUMNS: "E_SCHEMA",
}
ONLY_JSON = {
    K.NULL_BODY: "E_EMPTY",
    K.EMPTY_LIST: "E_EMPTY",
    K.OBJECT_BODY: "E_SCHEMA",
    K.DUPLICATE_KEY: "E_JSON_STRICT",
    K.NAN: "E_JSON_STRICT",
}
#: Where one endpoint knows better.
EXCEPTIONS = {
    (K.NULL_BODY, "metadata"): "E_METADATA",
    (K.EMPTY_LIST, "metadata"): "E_METADATA",
    (K.OBJECT_BODY, "metadata"): "E_METADATA",
    (K.CUT_AT_ROW, "metadata"): "E_SCHEMA",
    (K.CUT_AT_ROW, "instrument"): "E_SCHEMA",
    (K.CUT_AT_ROW, "names"): "E_SCHEMA",
    (K.CUT_AT_ROW, "repeating"): "E_EMPTY",
    (K.CUT_AT_ROW, "dag"): "E_SCHEMA",
}
CASES = sorted(
    {
        **{(kind, endpoint): code for kind, code in EVERYWHERE.items() for endpoint in ENDPOINTS},
        **{(kind, endpoint): code for kind, code in ONLY_CSV.items() for endpoint in CSV_ENDPOINTS},
        **{(kind, endpoint): code for kind, code in ONLY_JSON.items() for endpoint in JSON_ENDPOINTS},
        **EXCEPTIONS,
    }.items()
)


def _fault(kind: FaultKind, endpoint: str, **more: object) -> Fault:
    content, form = ENDPOINTS[endpoint]
    return Fault(kind, content=content, form=form or None, times=ALWAYS, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serving({TOKEN: project()}, faults=FaultPlan()) as running:
        yield running


def _failure(server: RunningSandbox, workspace: Path, fault: Fault, **limits: float) -> RedcapReadError:
    committed = len(server.faults.committed)
    server.faults.clear()
    server.faults.add(fault)
    with pytest.raises(RedcapReadError) as caught:
        export_project(client(server.url, **limits), workspace)
    assert len(server.faults.committed) > committed, "the fault was never committed"
    return caught.value


@pytest.mark.parametrize(("case", "code"), CASES, ids=[f"{kind}-{endpoint}" for (kind, endpoint), _ in CASES])
def test_fault_ends_in_its_code(
    case: tuple[FaultKind, str], code: str, server: RunningSandbox, workspace: Path
) -> None:
    error = _failure(server, workspace, _fault(*case))

    assert error.code == code
    shown = "".join(traceback.format_exception(error)) + str(error) + error.fix
    assert TOKEN not in shown
    assert CANARY not in shown
    assert error.__context__ is None or TOKEN not in repr(vars(error.__context__))


@pytest.mark.parametrize("endpoint", ["project", "form"])
def test_hanging_server_is_a_timeout(endpoint: str, server: RunningSandbox, workspace: Path) -> None:
    assert _failure(server, workspace, _fault(K.HANG, endpoint), read_seconds=1.0).code == "E_TIMEOUT"


@pytest.mark.parametrize("endpoint", ["metadata", "form"])
def test_slow_drip_meets_the_deadline(endpoint: str, server: RunningSandbox, workspace: Path) -> None:
    error = _failure(server, workspace, _fault(K.DRIP, endpoint, argument=0.5), deadline_seconds=2.0)

    assert error.code == "E_DEADLINE"


def test_token_of_one_group_is_refused(workspace: Path) -> None:
    from blin_pipeline.sandbox.rights import TokenRights

    rights = {TOKEN: TokenRights(data_access_group="site_1")}
    with serving({TOKEN: project()}, rights=rights) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_SITE_SET_SHRUNK"


def test_latin1_answer_is_refused(server: RunningSandbox, workspace: Path) -> None:
    fault = Fault(K.LATIN1, content="record", form="baseline", times=ALWAYS)
    assert _failure(server, workspace, fault).code == "E_ENCODING"


@pytest.mark.parametrize("kind", [K.RESET, K.STATUS_HTML, K.MAINTENANCE, K.RATE_LIMIT_HTML, K.SHORT_BODY, K.EMPTY_BODY])
@pytest.mark.parametrize("endpoint", ["metadata", "census", "form"])
def test_passing_fault_is_survived(kind: FaultKind, endpoint: str, workspace: Path) -> None:
    content, form = ENDPOINTS[endpoint]
    plan = FaultPlan([Fault(kind, content=content, form=form or None, times=4)])
    waits = Waits()
    with serving({TOKEN: project()}, faults=plan) as running:
        export = export_project(client(running.url, waits, attempts=5), workspace)

    landed = [row for file in export.forms for row in read_form(file, export.setup) if row.fate is Fate.LANDED]
    assert len(landed) == 7
    if kind is K.STATUS_HTML and endpoint != "metadata":
        # The server tired of the whole twice, and yet answered a small request: batches instead of a third try.
        assert waits[:2] == [1.0, 1.0]
        assert export.notes == ("The server could not give whole instruments; records were read in batches.",)
    else:
        assert waits == ([1.0] * 4 if kind is K.RATE_LIMIT_HTML else [1.0, 2.0, 4.0, 8.0])
        assert export.notes == ()


def test_a_refusal_is_not_repeated(workspace: Path) -> None:
    plan = FaultPlan([_fault(K.BAD_TOKEN, "metadata")])
    with serving({TOKEN: project()}, faults=plan) as running, pytest.raises(RedcapReadError):
        export_project(client(running.url, attempts=5), workspace)
    assert [content for content, _ in running.requests].count("metadata") == 1


def test_lasting_fault_is_asked_five_times(workspace: Path) -> None:
    waits = Waits()
    plan = FaultPlan([_fault(K.STATUS_HTML, "metadata")])
    with serving({TOKEN: project()}, faults=plan) as running, pytest.raises(RedcapReadError):
        export_project(client(running.url, waits, attempts=5), workspace)
    assert [content for content, _ in running.requests].count("metadata") == 5
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_server_without_version_is_only_noted(workspace: Path) -> None:
    with serving(
        {TOKEN: project()}, faults=FaultPlan([Fault(K.STATUS_HTML, content="version", times=ALWAYS)])
    ) as running:
        export = export_project(client(running.url), workspace)
    assert export.redcap_version is None
    assert export.notes == ("The server did not tell its version.",)
