"""Faults on demand: each kind strikes the request it is planned for, as it says, and leaves the next one good."""

from __future__ import annotations

import csv
import http.client
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from server_sample import PROJECT, TOKEN, post, record_request

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox import damage
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.serve import RunningSandbox, serving

VISITS = record_request(fields=["record_id"], forms=["visit"])
JSON_VISITS = {**VISITS, "format": "json"}
ONLY_JSON = {FaultKind.DUPLICATE_KEY, FaultKind.NAN}


Start = Callable[..., RunningSandbox]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serving({TOKEN: PROJECT}) as running:
        yield running


@pytest.fixture
def broken(server: RunningSandbox) -> Iterator[Start]:
    """Plan faults on the module's server, which is good again afterwards."""

    def start(*faults: Fault) -> RunningSandbox:
        server.faults.clear()
        server.faults.committed.clear()
        server.requests.clear()
        for fault in faults:
            server.faults.add(fault)
        return server

    yield start
    server.faults.clear()


def forget_dictionary_row(project: ProjectState) -> None:
    project.replace_dictionary(Dictionary(fields=project.dictionary.fields[:-1]))


def add_visit(project: ProjectState) -> None:
    project.save("10", "visit", 4, {"score": "4"})


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - {FaultKind.MUTATE}))
def test_each_kind_strikes_once_and_the_next_request_is_good(kind: FaultKind, broken: Start) -> None:
    parameters = JSON_VISITS if kind in ONLY_JSON else VISITS
    argument = {FaultKind.DELAY: 0, FaultKind.HANG: 0.01, FaultKind.DRIP: 0.0001}.get(kind)
    good = post(broken().url, **parameters).content
    sandbox = broken(Fault(kind, content="record", argument=argument))
    try:
        struck = post(sandbox.url, **parameters)
        outcome: object = (struck.status_code, struck.content)
    except requests.RequestException as error:
        outcome = type(error)
    assert (outcome == (200, good)) is (kind in {FaultKind.DELAY, FaultKind.DRIP})
    assert sandbox.faults.committed == [kind]
    again = post(sandbox.url, **parameters)
    assert (again.status_code, again.content) == (200, good)


def test_a_fault_counts_only_the_requests_it_matches(broken: Start) -> None:
    fault = Fault(FaultKind.STATUS_HTML, content="record", form="visit", at=2, times=2)
    sandbox = broken(fault)
    others = record_request(fields=["record_id"], forms=["medication"])
    both = record_request(fields=["record_id"], forms=["visit", "medication"])
    sent = (VISITS, others, both, VISITS, {"content": "metadata"}, VISITS, VISITS)
    assert [post(sandbox.url, **parameters).status_code for parameters in sent] == [200, 200, 200, 500, 200, 500, 200]
    assert sandbox.requests == [
        ("record", "visit"),
        ("record", "medication"),
        ("record", None),
        ("record", "visit"),
        ("metadata", None),
        ("record", "visit"),
        ("record", "visit"),
    ]


def test_faults_can_be_added_and_cleared_while_the_server_runs(fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.faults.add(Fault(FaultKind.STATUS_EMPTY, times=ALWAYS, argument=502))
    assert [post(fresh_sandbox.url, content="version").status_code for _ in range(3)] == [502] * 3
    fresh_sandbox.faults.clear()
    assert post(fresh_sandbox.url, content="version").status_code == 200


def test_a_hanging_server_answers_nothing_until_the_client_leaves(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.HANG))
    with pytest.raises(requests.ReadTimeout):
        requests.post(sandbox.url, data={"token": TOKEN, **VISITS}, timeout=(5, 0.2))
    assert post(sandbox.url, **VISITS).status_code == 200


def test_a_drip_goes_on_byte_by_byte(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.DRIP, argument=0.001))
    with requests.post(sandbox.url, data={"token": TOKEN, **VISITS}, timeout=10, stream=True) as answer:
        assert next(answer.raw.stream(1)) == b"r"


