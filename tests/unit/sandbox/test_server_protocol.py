"""Transport, parameters, formats and refusals, byte for byte."""

from __future__ import annotations

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from server_sample import OTHER_TOKEN, TOKEN, post, record_request

from blin_pipeline.sandbox.formats import csv_bytes, csv_cell, php_json
from blin_pipeline.sandbox.protocol import ApiError, parse_parameters
from blin_pipeline.sandbox.serve import RunningSandbox

XML_HEAD = b'<?xml version="1.0" encoding="UTF-8" ?>'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("", ""),
        ("two words", '"two words"'),
        ('say "x"', '"say ""x"""'),
        ('"', '""""'),
        ("a,b", '"a,b"'),
        ("a;b", "a;b"),
        ("a\r\nb", '"a\r\nb"'),
        ("a\tb", '"a\tb"'),
        ("a\\b", '"a\\b"'),
        ("E-mail", "E-mail"),
        ("é\u00a0ü", "é\u00a0ü"),
        (3, "3"),
    ],
)
def test_a_csv_cell_is_quoted_as_fputcsv_quotes(value: str | int, written: str) -> None:
    assert csv_cell(value) == written


def test_a_csv_line_quotes_only_the_cells_that_need_it_and_ends_with_lf() -> None:
    assert csv_bytes(["Study ID", "E-mail"], [["1", "Event 1"], ["2", ""]]) == b'"Study ID",E-mail\n1,"Event 1"\n2,\n'


def test_another_delimiter_is_quoted_instead_of_the_comma() -> None:
    assert csv_bytes(["a", "b"], [["1,5", "x;y"]], delimiter=";") == b'a;b\n1,5;"x;y"\n'


@given(st.lists(st.text(alphabet='a,;"\\ \n\r\té', max_size=4), min_size=2, max_size=4))
def test_the_line_is_the_cells_joined(cells: list[str]) -> None:
    line = csv_bytes(["h"] * len(cells), [cells]).decode().split("\n", 1)[1]
    assert line == ",".join(csv_cell(cell) for cell in cells) + "\n"


def test_json_escapes_as_php_does() -> None:
    assert php_json({"a": "é/ü", "n": 1}) == b'{"a":"\\u00e9\\/\\u00fc","n":1}'


def test_php_arrays_keep_their_order_and_plain_parameters_their_last_value() -> None:
    request = parse_parameters([("fields[1]", "b"), ("fields[0]", "a"), ("fields[]", "c"), ("x", "1"), ("x", "2")])
    assert request.array("fields") == ("b", "a", "c")
    assert request.text("x") == "2"


def test_a_plain_value_where_an_array_belongs_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        parse_parameters([("fields", "a")]).array("fields")
    assert (caught.value.status, caught.value.message) == (
        400,
        'The "fields" parameter has been provided with a value, but the value is not an array. '
        'The "fields" parameter must be provided as an array of one or more values.',
    )


@pytest.mark.parametrize(
    ("text", "is_true"), [("true", True), ("True", True), ("1", True), ("False", False), ("yes", False)]
)
def test_booleans(text: str, is_true: bool) -> None:
    assert parse_parameters([("flag", text)]).flag("flag") is is_true


