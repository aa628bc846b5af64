"""Records beside the generated ones, by the name under which a test finds them in ``many_registries.special``."""

from __future__ import annotations

from many_registries import Maker
from special_endpoints import awkward_endpoints

MAKERS: dict[str, Maker] = {"endpoints": awkward_endpoints}
