"""Parameters: every number that a rule depends on, with unit, source and evidence mark (``study/parameters.toml``)."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.registry.files import STUDY_DIR, fault

Value = bool | int | float | str | date | tuple[int, ...]


class Parameter(BaseModel):
    """One entry of the file.

    Attributes:
        value: The number (text, date, list of whole numbers).
        unit: Its unit, in words.
        mark: S registry's public record, R read in a public copy, P our proposal.
        source: Where it comes from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    value: Value
    unit: str
    mark: Literal["S", "R", "P"]
    source: str


class Parameters(BaseModel):
    """Values by name; those that Python uses are typed here, the others serve the tables only.

    Attributes:
        entries: Every parameter of the file with unit, mark and source, in the file's order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    study: str
    target_patients: int
    dx_cutoff: date
    response_due_days: int
    days_per_month: float
    days_per_year: float
    same_day_days: float
    os_times_months: tuple[int, ...]
    confidence_level: float
    min_at_risk_curve: int
    min_at_risk_fixed_time: int
    min_events_median: int
    min_subgroup: int
    os_difference_warn: float
    accrual_window_days: int
    accrual_min_window: int
    accrual_interval: float
    stale_off_therapy_days: int
    landmark_days: tuple[int, ...]
    rmst_horizon_months: int
    min_group_patients: int
    min_group_events: int
    min_incidence_events: int
    events_per_coefficient: int
    events_per_coefficient_penalised: int
    min_clusters: int
    bootstrap_samples: int
    bootstrap_seed: int
    bootstrap_below: int
    bootstrap_min_sites: int
    date_sensitivity_warn: float
    path_b_after_diagnosis_days: int
    early_death_days: int
    early_mortality_low: float
    early_mortality_high: float
    wbc_high: float
    interrupt_h: float
    complete_days: float
    entries: dict[str, Parameter]

    @property
    def sha256(self) -> str:
        """Hash over names and values (not sources): equal numbers, equal hash."""
        values = {name: entry.model_dump(mode="json")["value"] for name, entry in sorted(self.entries.items())}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def load_parameters(path: Path | None = None) -> Parameters:
    """Read and validate the parameter file.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, naming the file and the parameter.
    """
    path = path or STUDY_DIR / "parameters.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault(path, "the file does not exist")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        fault(path, "not readable as TOML")
    entries: dict[str, Parameter] = {}
    for name, table in raw.items():
        try:
            entries[name] = Parameter.model_validate(table)
        except ValidationError as error:
            fault(path, f"parameter {name!r}: {error.errors()[0]['msg']}")
    try:
        return Parameters.model_validate({"entries": entries} | {name: entry.value for name, entry in entries.items()})
    except ValidationError as error:
        first = error.errors()[0]
        fault(path, f"parameter {'.'.join(str(part) for part in first['loc'])!r}: {first['msg']}")
