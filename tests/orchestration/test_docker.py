"""The server files: read as a reviewer would, and run as they stand, without a Docker engine, in front of a real PostgreSQL."""

from __future__ import annotations

import fnmatch
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from homes import Home, clean_environment
from served import (
    Server,
    free_port,
    graphql,
    kill_all,
    location_is_loaded,
    processes_left,
    processes_with,
    serving_process,
)

from blin_pipeline.sandbox.serve import serving
from blin_pipeline.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"
OURS = ("code", "webserver", "daemon")
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
JOB = {"repositoryLocationName": "blin_pipeline", "repositoryName": "__repository__", "jobName": "refresh"}


# --- The files, read ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined, comments left out."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(
        r"\\\n\s*", "", "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))


def _stages(instructions: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    starts = [number for number, (name, _) in enumerate(instructions) if name == "FROM"]
    return [instructions[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def test_the_image_runs_as_nobody_special(instructions):
    final = _stages(instructions)[-1]
    users = [rest for name, rest in final if name == "USER"]
    assert len(users) == 1
    assert all(int(part) >= 10000 for part in users[0].split(":"))
    after = [name for name, _ in final[final.index(("USER", users[0])) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


def test_the_image_is_made_of_pinned_things_only(instructions):
    text = "\n".join(f"{name} {rest}" for name, rest in instructions)
    assert ":latest" not in text
    assert "ADD" not in {name for name, _ in instructions}
    assert "http" not in text
    bases = [rest for name, rest in instructions if name == "ARG"]
    assert bases, "the base image is an argument, so that it can be given by digest"
    assert all(re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", base) for base in bases)
    assert {rest.split()[0] for name, rest in instructions if name == "FROM"} == {"${PYTHON_IMAGE}"}


def test_images_name_no_registry_host(compose):
    images = [service["image"] for service in compose["services"].values()]
    assert not [image for image in images if "." in image.split("/")[0] and "/" in image]
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_whatever_is_installed_is_locked_and_a_wheel(instructions):
    steps = [step for name, rest in instructions if name == "RUN" for step in rest.split("&&")]
    installing = [step for step in steps if re.search(r"\bpip (install|sync)\b", step)]
    from_index = [step for step in installing if "--no-index" not in step]
    assert len(from_index) == 3
    assert not [step for step in from_index if "--require-hashes" not in step or "--only-binary :all:" not in step]
    (own,) = [step for step in installing if "--no-index" in step]
    assert "--no-deps" in own
    assert not [step for step in steps if re.search(r"\b(apt|apt-get|curl|wget|git)\b", step)]


def test_uvs_own_pin_is_found_in_the_lock(instructions):
    (expression,) = re.findall(r"sed -n '([^']+)'", " ".join(rest for _, rest in instructions))
    lock = REPOSITORY / "requirements" / "dev.txt"
    found = subprocess.run(["sed", "-n", expression, lock], capture_output=True, text=True, check=True).stdout
    assert found.startswith("uv==")
    assert len(re.findall(r"^\S+==", found, re.MULTILINE)) == 1
    assert found.count("--hash=sha256:") > 1
    assert not found.rstrip().endswith("\\")


def _let_through(path: str) -> bool:
    """Whether the build may see a path: the last matching line of .dockerignore decides, for it or for a folder above it."""
    seen = True
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split():
        pattern = line.removeprefix("!").removeprefix("**/")
        folders = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        if any(fnmatch.fnmatch(folder, pattern) for folder in folders):
            seen = line.startswith("!")
    return seen


def test_whatever_is_copied_exists_and_reaches_the_build(instructions):
    copies = [rest.split() for name, rest in instructions if name == "COPY" and "--from=" not in rest]
    sources = [part for parts in copies for part in parts[:-1] if not part.startswith("--")]
    assert len(sources) > 8
    assert [source for source in sources if not (REPOSITORY / source).exists() or not _let_through(source)] == []


def test_the_entry_point_is_the_one_that_is_copied(instructions):
    final = _stages(instructions)[-1]
    (entry,) = json.loads(dict(final)["ENTRYPOINT"])
    assert [rest.split()[-1] for name, rest in final if name == "COPY" and "entrypoint.sh" in rest] == [entry]
    assert os.access(DOCKER / "entrypoint.sh", os.X_OK)


@pytest.mark.parametrize(
    "path", ["data/restricted/warehouse.duckdb", "docker/secrets/redcap_token", ".git/config", ".venv/bin/python"]
)
def test_nothing_private_reaches_the_build(path):
    assert not _let_through(path)


@pytest.mark.parametrize("name", ["postgres", *OURS])
def test_every_container_is_closed(compose, name):
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), "not root"
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert service["healthcheck"]["test"]
    assert not any(key in service for key in ("privileged", "network_mode", "pid", "ipc", "devices", "cap_add"))
    assert not [
        mount for mount in service.get("volumes", []) if "docker.sock" in str(mount) or str(mount).startswith("/")
    ]


def test_only_the_webserver_is_published_and_only_on_this_machine(compose):
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"]}
    # Docker publishes no port of a container whose networks are all internal.
    networks = {name for name, options in compose["networks"].items() if not (options or {}).get("internal")}
    assert networks & set(compose["services"]["webserver"]["networks"])


def test_only_the_code_location_has_the_data_and_the_token(compose):
    services = compose["services"]
    assert {name for name, service in services.items() if "redcap_token" in service["secrets"]} == {"code"}
    assert {name for name, service in services.items() if "home:/srv/blin" in service.get("volumes", [])} == {"code"}
    assert {name for name, service in services.items() if "redcap" in service["networks"]} == {"code"}
    assert {name for name in OURS if "BLIN_SOURCE__TOKEN_FILE" in services[name]["environment"]} == {"code"}
    assert not re.search(r"password: |token: ", (DOCKER / "compose.yaml").read_text(encoding="utf-8").lower())


def test_the_servers_instance_is_the_homes_instance_on_postgresql(repository):
    server = yaml.safe_load((DOCKER / "dagster.yaml").read_text(encoding="utf-8"))
    home = yaml.safe_load((repository / "blin_pipeline" / "orchestration" / "dagster.yaml").read_text(encoding="utf-8"))
    storage = server.pop("storage")
    assert server == home
    database = storage["postgres"]["postgres_db"]
    assert database.pop("scheme") == "postgresql+psycopg2"
    assert all(value.keys() == {"env"} for value in database.values())


# --- The files, run -----------------------------------------------------------------------------------------------------


@dataclass
class Deployment:
    """What runs: the services by name, their ports, the home that only the code location has, and the secrets."""

    home: Home
    root: Path
    ports: dict[str, int]
    token: str
    password: str
    postgres: Path
    servers: dict[str, Server] = field(default_factory=dict)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    def psql(self, program: str, *arguments: str) -> bytes:
        """Run one of PostgreSQL's programs as the database's user."""
        environment = {"PGPASSWORD": self.password, "PGHOST": "127.0.0.1", "PGPORT": str(self.ports["postgres"])}
        command = [self.postgres / program, "-U", "dagster", "-d", "dagster", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    def healthy(self, service: dict[str, Any], name: str) -> bool:
        """Whether the health check of the compose file passes, run as it stands there."""
        kind, *check = service["healthcheck"]["test"]
        command = check if kind == "CMD" else ["/bin/sh", "-c", check[0].replace("$$", "$")]
        return subprocess.run(command, env=self.environments[name], cwd=REPOSITORY, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def postgres_programs() -> Path:
    """PostgreSQL's programs; the test skips where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (/usr/lib/postgresql/*/bin)")
    return found[-1].parent


@contextmanager
def _postgresql(programs: Path, port: int, password: str) -> Iterator[Path]:
    """A database server of the test's own, by a user who is not root (PostgreSQL refuses root)."""
    folder = Path(tempfile.mkdtemp(prefix="blin-postgresql-"))
    as_user: dict[str, Any] = {}
    if os.getuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        data, secret = folder / "data", folder / "password"
        secret.write_text(password, encoding="ascii")
        for path in (folder, secret):
            path.chmod(0o700)
            if as_user:
                os.chown(path, as_user["user"], as_user["group"])
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "dagster",
                "-A",
                "scram-sha-256",
                "--pwfile",
                secret,
                "--no-sync",
                "-E",
                "UTF8",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **as_user,
        )
        command = [
            programs / "postgres",
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            folder,
            "-c",
            "fsync=off",
        ]
        with serving_process(
            "postgres", command, environment={"LC_ALL": "C"}, log=folder / "log", cwd=folder, **as_user
        ) as server:
            ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-U", "dagster", "-d", "postgres"]
            server.wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0, "the database")
            subprocess.run(
                [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "dagster", "dagster"],
                env={"PGPASSWORD": password},
                check=True,
                capture_output=True,
            )
            yield folder
    finally:
        shutil.rmtree(folder)


def _image_environment(instructions: list[tuple[str, str]]) -> dict[str, str]:
    """Variables that the image sets, its own PATH left out."""
    text = " ".join(rest for name, rest in _stages(instructions)[-1] if name == "ENV")
    found = dict(re.findall(r'(\w+)="?([^\s"]+)"?', text))
    del found["PATH"]
    return found


def _environment(deployment: Deployment, name: str, service: dict[str, Any], image: dict[str, str]) -> dict[str, str]:
    """What the container would have, with this machine's places in it: only values of variables that are there are changed."""
    stated = image | {key: str(value) for key, value in service["environment"].items()}
    folder = deployment.home.path if name == "code" else deployment.root / name
    here = {
        "BLIN_HOME": str(folder),
        "DAGSTER_HOME": str(folder / "restricted" / "dagster"),
        "HOME": str(deployment.root / f"{name}-tmp"),
        "MPLCONFIGDIR": str(deployment.root / f"{name}-tmp"),
        "BLIN_POSTGRES_HOST": "127.0.0.1",
        "BLIN_POSTGRES_PORT": str(deployment.ports["postgres"]),
        "BLIN_POSTGRES_PASSWORD_FILE": str(deployment.root / "secrets" / "postgres_password"),
        "BLIN_CODE_HOST": "127.0.0.1",
        "BLIN_CODE_PORT": str(deployment.ports["code"]),
    }
    only = {
        "code": {
            "DAGSTER_GRPC_HOST": "127.0.0.1",
            "DAGSTER_GRPC_PORT": str(deployment.ports["code"]),
            "BLIN_SOURCE__TOKEN_FILE": str(deployment.root / "secrets" / "redcap_token"),
        },
        "webserver": {
            "DAGSTER_WEBSERVER_HOST": "127.0.0.1",
            "DAGSTER_WEBSERVER_PORT": str(deployment.ports["webserver"]),
        },
    }
    changed = here | only.get(name, {})
    assert changed.keys() <= stated.keys()
    path = os.pathsep.join([str(Path(sys.executable).parent), str(deployment.root / "bin"), os.environ["PATH"]])
    return clean_environment() | stated | changed | {"PATH": path}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def deployment(
    postgres_programs: Path,
    compose: dict[str, Any],
    instructions: list[tuple[str, str]],
    demo_home: Home,
    demo_registry: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    """Everything that the compose file starts, by its own commands through the image's entry point, and a sandbox REDCap."""
    root = tmp_path_factory.mktemp("server")
    home = demo_home.copy(root / "home")
    settings = load_settings(home.path)
    token, password = settings.token().get_secret_value(), secrets.token_hex(16)
    (settings.secrets_dir / "redcap_token").unlink()
    shutil.rmtree(settings.dagster_home)
    (root / "secrets").mkdir()
    (root / "secrets" / "redcap_token").write_text(f"{token}\n", encoding="ascii")
    (root / "secrets" / "postgres_password").write_text(f"{password}\n", encoding="ascii")
    ports = {name: free_port() for name in ("postgres", "code", "webserver")}
    running = Deployment(home, root, ports, token, password, postgres_programs)
    image = _image_environment(instructions)
    entry = root / "bin" / Path(json.loads(dict(_stages(instructions)[-1])["ENTRYPOINT"])[0]).name
    entry.parent.mkdir()
    entry.symlink_to(DOCKER / "entrypoint.sh")
    assert settings.sandbox is not None
    try:
        with ExitStack() as stack:
            stack.enter_context(_postgresql(postgres_programs, ports["postgres"], password))
            stack.enter_context(serving({token: demo_registry.project}, port=settings.sandbox.port))
            for name in OURS:
                service = compose["services"][name]
                environment = running.environments[name] = _environment(running, name, service, image)
                running.servers[name] = stack.enter_context(
                    serving_process(
                        name,
                        [entry.name, *service["command"]],
                        environment=environment,
                        log=root / f"{name}.log",
                        cwd=REPOSITORY,
                    )
                )
                if name == "code":  # the others wait for it, as in the compose file
                    running.servers[name].wait_until(lambda: _listens(ports["code"]), "the code location")
            web = running.servers["webserver"]
            web.wait_until(lambda: _listens(ports["webserver"]), "the web page")
            web.wait_until(lambda: location_is_loaded(ports["webserver"]), "the code location")
            yield running
            for name in reversed(OURS):
                assert running.servers[name].stop() is not None, f"{name} had to be killed"
        assert processes_left(str(root)) == {}
    finally:
        kill_all(processes_with(str(root)))


@pytest.fixture(scope="module")
def refreshed(deployment: Deployment) -> tuple[str, str, list[str]]:
    """A refresh launched on the webserver: its run, how it ended, and every command line that was seen meanwhile."""
    port = deployment.ports["webserver"]
    answer = graphql(port, LAUNCH, params={"selector": JOB, "mode": "default"})["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    run_id = answer["run"]["runId"]
    seen: set[str] = set()

    def ended() -> bool:
        seen.update(processes_with(str(deployment.root)).values())
        return status() in {"SUCCESS", "FAILURE", "CANCELED"}

    def status() -> str:
        return str(graphql(port, STATUS, id=run_id)["runOrError"]["status"])

    deployment.servers["daemon"].wait_until(ended, "the end of the run")
    return run_id, status(), sorted(seen)


@pytest.mark.slow
def test_a_refresh_launched_on_the_page_succeeds(deployment, refreshed):
    run_id, status, _ = refreshed
    assert status == "SUCCESS", (deployment.root / "code.log").read_text(encoding="utf-8")[-3000:]
    stored = deployment.psql("psql", "-Atc", f"select status from runs where run_id = '{run_id}'")
    assert stored.decode().strip() == "SUCCESS"
    assert not list(deployment.root.rglob("runs.db")), "nothing is stored in files beside the database"


@pytest.mark.slow
def test_the_code_location_did_the_work_and_kept_the_release(deployment, refreshed, demo_home):
    log = (deployment.home.path / "restricted" / "pulls" / "pulls.jsonl").read_text(encoding="utf-8")
    before = (demo_home.path / "restricted" / "pulls" / "pulls.jsonl").read_text(encoding="utf-8")
    assert log.count("\n") == before.count("\n") + 1, "it read the project once more"
    assert deployment.home.current.name == demo_home.current.name, "and found nothing changed"
    for name in ("webserver", "daemon"):
        assert not list((deployment.root / name).rglob("*.parquet"))
        assert not list((deployment.root / name).rglob("*.duckdb"))


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_the_health_checks_pass(deployment, refreshed, compose, name):
    assert deployment.healthy(compose["services"][name], name)


@pytest.mark.slow
def test_no_secret_in_any_command_line(deployment, refreshed):
    _, _, seen = refreshed
    assert len(seen) >= 4, "code location, its run, webserver, daemon"
    assert not [line for line in seen if deployment.token in line or deployment.password in line]


@pytest.mark.slow
def test_no_secret_and_no_record_in_what_dagster_stores(deployment, refreshed, demo_registry):
    run_id, _, _ = refreshed
    kept = deployment.psql("pg_dump", "--inserts")
    bodies = deployment.psql("psql", "-Atc", "select encode(snapshot_body, 'hex') from snapshots").split()
    kept += b"".join(zlib.decompress(bytes.fromhex(body.decode())) for body in bodies)
    folders = [
        deployment.root / "webserver",
        deployment.root / "daemon",
        deployment.home.path / "restricted" / "dagster",
    ]
    kept += b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    kept += b"".join((deployment.root / f"{name}.log").read_bytes() for name in OURS)
    assert run_id.encode() in kept
    assert b"patient_crosswalk" in kept
    assert deployment.token.encode() not in kept
    assert deployment.password.encode() not in kept
    records = {row.record_id for row in demo_registry.project.rows}
    assert [record for record in records if record.encode() in kept] == []
