"""The centres: names that no hospital bears, time zones, opening dates, and how each catches its dead."""

from __future__ import annotations

import string
from datetime import timedelta
from typing import NamedTuple

from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.plan import SiteFact, SyntheticPlan

_TIME_ZONES = (
    "America/Chicago",
    "America/New_York",
    "America/Los_Angeles",
    "America/Denver",
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    None,
    "America/Chicago",
)
#: Three-digit ZIP prefixes that the postal service has not assigned to any place.
_UNASSIGNED_ZIP3 = (
    *("000", "001", "002", "003", "004", "099", "213", "269", "343", "345", "348", "353", "419", "428", "429", "517"),
    *("518", "519", "529", "533", "536", "552", "568", "578", "579", "589", "621", "632", "642", "643", "659", "663"),
    *("682", "694", "695", "696", "697", "698", "699", "702", "709", "715", "732", "742", "771", "817", "818", "819"),
    *("839", "848", "849", "854", "858", "861", "862", "866", "867", "868", "869", "876", "886", "887", "888", "892"),
    *("896", "899", "909", "929", "987"),
)


class Site(NamedTuple):
    """One centre as the generator sees it: the public fact, its size and how it enters the dead.

    Attributes:
        fact: What the settings would say.
        label: Name of its Data Access Group.
        share: Weight of its share of patients.
        deceased_path_share: Probability that a patient who dies before entry is entered by the deceased path.
        forbids_birth_date: Whether its agreement forbids to enter birth dates.
        zip3: ZIP prefixes of its patients; centres share none.
    """

    fact: SiteFact
    label: str
    share: float
    deceased_path_share: float
    forbids_birth_date: bool
    zip3: tuple[str, ...]


def build_sites(plan: SyntheticPlan) -> tuple[Site, ...]:
    """The centres of a plan, in order of their ids."""
    sites = []
    for number in range(plan.sites):
        draws = Draws(plan.seed, f"site/{number}")
        letters = _letters(number)
        label = f"Synthetic Centre {letters}" if len(letters) == 1 else f"Synthetic Site {letters}"
        complete = number % 3 == 0
        days_open = int(draws.uniform(300, 840))
        sites.append(
            Site(
                fact=SiteFact(
                    site_id=f"S{number + 1:02d}",
                    data_access_group=label.lower().replace(" ", "_"),
                    record_prefix=f"SYN{letters}",
                    time_zone=_TIME_ZONES[number % len(_TIME_ZONES)],
                    activated=plan.data_cut - timedelta(days=days_open),
                    complete_ascertainment=complete,
                ),
                label=label,
                share=draws.lognormal(1.0, 0.45),
                deceased_path_share=1.0 if complete else 0.3 if number % 3 == 1 else 0.0,
                forbids_birth_date=number % 4 == 3,
                zip3=_zip3(number, plan.sites),
            )
        )
    return tuple(sites)


def _letters(number: int) -> str:
    alphabet = string.ascii_uppercase
    return alphabet[number] if number < len(alphabet) else alphabet[number // 26 - 1] + alphabet[number % 26]


def _zip3(number: int, sites: int) -> tuple[str, ...]:
    """Prefixes that belong to this centre alone; beyond 69 centres the centre's number stands in."""
    if sites > len(_UNASSIGNED_ZIP3):
        return (f"{number:03d}",)
    return _UNASSIGNED_ZIP3[number::sites][:4]
