"""A candidate: a release that is built and not yet published, and what its caller knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ValidationError

from blin_pipeline.errors import ReleaseError
from blin_pipeline.registry.deid import Policy
from blin_pipeline.release.files import remove_tree, write_flushed
from blin_pipeline.release.manifest import CandidateFacts, Inputs, canonical_json

BUILDING = ".building"
DATABASE = "analytic.duckdb"
FACTS = "candidate.json"


@dataclass(frozen=True)
class ReleaseContext:
    """What the caller knows about this build.

    Attributes:
        study: Name of the study.
        synthetic: Whether every patient is made up.
        data_cut: Last day that counts; only its month is released.
        cut_id: Name of the data cut as it stands in ``report.result``.
        code_version: Version or commit of the code.
        profile: Configuration profile (demo, site server ...).
        pull_id: Id of the pull that the warehouse presents.
        source_kind: ``api``, ``files`` or as the pull says.
        parameters_hash: ``Parameters.sha256``.
        field_map_hash: Hash of the field map.
        dictionary_hash: Hash of the source's data dictionary.
        sites_hash: Hash of the site list.
        key_id: ``PseudonymKey.key_id``.
        query_answers_hash: Hash of the answers to data queries; blank without any.
        provenance: Further facts for the manifest; no values of records, no full dates of patients.
    """

    study: str
    synthetic: bool
    data_cut: date
    cut_id: str
    code_version: str
    profile: str
    pull_id: str
    source_kind: str
    parameters_hash: str
    field_map_hash: str
    dictionary_hash: str
    sites_hash: str
    key_id: str
    query_answers_hash: str = ""
    provenance: Mapping[str, str | int | bool | None] = field(default_factory=dict)

    def inputs(self, policy: Policy) -> Inputs:
        """The fingerprint by which a refresh with nothing changed is recognised."""
        return Inputs(
            pull_id=self.pull_id,
            code_version=self.code_version,
            policy_hash=policy.sha256,
            parameters_hash=self.parameters_hash,
            field_map_hash=self.field_map_hash,
            sites_hash=self.sites_hash,
            data_cut=self.data_cut.isoformat(),
            query_answers_hash=self.query_answers_hash,
        )


class _Stored(BaseModel):
    facts: CandidateFacts
    inputs: Inputs


@dataclass(frozen=True)
class Candidate:
    """A built, not yet published release: its folder, its facts, and the inputs it was built from."""

    path: Path
    facts: CandidateFacts
    inputs: Inputs

    @property
    def database(self) -> Path:
        """The candidate's ``analytic.duckdb``."""
        return self.path / DATABASE


def open_candidate(path: Path) -> Candidate:
    """Read a candidate that an earlier step built (``candidate.json`` in its folder).

    Raises:
        ReleaseError: ``E_RELEASE_BUILD`` when there is none, or it is not whole.
    """
    try:
        stored = _Stored.model_validate_json((path / FACTS).read_bytes())
    except (FileNotFoundError, ValidationError):
        raise ReleaseError(
            "E_RELEASE_BUILD", "There is no whole candidate to publish.", fix="Run the refresh again."
        ) from None
    return Candidate(path, stored.facts, stored.inputs)


def save_candidate(candidate: Candidate) -> None:
    """Write ``candidate.json``, after everything else of the candidate."""
    stored = _Stored(facts=candidate.facts, inputs=candidate.inputs)
    write_flushed(candidate.path / FACTS, canonical_json(stored.model_dump(mode="json")))


def clear_building(releases_dir: Path) -> Path:
    """Remove candidates that an interrupted build left behind; returns the folder that the next one goes into.

    Only to be called by the one process that holds the refresh lock.
    """
    building = releases_dir / BUILDING
    building.mkdir(mode=0o700, parents=True, exist_ok=True)
    for stale in sorted(building.iterdir()):
        if stale.is_dir() and not stale.is_symlink():
            remove_tree(stale)
        else:
            stale.unlink()
    return building
