"""Every refusal of the error table in ``docs/redcap.md`` section 2: status and words as written there, in all three formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from server_sample import ONCE_ONLY, OTHER_TOKEN, PROJECT, TOKEN, record_request

from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving

EVERYTHING = TokenRights.of(EVERY_PRIVILEGE, "manager")
TOKENS = {
    "everything": TOKEN,
    "nothing repeats": OTHER_TOKEN,
    "nobody": "A" * 32,
    "no export": "1" * 32,
    "no groups": "2" * 32,
    "no log": "3" * 32,
    "reader": "4" * 32,
    "no user rights": "5" * 32,
}
RIGHTS = {
    TOKEN: EVERYTHING,
    OTHER_TOKEN: EVERYTHING,
    "1" * 32: TokenRights(username="no_export", api_export=0, api_import=1),
    "2" * 32: TokenRights(username="no_groups", data_access_groups=0),
    "3" * 32: TokenRights(username="no_log", logging=0),
    "4" * 32: TokenRights(username="reader"),
    "5" * 32: TokenRights(username="no_user_rights", api_import=1),
}
#: Situation of the table -> the token that meets it, and the request.
SITUATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Unknown token, or a user without any API right": ("nobody", {"content": "record"}),
    "No export right": ("no export", {"content": "record"}),
    "Data access groups without the right": ("no groups", {"content": "dag"}),
    "Log without the right *(wording assumed)*": ("no log", {"content": "log"}),
    "Events, arms or mappings of a classic project": ("everything", {"content": "event"}),
    "Repeating set-up when nothing repeats": ("nothing repeats", {"content": "repeatingFormsEvents"}),
    "Unknown field or form": ("everything", record_request(fields=["nix"])),
    "Unknown field or form of the dictionary *(assumed)*": ("everything", {"content": "metadata", "fields[0]": "nix"}),
    "Array parameter given as plain text": ("everything", {"content": "record", "fields": "sex"}),
    "Unknown content": ("everything", {"content": "nix"}),
    "Not POST, or a change that the sandbox does not do": ("everything", {"content": "log", "action": "delete"}),
    "Import without the right": ("reader", {"content": "metadata", "data": "[]"}),
    "Deletion of records without the right": (
        "no user rights",
        {"content": "record", "action": "delete", "records[0]": "1"},
    ),
    "A further right is missing *(wording assumed)*": ("no user rights", {"content": "user", "data": "[]"}),
    "Upload field that is none": ("everything", {"content": "file", "action": "export", "field": "x", "record": "1"}),
    "Upload field without a file": (
        "everything",
        {"content": "file", "action": "export", "field": "scan", "record": "1"},
    ),
    "Survey or file of an unknown record": (
        "everything",
        {"content": "surveyLink", "instrument": "feedback", "record": "-1"},
    ),
    "Repository folder that is none, or restricted": (
        "everything",
        {"content": "fileRepository", "action": "list", "folder_id": "99"},
    ),
    "Import that is not in the format it names *(wording assumed)*": (
        "everything",
        {"content": "dag", "action": "import", "data": '{"a": <'},
    ),
}


def table() -> dict[str, tuple[int, str]]:
    """Situation -> status and beginning of the text, as the page says; a web page is tested elsewhere."""
    page = (Path(__file__).parents[3] / "docs" / "redcap.md").read_text(encoding="utf-8")
    section = page.partition("## 2. Errors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!Situation|---)(.+?) \| (\d{3}) \| (.+?) \|$", section, re.MULTILINE)
    return {situation: (int(status), text) for situation, status, text in rows if text != "a web page"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    projects = {token: PROJECT for token in TOKENS.values() if token in RIGHTS} | {OTHER_TOKEN: ONCE_ONLY}
    with serving(projects, rights=RIGHTS) as running:
        yield running


def test_every_row_of_the_table_is_shown() -> None:
    assert set(table()) == set(SITUATIONS)


@pytest.mark.parametrize("wanted", ["json", "csv", "xml"])
@pytest.mark.parametrize(("situation", "status", "text"), [(name, *facts) for name, facts in table().items()])
def test_a_refusal_is_worded_as_the_page_says(
    server: RunningSandbox, situation: str, status: int, text: str, wanted: str
) -> None:
    token, parameters = SITUATIONS[situation]
    # Imports are refused before their format matters; the broken one is no JSON, CSV or XML.
    data = {"format": "json", **parameters, "token": TOKENS[token], "returnFormat": wanted}
    answer = requests.post(server.url, data=data, timeout=20)
    message = {
        "json": lambda: answer.json()["error"],
        "csv": lambda: answer.text.removeprefix("ERROR: "),
        "xml": lambda: re.fullmatch(r".*<hash><error>(.*)</error></hash>", answer.text, re.DOTALL)[1],  # type: ignore[index]
    }[wanted]()
    begins = re.escape(text.removesuffix("...").strip()).replace(r"\(arms,\ form/event\ mappings\)\ ", "")
    assert answer.status_code == status
    assert re.match(begins, message), message
