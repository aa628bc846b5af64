"""One door for tables: the columns that outcomes read, brought to one type each and to one order of rows.

Callers hand over what their database driver gives: dates as ``datetime64``, ``date`` or null, flags as ``bool``,
nullable boolean or null, codes as text or whole numbers. Behind this door a date is ``datetime64[s]`` at midnight, a
number ``float64`` (NaN for null), a flag pandas ``boolean``, a code ``str`` (empty for null).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from blin_pipeline.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Column that says whose row it is.
KEY = "patient_key"

Kind = Literal["text", "date", "number", "flag"]


class Column(NamedTuple):
    """A column that outcomes read; an optional one may be absent from the table and is then null throughout."""

    name: str
    kind: Kind
    required: bool = True


def _columns(kind: Kind, names: str, *, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(name, kind, required) for name in names.split())


#: Table -> columns that any outcome reads from it. A table may have more.
TABLE_COLUMNS: dict[str, tuple[Column, ...]] = {
    "marts.subject": (
        *_columns(
            "text",
            "patient_key site_id ascertainment_cd screen_note_cd eligibility_status_cd backbone_declared_cd "
            "response_state_cd not_assessed_reason_cd sex_cd age_band_cd ecog_cd bcr_abl1_cd cns_status_cd "
            "eos_status_cd cd19_cd risk_cd",
        ),
        *_columns(
            "date",
            "reg_date dx_date plan_date cr1_date first_blin_date first_hsct_date death_date last_alive_date",
        ),
        *_columns("number", "age_dx_years wbc_dx_10e9_l"),
        *_columns(
            "flag",
            "is_eligible is_treated is_response_d1 is_response_d2 is_response_d3 "
            "is_cr_registry is_cr_conventional is_cr_composite is_e1910_like",
        ),
    ),
    "marts.eligibility_result": _columns("text", "patient_key criterion_cd met_cd"),
    "marts.time_to_event": (
        *_columns("text", "patient_key site_id param_cd"),
        *_columns("number", "aval_days cnsr event_code aval_lo_days aval_hi_days delayed_entry_day"),
    ),
    "marts.cox_interval": (
        *_columns("text", "patient_key site_id param_cd mrd_state_cd"),
        *_columns("number", "t_start t_stop event blin_exposed hsct_done relapsed"),
        *_columns("flag", "is_left_truncated"),
    ),
    "marts.landmark_cohort": (
        *_columns("text", "patient_key site_id param_cd not_at_risk_reason_cd"),
        *_columns("number", "landmark_day aval_from_landmark_days cnsr delayed_entry_from_landmark_days"),
        *_columns("flag", "at_risk exposed_by_landmark"),
    ),
    "marts.mrd_result": (
        *_columns("text", "patient_key method_cd mrd_cd timepoint_cd sample_cd"),
        *_columns("date", "sample_date"),
        *_columns("number", "mrd_seq days_from_cr1"),
        *_columns("flag", "is_in_frontline is_under_1e_4 is_under_1e_5 is_under_1e_6 is_low_bcr_abl1"),
    ),
    "marts.blin_cycle_exposure": (
        *_columns("text", "patient_key line_cd completion_status_cd stop_reason_cd"),
        *_columns("number", "cycle_overall_no delivered_days delivered_mcg dose_completeness_frac n_interrupt_4h"),
        *_columns("text", "line_reported_cd", required=False),
        *_columns("number", "gap_prev_cycle_days start_to_start_days hospital_days", required=False),
        *_columns("date", "cycle_start_date", required=False),
        *_columns("flag", "started step_dose_planned"),
        *_columns("flag", "has_home", required=False),
    ),
    "marts.backbone_classification": (
        *_columns(
            "text",
            "patient_key site_id backbone_declared_cd backbone_derived_cd backbone_final_cd backbone_group_cd "
            "backbone_confidence_cd",
        ),
        *_columns("flag", "backbone_conflict"),
    ),
    "marts.regimen_sequence": (
        *_columns("text", "patient_key schedule_cd e1910_category_cd"),
        *_columns("number", "e1910_prefix_match e1910_distance"),
    ),
    "marts.toxicity_at_risk": (
        *_columns("text", "patient_key tox_cd line_cd"),
        *_columns("number", "cycle_overall_no n_events n_grade_unknown max_grade_astct max_grade_ctcae infused_days"),
        *_columns("flag", "has_event"),
        *_columns("date", "risk_start_date risk_end_date first_onset_date"),
    ),
    "marts.toxicity": (
        *_columns("text", "patient_key tox_cd"),
        *_columns("number", "cycle_overall_no grade_astct grade_ctcae"),
        *_columns("date", "onset_date"),
    ),
    "marts.hsct": (*_columns("text", "patient_key"), *_columns("date", "hsct_date")),
    "marts.regimen_course": (*_columns("text", "patient_key"), *_columns("date", "start_date")),
    "quality.form_completeness": (*_columns("text", "site_id form"), *_columns("number", "n_due n_complete")),
    "quality.data_query": _columns("text", "query_key site_id severity_class status_cd"),
    "quality.check_result": (
        *_columns("text", "check_id status_cd"),
        *_columns("number", "n_evaluated n_violating"),
    ),
    "quality.quarantine": (),
    "quality.type_reject": (),
    "raw.site": (
        *_columns("text", "site_id"),
        *_columns("date", "activated_date", required=False),
        *_columns("flag", "complete_ascertainment", required=False),
    ),
}


class Tables(Mapping[str, "pd.DataFrame"]):
    """Tables of one cut, each read when first asked for, and typed once however many outcomes need it.

    Outcomes share what they get from here, so none of them may write into a table.

    Args:
        names: Qualified names of the tables that are there.
        read: Gives a table as the database driver hands it over.
    """

    def __init__(self, names: Iterable[str], read: Callable[[str], pd.DataFrame]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._read = read
        self._raw: dict[str, pd.DataFrame] = {}
        self._typed: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table as it was handed over."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._raw:
            self._raw[name] = self._read(name)
        return self._raw[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the tables."""
        return iter(self._names)

    def __len__(self) -> int:
        """Number of tables."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Whether a table is there; does not read it."""
        return name in self._names

    def typed(self, name: str) -> pd.DataFrame:
        """The table as ``table`` gives it."""
        if name not in self._typed:
            self._typed[name] = _typed_table(self, name)
        return self._typed[name]


