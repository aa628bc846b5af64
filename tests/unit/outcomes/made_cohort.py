"""Made-up registries of any small size: one story per patient, all tables that outcomes read, ties and empty groups wanted.

Days are drawn from few values around the landmarks, so that events, censorings and changes of exposure meet on one day.
"""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import hand_made
import pandas as pd
from hand_made import CUT, DIAGNOSIS

DAYS = (0, 1, 30, 89, 90, 91, 120, 121, 200, 400, 800)
SITES = ("S01", "S02", "S03")
FAMILIES = {"HCVAD": "INTENSIVE_ADULT", "BFM": "PAEDIATRIC_INSPIRED", "TKI_LOW": "PH_POSITIVE", "UNK": "UNKNOWN"}
PATHS = ("PROSPECTIVE", "RETRO_ALIVE", "RETRO_DECEASED", "UNKNOWN")
MRD = ("NEG", "POS", "NEG_UNVERIFIED", "NE", None)
BCR_ABL1 = ("NEG", "NEG", "NEG", "POS", "UNK")
#: Day of first remission, from diagnosis.
REMISSION = 40


class Story(NamedTuple):
    """What happened to a patient; days count from remission (from diagnosis without one), None is never."""

    eligible: bool
    site: str
    family: str
    path: str
    treated: bool
    assessed: bool
    responds: bool
    ends: int
    dies: bool
    relapse: int | None
    blin: int | None
    transplant: int | None
    entry: int | None
    mrd: str | None
    age: int | None
    grade: int | None
    bcr_abl1: str = "NEG"
    ecog: str | None = "1"
    salvage: bool = False

    @property
    def remits(self) -> bool:
        return self.eligible and self.treated and self.assessed and self.responds

    def before_end(self, day: int | None) -> int | None:
        return day if day is not None and day <= self.ends else None

    @property
    def relapsed(self) -> int | None:
        return self.before_end(self.relapse) if self.remits else None

    @property
    def salvaged(self) -> int | None:
        """Day of a first blinatumomab after relapse, of who had none before."""
        if not self.salvage or self.relapsed is None or self.exposed(self.blin) is not None:
            return None
        return self.relapsed + 5 if self.relapsed + 5 < self.ends else None

    def exposed(self, day: int | None) -> int | None:
        """A change before the end and before relapse."""
        limit = self.ends if self.relapsed is None else self.relapsed
        return day if self.remits and day is not None and day < limit else None


def drawn(chance: random.Random) -> Story:
    """A story from a seed."""
    maybe = lambda values: chance.choice([None, *values])  # noqa: E731 (two uses, one line)
    return Story(
        chance.random() < 0.9, chance.choice(SITES), chance.choice(list(FAMILIES)), chance.choice(PATHS),
        chance.random() < 0.9, chance.random() < 0.9, chance.random() < 0.8, chance.choice(DAYS), chance.random() < 0.5,
        maybe(DAYS), maybe(DAYS), maybe(DAYS), maybe(DAYS), chance.choice(MRD), maybe((19, 45, 70)), maybe((1, 3, 5)),
        chance.choice(BCR_ABL1), chance.choice(("0", "1", "2")) if chance.random() < 0.97 else None, chance.random() < 0.7,
    )  # fmt: skip


