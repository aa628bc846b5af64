"""Reading a whole project through the API, with the proof that the reading is complete and of one moment.

One small answer per part of the set-up, one CSV answer per instrument (or per batch of records) between two censuses. The
proof demands that

1. both censuses are equal, and the log shows no change of a record in between;
2. each instrument's keys and statuses are the census's, its columns exactly those that the set-up promises;
3. no key stands twice;
4. the set-up, asked for again at the end, is the one of the beginning, and its parts agree with each other.

What moved is read once more; what moves again ends the pull. Where an earlier pull is given, only what changed since is
fetched (:mod:`~blin_pipeline.redcap.increment`), the proof is the same, and any doubt leads to a full reading. Loss since
an earlier pull is ``landing.compare``'s to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from blin_pipeline.redcap.census import ENDPOINT, Census
from blin_pipeline.redcap.change_log import Log, LogReader, log_begin, watermark
from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.doubts import Baseline, doubt_before_reading, window_begin
from blin_pipeline.redcap.exported import ProjectExport, utc_now
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.increment import DoubtError, Increment
from blin_pipeline.redcap.parts import Parts
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.proof import judge
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.records_reading import FormsRead, RecordsReader
from blin_pipeline.redcap.setup_reading import compare_setup, read_setup
from blin_pipeline.redcap.text_arrays import give_memory_back

#: Project, version, dictionary, instruments, names, repeats, groups, log and census twice, set-up compared.
_FIXED_STEPS = 12


@dataclass(frozen=True)
class ReadingPlan:
    """How a project is read.

    Attributes:
        allow_empty: A person says that a project without records is right.
        records_per_request: Records of a batch; 0 asks for whole instruments as long as the server gives them.
        log_since: Newest log timestamp of the pull that this one is compared with; the log is read from there.
        baseline: Earlier pull to take unchanged rows from; None reads everything.
        why_full: Why there is no such pull although one was wanted; blank when none was.
        full_every: Longest time between two full readings.
        parts_dir: Folder for proven answers of a reading that is interrupted; none are kept when None.
        one_group: A person says that the token sees one data access group only (a project read by site), or that the
            project has none.
    """

    allow_empty: bool = False
    records_per_request: int = 0
    log_since: str = ""
    baseline: Baseline | None = None
    why_full: str = ""
    full_every: timedelta = timedelta(days=7)
    parts_dir: Path | None = None
    one_group: bool = False


def export_project(
    client: RedcapClient,
    workspace: Path,
    plan: ReadingPlan | None = None,
    *,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ProjectExport:
    """Read a whole project into ``workspace`` and prove the reading.

    Args:
        client: Guarded client of one project.
        workspace: Empty private folder; holds the exact bytes afterwards, also when this raises.
        plan: How to read; everything, in whole instruments, when None.
        progress: Told of every finished step.
        clock: The present, naive UTC.

    Raises:
        RedcapReadError: Any code of the fault table; ``E_SOURCE_MOVED`` when the project would not hold still,
            ``E_INCOMPLETE`` when an answer lacks rows, ``E_EMPTY_PROJECT``, ``E_SITE_SET_SHRUNK``, ``E_SITE_SET_UNKNOWN``.
        StorageError: No space.
    """
    give_memory_back()
    return _Reading(client, workspace, plan or ReadingPlan(), progress, clock).run()


class _Reading:
    """The state of one reading."""

    def __init__(
        self,
        client: RedcapClient,
        workspace: Path,
        plan: ReadingPlan,
        progress: Progress | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._plan = plan
        self._started = clock()
        self._parts = Parts(plan.parts_dir, clock) if plan.parts_dir is not None else None
        self._received = Received(workspace, Steps(_FIXED_STEPS, progress))
        self._why_full = plan.why_full
        client.rejected_into = workspace
        client.on_bytes = self._received.steps.receive

    def run(self) -> ProjectExport:
        one_group = self._plan.one_group
        self._setup, self._version = read_setup(self._client, self._received, one_group=one_group)
        setup = self._setup
        self._received.steps.total = _FIXED_STEPS + setup.info.is_longitudinal - one_group + len(setup.forms)
        self._reader = RecordsReader(
            self._client, self._received, setup, batch=self._plan.records_per_request, parts=self._parts
        )
        self._log = LogReader(self._client, self._received, self._log_begin())
        log = self._log.read("log_before")
        census = self._census("census_before")
        export = self._by_change(census, log)
        if export is None:
            if "census_after" in self._received.payloads:
                # The reading by change came to its proof and failed: the full one begins anew.
                log, census = self._log.read("log_before"), self._census("census_before")
            export = self._in_full(census, log)
        if not export.unchanged_since:
            compare_setup(self._client, setup, one_group=one_group)
            self._received.steps.finish("the set-up, compared")
        return export

    def _log_begin(self) -> datetime:
        """Early enough to judge the loss since the pull before, changes since the baseline, and the parts that lie here."""
        plan = self._plan
        since = [plan.log_since]
        if plan.baseline is not None:
            window = window_begin(plan.baseline)
            since.append(window.isoformat(" ") if window is not None else "")
        if self._parts is not None and self._parts.log_begin is not None:
            since.append((self._parts.log_begin + timedelta(hours=1)).isoformat(" "))
        return log_begin(self._started, since)

    def _by_change(self, census: Census, log: Log | None) -> ProjectExport | None:
        """The project by what changed since the earlier pull; None, and the reason kept, when there is any doubt."""
        baseline = self._plan.baseline
        if baseline is None:
            return None
        self._why_full = doubt_before_reading(baseline, self._setup, log, self._started, self._plan.full_every)
        if self._why_full or log is None:
            return None
        increment = Increment(self._client, self._received, self._setup, self._reader, baseline)
        try:
            candidates = increment.candidates(census, log)
            if baseline.name and not candidates and increment.is_same(census):
                nothing = FormsRead((), {})
                return self._exported(
                    nothing, census, log, mode="incremental", n_changed=0, unchanged_since=baseline.name
                )
            forms = increment.read(census, candidates)
        except DoubtError as doubt:
            self._why_full = str(doubt)
            return None
        except RedcapReadError as error:
            if error.transient:
                raise
            # What the server does not give by change it may give in full; if not, that reading says so.
            self._why_full = f"a request of the reading by change was refused ({error.code})"
            return None
        problem = self._problem(census, log, forms)
        if problem is not None:
            self._why_full = f"the rows put together did not stand the proof ({problem.code})"
            return None
        return self._exported(forms, census, log, mode="incremental", n_changed=len(candidates))

    def _in_full(self, census: Census, log: Log | None) -> ProjectExport:
        """Everything, and once more when it moved."""
        if self._why_full:
            self._received.note(f"Read in full although a reading by change was asked for: {self._why_full}.")
        found = self._pass(census, log)
        if isinstance(found, RedcapReadError):
            self._received.note("The project moved while it was read; it was read again.")
            self._received.steps.total += len(self._setup.forms) + 3
            log = self._log.read("log_before")
            found = self._pass(self._census("census_before"), log)
        if isinstance(found, RedcapReadError):
            raise found
        return found

    def _pass(self, census: Census, log: Log | None) -> ProjectExport | RedcapReadError:
        """One reading of every instrument, or what speaks against it."""
        if self._parts is not None:
            self._parts.open(self._setup.info.project_id, self._setup.sha256, census.fingerprint, log, self._log.begin)
        forms = self._reader.forms(census)
        problem = self._problem(census, log, forms)
        if problem is None:
            if self._parts is not None and self._parts.reused:
                self._received.note(f"{self._parts.reused} answers of an interrupted reading were used again.")
            return self._exported(forms, census, log)
        if self._parts is not None:
            self._parts.discard()
        return problem

    def _problem(self, census: Census, log: Log | None, forms: FormsRead) -> RedcapReadError | None:
        after = self._census("census_after")
        return judge(census, after, forms, self._setup, log, self._log.read("log_after"))

    def _census(self, name: str) -> Census:
        census = self._reader.census(name, allow_empty=self._plan.allow_empty)
        if name == "census_before":
            # A token of one group and one of a project without groups look alike, unless it may list the groups.
            if self._setup.groups is None and census.groups and not (census.has_groups or self._plan.one_group):
                raise RedcapReadError("E_SITE_SET_UNKNOWN", ENDPOINT)
            self._expect(census)
        return census

    def _expect(self, census: Census) -> None:
        """Tell the bar how much is to come."""
        cells = {
            f"records of {form!r}": census.tallies[form].n_rows * len(self._setup.form_columns(form))
            for form in self._setup.forms
        }
        self._received.steps.expect(len(census.groups), cells)

    def _exported(
        self,
        forms: FormsRead,
        census: Census,
        log: Log | None,
        *,
        mode: Literal["full", "incremental"] = "full",
        n_changed: int | None = None,
        unchanged_since: str = "",
    ) -> ProjectExport:
        return ProjectExport(
            source_kind="api",
            setup=self._setup,
            redcap_version=self._version,
            pulled_at_utc=self._started,
            exported_at="",
            forms=forms.files,
            census=census,
            payloads=tuple(self._received.payloads.values()),
            log=log,
            log_watermark=None if log is None else watermark(log),
            notes=tuple(self._received.notes),
            mode=mode,
            why_full=self._why_full,
            n_changed=n_changed,
            n_bytes=self._received.steps.n_bytes,
            unchanged_since=unchanged_since,
        )
