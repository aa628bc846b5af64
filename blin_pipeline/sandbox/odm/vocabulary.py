"""Words that the project XML has and the API has not, both ways.

Source: ``docs/redcap.md`` section 12, and project files of REDCap 14.7 to 15.5.
"""

from __future__ import annotations

from collections.abc import Mapping

from blin_pipeline.registry.dictionary import Field

#: Name spaces for element paths.
NAMES: dict[str, str] = {"redcap": "redcap"}
#: Field type in the project XML -> in the dictionary, where they differ.
FIELD_TYPES: Mapping[str, str] = {"textarea": "notes", "select": "dropdown"}
#: Validation in the project XML -> in the dictionary, where they differ.
VALIDATIONS: Mapping[str, str] = {"int": "integer", "float": "number"}
XML_FIELD_TYPES: Mapping[str, str] = {word: name for name, word in FIELD_TYPES.items()}
XML_VALIDATIONS: Mapping[str, str] = {word: name for name, word in VALIDATIONS.items()}
#: ItemDef attribute -> dictionary column, where the text is the same on both sides.
FIELD_ATTRIBUTES: Mapping[str, str] = {
    "redcap:BranchingLogic": "branching_logic",
    "redcap:SectionHeader": "section_header",
    "redcap:FieldNote": "field_note",
    "redcap:CustomAlignment": "custom_alignment",
    "redcap:Identifier": "identifier",
    "redcap:RequiredField": "required_field",
    "redcap:MatrixGroupName": "matrix_group_name",
    "redcap:MatrixRanking": "matrix_ranking",
    "redcap:QuestionNum": "question_number",
    "redcap:FieldAnnotation": "field_annotation",
}
#: Field type -> ItemDef attribute that holds the text of the dictionary's choices column.
CHOICE_ATTRIBUTES: Mapping[str, str] = {
    "calc": "redcap:Calculation",
    "slider": "redcap:SliderLabels",
    "sql": "redcap:SqlQuery",
}
ACCESS_GROUP = "redcap_data_access_group"
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
