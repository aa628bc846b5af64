"""Data Access Groups and who is in them. Source: ``docs/redcap.md`` sections 3 and 7."""

from __future__ import annotations

from dataclasses import replace

from blin_pipeline.sandbox.contents.call import Answer, Call, chosen, count, table, text
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, bad_parameter, unknown_values
from blin_pipeline.sandbox.setup import Group, unique_group_name


def groups(call: Call) -> Answer:
    """Data Access Groups in order of creation."""
    rows: list[list[Cell]] = [[group.label, group.unique_name, group.group_id] for group in call.project.groups]
    return table(call, ["data_access_group_name", "unique_group_name", "data_access_group_id"], rows)


def import_groups(call: Call) -> Answer:
    """Add groups (blank unique name) or give known ones another label, and with it another unique name."""
    project = call.project
    rows = rows_of(call.request)
    known = _names(project)
    unknown = [name for row in rows if (name := row.get("unique_group_name", "")) and name not in known]
    if unknown:
        raise unknown_values("unique_group_name", unknown)
    if any(not row.get("data_access_group_name", "").strip() for row in rows):
        raise ApiError(400, "Each group must have a data_access_group_name")
    for row in rows:
        label, old_name = row["data_access_group_name"].strip(), row.get("unique_group_name", "")
        taken = _names(project) - {old_name}
        new_name = unique_group_name(label, taken)
        if old_name:
            project.groups = tuple(
                Group(label, new_name, group.group_id) if group.unique_name == old_name else group
                for group in project.groups
            )
            _reassign(project, old_name, new_name)
        else:
            project.groups = (*project.groups, Group(label, new_name, project.new_id("group")))
    call.log_change("Import DAGs (API)")
    return count(call, len(rows))


def delete_groups(call: Call) -> Answer:
    """Delete groups; their records and users are in none afterwards."""
    project = call.project
    gone = set(chosen(call, "dags", sorted(_names(project))))
    project.groups = tuple(group for group in project.groups if group.unique_name not in gone)
    for name in gone:
        _reassign(project, name, "")
    call.log_change("Delete DAGs (API)")
    return count(call, len(gone))


def switch_group(call: Call) -> Answer:
    """Move the calling user to another group, or out of all with a blank."""
    wanted = call.request.text("dag")
    if wanted and wanted not in _names(call.project):
        raise bad_parameter("dag")
    _put_user(call.project, call.rights.username, wanted)
    call.log_change("Switch DAG (API)")
    return text("1")


def user_groups(call: Call) -> Answer:
    """Group of each user."""
    users = call.project.users
    rows: list[list[Cell]] = [[name, users[name].data_access_group] for name in sorted(users)]
    return table(call, ["username", "redcap_data_access_group"], rows)


def import_user_groups(call: Call) -> Answer:
    """Put users into groups, or out of all with a blank."""
    project = call.project
    rows = rows_of(call.request)
    check_users_and_groups(
        project, [(row.get("username", ""), row.get("redcap_data_access_group", "")) for row in rows]
    )
    for row in rows:
        _put_user(project, row["username"], row.get("redcap_data_access_group", ""))
    call.log_change("Import User-DAG assignments (API)")
    return count(call, len(rows))


def check_users_and_groups(project: ProjectState, pairs: list[tuple[str, str]]) -> None:
    """Refuse user and group names that the project lacks.

    Raises:
        ApiError: 400.
    """
    strangers = [user for user, _ in pairs if user not in project.users]
    if strangers:
        raise unknown_values("username", strangers)
    unknown = [group for _, group in pairs if group and group not in _names(project)]
    if unknown:
        raise unknown_values("data_access_group", unknown)


def _names(project: ProjectState) -> set[str]:
    return {group.unique_name for group in project.groups}


def _put_user(project: ProjectState, username: str, group: str) -> None:
    project.users[username] = replace(project.users[username], data_access_group=group)


def _reassign(project: ProjectState, old_name: str, new_name: str) -> None:
    for record in project.records.values():
        if record.group == old_name:
            record.group = new_name
    for user in list(project.users.values()):
        if user.data_access_group == old_name:
            _put_user(project, user.username, new_name)
