"""De-identification policy: which column of a table may leave the restricted zone, and how it is changed on the way.

The policy is ``study/deid.yml``. Default is deny: a column without a row is held back. Rules, order and reasons:
``docs/trust.md`` (zones, decision function, dates). SQL of the transforms: ``blin_pipeline.release.transforms``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.dictionary import Field as DictionaryField
from blin_pipeline.registry.files import STUDY_DIR, fault

ColumnClass = Literal["key", "site", "date", "quasi", "geo", "clinical", "technical", "free_text"]
#: Transform -> least and greatest number of arguments.
_TRANSFORMS: dict[str, tuple[int, int]] = dict.fromkeys(
    ("identity", "boolean", "count", "duration", "coded", "pattern", "pseudonym", "words", "rel_day", "month", "drop"),
    (0, 0),
) | {"year": (0, 1), "age_topcode": (1, 1), "bands": (2, 99), "round_to": (1, 1)}
#: Transforms that would give too much away beside a patient key.
_AGGREGATE_ONLY = frozenset({"month", "words"})
#: What must never fit a pattern: if one of these does, the pattern is no guard.
_PROBES = ("1970-01-31", "1970-01-31 10:00", "Jane Doe", "555-123-4567", "jane@example.org", "1234567")
#: Field types whose content nobody can foresee.
_OPEN_TYPES = frozenset({"file", "signature", "notes", "sql"})
_SENSITIVE_VALIDATION = re.compile(r"^(date|datetime|time|phone|email|zip|postal|ssn|mrn)")
_LEXICON = re.compile(
    r"(^|_)(name|initials|mrn|ssn|dob|birth|phone|fax|e?mail|address|street|city|zip\d?|ip|url|serial|photo|account|licen[cs]e)"
    r"(_|$)"
)


class Transform(BaseModel):
    """How a value changes on its way out: a name and its numbers, written ``round_to(5)``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: tuple[float, ...] = ()

    def __str__(self) -> str:
        """As written in the policy."""
        shown = ", ".join(f"{argument:g}" for argument in self.arguments)
        return f"{self.name}({shown})" if shown else self.name

    @property
    def is_transforming(self) -> bool:
        """Whether a value of an identifying field cannot come through as it stands."""
        return self.name not in {"identity", "drop"}


def _parse_transform(text: object) -> object:
    found = re.fullmatch(r"([a-z_]+)(?:\(([^()]*)\))?", text) if isinstance(text, str) else None
    if found is None or found.group(1) not in _TRANSFORMS:
        raise ValueError("not a transform; write for example: rel_day or round_to(5)")
    name, inner = found.group(1), found.group(2)
    try:
        arguments = tuple(float(part) for part in inner.split(",")) if inner else ()
    except ValueError:
        raise ValueError("the arguments of a transform are numbers") from None
    low, high = _TRANSFORMS[name]
    if not low <= len(arguments) <= high:
        raise ValueError(f"{name} takes {low} to {high} numbers, not {len(arguments)}")
    if list(arguments) != sorted(set(arguments)) or (name == "round_to" and arguments[0] <= 0):
        raise ValueError("the arguments of a transform rise, and a step is above 0")
    return {"name": name, "arguments": arguments}


class Override(BaseModel):
    """Somebody's signed decision to weaken a rule for one column or field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=10)
    approver: str = Field(min_length=2)
    date: date


class PolicyColumn(BaseModel):
    """One row of the policy: one column of a table of the warehouse.

    Attributes:
        column: Name in the warehouse.
        emit: Name in the release; the same when left out.
        transform: What happens to the value.
        sources: Fields of the dictionary it is derived from, ``form.field``.
        kind: Class of the content (key ``class`` in the file).
        code_set: Name of the set of allowed codes, for ``coded``.
        codes: Allowed codes, for ``coded``, where no other column shares them.
        pattern: Regular expression that a whole value must fit, for ``pattern``.
        null_when: Column of the same table -> values for which this column is emptied.
        not_at_cut: Empty the value where it ends on the day of the data cut: cut minus value would be the diagnosis date.
        override: Permission to pass an identifying field as it stands.
        description: What the released column means; the warehouse's own comment when left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    column: str
    emit: str = ""
    transform: Annotated[Transform, BeforeValidator(_parse_transform)]
    sources: tuple[str, ...] = ()
    kind: ColumnClass = Field(alias="class")
    code_set: str = ""
    codes: tuple[str, ...] = ()
    pattern: str = ""
    null_when: dict[str, tuple[str, ...]] = {}
    not_at_cut: bool = False
    override: Override | None = None
    description: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> PolicyColumn:
        if (self.transform.name == "coded") != bool(self.code_set or self.codes):
            raise ValueError("codes or code_set stand with the transform coded, and only there")
        if self.not_at_cut and self.transform.name not in {"rel_day", "duration"}:
            raise ValueError("not_at_cut stands with rel_day or duration only")
        if (self.transform.name == "pattern") != bool(self.pattern):
            raise ValueError("a pattern stands with the transform pattern, and only there")
        if self.pattern:
            try:
                guard = re.compile(self.pattern)
            except re.error:
                raise ValueError("the pattern is no regular expression") from None
            if any(guard.fullmatch(probe) for probe in _PROBES):
                raise ValueError("the pattern lets a date, a name, a telephone number or an e-mail address pass")
        return self

    @property
    def released_name(self) -> str:
        """Name of the column in the release."""
        return self.emit or self.column


