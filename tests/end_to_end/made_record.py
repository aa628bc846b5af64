"""Records that a test makes by hand or at random, in the shape in which the generator gives its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from dbt_warehouse import RawSite

from blin_pipeline.sandbox.synthetic.truth import Recorded, RecordedRow, RecordTruth

Values = dict[str, Recorded]
#: Repeating instrument -> values of its instances, in order.
Rows = dict[str, list[Values]]


def made_record(
    record_id: str, site: RawSite, once: Mapping[str, Values], repeating: Mapping[str, Sequence[Values]]
) -> RecordTruth:
    """A record of a site.

    Args:
        record_id: Its id.
        site: Where it is.
        once: Instrument that does not repeat -> values.
        repeating: Repeating instrument -> values of its instances, counted from 1; one without any is left out.
    """
    recorded = {
        form: [RecordedRow(instance=n, values=row) for n, row in enumerate(own, 1)]
        for form, own in repeating.items()
        if own
    }
    recorded |= {form: [RecordedRow(instance=None, values=values)] for form, values in once.items()}
    return RecordTruth(
        record_id=record_id,
        site_id=site.site_id,
        time_zone=site.time_zone,
        infused=[],
        recorded=recorded,
        unusable=[],
        planted=[],
    )


def registration(diagnosed: date | str, signed: date | str, **other: Recorded) -> Values:
    """A registration that makes the patient eligible, but for what is given otherwise."""
    values: Values = {
        "enroll_type": 1,
        "reg_date": str(signed),
        "elig_ball": 1,
        "dx_date": str(diagnosed),
        "dx_date_prec": 1,
        "age_dx": 45.0,
        "blin_in_trial": 0,
        "vital_entry": 1,
        "consent_status": 1,
        "consent_date": str(signed),
        "screen_note_code": 0,
    }
    return values | other
