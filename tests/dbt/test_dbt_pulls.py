"""What several pulls leave behind: eligibility with its history, findings that keep their key, answers that hold for their data."""

from __future__ import annotations

import pytest
from dbt_warehouse import patient_key
from pulls import (
    AT_35_DAYS,
    AT_TWO_SITES,
    LEAVES,
    OVER_35_DAYS,
    PULLS,
    SOUND,
    STRADDLES,
    THE_OTHER,
    WITHOUT_STOP,
    Pulls,
    build_pulls,
)

pytestmark = pytest.mark.slow

#: The findings of the shown queries, and of all that there ever were.
TABLES = ("quality.data_query", "operations.data_query_history")
ANSWERED = (("Q04", WITHOUT_STOP), ("D19", AT_TWO_SITES), ("D19", THE_OTHER))


@pytest.fixture(scope="module")
def pulls(tmp_path_factory: pytest.TempPathFactory) -> Pulls:
    """Built once for all tests here."""
    return build_pulls(tmp_path_factory.mktemp("pulls"))


def test_a_change_of_eligibility_is_written_once_and_a_removed_patient_leaves_no_trace(pulls: Pulls) -> None:
    history = {
        pull: pulls.rows(
            pull,
            "select patient_key, change_no, eligibility_status_cd, previous_status_cd, reasons, pull_id "
            "from quality.eligibility_history where list_contains(?, patient_key) order by patient_key, change_no",
            [patient_key(record) for record in (STRADDLES, SOUND, LEAVES)],
        )
        for pull in PULLS
    }
    first = (patient_key(STRADDLES), 1, "PENDING", None, "E3_DATE_STRADDLES", "one")
    sound = (patient_key(SOUND), 1, "ELIGIBLE", None, "", "one")
    leaves = (patient_key(LEAVES), 1, "ELIGIBLE", None, "", "one")
    assert history["one"] == sorted([first, sound, leaves])
    # Nothing changed: nothing is added. Then the date becomes known, and one patient withdraws all data.
    assert history["two"] == history["one"]
    known = (patient_key(STRADDLES), 2, "ELIGIBLE", "PENDING", "", "three")
    assert history["three"] == sorted([first, known, sound])


def test_a_finding_keeps_its_key_closes_itself_and_comes_back(pulls: Pulls) -> None:
    found = {}
    for pull in PULLS:
        for table in TABLES:
            rows = pulls.rows(
                pull,
                f"select query_key, check_id, patient_key, field_name, status_cd from {table} "
                "where check_id in ('Q04', 'Q05') and list_contains(?, patient_key)",
                [patient_key(record) for record in (AT_35_DAYS, OVER_35_DAYS)],
            )
            found[pull, table] = {row[1:4]: (row[0], row[4]) for row in rows}
            assert len(found[pull, table]) == len(rows)
    shown, history = TABLES
    keys = {place: key for place, (key, _) in found["one", shown].items()}
    late = ("Q04", patient_key(OVER_35_DAYS), "sg_end")
    midnight = {("Q05", patient_key(AT_35_DAYS), name) for name in ("bc_start", "sg_start")}
    assert keys.keys() == {late, *midnight}
    assert len(set(keys.values())) == 3

    assert found["two", shown].keys() == midnight
    still = {place: (keys[place], "OPEN") for place in midnight}
    assert found["two", history] == {late: (keys[late], "RESOLVED_BY_DATA"), **still}
    assert found["three", shown].keys() == keys.keys()
    assert found["three", history] == {late: (keys[late], "REOPENED"), **still}


def test_an_answer_holds_while_its_data_are_the_same(pulls: Pulls) -> None:
    assert {pulls.query("one", *place)[1:] for place in ANSWERED} == {("OPEN", None)}
    # The history was one from before there were answers; a contact is news, and nothing that the findings speak about.
    for table in TABLES:
        assert [pulls.query("two", *place, table)[1:] for place in ANSWERED] == [
            ("ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE"),
            ("ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE"),
            ("ANSWERED", "IN_CLARIFICATION"),
        ]
    of_cycle = "from operations.data_query_history where check_id = 'Q04' and patient_key = ?"
    first_seen = pulls.rows("two", f"select first_seen_pull, previous_status_cd {of_cycle}", patient_key(WITHOUT_STOP))
    assert first_seen == [("one", "OPEN")]


def test_what_is_accepted_is_not_open_and_is_still_counted(pulls: Pulls) -> None:
    queried = "select n_open_queries from intermediate.int_blin_cycle__queried where patient_key = ?"
    ((before,),) = pulls.rows("one", queried, patient_key(WITHOUT_STOP))
    assert pulls.rows("two", queried, patient_key(WITHOUT_STOP)) == [(before - 1,)]
    # Two infusions without a stop; then the other one has one.
    violating = "select n_violating from quality.check_result where check_id = 'Q04'"
    assert (pulls.rows("one", violating), pulls.rows("two", violating)) == ([(2,)], [(1,)])


def test_an_answer_ends_with_its_data(pulls: Pulls) -> None:
    """The segment still has no stop, but another rate; of the two who look alike one is registered on another day."""
    for table in TABLES:
        assert {pulls.query("three", *place, table)[1:] for place in ANSWERED} == {("REOPENED", None)}
    earlier = {
        place: pulls.rows(
            "three",
            "select previous_status_cd, n_openings from operations.data_query_history where check_id = ? and patient_key = ?",
            place[0],
            patient_key(place[1]),
        )
        for place in ANSWERED
    }
    assert earlier == {
        ANSWERED[0]: [("ACCEPTED_AS_IS", 2)],
        ANSWERED[1]: [("ACCEPTED_AS_IS", 2)],
        ANSWERED[2]: [("ANSWERED", 2)],
    }
