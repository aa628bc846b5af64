"""A proposal for a field map: which field of a foreign dictionary may feed which concept, with a score and the reason.

A proposal is for a person to judge: two columns more than a field map has keep it from being loaded as one. Compared are
names, labels, types and the labels of choices; nothing of a record.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from blin_pipeline.registry.dbt_macros import field_kind
from blin_pipeline.registry.dictionary import Dictionary, Field

#: Below this a pair is not proposed. Weights and bound were chosen on renamed copies of the study's dictionary.
LEAST_SCORE = 0.45
_SAME_LABEL = 0.85
_WORD = re.compile(r"[a-z0-9]+")
_FILLER = frozenset({"a", "an", "and", "at", "date", "if", "in", "is", "of", "on", "or", "the", "this", "to"})
#: Kinds of source that a kind of concept can be read from as it stands or through a translation.
_READABLE = {
    "date": {"date", "text"},
    "datetime": {"datetime", "text"},
    "integer": {"integer", "number", "text", "calc"},
    "number": {"integer", "number", "text", "calc"},
    "calc": {"integer", "number", "text", "calc"},
    "code": {"code", "text"},
    "checkbox": {"checkbox"},
    "text": {"text", "code", "number", "integer"},
}


class Proposal(NamedTuple):
    """One row of a draft.

    Attributes:
        concept: Canonical field.
        source_form: Instrument of the source, empty without a candidate.
        source_field: Proposed field, empty without a candidate.
        transform: ``as_is``, ``recode`` or ``absent``.
        codes: Translation of codes, ``raw=canonical;...``.
        score: 0 to 1; 0 without a candidate.
        why: What the score rests on, and what needs a look.
    """

    concept: str
    source_form: str
    source_field: str
    transform: str
    codes: str
    score: float
    why: str


class _Likeness(NamedTuple):
    score: float
    name: float
    label: float
    choices: float | None


def draft_map(registry: Dictionary, source: Dictionary, *, least_score: float = LEAST_SCORE) -> list[Proposal]:
    """Propose a source field for every concept that a source of that name does not feed already.

    Each source field is proposed once, for the concept that it is most like; ties fall to the order of the dictionaries.

    Args:
        registry: The canonical dictionary.
        source: The foreign dictionary.
        least_score: Pairs below it are not proposed.

    Returns:
        Rows in the order of the registry's dictionary.
    """
    wanted = [f for f in registry.fields[1:] if f.export_names() and not _is_same(f, source.field(f.field_name))]
    settled = {f.field_name for f in registry.fields[1:] if _is_same(f, source.field(f.field_name))}
    offered = [f for f in source.fields[1:] if f.export_names() and f.field_name not in settled]
    pairs = [
        (likeness.score, -i, -j, concept, candidate, likeness)
        for i, concept in enumerate(wanted)
        for j, candidate in enumerate(offered)
        if (likeness := _likeness(concept, candidate)).score >= least_score
    ]
    chosen: dict[str, tuple[Field, _Likeness]] = {}
    taken: set[str] = set()
    for *_, concept, candidate, likeness in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        if concept.field_name not in chosen and candidate.field_name not in taken:
            chosen[concept.field_name] = (candidate, likeness)
            taken.add(candidate.field_name)
    return [_proposal(concept, *chosen.get(concept.field_name, (None, None))) for concept in wanted]


def _is_same(concept: Field, candidate: Field | None) -> bool:
    """Whether a field of the same name can be read without a row."""
    return (
        candidate is not None
        and (concept.field_type, concept.validation) == (candidate.field_type, candidate.validation)
        and {code: _plain(label) for code, label in concept.choices.items()}
        == {code: _plain(label) for code, label in candidate.choices.items()}
    )


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _likeness(concept: Field, candidate: Field) -> _Likeness:
    if field_kind(candidate) not in _READABLE[field_kind(concept)]:
        return _Likeness(0.0, 0.0, 0.0, None)
    name = max(
        SequenceMatcher(None, concept.field_name, candidate.field_name).ratio(),
        _shared(concept.field_name.replace("_", " "), candidate.field_name.replace("_", " ")),
    )
    label = max(
        _shared(concept.field_label, candidate.field_label),
        SequenceMatcher(None, _plain(concept.field_label), _plain(candidate.field_label)).ratio(),
    )
    if not concept.choices or not candidate.choices:
        exact = field_kind(concept) == field_kind(candidate)
        return _Likeness(round((0.4 * name + 0.6 * label) * (1.0 if exact else 0.85), 3), name, label, None)
    matched = len(_code_pairs(concept, candidate))
    choices = matched / max(len(concept.choices), len(candidate.choices))
    return _Likeness(round(0.25 * name + 0.4 * label + 0.35 * choices, 3), name, label, choices)


def _shared(one: str, other: str) -> float:
    """Share of words that two texts have in common, fillers left out."""
    words, others = ({*_WORD.findall(text.casefold())} - _FILLER for text in (one, other))
    return len(words & others) / len(words | others) if words and others else 0.0


def _code_pairs(concept: Field, candidate: Field) -> dict[str, str]:
    """Source code -> canonical code, by labels: the most alike first, equal codes break ties."""
    pairs = sorted(
        (
            (SequenceMatcher(None, _plain(label), _plain(known)).ratio(), raw == code, -i, raw, code)
            for i, (raw, label) in enumerate(candidate.choices.items())
            for code, known in concept.choices.items()
        ),
        reverse=True,
    )
    found: dict[str, str] = {}
    for ratio, _, _, raw, code in pairs:
        if ratio >= _SAME_LABEL and raw not in found and code not in found.values():
            found[raw] = code
    return {raw: found[raw] for raw in candidate.choices if raw in found}


def _proposal(concept: Field, candidate: Field | None, likeness: _Likeness | None) -> Proposal:
    if candidate is None or likeness is None:
        return Proposal(concept.field_name, "", "", "absent", "", 0.0, f"no candidate for {concept.field_label!r}")
    why = [f"name {likeness.name:.2f}", f"label {likeness.label:.2f}", f"label {candidate.field_label!r}"]
    transform, codes = "as_is", ""
    if concept.choices and not candidate.choices:
        why.append("free text where the concept has codes: write the translation")
    elif concept.choices:
        pairs = _code_pairs(concept, candidate)
        unmatched = [code for code in candidate.choices if code not in pairs]
        why.append(f"choices {likeness.choices or 0:.2f}")
        if unmatched:
            why.append(f"translate or leave out {', '.join(unmatched)}")
        if pairs and (unmatched or any(raw != code for raw, code in pairs.items())):
            transform, codes = "recode", ";".join(f"{raw}={code}" for raw, code in pairs.items())
    elif field_kind(candidate) != field_kind(concept):
        why.append(f"{field_kind(candidate)} where the concept is {field_kind(concept)}")
    name, form = candidate.field_name, candidate.form_name
    return Proposal(concept.field_name, form, name, transform, codes, likeness.score, "; ".join(why))
