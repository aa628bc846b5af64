"""A set of keys that may be larger than memory: says at the end whether any key came twice."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self

from blin_pipeline.redcap.disk import disk_faults

_DIGEST: Final = 16
_PARTITIONS: Final = 64
#: Bytes of digests held in memory, about a million keys.
_IN_MEMORY: Final = 16 << 20


class KeySet:
    """Digests of keys, in partitions by their first byte; spilled to nameless files beside the rows when they are many.

    Args:
        folder: Restricted folder for the spill.
        in_memory: Bytes of digests held at most.
    """

    def __init__(self, folder: Path, in_memory: int = _IN_MEMORY) -> None:
        self._folder = folder
        self._limit = in_memory
        self._held = [bytearray() for _ in range(_PARTITIONS)]
        self._n_held = 0
        self._spilled: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, digest: bytes) -> None:
        """Take one key in, as a digest of 16 bytes.

        Raises:
            StorageError: No space for the spill.
        """
        self._held[digest[0] % _PARTITIONS] += digest
        self._n_held += _DIGEST
        if self._n_held >= self._limit:
            self._spill()

    def repeats(self) -> bool:
        """Whether any key came twice; holds one partition at a time."""
        for number in range(_PARTITIONS):
            content = bytes(self._held[number])
            if self._spilled:
                with disk_faults("comparing the keys of rows"):
                    self._spilled[number].seek(0)
                    content += self._spilled[number].read()
            if len({content[i : i + _DIGEST] for i in range(0, len(content), _DIGEST)}) * _DIGEST != len(content):
                return True
        return False

    def _spill(self) -> None:
        with disk_faults("comparing the keys of rows"):
            if not self._spilled:
                for _ in range(_PARTITIONS):
                    # Unbuffered: a full disk shows here, not when the file is closed.
                    file: IO[bytes] = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - closed by the stack
                    self._spilled.append(self._files.enter_context(file))
            for held, spilled in zip(self._held, self._spilled, strict=True):
                _write_whole(spilled, held)
                held.clear()
        self._n_held = 0


def _write_whole(file: IO[bytes], content: bytearray) -> None:
    """Write all bytes: an unbuffered file may take some of them, as one on a disk that is nearly full does."""
    rest = memoryview(bytes(content))
    while rest:
        rest = rest[file.write(rest) :]
