"""Exposure of many registries against the oracle: every column of every cycle, every interval, every segment, every patient."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from cycles_by_hand import cases, expected
from exposure_drawing import draw
from oracle.checks_infusion import infusion_queries
from oracle.cycle_story import story, told
from oracle.infusion import Clock, exposures, segment_cycles
from oracle.patient_story import patient
from oracle.records import Record

pytestmark = pytest.mark.slow
EXACT = 1e-9
DRAWING = Path(__file__).resolve().parents[2] / "docs" / "images" / "exposure.svg"


@pytest.fixture(scope="module")
def records(many_registries):
    """Every record whose rows are kept: generated, with awkward infusions, and with awkward endpoints."""
    truths = [*many_registries.generated, *(one for made in many_registries.special.values() for one in made)]
    found = [Record(truth, many_registries.cut) for truth in truths]

    def is_removed(record):
        form = record.once("registration")
        return form.get("consent_status") == 6 and form.get("withdraw_scope") == 2

    return {record.record_id: record for record in found if not is_removed(record)}


@pytest.fixture(scope="module")
def clocks(many_registries, records):
    return {name: Clock(record, many_registries.cut_utc) for name, record in records.items()}


def _same(found, wanted):
    if isinstance(wanted, float) and found is not None:
        return found == pytest.approx(wanted, rel=EXACT, abs=EXACT)
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _differing(found, wanted):
    """Where two mappings of rows differ: (key, column) -> (found, wanted); a missing row counts as one."""
    gone = {(key, "row"): (key in found, key in wanted) for key in found.keys() ^ wanted.keys()}
    return gone | {
        (key, name): (found[key][name], value)
        for key in found.keys() & wanted.keys()
        for name, value in wanted[key].items()
        if not _same(found[key][name], value)
    }


def test_every_column_of_every_cycle(many_registries, records, clocks, proof):
    wanted = {
        (name, instance): columns
        for name, record in records.items()
        for instance, columns in story(record, clocks[name]).items()
    }
    rows = many_registries.rows("select * from marts.blin_cycle_exposure")
    found = {(row["record_id"], row["cycle_instance_no"]): row for row in rows}
    differing = _differing(found, wanted)
    assert differing == {}, f"{len(differing)} differences"
    columns = len(next(iter(wanted.values())))
    registries = len(many_registries.registries)
    proof(f"exposure: {registries} registries, {len(wanted)} cycles x {columns} columns equal to the oracle")


def test_every_interval_is_what_was_painted_minute_by_minute(many_registries, records, clocks, proof):
    wanted = {}
    for name, record in records.items():
        for item in told(record, clocks[name]):
            for number, stretch in enumerate(item.exposure.stretches or [], start=1):
                wanted[name, item.overall, number] = {
                    "infused_h": stretch.minutes / 60,
                    "from_cycle_start_h": (stretch.start - (item.exposure.start or 0)) / 60,
                    "rate_mcg_day": stretch.rate,
                    "is_overlap": len(stretch.rates) > 1,
                }
    rows = many_registries.rows("select * from marts.blin_infused_interval")
    found = {(row["record_id"], row["cycle_overall_no"], row["interval_no"]): row for row in rows}
    assert _differing(found, wanted) == {}
    minutes = round(sum(row["infused_h"] for row in wanted.values()) * 60)
    proof(f"exposure: {len(wanted)} intervals, {minutes} infused minutes equal to the painted ones")


def test_every_segment(many_registries, records, clocks, proof):
    wanted = {}
    typed_of = {(name, row["instance"]): row for name, record in records.items() for row in record.rows("blin_segment")}
    for name, record in records.items():
        for one in exposures(record, clocks[name]):
            for segment in one.segments:
                own = [stretch for stretch in one.stretches or [] if stretch.owner == segment.instance]
                typed = typed_of[name, segment.instance]
                is_unknown = one.stretches is None
                wanted[name, segment.instance] = {
                    "recorded_h": None if segment.stop is None else (segment.stop - segment.start) / 60,
                    "counted_h": None if is_unknown else sum(stretch.minutes for stretch in own) / 60,
                    "counted_mcg": None
                    if is_unknown
                    else sum(stretch.minutes * segment.rate for stretch in own) / 1440,
                    "rate_mcg_day": segment.rate,
                    "is_open": segment.is_open,
                    "route_cd": "NOT_COLLECTED",
                    "site_tz": record.time_zone,
                    "start_local_raw": typed["sg_start"],
                    "end_local_raw": typed.get("sg_end"),
                }
    rows = many_registries.rows(
        "select segment.* from marts.blin_infusion_segment as segment "
        "inner join marts.blin_cycle_exposure as cycle using (patient_key, cycle_overall_no) "
        "where cycle.exposure_source_cd = 'SEGMENTS'"
    )
    found = {(row["record_id"], row["instance_no"]): row for row in rows}
    assert _differing(found, wanted) == {}
    proof(f"exposure: {len(wanted)} segments equal to the oracle")


def test_every_query_of_length_midnight_and_stop(many_registries, records, clocks, proof):
    wanted = {(name, *place) for name, record in records.items() for place in infusion_queries(record, clocks[name])}
    rows = many_registries.rows("select * from quality.data_query where check_id in ('Q04', 'Q05', 'Q06')")
    found = {(row["record_id"], row["check_id"], row["form"], row["instance_no"], row["field_name"]) for row in rows}
    assert found == wanted
    assert {row["severity_class"] for row in rows if row["check_id"] == "Q05"} == {"info"}
    kinds = Counter((check, form) for _, check, form, _, _ in wanted)
    assert len(kinds) == 6, "three checks, segments and forms"
    proof(f"exposure: {kinds.total()} queries of length, midnight and stop equal to the oracle")


def test_open_queries_are_counted_at_their_cycle(many_registries, records, proof):
    queries = Counter()
    meant = {name: segment_cycles(record) for name, record in records.items()}
    for row in many_registries.rows("select * from quality.data_query where form in ('blin_cycle', 'blin_segment')"):
        instance = row["instance_no"]
        cycle = instance if row["form"] == "blin_cycle" else meant.get(row["record_id"], {}).get(instance)
        queries[row["record_id"], cycle] += 1
    rows = many_registries.rows("select * from marts.blin_cycle_exposure")
    found = {(row["record_id"], row["cycle_instance_no"]): row["n_open_queries"] for row in rows}
    assert found == {place: queries[place] for place in found}
    assert {0, 1, 2} <= set(found.values())
    proof(f"exposure: {sum(found.values())} open queries counted at {len(found)} cycles")


def test_every_patient(many_registries, records, clocks, proof):
    rows = {name: patient(record, clocks[name]) for name, record in records.items()}
    wanted = {name: row for name, row in rows.items() if row is not None}
    found = {row["record_id"]: row for row in many_registries.rows("select * from marts.blin_exposure")}
    assert _differing(found, wanted) == {}
    proof(f"exposure: {len(wanted)} patients x {len(next(iter(wanted.values())))} columns equal to the oracle")


def test_the_awkward_records_reach_every_branch(many_registries):
    """Without these the comparison would prove little."""
    rows = many_registries.rows("select * from marts.blin_cycle_exposure")
    for column, values in {
        "exposure_source_cd": {"SEGMENTS", "HEADER", "UPPER_BOUND", "NOT_STARTED"},
        "completion_status_cd": {
            "COMPLETED",
            "COMPLETED_REDUCED",
            "STOPPED_EARLY",
            "ONGOING",
            "NOT_STARTED",
            "NOT_EVALUABLE",
        },
        "context_cd": {
            "INDUCTION",
            "MRD_NEG_CONSOL",
            "MRD_POS",
            "CR_MRD_UNKNOWN",
            "MAINTENANCE",
            "BRIDGING",
            "POST_HSCT",
            "RELAPSED_REFRACTORY",
        },
        "granularity_cd": {"DATETIME", "DATE_ONLY", "CYCLE_ONLY"},
        "predecessor_cd": {"BLINATUMOMAB", "CHEMOTHERAPY", "TARGETED_OR_STEROID", "HSCT", "NONE"},
        "has_restep": {True, False, None},
        "is_delayed": {True, False, None},
        "is_late": {True, False, None},
        "planned_source_cd": {"FORM", "FORM_INCOMPLETE"},
        "n_same_cycle_restart_over_7d": {0, 1, None},
    }.items():
        assert values <= {row[column] for row in rows}, column
    agents = {agent for row in rows for agent in (row["concurrent_agents"] or "").split("+")}
    assert agents == {
        "", "CD20_ANTIBODY", "CHEMOTHERAPY", "INOTUZUMAB", "INTRATHECAL", "MAINTENANCE", "NONE", "NOT_RECORDED",
        "RUXOLITINIB", "STEROID", "TKI",
    }  # fmt: skip
    reasons = {row["reason_cd"] for row in many_registries.rows("select distinct reason_cd from quality.quarantine")}
    assert {
        "INF_START_MISSING", "INF_NO_CYCLE", "INF_CYCLE_NOT_STARTED", "INF_RATE_MISSING", "INF_BSA_MISSING",
        "INF_NEGATIVE_OR_ZERO", "INF_START_AFTER_CUT", "INF_AFTER_DEATH", "INF_AFTER_WITHDRAWAL", "INF_EXACT_DUPLICATE",
        "CYC_START_MISSING", "CYC_NEGATIVE_OR_ZERO", "CYC_EXACT_DUPLICATE", "CYC_AFTER_DEATH", "CYC_START_AFTER_CUT",
        "CYC_AFTER_WITHDRAWAL",
    } <= reasons  # fmt: skip


@pytest.fixture(scope="module")
def by_hand(many_registries):
    """Rows of the cases worked by hand, in their order: the cycle to look at (the first), findings of dates and segments."""
    query = (
        "select cycle.*, eligibility_status_cd, (select string_agg(distinct check_id, ' ' order by check_id) "
        "from quality.data_query as query where query.patient_key = cycle.patient_key and check_id in ('D02', 'D08')) "
        "as queries from marts.blin_cycle_exposure as cycle join marts.subject using (patient_key)"
    )
    rows = {(row["record_id"], row["cycle_overall_no"]): row for row in many_registries.rows(query)}
    records = many_registries.special["cycles_by_hand"]
    looked_at = [int(case.get("look_at", 1)) for case in cases()]
    return [rows[record.record_id, number] for record, number in zip(records, looked_at, strict=True)]


@pytest.mark.parametrize(("place", "case"), enumerate(cases()), ids=[case["case"] for case in cases()])
def test_cycles_worked_by_hand(by_hand, place, case):
    found, wanted = by_hand[place], expected(case)
    rounded = {name: round(found[name], 8) if isinstance(found[name], float) else found[name] for name in wanted}
    assert rounded == wanted, case["working"]


def test_the_drawing_in_the_docs_is_of_the_real_tables(many_registries):
    """``BLIN_RENEW=1`` writes it anew."""
    place = next(number for number, case in enumerate(cases()) if "docs/exposure.md" in case["case"])
    record_id = many_registries.special["cycles_by_hand"][place].record_id

    def rows(table, order):
        found = many_registries.rows(f"select * from marts.{table} order by patient_key, {order}")
        return [row for row in found if row["record_id"] == record_id]

    drawn = draw(
        rows("blin_cycle_exposure", "cycle_overall_no")[0],
        rows("blin_infusion_segment", "segment_seq"),
        rows("blin_infused_interval", "interval_no"),
    )
    if os.environ.get("BLIN_RENEW"):
        DRAWING.write_text(drawn, encoding="utf-8")
    assert DRAWING.read_text(encoding="utf-8") == drawn, "renew with BLIN_RENEW=1"
