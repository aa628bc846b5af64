"""Who is like the patients that E1910 randomised, and the best conventional response of frontline therapy.

Reading where the text leaves room: "after induction and intensification" is the last flow result from a week before the first
remission on and not after the first unit of blinatumomab or consolidation; on one day marrow comes before blood.
"""

from __future__ import annotations

from datetime import date, timedelta

from .course import Course, course
from .eligibility import ELIGIBLE, judge
from .readings import conventional, mrd
from .records import Record
from .regimen import age, progression
from .response import frontline_assessments
from .sequence import counted, units


def is_like_e1910(record: Record) -> bool:
    """Eligible, 30 to 70 years, BCR::ABL1 negative, in first remission, MRD negative by flow before the next step."""
    dates, years = course(record), age(record)
    remission = min((at for at, _, remitted in frontline_assessments(record, dates) if remitted), default=None)
    if remission is None or judge(record).status != ELIGIBLE or years is None or not 30 <= years < 71:
        return False
    if record.once("diagnosis").get("ph_status") != 0:
        return False
    steps = [unit.start for unit in counted(record, dates, remission, units(record, dates))]
    last = min([*steps, date.max]) if steps else dates.frontline_end
    readings, found = mrd(record), []
    for at, row in record.dated("mrd", "mr_date"):
        instance = int(str(row["instance"]))
        reading = readings[instance].reading
        if row.get("mr_method") == 1 and reading != "NE" and remission - timedelta(days=7) <= at <= last:
            source = row.get("mr_source")
            place = source if source in (1, 2) and isinstance(source, int) else 3
            found.append((-at.toordinal(), place, instance, reading, at))
    found = [one for one in found if one[4] < progression(dates)]
    return bool(found) and min(found)[3] == "NEG"


def conventional_best(record: Record) -> tuple[bool, bool]:
    """(any conventional CR, any CR, CRh or CRi) among the assessments of frontline therapy."""
    dates, calls = course(record), conventional(record)
    inside = {
        calls[int(str(row["instance"]))] for at, row in record.dated("response", "ra_date") if _is_frontline(dates, at)
    }
    return "CR" in {call for call, _ in inside}, any(composite for _, composite in inside)


def _is_frontline(dates: Course, at: date) -> bool:
    if dates.plan is None or at <= dates.plan or at >= progression(dates):
        return False
    return at <= dates.frontline_end