class PolicyTable(BaseModel):
    """One table: what its rows are, and its columns.

    Attributes:
        rows: ``subject``: rows of patients; ``aggregate``: already counts; ``counted``: rows of patients that leave as counts
            only, one row per combination of the columns with ``n_rows``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Literal["subject", "aggregate", "counted"]
    description: str = ""
    columns: tuple[PolicyColumn, ...] = Field(min_length=1)


class LeaveOut(BaseModel):
    """Patients that no release may hold: a reason and the codes that mean it (column of the subject table -> codes)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(pattern=r"^[a-z_]+$")
    where: dict[str, tuple[str, ...]] = Field(min_length=1)


class Subjects(BaseModel):
    """Who may be in a release.

    Attributes:
        table: Subject table, ``schema.table``.
        key: Its key, shared by every table of patient rows.
        origin: Date that counts as day 0.
        leave_out: Reasons to leave a patient out; the first that holds is counted.
        keep: A patient stays only if one of these holds.
        otherwise: Reason counted for a patient whom nothing keeps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    key: str
    origin: str
    leave_out: tuple[LeaveOut, ...]
    keep: tuple[dict[str, tuple[str, ...]], ...] = Field(min_length=1)
    otherwise: str = Field(pattern=r"^[a-z_]+$")


class Policy(BaseModel):
    """The whole policy.

    Attributes:
        subjects: Who may be in a release.
        code_sets: Shared sets of allowed codes.
        source_sets: Shared lists of sources, which columns refer to by YAML alias.
        free_text_ok: Fields of open text that may be used all the same, each with its reason.
        tables: ``schema.table`` -> rows of the policy.
        drop: Fields, and tables (``*`` allowed), that are never released, decided on purpose.
        approved: Field -> fingerprint of its type and choices when the policy was approved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    default: Literal["deny"]
    subjects: Subjects
    code_sets: dict[str, tuple[str, ...]] = {}
    source_sets: dict[str, tuple[str, ...]] = {}
    free_text_ok: dict[str, Override] = {}
    tables: dict[str, PolicyTable]
    drop: tuple[str, ...] = ()
    approved: dict[str, str] = {}

    @model_validator(mode="after")
    def _is_whole(self) -> Policy:
        short = [table.partition(".")[2] for table in self.tables]
        if len(set(short)) != len(short) or not all(short):
            raise ValueError("tables are named schema.table, and no two share the name after the point")
        for table, rows in self.tables.items():
            names = [column.released_name for column in rows.columns if column.transform.name != "drop"]
            for column in rows.columns:
                if names.count(column.released_name) > 1:
                    raise ValueError(f"{table}: two columns are released as {column.released_name}")
                if column.code_set and column.code_set not in self.code_sets:
                    raise ValueError(f"{table}.{column.column}: no code set of that name")
                if rows.rows == "subject" and column.transform.name in _AGGREGATE_ONLY:
                    raise ValueError(f"{table}.{column.column}: {column.transform} is for tables of counts only")
                if rows.rows != "subject" and (column.not_at_cut or column.transform.name == "rel_day"):
                    raise ValueError(f"{table}.{column.column}: days from diagnosis need rows of patients")
                if rows.rows == "subject" and column.kind not in {"technical", "site"} and not column.sources:
                    raise ValueError(f"{table}.{column.column}: names no source field")
                for source in column.sources:
                    if source not in self.approved:
                        raise ValueError(f"{table}.{column.column}: {source} stands not under approved")
        return self

    def codes(self, column: PolicyColumn) -> tuple[str, ...]:
        """Allowed codes of a coded column."""
        return self.code_sets[column.code_set] if column.code_set else column.codes

    @property
    def sha256(self) -> str:
        """Hash over the content, whatever the file's layout and comments."""
        content = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


class Finding(NamedTuple):
    """Something a reviewer should see; never a value.

    Attributes:
        code: Stable code, lower case.
        where: Field (``form.field``) or column (``schema.table.column``).
        n: How many values or rows, 1 for a fact about the field or column itself.
    """

    code: str
    where: str
    n: int = 1


