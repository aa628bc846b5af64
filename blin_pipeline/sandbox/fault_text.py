"""Faults as people write them on the command line: ``status_html=503,content=record,form=visit,at=2,times=3``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NoReturn

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.contents.operations import CONTENTS
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, Mutation
from blin_pipeline.sandbox.mutations import MUTATIONS

_TEXT_ARGUMENTS = {FaultKind.REDIRECT_302, FaultKind.REDIRECT_307}


def fault_from_text(text: str) -> Fault:
    """Read one fault.

    The first part is the kind, with its argument after ``=`` where it takes one; then, in any order, ``content``, ``form``,
    ``at`` (number of the first request struck, from 1) and ``times`` (how many, or ``always``).

    Raises:
        ConfigurationError: Code ``E_SANDBOX_FAULT``: no such kind, argument, part or content.
    """
    head, *parts = [part.strip() for part in text.split(",")]
    name, _, argument = head.partition("=")
    if name not in set(FaultKind):
        _wrong(f"there is no fault {name!r}", f"Choose one of: {', '.join(sorted(FaultKind))}.")
    kind = FaultKind(name)
    options = dict(part.partition("=")[::2] for part in parts)
    unknown = options.keys() - {"content", "form", "at", "times"}
    if unknown:
        _wrong(f"a fault has no part {min(unknown)!r}", "Parts are content, form, at and times.")
    content = options.get("content", "")
    if content and content not in CONTENTS:
        _wrong(f"there is no content {content!r}", f"Give one of: {', '.join(sorted(CONTENTS))}.")
    times = options.get("times", "1")
    return Fault(
        kind,
        content or None,
        options.get("form") or None,
        at=_whole("at", options.get("at", "1")),
        times=ALWAYS if times == "always" else _whole("times", times),
        argument=_argument(kind, argument),
    )


def check_forms(faults: Iterable[Fault], forms: Collection[str]) -> None:
    """See that every fault can strike: one of an instrument that no project has would never.

    Args:
        faults: Faults that were asked for.
        forms: Instruments of all projects that are served.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_FAULT``.
    """
    for fault in faults:
        if fault.form is not None and fault.form not in forms:
            _wrong(f"no project has an instrument {fault.form!r}", "Correct form=, or leave it out.")


def _argument(kind: FaultKind, text: str) -> float | str | Mutation | None:
    if kind is FaultKind.MUTATE:
        if text not in MUTATIONS:
            _wrong(f"there is no change {text!r}", f"Write mutate=CHANGE, one of: {', '.join(MUTATIONS)}.")
        return MUTATIONS[text]
    if not text or kind in _TEXT_ARGUMENTS:
        return text or None
    try:
        return float(text)
    except ValueError:
        _wrong(f"{text!r} is no number", f"Give {kind} a number, or nothing for its default.")


def _whole(part: str, text: str) -> int:
    if not text.isdigit() or not int(text):
        _wrong(f"{part} is {text!r}", f"Give {part} a number from 1.")
    return int(text)


def _wrong(what: str, fix: str) -> NoReturn:
    raise ConfigurationError("E_SANDBOX_FAULT", f"The sandbox cannot commit this: {what}.", fix=fix)
