"""A foreign project, longitudinal, with other names, codes, units and dates: through the field map the same tables come out.

It has no precision fields: a date of which parts are unknown is one text (diagnosis, relapse) or three fields (death).

The study's own export and a rewritten one are refreshed from files, each in its own home with the same pseudonym key; every
table of marts and quality must be equal, instance numbers aside (events of the foreign project number them).
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import requests
from homes import CUT, TOKEN, with_parsed_project

from blin_pipeline.orchestration.refresh import run_refresh
from blin_pipeline.registry.dictionary import COLUMNS, Dictionary
from blin_pipeline.registry.field_map import HEADER
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.synthetic import SyntheticRegistry
from blin_pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.slow

Row = dict[str, str]
#: Rows of a field map for the rewritten project.
MAP = (
    ("dx_date", "screening", "", "date_of_diagnosis", "partial_date", "", "dmy", ""),
    ("dx_date_prec", "screening", "", "date_of_diagnosis", "date_precision", "", "dmy", ""),
    ("rl_date", "", "", "relapsed", "partial_date", "", "ymd", ""),
    ("rl_date_prec", "", "", "relapsed", "date_precision", "", "ymd", ""),
    ("dth_date", "", "", "died_y|died_m|died_d", "partial_date", "", "ymd", ""),
    ("dth_date_prec", "", "", "died_y|died_m|died_d", "date_precision", "", "ymd", ""),
    ("elig_ball", "screening", "", "ball_confirmed", "recode", "Y=1;N=0;U=9", "", ""),
    ("weight_kg", "", "", "weight_g", "unit", "", "0.001", ""),
    ("race", "", "", "ethnic_group", "recode", "a=1;b=2;c=3;d=4;e=5;f=6;y=90;z=99", "", ""),
    ("plan_hct", "", "", "", "absent", "", "", ""),
)
RACE = dict(pair.split("=")[::-1] for line in MAP if line[0] == "race" for pair in line[5].split(";"))
BALL = {"1": "Y", "0": "N", "9": "U"}


def _export(registry: SyntheticRegistry) -> tuple[list[str], list[Row]]:
    parameters = {
        "token": TOKEN,
        "content": "record",
        "format": "csv",
        "type": "flat",
        "exportDataAccessGroups": "true",
        "exportBlankForGrayFormStatus": "true",
    }
    with serving({TOKEN: registry.project}) as server:
        text = requests.post(server.url, data=parameters, timeout=120).content.decode()
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return list(reader.fieldnames or ()), list(reader)


def _write(folder: Path, header: list[str], rows: list[Row], dictionary: Dictionary) -> None:
    folder.mkdir()
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "dictionary.csv").open("w", encoding="utf-8", newline="") as out:
        plain = csv.writer(out)
        plain.writerow(COLUMNS.values())
        plain.writerows([getattr(field, name) for name in COLUMNS] for field in dictionary.fields)


#: Fields of the study that the foreign project does not have under any name.
GONE = {"plan_hct", "dx_date_prec", "rl_date_prec", "dth_date_prec"}
NAMES = {
    "registration_complete": "screening_complete",
    "dx_date": "date_of_diagnosis",
    "rl_date": "relapsed",
    "elig_ball": "ball_confirmed",
    "weight_kg": "weight_g",
}


def _rename(column: str) -> str:
    if column.startswith("race___"):
        code = column.removeprefix("race___")
        return f"ethnic_group___{RACE.get(code, code)}"
    return NAMES.get(column, column)


def _known_parts(row: Row, field: str) -> list[str]:
    """Year, month and day as far as the site knew them; a missing-data code stands alone."""
    value, precision = row[field], row[f"{field}_prec"]
    parts = value.split("-")
    assert value or not precision, "a precision without a date cannot be said in one text"
    assert len(parts) == 3 or precision in {"", value}, f"{field} cannot be said in one text"
    return parts if len(parts) < 3 else parts[: {"1": 3, "2": 2, "3": 1}[precision]]


def _dates(row: Row) -> Row:
    """The three dates that have a precision, in the foreign project's way."""
    diagnosed, relapsed = _known_parts(row, "dx_date"), _known_parts(row, "rl_date")
    whole = diagnosed if len(diagnosed) == 1 else ["UN"] * (3 - len(diagnosed)) + [str(int(p)) for p in diagnosed[::-1]]
    died = [*_known_parts(row, "dth_date"), "", ""]
    return {
        "date_of_diagnosis": ".".join(whole),
        "relapsed": "-".join(relapsed),
        **dict(zip(("died_y", "died_m", "died_d"), died, strict=False)),
    }


def _value(column: str, value: str) -> str:
    if column == "elig_ball":
        return BALL.get(value, value)
    if column == "weight_kg" and value.replace(".", "", 1).isdigit():
        return f"{float(value) * 1000:.0f}"
    return value