class Decision(NamedTuple):
    """What happens to one field of the dictionary, and what a reviewer should know about it."""

    outcome: Literal["emit", "hold", "drop"]
    finding: Finding | None = None


def fingerprint(field: DictionaryField) -> str:
    """Short hash over type, validation and choices of a field: what an approval was given for."""
    facts = [field.field_type, field.validation, list(field.choices.items())]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()[:12]


def is_sensitive(field: DictionaryField) -> bool:
    """Whether a field's value identifies by flag, by validation type (dates included) or by name."""
    flagged = field.is_identifier or bool(_SENSITIVE_VALIDATION.match(field.validation))
    return flagged or bool(_LEXICON.search(field.field_name))


def decide(field: DictionaryField, rows: Sequence[PolicyColumn], policy: Policy) -> Decision:
    """Decide about one field of the dictionary; the first rule that fits wins.

    Args:
        field: Field of the project's dictionary.
        rows: Rows of the policy that name the field as a source.
        policy: The policy, for waivers, approvals and fields dropped on purpose.

    Raises:
        ConfigurationError: ``E_POLICY_CONFLICT`` when a row passes an identifying field as it stands, no override.
    """
    source = f"{field.form_name}.{field.field_name}"
    used = [row for row in rows if row.transform.name != "drop"]
    is_open = field.field_type in _OPEN_TYPES or (field.field_type == "text" and not field.validation)
    if is_open and source not in policy.free_text_ok:
        return Decision("drop", Finding("free_text", source) if used else None)
    on_purpose = source in policy.drop or (bool(rows) and not used)
    if is_sensitive(field):
        if any(not row.transform.is_transforming and row.override is None for row in used):
            raise ConfigurationError(
                "E_POLICY_CONFLICT",
                f"deid.yml passes {source} as it stands, but the field identifies (flag, type or name).",
                fix="Give the column a transform, or an override with reason, approver and date.",
            )
        if not used:
            return Decision("drop", None if on_purpose else Finding("identifier_without_transform", source))
    if not used:
        return Decision("drop") if on_purpose else Decision("hold", Finding("column_not_in_policy", source))
    if policy.approved.get(source) != fingerprint(field):
        return Decision("hold", Finding("policy_stale", source))
    return Decision("emit")


def decide_all(policy: Policy, dictionary: Dictionary) -> dict[str, Decision]:
    """Decide about every field of a dictionary, and about every source that the policy names and the dictionary lacks.

    Raises:
        ConfigurationError: ``E_POLICY_CONFLICT``, see ``decide``.
    """
    rows: dict[str, list[PolicyColumn]] = {}
    for table in policy.tables.values():
        for column in table.columns:
            for source in column.sources:
                rows.setdefault(source, []).append(column)
    decisions = {}
    for field in dictionary.fields:
        source = f"{field.form_name}.{field.field_name}"
        decisions[source] = decide(field, rows.get(source, []), policy)
    for source in rows.keys() - decisions.keys():
        decisions[source] = Decision("hold", Finding("policy_stale", source))
    return dict(sorted(decisions.items()))


def approvals(dictionary: Dictionary, sources: Iterable[str]) -> dict[str, str]:
    """Fingerprints to write under ``approved`` after a review: source -> fingerprint in this dictionary."""
    known = {f"{field.form_name}.{field.field_name}": fingerprint(field) for field in dictionary.fields}
    return {source: known[source] for source in sorted(set(sources)) if source in known}


#: libyaml's loader where PyYAML brings it: the same answers, some twenty times faster on a file of this length.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):  # type: ignore[misc, valid-type]  # chosen when the module is imported
    """A key given twice is a fault, not the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _line(node: yaml.Node | None, path: Sequence[str | int]) -> int | None:
    """Line (from 1) of the deepest node that the path reaches."""
    line = None
    for step in (*path, None):
        if node is None:
            break
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step] if step < len(node.value) else None
        else:
            node = None
    return line


def load_policy(path: Path | None = None) -> Policy:
    """Read and validate the policy file.

    Args:
        path: File; the study's own policy when None.

    Raises:
        ConfigurationError: ``E_REGISTRY_FILE`` with line and place of the first fault.
    """
    path = path or STUDY_DIR / "deid.yml"
    try:
        text = path.read_bytes().decode("utf-8")
        content = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        fault(path, "the file does not exist")
    except UnicodeDecodeError:
        fault(path, "the file is not UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        fault(path, f"not readable as YAML ({error.problem})", row=mark.line + 1 if mark else None)
    if not isinstance(content, Mapping):
        fault(path, "not a policy: the top is no mapping", row=1)
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        fault(
            path,
            first["msg"].removeprefix("Value error, "),
            row=_line(yaml.compose(text, Loader=_SafeLoader), first["loc"]),
            column=place or None,
        )
