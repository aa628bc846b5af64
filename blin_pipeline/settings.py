"""One settings object: where the home folder is, which REDCap project is read, which sites take part.

Values come from ``<home>/blin.toml``, then from environment variables ``BLIN_<NAME>`` (nested with ``__``), which win. Secrets are
never settings: a setting names the file or the environment variable that holds one.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.sites import DataCut, Site, check_sites

CONFIG_NAME = "blin.toml"
PACKAGE_DIR = Path(__file__).resolve().parent
PROJECT_DIR = PACKAGE_DIR.parent
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
SECRET_VARIABLES = ("BLIN_REDCAP_TOKEN",)
_CODE_SUFFIXES = frozenset({".py", ".sql", ".yml", ".yaml", ".csv", ".toml", ".j2", ".html", ".css", ".md"})


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA time zone")
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
#: Coded name of a project; stands in record ids, token files and errors.
ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,15}$")]


class SourceSettings(BaseModel):
    """Where records come from.

    Attributes:
        kind: ``api`` a REDCap server, ``files`` an export and its dictionary, ``project_xml`` a project XML,
            ``inbox`` the newest exported files in the folder that is watched.
        url: Address ending in ``/api/`` (kind api).
        token_file: File that holds the token, relative to the home folder (kind api).
        token_variable: Environment variable that holds the token, used when no file is given.
        data: Exported records, raw CSV (kind files).
        dictionary: Downloaded data dictionary, CSV (kind files).
        project_xml: Downloaded project, metadata and data (kind project_xml).
        allow_empty: Whether a project without records is accepted; a person sets it, for one refresh.
        attempts: Requests made at most for one answer.
        first_wait_seconds: Wait before the second attempt; doubled before each further one.
        read_seconds: Longest silence of the server inside an answer.
        deadline_seconds: Longest duration of one answer in all.
        incremental: Whether a pull reads only what changed since the one before, in full on any doubt (kind api).
        full_every_days: Longest time between two full readings of an incremental source.
        records_per_request: Records of one request; 0 asks for whole instruments, and for batches only when the server
            cannot give those.
        pause_seconds: Pause between two requests of whatever kind; when not given half a second, and none towards this
            machine itself.
        one_group: Whether the token is meant to see one data access group only (a project read by site), or the project
            has none and the token may not list them (kind api).
        accept_loss: Whether rows or sites that are gone without explanation are meant to be gone; likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["api", "files", "project_xml", "inbox"] = "api"
    url: str = ""
    token_file: Path | None = Path("restricted/secrets/redcap_token")
    token_variable: str = "BLIN_REDCAP_TOKEN"  # noqa: S105 (a name, not a token)
    data: Path | None = None
    dictionary: Path | None = None
    project_xml: Path | None = None
    one_group: bool = False
    allow_empty: bool = False
    accept_loss: bool = False
    incremental: bool = False
    full_every_days: Annotated[float, Field(ge=0)] = 7.0
    records_per_request: Annotated[int, Field(ge=0, le=500)] = 0
    pause_seconds: Annotated[float, Field(ge=0)] | None = None
    attempts: Annotated[int, Field(ge=1, le=10)] = 5
    first_wait_seconds: Annotated[float, Field(ge=0)] = 1.0
    read_seconds: Annotated[float, Field(gt=0)] = 120.0
    deadline_seconds: Annotated[float, Field(gt=0)] = 300.0


