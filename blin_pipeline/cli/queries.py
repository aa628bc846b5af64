"""Verbs on data queries: the work list, noting what a site answered, withdrawing that. No values, no record ids."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results

if TYPE_CHECKING:
    from blin_pipeline.orchestration.queries import DataQuery
    from blin_pipeline.registry.query_answers import QueryAnswers

queries = typer.Typer(help="Data queries: what the sites are asked, and noting what they answered.")
app.add_typer(queries, name="queries")

Names = Annotated[list[str], typer.Argument(help="Names as `blin queries` shows them, or keys.")]


class Status(StrEnum):
    """Which queries are listed: ``open`` is all that is not accepted."""

    OPEN = "open"
    UNANSWERED = "unanswered"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    ALL = "all"

    def covers(self, status_cd: str) -> bool:
        """Whether a query of this status is listed."""
        return (
            status_cd
            in {
                Status.OPEN: {"OPEN", "REOPENED", "ANSWERED"},
                Status.UNANSWERED: {"OPEN", "REOPENED"},
                Status.ANSWERED: {"ANSWERED"},
                Status.ACCEPTED: {"ACCEPTED_AS_IS"},
                Status.ALL: {status_cd},
            }[self]
        )


class As(StrEnum):
    """How a query is answered."""

    ANSWERED = "answered"
    ACCEPTED = "accepted"


@queries.callback(invoke_without_command=True)
def list_queries(
    context: typer.Context,
    home: Home = None,
    site: Annotated[str, typer.Option("--site", help="Only this site.")] = "",
    check: Annotated[str, typer.Option("--check", help="Only this check, for example D08W.")] = "",
    status: Annotated[Status, typer.Option("--status", help="Only these.")] = Status.OPEN,
    as_json: AsJson = False,
) -> None:
    """The work list: name, site, check, status, form, instance, field, what is asked. Nothing of a patient but the key."""
    if context.invoked_subcommand is not None:
        return
    from blin_pipeline.orchestration.queries import read_queries
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.settings import load_settings

    workspace = Workspace(load_settings(home))
    answers = workspace.query_answers
    every = read_queries(workspace.warehouse)
    gone = sorted({item.query_key for item in answers.answers} - {query.query_key for query in every})
    listed = [
        query
        for query in every
        if site in ("", query.site_id) and check in ("", query.check_id) and status.covers(query.status_cd)
    ]
    if as_json:
        facts = [_facts(query, answers) for query in listed]
        print_json("queries", {"queries": facts, "answers_to_queries_that_are_gone": gone})
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("query", "site", "check", "status", "where", "patient", "asked", box=SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True
    for query in listed:
        pending = _pending(query, answers)
        table.add_row(
            query.name,
            query.site_id,
            f"{query.check_id} {query.severity_class}",
            query.status_cd if pending is None else f"{query.status_cd}, next refresh: {pending}",
            f"{query.form} {query.instance_no} {query.field_name}",
            query.patient_key[:8],
            f"{query.finding_text}. {query.expected_text}.",
        )
    results.print(table)
    messages.print(f"{len(listed)} of {len(every)} queries.")
    if gone:
        messages.print(f"{len(gone)} noted answers are to queries that are gone; --json names their keys.")


@queries.command()
def answer(
    names: Names,
    given: Annotated[
        As, typer.Option("--as", help="answered: the data manager still looks; accepted: right as entered, closed.")
    ],
    note: Annotated[str, typer.Option("--note", help="What was answered, a code of docs/run.md.")],
    home: Home = None,
    by: Annotated[str, typer.Option("--by", help="Short name of who notes it.", show_default="the user")] = "",
    as_json: AsJson = False,
) -> None:
    """Note what a site answered; the next refresh applies it. All of the queries, or none when one is refused."""
    from blin_pipeline.orchestration.queries import (
        answer_to,
        change_answers,
        find_query,
        read_queries,
        refuse_outdated,
    )
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    workspace = Workspace(settings)
    every = read_queries(workspace.warehouse)
    refuse_outdated(settings, workspace.warehouse)
    today, who = datetime.now(settings.zone).date(), by or user_name()
    new = [
        answer_to(
            find_query(every, name),
            "ACCEPTED_AS_IS" if given is As.ACCEPTED else "ANSWERED",
            note,
            on=today,
            by=who,
        )
        for name in dict.fromkeys(names)
    ]
    change_answers(settings, lambda answers: answers.with_answers(new))
    if as_json:
        print_json("queries answer", [item.model_dump(mode="json") for item in new])
        return
    results.print(f"{len(new)} noted as {new[0].answer} ({new[0].note_cd}). The next `blin refresh` applies it.")


@queries.command()
def withdraw(names: Names, home: Home = None, as_json: AsJson = False) -> None:
    """Take noted answers back; at the next refresh the queries are open again."""
    from blin_pipeline.orchestration.queries import change_answers, find_answers
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    taken: list[str] = []

    def without(answers: QueryAnswers) -> QueryAnswers:
        taken.extend(dict.fromkeys(find_answers(answers, names)))
        return answers.without(taken)

    change_answers(settings, without)
    if as_json:
        print_json("queries withdraw", taken)
        return
    results.print(f"{len(taken)} answers withdrawn. The next `blin refresh` applies it.")


def user_name() -> str:
    """Who runs the command; blank where the system has no name for it (a container), which asks for ``--by``."""
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):
        return ""


def _pending(query: DataQuery, answers: QueryAnswers) -> str | None:
    """What the next refresh makes of the status if the data stay; None when it stays."""
    noted = answers.answer(query.query_key)
    if noted is None:
        status = "OPEN"
    elif noted.evidence_sha256 != query.evidence_sha256 or (
        noted.answer == "ACCEPTED_AS_IS" and not query.may_be_accepted
    ):
        status = "REOPENED"
    else:
        status = noted.answer
    return status if status != query.status_cd else None


def _facts(query: DataQuery, answers: QueryAnswers) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": query.name,
        **asdict(query),
        "status_after_next_refresh": _pending(query, answers) or query.status_cd,
    }
