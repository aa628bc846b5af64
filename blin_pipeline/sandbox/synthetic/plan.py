"""What to generate, and what comes out beside the project: the plan and the facts about sites."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

#: Registry's cutoff of diagnosis; the generated population is diagnosed from this day on.
FIRST_DIAGNOSIS = date(2023, 12, 1)
#: From this many patients on, every trap, edge case and fault finds its own patient.
ALL_PLANTED_FROM = 200


class SyntheticPlan(BaseModel):
    """What the registry should look like.

    Attributes:
        seed: The one seed of all draws.
        patients: Records in the project (20..20,000 intended, any positive number works).
        sites: Centres, 1 to 99.
        data_cut: Last day of observation. Nothing is dated after it except planted faults of check D01.
        hazard_ratio: True hazard ratio of death from the first blinatumomab infusion on, against before or never.
        planted: Whether traps, edge cases and faults are planted, and ordinary entry errors made; False gives a clean cohort.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 20240614
    patients: int = Field(default=200, ge=1)
    sites: int = Field(default=9, ge=1, le=99)
    data_cut: date = Field(default=date(2026, 6, 30), ge=date(2025, 6, 30))
    hazard_ratio: float = Field(default=0.42, gt=0)
    planted: bool = True


class SiteFact(NamedTuple):
    """One centre, as the settings of a registry would describe it.

    Attributes:
        site_id: ``S01`` ...
        data_access_group: Unique name of its Data Access Group.
        record_prefix: First part of its record ids.
        time_zone: IANA name; None where the centre gives none, so that its clock times stay naive.
        activated: Day on which it began to enter patients.
        complete_ascertainment: Whether it enters every patient diagnosed since the cutoff, dead or alive.
    """

    site_id: str
    data_access_group: str
    record_prefix: str
    time_zone: str | None
    activated: date
    complete_ascertainment: bool
