"""The untidy part of data entry: calculated fields, blanks, missing-data codes, forms not finished, instances out of order."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import Draft, Entry
from blin_pipeline.sandbox.synthetic.rendering import stored_text

#: Optional fields that are now and then left blank or get a missing-data code; none of them decides an expectation of the truth.
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "demographics": ("race", "ethnicity", "insurance", "travel_miles", "height_cm", "ecog", "comorbid", "zip3"),
    "diagnosis": (
        "dx_hgb",
        "dx_plt",
        "dx_pb_blast",
        "dx_ldh_xuln",
        "dx_cd20",
        "dx_cd22",
        "dx_cns",
        "cyto_risk_site",
        "ngs_clone",
        "dx_prior",
    ),
    "treatment_course": ("tc_label", "tc_it_doses", "tc_dose", "tc_trial"),
    "blin_cycle": (
        "bc_delay_reason",
        "bc_setting",
        "bc_inpt_days",
        "bc_home",
        "bc_bag",
        "bc_steroid",
        "bc_ino",
        "bc_it_doses",
    ),
    "response": ("ra_bm_blast", "ra_bm_cell", "ra_anc", "ra_plt", "ra_plt_free7", "ra_emd"),
    "mrd": ("mr_lab",),
    "hct": ("hc_source", "hc_cond", "hc_tbi", "hc_mrd"),
    "adverse_event": ("ae_care", "ae_outcome", "ae_treat"),
    "followup": ("fu_remission", "fu_therapy", "fu_second_ca"),
    "patient_survey": ("sv_health", "sv_work", "sv_money", "sv_caregiver"),
}
#: Fields of the list above on which other fields depend; they are left alone when the other is filled.
_LEADS = {"fu_second_ca": "fu_second_ca_date"}
_CODES_BY_TYPE = {
    "ecog": "NASK",
    "dx_ldh_xuln": "NAVU",
    "travel_miles": "UNK",
    "height_cm": "NAVU",
    "ra_anc": "UNK",
    "ra_plt": "UNK",
    "hcti": "NA",
}


def make_untidy(draft: Draft, draws: Draws) -> None:
    """Leave optional fields blank, use missing-data codes, leave forms unfinished."""
    for form, names in _OPTIONAL.items():
        for entry in draft.entries(form):
            for name in names:
                roll = draws.uniform()
                if name not in entry.values or _LEADS.get(name, "") in entry.values:
                    continue
                if roll < 0.03:
                    entry.blank(name)
                elif roll < 0.045 and name in _CODES_BY_TYPE:
                    entry.store(name, _CODES_BY_TYPE[name], "missing-data code")
    for _, entry in draft.all_entries():
        entry.status = draws.weighted({2: 0.9, 1: 0.06, 0: 0.04})


def order_instances(draft: Draft, draws: Draws) -> None:
    """Instances are mostly typed by date; in one record of twelve the forms were filled in any order."""
    shuffled = draws.chance(0.08)
    for entries in draft.forms.values():
        for position, entry in enumerate(sorted(entries, key=_first_date)):
            entry.order = draws.uniform() if shuffled else float(position)


def _first_date(entry: Entry) -> tuple[str, str]:
    days = sorted(value.isoformat() for value in entry.values.values() if isinstance(value, date))
    number = entry.values.get("bc_number", "")
    return (days[0] if days else "9999", str(number))


def add_calculated(draft: Draft) -> None:
    """``bmi`` as the form computes it: one decimal, halves up, blank unless weight and height are numbers."""
    for entry in draft.entries("demographics"):
        entry.blank("bmi")
        height, weight = entry.values.get("height_cm"), entry.values.get("weight_kg")
        if isinstance(height, (int, float)) and isinstance(weight, (int, float)):
            ratio = Decimal(stored_text(weight)) / (Decimal(stored_text(height)) / 100) ** 2
            entry.values["bmi"] = float(ratio.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))
