"""Reading a whole project through the API, with the proof that the reading is complete and of one moment.

One small answer per part of the set-up, one CSV answer per instrument between two censuses. The proof demands that

1. both censuses are equal, and the log shows no change of a record in between;
2. each instrument's keys and statuses are the census's, its columns exactly those that the set-up promises;
3. no key stands twice;
4. the set-up, asked for again at the end, is the one of the beginning, and its parts agree with each other.

What moved is read once more; what moves again ends the pull. Loss since an earlier pull is ``landing.compare``'s to judge.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from blin_pipeline.redcap.answers import Json
from blin_pipeline.redcap.census import Census, expect_header, take_census
from blin_pipeline.redcap.client import Answer, RecordFile, RedcapClient
from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import LogWatermark, Payload, ProjectExport, describe_payload, utc_now
from blin_pipeline.redcap.faults import RedcapReadError, Refusal
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.project_setup import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    Instrument,
    LogEntry,
    ProjectSetup,
    RepeatingForm,
    parse_dictionary,
    parse_project,
    parse_rows,
)
from blin_pipeline.redcap.rows import Fate, FormFile, FormTally, read_form

#: A server's clock may be this far behind UTC; the log is read from that much before the pull.
_FURTHEST_WEST = timedelta(hours=13)
#: Project, version, dictionary, instruments, names, repeats, groups, log and census twice, set-up compared.
_FIXED_STEPS = 12
_CHANGES_DATA = re.compile(r"(create|update|delete) (record|response)", re.IGNORECASE)


def export_project(
    client: RedcapClient,
    workspace: Path,
    *,
    allow_empty: bool = False,
    progress: Progress | None = None,
    log_since: str = "",
    clock: Callable[[], datetime] = utc_now,
) -> ProjectExport:
    """Read a whole project into ``workspace`` and prove the reading.

    Args:
        client: Guarded client of one project.
        workspace: Empty private folder; holds the exact bytes afterwards, also when this raises.
        allow_empty: A person says that a project without records is right.
        progress: Told of every finished step.
        log_since: Newest log timestamp of the previous pull; the log is read from there.
        clock: The present, naive UTC.

    Raises:
        RedcapReadError: Any code of the fault table; ``E_SOURCE_MOVED`` when the project would not hold still,
            ``E_INCOMPLETE`` when an answer lacks rows, ``E_EMPTY_PROJECT``.
        StorageError: No space.
    """
    return _Reading(client, workspace, progress, clock(), log_since).run(allow_empty=allow_empty)


class _Reading:
    """The state of one reading."""

    def __init__(
        self, client: RedcapClient, workspace: Path, progress: Progress | None, started: datetime, log_since: str
    ) -> None:
        self._client = client
        self._workspace = workspace
        self._started = started
        self._log_begin: datetime | None = _log_begin(started, log_since)
        client.rejected_into = workspace
        self._steps = Steps(_FIXED_STEPS, progress)
        self._payloads: dict[str, Payload] = {}
        self._notes: list[str] = []

    def run(self, *, allow_empty: bool) -> ProjectExport:
        setup, version = self._read_setup()
        self._steps.total = _FIXED_STEPS + setup.info.is_longitudinal + len(setup.forms)
        log_before = self._read_log("log_before")
        problem: RedcapReadError | None = None
        for final in (False, True):
            before = self._take_census(setup, "census_before", allow_empty=allow_empty)
            forms, tallies = self._read_forms(setup, before)
            after = self._take_census(setup, "census_after", allow_empty=allow_empty)
            log_after = self._read_log("log_after")
            problem = _judge(setup, before, after, tallies, log_before, log_after)
            if problem is None:
                break
            if not final:
                self._notes.append("The project moved while it was read; it was read again.")
                self._steps.total += len(setup.forms) + 3
                log_before = log_after
        if problem is not None:
            raise problem
        self._compare_setup(setup)
        return ProjectExport(
            source_kind="api",
            setup=setup,
            redcap_version=version,
            pulled_at_utc=self._started,
            exported_at="",
            forms=forms,
            census=before,
            payloads=tuple(self._payloads.values()),
            log=log_before,
            log_watermark=None if log_before is None else _watermark(log_before),
            notes=tuple(self._notes),
        )

    def _read_setup(self) -> tuple[ProjectSetup, str | None]:
        client = self._client
        info = parse_project(self._keep("project", client.project_info()), "the project's facts")
        version = self._read_version()
        dictionary = parse_dictionary(self._keep("metadata", client.metadata()), "the data dictionary")
        instruments = parse_rows(Instrument, self._keep("instrument", client.instruments()), "the instruments")
        names = parse_rows(ExportName, self._keep("export_field_names", client.export_names()), "the export names")
        if not instruments or not names:
            raise RedcapReadError("E_EMPTY", "the instruments" if not instruments else "the export names")
        form_events: tuple[FormEvent, ...] = ()
        if info.is_longitudinal:
            mapping = self._keep("form_event_mapping", client.form_events())
            form_events = parse_rows(FormEvent, mapping, "the instruments of each event")
        repeats, repeating = self._read_optional("repeating_forms_events", client.repeating, {Refusal.NOTHING_REPEATS})
        grouped, groups = self._read_optional("dag", client.data_access_groups, {Refusal.NO_GROUP_RIGHT})
        if info.has_repeating_instruments_or_events and not (repeats and repeating):
            raise RedcapReadError("E_EMPTY", "the repeating set-up", detail="yet the project repeats")
        if not grouped:
            self._notes.append("The token may not read the data access groups; they are known from the records only.")
        setup = ProjectSetup(
            info=info,
            dictionary=dictionary,
            instruments=instruments,
            export_names=names,
            repeating=parse_rows(RepeatingForm, repeating, "the repeating set-up") if repeats else (),
            form_events=form_events,
            groups=parse_rows(DataAccessGroup, groups, "the data access groups") if grouped else None,
        )
        setup.check()
        return setup, version

    def _read_version(self) -> str | None:
        try:
            version = self._client.version()
        except RedcapReadError as error:
            if error.code == "E_AUTH":
                raise
            version = None
        if version is None:
            self._notes.append("The server did not tell its version.")
        self._steps.finish("the server's version")
        return version

    def _read_optional(self, name: str, ask: Callable[[], Answer], absent: set[Refusal]) -> tuple[bool, Json]:
        """An answer that a project or token may lack; ``(False, None)`` when REDCap says it does."""
        try:
            return True, self._keep(name, ask())
        except RedcapReadError as error:
            if error.refusal not in absent:
                raise
            self._steps.finish(error.endpoint)
            return False, None

    def _read_log(self, name: str) -> tuple[LogEntry, ...] | None:
        found, answer = self._read_optional(name, lambda: self._client.log(self._log_begin), {Refusal.NO_LOG_RIGHT})
        if not found:
            note = "The token may not read the log: edits of values during the pull cannot be ruled out."
            if note not in self._notes:
                self._notes.append(note)
            return None
        log = parse_rows(LogEntry, answer, "the log", may_repeat=True)
        if not log and self._log_begin is not None:
            # Our own requests are in the log: an empty slice means that the server's clock is elsewhere.
            self._log_begin = None
            self._steps.total += 1
            log = parse_rows(LogEntry, self._keep(name, self._client.log(None)), "the log", may_repeat=True)
        if not log:
            raise RedcapReadError("E_EMPTY", "the log", detail="yet it holds at least these requests")
        return log

    def _take_census(self, setup: ProjectSetup, name: str, *, allow_empty: bool) -> Census:
        def inspect(received: RecordFile) -> Census:
            return take_census(received.path, setup, from_server=True, forms=setup.forms)

        path = self._workspace / f"{name}.csv"
        census = self._client.records(
            path,
            "the census of records",
            inspect,
            record_id_field=setup.record_id_field,
            fields=[setup.record_id_field, *(f"{form}_complete" for form in setup.forms)],
        )
        self._keep_file(name, path)
        self._steps.finish("the census of records", n_bytes=self._payloads[name].n_bytes)
        if not census.groups and not allow_empty:
            raise RedcapReadError("E_EMPTY_PROJECT", "the census of records")
        return census

    def _read_forms(self, setup: ProjectSetup, census: Census) -> tuple[tuple[FormFile, ...], dict[str, FormTally]]:
        forms: list[FormFile] = []
        tallies: dict[str, FormTally] = {}
        system = setup.system_columns(with_group=census.has_groups)
        for form in setup.forms:
            columns = setup.form_columns(form)
            path = self._workspace / f"record_{form}.csv"
            form_file = FormFile(form, path, tuple(columns), from_server=True, zero_status_is_opened=True)

            def inspect(_: RecordFile, form_file: FormFile = form_file) -> FormTally:
                return _tally(form_file, [*system, *form_file.columns], setup)

            tallies[form] = self._client.records(
                path,
                form_file.endpoint,
                inspect,
                record_id_field=setup.record_id_field,
                fields=[setup.record_id_field],
                forms=[form],
            )
            forms.append(form_file)
            payload = self._keep_file(f"record_{form}", path)
            self._steps.finish(form_file.endpoint, rows=tallies[form].rows.count, n_bytes=payload.n_bytes)
        return tuple(forms), tallies

    def _compare_setup(self, setup: ProjectSetup) -> None:
        """Ask for the set-up once more; any difference ends the pull."""
        client = self._client
        again = ProjectSetup(
            info=parse_project(client.project_info().value, "the project's facts"),
            dictionary=parse_dictionary(client.metadata().value, "the data dictionary"),
            instruments=parse_rows(Instrument, client.instruments().value, "the instruments"),
            export_names=parse_rows(ExportName, client.export_names().value, "the export names"),
            repeating=self._repeating_again(),
            form_events=setup.form_events,
            groups=setup.groups,
        )
        self._steps.finish("the set-up, compared")
        if again.sha256 != setup.sha256:
            raise RedcapReadError("E_SOURCE_MOVED", "the set-up", detail="the dictionary or set-up was edited")

    def _repeating_again(self) -> tuple[RepeatingForm, ...]:
        try:
            return parse_rows(RepeatingForm, self._client.repeating().value, "the repeating set-up")
        except RedcapReadError as error:
            if error.refusal is not Refusal.NOTHING_REPEATS:
                raise
            return ()

    def _keep(self, name: str, answer: Answer) -> Json:
        """Save the bytes of a small answer and hand on its value."""
        path = self._workspace / f"{name}.json"
        with disk_faults("saving an answer"):
            path.write_bytes(answer.body)
        payload = self._keep_file(name, path)
        self._steps.finish(name.replace("_", " "), n_bytes=payload.n_bytes)
        return answer.value

    def _keep_file(self, name: str, path: Path) -> Payload:
        self._payloads[name] = describe_payload(name, path)
        return self._payloads[name]


def _tally(form_file: FormFile, expected: Sequence[str], setup: ProjectSetup) -> FormTally:
    """Check one instrument's answer and count its rows."""
    header = next(read_rows(form_file.path, form_file.endpoint, from_server=True), None)
    if header is not None:
        expect_header(header, expected, form_file.endpoint)
    tally = FormTally()
    for row in read_form(form_file, setup):
        if row.fate in {Fate.LANDED, Fate.UNOPENED}:
            tally.add(row.key, row.cells[-1])
    return tally


