"""What Dagster loads (``workspace.yaml``): the definitions of the home folder that ``BLIN_HOME`` names, else ``data/``."""

from __future__ import annotations

from blin_pipeline.orchestration.build import build_defs
from blin_pipeline.settings import load_settings

defs = build_defs(load_settings())
