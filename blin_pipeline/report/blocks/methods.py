"""How the numbers were made: definitions, method names of the rows, versions."""

from __future__ import annotations

from collections.abc import Sequence

from blin_pipeline.report import words
from blin_pipeline.report.content import Block, Items, Table
from blin_pipeline.report.rows import Results

#: Published values: what stands as their method is the measure that was published.
EXTERNAL = "EXTERNAL"


def block(results: Results) -> Block:
    """Definitions and the names under which the methods stand in the rows."""
    used = {row.method for row in results if row.method and row.population != EXTERNAL}
    named = sorted({words.say("method", method) for method in used}, key=str.lower)
    items = [*words.labels("definitions").values()]
    if named:
        items.append(f"Methods named in the rows: {'; '.join(named)}.")
    items.append(words.say("external", "e1910"))
    return Block("methods", "How were the numbers made?", "Methods and definitions", "half", [[Items(items)]])


def made_block(sections: Sequence[Block]) -> Block:
    """How the numbers of each section are made: formula and paper, file of the code, chapter of the documents.

    Args:
        sections: Sections of the page, each of which links here; those without an entry in the wording are left out.
    """
    parts = ("made_formula", "made_code", "made_chapter")
    table = Table(
        "By section of this page",
        ("Section", "Formula and reference", "Code in blin_pipeline/outcomes", "Chapter of docs/numbers.md"),
        [
            (section.title, *(words.say(part, section.key) for part in parts))
            for section in sections
            if section.key in words.labels(parts[0])
        ],
        left=(1, 2, 3),
        note="Code and documents of the version printed on top of the page. Every row of report.result names its method.",
    )
    return Block("made", "Where does each number come from?", "Formula, reference and code", "one", [[table]])
