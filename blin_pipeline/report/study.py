"""The study report: page 1 as one self-contained HTML file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from blin_pipeline.errors import StorageError
from blin_pipeline.report import numbers, style, words
from blin_pipeline.report.blocks import (
    association,
    enrolment,
    exposure,
    headline,
    methods,
    patients,
    references,
    relapse,
    remission,
    safety,
    sites,
    survival,
)
from blin_pipeline.report.rows import Results, read_meta, read_results

_UNKNOWN: Final = "not recorded"
_UNSAFE_IN_CSS: Final = re.compile(r"[^A-Za-z0-9 .,:_-]")


def write_report(database: Path, out: Path) -> None:
    """Write the study report of a release.

    Args:
        database: ``analytic.duckdb`` of the release; only ``report.result`` and ``meta.release`` are read.
        out: The HTML file; its folder exists.

    Raises:
        StorageError: The file could not be written (``E_REPORT_WRITE``).
        DataError: The rows contradict themselves (``E_REPORT_ROWS``).
    """
    from blin_pipeline.release.reading import open_release_database

    with open_release_database(database) as connection:
        rows, meta = read_results(connection), read_meta(connection)
    page = render(rows, meta)
    try:
        out.write_bytes(page.encode("utf-8"))
    except OSError:
        raise StorageError(
            "E_REPORT_WRITE", "the report could not be written", fix="check free space and rights of the home folder"
        ) from None


def render(rows: Sequence[Mapping[str, Any]], meta: Mapping[str, str]) -> str:
    """The page as text: the same rows and meta give the same bytes.

    Args:
        rows: Records of ``report.result``, in any order.
        meta: ``meta.release`` as key to value; unknown keys are ignored, missing ones are named as not recorded.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    results = Results(rows)
    cut_month = meta.get("data_cut_month", "")
    blocks = [
        enrolment.flow_block(results),
        enrolment.accrual_block(results, cut_month),
        remission.block(results),
        survival.block(results),
        relapse.block(results),
        association.block(results),
        references.block(results),
        exposure.block(results),
        safety.block(results),
        patients.block(results),
        sites.site_block(results),
        sites.query_block(results),
        methods.block(results),
    ]
    blocks.append(methods.made_block(blocks))
    environment = Environment(
        loader=PackageLoader("blin_pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.globals["has_digit"] = lambda cell: any(character.isdigit() for character in cell)
    page = environment.get_template("study.html.j2").render(
        study=meta.get("study", _UNKNOWN),
        study_title=words.labels("study").get(meta.get("study", ""), "Registry report"),
        synthetic=meta.get("synthetic", "").lower() == "true",
        facts=_facts(meta),
        boxes=headline.boxes(results),
        blocks=blocks,
        made=words.labels("made_formula"),
        print_footer=_UNSAFE_IN_CSS.sub("", _print_footer(meta)),
        style=style,
    )
    return "\n".join(line.rstrip() for line in page.splitlines() if line.strip()) + "\n"


def _facts(meta: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a reader needs to quote a number: cut, versions, source."""
    month = meta.get("data_cut_month", "")
    profile = meta.get("profile", "")
    source = meta.get("source_kind", "")
    facts = [
        ("Data through", numbers.month_text(month) if month else _UNKNOWN),
        ("Cut", meta.get("cut_id", "") or _UNKNOWN),
        ("Code", meta.get("code_version", "") or _UNKNOWN),
        ("Source", words.say("source_kind", source) if source else _UNKNOWN),
        ("Pull", meta.get("pull_id", "") or _UNKNOWN),
        ("Parameters", meta.get("parameters_hash", "")[:16] or _UNKNOWN),
        ("Profile", words.say("profile", profile) if profile else _UNKNOWN),
    ]
    if meta.get("release_note"):
        facts.append(("Note", meta["release_note"]))
    return facts


def _print_footer(meta: Mapping[str, str]) -> str:
    parts = [meta.get("study", ""), f"cut {meta.get('cut_id', '') or _UNKNOWN}", f"profile {meta.get('profile', '')}"]
    if meta.get("synthetic", "").lower() == "true":
        parts.append("synthetic data - no real patients")
    return ", ".join(part for part in parts if part)
