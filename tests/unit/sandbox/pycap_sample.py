"""The project that PyCap's own documentation talks about: its XML, and the calls that complete it. All synthetic."""

from __future__ import annotations

import io

import requests
from redcap.project import Project

from blin_pipeline.sandbox.contents.call import ServerSettings

SUPER_TOKEN = "0123456789ABCDEF" * 4
#: Address and version that the documentation was made with.
SETTINGS = ServerSettings(version="12.0.1", base_url="https://redcapdemo.vumc.org")
EVENT = "event_1_arm_1"


def _item(name: str, kind: str, data_type: str = "text", choices: str = "") -> str:
    variable = name.partition("___")[0]
    code_list = f'<CodeListRef CodeListOID="{name}.choices"/>' if choices else ""
    return (
        f'<ItemDef OID="{name}" Name="{name}" DataType="{data_type}" Length="999" redcap:Variable="{variable}" '
        f'redcap:FieldType="{kind}"><Question><TranslatedText>{variable.replace("_", " ").title()}</TranslatedText>'
        f"</Question>{code_list}</ItemDef>"
    )


def _choices(name: str, labels: dict[str, str], whole: str = "") -> str:
    variable = name.partition("___")[0]
    listed = "".join(
        f'<CodeListItem CodedValue="{code}"><Decode><TranslatedText>{label}</TranslatedText></Decode></CodeListItem>'
        for code, label in labels.items()
    )
    attribute = f' redcap:CheckboxChoices="{whole}"' if whole else ""
    return f'<CodeList OID="{name}.choices" Name="{name}" redcap:Variable="{variable}"{attribute}>{listed}</CodeList>'


def _subject(record: str, answer: str, second: str, file: str, status: str) -> str:
    values = {"record_id": record, "field_1": answer, "checkbox_field___1": "0", "checkbox_field___2": second}
    items = "".join(f'<ItemData ItemOID="{name}" Value="{value}"/>' for name, value in values.items())
    return (
        f'<SubjectData SubjectKey="{record}" redcap:RecordIdField="record_id"><StudyEventData '
        f'StudyEventOID="Event.{EVENT}" StudyEventRepeatKey="1" redcap:UniqueEventName="{EVENT}">'
        f'<FormData FormOID="Form.form_1" FormRepeatKey="1"><ItemGroupData ItemGroupOID="form_1.record_id" '
        f'ItemGroupRepeatKey="1">{items}<ItemDataBase64Binary ItemOID="upload_field" {file}</ItemDataBase64Binary>'
        f'<ItemData ItemOID="form_1_complete" Value="{status}"/></ItemGroupData></FormData></StudyEventData>'
        "</SubjectData>"
    )


def _event(number: int, forms: str) -> str:
    name = f"event_{number}_arm_1"
    return (
        f'<StudyEventDef OID="Event.{name}" Name="Event {number}" Type="Common" Repeating="No" '
        f'redcap:EventName="Event {number}" redcap:CustomEventLabel="" redcap:UniqueEventName="{name}" '
        f'redcap:ArmNum="1" redcap:ArmName="Arm 1" redcap:DayOffset="{number}" redcap:OffsetMin="0" '
        f'redcap:OffsetMax="0">{forms}</StudyEventDef>'
    )


