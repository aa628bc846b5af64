"""Dates, frontline and time to event of the hand-worked patients: by the tables and by the plain calculation alike."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

import pytest
from dates_by_hand import ENDS, hand_worked_dates, named
from dbt_warehouse import RawSite
from many_registries import CUT
from oracle.course import course
from oracle.eligibility import ELIGIBLE, judge
from oracle.endpoints import endpoints
from oracle.given import given_cycles
from oracle.happenings import diagnosis_of, happenings, relapses_of
from oracle.records import Record
from oracle.response import respond

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """The records in order of the file."""
    return [Record(truth, CUT) for truth in hand_worked_dates(Random(0), 0, [RawSite("S01", "alpha", "AA")])]


@pytest.fixture(scope="module")
def tables(many_registries) -> dict[int, dict[str, Any]]:
    """Place in the file -> what the tables say."""
    places = {truth.record_id: place for place, truth in enumerate(many_registries.special["dates_by_hand"])}

    def rows(query: str) -> dict[int, list[dict[str, Any]]]:
        found = defaultdict(list)
        for row in many_registries.rows(query):
            if row["record_id"] in places:
                found[places[row["record_id"]]].append(row)
        return found

    subjects = rows("select * from marts.subject")
    times = rows("select * from marts.time_to_event")
    relapses = rows("select * from marts.relapse order by instance_no")
    cycles = rows("select * from marts.blin_cycle_exposure order by cycle_overall_no")
    findings = rows("select * from quality.data_query")
    landmarks = rows("select * from marts.landmark_cohort where param_cd = 'OSCR' order by landmark_day")
    said = {}
    for place, (subject,) in subjects.items():
        said[place] = {
            "eligibility": subject["eligibility_status_cd"],
            "state": subject["response_state_cd"],
            "diagnosis": subject["dx_date"],
            "cr1": subject["cr1_date"],
            "followup_days": subject["followup_days"],
            "relapses": [row["relapse_date"] for row in relapses[place]],
            "lines": [row["line_cd"] for row in cycles[place]],
            "landmarks": [row["not_at_risk_reason_cd"] for row in landmarks[place]],
            "findings": {row["check_id"] for row in findings[place]},
            "endpoints": {
                row["param_cd"]: (row["aval_days"], row["cnsr"], row["aval_lo_days"], row["aval_hi_days"])
                for row in times[place]
            },
        }
    return said


def _calculated(record: Record) -> dict[str, Any]:
    """The same by the plain calculation."""
    what, found = happenings(record), respond(record)
    kinds = relapses_of(record, what.death) + relapses_of(record, what.death, (5,))
    diagnosis = diagnosis_of(record)
    end, status = what.death or what.contact, judge(record).status
    return {
        "eligibility": status,
        "state": found.state,
        "diagnosis": diagnosis[0] if diagnosis else None,
        "cr1": found.first_remission,
        "followup_days": (end.on - diagnosis[0]).days if diagnosis and end else None,
        "relapses": [one.on for one in sorted(kinds, key=lambda one: one.instance)],
        "lines": ["FRONTLINE" if one.is_frontline else None for one in given_cycles(record)],
        "refractory": course(record).refractory,
        "endpoints": {param: tuple(time[:4]) for param, time in endpoints(what).items()} if status == ELIGIBLE else {},
    }


def _differences(expect: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    wrong = {}
    for name, wanted in expect.items():
        if name == "findings":
            missing = set(wanted) - said[name]
            if missing:
                wrong[name] = missing
        elif name == "absent":
            wrong |= {param: "is there" for param in wanted if param in said["endpoints"]}
        elif name in said:
            if said[name] != wanted:
                wrong[name] = (said[name], wanted)
        else:
            days, end, shortest, longest = wanted
            if said["endpoints"].get(name) != (days, ENDS[end], shortest, longest):
                wrong[name] = (said["endpoints"].get(name), wanted)
    return wrong


PATIENTS = [pytest.param(place, patient, id=patient["patient"]) for place, patient in named()]


@pytest.mark.parametrize(("place", "patient"), PATIENTS)
def test_the_tables_say_what_was_worked_out_by_hand(tables, place, patient):
    assert _differences(patient["expect"], tables[place]) == {}


@pytest.mark.parametrize(("place", "patient"), PATIENTS)
def test_the_plain_calculation_says_it_too(records, place, patient):
    said = _calculated(records[place])
    # Findings and landmarks are not among what it works out, nor the name of a line that is not frontline.
    expect = {name: wanted for name, wanted in patient["expect"].items() if name not in ("findings", "landmarks")}
    if "lines" in expect:
        expect["lines"] = [line if line == "FRONTLINE" else None for line in expect["lines"]]
    assert _differences(expect, said) == {}