def _foreign_rows(rows: list[Row]) -> Iterator[Row]:
    """The same facts: responses stand in an event each, everything else in one."""
    for row in rows:
        new = {_rename(column): _value(column, value) for column, value in row.items() if column not in GONE}
        new.pop("dth_date")
        new |= _dates(row)
        is_response = row["redcap_repeat_instrument"] == "response"
        new["redcap_event_name"] = (
            f"visit_{int(row['redcap_repeat_instance']):02d}_arm_1" if is_response else "main_arm_1"
        )
        if is_response:
            new |= {"redcap_repeat_instrument": "", "redcap_repeat_instance": ""}
        yield new


def _foreign_dictionary(own: Dictionary) -> Dictionary:
    choices = own.field("race")
    assert choices is not None
    race = " | ".join(f"{RACE[code]}, {label}" for code, label in choices.choices.items())
    changes = {
        "dx_date": {"text_validation_type_or_show_slider_number": ""},
        "rl_date": {"text_validation_type_or_show_slider_number": ""},
        "elig_ball": {"select_choices_or_calculations": "Y, Yes | N, No | U, Unknown"},
        "race": {"select_choices_or_calculations": race},
    }
    died = own.field("dth_date")
    assert died is not None
    fields = [
        field.model_copy(
            update={
                **changes.get(field.field_name, {}),
                "field_name": "ethnic_group" if field.field_name == "race" else _rename(field.field_name),
                "form_name": "screening" if field.form_name == "registration" else field.form_name,
            }
        )
        for field in own.fields
        if field.field_name not in GONE | {"dth_date"}
    ]
    parts = [
        died.model_copy(update={"field_name": name, "text_validation_type_or_show_slider_number": ""})
        for name in ("died_y", "died_m", "died_d")
    ]
    place = 1 + max(number for number, field in enumerate(fields) if field.form_name == "death")
    return Dictionary(fields=(*fields[:place], *parts, *fields[place:]))


def _refresh(folder: Path, registry: SyntheticRegistry, **more: object) -> Settings:
    sites = [
        {
            "site_id": site.site_id,
            "data_access_group": site.data_access_group,
            "record_prefix": site.record_prefix,
            "time_zone": site.time_zone,
            "activated": site.activated,
            "complete_ascertainment": site.complete_ascertainment,
        }
        for site in registry.sites
    ]
    source = {"kind": "files", "data": "export/data.csv", "dictionary": "export/dictionary.csv"}
    with_parsed_project(folder)
    settings = load_settings(folder, synthetic=True, data_cut=CUT, source=source, sites=sites, **more)
    result = run_refresh(settings)
    assert result.success, [str(failure) for failure in result.failures]
    return settings


def _tables(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Every released table as sorted rows, without what must differ: instances, history, and what hangs on the pull's id."""
    release = (settings.releases_dir / "current").resolve()
    found: dict[str, list[tuple[object, ...]]] = {}
    with duckdb.connect(str(release / "analytic.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('marts', 'quality', 'report') order by all"
        ).fetchall()
        for (table,) in tables:
            names = [name for name, *_ in connection.execute(f"describe {table}").fetchall()]
            kept = [n for n in names if not any(part in n for part in ("instance", "pull_id", "query_key", "cut_id"))]
            columns = ", ".join(f'"{name}"' for name in kept)
            found[table] = connection.execute(f"select {columns} from {table} order by all").fetchall()
    return found


def test_the_same_facts_in_another_project_give_the_same_tables(
    tmp_path: Path, small_registry: SyntheticRegistry
) -> None:
    header, rows = _export(small_registry)
    own = small_registry.project.dictionary
    home, foreign = tmp_path / "own", tmp_path / "foreign"
    for folder in (home, foreign):
        (folder / "restricted" / "secrets").mkdir(parents=True)
    # The transplant intention is not asked for in the foreign project; the comparison leaves its blank out in both.
    # The latest responses have values and no status, as imported rows have: an event of which no census could tell.
    latest = max(int(row["redcap_repeat_instance"]) for row in rows if row["redcap_repeat_instrument"] == "response")
    for row in rows:
        row["plan_hct"] = ""
        if (row["redcap_repeat_instrument"], row["redcap_repeat_instance"]) == ("response", str(latest)):
            row["response_complete"] = ""
    _write(home / "export", header, rows, own)
    new_header = [_rename(name) for name in header if name not in GONE | {"dth_date"}]
    new_header += ["died_y", "died_m", "died_d"]
    new_header.insert(1, "redcap_event_name")
    _write(foreign / "export", new_header, list(_foreign_rows(rows)), _foreign_dictionary(own))
    (foreign / "field_map.csv").write_text(
        "\n".join(",".join(line) for line in (HEADER, *MAP)) + "\n", encoding="utf-8"
    )

    expected = _tables(_refresh(home, small_registry))
    shutil.copy2(home / "restricted" / "secrets" / "pseudonym.key", foreign / "restricted" / "secrets")
    found = _tables(_refresh(foreign, small_registry, field_map="field_map.csv"))

    assert found.keys() == expected.keys()
    assert len(expected["marts.subject"]) > 20
    differing = {
        table: (len(expected[table]), len(found[table])) for table in expected if expected[table] != found[table]
    }
    assert differing == {}
