"""The archive of a pull: exact bytes as received, compressed with zstd, with the hash of what went in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import zstandard

from blin_pipeline.landing.manifest import PayloadEntry
from blin_pipeline.redcap.exported import Payload

_CHUNK = 1 << 20
_LEVEL = 3


def archive(payload: Payload, folder: Path) -> PayloadEntry:
    """Compress one file into ``folder``; flushed to the disk, readable by its owner only."""
    target = folder / f"{payload.name}{payload.path.suffix}.zst"
    digest = hashlib.sha256()
    n_bytes = 0
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with payload.path.open("rb") as source, target.open("wb") as out:
        with compressor.stream_writer(out, closefd=False) as packed:
            while piece := source.read(_CHUNK):
                digest.update(piece)
                n_bytes += len(piece)
                packed.write(piece)
        out.flush()
        os.fsync(out.fileno())
    target.chmod(0o400)
    with target.open("rb") as packed_file:
        packed_digest = hashlib.file_digest(packed_file, "sha256").hexdigest()
    return PayloadEntry(
        path=target.name,
        n_bytes=n_bytes,
        sha256=digest.hexdigest(),
        archive_n_bytes=target.stat().st_size,
        archive_sha256=packed_digest,
    )


def unpack(path: Path) -> bytes:
    """The exact bytes of one archived answer."""
    with path.open("rb") as packed:
        return zstandard.ZstdDecompressor().stream_reader(packed).read()


def unpack_to(path: Path, destination: Path) -> None:
    """Write the exact bytes of one archived answer to a file, piece by piece."""
    with path.open("rb") as packed, destination.open("wb") as out:
        zstandard.ZstdDecompressor().copy_stream(packed, out)
