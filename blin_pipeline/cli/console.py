"""Printing: results to stdout, everything else to stderr; progress as a live line on a terminal, one line a step elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from blin_pipeline.orchestration.refresh import Progress
    from blin_pipeline.redcap.progress import Step

SCHEMA_VERSION = 1
results = Console(file=sys.stdout, highlight=False)
messages = Console(file=sys.stderr, highlight=False)

_NAMES = {
    "pull": "Pull from REDCap",
    "raw__patient_crosswalk": "Pseudonyms, raw schema",
    "tables": "Tables (dbt)",
    "outcomes": "Outcomes",
    "release__candidate": "De-identified candidate",
    "report__study_report": "Report",
    "release__current": "Verify and publish",
    "registry_checks": "Checks D01-D20",
    "identities": "Identities of the results",
}


def print_json(
    command: str,
    data: Any,  # noqa: ANN401 (any JSON)
    *,
    status: str = "ok",
    errors: Sequence[Any] = (),
) -> None:
    """One JSON object on stdout: schema_version, command, status, data, errors."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "status": status,
        "data": data,
        "errors": list(errors),
    }
    results.print_json(json.dumps(content, default=str), indent=2)


def step_name(step: str) -> str:
    """A step of the job in words."""
    return _NAMES.get(step, step.replace("_", " "))


@contextmanager
def pull_bar(*, quiet: bool = False) -> Iterator[Callable[[Step], None]]:
    """A bar for a reading: part of the records' cells that is there, records, bytes, time left; yields the listener."""
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    if quiet:
        yield lambda _: None
        return
    shown = "{task.description}", "{task.fields[counts]}", "{task.fields[left]}"
    columns = (TextColumn(shown[0]), BarColumn(), TaskProgressColumn(), *(TextColumn(text) for text in shown[1:]))
    with Progress(*columns, TimeElapsedColumn(), console=messages, transient=True) as bar:
        task = bar.add_task("Reading", total=None, counts="", left="")

        def listen(step: Step) -> None:
            left = step.seconds_left(bar.tasks[task].elapsed or 0.0)
            records = f"{step.records} records, " if step.records else ""
            bar.update(
                task,
                description=escape(step.name),
                total=None if step.fraction is None else 1.0,
                completed=step.fraction or 0.0,
                counts=f"{records}{decimal(step.n_bytes)}",
                left="" if left is None else f"about {left:.0f} s left",
            )

        yield listen


@contextmanager
def progress_lines(*, quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Show the steps of a refresh; yields the listener to hand to it."""
    started: dict[str, float] = {}
    skipped: list[str] = []
    if quiet:
        yield lambda _: None
        return
    with messages.status("Starting Dagster", spinner="dots") as status:

        def listen(progress: Progress) -> None:
            name = step_name(progress.step)
            if progress.kind == "step_started":
                started[progress.step] = time.monotonic()
                status.update(f"{name} ...")
            elif progress.kind == "note":
                status.update(f"{name}: {escape(progress.text)}")
            elif progress.kind == "step_skipped":
                skipped.append(name)
            else:
                seconds = time.monotonic() - started.get(progress.step, time.monotonic())
                mark = "[green]done[/]  " if progress.kind == "step_done" else "[bold red]failed[/]"
                messages.print(f"{mark} {name:<32} [dim]{seconds:5.1f} s[/]")

        yield listen
    if skipped:
        messages.print(f"[dim]skipped {len(skipped)} steps[/]")