def raw(sandbox: RunningSandbox, parameters: dict[str, str]) -> tuple[bytes, bytes]:
    """Header block and body bytes exactly as they came, until the server ended the connection."""
    place = urlsplit(sandbox.url)
    body = urlencode({"token": TOKEN, **parameters}).encode()
    head = (
        f"POST {place.path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        parts = iter(lambda: connection.recv(65536), b"")
        header, _, rest = b"".join(parts).partition(b"\r\n\r\n")
    return header.lower(), rest


def test_a_reset_is_a_reset(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.RESET))
    with pytest.raises(ConnectionResetError):
        raw(sandbox, VISITS)


def test_a_short_body_promises_more_than_it_sends(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.SHORT_BODY))
    header, body = raw(sandbox, VISITS)
    promised = int(re.search(rb"content-length: (\d+)", header).group(1))  # type: ignore[union-attr]
    assert 0 < len(body) < promised


def test_a_cut_without_length_looks_finished_to_http(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.CUT_MID_ROW))
    place = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", place.path, urlencode({"token": TOKEN, **VISITS}), headers)
    answer = connection.getresponse()
    assert answer.getheader("Content-Length") is None
    body = answer.read()
    connection.close()
    assert (answer.status, body.endswith(b"\n")) == (200, False)


def test_a_chunked_body_lacks_its_last_chunk(broken: Start) -> None:
    sandbox = broken(Fault(FaultKind.CHUNKED_ENDS_EARLY))
    header, body = raw(sandbox, VISITS)
    assert b"transfer-encoding: chunked" in header
    assert not body.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("wanted", ["csv", "json"])
def test_a_cut_at_a_row_is_well_formed(broken: Start, wanted: str) -> None:
    sandbox = broken(Fault(FaultKind.CUT_AT_ROW), Fault(FaultKind.CUT_AT_ROW, at=2, argument=1))
    parameters = {**VISITS, "format": wanted}
    counts = []
    for _ in range(3):
        body = post(sandbox.url, **parameters).text
        counts.append(len(json.loads(body)) if wanted == "json" else len(list(csv.DictReader(io.StringIO(body)))))
    assert counts == [2, 1, 5]


