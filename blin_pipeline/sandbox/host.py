"""The server's own state: which token opens what, and the projects that a super token creates.

Several projects live in one host; nothing is shared between them but the host's settings.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import TokenRights, User
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.structure import wrong

TOKEN_LENGTH = 32
SUPER_TOKEN_LENGTH = 64
_HEX = frozenset("0123456789ABCDEFabcdef")


class Account(NamedTuple):
    """What a token opens: a project, as one of its users."""

    project: ProjectState
    username: str

    @property
    def rights(self) -> TokenRights | None:
        """What the user may do now; None when the project has no such user any more."""
        return self.project.rights_of(self.username)


class Keeper(Protocol):
    """What keeps projects beyond the process."""

    def keep(self, project: ProjectState) -> None:
        """Keep what changed in a project."""

    def keep_account(self, token: str, account: Account) -> None:
        """Keep a token and its project."""


class Host:
    """All projects of a server.

    Args:
        accounts: Token -> account.
        settings: Facts about the server.
        super_tokens: Tokens of 64 hex digits that create projects.
        new_token: Gives the token of a created project.
        clock: Server time of created projects; each project's own deterministic clock when None.
        keeper: Keeps projects beyond the process; nothing is kept without one.

    Attributes:
        lock: Held while a project is being created, so that numbers are given once.
    """

    def __init__(
        self,
        accounts: MutableMapping[str, Account],
        settings: ServerSettings | None = None,
        super_tokens: Iterable[str] = (),
        new_token: Callable[[], str] = lambda: secrets.token_hex(16).upper(),
        clock: Callable[[], datetime] | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._keeper = keeper
        self.lock = threading.Lock()
        self.accounts = accounts
        self.settings = settings or ServerSettings()
        self.super_tokens = frozenset(checked_token(token, SUPER_TOKEN_LENGTH) for token in super_tokens)
        self._new_token = new_token
        self.clock = clock or server_clock(self.settings)

    @property
    def projects(self) -> list[ProjectState]:
        """Every project once, by number."""
        found = {id(account.project): account.project for account in self.accounts.values()}
        return sorted(found.values(), key=lambda project: project.project_id)

    def add(self, source: SourceProject, rights: TokenRights, token: str | None = None) -> str:
        """Make a project live under a token; a new one when None.

        Returns:
            The token.
        """
        token = self._new_token() if token is None else checked_token(token, TOKEN_LENGTH)
        account = open_account(ProjectState(source, self.clock), rights)
        self.accounts[token] = account
        if self._keeper is not None:
            self._keeper.keep_account(token, account)
        return token

    def keep(self, project: ProjectState) -> None:
        """Have a project kept as it is now; call it while holding the project's lock."""
        if self._keeper is not None:
            self._keeper.keep(project)

    def next_project_id(self) -> int:
        """A number above that of every project."""
        return max((project.project_id for project in self.projects), default=0) + 1


def server_clock(settings: ServerSettings) -> Callable[[], datetime] | None:
    """Wall-clock time of the server's zone; None where every project has its own clock.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``, no such zone.
    """
    if settings.time_zone is None:
        return None
    try:
        zone = ZoneInfo(settings.time_zone)
    except (KeyError, ValueError):
        raise ConfigurationError(
            "E_SANDBOX_PROJECT",
            "The sandbox knows no time zone of that name.",
            fix="Give an IANA name, such as America/New_York.",
        ) from None
    return lambda: datetime.now(zone).replace(tzinfo=None, microsecond=0)


def open_account(project: ProjectState, rights: TokenRights) -> Account:
    """Make a user of the project from rights, and an account from both.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``: the user exists with other rights, or the group does not.
    """
    user = User(rights.username, rights.privileges, data_access_group=rights.data_access_group)
    known = project.users.setdefault(rights.username, user)
    if known != user:
        raise wrong("two tokens name one user with different rights")
    if rights.data_access_group not in {"", *(group.unique_name for group in project.groups)}:
        raise wrong("a token's user is in a Data Access Group that it lacks")
    return Account(project, rights.username)


def open_accounts(
    projects: Mapping[str, SourceProject],
    rights: Mapping[str, TokenRights] | None = None,
    clock: Callable[[], datetime] | None = None,
) -> dict[str, Account]:
    """Make projects live; tokens that name the same source object share one project.

    Args:
        projects: Token (32 hex digits) -> project.
        rights: Token -> rights; full export rights where not named.
        clock: Server time of every project; each project's own deterministic clock when None.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``: a token of the wrong form, or a source that contradicts itself.
    """
    given = rights or {}
    live: dict[int, ProjectState] = {}
    accounts = {}
    for token, source in projects.items():
        checked_token(token, TOKEN_LENGTH)
        if id(source) not in live:
            live[id(source)] = ProjectState(source, clock)
        accounts[token] = open_account(live[id(source)], given.get(token, TokenRights()))
    return accounts


def checked_token(token: str, length: int) -> str:
    """The token itself, when it has the right form.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``, without the token in its text.
    """
    if len(token) != length or not set(token) <= _HEX:
        raise ConfigurationError(
            "E_SANDBOX_PROJECT",
            f"A sandbox token is not {length} hexadecimal digits.",
            fix=f"Give tokens of {length} such digits.",
        )
    return token
