"""The fault matrix: every kind of fault, at every endpoint, at its first, middle and last request of a pull.

A home with a published release of a longitudinal project meets each fault; the pull must end in the stated code, nothing
may be landed or accepted, and every file of the release stays byte for byte. The project is edited once while it is read,
so that the pull reads it twice and an endpoint is asked more often than at its beginning and end.

A fixed sample runs by default, all combinations with ``BLIN_PROOF=full``; the count is printed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fault_codes import EVERYWHERE, EXCEPTIONS, ONLY_CSV, ONLY_JSON
from proof import proof_count
from redcap_sample import TOKEN, visits

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.pull import Pull
from blin_pipeline.orchestration.pull_run import run_pull
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.release.manifest import CandidateFacts, Manifest
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.settings import Settings, load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
K = FaultKind
#: Endpoints that answer JSON; the set-up is asked for twice.
JSON_ENDPOINTS = {
    "project": "project",
    "metadata": "metadata",
    "instrument": "instrument",
    "form_events": "formEventMapping",
    "repeating": "repeatingFormsEvents",
    "log": "log",
}
CSV_ENDPOINTS = ("census", "records")
#: Limits for faults that wait them out, seconds; the next one where the machine itself is slower.
_LIMITS = (2.0, 10.0, 60.0)
#: One kind at several statuses is several faults to a client.
STATUSES = {K.STATUS_HTML: (500, 502, 503, 504), K.STATUS_EMPTY: (500,), K.STATUS_JSON: (503,)}
SLOW = {K.HANG: "E_TIMEOUT", K.DRIP: "E_DEADLINE"}
#: What the records of a longitudinal project contradict: half of the designation, half of what repeats.
LONGITUDINAL = {(K.CUT_AT_ROW, "form_events"): "E_SCHEMA", (K.CUT_AT_ROW, "repeating"): "E_SCHEMA"}
#: A list of the set-up, or a census, that is shorter at the end of a reading than at its beginning has moved.
CLOSING = {
    (K.CUT_AT_ROW, "metadata"): "E_SOURCE_MOVED",
    (K.CUT_AT_ROW, "instrument"): "E_SOURCE_MOVED",
    (K.CUT_AT_ROW, "form_events"): "E_SOURCE_MOVED",
    (K.CUT_AT_ROW, "repeating"): "E_SOURCE_MOVED",
    (K.CUT_AT_ROW, "census"): "E_SOURCE_MOVED",
}


@dataclass(frozen=True)
class Case:
    """One fault: what, where, from which request on, and the code it must end in."""

    kind: FaultKind
    argument: float | None
    endpoint: str
    position: str
    code: str

    @property
    def name(self) -> str:
        status = "" if self.argument is None else f"-{self.argument:g}"
        return f"{self.kind}{status}-{self.endpoint}-{self.position}"


def _codes(endpoint: str) -> dict[FaultKind, str]:
    codes = {**EVERYWHERE, **SLOW, K.LATIN1: "E_ENCODING"}
    if endpoint in CSV_ENDPOINTS:
        return {**codes, **ONLY_CSV}
    known = {kind: code for (kind, where), code in {**EXCEPTIONS, **LONGITUDINAL}.items() if where == endpoint}
    return {**codes, **ONLY_JSON, **known}


CASES = [
    Case(kind, argument, endpoint, position, CLOSING.get((kind, endpoint), code) if position == "last" else code)
    for endpoint in (*JSON_ENDPOINTS, *CSV_ENDPOINTS)
    for kind, code in _codes(endpoint).items()
    for argument in STATUSES.get(kind, (None,))
    for position in ("first", "middle", "last")
]


class _Edit:
    """A value that differs at every call, so that the log shows an edit."""

    def __init__(self) -> None:
        self._n = 0

    def __call__(self, state: ProjectState) -> None:
        self._n += 1
        state.save("2", "baseline", None, {"code": f"edit {self._n}"}, event="start_arm_1")


def _requests_of(endpoint: str, asked: list[tuple[str, str | None]]) -> list[Fault]:
    """Every request of an endpoint in an undisturbed pull, as what a fault must match to strike it first."""
    records = [form for content, form in asked if content == "record"]
    if endpoint == "census":
        return [Fault(K.RESET, content="record", at=n) for n, form in enumerate(records, 1) if form is None]
    if endpoint == "records":
        forms = [form for form in records if form is not None]
        return [
            Fault(K.RESET, content="record", form=form, at=forms[: n + 1].count(form)) for n, form in enumerate(forms)
        ]
    content = JSON_ENDPOINTS[endpoint]
    return [Fault(K.RESET, content=content, at=n) for n in range(1, [c for c, _ in asked].count(content) + 1)]


@dataclass(frozen=True)
class _Home:
    """A home with a release, the server it reads, and where every endpoint is asked in one pull."""

    settings: Settings
    server: RunningSandbox
    edit: _Edit
    places: dict[tuple[str, str], Fault]

    def pull(self, faults: list[Fault], **source: Any) -> Pull:
        # Answers that an earlier case proved good would not be asked for again: every case asks for everything.
        shutil.rmtree(self.settings.partial_dir, ignore_errors=True)
        self.server.faults.clear()
        for fault in (*faults, Fault(K.MUTATE, content="record", form="course", argument=self.edit)):
            self.server.faults.add(fault)
        changed = self.settings.source.model_copy(update=source)
        return run_pull(Workspace(self.settings.model_copy(update={"source": changed})))

    def state(self) -> dict[str, str]:
        """Hash of every file that a failed pull must leave alone: releases, pulls, what is accepted."""
        roots = (self.settings.releases_dir, self.settings.pulls_dir)
        files = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _publish(settings: Settings, pull: Pull) -> None:
    """A release as readers see one; what is in its tables does not matter here."""
    facts: dict[str, Any] = dict.fromkeys(CandidateFacts.model_fields, "") | {
        "synthetic": True,
        "subjects_released": 3,
        "left_out": {},
        "tables": (),
        "held": (),
        "findings": (),
        "decisions": {},
        "provenance": {},
        "versions": {},
        "pull_id": pull.pull_id,
    }
    release = settings.releases_dir / "2026-07-01T060000Z_0123abcd"
    release.mkdir(parents=True)
    (release / "analytic.duckdb").write_bytes(b"synthetic" * 100)
    manifest = Manifest(
        **facts,
        release_id=release.name,
        published_utc="2026-07-01T06:00:00Z",
        files={},
        leak_scan={},
        previous_release=None,
        previous_manifest_sha256=None,
    )
    (release / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    (settings.releases_dir / "current").symlink_to(release.name)


def _project() -> SourceProject:
    """The visits, and rows enough that no two answers cut in half are of the same rows: that, nothing could tell."""
    base = visits()
    more = (
        *(FormRow("3", "course", n, {"drug": "z", "course_complete": "2"}, "start_arm_1") for n in range(1, 4)),
        FormRow("3", "baseline", None, {"code": "3", "baseline_complete": "2"}, "start_arm_1"),
        FormRow("3", "diary", 1, {"feeling": "w", "diary_complete": "2"}, "later_arm_1"),
    )
    return dataclasses.replace(base, rows=(*base.rows, *more), record_groups={**base.record_groups, "3": "site_1"})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Home]:
    folder = tmp_path_factory.mktemp("home")
    with serving({TOKEN: _project()}, faults=FaultPlan()) as server:
        (folder / "restricted" / "secrets").mkdir(parents=True)
        (folder / "restricted" / "secrets" / "redcap_token").write_text(TOKEN, encoding="ascii")
        settings = load_settings(folder, synthetic=True, source={"url": server.url, "attempts": 1})
        settings.prepare_home()
        places: dict[tuple[str, str], Fault] = {}
        made = _Home(settings, server, _Edit(), places)
        _publish(settings, made.pull([]))
        before = len(server.requests)
        made.pull([])
        for endpoint in (*JSON_ENDPOINTS, *CSV_ENDPOINTS):
            found = _requests_of(endpoint, server.requests[before:])
            middle = found[(len(found) - 1) // 2]
            places |= {(endpoint, "first"): found[0], (endpoint, "last"): found[-1]}
            if middle not in {found[0], found[-1]}:
                places[endpoint, "middle"] = middle
        yield made


def _wrong(home: _Home, case: Case) -> str:
    """What a case did other than it must; blank when nothing."""
    place = home.places[case.endpoint, case.position]
    fault = Fault(case.kind, place.content, place.form, place.at, ALWAYS, case.argument)
    before, committed = home.state(), len(home.server.faults.committed)
    code = "none"
    for seconds in _LIMITS if case.kind in SLOW else (_LIMITS[-1],):
        try:
            deadline = seconds if case.kind is K.DRIP else 10 * seconds
            home.pull([fault], read_seconds=seconds, deadline_seconds=deadline)
        except BlinError as error:
            code = error.code
        if case.kind in home.server.faults.committed[committed:]:
            break  # else another request was as slow on this machine: wait longer
    if case.kind not in home.server.faults.committed[committed:]:
        return f"{case.name}: never committed"
    if code != case.code:
        return f"{case.name}: {code} instead of {case.code}"
    if home.state() != before:
        return f"{case.name}: a file that readers or the next pull rely on changed"
    kept = max(home.settings.quarantine_dir.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    reason = json.loads((kept / "reason.json").read_text(encoding="utf-8"))["code"]
    return "" if reason == case.code else f"{case.name}: quarantined as {reason}"


def test_no_fault_at_any_request_harms_the_release(home: _Home, proof: Callable[[str], None]) -> None:
    cases = [case for case in CASES if (case.endpoint, case.position) in home.places]
    # Those that wait out a limit are few in a sample, and all of them in the full run.
    sample = random.Random(35).sample(cases, min(proof_count(72, len(cases)), len(cases)))
    wrong = [problem for case in sample if (problem := _wrong(home, case))]

    home.pull([]).verify()
    kinds = {(case.kind, case.argument) for case in sample}
    places = {(case.endpoint, case.position) for case in sample}
    proof(f"fault matrix: {len(sample)} of {len(cases)} combinations, {len(kinds)} kinds, {len(places)} places")
    assert not wrong, "\n".join(wrong)
    assert len({(case.kind, case.argument) for case in cases}) >= 35
    if proof_count(0, 1):
        assert len(kinds) >= 35
