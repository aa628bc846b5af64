"""What travels to dbt beside the shipped dictionary: missing-data codes, where they are not the study's."""

from __future__ import annotations

import json

import pytest

from blin_pipeline.orchestration.assets.tables import dbt_arguments
from blin_pipeline.registry.missing_codes import load_missing_data_codes
from blin_pipeline.registry.source_plan import SourcePlan, SourceShape

PLAN = SourcePlan({}, (), (), frozenset(), SourceShape({}, {}, set(), has_groups=True, is_longitudinal=False))
STUDY = sorted(load_missing_data_codes())


@pytest.mark.parametrize(
    ("codes", "variable"),
    [(None, None), (STUDY, None), ([], []), (["UNK", "ZZ"], ["UNK", "ZZ"])],
    ids=["not listed", "the study's", "none declared", "others"],
)
def test_codes_of_the_project(codes: list[str] | None, variable: list[str] | None) -> None:
    """A project that declares none has none: not the study's, which would turn its texts into reasons."""
    arguments = dbt_arguments(PLAN, codes)
    given = json.loads(arguments[arguments.index("--vars") + 1]) if "--vars" in arguments else {}
    assert given.get("missing_data_codes") == variable
