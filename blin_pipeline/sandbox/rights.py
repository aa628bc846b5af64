"""What the user behind a token may see and do: privileges, per-form rights, Data Access Group, de-identification.

Source: ``docs/redcap.md`` section 7. Everything hidden is hidden silently, as the real server does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum

from blin_pipeline.registry.dictionary import Field

_DATE_VALIDATIONS = ("date_", "datetime_")


class ExportRight(IntEnum):
    """Per-form export right, with REDCap's own codes."""

    NONE = 0
    FULL = 1
    DEIDENTIFIED = 2
    WITHOUT_IDENTIFIERS = 3


class EntryRight(IntEnum):
    """Per-form data-entry right, with the codes of REDCap before 15.6."""

    NONE = 0
    EDIT = 1
    READ = 2
    EDIT_RESPONSES = 3


@dataclass(frozen=True)
class Privileges:
    """What a user or a role may do in one project: REDCap's flags under their own names, then rights per form.

    A flag is 0 or 1 (``user_rights`` and ``lock_records`` also 2, read only).

    Attributes:
        export_right: Export right on every form that ``form_export_rights`` does not name.
        form_export_rights: Form -> export right.
        entry_right: Data-entry right on every form that ``form_entry_rights`` does not name.
        form_entry_rights: Form -> data-entry right.
    """

    design: int = 0
    alerts: int = 0
    user_rights: int = 0
    data_access_groups: int = 0
    reports: int = 0
    stats_and_charts: int = 0
    manage_survey_participants: int = 0
    calendar: int = 0
    data_import_tool: int = 0
    data_comparison_tool: int = 0
    logging: int = 0
    email_logging: int = 0
    file_repository: int = 0
    data_quality_create: int = 0
    data_quality_execute: int = 0
    api_export: int = 0
    api_import: int = 0
    api_modules: int = 0
    mobile_app: int = 0
    mobile_app_download_data: int = 0
    record_create: int = 0
    record_rename: int = 0
    record_delete: int = 0
    lock_records_all_forms: int = 0
    lock_records: int = 0
    lock_records_customization: int = 0
    export_right: ExportRight = ExportRight.FULL
    form_export_rights: Mapping[str, ExportRight] = field(default_factory=dict)
    entry_right: EntryRight = EntryRight.EDIT
    form_entry_rights: Mapping[str, EntryRight] = field(default_factory=dict)

    def on_form(self, form: str) -> ExportRight:
        """Export right on one form."""
        return self.form_export_rights.get(form, self.export_right)

    def entry_on_form(self, form: str) -> EntryRight:
        """Data-entry right on one form."""
        return self.form_entry_rights.get(form, self.entry_right)


#: The flags of :class:`Privileges` in the order of the user export.
FLAGS: tuple[str, ...] = tuple(item.name for item in fields(Privileges) if item.type == "int")
#: Every flag set, every form open.
EVERY_PRIVILEGE = Privileges(**dict.fromkeys(FLAGS, 1))  # type: ignore[arg-type]  # flags only


@dataclass(frozen=True)
class TokenRights(Privileges):
    """Rights of one user in one project; a token is exactly that. As it stands it may read, not change.

    Attributes:
        username: Name that appears in the log.
        data_access_group: Unique name of the group the user is bound to, ``""`` for none.
    """

    data_access_groups: int = 1
    logging: int = 1
    api_export: int = 1
    username: str = "sandbox_api"
    data_access_group: str = ""

    @classmethod
    def of(cls, privileges: Privileges, username: str, data_access_group: str = "") -> TokenRights:
        """Privileges as those of one user."""
        given = {item.name: getattr(privileges, item.name) for item in fields(Privileges)}
        return cls(**given, username=username, data_access_group=data_access_group)

    @property
    def privileges(self) -> Privileges:
        """The rights without their holder."""
        return Privileges(**{item.name: getattr(self, item.name) for item in fields(Privileges)})

    @property
    def has_api_right(self) -> bool:
        """Whether the token opens the API at all."""
        return bool(self.api_export or self.api_import)

    def may_see_group(self, group: str) -> bool:
        """Whether records of that Data Access Group exist for this user."""
        return not self.data_access_group or group == self.data_access_group


@dataclass(frozen=True)
class Role:
    """A user role.

    Attributes:
        unique_name: REDCap's name, as ``U-573AEYRNR8``.
        label: Name given by people.
        role_id: REDCap's number.
        privileges: What its users may do.
    """

    unique_name: str
    label: str
    role_id: int
    privileges: Privileges


@dataclass(frozen=True)
class User:
    """A user of a project.

    Attributes:
        username: Log-in name.
        privileges: What the user may do while in no role.
        role: Unique name of the role that rules instead, ``""`` for none.
        data_access_group: Unique name of the user's group, ``""`` for none.
        email: Address.
        firstname: First name.
        lastname: Last name.
        expiration: Last day, ``YYYY-MM-DD``, ``""`` for none.
    """

    username: str
    privileges: Privileges
    role: str = ""
    data_access_group: str = ""
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    expiration: str = ""


def is_hidden(definition: Field, right: ExportRight) -> bool:
    """Whether an export right removes a field's columns; the record id is never removed but hashed."""
    if right is ExportRight.NONE:
        return True
    if right is ExportRight.FULL:
        return False
    if definition.is_identifier:
        return True
    if right is ExportRight.WITHOUT_IDENTIFIERS:
        return False
    if definition.field_type == "notes":
        return True
    return definition.field_type == "text" and (
        not definition.validation or definition.validation.startswith(_DATE_VALIDATIONS)
    )


def hashed_record_id(project_id: int, record_id: str) -> str:
    """The 32 hex digits that stand for a record id which the user may not see."""
    return hashlib.md5(f"{project_id}:{record_id}".encode(), usedforsecurity=False).hexdigest()
