"""Reading the set-up of a project: one small answer per part, kept; and once more at the end, to see that nothing moved."""

from __future__ import annotations

from collections.abc import Callable

from blin_pipeline.redcap.answers import Json
from blin_pipeline.redcap.client import Answer, RedcapClient
from blin_pipeline.redcap.faults import RedcapReadError, Refusal
from blin_pipeline.redcap.project_setup import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    Instrument,
    ProjectSetup,
    RepeatingForm,
    parse_dictionary,
    parse_project,
    parse_rows,
)
from blin_pipeline.redcap.received import Received

#: Takes the name of a part and how to ask for it; answers with its value.
_Ask = Callable[[str, Callable[[], Answer]], Json]
_NO_GROUP_RIGHT = "The token may not read the data access groups; they are known from the records only."
_NO_VERSION = "The server did not tell its version."


def read_setup(client: RedcapClient, received: Received) -> tuple[ProjectSetup, str | None]:
    """Read every part of the set-up.

    Returns:
        The set-up and the server's version (None when it does not tell).

    Raises:
        RedcapReadError: A part cannot be read, or contradicts another.
    """

    def keep(name: str, ask: Callable[[], Answer]) -> Json:
        return received.keep(name, ask())

    setup = _read(client, keep, optional=received.keep_optional)
    if setup.groups is None:
        received.note(_NO_GROUP_RIGHT)
    setup.check()
    return setup, _read_version(client, received)


def compare_setup(client: RedcapClient, setup: ProjectSetup) -> None:
    """Ask for the set-up once more; any difference ends the pull.

    Raises:
        RedcapReadError: ``E_SOURCE_MOVED``, or as :func:`read_setup`.
    """

    def optional(_: str, ask: Callable[[], Answer], absent: Refusal) -> tuple[bool, Json]:
        try:
            return True, ask().value
        except RedcapReadError as error:
            if error.refusal is not absent:
                raise
            return False, None

    again = _read(client, lambda _, ask: ask().value, optional=optional)
    if again.sha256 != setup.sha256:
        raise RedcapReadError("E_SOURCE_MOVED", "the set-up", detail="the dictionary or set-up was edited")


def _read(
    client: RedcapClient,
    ask: _Ask,
    *,
    optional: Callable[[str, Callable[[], Answer], Refusal], tuple[bool, Json]],
) -> ProjectSetup:
    info = parse_project(ask("project", client.project_info), "the project's facts")
    dictionary = parse_dictionary(ask("metadata", client.metadata), "the data dictionary")
    instruments = parse_rows(Instrument, ask("instrument", client.instruments), "the instruments")
    names = parse_rows(ExportName, ask("export_field_names", client.export_names), "the export names")
    if not instruments or not names:
        raise RedcapReadError("E_EMPTY", "the instruments" if not instruments else "the export names")
    form_events: tuple[FormEvent, ...] = ()
    if info.is_longitudinal:
        mapping = ask("form_event_mapping", client.form_events)
        form_events = parse_rows(FormEvent, mapping, "the instruments of each event")
    repeats, repeating = optional("repeating_forms_events", client.repeating, Refusal.NOTHING_REPEATS)
    grouped, groups = optional("dag", client.data_access_groups, Refusal.NO_GROUP_RIGHT)
    if info.has_repeating_instruments_or_events and not (repeats and repeating):
        raise RedcapReadError("E_EMPTY", "the repeating set-up", detail="yet the project repeats")
    return ProjectSetup(
        info=info,
        dictionary=dictionary,
        instruments=instruments,
        export_names=names,
        repeating=parse_rows(RepeatingForm, repeating, "the repeating set-up") if repeats else (),
        form_events=form_events,
        groups=parse_rows(DataAccessGroup, groups, "the data access groups") if grouped else None,
    )


def _read_version(client: RedcapClient, received: Received) -> str | None:
    try:
        version = client.version()
    except RedcapReadError as error:
        if error.code == "E_AUTH":
            raise
        version = None
    if version is None:
        received.note(_NO_VERSION)
    received.steps.finish("the server's version")
    return version
