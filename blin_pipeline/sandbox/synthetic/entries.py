"""What a data manager would type, before it is text: forms of one record as typed values, and their edits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from blin_pipeline.sandbox.synthetic.journey import Journey

#: Blank when absent; a tuple holds the ticked codes of a checkbox.
Value = str | int | float | date | datetime | tuple[int, ...]

#: Date-of precision codes (``dx_date_prec`` and its like).
EXACT, MONTH, YEAR, UNKNOWN_PRECISION = 1, 2, 3, 9
#: Local clock-time fields, written with hours and minutes.
MISSING_DATA_CODES = {"UNK": "Asked but unknown", "NA": "Not applicable", "NASK": "Not asked", "NAVU": "Not available"}


@dataclass
class Entry:
    """One form, or one instance of a repeating form.

    Attributes:
        values: Field -> value; what a reader can use.
        stored: Field -> text stored in place of a value: a missing-data code or something wrong.
        reasons: Field of ``stored`` -> why it cannot be used.
        status: Form status, 0, 1 or 2.
        instance: Instance number of a repeating form, given when the record is finished.
        order: Order in which the instances were typed.
    """

    values: dict[str, Value]
    stored: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    status: int = 2
    instance: int | None = None
    order: float = 0.0

    def blank(self, name: str) -> None:
        """Leave a field empty."""
        self.values.pop(name, None)
        self.stored.pop(name, None)
        self.reasons.pop(name, None)

    def store(self, name: str, text: str, reason: str) -> None:
        """Store a text that no reader can use as this field's value."""
        self.blank(name)
        self.stored[name] = text
        self.reasons[name] = reason

    def day(self, name: str) -> date | None:
        """Date of a date or clock-time field, None when there is none."""
        value = self.values.get(name)
        return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None

    def moment(self, name: str) -> datetime:
        """Value of a clock-time field that is known to be filled."""
        value = self.values[name]
        if not isinstance(value, datetime):
            raise TypeError(f"{name} holds no clock time")
        return value


@dataclass
class Planted:
    """Something put into a record on purpose.

    Attributes:
        kind: ``trap`` (eligibility), ``edge`` (a legal value at a boundary), ``fault`` (a violated check or a wrong value),
            ``ordinary`` (a check that everyday data entry violates, not put in on purpose).
        name: Short name of the case.
        statement: What it is, and how it is expected to be handled.
        expected_status: Eligibility status that follows, where the case decides it.
        expected_reasons: Reason codes that follow.
        check_id: Check D01..D20 that it violates.
        form, instance, field: Where.
    """

    kind: str
    name: str
    statement: str
    expected_status: str | None = None
    expected_reasons: tuple[str, ...] = ()
    check_id: str | None = None
    form: str | None = None
    entry: Entry | None = None
    field: str | None = None


@dataclass
class Draft:
    """All forms of one record while it is being made.

    Attributes:
        journey: What really happened.
        forms: Instrument -> its entries; a once-only instrument has at most one.
        planted: What was put in on purpose.
        infused: Stretches of blinatumomab that ran: (cycle number, start, stop, at the step rate).
        record_id: Given when all records of the centre are known.
        group: Data Access Group, unique name.
    """

    journey: Journey
    forms: dict[str, list[Entry]] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    infused: list[tuple[int, datetime, datetime | None, bool]] = field(default_factory=list)
    record_id: str = ""
    group: str = ""

    def add(self, form: str, values: dict[str, Value | None]) -> Entry:
        """Append an entry; None means blank."""
        entry = Entry({name: value for name, value in values.items() if value is not None})
        self.forms.setdefault(form, []).append(entry)
        return entry

    def one(self, form: str) -> Entry:
        """The entry of a once-only form that is known to be opened."""
        return self.forms[form][0]

    def entries(self, form: str) -> list[Entry]:
        """Entries of a form, maybe none."""
        return self.forms.get(form, [])

    def all_entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its form."""
        for form, entries in self.forms.items():
            for entry in entries:
                yield form, entry
