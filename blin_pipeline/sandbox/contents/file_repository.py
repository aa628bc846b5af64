"""The project's file repository. Source: ``docs/redcap.md`` section 3 (``content=fileRepository``)."""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Answer, Call, nothing, table
from blin_pipeline.sandbox.contents.files import file_answer, uploaded
from blin_pipeline.sandbox.formats import CONTENT_TYPES, Cell, php_json
from blin_pipeline.sandbox.protocol import ApiError, bad_parameter
from blin_pipeline.sandbox.setup import Folder

_NO_FOLDER = (
    "The File Repository folder folder_id={} does not exist or else you do not have permission to that folder because it "
    "is DAG-restricted or Role-restricted."
)
_NAME_LENGTH = 150


def create_folder(call: Call) -> Answer:
    """Make a folder; the answer is its number."""
    project, request = call.project, call.request
    parent = _folder(call)
    name = request.text("name").strip()
    if not name or len(name) > _NAME_LENGTH:
        raise bad_parameter("name")
    dag_id, role_id = _number(call, "dag_id"), _number(call, "role_id")
    if dag_id and dag_id not in {group.group_id for group in project.groups}:
        raise bad_parameter("dag_id")
    if role_id and role_id not in {role.role_id for role in project.roles.values()}:
        raise bad_parameter("role_id")
    number = project.new_id("folder")
    project.folders[number] = Folder(number, name, parent, dag_id, role_id)
    call.log_change("Create folder in File Repository (API)")
    return table(call, ["folder_id"], [[number]])


def listing(call: Call) -> Answer:
    """Folders, then files, of one level; restrictions only where there are any."""
    project, level = call.project, _folder(call)
    shown = [folder for folder in project.folders.values() if folder.parent == level and _may_open(call, folder)]
    files = [number for number, folder_id in project.repository.items() if folder_id == level]
    if call.request.answer_format == "json":
        objects: list[dict[str, Cell]] = [
            {"folder_id": folder.folder_id, "name": folder.name, **_restrictions(folder)} for folder in shown
        ]
        objects += [{"doc_id": number, "name": project.files[number].name} for number in files]
        return Answer(php_json(objects), CONTENT_TYPES["json"])
    rows: list[list[Cell]] = [
        [folder.folder_id, "", folder.name, folder.role_id or "", folder.dag_id or ""] for folder in shown
    ]
    rows += [["", number, project.files[number].name, "", ""] for number in files]
    return table(call, ["folder_id", "doc_id", "name", "role", "dag"], rows)


def export_document(call: Call) -> Answer:
    """A repository file's bytes."""
    number = _document(call)
    return file_answer(call.project.files[number])


def import_document(call: Call) -> Answer:
    """Keep the uploaded part ``file`` in a folder."""
    folder, file = _folder(call), uploaded(call)
    call.project.repository[call.project.keep_file(file)] = folder
    call.log_change("Upload file to File Repository (API)")
    return nothing(call)


def delete_document(call: Call) -> Answer:
    """Take a file out of the repository."""
    number = _document(call)
    del call.project.repository[number]
    del call.project.files[number]
    call.log_change("Delete file from File Repository (API)")
    return nothing(call)


def _restrictions(folder: Folder) -> dict[str, Cell]:
    found = {"role": folder.role_id, "dag": folder.dag_id}
    return {name: number for name, number in found.items() if number}


def _number(call: Call, name: str) -> int:
    value = call.request.text(name).strip()
    if value and not value.isdigit():
        raise bad_parameter(name)
    return int(value or 0)


def _folder(call: Call) -> int:
    """Number of the folder that the request names, 0 at the top; one that the user may open, up to the top."""
    asked = call.request.text("folder_id").strip()
    number = int(asked) if asked.isdigit() else -1 if asked else 0
    level = number
    while level:
        folder = call.project.folders.get(level)
        if folder is None or not _may_open(call, folder):
            raise ApiError(400, _NO_FOLDER.format(asked))
        level = folder.parent
    return number


def _may_open(call: Call, folder: Folder) -> bool:
    project, rights = call.project, call.rights
    group = next((item.group_id for item in project.groups if item.unique_name == rights.data_access_group), 0)
    user = project.users.get(rights.username)
    role = project.roles.get(user.role) if user is not None else None
    fits_group = not folder.dag_id or not group or folder.dag_id == group
    return fits_group and (not folder.role_id or role is None or role.role_id == folder.role_id)


def _document(call: Call) -> int:
    number = _number(call, "doc_id")
    folder_id = call.project.repository.get(number)
    if folder_id is None:
        raise ApiError(400, f"The file doc_id={number} does not exist in the File Repository")
    folder = call.project.folders.get(folder_id)
    while folder is not None:
        if not _may_open(call, folder):
            raise ApiError(400, _NO_FOLDER.format(folder.folder_id))
        folder = call.project.folders.get(folder.parent)
    return number
