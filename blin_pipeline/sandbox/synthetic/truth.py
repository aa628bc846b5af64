"""The written truth: what really happened, what was recorded, what was planted; nothing in it is computed by the pipeline."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from blin_pipeline.sandbox.synthetic.hazard import HazardModel
from blin_pipeline.sandbox.synthetic.plan import SyntheticPlan

STATEMENT = "SYNTHETIC: every patient, centre and date in this file is made up by a seeded generator."
#: A recorded value as JSON holds it: dates as ``YYYY-MM-DD``, clock times as ``YYYY-MM-DD HH:MM``, checkboxes as ticked codes.
Recorded = str | int | float | list[int]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrueSite(_Frozen):
    """A centre: the public facts and how it enters patients who died before entry."""

    site_id: str
    data_access_group: str
    record_prefix: str
    time_zone: str | None
    activated: date
    complete_ascertainment: bool
    deceased_path_share: float


class Latent(_Frozen):
    """One candidate of the source population, entered or not.

    Attributes:
        number: Candidate number.
        site_id: Centre.
        record_id: None when never entered.
        dx_date: True day of diagnosis.
        covariates: Those of the hazard model that hold.
        linear_predictor: Their sum of coefficients.
        first_infusion_day: Day after diagnosis from which the hazard ratio acts, if alive on it; None = never due.
        death_day: Day after diagnosis of the latent death (may lie after the data cut).
        entry_day: Day after diagnosis of registration; None when never entered.
        outcome: Entered, or why not.
        relapse_day: First relapse, known to the registry or not.
        seen_until: Last day after diagnosis on which the registry looked (its known day of death for the dead).
        death_known: Whether the registry knows of the death.
        in_remission_from: Day of the marrow that truly showed remission first, None if none did.
    """

    number: int
    site_id: str
    record_id: str | None
    dx_date: date
    covariates: list[str]
    linear_predictor: float
    first_infusion_day: int | None
    death_day: int
    entry_day: int | None
    outcome: str
    relapse_day: int | None
    seen_until: int | None
    death_known: bool
    in_remission_from: int | None


class RecordedRow(_Frozen):
    """One form or instance as a reader can use it: blanks and unusable cells are left out.

    ``values`` follow the dictionary's field names; a once-only form has instance None.
    """

    instance: int | None
    values: dict[str, Recorded]


class UnusableCell(_Frozen):
    """A cell whose stored text is no value: a missing-data code or something wrong."""

    form: str
    instance: int | None
    field: str
    stored: str
    reason: str


class PlantedCase(_Frozen):
    """Something put into the record on purpose (see ``entries.Planted``)."""

    kind: str
    name: str
    statement: str
    expected_status: str | None
    expected_reasons: list[str]
    check_id: str | None
    form: str | None
    instance: int | None
    field: str | None


class TrueStretch(_Frozen):
    """A stretch of blinatumomab as it ran: local clock time, one rate; ``stop`` None while it ran on at the data cut."""

    cycle: int
    start: str
    stop: str | None
    is_step: bool


class RecordTruth(_Frozen):
    """One record of the project.

    Attributes:
        record_id, site_id, time_zone: Where it lives.
        infused: What ran, whatever was written down of it (cycles that a planted case rewrites or adds excepted).
        recorded: Instrument -> rows as usable typed values.
        unusable: Cells that hold no value.
        planted: Traps, edge cases and faults in it.
    """

    record_id: str
    site_id: str
    time_zone: str | None
    infused: list[TrueStretch]
    recorded: dict[str, list[RecordedRow]]
    unusable: list[UnusableCell]
    planted: list[PlantedCase]


class Truth(_Frozen):
    """The whole truth about one synthetic registry.

    Attributes:
        statement: That all of it is synthetic.
        plan: What was asked for.
        conventions: How to read the rest.
        sites: Centres.
        hazard_model: The generating model of death.
        true_survival: Day after diagnosis -> survival of the source population under the model, each with the schedule it has.
        population: Every candidate, entered or not.
        records: Every record of the project.
        not_planted: Names of cases for which no fitting patient was found (small registries).
    """

    statement: str
    plan: SyntheticPlan
    conventions: list[str]
    sites: list[TrueSite]
    hazard_model: HazardModel
    true_survival: dict[str, float]
    population: list[Latent]
    records: list[RecordTruth]
    not_planted: list[str]

    def planted(self, kind: str | None = None) -> list[tuple[str, PlantedCase]]:
        """``(record id, case)`` of all planted cases, of one kind if asked."""
        return [(r.record_id, case) for r in self.records for case in r.planted if kind is None or case.kind == kind]


def write_truth_file(truth: Truth, path: Path) -> None:
    """Write the truth as JSON, same bytes for the same registry."""
    path.write_text(truth.model_dump_json(indent=1) + "\n", encoding="utf-8")
