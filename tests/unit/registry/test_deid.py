"""The de-identification policy: what the file may say, and what becomes of a field."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import proof_count

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.deid import (
    Policy,
    PolicyColumn,
    approvals,
    decide,
    decide_all,
    fingerprint,
    is_sensitive,
    load_policy,
)
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary

HEAD = """\
version: 1
default: deny
subjects:
  table: marts.subject
  key: patient_key
  origin: dx_date
  leave_out: []
  keep: [{consent_status_cd: ["1"]}]
  otherwise: consent_not_documented
code_sets: {sex: [M, F]}
free_text_ok:
  registration.record_id: {reason: The number that the registry assigns., approver: somebody, date: 2026-01-05}
approved: {registration.dx_date: "x", demographics.sex: "x", registration.record_id: "x"}
drop: [demographics.zip3]
tables:
  marts.subject:
    rows: subject
    columns:
"""
GOOD = "      - {column: dx_date, emit: dx_year, transform: year(11), class: date, sources: [registration.dx_date]}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "deid.yml"
    path.write_text(text, encoding="utf-8")
    return path


def a_field(field_type: str = "text", validation: str = "integer", name: str = "f_one", flag: str = "") -> Field:
    choices = "1, Yes | 0, No" if field_type in {"radio", "dropdown", "checkbox"} else ""
    return Field(
        field_name=name,
        form_name="form",
        field_type=field_type,
        text_validation_type_or_show_slider_number=validation if field_type == "text" else "",
        select_choices_or_calculations=choices,
        identifier=flag,
    )


def a_row(transform: str, **extra: object) -> PolicyColumn:
    extra |= {"coded": {"codes": ("a",)}, "pattern": {"pattern": "S[0-9]{2}"}}.get(transform, {})
    return PolicyColumn.model_validate(
        {"column": "c", "transform": transform, "class": "clinical", "sources": ("form.f_one",), **extra}
    )


def a_policy(**parts: object) -> Policy:
    content = {
        "version": 1,
        "default": "deny",
        "subjects": {
            "table": "marts.subject",
            "key": "patient_key",
            "origin": "dx_date",
            "leave_out": [],
            "keep": [{"a": ["1"]}],
            "otherwise": "unknown",
        },
        "tables": {},
        **parts,
    }
    return Policy.model_validate(content)


# --- the shipped policy -------------------------------------------------------------------------------------------


def test_shipped_policy_is_current_with_the_shipped_dictionary() -> None:
    policy, dictionary = load_policy(), load_dictionary()
    decisions = decide_all(policy, dictionary)
    assert policy.approved == approvals(dictionary, policy.approved), "renew `approved` after a review"
    worrying = {finding.code for d in decisions.values() if (finding := d.finding)} - {"column_not_in_policy"}
    assert worrying == set()


def test_shipped_policy_cites_every_approved_source_and_no_other() -> None:
    policy = load_policy()
    cited = {source for table in policy.tables.values() for column in table.columns for source in column.sources}
    assert cited == set(policy.approved)


def test_shipped_policy_releases_no_date_zip_or_text_of_patients() -> None:
    policy, dictionary = load_policy(), load_dictionary()
    sensitive = {f"{f.form_name}.{f.field_name}" for f in dictionary.fields if is_sensitive(f)}
    for name, table in policy.tables.items():
        for column in table.columns:
            if sensitive.intersection(column.sources):
                assert column.transform.name != "identity", f"{name}.{column.column}"
            assert table.rows == "aggregate" or column.transform.name not in {"words", "month"}


# --- the file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{column: dx_date, transform: years, class: date, sources: [registration.dx_date]}", "transform"),
        ("{column: dx_date, transform: year(a), class: date, sources: [registration.dx_date]}", "numbers"),
        ("{column: dx_date, transform: 'year(1,2)', class: date, sources: [registration.dx_date]}", "0 to 1"),
        ("{column: x, transform: 'bands(50, 25)', class: quasi, sources: [registration.dx_date]}", "rise"),
        ("{column: x, transform: round_to(0), class: quasi, sources: [registration.dx_date]}", "above 0"),
        ("{column: x, transform: month, class: date, sources: [registration.dx_date]}", "counts only"),
        ("{column: x, transform: words, class: clinical, sources: [registration.dx_date]}", "counts only"),
        ("{column: x, transform: count, class: clinical}", "no source field"),
        ("{column: x, transform: count, class: clinical, sources: [registration.reg_date]}", "approved"),
        ("{column: x, transform: coded, class: clinical, sources: [demographics.sex]}", "codes or code_set"),
        ("{column: x, transform: coded, code_set: no, class: clinical, sources: [demographics.sex]}", "code_set"),
        ("{column: x, transform: coded, code_set: none, class: clinical, sources: [demographics.sex]}", "no code set"),
        ("{column: x, transform: count, codes: [a], class: clinical, sources: [demographics.sex]}", "only there"),
        ("{column: x, transform: pattern, pattern: '.*', class: key, sources: [demographics.sex]}", "lets a date"),
        ("{column: x, transform: pattern, pattern: '[0-9]+', class: key, sources: [demographics.sex]}", "lets a date"),
        ("{column: x, transform: pattern, pattern: '(', class: key, sources: [demographics.sex]}", "no regular"),
        ("{column: x, emit: dx_year, transform: count, class: key, sources: [demographics.sex]}", "two columns"),
        ("{column: x, transform: count, class: key, sources: [demographics.sex], colour: red}", "Extra inputs"),
        ("{column: x, column: y, transform: count, class: key}", "twice"),
    ],
)
def test_fault_names_file_line_and_problem(tmp_path: Path, row: str, problem: str) -> None:
    path = write(tmp_path, HEAD + GOOD + f"      - {row}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_policy(path)
    assert caught.value.code == "E_REGISTRY_FILE"
    assert "deid.yml, row 2" in caught.value.what or "deid.yml, row 1" in caught.value.what
    assert problem in caught.value.what


def test_fault_in_one_column_names_its_own_line(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + GOOD + "      - {column: x, transform: years, class: date}\n")
    line = HEAD.count("\n") + 2
    with pytest.raises(ConfigurationError, match=rf"row {line}, column 'tables.marts.subject.columns.1.transform"):
        load_policy(path)


@pytest.mark.parametrize("text", ["", "a list\n", "version: [1\n", "version: 2\n"])
def test_no_policy_at_all_is_a_fault(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"E_REGISTRY_FILE: deid\.yml"):
        load_policy(write(tmp_path, text))


def test_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_policy(tmp_path / "deid.yml")


def test_hash_follows_content_not_layout(tmp_path: Path) -> None:
    first = load_policy(write(tmp_path, HEAD + GOOD)).sha256
    assert load_policy(write(tmp_path, "# a comment\n" + HEAD + "\n" + GOOD)).sha256 == first
    assert load_policy(write(tmp_path, HEAD + GOOD.replace("year(11)", "year(12)"))).sha256 != first


# --- the decision about one field ---------------------------------------------------------------------------------

APPROVED = {"approved": {"form.f_one": fingerprint(a_field())}}


def approved(field: Field) -> Policy:
    return a_policy(approved={f"form.{field.field_name}": fingerprint(field)})


def test_open_text_is_dropped_even_with_a_row() -> None:
    for field in (a_field(validation=""), a_field("notes"), a_field("file"), a_field("signature")):
        decision = decide(field, [a_row("identity")], approved(field))
        assert (decision.outcome, decision.finding and decision.finding.code) == ("drop", "free_text")


def test_open_text_with_a_signed_waiver_follows_its_row() -> None:
    field = a_field(validation="")
    waiver = {"form.f_one": {"reason": "registry's own number", "approver": "ab", "date": "2026-01-05"}}
    policy = a_policy(free_text_ok=waiver, approved={"form.f_one": fingerprint(field)})
    assert decide(field, [a_row("pseudonym")], policy).outcome == "emit"


@pytest.mark.parametrize(
    "field",
    [
        a_field(flag="y"),
        a_field(validation="date_ymd"),
        a_field(validation="datetime_ymd"),
        a_field(validation="phone"),
        a_field(validation="email"),
        a_field(validation="zipcode"),
        a_field(name="patient_name"),
        a_field(name="mrn"),
        a_field(name="birth_year"),
        a_field("radio", name="site_address"),
    ],
)
def test_identifying_field(field: Field) -> None:
    policy = approved(field)
    unnamed = decide(field, [], policy)
    assert (unnamed.outcome, unnamed.finding and unnamed.finding.code) == ("drop", "identifier_without_transform")
    assert decide(field, [a_row("drop")], policy) == ("drop", None)
    assert decide(field, [a_row("count")], policy).outcome == "emit"
    with pytest.raises(ConfigurationError, match="E_POLICY_CONFLICT"):
        decide(field, [a_row("count"), a_row("identity")], policy)
    signed = a_row("identity", override={"reason": "approved by the board", "approver": "ab", "date": "2026-01-05"})
    assert decide(field, [signed], policy).outcome == "emit"


def test_ordinary_field_needs_a_row() -> None:
    field = a_field()
    decision = decide(field, [], approved(field))
    assert (decision.outcome, decision.finding and decision.finding.code) == ("hold", "column_not_in_policy")
    assert decide(field, [a_row("identity")], approved(field)).outcome == "emit"
    assert decide(field, [], a_policy(drop=["form.f_one"])) == ("drop", None)


def test_new_choice_or_changed_type_holds_the_field() -> None:
    before = a_field("radio")
    after = before.model_copy(update={"select_choices_or_calculations": "1, Yes | 0, No | 9, Unknown"})
    for field in (
        after,
        a_field("checkbox"),
        before.model_copy(update={"select_choices_or_calculations": "1, No|0, Yes"}),
    ):
        decision = decide(field, [a_row("coded")], approved(before))
        assert (decision.outcome, decision.finding and decision.finding.code) == ("hold", "policy_stale")
    relabelled = before.model_copy(update={"field_label": "Another wording", "field_note": "note"})
    assert decide(relabelled, [a_row("coded")], approved(before)).outcome == "emit"


def test_source_that_the_dictionary_lacks_is_stale() -> None:
    tables = {"marts.t": {"rows": "aggregate", "columns": [{"column": "c", "transform": "count", "class": "clinical",
                                                            "sources": ["form.gone"]}]}}  # fmt: skip
    policy = a_policy(tables=tables, approved={"form.gone": "x"})
    decisions = decide_all(policy, Dictionary(fields=(a_field(),)))
    assert decisions["form.gone"].finding is not None
    assert decisions["form.gone"].finding.code == "policy_stale"


# --- any dictionary, any policy -----------------------------------------------------------------------------------

NAMES = ["f_one", "mrn", "patient_name", "zip3", "score", "email_home", "visit_date", "ip", "weight", "grade"]
TYPES = ["text", "notes", "radio", "checkbox", "calc", "file", "slider", "yesno", "sql", "signature"]
VALIDATIONS = [
    "",
    "integer",
    "number",
    "date_ymd",
    "date_dmy",
    "datetime_seconds_ymd",
    "time",
    "phone",
    "email",
    "zipcode",
]
TRANSFORMS = ["identity", "count", "rel_day", "year", "coded", "pattern", "duration", "boolean", "drop"]


@st.composite
def studies(draw: st.DrawFn) -> tuple[Dictionary, Policy]:
    """A dictionary and a policy over some of its fields, approvals fresh or old."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    fields = tuple(
        a_field(
            draw(st.sampled_from(TYPES)), draw(st.sampled_from(VALIDATIONS)), name, draw(st.sampled_from(["", "y"]))
        )
        for name in names
    )
    columns = []
    for number in range(draw(st.integers(1, 6))):
        transform = draw(st.sampled_from(TRANSFORMS))
        extra = {"coded": {"codes": ["a"]}, "pattern": {"pattern": "S[0-9]{2}"}}.get(transform, {})
        sources = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
        column = {"column": f"c{number}", "transform": transform, "class": "clinical", **extra}
        columns.append(column | {"sources": [f"form.{name}" for name in sources]})
    prints = {f"form.{field.field_name}": fingerprint(field) for field in fields}
    old = set(draw(st.lists(st.sampled_from(NAMES), max_size=2)))
    approvals_given = {f"form.{name}": "old" if name in old else prints.get(f"form.{name}", "gone") for name in NAMES}
    tables = {"marts.t": {"rows": "subject", "columns": columns}}
    return Dictionary(fields=fields), a_policy(tables=tables, approved=approvals_given)


@settings(max_examples=proof_count(1000, 1000, quick=100), deadline=None)
@given(studies())
def test_no_dictionary_gets_a_field_out_without_a_row_or_an_identifier_as_it_stands(
    study: tuple[Dictionary, Policy],
) -> None:
    dictionary, policy = study
    rows = policy.tables["marts.t"].columns
    try:
        decisions = decide_all(policy, dictionary)
    except ConfigurationError:
        assert any(row.transform.name == "identity" for row in rows)
        return
    for field in dictionary.fields:
        source = f"form.{field.field_name}"
        used = [row for row in rows if source in row.sources and row.transform.name != "drop"]
        if decisions[source].outcome != "emit":
            continue
        assert used
        assert policy.approved[source] == fingerprint(field)
        assert field.field_type not in {"notes", "file", "sql", "signature"}
        assert field.field_type != "text" or field.validation
        if field.is_identifier or field.validation.startswith(("date", "time", "phone", "email", "zip")):
            assert all(row.transform.name != "identity" for row in used)


def test_every_shipped_identifier_and_date_is_recognised() -> None:
    fields = [field for field in load_dictionary().fields if field.is_identifier or field.validation.startswith("date")]
    assert fields
    assert [field.field_name for field in fields if not is_sensitive(field)] == []