def frames_of(stories: list[Story]) -> dict[str, pd.DataFrame]:
    """All tables of a registry of these patients."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in hand_made.frames() if name.startswith("marts.")}
    for number, story in enumerate(stories):
        _patient(tables, f"m{number:03d}", story)
    whole = hand_made.frames()
    return whole | {
        name: pd.DataFrame(rows, columns=list(whole[name].columns)) if rows else whole[name].iloc[:0]
        for name, rows in tables.items()
    }


def _patient(tables: dict[str, list[dict[str, Any]]], key: str, story: Story) -> None:
    shared = {"patient_key": key, "site_id": story.site}
    origin = REMISSION if story.remits else 0
    entry = None if story.path == "RETRO_DECEASED" else story.entry
    subject = dict.fromkeys(hand_made.subject().columns)
    tables["marts.subject"].append(subject | shared | _subject(story, origin, entry))
    tables["marts.eligibility_result"] += [
        shared | {"criterion_cd": code, "met_cd": "N" if code == "E2" and not story.eligible else "Y"}
        for code in hand_made.CRITERIA
    ]
    if not story.eligible:
        return
    tables["marts.backbone_classification"].append(
        shared
        | {f"backbone_{name}_cd": story.family for name in ("declared", "derived", "final")}
        | {"backbone_group_cd": FAMILIES[story.family], "backbone_confidence_cd": "HIGH", "backbone_conflict": False}
    )
    tables["marts.time_to_event"] += [shared | row for row in _times(story, origin, entry)]
    if story.remits:
        tables["marts.cox_interval"] += [shared | row for row in _intervals(story, entry)]
        tables["marts.landmark_cohort"] += [shared | row for row in _landmarks(story)]
        tables["marts.mrd_result"] += [shared | row for row in _samples(story)]
        if (transplant := story.exposed(story.transplant)) is not None:
            day = DIAGNOSIS + timedelta(days=REMISSION + transplant)
            tables["marts.hsct"].append(shared | {"hsct_date": day})
    if (blin := story.exposed(story.blin)) is not None:
        _cycle(tables, shared, story, blin, "FRONTLINE")
    elif story.salvaged is not None:
        _cycle(tables, shared, story, story.salvaged, "RELAPSED_REFRACTORY")


def _samples(story: Story) -> list[dict[str, Any]]:
    """At remission marrow by flow, blood of the same day that says the opposite, NGS; blood again at the end."""
    if not story.mrd:
        return []
    opposite = {"NEG": "POS", "POS": "NEG"}.get(story.mrd, story.mrd)
    told = ((0, "FLOW", "MARROW", story.mrd), (0, "FLOW", "BLOOD", opposite), (0, "NGS", "MARROW", story.mrd),
            (0, "PCR_BCRABL1", "BLOOD", story.mrd), (story.ends, "FLOW", "BLOOD", opposite))  # fmt: skip
    relapsed = story.relapsed
    return [
        {"method_cd": method, "mrd_cd": code, "sample_cd": specimen, "timepoint_cd": "1", "mrd_seq": place,
         "sample_date": DIAGNOSIS + timedelta(days=REMISSION + day), "days_from_cr1": day,
         "is_in_frontline": relapsed is None or day < relapsed, "is_under_1e_4": code == "NEG" or None,
         "is_under_1e_5": code == "NEG" or None, "is_under_1e_6": None, "is_low_bcr_abl1": code == "POS"}
        for place, (day, method, specimen, code) in enumerate(told, start=1)
    ]  # fmt: skip


def _subject(story: Story, origin: int, entry: int | None) -> dict[str, Any]:
    treated = story.eligible and story.treated
    assessed = treated and story.assessed
    blin, transplant = story.exposed(story.blin), story.exposed(story.transplant)

    def day(number: int | None) -> object:
        return None if number is None else DIAGNOSIS + timedelta(days=number + origin)

    state = (
        "NOT_TREATED" if not treated else "NOT_ASSESSED" if not assessed else "RESPONDER" if story.remits else "NO_CR"
    )
    return {
        "ascertainment_cd": story.path, "eligibility_status_cd": "ELIGIBLE" if story.eligible else "INELIGIBLE",
        "backbone_declared_cd": story.family, "response_state_cd": state, "dx_date": DIAGNOSIS,
        "reg_date": None if entry is None else DIAGNOSIS + timedelta(days=entry), "plan_date": DIAGNOSIS if treated else None,
        "cr1_date": DIAGNOSIS + timedelta(days=REMISSION) if story.remits else None,
        "first_blin_date": day(story.salvaged if blin is None else blin),
        "first_hsct_date": day(transplant), "death_date": day(story.ends) if story.dies else None,
        "last_alive_date": None if story.dies else day(story.ends), "age_dx_years": story.age, "sex_cd": "F", "ecog_cd": story.ecog,
        "bcr_abl1_cd": story.bcr_abl1, "cns_status_cd": "CNS1", "eos_status_cd": "DIED" if story.dies else "ONGOING",
        "is_eligible": story.eligible, "is_treated": treated, "is_response_d1": treated, "is_response_d2": assessed,
        "is_response_d3": assessed or (treated and story.dies), "is_cr_registry": story.remits,
        "is_cr_conventional": story.remits, "is_cr_composite": story.remits, "is_e1910_like": story.remits,
    }  # fmt: skip


def _times(story: Story, origin: int, entry: int | None) -> list[dict[str, Any]]:
    def row(param: str, days: int, code: int, zero: int | None = None) -> dict[str, Any]:
        """A time from ``zero`` days after diagnosis: the origin of the patient's story, else what is given."""
        late = None if entry is None else max(0, entry - (REMISSION if zero is None else zero))
        return {"param_cd": param, "aval_days": days, "cnsr": {0: 1, 1: 0, 2: 2}[code], "event_code": code,
                "aval_lo_days": max(0, days - 15), "aval_hi_days": days + 15, "delayed_entry_day": late}  # fmt: skip

    died = int(story.dies)
    rows = [row(param, origin + story.ends, died, 0) for param in ("OS", "OS_TRIALC")]
    if story.treated:
        free = story.relapsed if story.relapsed is not None else story.ends
        gone = 1 if story.relapsed is not None else 2 * died
        rows += [row(param, origin + free, int(gone > 0), 0) for param in ("EFS", "EFS_DAY1")]
        rows.append(row("TTMRDNEG", origin + free, gone, 0))
        blin = story.exposed(story.blin)
        gone = 1 if blin is not None else 2 * int(gone > 0)
        rows.append(row("TTBLIN_PLAN", origin + (free if blin is None else blin), gone, 0))
    if story.remits:
        gone = 1 if story.relapsed is not None else 2 * died
        rows += [row("OSCR", story.ends, died), row("CIR", free, gone)]
        rows += [row(param, free, int(gone > 0)) for param in ("RFS", "RFS_HSCTC")]
        for param, change in (("TTBLIN", story.exposed(story.blin)), ("TTHSCT", story.exposed(story.transplant))):
            rows.append(row(param, free, 2 * int(gone > 0)) if change is None else row(param, change, 1))
        if (blin := story.exposed(story.blin)) is not None:
            zero = REMISSION + blin
            rows += [row("OSBLIN", story.ends - blin, died, zero), row("TTMRDNEG_BLIN", free - blin, gone, zero)]
    return rows


