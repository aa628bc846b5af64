"""Several projects read as one: every cell of each, no key of two meets, and a refusal where they contradict each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redcap_sample import DICTIONARY, PULLED_AT, ROWS, TOKEN, project
from redcap_sample import client as sample_client

from blin_pipeline.errors import BlinError, ConfigurationError
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import records
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.merged import merge_exports
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.serve import serving


@contextmanager
def _read(folder: Path, **projects: SourceProject) -> Iterator[dict[str, ProjectExport]]:
    exports = {}
    for name, one in projects.items():
        (folder / name).mkdir(parents=True)
        with serving({TOKEN: one}) as server:
            exports[name] = export_project(sample_client(server.url), folder / name, clock=lambda: PULLED_AT)
    (folder / "merged").mkdir()
    yield exports


def _cells(export: ProjectExport) -> Counter[tuple[str, ...]]:
    return Counter(
        (file.form, *row.key, row.group, column, cell)
        for file in export.forms
        for row in read_form(file, export.setup)
        if row.fate is Fate.LANDED
        for column, cell in zip(file.columns, row.cells, strict=True)
        if cell
    )


def _qualified(name: str, cells: Counter[tuple[str, ...]], group: str | None = None) -> Counter[tuple[str, ...]]:
    return Counter(
        {
            (form, f"{name}:{record}", event, instrument, instance, group or f"{name}:{own}", *rest): n
            for (form, record, event, instrument, instance, own, *rest), n in cells.items()
        }
    )


def test_one_project_read_by_site_with_a_token_for_each_group(tmp_path: Path) -> None:
    tokens = {"one": "1" * 32, "two": "2" * 32}
    rights = {
        token: TokenRights(username=name, data_access_group=f"site_{number}")
        for number, (name, token) in enumerate(tokens.items(), start=1)
    }
    source = project()
    exports = {}
    with serving(dict.fromkeys(tokens.values(), source), rights=rights) as server:
        for name, token in tokens.items():
            (tmp_path / name).mkdir()
            own = sample_client(server.url, token=token)
            exports[name] = export_project(own, tmp_path / name, ReadingPlan(one_group=True))
    (tmp_path / "merged").mkdir()
    merged = merge_exports(exports, tmp_path / "merged")
    assert dict(merged.census.groups) == {"one:S1-9": "one", "one:S1-10": "one", "two:S2-1": "two"}
    with _read(tmp_path / "whole", us=source) as whole:
        assert _cells(merged).total() == _cells(whole["us"]).total()


def test_every_cell_of_each_project_under_its_own_name(tmp_path: Path) -> None:
    german = project(project_id=7, title="German")
    with _read(tmp_path, de=german, us=project()) as exports:
        merged = merge_exports(exports, tmp_path / "merged")
        expected = _qualified("de", _cells(exports["de"])) + _qualified("us", _cells(exports["us"]))
        assert _cells(merged) == expected
        assert expected.total() == 2 * _cells(exports["us"]).total() > 40
        assert merged.census.groups["us:S1-9"] == "us:site_1"
        assert len(merged.census.groups) == 6
        assert merged.setup.info.project_id == "de/7,us/42"
        assert merged.log is not None
        assert {entry.record.partition(":")[0] for entry in merged.log if entry.record} == {"de", "us"}


def test_a_project_without_groups_is_its_own_group(tmp_path: Path) -> None:
    plain = project(data_access_groups=(), record_groups={})
    with _read(tmp_path, one=plain, two=project()) as exports:
        merged = merge_exports(exports, tmp_path / "merged")
        assert {group for record, group in merged.census.groups.items() if record.startswith("one:")} == {"one"}
        groups = [group.unique_group_name for group in merged.setup.groups or ()]
        assert groups == ["one", "two:site_1", "two:site_2"]


def _landed(folder: Path, pulls: Path, **projects: SourceProject) -> Pull:
    with _read(folder, **projects) as exports:
        return land(merge_exports(exports, folder / "merged"), pulls)


def test_the_order_of_reading_does_not_matter_to_the_pull(tmp_path: Path) -> None:
    one, two = project(), project(project_id=7)
    first = _landed(tmp_path / "a", tmp_path / "pulls", one=one, two=two)
    again = _landed(tmp_path / "b", tmp_path / "pulls", one=one, two=two)
    assert first.pull_id == again.pull_id
    first.verify()
    assert len(records(first)) == 6


def test_fields_that_only_one_project_has(tmp_path: Path) -> None:
    extra = Field(field_name="late", form_name="diary", field_type="text")
    longer = project(dictionary=Dictionary(fields=(*DICTIONARY.fields, extra)))
    with _read(tmp_path, one=project(), two=longer) as exports:
        merged = merge_exports(exports, tmp_path / "merged")
        diary = next(file for file in merged.forms if file.form == "diary")
        assert diary.columns == ("feeling", "late", "diary_complete")
        found = {(name, _cells(export).total()) for name, export in exports.items()}
        assert _cells(merged).total() == sum(n for _, n in found)


def _with(name: str, **cells: str) -> Dictionary:
    return Dictionary(
        fields=tuple(
            field.model_copy(update=cells) if field.field_name == name else field for field in DICTIONARY.fields
        )
    )


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"dictionary": _with("dose", text_validation_type_or_show_slider_number="number")}, "'dose'"),
        ({"dictionary": _with("race", select_choices_or_calculations="1, Other | -98, Asian")}, "'race'"),
        ({"dictionary": _with("code", identifier="y")}, "'code'"),
        ({"missing_data_codes": {"UNK": "Unknown"}}, "'NA'"),
        ({"missing_data_codes": {"UNK": "Unknown", "NA": "Not available"}}, "'NA'"),
        (
            {"repeating_instruments": (), "rows": tuple(row for row in ROWS if row.instance is None)},
            "'course' repeats in one",
        ),
    ],
)
def test_projects_that_contradict_each_other(changes: dict[str, object], names: str, tmp_path: Path) -> None:
    with _read(tmp_path, one=project(), two=project(**changes)) as exports, pytest.raises(ConfigurationError) as caught:
        merge_exports(exports, tmp_path / "merged")
    assert caught.value.code == "E_PROJECTS_DIFFER"
    assert names in caught.value.what


def test_a_missing_log_is_missing_for_all(tmp_path: Path) -> None:
    from blin_pipeline.sandbox.rights import TokenRights

    (tmp_path / "two").mkdir()
    (tmp_path / "two_merged").mkdir()
    with _read(tmp_path / "rest", one=project()) as exports:
        with serving({TOKEN: project()}, rights={TOKEN: TokenRights(logging=False)}) as server:
            exports["two"] = export_project(sample_client(server.url), tmp_path / "two")
        merged = merge_exports(exports, tmp_path / "two_merged")
    assert merged.log is None
    assert merged.log_watermark is None


def test_errors_are_ours(tmp_path: Path) -> None:
    """A file of a reading that is gone ends in our error, not in a trace-back."""
    with _read(tmp_path, one=project(), two=project()) as exports:
        exports["two"].forms[0].path.unlink()
        with pytest.raises(BlinError) as caught:
            merge_exports(exports, tmp_path / "merged")
    assert caught.value.code == "E_DISK_ACCESS"