MESSAGE = "You do not have permissions to use the API"


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ({"format": "json"}, b'{"error":"' + MESSAGE.encode() + b'"}'),
        ({"format": "csv"}, b"ERROR: " + MESSAGE.encode()),
        ({"format": "xml"}, XML_HEAD + b"<hash><error>" + MESSAGE.encode() + b"</error></hash>"),
        ({}, XML_HEAD + b"<hash><error>" + MESSAGE.encode() + b"</error></hash>"),
        ({"format": "csv", "returnFormat": "json"}, b'{"error":"' + MESSAGE.encode() + b'"}'),
    ],
)
@pytest.mark.parametrize("token", ["F" * 32, "F" * 64, "short", ""])
def test_a_token_that_opens_nothing(
    sandbox: RunningSandbox, token: str, parameters: dict[str, str], body: bytes
) -> None:
    answer = post(sandbox.url, token, content="record", **parameters)
    assert (answer.status_code, answer.content) == (403, body)


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ({"content": "nonsense"}, 400, 'The value of the parameter "content" is not valid'),
        ({}, 400, 'The value of the parameter "content" is not valid'),
        ({"content": "record", "type": "wide"}, 400, 'The value of the parameter "type" is not valid'),
        ({"content": "arm"}, 400, "You cannot export arms for classic projects"),
        ({"content": "event"}, 400, "You cannot export events for classic projects"),
        ({"content": "formEventMapping"}, 400, "You cannot export form/event mappings for classic projects"),
        (
            record_request(fields=["record_id", "redcap_event_name", "nix"]),
            400,
            "The following values in the parameter \"fields\" are not valid: 'redcap_event_name', 'nix'",
        ),
        (record_request(forms=["nix"]), 400, "The following values in the parameter \"forms\" are not valid: 'nix'"),
        (
            record_request(fields="record_id") | {"fields": "record_id"},
            400,
            'The "fields" parameter has been provided with a value, but the value is not an array. '
            'The "fields" parameter must be provided as an array of one or more values.',
        ),
        (record_request(action="delete"), 403, "You do not have Delete Record privileges"),
        (record_request(data="[]"), 403, "You do not have API Import/Update privileges"),
    ],
)
def test_refusals(sandbox: RunningSandbox, parameters: dict[str, str], status: int, message: str) -> None:
    answer = post(sandbox.url, **{**parameters, "format": "csv"})
    assert (answer.status_code, answer.text) == (status, f"ERROR: {message}")


def test_repeating_set_up_of_a_project_without_any(sandbox: RunningSandbox) -> None:
    answer = post(sandbox.url, OTHER_TOKEN, content="repeatingFormsEvents", format="json")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "You cannot export repeating instruments and events because the project does not contain "
        "any repeating instruments and events"
    }


def test_only_post_is_implemented(sandbox: RunningSandbox) -> None:
    answer = requests.get(sandbox.url, timeout=20)
    assert (answer.status_code, "The requested method is not implemented." in answer.text) == (501, True)


def test_another_path_is_an_html_404(sandbox: RunningSandbox) -> None:
    answer = requests.post(sandbox.url.removesuffix("api/"), data={"token": TOKEN}, timeout=20)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_multipart_says_the_same_as_form_encoded(sandbox: RunningSandbox) -> None:
    parameters = {"token": TOKEN, **record_request(forms=["baseline"])}
    encoded = requests.post(sandbox.url, data=parameters, timeout=20)
    multipart = requests.post(sandbox.url, files={k: (None, v) for k, v in parameters.items()}, timeout=20)
    assert multipart.request.headers["Content-Type"].startswith("multipart/form-data")
    assert multipart.content == encoded.content
    assert encoded.content.startswith(b"record_id,")


@pytest.mark.parametrize(
    ("wanted", "content_type"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json; charset=utf-8"),
        ("xml", "text/xml; charset=utf-8"),
    ],
)
def test_headers_of_a_good_answer(sandbox: RunningSandbox, wanted: str, content_type: str) -> None:
    headers = post(sandbox.url, content="instrument", format=wanted).headers
    assert headers["Content-Type"] == content_type
    assert headers["Cache-Control"] == "no-store, no-cache, must-revalidate"
    assert headers["Expires"] == "0"
    assert 32 <= len(headers["REDCap-Random-Text"]) <= 80


def test_a_body_that_is_no_form_holds_no_token(sandbox: RunningSandbox) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = requests.post(sandbox.url, data=b"--y\r\nnonsense", headers=headers, timeout=20)
    assert (answer.status_code, MESSAGE in answer.text) == (403, True)
