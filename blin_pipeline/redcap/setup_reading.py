"""Reading the set-up of a project: one small answer per part, kept; and once more at the end, to see that nothing moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blin_pipeline.redcap.answers import Json, read_json
from blin_pipeline.redcap.client import Answer, RedcapClient
from blin_pipeline.redcap.faults import RedcapReadError, Refusal
from blin_pipeline.redcap.project_setup import FORM_EVENTS, ProjectSetup
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.setup_rows import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    Instrument,
    RepeatingForm,
    parse_dictionary,
    parse_project,
    parse_rows,
)

#: Takes the name of a part, as in the archive, and answers with its value.
_Ask = Callable[[str], Json]
#: Takes the name of a part that a project or token may lack, and how REDCap says so; ``(False, None)`` when it is lacking.
_AskOptional = Callable[[str, Refusal], tuple[bool, Json]]
_NO_GROUP_RIGHT = "The token may not read the data access groups; they are known from the records only."
_ONE_GROUP = "By the settings, the token sees one data access group or the project has none: groups were not asked for."
_NO_VERSION = "The server did not tell its version."


def read_setup(client: RedcapClient, received: Received, *, one_group: bool = False) -> tuple[ProjectSetup, str | None]:
    """Read every part of the set-up.

    Args:
        client: Guarded client.
        received: Keeps the bytes.
        one_group: The token is meant to see one data access group, or there are none; groups are not asked for.

    Returns:
        The set-up and the server's version (None when it does not tell).

    Raises:
        RedcapReadError: A part cannot be read, or contradicts another.
    """
    requests = _requests(client)
    setup = _read(
        lambda name: received.keep(name, requests[name]()),
        lambda name, absent: received.keep_optional(name, requests[name], absent),
        one_group=one_group,
    )
    if setup.groups is None:
        received.note(_ONE_GROUP if one_group else _NO_GROUP_RIGHT)
    setup.check()
    return setup, _read_version(client, received)


def compare_setup(client: RedcapClient, setup: ProjectSetup, *, one_group: bool = False) -> None:
    """Ask for the set-up once more; any difference ends the pull.

    Raises:
        RedcapReadError: ``E_SOURCE_MOVED``, or as :func:`read_setup`.
    """
    requests = _requests(client)

    def optional(name: str, absent: Refusal) -> tuple[bool, Json]:
        try:
            return True, requests[name]().value
        except RedcapReadError as error:
            if error.refusal is not absent:
                raise
            return False, None

    now = _read(lambda name: requests[name]().value, optional, one_group=one_group)
    if now.sha256 != setup.sha256:
        raise RedcapReadError("E_SOURCE_MOVED", "the set-up", detail="the dictionary or set-up was edited")


def archived_setup(answers: Mapping[str, bytes]) -> ProjectSetup:
    """The set-up as the answers of an earlier reading tell it.

    Args:
        answers: Name in the archive -> exact bytes.

    Raises:
        RedcapReadError: They are no answers of a set-up.
    """

    def optional(name: str, _: Refusal) -> tuple[bool, Json]:
        return (True, read_json(answers[name], name)) if name in answers else (False, None)

    return _read(lambda name: read_json(answers.get(name, b""), name), optional)


def _requests(client: RedcapClient) -> dict[str, Callable[[], Answer]]:
    """Name of each part -> how to ask for it."""
    return {
        "project": client.project_info,
        "metadata": client.metadata,
        "instrument": client.instruments,
        "export_field_names": client.export_names,
        "form_event_mapping": client.form_events,
        "repeating_forms_events": client.repeating,
        "dag": client.data_access_groups,
    }


def _read(ask: _Ask, ask_optional: _AskOptional, *, one_group: bool = False) -> ProjectSetup:
    info = parse_project(ask("project"), "the project's facts")
    dictionary = parse_dictionary(ask("metadata"), "the data dictionary")
    instruments = parse_rows(Instrument, ask("instrument"), "the instruments")
    names = parse_rows(ExportName, ask("export_field_names"), "the export names")
    if not instruments or not names:
        raise RedcapReadError("E_EMPTY", "the instruments" if not instruments else "the export names")
    form_events: tuple[FormEvent, ...] = ()
    if info.is_longitudinal:
        form_events = parse_rows(FormEvent, ask("form_event_mapping"), FORM_EVENTS)
        if not form_events:
            raise RedcapReadError("E_EMPTY", FORM_EVENTS, detail="yet the project is longitudinal")
    repeats, repeating = ask_optional("repeating_forms_events", Refusal.NOTHING_REPEATS)
    grouped, groups = (False, None) if one_group else ask_optional("dag", Refusal.NO_GROUP_RIGHT)
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