def _judge(
    setup: ProjectSetup,
    before: Census,
    after: Census,
    tallies: dict[str, FormTally],
    log_before: tuple[LogEntry, ...] | None,
    log_after: tuple[LogEntry, ...] | None,
) -> RedcapReadError | None:
    """What speaks against this reading being complete and of one moment; None when nothing does."""
    if before.fingerprint != after.fingerprint:
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="records or forms came or went")
    if log_before is not None and log_after is not None and _changes(log_before, log_after):
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="values were edited")
    for form, tally in tallies.items():
        counted = before.tallies[form]
        same = tally.opened == counted.opened
        if not setup.info.is_longitudinal:
            # A classic project answers with a row per record; a longitudinal one need not where nothing is designated.
            same = same and tally.rows == counted.rows
        if not same:
            detail = f"{tally.rows.count} rows, the census counts {counted.rows.count}"
            return RedcapReadError("E_INCOMPLETE", f"records of {form!r}", detail=detail)
    return None


def _changes(before: Sequence[LogEntry], after: Sequence[LogEntry]) -> int:
    """How many lines that change records are new in the later slice; lines carry minutes only, so they are counted."""
    new = Counter(after) - Counter(before)
    return sum(count for entry, count in new.items() if _CHANGES_DATA.match(entry.action))


def _watermark(log: Sequence[LogEntry]) -> LogWatermark:
    text = json.dumps([entry.model_dump() for entry in log], ensure_ascii=False)
    newest = max((entry.timestamp for entry in log), default="")
    return LogWatermark(newest, len(log), hashlib.sha256(text.encode()).hexdigest())


def _log_begin(started: datetime, log_since: str) -> datetime:
    """From when the log is read: before the pull on any server's clock, and an hour before the previous watermark."""
    begin = started - _FURTHEST_WEST
    for shape in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            return min(begin, datetime.strptime(log_since, shape) - timedelta(hours=1))  # noqa: DTZ007 - server-local
        except ValueError:
            continue
    return begin