class Without(Tables):
    """The same tables as if one patient were not in them; typed tables are filtered, not typed again."""

    def __init__(self, tables: Tables, key: str) -> None:
        self._all, self._key = tables, key
        super().__init__(tables, self._filtered)

    def typed(self, name: str) -> pd.DataFrame:
        """The typed table without the patient's rows."""
        if name not in self._typed:
            self._typed[name] = self._left(self._all.typed(name))
        return self._typed[name]

    def _filtered(self, name: str) -> pd.DataFrame:
        return self._left(self._all[name])

    def _left(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame[KEY] != self._key].reset_index(drop=True) if KEY in frame else frame


def table(frames: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """The named table with the columns of ``TABLE_COLUMNS`` only, typed, sorted by all of them.

    Raises:
        DataError: ``E_OUTCOME_TABLE`` when the table or a required column is absent, or a column does not hold its
            kind.
    """
    return frames.typed(name) if isinstance(frames, Tables) else _typed_table(frames, name)


def has_column(frames: Mapping[str, pd.DataFrame], name: str, column: str) -> bool:
    """Whether an optional column was handed over."""
    return column in frames[name].columns


def is_true(flag: pd.Series[Any]) -> pd.Series[bool]:
    """A flag with null read as no."""
    return flag.fillna(value=False).astype(bool)


def days_between(later: pd.Series[Any], earlier: pd.Series[Any]) -> pd.Series[float]:
    """Plain difference of two date columns in days (float, NaN where one is null)."""
    return (later - earlier).dt.total_seconds() / 86400.0


def _typed_table(frames: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    import pandas as pd

    if name not in frames:
        raise _fault(f"The outcomes need the table {name}, which was not handed over.")
    frame = frames[name]
    columns = TABLE_COLUMNS[name]
    if not columns:
        return frame
    data: dict[str, pd.Series[Any]] = {}
    for column in columns:
        if column.name not in frame.columns:
            if column.required:
                raise _fault(f"The table {name} lacks the column {column.name}.")
            data[column.name] = _convert(pd.Series([None] * len(frame), dtype=object), column.kind)
            continue
        try:
            data[column.name] = _convert(frame[column.name].reset_index(drop=True), column.kind)
        except (TypeError, ValueError):
            raise _fault(f"The column {column.name} of {name} does not hold a {column.kind} throughout.") from None
    names = [column.name for column in columns]
    typed = pd.DataFrame(data, columns=names)
    # A column of distinct values decides the order alone.
    by = names[:1] if typed[names[0]].is_unique else names
    return typed.sort_values(by, kind="stable", na_position="first", ignore_index=True)


def _fault(what: str) -> DataError:
    return DataError(
        "E_OUTCOME_TABLE", what, fix="Run `blin refresh` again; if it stays, the tables and the code do not match."
    )


def _convert(cells: pd.Series[Any], kind: Kind) -> pd.Series[Any]:
    import pandas as pd

    if kind == "number":
        return pd.to_numeric(cells, errors="raise").astype("Float64").astype("float64")
    if kind == "flag":
        if not pd.api.types.is_bool_dtype(cells.dtype):
            cells = pd.Series([_flag(cell) for cell in cells], dtype=object)
        return cells.astype("boolean")
    if kind == "date":
        return _dates(cells)
    return pd.Series([_code(cell) for cell in cells], dtype=object)


def _is_null(cell: object) -> bool:
    import pandas as pd

    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))


def _flag(cell: object) -> object:
    import pandas as pd

    if _is_null(cell):
        return pd.NA
    if cell in (True, False):
        return bool(cell)
    raise ValueError("not a flag")


def _code(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if _is_null(cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _dates(cells: pd.Series[Any]) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        naive = cells.dt.tz_localize(None) if getattr(cells.dt, "tz", None) is not None else cells
        return naive.astype("datetime64[s]").dt.normalize()
    days = [None if _is_null(cell) or cell == "" else str(cell)[:10] for cell in cells]
    return pd.Series(np.array(days, dtype="datetime64[D]").astype("datetime64[s]"), index=cells.index)
