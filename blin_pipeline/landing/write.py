"""Writing a pull: temporary folder, everything flushed, one rename, one line in the list of readings."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from blin_pipeline.errors import LockedError
from blin_pipeline.landing.archive import archive
from blin_pipeline.landing.ledger import Reading, append
from blin_pipeline.landing.manifest import FateCount, FormEntry, LogWatermark, PayloadEntry, PullManifest, content_hash
from blin_pipeline.landing.order import RowOrder
from blin_pipeline.landing.parquet import write_blocks
from blin_pipeline.landing.pull import Pull, facts_of, open_pull
from blin_pipeline.landing.settling import settle
from blin_pipeline.landing.setup_tables import KEY_COLUMNS, write_setup
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate, FormFile, n_filled
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTANCE
from blin_pipeline.redcap.rows import read_form_blocks
from blin_pipeline.redcap.text_arrays import text_schema

_UNFINISHED = ".landing-"
#: Quarantine reason: data of an instrument on a row of another instrument or event.
MISPLACED = "NOT_ON_THIS_ROW"


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
            pull = _unchanged(export, pulls_dir) if export.unchanged_since else _written(export, pulls_dir, progress)
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
        #: (event, instrument) of landed rows.
        self._landed_in: set[tuple[str, str]] = set()
        self._order = RowOrder(export.census.groups)

    def write(self) -> PullManifest:
        export = self._export
        labels = {entry.instrument_name: entry.instrument_label for entry in export.setup.instruments}
        forms = {file.form: self._write_form(file, labels.get(file.form, "")) for file in export.forms}
        setup = write_setup(export, self._quarantine, self._landed_in, self._order, self._private("setup"))
        self._steps.finish("landed: the set-up")
        payloads = self._archive()
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
        content = content_hash(facts_of(manifest), tables)
        manifest = manifest.model_copy(update={"pull_id": content[:16], "content_sha256": content})
        _write_private(self._folder / "manifest.json", manifest.canonical())
        return manifest

    def _archive(self) -> dict[str, PayloadEntry]:
        """Keep the exact bytes; two answers of the same bytes (as a rule both censuses are) share a file."""
        folder = self._private("payload")
        kept: dict[str, PayloadEntry] = {}
        of_bytes: dict[str, PayloadEntry] = {}
        for payload in self._export.payloads:
            entry = of_bytes.get(payload.sha256) or archive(payload, folder)
            kept[payload.name] = of_bytes[entry.sha256] = entry
        return kept

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

        columns = [*KEY_COLUMNS, *file.columns]
        schema = text_schema(columns)

        def landed() -> Iterator[pa.RecordBatch]:
            for keys, found, fates in read_form_blocks(file, self._export.setup, proven=True):
                key_columns = pa.RecordBatch.from_arrays(
                    [keys.record_id, keys.event, keys.group, keys.repeat_instrument, keys.repeat_instance],
                    names=list(KEY_COLUMNS),
                )
                for fate in Fate:
                    mask = fates.of(fate)
                    n_rows = mask.true_count
                    if not n_rows:
                        continue
                    those = found if n_rows == len(found) else found.filter(mask)
                    rows[fate] += n_rows
                    cells[fate] += n_filled(those)
                    if fate is Fate.LANDED:
                        own = key_columns.filter(mask)
                        self._landed_in |= {(event, file.form) for event in pc.unique(own.column(EVENT)).to_pylist()}
                        yield pa.RecordBatch.from_arrays([*own.columns, *those.columns], schema=schema)
                    elif fate is Fate.MISPLACED:
                        self._set_aside(file.form, key_columns.filter(mask))

        table = write_blocks(self._folder / f"{file.form}.parquet", columns, landed(), self._order.columns)
        if table.rows != rows[Fate.LANDED]:
            raise RedcapReadError("E_INCOMPLETE", file.endpoint, detail="rows were lost on the way to the disk")
        self._steps.finish(f"landed: {file.form}", rows=table.rows, n_bytes=table.n_bytes)
        counts = {fate.value: FateCount(rows=rows[fate], cells=cells[fate]) for fate in Fate}
        return FormEntry(label=label, table=table, **counts)

    def _set_aside(self, form: str, keys: pa.RecordBatch) -> None:
        for key in keys.to_pylist():
            self._quarantine.append((form, key["record_id"], key[EVENT], key[REPEAT_INSTANCE], MISPLACED))


def _written(export: ProjectExport, pulls_dir: Path, progress: Progress | None) -> Pull:
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=pulls_dir))
    try:
        manifest = _Landing(export, unfinished, progress).write()
        return settle(unfinished, pulls_dir / manifest.pull_id, manifest)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _unchanged(export: ProjectExport, pulls_dir: Path) -> Pull:
    """The pull whose content a reading found to be the project's still."""
    pull = open_pull(pulls_dir / export.unchanged_since)
    pull.check_files()
    return pull


def _note(pulls_dir: Path, pull: Pull, export: ProjectExport) -> None:
    """Append one line to the list of readings."""
    append(
        pulls_dir,
        Reading(
            pull_id=pull.pull_id,
            pulled_at_utc=export.pulled_at_utc,
            source_kind=export.source_kind,
            redcap_version=export.redcap_version,
            n_records=pull.manifest.n_records,
            rows={form: entry.table.rows for form, entry in pull.manifest.forms.items()},
            manifest_sha256=hashlib.sha256(pull.manifest.canonical()).hexdigest(),
            log_newest=export.log_watermark.newest if export.log_watermark else "",
            setup_sha256=export.setup.sha256,
            mode=export.mode,
            why_full=export.why_full,
            n_changed=export.n_changed,
            n_bytes=export.n_bytes or sum(payload.n_bytes for payload in export.payloads),
        ),
    )


def _write_private(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    path.chmod(0o400)
