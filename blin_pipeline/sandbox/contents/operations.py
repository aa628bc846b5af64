"""Which request is answered by what, with which right, and how it is logged.

Source: ``docs/redcap.md`` sections 2, 3 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from blin_pipeline.sandbox.contents import (
    designations,
    dictionary,
    document,
    events,
    file_repository,
    files,
    groups,
    log,
    pdf,
    project_info,
    record,
    surveys,
    users,
)
from blin_pipeline.sandbox.contents.call import Handler
from blin_pipeline.sandbox.protocol import (
    NO_DELETE_RIGHT,
    NO_EXPORT_RIGHT,
    NO_GROUP_RIGHT,
    NO_IMPORT_RIGHT,
    NO_LOGGING_RIGHT,
    ApiError,
)
from blin_pipeline.sandbox.rights import TokenRights

ApiRight = Literal["api_export", "api_import", "record_delete"]

_REFUSALS: Mapping[ApiRight, str] = {
    "api_export": NO_EXPORT_RIGHT,
    "api_import": NO_IMPORT_RIGHT,
    "record_delete": NO_DELETE_RIGHT,
}
_PRIVILEGE_NAMES = {
    "design": "Project Design and Setup",
    "user_rights": "User Rights",
    "data_access_groups": "Data Access Groups",
    "manage_survey_participants": "Survey Distribution Tools",
    "file_repository": "File Repository",
    "logging": "Logging",
    "reports": "Reports",
    "record_create": "Create Records",
    "record_rename": "Rename Records",
}


class Operation(NamedTuple):
    """One thing that the API can do.

    Attributes:
        handler: Does it.
        right: API right that it needs.
        privilege: Further privilege that it needs, a name of :data:`~blin_pipeline.sandbox.rights.FLAGS`.
        logged_as: Details of the line that a reading leaves; ``""`` for none, or where the handler writes its own.
    """

    handler: Handler
    right: ApiRight
    privilege: str = ""
    logged_as: str = ""

    def check(self, rights: TokenRights) -> None:
        """Refuse a user without the rights.

        Raises:
            ApiError: 403, or 400 for the group right, as recorded.
        """
        if not getattr(rights, self.right):
            raise ApiError(403, _REFUSALS[self.right])
        if not self.privilege or getattr(rights, self.privilege):
            return
        if self.privilege == "data_access_groups" and self.right == "api_export":
            raise ApiError(400, NO_GROUP_RIGHT)
        if self.privilege == "logging":
            raise ApiError(403, NO_LOGGING_RIGHT)
        api = "API Export" if self.right == "api_export" else "API Import/Update"
        raise ApiError(
            400 if self.privilege == "data_access_groups" else 403,
            f"Insufficient user privileges: You must have '{api}' privileges and '{_PRIVILEGE_NAMES[self.privilege]}' "
            "privileges in the project.",
        )


def _reading(handler: Handler, logged_as: str = "", privilege: str = "") -> Operation:
    return Operation(handler, "api_export", privilege, logged_as)


def _change(handler: Handler, privilege: str = "") -> Operation:
    return Operation(handler, "api_import", privilege)


#: Content type and verb (see :attr:`~blin_pipeline.sandbox.protocol.ApiRequest.verb`) -> what answers.
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("version", "export"): _reading(project_info.version),
    ("project", "export"): _reading(project_info.project_info, "Export project information (API)"),
    ("project_settings", "import"): _change(project_info.import_settings, "design"),
    ("metadata", "export"): _reading(dictionary.metadata, "Download data dictionary (API)"),
    ("metadata", "import"): _change(dictionary.import_metadata, "design"),
    ("instrument", "export"): _reading(dictionary.instrument, "Export instruments (API)"),
    ("exportFieldNames", "export"): _reading(dictionary.field_names, "Export field names (API)"),
    ("arm", "export"): _reading(events.arms, "Export arms (API)"),
    ("arm", "import"): _change(events.import_arms, "design"),
    ("arm", "delete"): _change(events.delete_arms, "design"),
    ("event", "export"): _reading(events.events, "Export events (API)"),
    ("event", "import"): _change(events.import_events, "design"),
    ("event", "delete"): _change(events.delete_events, "design"),
    ("formEventMapping", "export"): _reading(designations.mappings, "Export instrument-event mappings (API)"),
    ("formEventMapping", "import"): _change(designations.import_mappings, "design"),
    ("repeatingFormsEvents", "export"): _reading(
        designations.repeating, "Export repeating instruments and events (API)"
    ),
    ("repeatingFormsEvents", "import"): _change(designations.import_repeating, "design"),
    ("dag", "export"): _reading(groups.groups, "Export DAGs (API)", "data_access_groups"),
    ("dag", "import"): _change(groups.import_groups, "data_access_groups"),
    ("dag", "delete"): _change(groups.delete_groups, "data_access_groups"),
    ("dag", "switch"): _change(groups.switch_group),
    ("userDagMapping", "export"): _reading(
        groups.user_groups, "Export User-DAG assignments (API)", "data_access_groups"
    ),
    ("userDagMapping", "import"): _change(groups.import_user_groups, "data_access_groups"),
    ("user", "export"): _reading(users.users, "Export users (API)"),
    ("user", "import"): _change(users.import_users, "user_rights"),
    ("user", "delete"): _change(users.delete_users, "user_rights"),
    ("userRole", "export"): _reading(users.roles, "Export user roles (API)", "user_rights"),
    ("userRole", "import"): _change(users.import_roles, "user_rights"),
    ("userRole", "delete"): _change(users.delete_roles, "user_rights"),
    ("userRoleMapping", "export"): _reading(users.user_roles, "Export User-Role assignments (API)", "user_rights"),
    ("userRoleMapping", "import"): _change(users.import_user_roles, "user_rights"),
    ("surveyLink", "export"): _reading(surveys.survey_link, "Download survey link (API)"),
    ("surveyQueueLink", "export"): _reading(surveys.survey_queue_link, "Download survey queue link (API)"),
    ("surveyAccessCode", "export"): _reading(surveys.access_code, "Download survey access code (API)"),
    ("surveyReturnCode", "export"): _reading(surveys.return_code, "Download survey return code (API)"),
    ("participantList", "export"): _reading(
        surveys.participants, "Download participant list (API)", "manage_survey_participants"
    ),
    ("file", "export"): _reading(files.export_file),
    ("file", "import"): _change(files.import_file),
    ("file", "delete"): _change(files.delete_file),
    ("fileRepository", "createfolder"): _change(file_repository.create_folder, "file_repository"),
    ("fileRepository", "list"): _reading(
        file_repository.listing, "Export list of File Repository (API)", "file_repository"
    ),
    ("fileRepository", "export"): _reading(
        file_repository.export_document, "Download file from File Repository (API)", "file_repository"
    ),
    ("fileRepository", "import"): _change(file_repository.import_document, "file_repository"),
    ("fileRepository", "delete"): _change(file_repository.delete_document, "file_repository"),
    ("pdf", "export"): _reading(pdf.export_pdf),
    ("log", "export"): _reading(log.export_log, "Export Logging (API)", "logging"),
    ("record", "export"): _reading(record.export),
    ("record", "import"): _change(record.import_records),
    ("record", "delete"): Operation(record.delete_records, "record_delete"),
    ("record", "rename"): _change(record.rename_record, "record_rename"),
    ("generateNextRecordName", "export"): _reading(record.next_name, "Generate next record name (API)"),
    ("project_xml", "export"): _reading(document.export_project, "Download project XML (API)"),
    ("report", "export"): _reading(record.report, "Export report (API)"),
}
#: Content types that exist.
CONTENTS: frozenset[str] = frozenset(content for content, _ in OPERATIONS)
