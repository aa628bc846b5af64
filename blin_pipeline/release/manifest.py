"""What a release says about itself: facts fixed when the candidate is built, the manifest when it is published."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict


def canonical_json(content: object) -> str:
    """The one spelling of a JSON document here: keys sorted, two spaces; equal content, equal bytes."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def sha256_of(content: object) -> str:
    """SHA-256 over the canonical JSON of a content."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Inputs(_Frozen):
    """Everything that decides what a release holds: equal inputs, equal release.

    Kept in the restricted ledger only, since ``data_cut`` is a full date.

    Attributes:
        pull_id: Content-derived id of the pull.
        code_version: Version or commit of the code, with a mark when the checkout was changed.
        policy_hash: ``Policy.sha256``.
        parameters_hash: ``Parameters.sha256``.
        field_map_hash: Hash of the field map.
        sites_hash: Hash of the site list and of what the settings say about the study.
        data_cut: Last day that counts, ISO.
        query_answers_hash: Hash of the answers to data queries; blank without any.
    """

    pull_id: str
    code_version: str
    policy_hash: str
    parameters_hash: str
    field_map_hash: str
    sites_hash: str
    data_cut: str
    query_answers_hash: str = ""


class ColumnFact(_Frozen):
    """One released column: its name, type, and how it came to be."""

    name: str
    type: str
    transform: str
    description: str = ""


class TableFact(_Frozen):
    """One released table.

    Attributes:
        table: ``schema.table``.
        row_count: Rows.
        content_sha256: Hash over the rows whatever their order, with column names and null kept apart from blank.
        columns: In order.
    """

    table: str
    row_count: int
    content_sha256: str
    columns: tuple[ColumnFact, ...]
    description: str = ""


class HeldColumn(_Frozen):
    """A column (or whole table, ``column`` blank) of the warehouse that did not come along, and why."""

    table: str
    column: str
    reason: Literal["column_not_in_policy", "policy_stale", "type_changed", "free_text", "identifier_without_transform"]


class FindingFact(_Frozen):
    """A finding of the de-identification; never a value."""

    code: str
    where: str
    n: int


class CandidateFacts(_Frozen):
    """What is known when the candidate is built; no clock in it.

    Attributes:
        content_sha256: Hash over names, columns and content hashes of all tables but ``meta``.
        left_out: Reason -> patients left out of the release.
        decisions: Outcome (emit, hold, drop) -> fields of the project's dictionary.
        provenance: Further facts of the run as given by the caller (server version, dictionary hash, run id ...).
        versions: Python and libraries that wrote the files.
        dictionary_hash: Hash of the source's data dictionary; blank in releases that did not record it yet.
    """

    study: str
    synthetic: bool
    data_cut_month: str
    cut_id: str
    profile: str
    source_kind: str
    pull_id: str
    code_version: str
    policy_hash: str
    parameters_hash: str
    field_map_hash: str
    sites_hash: str
    key_id: str
    content_sha256: str
    subjects_released: int
    left_out: dict[str, int]
    tables: tuple[TableFact, ...]
    held: tuple[HeldColumn, ...]
    findings: tuple[FindingFact, ...]
    decisions: dict[str, int]
    provenance: dict[str, str | int | bool | None]
    versions: dict[str, str]
    dictionary_hash: str = ""


class Manifest(CandidateFacts):
    """``manifest.json`` of a release.

    Attributes:
        release_id: ``<UTC>_<first 8 of content_sha256>``.
        published_utc: When it was published.
        files: Path relative to the release -> SHA-256 (the manifest and SHA256SUMS themselves excepted).
        previous_release: Release published before this one, None for the first.
        previous_manifest_sha256: Hash of that release's manifest: the chain.
        leak_scan: What the scan looked for and where, in counts.
    """

    release_id: str
    published_utc: str
    files: dict[str, str]
    previous_release: str | None
    previous_manifest_sha256: str | None
    leak_scan: dict[str, int]
