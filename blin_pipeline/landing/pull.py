"""A pull: one complete reading of a project as an immutable folder named by its content.

``land`` writes it (temporary folder, everything flushed, one rename); ``open_pull`` reads it back; ``Pull.verify`` proves
that nobody touched it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.errors import DataError, LockedError
from blin_pipeline.landing.archive import archive, unpack
from blin_pipeline.landing.manifest import (
    FateCount,
    FormEntry,
    LogWatermark,
    PullManifest,
    content_hash,
)
from blin_pipeline.landing.order import row_order
from blin_pipeline.landing.parquet import content_of, write_table
from blin_pipeline.landing.setup_tables import KEY_COLUMNS, write_setup
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.rows import Fate, FormFile, read_form

_UNFINISHED = ".landing-"
LEDGER = "pulls.jsonl"
#: Quarantine reason: data of an instrument on a row of another instrument or event.
MISPLACED = "NOT_ON_THIS_ROW"


class Reading(BaseModel):
    """One line of ``pulls.jsonl``: a reading and the pull that holds its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pull_id: str
    pulled_at_utc: datetime
    source_kind: str
    redcap_version: str | None
    n_records: int
    rows: dict[str, int]
    manifest_sha256: str
    log_newest: str


@dataclass(frozen=True)
class Pull:
    """A landed pull.

    Attributes:
        path: Its folder.
        manifest: What it holds.
    """

    path: Path
    manifest: PullManifest

    @property
    def pull_id(self) -> str:
        """Name of the pull, from its content."""
        return self.manifest.pull_id

    @property
    def forms(self) -> tuple[str, ...]:
        """Instruments that the source held, in project order."""
        return tuple(self.manifest.forms)

    def form_path(self, form: str) -> Path:
        """Parquet file of one instrument."""
        return self.path / self.manifest.forms[form].table.path

    def setup_path(self, name: str) -> Path:
        """Parquet file of one table of the set-up."""
        return self.path / "setup" / self.manifest.setup[name].path

    def payload(self, name: str) -> bytes:
        """Exact bytes of one answer or file."""
        return unpack(self.path / "payload" / self.manifest.payloads[name].path)

    def verify(self) -> None:
        """Hash every file again, and derive the pull's name from its rows again.

        Raises:
            DataError: ``E_PULL_TAMPERED``, naming the file.
        """
        expected = {"manifest.json": hashlib.sha256(self.manifest.canonical()).hexdigest()}
        expected |= {entry.table.path: entry.table.sha256 for entry in self.manifest.forms.values()}
        expected |= {f"setup/{entry.path}": entry.sha256 for entry in self.manifest.setup.values()}
        expected |= {f"payload/{entry.path}": entry.archive_sha256 for entry in self.manifest.payloads.values()}
        found = {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()}
        for name in sorted(found ^ expected.keys()):
            raise _tampered(self.path.name, name, "is missing" if name in expected else "does not belong to it")
        for name, digest in expected.items():
            with (self.path / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise _tampered(self.path.name, name, "was changed")
        tables = {name: content_of(self.form_path(name)) for name in self.manifest.forms}
        tables |= {f"setup/{name}": content_of(self.setup_path(name)) for name in self.manifest.setup}
        derived = content_hash(_facts(self.manifest), tables)
        if derived != self.manifest.content_sha256 or derived[:16] != self.pull_id or self.path.name != self.pull_id:
            raise _tampered(self.path.name, "manifest.json", "does not fit the rows")


def open_pull(path: Path) -> Pull:
    """Open a landed pull; hashes are checked by :meth:`Pull.verify`, not here.

    Raises:
        DataError: ``E_PULL_TAMPERED``: no readable manifest.
        StorageError: The folder cannot be read.
    """
    problem = ""
    with disk_faults("opening a pull"):
        try:
            return Pull(path, PullManifest.model_validate_json((path / "manifest.json").read_bytes()))
        except FileNotFoundError:
            problem = "is missing"
        except ValidationError:
            problem = "was changed"
    raise _tampered(path.name, "manifest.json", problem)


def land(export: ProjectExport, pulls_dir: Path, *, progress: Progress | None = None) -> Pull:
    """Make a reading permanent.

    The same content landed again leaves the folder as it is; the time of the reading goes into ``pulls.jsonl``.

    Args:
        export: A complete reading, lying in its workspace.
        pulls_dir: Folder of pulls; created when absent.
        progress: Told of every landed table.

    Raises:
        StorageError: ``E_DISK`` and ``E_DISK_ACCESS``; nothing is left behind.
        LockedError: ``E_LOCKED``: another landing runs here.
        RedcapReadError: A row that the reading's own checks would have refused.
    """
    with disk_faults("writing the pull"):
        pulls_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _only_writer(pulls_dir):
            unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=pulls_dir))
            try:
                manifest = _Landing(export, unfinished, progress).write()
                pull = _settle(unfinished, pulls_dir / manifest.pull_id, manifest)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            _note(pulls_dir, pull, export)
    return pull


