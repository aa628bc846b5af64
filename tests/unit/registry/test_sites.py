"""Sites and the data cut."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydantic import ValidationError

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.sites import DataCut, Site, check_sites


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("UTC", datetime(2026, 7, 1)),
        ("America/Chicago", datetime(2026, 7, 1, 5)),
        ("Asia/Tokyo", datetime(2026, 6, 30, 15)),
    ],
)
def test_cut_ends_with_the_day_of_its_zone(zone: str, moment: datetime) -> None:
    assert DataCut.end_of(date(2026, 6, 30), zone).moment_utc == moment


@pytest.mark.parametrize(
    "wrong",
    [
        {"site_id": "s 1"},
        {"site_id": ""},
        {"data_access_group": ""},
        {"time_zone": "Mars/Olympus"},
        {"activated": "soon"},
        {"colour": "blue"},
    ],
)
def test_wrong_site_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Site.model_validate({"site_id": "S01", "data_access_group": "g", **wrong})


def test_each_site_and_group_once() -> None:
    one, two = Site(site_id="S02", data_access_group="a"), Site(site_id="S01", data_access_group="b")
    assert check_sites([one, two]) == (two, one)
    for other in (Site(site_id="S02", data_access_group="c"), Site(site_id="S03", data_access_group="a")):
        with pytest.raises(ConfigurationError) as caught:
            check_sites([one, other])
        assert caught.value.code == "E_SITES"
    with pytest.raises(ConfigurationError):
        check_sites([Site(site_id="UNASSIGNED", data_access_group="x")])
