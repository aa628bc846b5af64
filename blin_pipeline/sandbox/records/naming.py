"""Names of new records. Source: ``docs/redcap.md`` sections 3 and 7."""

from __future__ import annotations

import re
from collections.abc import Collection

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import TokenRights

_GROUPED = re.compile(r"\d+-(\d+)")


def next_record_name(project: ProjectState, rights: TokenRights, taken: Collection[str] = ()) -> str:
    """The name that the server would give to the next record.

    The largest number plus one, ids that are no number not counted. For a user in a Data Access Group the group's
    number, a hyphen, and a counter that all groups share: ``331-1``, ``331-2``, ``332-3``.

    Args:
        project: The live project.
        rights: Rights of the token's user.
        taken: Names given but not stored yet.
    """
    names = [*project.records, *taken]
    group = next((item for item in project.groups if item.unique_name == rights.data_access_group), None)
    if group is None:
        return str(max((int(name) for name in names if name.isdecimal()), default=0) + 1)
    numbers = [int(match[1]) for name in names if (match := _GROUPED.fullmatch(name))]
    return f"{group.group_id}-{max(numbers, default=0) + 1}"