@pytest.mark.parametrize(
    ("kind", "argument", "status", "content_type", "body"),
    [
        (FaultKind.STATUS_HTML, 502, 502, "text/html", b"<html>"),
        (FaultKind.STATUS_EMPTY, None, 500, "text/html", b""),
        (FaultKind.STATUS_JSON, None, 503, "application/json", b"[]"),
        (FaultKind.STATUS_HALF_BODY, None, 504, "text/csv", b"record_id,"),
        (FaultKind.STATUS_FULL_BODY, None, 500, "text/csv", b"record_id,"),
        (FaultKind.BAD_TOKEN, None, 403, "text/csv", b"ERROR: You do not have permissions to use the API"),
        (FaultKind.BAN_PAGE, None, 403, "text/html", b"<!DOCTYPE html>"),
        (FaultKind.ERROR_JSON, None, 200, "application/json", b'{"error":"'),
        (FaultKind.ERROR_JSON_LIST, None, 200, "application/json", b'[{"error":"'),
        (FaultKind.ERROR_XML, None, 200, "text/xml", b'<?xml version="1.0" encoding="UTF-8" ?><hash><error>'),
        (FaultKind.ERROR_CSV, None, 200, "text/csv", b"ERROR: "),
        (FaultKind.MAINTENANCE, None, 200, "text/html", b"<!DOCTYPE html>"),
        (FaultKind.MEMORY_SENTENCE, None, 200, "text/csv", b"ERROR: REDCap ran out of server memory."),
        (FaultKind.EMPTY_BODY, None, 200, "text/csv", b""),
        (FaultKind.NULL_BODY, None, 200, "text/csv", b"null"),
        (FaultKind.EMPTY_LIST, None, 200, "text/csv", b"[]"),
        (FaultKind.PHP_WARNING, None, 200, "text/csv", b"<br />\n<b>Warning</b>"),
        (FaultKind.BOM, None, 200, "text/csv", b"\xef\xbb\xbfrecord_id,"),
    ],
)
def test_status_type_and_first_bytes(
    broken: Start, kind: FaultKind, argument: float | None, status: int, content_type: str, body: bytes
) -> None:
    answer = post(broken(Fault(kind, argument=argument)).url, **VISITS)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (status, content_type)
    assert answer.content.startswith(body)
    assert body or not answer.content


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMIT_HTML, FaultKind.RATE_LIMIT_JSON])
def test_a_rate_limit_says_how_long_to_wait(broken: Start, kind: FaultKind) -> None:
    answer = post(broken(Fault(kind, argument=7)).url, **VISITS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_redirects_point_where_the_fault_says(broken: Start) -> None:
    with serving({TOKEN: PROJECT}) as other:
        sandbox = broken(Fault(FaultKind.REDIRECT_307, argument=other.url), Fault(FaultKind.REDIRECT_302, at=2))
        first, second = post(sandbox.url, **VISITS), post(sandbox.url, **VISITS)
        assert (first.status_code, first.headers["Location"], other.requests) == (307, other.url, [])
    assert (second.status_code, second.headers["Location"]) == (302, "/login")


def test_defects_of_rows() -> None:
    body = b'id,a,b\n1,x,y\n2,"p\nq",z\n3,u,v\n'
    damaged = {kind: damage.DAMAGES[kind](body) for kind in damage.DAMAGES}
    assert damaged[FaultKind.EXTRA_COLUMN] == b'id,a,b\n1,x,y\n2,"p\nq",z,surplus\n3,u,v\n'
    assert damaged[FaultKind.MISSING_COLUMN] == b'id,a,b\n1,x,y\n2,"p\nq"\n3,u,v\n'
    assert damaged[FaultKind.DUPLICATED_ROWS] == body + b"3,u,v\n"
    assert damaged[FaultKind.SHUFFLED_COLUMNS] == b'b,a,id\ny,x,1\nz,"p\nq",2\nv,u,3\n'
    assert damaged[FaultKind.PHP_FATAL].startswith(b"id,a,b\n1,x,y\n<br />\n<b>Fatal error</b>")
    assert damaged[FaultKind.LATIN1] == body[:-2] + b"\xe9\n"
    assert damage.DAMAGES[FaultKind.LATIN1]("é,ü\n".encode()) == b"\xe9,\xfc\n"
    with pytest.raises(UnicodeDecodeError):
        damaged[FaultKind.INVALID_UTF8].decode()
    with pytest.raises(csv.Error):
        list(csv.reader(io.StringIO(damaged[FaultKind.OPEN_QUOTE].decode(), newline=""), strict=True))


def test_defects_of_json() -> None:
    body = b'[{"record_id":"1","a":"x"},{"record_id":"2","a":"y"}]'
    assert damage.DAMAGES[FaultKind.DUPLICATE_KEY](body).startswith(b'[{"record_id":"1","record_id":"1","a":"x"}')
    assert damage.DAMAGES[FaultKind.NAN](body).startswith(b'[{"record_id":NaN,"a":"x"}')
    assert json.loads(damage.DAMAGES[FaultKind.DUPLICATED_ROWS](body))[1:] == [{"record_id": "2", "a": "y"}] * 2


def test_the_project_can_change_between_two_requests() -> None:
    faults = [
        Fault(FaultKind.MUTATE, content="metadata", at=2, argument=forget_dictionary_row),
        Fault(FaultKind.MUTATE, content="record", at=2, argument=add_visit),
    ]
    with serving({TOKEN: PROJECT}, faults=FaultPlan(faults)) as sandbox:
        rows = [post(sandbox.url, **VISITS).text.count("\n") for _ in range(3)]
        answers = [post(sandbox.url, content="metadata", format="json").json() for _ in range(2)]
    assert rows == [6, 7, 7]
    assert answers[1] == answers[0][:-1]


def test_stopping_does_not_wait_for_a_hanging_request() -> None:
    before = set(threading.enumerate())
    with serving({TOKEN: PROJECT}, faults=FaultPlan([Fault(FaultKind.HANG)])) as sandbox:
        place = urlsplit(sandbox.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", place.path, urlencode({"token": TOKEN, **VISITS}), headers)
        (server,) = (thread for thread in set(threading.enumerate()) - before if thread.name == "sandbox-redcap")
    assert not server.is_alive()
    connection.close()
