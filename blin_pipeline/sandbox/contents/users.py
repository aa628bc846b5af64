"""Users, user roles and who has which role. Source: ``docs/redcap.md`` section 3."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from blin_pipeline.sandbox.contents.call import Answer, Call, chosen, count, table
from blin_pipeline.sandbox.contents.groups import check_users_and_groups
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.contents.privileges import (
    FormRights,
    changed,
    entry_codes,
    export_codes,
    rights_table,
)
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.protocol import ApiError, unknown_values
from blin_pipeline.sandbox.rights import FLAGS, EntryRight, ExportRight, Privileges, Role, User

_GROUP = ("data_access_group", "data_access_group_id", "data_access_group_label")
_PERSON = ("email", "firstname", "lastname", "expiration")
_ROLE_FLAGS = (*FLAGS[:-3], *reversed(FLAGS[-3:]))
_LETTERS = "ABCDEFGHJKLMNPRTWXYZ346789"
_NO_PRIVILEGE = Privileges(export_right=ExportRight.NONE, entry_right=EntryRight.NONE)


def users(call: Call) -> Answer:
    """Users by name, each with the rights in force: the role's, else the user's own."""
    project = call.project
    group_of = {group.unique_name: group for group in project.groups}
    shown = 3 if call.settings.shows_group_labels else 2
    columns = ["username", *_PERSON, *_GROUP[:shown], *FLAGS]
    rows: list[list[Cell | FormRights]] = []
    for name in sorted(project.users):
        user, rights = project.users[name], project.rights_of(name)
        if rights is None:
            continue
        group = group_of.get(user.data_access_group)
        rows.append(
            [
                name,
                *(getattr(user, part) for part in _PERSON),
                *((group.unique_name, group.group_id, group.label) if group else ("", "", ""))[:shown],
                *(int(getattr(rights, flag)) for flag in FLAGS),
                entry_codes(call, rights),
                export_codes(call, rights),
            ]
        )
    return rights_table(call, [*columns, "forms", "forms_export"], rows)


def import_users(call: Call) -> Answer:
    """Add users or change those named; a new user starts without any right."""
    project = call.project
    rows = rows_of(call.request)
    if any(not row.get("username", "").strip() for row in rows):
        raise ApiError(400, "Each user must have a username")
    groups = {group.unique_name for group in project.groups}
    unknown = [name for row in rows if (name := row.get("data_access_group", "")) and name not in groups]
    if unknown:
        raise unknown_values("data_access_group", unknown)
    old = [project.users.get(row["username"].strip()) or User(row["username"].strip(), _NO_PRIVILEGE) for row in rows]
    new = [replace(user, privileges=changed(call, user.privileges, row)) for user, row in zip(old, rows, strict=True)]
    for user, row in zip(new, rows, strict=True):
        person = {part: row[part] for part in (*_PERSON, "data_access_group") if part in row}
        action = "Edit user" if user.username in project.users else "Add user"
        project.users[user.username] = replace(user, **person)  # type: ignore[arg-type]  # text fields of a user
        project.write("user", f"{action} {user.username}", f"user = '{user.username}'", "", call.rights.username)
    return count(call, len(rows))


def delete_users(call: Call) -> Answer:
    """Remove users; their tokens open nothing any more."""
    project = call.project
    gone = chosen(call, "users", sorted(project.users))
    for name in dict.fromkeys(gone):
        del project.users[name]
        project.write("user", f"Delete user {name}", f"user = '{name}'", "", call.rights.username)
    return count(call, len(set(gone)))


def roles(call: Call) -> Answer:
    """User roles in order of creation; flags as text."""
    rows: list[list[Cell | FormRights]] = [
        [
            role.unique_name,
            role.label,
            *(str(int(getattr(role.privileges, flag))) for flag in _ROLE_FLAGS),
            entry_codes(call, role.privileges),
            export_codes(call, role.privileges),
        ]
        for role in sorted(call.project.roles.values(), key=lambda role: role.role_id)
    ]
    return rights_table(call, ["unique_role_name", "role_label", *_ROLE_FLAGS, "forms", "forms_export"], rows)


def import_roles(call: Call) -> Answer:
    """Add roles (blank unique name) or change those named."""
    project = call.project
    rows = rows_of(call.request)
    unknown = [name for row in rows if (name := row.get("unique_role_name", "")) and name not in project.roles]
    if unknown:
        raise unknown_values("unique_role_name", unknown)
    if any(not row.get("role_label", "").strip() for row in rows if not row.get("unique_role_name", "")):
        raise ApiError(400, "Each role must have a role_label")
    prepared = []
    for row in rows:
        old = project.roles.get(row.get("unique_role_name", ""))
        prepared.append((old, row.get("role_label", ""), changed(call, old.privileges if old else _NO_PRIVILEGE, row)))
    for old, label, privileges in prepared:
        if old is not None:
            role = replace(old, label=label or old.label, privileges=privileges)
        else:
            number = project.new_id("role")
            role = Role(_role_name(project.project_id, number), label, number, privileges)
        project.roles[role.unique_name] = role
        action = "Edit user role" if old is not None else "Create user role"
        project.write("user", action, f"role = '{role.label}'", "", call.rights.username)
    return count(call, len(rows))


def delete_roles(call: Call) -> Answer:
    """Delete roles; their users fall back to their own rights."""
    project = call.project
    gone = set(chosen(call, "roles", sorted(project.roles)))
    for name in sorted(gone):
        label = project.roles.pop(name).label
        project.write("user", "Delete user role", f"role = '{label}'", "", call.rights.username)
    for user in list(project.users.values()):
        if user.role in gone:
            project.users[user.username] = replace(user, role="")
    return count(call, len(gone))


def user_roles(call: Call) -> Answer:
    """Role and group of each user."""
    members = call.project.users
    rows: list[list[Cell]] = [[name, members[name].role, members[name].data_access_group] for name in sorted(members)]
    return table(call, ["username", "unique_role_name", "data_access_group"], rows)


def import_user_roles(call: Call) -> Answer:
    """Give users a role, or none with a blank; a group too where the row names one."""
    project = call.project
    rows = rows_of(call.request)
    check_users_and_groups(project, [(row.get("username", ""), row.get("data_access_group", "")) for row in rows])
    unknown = [name for row in rows if (name := row.get("unique_role_name", "")) and name not in project.roles]
    if unknown:
        raise unknown_values("unique_role_name", unknown)
    for row in rows:
        user = project.users[row["username"]]
        group = row.get("data_access_group", user.data_access_group)
        project.users[user.username] = replace(user, role=row.get("unique_role_name", ""), data_access_group=group)
    call.log_change("Import User-Role assignments (API)")
    return count(call, len(rows))


def _role_name(project_id: int, number: int) -> str:
    digest = hashlib.sha256(f"role {project_id} {number}".encode()).digest()
    return "U-" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])
