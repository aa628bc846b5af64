"""The warehouse's ``raw`` schema: views over the current pull, all text, and small tables of facts about it.

Every instrument of the study's own dictionary is there whether the source holds it or not; what the source lacks is listed
in ``raw.not_collected``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from blin_pipeline.errors import DataError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.setup_tables import KEY_COLUMNS
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.sites import DataCut, Site

#: Tables that ``present`` writes; no instrument may bear such a name.
TABLES = (
    "pull",
    "record",
    "form_status",
    "dictionary",
    "missing_code",
    "form_event",
    "quarantine",
    "site",
    "not_collected",
    "query_answer",
)
CROSSWALK = "patient_crosswalk"

_PULL = """
create table raw.pull (
    pull_id varchar not null, project_id varchar not null, source_kind varchar not null, redcap_version varchar,
    pulled_at_utc timestamp not null, data_cut_date date not null, data_cut_utc timestamp not null,
    n_records bigint not null, dictionary_sha256 varchar not null, code_version varchar not null
)"""
_SITE = """
create table raw.site (
    site_id varchar not null, redcap_data_access_group varchar not null, record_prefix varchar not null,
    time_zone varchar, activated_date date, complete_ascertainment boolean
)"""
_QUERY_ANSWER = """
create table raw.query_answer (
    query_key varchar not null, evidence_sha256 varchar not null, answer_cd varchar not null, note_cd varchar not null
)"""
#: Table -> select over the pull's own Parquet file of the set-up.
_FROM_SETUP = {
    "record": ("records", "select record_id, redcap_data_access_group from"),
    "form_status": (
        "census",
        "select record_id, redcap_event_name, form, redcap_repeat_instance, complete_cd from",
    ),
    "dictionary": ("dictionary", "select * replace (cast(position as integer) as position) from"),
    "missing_code": ("missing_codes", "select code, label from"),
    "form_event": ("form_event", "select form, is_repeating = 'true' as is_repeating, event from"),
    "quarantine": ("quarantine", "select form, record_id, event, instance, reason_cd from"),
}


def present(
    pull: Pull,
    warehouse: Warehouse,
    *,
    sites: Sequence[Site],
    data_cut: DataCut,
    code_version: str,
    registry_dictionary: Dictionary,
    not_collected: Sequence[tuple[str, str]],
    query_answers: Sequence[tuple[str, str, str, str]] = (),
) -> None:
    """Make ``raw`` show this pull, in one transaction.

    Args:
        pull: The pull to show.
        warehouse: The pipeline's database.
        sites: Sites of the registry.
        data_cut: Up to when data count.
        code_version: Version of this code, as written into results.
        registry_dictionary: The study's own dictionary: every form and column of it will resolve.
        not_collected: ``(instrument, field)`` of the registry that the source does not feed.
        query_answers: Key, evidence, answer and note of the data queries that were answered.

    Raises:
        DataError: ``E_FORM_NAME_RESERVED``: an instrument bears the name of one of the tables here.
        LockedError, StorageError: as :meth:`Warehouse.connect`.
    """
    reserved = sorted({*TABLES, CROSSWALK} & {*pull.forms, *registry_dictionary.forms})
    if reserved:
        raise DataError(
            "E_FORM_NAME_RESERVED",
            f"An instrument is called {reserved[0]!r}, which names a table of the warehouse.",
            fix="Rename the instrument in REDCap.",
        )
    manifest = pull.manifest
    with warehouse.connect() as connection:
        connection.execute("begin transaction")
        connection.execute("create schema if not exists raw")
        _clear(connection)
        _create_views(connection, pull, registry_dictionary)
        for table, (name, select) in _FROM_SETUP.items():
            connection.execute(f"create table raw.{table} as {select} {_scan(pull.setup_path(name))}")
        connection.execute(_PULL)
        connection.execute(
            "insert into raw.pull values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                manifest.pull_id,
                manifest.project_id,
                manifest.source_kind,
                manifest.redcap_version,
                manifest.pulled_at_utc,
                data_cut.day,
                data_cut.moment_utc,
                manifest.n_records,
                manifest.dictionary_sha256,
                code_version,
            ],
        )
        connection.execute(_SITE)
        connection.execute(_QUERY_ANSWER)
        connection.execute("create table raw.not_collected (form varchar not null, field varchar not null)")
        if sites:
            connection.executemany(
                "insert into raw.site values (?, ?, ?, ?, ?, ?)", [_site_row(site) for site in sites]
            )
        _insert_texts(connection, "raw.not_collected", not_collected)
        _insert_texts(connection, "raw.query_answer", sorted(query_answers))
        connection.execute("commit")


def write_crosswalk(warehouse: Warehouse, rows: Iterable[tuple[str, str, str]]) -> None:
    """Replace ``raw.patient_crosswalk``.

    Args:
        warehouse: The pipeline's database.
        rows: ``(record_id, patient_key, site_id)``, each record and each key once.

    Raises:
        DataError: ``E_SQL``: a record or key stands twice.
    """
    with warehouse.connect() as connection:
        connection.execute("begin transaction")
        connection.execute("create schema if not exists raw")
        connection.execute(f"drop table if exists raw.{CROSSWALK}")
        connection.execute(
            f"create table raw.{CROSSWALK} (record_id varchar primary key, patient_key varchar not null unique, "
            "site_id varchar not null)"
        )
        _insert_texts(connection, f"raw.{CROSSWALK}", sorted(rows))
        connection.execute("commit")


def _clear(connection: DuckDBPyConnection) -> None:
    """Drop what an earlier pull showed; the crosswalk is replaced by its own writer."""
    found = connection.execute(
        "select table_name, table_type from information_schema.tables where table_schema = 'raw' and table_name <> ?",
        [CROSSWALK],
    ).fetchall()
    for name, kind in found:
        connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} raw.{_name(name)}")


def _create_views(connection: DuckDBPyConnection, pull: Pull, dictionary: Dictionary) -> None:
    """Create one view per instrument of the source and of the dictionary; columns that the source lacks are blank."""
    landed_forms = pull.manifest.forms
    for form in dict.fromkeys([*landed_forms, *dictionary.forms]):
        landed = landed_forms[form].table.columns if form in landed_forms else KEY_COLUMNS
        wanted = _study_columns(dictionary, form)
        lacking = [column for column in wanted if column not in landed]
        columns = ["*", *(f"'' as {_name(column)}" for column in lacking), f"{_text(pull.pull_id)} as pull_id"]
        if form in landed_forms:
            source = _scan(pull.form_path(form))
        else:
            keys = ", ".join(f"'' as {_name(column)}" for column in KEY_COLUMNS)
            source = f"(select {keys} where false)"
        select = f"select {', '.join(columns)} from {source}"  # noqa: S608 - names and texts are quoted below
        connection.execute(f"create view raw.{_name(form)} as {select}")


def _study_columns(dictionary: Dictionary, form: str) -> list[str]:
    """Export columns of one instrument of the study's dictionary, without the record id."""
    columns = [
        column
        for field in dictionary.form_fields(form)
        if field.field_name != dictionary.record_id_field
        for column in field.export_names()
    ]
    return [*columns, f"{form}_complete"]


def _site_row(site: Site) -> tuple[object, ...]:
    return (
        site.site_id,
        site.data_access_group,
        site.record_prefix,
        site.time_zone,
        site.activated,
        site.complete_ascertainment,
    )


def _insert_texts(connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Insert rows of text in one statement, column by column."""
    if rows:
        columns = [list(cells) for cells in zip(*rows, strict=True)]
        selected = ", ".join("unnest(cast(? as varchar[]))" for _ in columns)
        connection.execute(f"insert into {table} select {selected}", columns)


def _scan(path: Path) -> str:
    return f"read_parquet({_text(str(path.resolve()))})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