_FORM_REF = '<FormRef FormOID="Form.form_1" OrderNumber="1" Mandatory="No" redcap:FormName="form_1"/>'
_OPTIONS = {"1": "Checked", "0": "Unchecked"}
_ITEMS = ("record_id", "field_1", "checkbox_field___1", "checkbox_field___2", "upload_field", "form_1_complete")
PROJECT_XML = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
    'xmlns:redcap="https://projectredcap.org" ODMVersion="1.3.1" CreationDateTime="2022-01-03T09:57:18" '
    'SourceSystem="REDCap" SourceSystemVersion="12.0.1">\n<Study OID="Project.Documented">\n<GlobalVariables>'
    "<StudyName>Documented</StudyName><redcap:RecordAutonumberingEnabled>1</redcap:RecordAutonumberingEnabled>"
    "<redcap:SurveysEnabled>1</redcap:SurveysEnabled><redcap:Purpose>0</redcap:Purpose><redcap:PurposeOther/>"
    "<redcap:MissingDataCodes/><redcap:RepeatingInstrumentsAndEvents>"
    f'<redcap:RepeatingEvent redcap:UniqueEventName="{EVENT}"/></redcap:RepeatingInstrumentsAndEvents>'
    '<redcap:SurveysGroup><redcap:Surveys form_name="form_1" title="Form 1"/></redcap:SurveysGroup>'
    '</GlobalVariables>\n<MetaDataVersion OID="Metadata.Documented" Name="Documented" redcap:RecordIdField="record_id">'
    + _event(1, _FORM_REF)
    + _event(2, "")
    + '<FormDef OID="Form.form_1" Name="Form 1" Repeating="No" redcap:FormName="form_1"><ItemGroupRef '
    'ItemGroupOID="form_1.record_id" Mandatory="No"/></FormDef><ItemGroupDef OID="form_1.record_id" Name="Form 1" '
    'Repeating="No">'
    + "".join(
        f'<ItemRef ItemOID="{name}" Mandatory="No" redcap:Variable="{name.partition("___")[0]}"/>' for name in _ITEMS
    )
    + "</ItemGroupDef>"
    + _item("record_id", "text")
    + _item("field_1", "yesno", "boolean", "yes")
    + _item("checkbox_field___1", "checkbox", "boolean", "yes")
    + _item("checkbox_field___2", "checkbox", "boolean", "yes")
    + _item("upload_field", "file")
    + _item("form_1_complete", "select", "text", "yes")
    + _choices("field_1", {"1": "Yes", "0": "No"})
    + _choices("checkbox_field___1", _OPTIONS, "1, Option 1|2, Option 2")
    + _choices("checkbox_field___2", _OPTIONS, "1, Option 1|2, Option 2")
    + _choices("form_1_complete", {"0": "Incomplete", "1": "Unverified", "2": "Complete"})
    + '</MetaDataVersion>\n</Study>\n<ClinicalData StudyOID="Project.Documented" '
    'MetaDataVersionOID="Metadata.Documented">'
    + _subject("1", "1", "1", 'redcap:DocName="test_upload.txt" redcap:MimeType="text/plain">dGVzdCB1cGxvYWQK', "2")
    + _subject("2", "0", "0", 'redcap:DocName="myupload.txt" redcap:MimeType="inode/x-empty">', "0")
    + "</ClinicalData>\n</ODM>"
)


def create(url: str) -> Project:
    """Create the project with a super token, as PyCap's own test set-up does it, and complete it through PyCap."""
    data = (
        "<?xml version='1.0' encoding='UTF-8' ?><item><project_title>PyCap</project_title><purpose>0</purpose></item>"
    )
    parameters = {"token": SUPER_TOKEN, "content": "project", "format": "xml", "data": data, "odm": PROJECT_XML}
    answer = requests.post(url, data=parameters, timeout=20)
    assert answer.status_code == 200
    project = Project(url, answer.text[-32:], timeout=20)
    creator = project.export_users()[0]
    granted = {"record_delete": 1, "record_rename": 1, "lock_records_all_forms": 1, "lock_records": 1}
    assert project.import_users([{**creator, **granted}]) == 1
    project.import_dags([{"data_access_group_name": "Test DAG", "unique_group_name": ""}])
    project.import_user_roles([{"role_label": "Test role", "forms": {"form_1": 2}}])
    (folder,) = project.create_folder_in_repository(name="test")
    project.import_file_into_repository("test.txt", io.StringIO("hello"))
    project.import_file_into_repository("test_in_folder.txt", io.StringIO("hello"), folder_id=folder["folder_id"])
    project.create_folder_in_repository(name="New Folder")
    return project
