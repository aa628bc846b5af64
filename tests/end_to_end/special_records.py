"""Records beside the generated ones, by the name under which a test finds them in ``many_registries.special``."""

from __future__ import annotations

from cycles_by_hand import hand_worked_cycles
from dates_by_hand import hand_worked_dates
from disease_by_hand import hand_worked_disease
from many_registries import Maker
from special_eligibility import awkward_eligibility
from special_endpoints import awkward_endpoints
from special_events import awkward_events
from special_infusions import awkward_infusions
from special_treatments import awkward_treatments
from special_windows import awkward_windows
from treatments_by_hand import hand_worked_treatments

MAKERS: dict[str, Maker] = {
    "cycles_by_hand": hand_worked_cycles,
    "disease_by_hand": hand_worked_disease,
    "dates_by_hand": hand_worked_dates,
    "eligibility": awkward_eligibility,
    "endpoints": awkward_endpoints,
    "events": awkward_events,
    "infusions": awkward_infusions,
    "treatments": awkward_treatments,
    "treatments_by_hand": hand_worked_treatments,
    "windows": awkward_windows,
}
