"""Every fault of the fault table, at every endpoint, ends in its own code and never in data."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_codes import EVERYWHERE, EXCEPTIONS, ONLY_CSV, ONLY_JSON
from redcap_sample import CANARY, TOKEN, Waits, client, project

from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow

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
    rights = {TOKEN: TokenRights(data_access_group="site_1")}
    with serving({TOKEN: project()}, rights=rights) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_SITE_SET_SHRUNK"


@pytest.mark.parametrize("group", ["site_1", ""])
def test_token_that_cannot_tell_its_groups(group: str, workspace: Path) -> None:
    """Without the right to list groups, a token of one group is refused at its first pull; one of no group shows them all."""
    rights = {TOKEN: TokenRights(data_access_group=group, data_access_groups=0)}
    with serving({TOKEN: project()}, rights=rights) as running:
        if group:
            with pytest.raises(RedcapReadError) as caught:
                export_project(client(running.url), workspace)
            assert caught.value.code == "E_SITE_SET_UNKNOWN"
        else:
            assert {*export_project(client(running.url), workspace).census.groups.values()} == {"site_1", "site_2"}


@pytest.mark.parametrize("may_list", [True, False])
def test_project_read_by_site(workspace: Path, *, may_list: bool) -> None:
    rights = {TOKEN: TokenRights(data_access_group="site_1", data_access_groups=int(may_list))}
    with serving({TOKEN: project()}, rights=rights) as running:
        export = export_project(client(running.url), workspace, ReadingPlan(one_group=True))
    assert dict(export.census.groups) == {"S1-9": "", "S1-10": ""}
    assert export.setup.groups is None
    assert "dag" not in {payload.name for payload in export.payloads}
    assert len(export.notes) == 1


def test_project_without_groups_and_a_token_that_cannot_list_them(workspace: Path) -> None:
    rights = {TOKEN: TokenRights(data_access_groups=0)}
    bare = project(data_access_groups=(), record_groups={})
    with serving({TOKEN: bare}, rights=rights) as running:
        with pytest.raises(RedcapReadError) as caught:
            export_project(client(running.url), workspace)
        assert caught.value.code == "E_SITE_SET_UNKNOWN"
        (workspace / "again").mkdir()
        export = export_project(client(running.url), workspace / "again", ReadingPlan(one_group=True))
    assert len(export.census.groups) == 3


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
