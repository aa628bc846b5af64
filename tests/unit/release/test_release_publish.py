"""Publishing: what lies in a release, when nothing is published, rollback, retention, tampering, bad candidates."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from made_up_registry import CONTEXT, POLICY, Home, some_patients

from blin_pipeline.errors import ReleaseError
from blin_pipeline.landing.database import connect_file
from blin_pipeline.registry.deid import Policy
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.candidate import Candidate
from blin_pipeline.release.leaks import warehouse_identifiers
from blin_pipeline.release.ledger import read_ledger
from blin_pipeline.release.publish import publish, recover, retire, rollback, unchanged
from blin_pipeline.release.reading import (
    current_release,
    list_releases,
    open_release_database,
    read_manifest,
    verify_release,
)

pytestmark = pytest.mark.slow


def version_read(home: Home) -> float:
    with open_release_database(home.releases / "current") as connection:
        row = connection.execute("select value from report.result where result_id = 'version'").fetchone()
    assert row is not None
    return float(row[0])


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_release_is_whole_read_only_and_named_after_its_content(home: Home) -> None:
    candidate = home.build()
    (candidate.path / "report.html").write_text("<p>synthetic</p>", encoding="utf-8")
    release = home.publish(candidate)
    manifest = release.manifest
    assert release.is_new
    assert release.path.name == f"2026-07-01T040000Z_{candidate.facts.content_sha256[:8]}" == manifest.release_id
    assert (home.releases / "current").readlink() == Path(release.path.name)
    assert set(tree(release.path)) == {*manifest.files, "manifest.json", "SHA256SUMS"}
    assert "report.html" in manifest.files
    modes = {stat.S_IMODE(path.stat().st_mode) for path in release.path.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (release.path, release.path / "parquet")}
    assert (modes, folders) == ({0o440}, {0o550})
    assert not list(home.releases.glob(".building/*"))
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=release.path, capture_output=True)
    assert checked.returncode == 0
    assert json.loads((release.path / "manifest.json").read_text("utf-8"))["data_cut_month"] == "2026-06"
    assert b"2026-06-30" not in (release.path / "manifest.json").read_bytes()


def test_manifests_and_ledger_are_chained(home: Home) -> None:
    releases = [home.release(version) for version in (1, 2, 3)]
    entries = read_ledger(home.ledger)
    assert [entry.event for entry in entries] == ["published"] * 3
    assert releases[0].manifest.previous_release is None
    for before, after, entry in zip(releases, releases[1:], entries, strict=False):
        assert after.manifest.previous_release == before.path.name
        assert after.manifest.previous_manifest_sha256 == entry.manifest_sha256
    assert entries[-1].inputs == CONTEXT.inputs(home.policy).model_copy(update={"pull_id": f"{3:016x}"})
    assert stat.S_IMODE(home.ledger.stat().st_mode) == 0o600


def test_nothing_new_leaves_the_release_as_it_is(home: Home) -> None:
    first = home.release()
    before = tree(first.path)
    again = home.publish(home.build())
    assert (again.is_new, again.path) == (False, first.path)
    assert list_releases(home.releases) == [home.releases / first.path.name]
    assert tree(first.path) == before
    assert not list(home.releases.glob(".building/*"))
    assert [entry.event for entry in read_ledger(home.ledger)] == ["published", "confirmed"]


def test_a_changed_report_of_equal_content_is_published(home: Home) -> None:
    found = []
    for page in ("<p>one</p>", "<p>one</p>", "<p>two</p>"):
        candidate = home.build()
        (candidate.path / "report.html").write_text(page, encoding="utf-8")
        found.append(home.publish(candidate))
    assert [release.is_new for release in found] == [True, False, True]
    assert len({release.manifest.content_sha256 for release in found}) == 1


def test_unchanged_compares_every_input_and_looks_at_the_release(home: Home) -> None:
    candidate = home.build()
    assert not unchanged(home.releases, home.ledger, candidate.inputs)
    release = home.publish(candidate)
    assert unchanged(home.releases, home.ledger, candidate.inputs)
    for name in type(candidate.inputs).model_fields:
        other = candidate.inputs.model_copy(update={name: "another"})
        assert not unchanged(home.releases, home.ledger, other), name
    (release.path / "manifest.json").chmod(0o640)
    (release.path / "manifest.json").write_text("{}", encoding="utf-8")
    assert not unchanged(home.releases, home.ledger, candidate.inputs)


def test_other_inputs_with_equal_content_are_confirmed_and_then_unchanged(home: Home) -> None:
    home.release()
    candidate = home.build()
    renewed = candidate.inputs.model_copy(update={"code_version": "0.2.0"})
    release = home.publish(Candidate(candidate.path, candidate.facts, renewed))
    assert not release.is_new
    assert unchanged(home.releases, home.ledger, renewed)


def test_damaged_current_release_is_replaced(home: Home) -> None:
    first = home.release()
    parquet = first.path / "parquet" / "subject.parquet"
    parquet.chmod(0o640)
    parquet.write_bytes(parquet.read_bytes()[:-1])
    second = home.release()
    assert second.is_new
    assert second.path != first.path
    assert verify_release(second.path) > 0


@pytest.mark.parametrize("damage", ["change", "remove", "add", "no sums"])
def test_tampering_is_detected(home: Home, damage: str) -> None:
    release = home.release()
    release.path.chmod(0o750)
    manifest, sums = release.path / "manifest.json", release.path / "SHA256SUMS"
    manifest.chmod(0o640)
    match damage:
        case "change":
            manifest.write_bytes(manifest.read_bytes().replace(b'"synthetic": true', b'"synthetic": null'))
        case "remove":
            manifest.unlink()
        case "add":
            (release.path / "analytic.duckdb.wal").write_bytes(b"")
        case _:
            sums.unlink()
    with pytest.raises(ReleaseError, match="E_RELEASE_TAMPERED"):
        verify_release(release.path)


def test_rollback_swaps_the_link_and_removes_nothing(home: Home) -> None:
    first, second = home.release(1), home.release(2)
    assert version_read(home) == 2.0
    back = rollback(home.releases, first.path.name, ledger=home.ledger, at=home.clock)
    assert (back.path, version_read(home)) == (first.path, 1.0)
    assert second.path.is_dir()
    assert [entry.event for entry in read_ledger(home.ledger)] == ["published", "published", "rolled_back"]
    # A nightly run over the same inputs does not bring the withdrawn release back; new data do publish.
    assert unchanged(home.releases, home.ledger, home.build(version=2).inputs)
    assert home.release(3).is_new
    assert version_read(home) == 3.0


def test_rollback_refuses_what_is_not_there_or_was_changed(home: Home) -> None:
    first, second = home.release(1), home.release(2)
    for unknown in ("2020-01-01T000000Z_00000000", "current", "../restricted", ".building"):
        with pytest.raises(ReleaseError, match="E_RELEASE_UNKNOWN"):
            rollback(home.releases, unknown, ledger=home.ledger)
    (first.path / "SHA256SUMS").chmod(0o640)
    (first.path / "SHA256SUMS").write_text("", encoding="utf-8")
    with pytest.raises(ReleaseError, match="E_RELEASE_TAMPERED"):
        rollback(home.releases, first.path.name, ledger=home.ledger)
    assert current_release(home.releases) == second.path


def test_retention_keeps_the_newest_the_current_and_the_young(home: Home) -> None:
    released = [home.release(version) for version in range(1, 6)]
    rollback(home.releases, released[0].path.name, ledger=home.ledger, at=home.clock)
    at = home.clock + timedelta(hours=19)
    assert retire(home.releases, home.ledger, at=at, keep=2, drained_after=timedelta(hours=24)) == []
    at = home.clock + timedelta(hours=21)
    gone = retire(home.releases, home.ledger, at=at, keep=2, drained_after=timedelta(hours=24))
    assert gone == [released[1].path.name]
    gone += retire(home.releases, home.ledger, at=at + timedelta(days=30), keep=2)
    assert gone == [released[1].path.name, released[2].path.name]
    assert [path.name for path in list_releases(home.releases)] == [released[n].path.name for n in (0, 3, 4)]
    assert version_read(home) == 1.0
    assert [entry.event for entry in read_ledger(home.ledger)][-2:] == ["retired", "retired"]


def test_publish_applies_retention(home: Home) -> None:
    for version in range(1, 5):
        home.publish(home.build(version=version), keep=2, drained_after=timedelta(0))
    assert len(list_releases(home.releases)) == 2
    assert version_read(home) == 4.0


def test_two_publishes_in_one_second_get_two_names(home: Home) -> None:
    first, second = home.release(1), home.release(2)
    rollback(home.releases, first.path.name, ledger=home.ledger, at=home.clock)
    at = home.clock
    again = publish(home.build(version=2), home.releases, policy=home.policy, ledger=home.ledger, at=at)
    assert again.is_new
    assert again.path.name != second.path.name
    assert again.path.name[-8:] == second.path.name[-8:]


def leave_a_wal(candidate: Candidate) -> None:
    (candidate.path / "analytic.duckdb.wal").write_bytes(b"")


def add_a_column(candidate: Candidate) -> None:
    with connect_file(candidate.database, read_only=False) as connection:
        connection.execute("alter table marts.subject add column zip varchar")


def add_a_table(candidate: Candidate) -> None:
    with connect_file(candidate.database, read_only=False) as connection:
        connection.execute("create table marts.note as select 'a' as a")


def change_a_value(candidate: Candidate) -> None:
    with connect_file(candidate.database, read_only=False) as connection:
        connection.execute("update marts.subject set followup_days = 1")


def swap_a_parquet(candidate: Candidate) -> None:
    folder = candidate.path / "parquet"
    (folder / "subject.parquet").write_bytes((folder / "time_to_event.parquet").read_bytes())


def cut_the_database(candidate: Candidate) -> None:
    candidate.database.write_bytes(candidate.database.read_bytes()[:5000])


@pytest.mark.parametrize(
    "breaking", [leave_a_wal, add_a_column, add_a_table, change_a_value, swap_a_parquet, cut_the_database]
)
def test_candidate_that_is_not_as_built_is_never_published(home: Home, breaking: Callable[[Candidate], None]) -> None:
    first = home.release(1)
    before = tree(home.releases)
    candidate = home.build(version=2)
    breaking(candidate)
    with pytest.raises(ReleaseError, match="E_RELEASE_VERIFY"):
        home.publish(candidate)
    assert current_release(home.releases) == first.path
    assert tree(home.releases) == before
    assert not candidate.path.exists()


def test_identifiers_in_any_file_stop_the_publish_without_being_quoted(home: Home) -> None:
    first = home.release(1)
    forbidden = warehouse_identifiers(home.fill(version=2))
    assert {"MCW-0001", "site_a_group"} <= forbidden
    for place, content in (("report.html", "<td>MCW-0007</td>"), ("notes.json", '{"group": "site_a_group"}')):
        candidate = home.build(version=2)
        (candidate.path / place).write_text(content, encoding="utf-8")
        with pytest.raises(ReleaseError, match="E_RELEASE_LEAK") as caught:
            home.publish(candidate, forbidden=forbidden)
        assert place in caught.value.what
        assert "MCW-0007" not in str(caught.value)
        assert "site_a_group" not in str(caught.value)
    assert current_release(home.releases) == first.path
    assert home.publish(home.build(version=2), forbidden=forbidden).manifest.leak_scan["values_searched"] == 31


def test_record_names_of_a_site_are_found_and_numbers_are_said_to_be_unsearchable(home: Home) -> None:
    home.release(1)
    candidate = home.build(version=2)
    (candidate.path / "notes.json").write_text('{"record": "101-23"}', encoding="utf-8")
    with pytest.raises(ReleaseError, match="E_RELEASE_LEAK"):
        home.publish(candidate, forbidden=["101-22", "101-23"])
    manifest = home.publish(home.build(version=2), forbidden=["1", "2", "101-23"]).manifest
    assert (manifest.leak_scan["values_searched"], manifest.leak_scan["values_not_searchable"]) == (1, 2)
    assert [(each.code, each.n) for each in manifest.findings if each.where == "leak_scan"] == [
        ("identifiers_not_searchable", 2)
    ]
    other = home.publish(home.build(version=3), forbidden=["1", "101-22", "101-23"]).manifest
    assert not [each for each in other.findings if each.where == "leak_scan"]


def test_identifier_inside_a_compressed_column_is_found(home: Home) -> None:
    warehouse = home.fill(version=2)
    with warehouse.connect(read_only=False) as connection:
        connection.execute("update report.result set result_id = 'mcw_0001.' || result_id")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    with pytest.raises(
        ReleaseError, match=r"E_RELEASE_LEAK: 1 identifying value\(s\) found in report\.result\.result_id"
    ):
        home.publish(candidate, forbidden=["mcw_0001"])


def test_full_date_in_a_text_stops_the_publish(home: Home, make_policy: Callable[[str], Policy]) -> None:
    home.policy = make_policy(POLICY.replace('pattern: "cut[a-z0-9_]{1,40}"', 'pattern: "cut_[-0-9]{1,40}"'))
    warehouse = home.fill()
    with warehouse.connect(read_only=False) as connection:
        connection.execute("update report.result set cut_id = 'cut_2026-06-30'")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    with pytest.raises(ReleaseError, match=r"E_RELEASE_LEAK: 1 full date\(s\) found in report\.result\.cut_id"):
        home.publish(candidate)


def test_a_crash_between_swap_and_ledger_is_recovered(home: Home) -> None:
    home.release(1)
    second = home.release(2)
    lines = home.ledger.read_bytes().splitlines(keepends=True)
    home.ledger.write_bytes(lines[0] + lines[1][:40])
    (home.releases / ".current-0011aabb").symlink_to("nowhere")
    recover(home.releases, home.ledger, at=home.clock)
    assert [entry.event for entry in read_ledger(home.ledger)] == ["published", "recovered"]
    assert read_ledger(home.ledger)[-1].release_id == second.path.name
    assert not list(home.releases.glob(".current-*"))
    assert home.release(3).manifest.previous_release == second.path.name


def test_a_release_that_nothing_ever_pointed_to_is_cleared(home: Home) -> None:
    first, second = home.release(1), home.release(2)
    (home.releases / "current").unlink()
    (home.releases / "current").symlink_to(first.path.name)
    home.ledger.write_bytes(home.ledger.read_bytes().splitlines(keepends=True)[0])
    recover(home.releases, home.ledger, at=home.clock)
    assert not second.path.exists()
    assert current_release(home.releases) == first.path


def test_releases_outlive_a_lost_ledger(home: Home) -> None:
    released = [home.release(version) for version in (1, 2, 3)]
    home.ledger.unlink()
    fourth = home.release(4)
    assert [path.name for path in list_releases(home.releases)] == [r.path.name for r in (*released, fourth)]
    assert [entry.event for entry in read_ledger(home.ledger)] == ["recovered", "published"]


def test_ledger_that_was_edited_stops_everything(home: Home) -> None:
    home.release(1)
    home.release(2)
    home.ledger.write_bytes(home.ledger.read_bytes().replace(b"published", b"confirmed", 1))
    before = tree(home.releases)
    with pytest.raises(ReleaseError, match="E_LEDGER_BROKEN"):
        home.release(3)
    assert tree(home.releases) == before


def test_manifest_of_nothing_is_one_clear_error(home: Home, tmp_path: Path) -> None:
    assert current_release(home.releases) is None
    assert list_releases(home.releases) == []
    with pytest.raises(ReleaseError, match="E_RELEASE_UNREADABLE"):
        read_manifest(tmp_path)
    with pytest.raises(ReleaseError, match="E_NO_RELEASE"), open_release_database(home.releases / "current"):
        pass


def test_left_out_patients_are_counted_in_the_manifest(home: Home) -> None:
    release = home.publish(home.build(some_patients(5)))
    assert (release.manifest.subjects_released, release.manifest.left_out) == (5, {})
