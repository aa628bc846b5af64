"""How the numbers were made: definitions, method names of the rows, versions."""

from __future__ import annotations

from blin_pipeline.report import words
from blin_pipeline.report.content import Block, Items
from blin_pipeline.report.rows import Results


def block(results: Results) -> Block:
    """Definitions and the names under which the methods stand in the rows."""
    used = sorted({row.method for row in results if row.method})
    named = [words.say("method", method) for method in used]
    items = [*words.labels("definitions").values()]
    if named:
        items.append(f"Methods named in the rows: {'; '.join(named)}.")
    items.append(words.say("external", "e1910"))
    return Block("methods", "How were the numbers made?", "Methods and definitions", "half", [[Items(items)]])
