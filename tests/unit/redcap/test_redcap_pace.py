"""Requests are kept apart: a pause after each one, whatever it asks, and no longer than it must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from redcap_sample import TOKEN, Waits, client, project

from blin_pipeline.redcap.client import ClientLimits
from blin_pipeline.redcap.client.address import is_loopback
from blin_pipeline.redcap.client.pace import Pace
from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.sandbox.faults import Fault, FaultPlan
from blin_pipeline.sandbox.faults import FaultKind as K
from blin_pipeline.sandbox.serve import serving


@pytest.mark.parametrize("size", [0, 1])
def test_a_pause_between_any_two_requests_of_a_pull(size: int, workspace: Path) -> None:
    waits = Waits()
    with serving({TOKEN: project()}) as running:
        reader = client(running.url, waits, pause_seconds=0.5)
        export_project(reader, workspace, ReadingPlan(records_per_request=size))
    assert len(running.requests) > 20
    assert waits == [0.5] * (len(running.requests) - 1)


def test_no_pause_towards_this_machine_unless_asked_for(workspace: Path) -> None:
    waits = Waits()
    with serving({TOKEN: project()}) as running:
        export_project(client(running.url, waits), workspace)
    assert waits == []


def test_a_wait_before_another_attempt_is_pause_enough(workspace: Path) -> None:
    waits = Waits()
    fault = Fault(K.STATUS_EMPTY, content="metadata", argument=503)
    with serving({TOKEN: project()}, faults=FaultPlan([fault])) as running:
        export_project(client(running.url, waits, pause_seconds=0.5), workspace)
    assert sorted(waits) == [*[0.5] * (len(running.requests) - 2), 1.0]


def test_a_failed_request_is_followed_by_a_pause_too() -> None:
    waits = Waits()
    pace = Pace(2.0, waits, waits.clock)
    with pytest.raises(RuntimeError), pace.request():
        raise RuntimeError
    with pace.request():
        pass
    assert waits == [2.0]


def test_time_that_passes_anyway_is_not_waited_for_again() -> None:
    now = [100.0]
    waits: list[float] = []
    pace = Pace(0.5, waits.append, lambda: now[0])
    for worked in (0.0, 0.2, 0.5, 7.0):
        with pace.request():
            now[0] += 10.0
        now[0] += worked
    with pace.request():
        pass
    assert waits == [0.5, pytest.approx(0.3)]


@pytest.mark.parametrize(
    ("url", "chosen", "pause"),
    [
        ("https://redcap.example.org/api/", None, 0.5),
        ("https://redcap.example.org/api/", 0.0, 0.0),
        ("https://redcap.example.org/api/", 3.0, 3.0),
        ("http://127.0.0.1:8080/api/", None, 0.0),
        ("http://[::1]/api/", None, 0.0),
        ("https://localhost/api/", None, 0.0),
        ("http://localhost/api/", 2.0, 2.0),
        ("https://localhost.example.org/api/", None, 0.5),
    ],
)
def test_how_long_the_pause_is(url: str, chosen: float | None, pause: float) -> None:
    assert ClientLimits(pause_seconds=chosen).pause_between(loopback=is_loopback(url)) == pause
