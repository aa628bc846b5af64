"""Survey links, codes and participant lists. Source: ``docs/redcap.md`` section 3.

Links and codes are made from the place that they open, so that they are the same on every run. Nothing answers behind a
link: the sandbox serves the API alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from blin_pipeline.sandbox.contents.call import Answer, Call, table, text
from blin_pipeline.sandbox.contents.places import named_event, named_instance, named_record
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.protocol import ApiError, bad_parameter
from blin_pipeline.sandbox.setup import Participant

_LETTERS = "ABCDEFGHJKLMNPRTWXYZ346789"
_LINK, _QUEUE, _ACCESS, _RETURN = 16, 16, 9, 8
_COLUMNS = [
    "email",
    "email_occurrence",
    "identifier",
    "record",
    "invitation_sent_status",
    "invitation_send_time",
    "response_status",
    "survey_access_code",
    "survey_link",
]


def survey_link(call: Call) -> Answer:
    """Link to one record's survey."""
    return text(_link(call, *_place(call)))


def survey_queue_link(call: Call) -> Answer:
    """Link to one record's survey queue."""
    if not call.project.surveys:
        raise ApiError(400, "The survey queue is not enabled in this project")
    return text(f"{call.settings.base_url}/surveys/?sq={_code(call, _QUEUE, 'queue', named_record(call))}")


def access_code(call: Call) -> Answer:
    """Access code of one record's survey."""
    return text(_code(call, _ACCESS, "access", *_place(call)))


def return_code(call: Call) -> Answer:
    """Return code of one record's survey."""
    return text(_code(call, _RETURN, "return", *_place(call)))


def participants(call: Call) -> Answer:
    """Participant list of one survey: people who were invited, then records that answered uninvited."""
    form = _survey(call)
    event = named_event(call, form)
    seen: dict[str, int] = {}
    rows: list[list[Cell]] = []
    for item in _people(call, form, event):
        seen[item.email] = seen.get(item.email, 0) + 1
        place = (form, event, item.record or f"{item.email} {seen[item.email]}", "1")
        rows.append(
            [
                item.email,
                seen[item.email] if item.email else "",
                item.identifier,
                item.record,
                int(bool(item.sent)),
                item.sent,
                _response(call, item, form, event),
                _code(call, _ACCESS, "access", *place),
                _link(call, *place),
            ]
        )
    return table(call, _COLUMNS, rows)


def _people(call: Call, form: str, event: str) -> Iterator[Participant]:
    project = call.project
    invited = [item for item in project.participants if (item.form, item.event) == (form, event)]
    for item in invited:
        record = project.records.get(item.record)
        if record is None or call.rights.may_see_group(record.group):
            yield item
    known = {item.record for item in invited}
    for record_id, record in project.sorted_records():
        answered = any(key.event == event and f"{form}_complete" in stored for key, stored in record.rows.items())
        if answered and record_id not in known and call.rights.may_see_group(record.group):
            yield Participant(form, event, record=record_id)


def _response(call: Call, item: Participant, form: str, event: str) -> int:
    """0 no response, 1 partial, 2 complete."""
    record = call.project.records.get(item.record)
    if record is None:
        return 0
    stamps = [stored.get(f"{form}_timestamp", "") for key, stored in record.rows.items() if key.event == event]
    given = [stamp for stamp in stamps if stamp]
    if any(not stamp.startswith("[") for stamp in given):
        return 2
    return int(bool(given))


def _survey(call: Call) -> str:
    form = call.request.text("instrument")
    if form not in call.project.surveys:
        raise bad_parameter("instrument")
    return form


def _place(call: Call) -> tuple[str, str, str, str]:
    form = _survey(call)
    record = named_record(call)
    event = named_event(call, form)
    return form, event, record, str(named_instance(call, event, form) or 1)


def _link(call: Call, *place: str) -> str:
    return f"{call.settings.base_url}/surveys/?s={_code(call, _LINK, 'link', *place)}"


def _code(call: Call, length: int, *parts: str) -> str:
    digest = hashlib.sha256("\0".join([str(call.project.project_id), *parts]).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])
