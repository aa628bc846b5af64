"""Time to event from the specification: per patient and endpoint, what ends the time, when, and within which bounds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from .happenings import Happening, Happenings

MRD_BEFORE_DAYS = 42
WEEK = timedelta(days=7)
#: Place of marrow among the specimens of a day.
MARROW = 1
#: Day, reading, place of the specimen among those of a day, instance.
Sample = tuple[date, str, int, int]


class Time(NamedTuple):
    """One endpoint of one patient; days from time zero.

    ``cnsr``: 0 event, 1 censored, 2 competing event, 3 nothing known after time zero, 4 what a sensitivity analysis
    censors at.
    """

    days: int
    cnsr: int
    shortest: int
    longest: int
    form: str | None
    instance: int | None
    is_doubtful: bool


class _Zero(NamedTuple):
    on: date
    first: date
    last: date


def endpoints(what: Happenings) -> dict[str, Time]:
    """Every endpoint that the patient is in the analysis set of."""
    found: dict[str, Time] = {}
    death = [what.death] if what.death else []
    relapse, transplant = what.relapses, what.transplants
    starts = [Happening(one.start, one.start, one.start, "blin_cycle", "bc_start", one.instance) for one in what.given]
    negative = [_tested(sample) for sample in _results_of_days(what) if sample[1] == "NEG"]
    # Lists in the order that decides between events of one day.
    dies = [(1, death)]
    fails = [(1, relapse), (1, death)]
    # What is given on the day of a relapse is given for it; blinatumomab starts once.
    begins = [(2, relapse), (1, starts[:1]), (2, transplant), (2, death)]
    if what.diagnosis:
        zero = _Zero(*what.diagnosis)
        found["OS"] = _time(zero, dies, what.contact)
        found["OS_TRIALC"] = _until(zero, found["OS"], what.trial_starts)
    if what.plan:
        zero = _Zero(what.plan, what.plan, what.plan)
        late, early = ([_at(what.failure)], [_at(what.plan)]) if what.failure else ([], [])
        found["EFS"] = _time(zero, [*fails, (1, late), (1, what.cancers)], what.evaluation)
        found["EFS_DAY1"] = _time(zero, [*fails, (1, early), (1, what.cancers)], what.evaluation)
        found["EFS_HSCTC"] = _until(zero, found["EFS"], transplant)
        found["TTMRDNEG"] = _time(zero, [(1, negative), (2, relapse), (2, death)], what.test)
        if not starts or starts[0].on >= what.plan:
            found["TTBLIN_PLAN"] = _time(zero, begins, what.contact)
    if what.remission:
        zero = _Zero(what.remission, what.remission, what.remission)
        found["OSCR"] = _time(zero, dies, what.contact)
        found["RFS"] = _time(zero, fails, what.evaluation)
        found["CIR"] = _time(zero, [(1, relapse), (2, death)], what.evaluation)
        found["NRM"] = _time(zero, [(2, relapse), (1, death)], what.evaluation)
        found["TTHSCT"] = _time(zero, [(2, relapse), (1, transplant), (2, death)], what.contact)
        found["OSCR_HSCTC"] = _until(zero, found["OSCR"], transplant)
        found["RFS_HSCTC"] = _until(zero, found["RFS"], transplant)
        if not starts or starts[0].on >= what.remission:
            found["TTBLIN"] = _time(zero, begins, what.contact)
    clear = [
        at for at, reading, place, _ in _in_first_remission(what) if reading == "NEG" and not _missed(what, at, place)
    ]
    if clear:
        zero = _Zero(min(clear), min(clear), min(clear))
        back = [
            Happening(at, at, at, "mrd", "mr_date", number)
            for at, reading, _, number in what.flow
            if reading == "POS" and at > zero.on
        ]
        # A form that says so, unless it is wholly of the time before: that is history.
        back += [one for one in what.recurrences if one.on >= zero.on or one.last >= zero.first]
        found["DORMRD"] = _time(zero, [(1, relapse), (1, back), (2, death)], what.test)
    frontline = [one.start for one in what.given if one.is_frontline]
    if frontline:
        zero = _Zero(frontline[0], frontline[0], frontline[0])
        found["OSBLIN"] = _time(zero, dies, what.contact)
        if _is_positive_before(what, frontline[0]):
            found["TTMRDNEG_BLIN"] = _time(zero, [(1, negative), (2, relapse), (2, death)], what.test)
    if what.is_contradictory:
        found = {param: time._replace(is_doubtful=True) for param, time in found.items()}
    return found


def _at(on: date) -> Happening:
    return Happening(on, on, on, "treatment_plan", "plan_date", 1)


def _tested(sample: Sample) -> Happening:
    return Happening(sample[0], sample[0], sample[0], "mrd", "mr_date", sample[3])


def _results_of_days(what: Happenings) -> list[Sample]:
    """One readable result of each day: marrow beats blood, and blood a specimen of which nobody says what it is."""
    days: dict[date, Sample] = {}
    for sample in sorted(what.flow + what.unverified, key=lambda one: (one[0], one[2], one[3])):
        days.setdefault(sample[0], sample)
    return list(days.values())


def _in_first_remission(what: Happenings) -> list[Sample]:
    if what.remission is None:
        return []
    inside = [one for one in _results_of_days(what) if what.remission <= one[0] <= what.frontline_end]
    return [one for one in inside if what.progression is None or one[0] < what.progression]


def _missed(what: Happenings, on: date, place: int) -> bool:
    """Whether a negative blood missed MRD: a later marrow of the remission is positive, and none was negative before that."""
    if place == MARROW or what.remission is None:
        return False
    for later, reading, kind, _ in _in_first_remission(what):
        if kind == MARROW and reading == "POS" and later > on:
            known = [
                one
                for one in _results_of_days(what)
                if one[2] == MARROW and one[1] != "POS" and what.remission - WEEK <= one[0] < later
            ]
            if not known:
                return True
    return False


def _is_positive_before(what: Happenings, start: date) -> bool:
    """By the latest result in remission of the 42 days before; a negative one that is not verified is not positive."""
    if what.remission is None:
        return False
    window = [
        sample
        for sample in what.flow + what.unverified
        if max(what.remission, start - timedelta(days=MRD_BEFORE_DAYS)) <= sample[0] <= start
    ]
    if not window:
        return False
    newest = max(sample[0] for sample in window)
    best = min((place, number, reading) for at, reading, place, number in window if at == newest)
    return best[2] == "POS"


def _time(zero: _Zero, order: list[tuple[int, list[Happening]]], known: Happening | None) -> Time:
    doubtful = False
    playing: list[tuple[date, int, Happening, int]] = []
    for place, (code, events) in enumerate(order):
        for event in events:
            if event.on >= zero.on:
                playing.append((event.on, place, event, code))
            elif event.form in ("death", "relapse", "followup"):
                doubtful = True
                if event.last >= zero.first:
                    playing.append((zero.on, place, event, code))
    if playing:
        on, _, event, code = min(playing, key=lambda one: (one[0], one[1], one[2].on, one[2].form, one[2].instance))
        # Ended in the same way: as early as any event of that code can have been, not after any event must have been.
        shortest = (min(one.first for _, _, one, other in playing if other == code) - zero.last).days
        longest = (min(one.last for _, _, one, _ in playing) - zero.first).days
        return Time(
            (on - zero.on).days,
            0 if code == 1 else 2,
            max(0, shortest),
            max(0, longest),
            event.form,
            event.instance,
            doubtful,
        )
    end = zero.on if known is None or known.on <= zero.on else known.on
    return Time(
        (end - zero.on).days,
        3 if end == zero.on else 1,
        max(0, (end - zero.last).days),
        max(0, (end - zero.first).days),
        known.form if known else None,
        known.instance if known else None,
        doubtful,
    )


def _until(zero: _Zero, time: Time, stops: list[Happening]) -> Time:
    """The same time, ended by the first of these when that comes first; what is known must reach it."""
    after = sorted(one for one in stops if one.on >= zero.on)
    if not after:
        return time
    days = (after[0].on - zero.on).days
    if days < time.days or (days == time.days and time.cnsr in (1, 3)):
        shortest, longest = max(0, (after[0].on - zero.last).days), max(0, (after[0].on - zero.first).days)
        return Time(days, 4, shortest, longest, after[0].form, after[0].instance, time.is_doubtful)
    if time.cnsr in (1, 3):
        return time
    return time._replace(longest=max(0, min(time.longest, (after[0].on - zero.first).days)))