class PullsSettings(BaseModel):
    """How long pulls are kept; all of them when nothing is set. A pull goes only when every bound that is set lets it go.

    Attributes:
        keep: Number of pulls kept, newest first.
        keep_days: Days that a pull is kept after its last reading.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: Annotated[int, Field(ge=1)] | None = None
    keep_days: Annotated[int, Field(ge=0)] | None = None


class SandboxSettings(BaseModel):
    """A synthetic registry in a sandbox REDCap, which the command starts when the source is read.

    Attributes:
        patients: Number of synthetic patients.
        centres: Number of synthetic centres.
        seed: Seed of the generator: equal seed, equal registry.
        port: Loopback port of the server.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patients: Annotated[int, Field(ge=1)] = 200
    centres: Annotated[int, Field(ge=1)] = 9
    seed: int = 20240614
    port: Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """All settings of one home folder.

    Attributes:
        home: Folder that holds all state.
        study: Registration number of the study.
        title: Title of the study as printed.
        synthetic: Whether the patients are made up; printed on every page and in every table's comment.
        time_zone: Zone in which a day of the registry ends, and in which schedules run.
        data_cut: Last day that counts; the moment of the pull when not given.
        field_map: Field map of a foreign dictionary, relative to the home folder; identity when not given.
        keep_releases: Releases kept in all, the current one among them.
        source: Where records come from.
        pulls: How long pulls are kept.
        projects: Several projects in place of one, by coded name; merged with qualified record ids.
        query_answers: File of answers to data queries, relative to the home folder; written by ``blin queries``.
        inbox: Folder that the sensor ``exported_files`` watches, relative to the home folder.
        sites: Sites that take part, by data access group.
        sandbox: A sandbox REDCap to start when the source is read; None for a real server.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="BLIN_", env_nested_delimiter="__", env_ignore_empty=True
    )

    home: Path
    study: str = "NCT07117136"
    title: str = "Blinatumomab Consolidation in Real World"
    synthetic: bool = False
    time_zone: TimeZoneName = "America/Chicago"
    data_cut: date | None = None
    field_map: Path | None = None
    keep_releases: Annotated[int, Field(ge=1)] = 10
    source: SourceSettings = SourceSettings()
    pulls: PullsSettings = PullsSettings()
    projects: dict[ProjectName, SourceSettings] = {}
    query_answers: Path = Path("restricted/query_answers.csv")
    inbox: Path = Path("restricted/inbox")
    sites: tuple[Site, ...] = ()
    sandbox: SandboxSettings | None = None

    @field_validator("projects")
    @classmethod
    def _own_tokens(cls, projects: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        """Each project has a token of its own, by default in a file and variable of its name."""
        return {
            name: source.model_copy(
                update={
                    key: default
                    for key, default in (
                        ("token_file", Path(f"restricted/secrets/{name}_token")),
                        ("token_variable", f"BLIN_REDCAP_TOKEN_{name.upper()}"),
                    )
                    if key not in source.model_fields_set
                }
            )
            for name, source in projects.items()
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, ``blin.toml``; no ``.env`` file, no secrets folder."""
        del dotenv_settings, file_secret_settings
        home = Path(init_settings()["home"])
        return init_settings, _environment(env_settings), TomlConfigSettingsSource(settings_cls, home / CONFIG_NAME)

    @property
    def config_file(self) -> Path:
        """The settings file, which need not exist."""
        return self.home / CONFIG_NAME

    @property
    def restricted(self) -> Path:
        """Folder of everything identifying (0700)."""
        return self.home / "restricted"

    @property
    def pulls_dir(self) -> Path:
        """Immutable pulls."""
        return self.restricted / "pulls"

    @property
    def partial_dir(self) -> Path:
        """Answers of an interrupted reading that are proven good."""
        return self.restricted / "partial"

    @property
    def differences_dir(self) -> Path:
        """Changed values of two pulls, written on request."""
        return self.restricted / "differences"

    @property
    def quarantine_dir(self) -> Path:
        """Payloads of pulls that failed, kept for inspection."""
        return self.restricted / "quarantine"

    @property
    def warehouse_path(self) -> Path:
        """The pipeline's private DuckDB file."""
        return self.restricted / "warehouse.duckdb"

    @property
    def secrets_dir(self) -> Path:
        """Token and pseudonym key, 0400."""
        return self.restricted / "secrets"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.restricted / "dagster"

    @property
    def dbt_dir(self) -> Path:
        """Dbt's profile, target and logs."""
        return self.restricted / "dbt"

    @property
    def ledger_dir(self) -> Path:
        """Append-only ledgers."""
        return self.restricted / "ledger"

    @property
    def lock_file(self) -> Path:
        """Held by the one refresh that may run."""
        return self.restricted / "refresh.lock"

    @property
    def releases_dir(self) -> Path:
        """Published releases and the link ``current``."""
        return self.home / "releases"

    @property
    def zone(self) -> ZoneInfo:
        """The registry's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def deployment_sha256(self) -> str:
        """Hash over what a release prints or depends on beside data and code: study, synthetic or not, time zone, sites."""
        facts = [self.study, self.title, str(self.synthetic), self.time_zone]
        text = "\n".join([*facts, *sorted(site.model_dump_json() for site in self.sites)])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def token_variables(self) -> frozenset[str]:
        """Environment variables that may hold a token."""
        return frozenset(source.token_variable for source in (self.source, *self.projects.values()))

    @property
    def query_answers_file(self) -> Path:
        """Answers to data queries, which need not exist."""
        return self.home / self.query_answers

    @property
    def inbox_dir(self) -> Path:
        """Folder that is watched for exported files."""
        return self.home / self.inbox

    def token(self) -> SecretStr:
        """The REDCap token, read now.

        Raises:
            ConfigurationError: Code ``E_TOKEN_MISSING``.
        """
        path = self.home / self.source.token_file if self.source.token_file else None
        if path is not None and path.is_file():
            return SecretStr(path.read_text(encoding="ascii", errors="replace").strip())
        value = os.environ.get(self.source.token_variable, "").strip()
        if value:
            return SecretStr(value)
        raise ConfigurationError(
            "E_TOKEN_MISSING",
            "no REDCap token: neither the token file nor the environment variable of the settings holds one",
            fix=f"Write it into {self.source.token_file} under the home folder (mode 0400), or set {self.source.token_variable}.",
        )

    def cut(self, pulled_at: datetime) -> DataCut:
        """The data cut of a pull: the end of the day given in the settings, else the moment of the pull.

        Args:
            pulled_at: Moment of the pull, with time zone.
        """
        if self.data_cut is None:
            day = pulled_at.astimezone(self.zone).date()
            return DataCut(day=day, moment_utc=pulled_at.astimezone(UTC).replace(tzinfo=None))
        return DataCut.end_of(self.data_cut, self.time_zone)

    def prepare_home(self) -> None:
        """Create the folders of the home, the restricted one closed to everybody else."""
        if not self.home.exists():
            self.home.mkdir(parents=True)
            self.home.chmod(0o755)
        for folder in (
            self.restricted,
            self.pulls_dir,
            self.quarantine_dir,
            self.secrets_dir,
            self.dagster_home,
            self.dbt_dir,
            self.ledger_dir,
        ):
            folder.mkdir(mode=0o700, exist_ok=True)
        if self.source.kind == "inbox":
            self.inbox_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.releases_dir.exists():
            self.releases_dir.mkdir()
            self.releases_dir.chmod(0o755)


class _environment(PydanticBaseSettingsSource):  # noqa: N801 (a callable, used as a function)
    """Environment source without the secrets and without the names that other parts of the package read."""

    def __init__(self, inner: PydanticBaseSettingsSource) -> None:
        super().__init__(inner.settings_cls)
        self._inner = inner

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401 (pydantic's signature)
        """As the inner source."""
        return self._inner.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Values of the environment except the home, which the caller decides."""
        return {name: value for name, value in self._inner().items() if name != "home"}


