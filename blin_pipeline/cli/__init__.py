"""The command ``blin``: results to stdout, progress and messages to stderr, exit codes that a scheduler can act on.

Here: arguments, printing, and calls into the rooms. Not here: work. Heavy libraries are imported inside the commands.
"""

from __future__ import annotations

import sys

from blin_pipeline.cli import (  # noqa: F401 (they register their commands)
    docs,
    field_map,
    inspect,
    pulls,
    queries,
    run,
    sandbox_serve,
    setup,
    trace,
)
from blin_pipeline.cli.app import app
from blin_pipeline.cli.console import messages, print_json
from blin_pipeline.errors import BlinError, InternalError

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; every handled error ends in its exit code, never in a trace-back."""
    as_json = "--json" in sys.argv
    try:
        app()
    except BlinError as error:
        _report(error, as_json=as_json)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may hold a patient's value: keep kind and place only
        failure = InternalError.of(error)
        _report(failure, as_json=as_json)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        messages.print("Interrupted. The last release is untouched.")
        sys.exit(_INTERRUPTED)


def _report(error: BlinError, *, as_json: bool) -> None:
    if as_json:
        facts = {"code": error.code, "what": error.what, "unaffected": error.unaffected, "to_do": error.fix}
        print_json("error", None, status="failed", errors=[facts])
    messages.print(f"[bold red]{error.code}[/] {_escape(error.what)}")
    messages.print(f"  [dim]Unaffected:[/] {_escape(error.unaffected)}")
    messages.print(f"  [bold]To do:[/] {_escape(error.fix)}")


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


__all__ = ["main"]
