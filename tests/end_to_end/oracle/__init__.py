"""What a synthetic registry should lead to, computed from its truth by plain code written from the clinical definitions.

What may live here: short, slow, obvious code that reads the generator's ``Truth`` and nothing else. What may not: any import of
the pipeline's landing, tables, outcomes or release; an expectation that shares code with the thing it judges proves nothing.
"""

from __future__ import annotations

from .checks import Finding, findings
from .expectation import CyclePlace, Expected, expected

__all__ = ["CyclePlace", "Expected", "Finding", "expected", "findings"]
