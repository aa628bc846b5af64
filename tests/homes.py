"""Homes to run the command in, and settings that point one at a sandbox of the test's own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dbt_parsed
import pytest

from blin_pipeline.sandbox.synthetic import SyntheticRegistry
from blin_pipeline.settings import DBT_PROJECT_DIR, load_settings

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
CUT = date(2026, 6, 30)
BLIN = Path(sys.executable).with_name("blin")


def clean_environment() -> dict[str, str]:
    """The environment without anything that would steer the command."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BLIN_", "DAGSTER_", "DBT_"))}


@dataclass(frozen=True)
class Home:
    """A home folder and the command run in it."""

    path: Path

    def blin(self, *arguments: str, check: bool = True, timeout: float = 500) -> subprocess.CompletedProcess[str]:
        """Run ``blin VERB ... --home``; the output is shown when it should have succeeded and did not."""
        command = [str(BLIN), *arguments, "--home", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=timeout)
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        return subprocess.Popen(
            [str(BLIN), *arguments, "--home", str(self.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )

    def json(self, *arguments: str) -> dict:
        """Run a verb with ``--json`` and return its data."""
        return json.loads(self.blin(*arguments, "--json").stdout)["data"]

    def copy(self, target: Path) -> Home:
        """A copy that a test may change."""
        return Home(Path(shutil.copytree(self.path, target, symlinks=True)))

    @property
    def current(self) -> Path:
        """The current release, resolved."""
        return (self.path / "releases" / "current").resolve()

    def release_hashes(self) -> dict[str, str]:
        """Every file of the current release and its hash, and the release's name."""
        files = sorted(path for path in self.current.rglob("*") if path.is_file())
        found = {str(path.relative_to(self.current)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        return found | {"name": self.current.name}


def write_settings(path: Path, url: str, registry: SyntheticRegistry, *, token: str = TOKEN, extra: str = "") -> Home:
    """A home that reads a server, with the sites of a synthetic registry."""
    secret = path / "restricted" / "secrets" / "redcap_token"
    secret.parent.mkdir(parents=True)
    secret.write_text(token, encoding="ascii")
    secret.chmod(0o400)
    lines = ["synthetic = true", f"data_cut = {CUT}", "[source]", f'url = "{url}"', "first_wait_seconds = 0", extra]
    for site in registry.sites:
        lines += [
            "[[sites]]",
            f'site_id = "{site.site_id}"',
            f'data_access_group = "{site.data_access_group}"',
            f'record_prefix = "{site.record_prefix}"',
            *([f'time_zone = "{site.time_zone}"'] if site.time_zone else []),
            f"activated = {site.activated}",
            f"complete_ascertainment = {str(site.complete_ascertainment).lower()}",
        ]
    (path / "blin.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Home(path)


def point_to(home: Home, url: str, **settings: object) -> None:
    """Let a home read another server, with further settings of its source."""
    text = (home.path / "blin.toml").read_text(encoding="utf-8")
    lines = [f'url = "{url}"' if line.startswith("url") else line for line in text.splitlines()]
    where = lines.index("[source]") + 1
    lines[where:where] = [f"{name} = {value}" for name, value in settings.items()]
    (home.path / "blin.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def with_parsed_project(path: Path) -> Path:
    """Spare a new home its first reading of the dbt project: it gets the parse that all tests share."""
    from blin_pipeline.orchestration.parsed_project import PARSED, mark_fresh

    settings = load_settings(path)
    settings.prepare_home()
    folder = settings.dbt_dir / "parsed"
    folder.mkdir(mode=0o700)
    for name in (dbt_parsed.MANIFEST, PARSED):
        shutil.copyfile(dbt_parsed.parsed(DBT_PROJECT_DIR) / name, folder / name)
    mark_fresh(folder)
    return path
