"""Words that the project XML has and the API has not, where only the sandbox needs them.

Those that a reader needs are :mod:`blin_pipeline.redcap.odm.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Mapping

from blin_pipeline.redcap.odm.vocabulary import FIELD_TYPES, VALIDATIONS
from blin_pipeline.registry.dictionary import Field

XML_FIELD_TYPES: Mapping[str, str] = {word: name for name, word in FIELD_TYPES.items()}
XML_VALIDATIONS: Mapping[str, str] = {word: name for name, word in VALIDATIONS.items()}
STATUS_LABELS: Mapping[str, str] = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}


def data_type(definition: Field) -> str:
    """ODM data type of a field's values.

    Args:
        definition: The field.
    """
    if definition.field_type in {"yesno", "truefalse", "checkbox"}:
        return "boolean"
    if definition.field_type == "calc":
        return "float"
    if definition.field_type == "slider":
        return "integer"
    return _by_validation(definition.validation)


def _by_validation(validation: str) -> str:
    if validation == "integer":
        return "integer"
    if validation.startswith("number") and "comma" not in validation:
        return "float"
    if validation.startswith("datetime_seconds"):
        return "datetime"
    if validation.startswith("datetime"):
        return "partialDatetime"
    if validation.startswith("date_"):
        return "date"
    return "partialTime" if validation == "time" else "text"


#: Setting of the file -> key of the project information.
SETTINGS: Mapping[str, str] = {
    "RecordAutonumberingEnabled": "record_autonumbering_enabled",
    "CustomRecordLabel": "custom_record_label",
    "SecondaryUniqueField": "secondary_unique_field",
    "SchedulingEnabled": "scheduling_enabled",
    "SurveysEnabled": "surveys_enabled",
    "RandomizationEnabled": "randomization_enabled",
    "DisplayTodayNowButton": "display_today_now_button",
    "PreventBranchingEraseValues": "bypass_branching_erase_field_prompt",
    "Purpose": "purpose",
    "PurposeOther": "purpose_other",
    "ProjectNotes": "project_notes",
}
#: Attribute of a role -> flag of the user export.
ROLE_FLAGS: Mapping[str, str] = {
    "lock_record": "lock_records",
    "lock_record_multiform": "lock_records_all_forms",
    "lock_record_customize": "lock_records_customization",
    "data_import_tool": "data_import_tool",
    "data_comparison_tool": "data_comparison_tool",
    "data_logging": "logging",
    "email_logging": "email_logging",
    "file_repository": "file_repository",
    "user_rights": "user_rights",
    "data_access_groups": "data_access_groups",
    "graphical": "stats_and_charts",
    "reports": "reports",
    "design": "design",
    "alerts": "alerts",
    "calendar": "calendar",
    "api_export": "api_export",
    "api_import": "api_import",
    "api_modules": "api_modules",
    "mobile_app": "mobile_app",
    "mobile_app_download_data": "mobile_app_download_data",
    "record_create": "record_create",
    "record_rename": "record_rename",
    "record_delete": "record_delete",
    "participants": "manage_survey_participants",
    "data_quality_design": "data_quality_create",
    "data_quality_execute": "data_quality_execute",
}
