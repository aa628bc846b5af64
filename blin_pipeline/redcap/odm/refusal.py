"""How a project XML is refused."""

from __future__ import annotations

from blin_pipeline.errors import SourceError


def wrong(source: str, problem: str) -> SourceError:
    """The refusal of a project XML; the problem names things of the set-up, never a value."""
    return SourceError(
        "E_PROJECT_XML",
        f"{source} cannot be read as a project: {problem}.",
        fix="Export the project again: Other functionality, Download metadata and data (XML).",
    )