def _intervals(story: Story, entry: int | None) -> list[dict[str, Any]]:
    rows = []
    for param in ("RFS", "OSCR"):
        relapsed = story.relapsed
        end = story.ends if param == "OSCR" or relapsed is None else relapsed
        event = story.dies if param == "OSCR" or relapsed is None else True
        # Salvage is no exposure, but a transplant after relapse is one that was done.
        changes = {"blin_exposed": story.exposed(story.blin), "hsct_done": story.before_end(story.transplant),
                   "relapsed": relapsed if param == "OSCR" else None}  # fmt: skip
        stop_at = float(end) or 0.5
        for late in (False, True):
            if late and entry is None:
                continue
            begin = float(max(0, (entry or 0) - REMISSION)) if late else 0.0
            cuts = sorted(
                {begin, *(float(d) for d in changes.values() if d is not None and begin < d < stop_at), stop_at}
            )
            rows += [
                {"param_cd": param, "is_left_truncated": late, "t_start": start, "t_stop": stop,
                 "event": int(event and stop == stop_at), "mrd_state_cd": story.mrd or "UNK",
                 **{name: int(d is not None and d <= start) for name, d in changes.items()}}
                for start, stop in pairwise(cuts) if begin < stop_at
            ]  # fmt: skip
    return rows


def _landmarks(story: Story) -> list[dict[str, Any]]:
    rows = []
    free = story.relapsed if story.relapsed is not None else story.ends
    for param in ("RFS", "OSCR"):
        end, event = (story.ends, story.dies) if param == "OSCR" else (free, story.dies or story.relapsed is not None)
        for day in (90, 120, 150):
            at_risk = free > day
            blin = story.exposed(story.blin)
            gone = "RELAPSE_OR_DEATH_BEFORE" if story.relapsed is not None or story.dies else "CENSORED_BEFORE"
            rows.append(
                {"param_cd": param, "landmark_day": day, "at_risk": at_risk,
                 "exposed_by_landmark": blin is not None and blin <= day, "not_at_risk_reason_cd": None if at_risk else gone,
                 "aval_from_landmark_days": end - day if at_risk else None, "cnsr": int(not event) if at_risk else None,
                 "delayed_entry_from_landmark_days": 0 if at_risk else None}
            )  # fmt: skip
    return rows


def _cycle(tables: dict[str, list[dict[str, Any]]], shared: dict[str, Any], story: Story, day: int, line: str) -> None:
    start = DIAGNOSIS + timedelta(days=REMISSION + day)
    tables["marts.blin_cycle_exposure"].append(
        shared
        | {"cycle_overall_no": 1, "cycle_start_date": start, "line_cd": line, "line_reported_cd": line,
           "started": True, "is_open": False, "completion_status_cd": "COMPLETED", "delivered_days": 28.0,
           "delivered_mcg": 784.0, "dose_completeness_frac": 1.0, "n_interrupt_4h": 0, "step_dose_planned": False}
    )  # fmt: skip
    tables["marts.toxicity_at_risk"].append(
        shared
        | {"cycle_overall_no": 1, "tox_cd": "CRS", "line_cd": line, "n_events": int(story.grade is not None),
           "has_event": story.grade is not None, "n_grade_unknown": 0, "max_grade_astct": story.grade, "risk_start_date": start,
           "risk_end_date": start + timedelta(days=41),
           "first_onset_date": start if story.grade is not None else None, "infused_days": 28.0}
    )  # fmt: skip
    if story.grade is not None:
        event = {
            "cycle_overall_no": 1,
            "tox_cd": "CRS",
            "onset_date": start,
            "grade_astct": story.grade,
            "grade_ctcae": None,
        }
        tables["marts.toxicity"].append(shared | event)


def printed(seed: int) -> str:
    """Every row of every outcome of a registry of 90 patients, as text."""
    from blin_pipeline.outcomes import OUTCOMES, OutcomeContext
    from blin_pipeline.registry.parameters import load_parameters

    chance, parameters = random.Random(seed), load_parameters()
    context = OutcomeContext(parameters, parameters.sha256, "made-up-cut", CUT)
    frames = frames_of([drawn(chance) for _ in range(90)])
    return "\n".join(repr(row) for outcome in OUTCOMES for row in outcome.compute(frames, context))


if __name__ == "__main__":
    sys.stdout.write("\n".join(printed(seed) for seed in (1,)))
