"""Patient keys: the formula, the key file, what happens when the key is lost or changed."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from blin_pipeline.errors import BlinError, ConfigurationError, DataError
from blin_pipeline.registry.sites import Site
from blin_pipeline.release.pseudonyms import PseudonymKey, create_key, crosswalk, ensure_key, load_key

SECRET = bytes(range(32))
SITES = [Site(site_id="S01", data_access_group="north"), Site(site_id="S02", data_access_group="south")]


def test_formula_is_the_documented_one() -> None:
    # Computed by hand from RFC 2104, not with the hmac module's one-call form.
    padded = SECRET.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + b"v1|9001|MCW-0001").digest()
    expected = hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).hexdigest()[:32]
    assert PseudonymKey(SECRET).patient_key("9001", "MCW-0001") == expected


def test_project_and_record_are_kept_apart() -> None:
    key = PseudonymKey(SECRET)
    keys = {
        key.patient_key("1", "12"),
        key.patient_key("11", "2"),
        key.patient_key("1", "2"),
        key.patient_key("11", "12"),
    }
    assert len(keys) == 4


def test_another_secret_gives_other_keys() -> None:
    records = [(f"A-{number}", "north") for number in range(50)]
    first = {row[1] for row in crosswalk(records, PseudonymKey(SECRET), "1", SITES)}
    second = {row[1] for row in crosswalk(records, PseudonymKey(SECRET[::-1]), "1", SITES)}
    assert len(first) == 50
    assert not first & second


def test_secret_is_never_printed() -> None:
    key = PseudonymKey(SECRET)
    for shown in (repr(key), str(key), f"{key}", f"{[key]}"):
        assert SECRET.hex() not in shown
        assert repr(SECRET) not in shown
    assert key.key_id == hashlib.sha256(SECRET).hexdigest()[:8]


def test_crosswalk_is_sorted_and_gives_the_site() -> None:
    key = PseudonymKey(SECRET)
    rows = crosswalk([("B-2", "south"), ("A-1", "north"), ("C-3", "")], key, "1", SITES)
    assert [(record, site) for record, _, site in rows] == [("A-1", "S01"), ("B-2", "S02"), ("C-3", "UNASSIGNED")]
    assert all(patient == key.patient_key("1", record) for record, patient, _ in rows)


def test_unknown_group_and_repeated_record_stop_the_run() -> None:
    key = PseudonymKey(SECRET)
    with pytest.raises(ConfigurationError, match="E_SITE_UNKNOWN") as caught:
        crosswalk([("A-1", "east"), ("A-2", "north")], key, "1", SITES)
    assert "A-1" not in str(caught.value)
    with pytest.raises(DataError, match="E_DUPLICATE_RECORD") as doubled:
        crosswalk([("A-1", "north"), ("A-1", "south")], key, "1", SITES)
    assert "A-1" not in str(doubled.value)


def test_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "restricted" / "secrets" / "pseudonym.key"
    key = create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert path.stat().st_size == 32
    assert load_key(path).key_id == key.key_id
    assert [file.name for file in path.parent.iterdir()] == ["pseudonym.key"]
    with pytest.raises(ConfigurationError, match="E_KEY_EXISTS"):
        create_key(path)
    assert load_key(path).key_id == key.key_id
    assert [file.name for file in path.parent.iterdir()] == ["pseudonym.key"]


def test_key_that_others_can_read_or_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    create_key(path)
    path.chmod(0o440)
    with pytest.raises(ConfigurationError, match="E_KEY_OPEN"):
        load_key(path)
    path.chmod(0o600)
    path.write_bytes(SECRET[:31])
    with pytest.raises(ConfigurationError, match="E_KEY_UNREADABLE"):
        load_key(path)


def test_lost_or_changed_key_needs_a_person(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    first = ensure_key(path, None)
    assert ensure_key(path, first.key_id).key_id == first.key_id
    path.unlink()
    with pytest.raises(BlinError, match="E_KEY_LOST"):
        ensure_key(path, first.key_id)
    assert not path.exists()
    second = ensure_key(path, first.key_id, new_keys_accepted=True)
    assert second.key_id != first.key_id
    with pytest.raises(BlinError, match="E_KEY_CHANGED"):
        ensure_key(path, first.key_id)