@contextmanager
def _only_writer(pulls_dir: Path) -> Iterator[None]:
    """Hold the folder of pulls, and clear what a killed landing left in it."""
    lock = FileLock(pulls_dir / ".landing.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            "E_LOCKED", "Another landing writes into this home.", fix="Wait for it to end, then run again."
        ) from None
    try:
        for abandoned in pulls_dir.glob(f"{_UNFINISHED}*"):
            if abandoned.is_dir():
                shutil.rmtree(abandoned)
        yield
    finally:
        lock.release()


class _Landing:
    """Writes the files of one pull into a folder."""

    def __init__(self, export: ProjectExport, folder: Path, progress: Progress | None) -> None:
        self._export = export
        self._folder = folder
        self._steps = Steps(len(export.forms) + 2, progress)
        self._quarantine: list[tuple[str, ...]] = []

    def write(self) -> PullManifest:
        export = self._export
        labels = {entry.instrument_name: entry.instrument_label for entry in export.setup.instruments}
        forms = {file.form: self._write_form(file, labels.get(file.form, "")) for file in export.forms}
        setup = write_setup(export, self._quarantine, self._private("setup"))
        self._steps.finish("landed: the set-up")
        payload_folder = self._private("payload")
        payloads = {payload.name: archive(payload, payload_folder) for payload in export.payloads}
        self._steps.finish("archived: exact bytes", n_bytes=sum(entry.n_bytes for entry in payloads.values()))
        info, mark = export.setup.info, export.log_watermark
        groups = set(export.census.groups.values()) | {group.unique_group_name for group in export.setup.groups or ()}
        manifest = PullManifest(
            pull_id="",
            content_sha256="",
            source_kind=export.source_kind,
            project_id=info.project_id,
            project_title=info.project_title,
            redcap_version=export.redcap_version,
            pulled_at_utc=export.pulled_at_utc,
            exported_at=export.exported_at,
            record_id_field=export.setup.record_id_field,
            is_longitudinal=info.is_longitudinal,
            dictionary_sha256=export.setup.dictionary.sha256,
            setup_sha256=export.setup.sha256,
            data_access_groups=tuple(sorted(groups - {""})),
            n_records=len(export.census.groups),
            forms=forms,
            setup=setup,
            payloads=payloads,
            log_watermark=None
            if mark is None
            else LogWatermark(newest=mark.newest, n_lines=mark.n_lines, sha256=mark.sha256),
            notes=export.notes,
        )
        tables = {form: entry.table.content_sha256 for form, entry in forms.items()}
        tables |= {f"setup/{name}": entry.content_sha256 for name, entry in setup.items()}
        content = content_hash(_facts(manifest), tables)
        manifest = manifest.model_copy(update={"pull_id": content[:16], "content_sha256": content})
        _write_private(self._folder / "manifest.json", manifest.canonical())
        return manifest

    def _private(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        return folder

    def _write_form(self, file: FormFile, label: str) -> FormEntry:
        rows: Counter[Fate] = Counter()
        cells: Counter[Fate] = Counter()
        clash = {*KEY_COLUMNS} & {*file.columns}
        if clash:
            raise RedcapReadError("E_SCHEMA", file.endpoint, detail=f"a field may not be called {min(clash)!r}")

        def landed() -> Iterator[tuple[str, ...]]:
            for row in read_form(file, self._export.setup):
                rows[row.fate] += 1
                cells[row.fate] += row.n_filled
                key = row.key
                if row.fate is Fate.LANDED:
                    yield (key.record_id, key.event, row.group, key.repeat_instrument, key.repeat_instance, *row.cells)
                elif row.fate is Fate.MISPLACED:
                    self._quarantine.append((file.form, key.record_id, key.event, key.repeat_instance, MISPLACED))

        table = write_table(
            self._folder / f"{file.form}.parquet",
            [*KEY_COLUMNS, *file.columns],
            landed(),
            lambda row: row_order(row[0], row[1], row[3], row[4]),
        )
        self._steps.finish(f"landed: {file.form}", rows=table.rows, n_bytes=table.n_bytes)
        counts = {fate.value: FateCount(rows=rows[fate], cells=cells[fate]) for fate in Fate}
        return FormEntry(label=label, table=table, **counts)


def _facts(manifest: PullManifest) -> dict[str, object]:
    return {
        "project_id": manifest.project_id,
        "record_id_field": manifest.record_id_field,
        "is_longitudinal": manifest.is_longitudinal,
        "dictionary_sha256": manifest.dictionary_sha256,
        "data_access_groups": list(manifest.data_access_groups),
        "labels": {form: entry.label for form, entry in manifest.forms.items()},
    }


def _settle(unfinished: Path, target: Path, manifest: PullManifest) -> Pull:
    """Give a finished folder its name; an equal one that stands already wins."""
    if (target / "manifest.json").exists():
        return open_pull(target)
    for folder in (unfinished / "setup", unfinished / "payload", unfinished):
        _flush_folder(folder)
    unfinished.rename(target)
    _flush_folder(target.parent)
    return Pull(target, manifest)


def _note(pulls_dir: Path, pull: Pull, export: ProjectExport) -> None:
    """Append one line to the list of readings."""
    entry = {
        "pull_id": pull.pull_id,
        "pulled_at_utc": export.pulled_at_utc.isoformat(),
        "source_kind": export.source_kind,
        "redcap_version": export.redcap_version,
        "n_records": pull.manifest.n_records,
        "rows": {form: form_entry.table.rows for form, form_entry in pull.manifest.forms.items()},
        "manifest_sha256": hashlib.sha256(pull.manifest.canonical()).hexdigest(),
        "log_newest": export.log_watermark.newest if export.log_watermark else "",
    }
    descriptor = os.open(pulls_dir / LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as ledger:
        ledger.write(json.dumps(entry, sort_keys=True, ensure_ascii=False).encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def readings(pulls_dir: Path) -> list[Reading]:
    """Every reading that was landed here, oldest first.

    Raises:
        DataError: ``E_PULL_TAMPERED``: a line that no landing wrote.
    """
    ledger = pulls_dir / LEDGER
    with disk_faults("reading the list of pulls"):
        lines = ledger.read_bytes().splitlines() if ledger.exists() else []
    try:
        return [Reading.model_validate_json(line) for line in lines]
    except ValidationError:
        pass  # It quotes the line.
    raise _tampered("the list of pulls", LEDGER, "was changed")


def _tampered(pull: str, name: str, problem: str) -> DataError:
    return DataError(
        "E_PULL_TAMPERED",
        f"Pull {pull}: {name} {problem}.",
        fix="Set the folder aside for inspection and pull again; a pull is never edited.",
    )


def _write_private(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    path.chmod(0o400)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
