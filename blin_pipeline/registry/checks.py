"""The registry's checks: stable ids, words for people, level, threshold (``study/seeds/check_definition.csv``).

D checks compare fields of a patient, Q checks ask for what should be there by now, R, T and W are the rules of rows, values and
withdrawals, L checks look at whole layers and are for the maintainers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.registry.files import SEED_DIR, fault, read_csv


class CheckDefinition(BaseModel):
    """One check.

    Attributes:
        check_id: Stable id (D01 ...); a W suffix marks the warning half of a check with two levels.
        check_name: Words of the id.
        level: error, warn, or info (worth a look, and may well be right).
        kahn_category: Conformance, completeness or plausibility (Kahn 2016).
        kahn_subcategory: Its subcategory.
        finding: What was found, in words.
        action: What the site should do.
        threshold_frac: Share of what was looked at that may be in conflict before the check fails, fraction.
        blocks_analysis: Whether a finding can change an analysis.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check_id: str
    check_name: str
    level: Literal["error", "warn", "info"]
    kahn_category: Literal["conformance", "completeness", "plausibility"]
    kahn_subcategory: str
    finding: str
    action: str
    threshold_frac: float
    blocks_analysis: bool

    @property
    def name(self) -> str:
        """Name shown beside the asset: id and words."""
        return f"{self.check_id}_{self.check_name}"


def load_checks(path: Path | None = None) -> tuple[CheckDefinition, ...]:
    """Read the checks.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    path = path or SEED_DIR / "check_definition.csv"
    checks: list[CheckDefinition] = []
    for number, row in read_csv(path, tuple(CheckDefinition.model_fields)):
        try:
            checks.append(CheckDefinition.model_validate(row))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            fault(path, first["msg"], row=number, column=str(first["loc"][0]))
    if len({check.check_id for check in checks}) != len(checks):
        fault(path, "a check id stands twice")
    return tuple(checks)
