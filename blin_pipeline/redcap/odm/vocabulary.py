"""Words that the project XML has and the API has not.

Source: ``docs/redcap.md`` section 15, and project files of REDCap 8.1 to 15.2.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Name spaces for element paths.
NAMES: dict[str, str] = {"redcap": "redcap"}
#: Field type in the project XML -> in the dictionary, where they differ.
FIELD_TYPES: Mapping[str, str] = {"textarea": "notes", "select": "dropdown"}
#: Validation in the project XML -> in the dictionary, where they differ.
VALIDATIONS: Mapping[str, str] = {"int": "integer", "float": "number"}
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
