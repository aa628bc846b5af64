"""Pseudonymous patient keys: HMAC-SHA256 of the registry number under a secret that never leaves the restricted zone.

Formula: ``patient_key = hex(HMAC-SHA256(K, "v1|" + project_id + "|" + record_id))[:32]``. The input is the number that
the registry itself assigned, never anything about the person (45 CFR 164.514(c)).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from blin_pipeline.errors import ConfigurationError, DataError
from blin_pipeline.registry.sites import UNASSIGNED, Site
from blin_pipeline.release.files import flush

KEY_BYTES = 32


class PseudonymKey:
    """The secret, masked wherever it is printed."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ConfigurationError(
                "E_KEY_UNREADABLE",
                f"The pseudonym key is not {KEY_BYTES} bytes long.",
                fix="Restore restricted/secrets/pseudonym.key from the restricted backup.",
            )
        self._secret = secret

    def __repr__(self) -> str:
        """Only the public id."""
        return f"PseudonymKey(key_id={self.key_id!r})"

    __str__ = __repr__

    @property
    def key_id(self) -> str:
        """First 8 hex characters of SHA-256 of the key: names the key without showing it."""
        return hashlib.sha256(self._secret).hexdigest()[:8]

    def patient_key(self, project_id: str, record_id: str) -> str:
        """Pseudonym of one record: 32 hex characters."""
        message = f"v1|{project_id}|{record_id}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]


def create_key(path: Path) -> PseudonymKey:
    """Create the key file (32 random bytes, 0400); it appears whole or not at all, and never replaces another.

    Raises:
        ConfigurationError: ``E_KEY_EXISTS``.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    secret = secrets.token_bytes(KEY_BYTES)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        os.write(handle, secret)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise ConfigurationError(
            "E_KEY_EXISTS",
            "A pseudonym key exists already.",
            fix="Keep it; remove it by hand only to give every patient a new key.",
        ) from None
    finally:
        temporary.unlink()
    flush(path.parent)
    return PseudonymKey(secret)


def load_key(path: Path) -> PseudonymKey:
    """Read the key file.

    Raises:
        ConfigurationError: ``E_KEY_MISSING``, ``E_KEY_OPEN`` (others may read it), ``E_KEY_UNREADABLE``.
    """
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            "E_KEY_MISSING",
            "There is no pseudonym key.",
            fix="Restore restricted/secrets/pseudonym.key from the restricted backup.",
        ) from None
    except PermissionError:
        raise ConfigurationError(
            "E_KEY_UNREADABLE",
            "The pseudonym key may not be read.",
            fix="Run as the pipeline's own user, who owns the file.",
        ) from None
    if mode & 0o077:
        raise ConfigurationError(
            "E_KEY_OPEN", "The pseudonym key may be read by others.", fix="chmod 0400 restricted/secrets/pseudonym.key"
        )
    return PseudonymKey(secret)


def ensure_key(path: Path, last_key_id: str | None, *, new_keys_accepted: bool = False) -> PseudonymKey:
    """The key to use now: read it, or create it while there is no release that used another.

    Args:
        path: Key file.
        last_key_id: ``key_id`` of the newest release, None when there is none.
        new_keys_accepted: A person accepts that old and new releases can no longer be joined by patient.

    Raises:
        ConfigurationError: ``E_KEY_LOST`` (releases were made with it), ``E_KEY_CHANGED``; as ``load_key``.
    """
    if not path.exists():
        if last_key_id is not None and not new_keys_accepted:
            raise ConfigurationError(
                "E_KEY_LOST",
                "The pseudonym key is gone, and releases were made with it.",
                fix="Restore restricted/secrets/pseudonym.key from the backup, or start a new home folder.",
            )
        return create_key(path)
    key = load_key(path)
    if last_key_id not in (None, key.key_id) and not new_keys_accepted:
        raise ConfigurationError(
            "E_KEY_CHANGED",
            "The pseudonym key is not the one of the last release.",
            fix="Restore the former key from the restricted backup, or start a new home folder.",
        )
    return key


def crosswalk(
    records: Iterable[tuple[str, str]], key: PseudonymKey, project_id: str, sites: Sequence[Site]
) -> list[tuple[str, str, str]]:
    """Rows of ``raw.patient_crosswalk``: one per record, sorted by record id. Restricted zone only.

    Args:
        records: (record id, unique name of its data access group or blank).
        key: The secret.
        project_id: REDCap's number of the project.
        sites: Sites of the registry; the group decides the site, a record without one is ``UNASSIGNED``.

    Returns:
        (record_id, patient_key, site_id).

    Raises:
        ConfigurationError: ``E_SITE_UNKNOWN`` when a record's group belongs to no site.
        DataError: ``E_DUPLICATE_RECORD`` when a record id stands twice.
    """
    site_of = {site.data_access_group: site.site_id for site in sites}
    site_of[""] = UNASSIGNED
    rows: dict[str, tuple[str, str, str]] = {}
    unknown: set[str] = set()
    for record_id, group in records:
        if group not in site_of:
            unknown.add(group)
        elif record_id in rows:
            raise DataError(
                "E_DUPLICATE_RECORD", "A record id stands twice in the pull.", fix="Pull again; report it if it stays."
            )
        else:
            rows[record_id] = (record_id, key.patient_key(project_id, record_id), site_of[group])
    if unknown:
        raise ConfigurationError(
            "E_SITE_UNKNOWN",
            f"No site has the data access group {', '.join(sorted(unknown))}.",
            fix="Add a [[sites]] entry with that data_access_group to blin.toml.",
        )
    return sorted(rows.values())
