"""Answers of a reading that was interrupted: kept with their hashes, used again only while the project stands still.

A part counts as proven good when it passed every check of an answer and, at the next reading, the set-up and the census
are the same and the log shows no change of a record since. Without a log nothing is used again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.redcap.change_log import Log, data_digest
from blin_pipeline.redcap.disk import disk_faults, flush, sha256_of

_INDEX = "parts.json"
#: Older parts are dropped: what is that old is read anew.
_KEPT_FOR = timedelta(hours=24)


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str
    setup_sha256: str
    census: str
    log_begin: datetime | None
    log_sha256: str
    at_utc: datetime
    parts: dict[str, str] = {}


class Parts:
    """The folder of an interrupted reading.

    Args:
        folder: Restricted folder, made when the first part comes.
        clock: The present, naive UTC.

    Attributes:
        reused: Parts taken so far.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock
        self._index = self._read()
        self.reused = 0

    @property
    def log_begin(self) -> datetime | None:
        """From when the log must be read to judge the parts; None without parts (or when all of it was read)."""
        return self._index.log_begin if self._index is not None else None

    def open(self, project: str, setup_sha256: str, census: str, log: Log | None, log_begin: datetime | None) -> None:
        """Keep the parts that lie here if the project stood still since, else drop them; then take new ones.

        Args:
            project: What the parts are of.
            setup_sha256: Hash of the set-up now.
            census: Fingerprint of the census now.
            log: Slice of the log read before the census; None without the right.
            log_begin: Where the slice begins; None when it is the whole log.
        """
        old = self._index
        holds = (
            old is not None
            and log is not None
            and (old.project, old.setup_sha256, old.census) == (project, setup_sha256, census)
            and (log_begin is None or (old.log_begin is not None and log_begin <= old.log_begin))
            and data_digest(log, old.log_begin) == old.log_sha256
        )
        if holds:
            return
        self.discard()
        if log is not None:
            self._index = _Index(
                project=project,
                setup_sha256=setup_sha256,
                census=census,
                log_begin=log_begin,
                log_sha256=data_digest(log, log_begin),
                at_utc=self._clock(),
            )

    def take(self, name: str, destination: Path) -> bool:
        """Put a part where its answer would lie; False when there is none, or it is not what was kept."""
        source = self._folder / name
        if self._index is None or name not in self._index.parts or not source.is_file():
            return False
        with disk_faults("reading a part of the last reading"):
            shutil.copyfile(source, destination)
            if sha256_of(destination) == self._index.parts[name]:
                self.reused += 1
                return True
        self.drop(name)
        return False

    def put(self, name: str, path: Path) -> None:
        """Keep an answer that passed its checks; it is on the disk before the index names it."""
        if self._index is None:
            return
        with disk_faults("keeping a part of the reading"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self._folder / f".{name}"
            shutil.copyfile(path, unfinished)
            unfinished.chmod(0o600)
            flush(unfinished)
            unfinished.replace(self._folder / name)
            self._write(self._index.model_copy(update={"parts": {**self._index.parts, name: sha256_of(path)}}))

    def drop(self, name: str) -> None:
        """Forget one part."""
        if self._index is not None and name in self._index.parts:
            left = {part: digest for part, digest in self._index.parts.items() if part != name}
            with disk_faults("dropping a part of the last reading"):
                self._write(self._index.model_copy(update={"parts": left}))

    def discard(self) -> None:
        """Forget everything."""
        self._index = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> _Index | None:
        with suppress(OSError, ValidationError):  # Whatever cannot be read is read anew from the server.
            index = _Index.model_validate_json((self._folder / _INDEX).read_bytes())
            if timedelta() <= self._clock() - index.at_utc <= _KEPT_FOR:
                return index
        shutil.rmtree(self._folder, ignore_errors=True)
        return None

    def _write(self, index: _Index) -> None:
        unfinished = self._folder / f".{_INDEX}"
        unfinished.write_text(json.dumps(index.model_dump(mode="json")), encoding="utf-8")
        unfinished.chmod(0o600)
        flush(unfinished)
        unfinished.replace(self._folder / _INDEX)
        self._index = index
