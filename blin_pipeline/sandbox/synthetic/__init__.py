"""The synthetic registry: a seeded generator of a blinatumomab registry with a written truth.

What may live here: how patients, therapy, infusion, response and data entry are made up, the traps and faults that are planted
on purpose, and the truth that says what the data should lead to. What may not: eligibility, exposure or survival as the
pipeline computes them; a truth that asks the pipeline for its answer could not judge it.

Every patient and centre is made up. Two plans that are equal give equal bytes.
"""

from __future__ import annotations

from blin_pipeline.sandbox.synthetic.generate import SyntheticRegistry, generate, write_truth
from blin_pipeline.sandbox.synthetic.plan import SiteFact, SyntheticPlan
from blin_pipeline.sandbox.synthetic.truth import Truth

__all__ = ["SiteFact", "SyntheticPlan", "SyntheticRegistry", "Truth", "generate", "write_truth"]
