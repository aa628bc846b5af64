"""Errors for the person who must act: a stable code, what happened, what is unaffected, what to do.

Every error that this package raises on purpose is a ``BlinError``. Its text never holds a token, a record's value, a record
id or a third party's message: those can carry patient data. The code is stable and documented in ``docs/errors.md``.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar

RELEASE_UNTOUCHED = "The last release is untouched."


class BlinError(Exception):
    """A handled failure.

    Args:
        code: Stable code, ``E_`` and upper case, listed in ``docs/errors.md``.
        what: What happened, one sentence, without values of records.
        fix: What the reader should do next.
        unaffected: What this failure did not change.

    Attributes:
        exit_code: Exit code of the command that meets this error (1 handled, 2 usage or configuration, 3 source, 4 locked).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, what: str, *, fix: str, unaffected: str = RELEASE_UNTOUCHED) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what
        self.fix = fix
        self.unaffected = unaffected

    def __str__(self) -> str:
        """All four parts on one line each, as printed to a person."""
        return f"{self.code}: {self.what}\n  Unaffected: {self.unaffected}\n  To do: {self.fix}"


class ConfigurationError(BlinError):
    """Settings, field map or registry files cannot be used as they are."""

    exit_code = 2


class SourceError(BlinError):
    """The REDCap server (or export file) could not be read, or its answer cannot be trusted."""

    exit_code = 3


class LockedError(BlinError):
    """Another refresh holds the home folder."""

    exit_code = 4


class DataError(BlinError):
    """The data contradict a promise that the pipeline makes (lost rows, failed identity, failed check)."""


class StorageError(BlinError):
    """The disk refused: no space, no permission."""


class InternalError(BlinError):
    """A fault of this program: its text may hold a value, so only its kind and place are kept."""

    exit_code = 70

    @classmethod
    def of(cls, error: BaseException) -> InternalError:
        """The error as it may be shown: class name, file and line."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        return cls(
            "E_INTERNAL",
            f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}",
            fix="This is a fault of the program: report it with this line and the output of `blin --version`.",
        )


class InterruptedRunError(BlinError):
    """A run was stopped from outside."""

    exit_code = 130


class ReleaseError(BlinError):
    """A release could not be built, verified or swapped in."""
