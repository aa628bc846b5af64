"""A pull: one complete reading of a project as an immutable folder named by its content.

``landing.write`` writes it; ``open_pull`` reads it back; ``Pull.check_files`` and ``Pull.verify`` prove that nobody touched it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from blin_pipeline.errors import DataError
from blin_pipeline.landing.archive import unpack
from blin_pipeline.landing.manifest import PullManifest, content_hash
from blin_pipeline.landing.parquet import content_of
from blin_pipeline.redcap.disk import disk_faults


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

    def check_files(self) -> None:
        """Hash every file again and compare with the manifest.

        Raises:
            DataError: ``E_PULL_TAMPERED``, naming the file.
        """
        expected = {"manifest.json": hashlib.sha256(self.manifest.canonical()).hexdigest()}
        expected |= {entry.table.path: entry.table.sha256 for entry in self.manifest.forms.values()}
        expected |= {f"setup/{entry.path}": entry.sha256 for entry in self.manifest.setup.values()}
        expected |= {f"payload/{entry.path}": entry.archive_sha256 for entry in self.manifest.payloads.values()}
        found = {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()}
        for name in sorted(found ^ expected.keys()):
            raise tampered(self.path.name, name, "is missing" if name in expected else "does not belong to it")
        for name, digest in expected.items():
            with (self.path / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise tampered(self.path.name, name, "was changed")

    def verify(self) -> None:
        """Check every file, and derive the pull's name from its rows again.

        Raises:
            DataError: ``E_PULL_TAMPERED``, naming the file.
        """
        self.check_files()
        tables = {name: content_of(self.form_path(name)) for name in self.manifest.forms}
        tables |= {f"setup/{name}": content_of(self.setup_path(name)) for name in self.manifest.setup}
        derived = content_hash(facts_of(self.manifest), tables)
        if derived != self.manifest.content_sha256 or derived[:16] != self.pull_id or self.path.name != self.pull_id:
            raise tampered(self.path.name, "manifest.json", "does not fit the rows")


def open_pull(path: Path) -> Pull:
    """Open a landed pull; hashes are checked by :meth:`Pull.check_files`, not here.

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
    raise tampered(path.name, "manifest.json", problem)


def facts_of(manifest: PullManifest) -> dict[str, object]:
    """Facts of the project that are part of a pull's content."""
    return {
        "project_id": manifest.project_id,
        "record_id_field": manifest.record_id_field,
        "is_longitudinal": manifest.is_longitudinal,
        "dictionary_sha256": manifest.dictionary_sha256,
        "data_access_groups": list(manifest.data_access_groups),
        "labels": {form: entry.label for form, entry in manifest.forms.items()},
    }


def tampered(pull: str, name: str, problem: str) -> DataError:
    """The error for a file of a pull that is not as it was written."""
    return DataError(
        "E_PULL_TAMPERED",
        f"Pull {pull}: {name} {problem}.",
        fix="Set the folder aside for inspection and pull again; a pull is never edited.",
    )