def default_home() -> Path:
    """``BLIN_HOME``, else ``data/`` in the checkout."""
    return Path(os.environ.get("BLIN_HOME") or PROJECT_DIR / "data")


def load_settings(home: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401 (any setting)
    """Read the settings of a home folder.

    Args:
        home: Home folder; ``default_home()`` when None.
        **overrides: Settings that win over file and environment.

    Raises:
        ConfigurationError: Code ``E_SETTINGS``, naming the setting at fault; ``E_SITES``.
    """
    home = (home or default_home()).expanduser().absolute()
    try:
        settings = Settings(home=home, **overrides)
        return settings.model_copy(update={"sites": check_sites(settings.sites)})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        what = f"{where}: {first['msg']}"
    except tomllib.TOMLDecodeError as error:
        what = f"{CONFIG_NAME} is not readable as TOML ({error.args[0] if error.args else 'syntax'})"
    except UnicodeDecodeError:
        what = f"{CONFIG_NAME} is not UTF-8"
    except SettingsError:
        what = "a BLIN_ environment variable is not readable as its setting"
    except OSError as error:
        what = f"{CONFIG_NAME} cannot be read ({type(error).__name__})"
    raise ConfigurationError(
        "E_SETTINGS", what, fix=f"Correct {CONFIG_NAME} in the home folder, or the BLIN_ variable."
    )


def _code_files() -> Iterable[Path]:
    for root in (PACKAGE_DIR, DBT_PROJECT_DIR):
        yield from (
            path
            for path in root.rglob("*")
            if path.suffix in _CODE_SUFFIXES
            and not {"__pycache__", "target", "logs"} & set(path.relative_to(root).parts)
        )


@cache
def code_version() -> str:
    """Package version and a hash over every source file of the package and the dbt project: equal code, equal version."""
    from importlib.metadata import version

    digest = hashlib.sha256()
    for path in sorted(_code_files()):
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('blin-pipeline')}+{digest.hexdigest()[:12]}"
