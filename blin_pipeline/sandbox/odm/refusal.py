"""How a project XML is refused."""

from blin_pipeline.errors import ConfigurationError


def wrong(source: str, problem: str) -> ConfigurationError:
    """The refusal of a project XML; the problem names things of the set-up, never a value."""
    return ConfigurationError(
        "E_SANDBOX_ODM",
        f"{source} cannot become a project: {problem}.",
        fix="Export the project again: Other functionality, Download metadata and data (XML).",
    )
