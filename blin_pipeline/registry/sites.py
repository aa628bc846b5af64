"""Sites of the registry and the data cut: the two facts of a refresh that the configuration file states, not REDCap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from blin_pipeline.errors import ConfigurationError

#: ``site_id`` of a record that REDCap assigns to no data access group.
UNASSIGNED = "UNASSIGNED"


class Site(BaseModel):
    """One participating centre.

    Attributes:
        site_id: Coded name that leaves the restricted zone, for example ``S01``.
        data_access_group: Unique name of the centre's group in REDCap; restricted.
        record_prefix: What the centre's record ids start with; empty when ids have no prefix; restricted.
        time_zone: IANA name; None when unknown, then clock times of the site count as local without a zone.
        activated: Day the centre began to enrol, if known.
        complete_ascertainment: Whether the centre enters every eligible patient; None when nobody has said so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_id: str = Field(pattern=r"^[A-Z][A-Z0-9]{1,15}$")
    data_access_group: str = Field(min_length=1)
    record_prefix: str = ""
    time_zone: str | None = None
    activated: date | None = None
    complete_ascertainment: bool | None = None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            msg = "not an IANA time zone"
            raise ValueError(msg)
        return zone


class DataCut(BaseModel):
    """The day up to which data count.

    Attributes:
        day: Last day that counts.
        moment_utc: First instant that no longer counts, naive UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    moment_utc: datetime

    @classmethod
    def end_of(cls, day: date, time_zone: str = "UTC") -> DataCut:
        """The cut at the end of ``day`` as clocks of ``time_zone`` show it.

        >>> DataCut.end_of(date(2026, 6, 30), "America/Chicago").moment_utc
        datetime.datetime(2026, 7, 1, 5, 0)
        """
        midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(time_zone))
        return cls(day=day, moment_utc=midnight.astimezone(UTC).replace(tzinfo=None))


def check_sites(sites: Sequence[Site]) -> tuple[Site, ...]:
    """The sites in order of ``site_id``, each id and each data access group named once.

    Raises:
        ConfigurationError: Code ``E_SITES``: a repeated site or group, or a site that takes the reserved name.
    """
    for name in ("site_id", "data_access_group"):
        values = [getattr(site, name) for site in sites]
        repeated = sorted({value for value in values if values.count(value) > 1})
        if repeated:
            raise ConfigurationError(
                "E_SITES",
                f"{name} {repeated[0]!r} stands in two [[sites]] entries.",
                fix="Name each site and group once.",
            )
    if any(site.site_id == UNASSIGNED for site in sites):
        raise ConfigurationError("E_SITES", f"The site_id {UNASSIGNED!r} is reserved.", fix="Choose another site_id.")
    return tuple(sorted(sites, key=lambda site: site.site_id))
