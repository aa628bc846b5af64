"""The study's own files are whole, agree with one another, and what is generated from them is fresh."""

from __future__ import annotations

import shutil

import pytest

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.checks import load_checks
from blin_pipeline.registry.codelist import codelists, load_codelists, seed_text
from blin_pipeline.registry.dbt_docs import staging_columns, staging_yaml
from blin_pipeline.registry.dbt_macros import field_kind, macro_file
from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.registry.field_map import load_field_map
from blin_pipeline.registry.files import SEED_DIR, STUDY_DIR, read_csv
from blin_pipeline.registry.missing_codes import load_missing_data_codes
from blin_pipeline.registry.parameters import load_parameters
from blin_pipeline.registry.reference import load_references
from blin_pipeline.registry.requirements import load_requirements


def test_the_generated_macro_file_is_fresh(repository):
    committed = (repository / "dbt_project/macros/generated/registry.sql").read_text(encoding="utf-8")
    assert committed == macro_file(load_dictionary(), load_parameters(), load_missing_data_codes()), (
        "run `make codegen`"
    )


def test_the_list_of_codes_is_fresh():
    committed = (SEED_DIR / "dictionary_codelist.csv").read_text(encoding="utf-8")
    assert committed == seed_text(load_codelists()), "run `make codegen`"


def test_every_code_that_can_be_stored_has_its_words():
    lists = codelists(load_dictionary(), {"UNK": "Asked but unknown"}, {"HCVAD": "Hyper-CVAD"})
    assert lists["consent_status"]["5"] == "Declined"
    assert lists["bc_home"] == {"1": "Yes", "0": "No", "9": "Unknown"}
    assert lists["backbone"] == {"HCVAD": "Hyper-CVAD"}
    assert list(lists["null_flavor"]) == ["UNK", "INVALID", "OUT_OF_RANGE"]
    coded = {field.field_name for field in load_dictionary().fields if field_kind(field) in {"code", "checkbox"}}
    assert coded == lists.keys() - {"backbone", "null_flavor"}


def test_dbts_copies_of_the_seeds_are_fresh(repository):
    seeds = sorted(path.name for path in SEED_DIR.glob("*.csv"))
    assert seeds == sorted(path.name for path in (repository / "dbt_project/seeds").glob("*.csv"))
    for name in seeds:
        copy = repository / "dbt_project/seeds" / name
        assert copy.read_bytes() == (SEED_DIR / name).read_bytes(), "run `make codegen`"


@pytest.mark.parametrize("form", load_dictionary().forms)
def test_the_staging_documentation_is_fresh(repository, form):
    folder = repository / "dbt_project/models/staging/redcap"
    assert (folder / f"stg_redcap__{form}.yml").read_text(encoding="utf-8") == staging_yaml(load_dictionary(), form)


@pytest.mark.parametrize("form", load_dictionary().forms)
def test_every_field_of_the_dictionary_is_staged(repository, form):
    """A field that staging forgets would be dropped in silence."""
    sql = (repository / f"dbt_project/models/staging/redcap/stg_redcap__{form}.sql").read_text(encoding="utf-8")
    fields = [field for field in load_dictionary().form_fields(form) if field.field_name != "record_id"]
    assert fields
    for field in fields:
        assert f"'{field.field_name}')" in sql, field.field_name
    assert len(staging_columns(load_dictionary(), form)) > len(fields)


def test_backbone_codes_are_those_of_the_dictionary():
    plan = load_dictionary().field("plan_backbone")
    assert plan is not None
    assert [row["plan_backbone_cd"] for _, row in read_csv(SEED_DIR / "backbone.csv")] == list(plan.choices)


def test_all_twenty_checks_are_defined_beside_rules_requests_and_layers():
    ids = {check.check_id.rstrip("W") for check in load_checks()}
    assert {check_id for check_id in ids if check_id.startswith("D")} == {f"D{number:02d}" for number in range(1, 21)}
    assert {"R01", "R02", "T01", "W01", "WITHDRAWN_SCOPE_2"} <= ids
    assert {check_id[0] for check_id in ids} == set("DQRTWL")


def test_only_what_can_change_an_analysis_blocks_it():
    assert [check.check_id for check in load_checks() if check.blocks_analysis] == [
        "D01", "D02", "D03", "D04", "D05", "R01", "R02", "W01", "W02", "Q09",
    ]  # fmt: skip


def test_every_parameter_states_unit_mark_and_source():
    for name, entry in load_parameters().entries.items():
        assert entry.unit, name
        assert entry.source, name


def test_the_parameter_hash_follows_values_and_not_words(tmp_path):
    copy = tmp_path / "parameters.toml"
    shutil.copy(STUDY_DIR / "parameters.toml", copy)
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace('source = "Check D18', 'source = "See check D18'), encoding="utf-8")
    assert load_parameters(copy).sha256 == load_parameters().sha256
    copy.write_text(text.replace("value = 27.0", "value = 26.0"), encoding="utf-8")
    assert load_parameters(copy).sha256 != load_parameters().sha256


def test_a_parameter_without_mark_is_refused(tmp_path):
    path = tmp_path / "parameters.toml"
    path.write_text('[interrupt_h]\nvalue = 4.0\nunit = "h"\nsource = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="interrupt_h"):
        load_parameters(path)


def test_only_checked_references_ship(tmp_path):
    assert all(reference.mark == "R" for reference in load_references())
    path = tmp_path / "external_reference.csv"
    path.write_text("reference_id,source,population,measure,value,mark\nX8,a,b,c,d,K\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="row 2"):
        load_references(path)


def test_every_required_concept_is_a_concept():
    dictionary = load_dictionary()
    names = {field.field_name for field in dictionary.fields} | {"redcap_data_access_group"}
    for requirement in load_requirements():
        for option in requirement.alternatives:
            assert set(option) <= names, requirement.requirement


def test_the_shipped_map_is_identity():
    assert load_field_map().entries == ()
