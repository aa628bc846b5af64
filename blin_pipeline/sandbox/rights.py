"""What the user behind a token may see: API rights, per-form export rights, Data Access Group, de-identification.

Source: ``docs/redcap.md`` section 7. Everything hidden is hidden silently, as the real server does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from blin_pipeline.registry.dictionary import Field

_DATE_VALIDATIONS = ("date_", "datetime_")


class ExportRight(IntEnum):
    """Per-form export right, with REDCap's own codes."""

    NONE = 0
    FULL = 1
    DEIDENTIFIED = 2
    WITHOUT_IDENTIFIERS = 3


@dataclass(frozen=True)
class TokenRights:
    """Rights of one user in one project; a token is exactly that.

    Attributes:
        username: Name that appears in the log.
        api_export: API Export right.
        api_import: API Import/Update right.
        record_delete: Delete Record right.
        export_right: Export right on every form that ``form_export_rights`` does not name.
        form_export_rights: Form -> export right.
        data_access_group: Unique name of the group the user is bound to, ``""`` for none.
        data_access_groups: Right to manage Data Access Groups, needed to export them.
        logging: Right to read the log.
    """

    username: str = "sandbox_api"
    api_export: bool = True
    api_import: bool = False
    record_delete: bool = False
    export_right: ExportRight = ExportRight.FULL
    form_export_rights: Mapping[str, ExportRight] = field(default_factory=dict)
    data_access_group: str = ""
    data_access_groups: bool = True
    logging: bool = True

    @property
    def has_api_right(self) -> bool:
        """Whether the token opens the API at all."""
        return self.api_export or self.api_import

    def on_form(self, form: str) -> ExportRight:
        """Export right on one form."""
        return self.form_export_rights.get(form, self.export_right)

    def may_see_group(self, group: str) -> bool:
        """Whether records of that Data Access Group exist for this user."""
        return not self.data_access_group or group == self.data_access_group


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
