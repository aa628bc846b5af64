"""matplotlib's SVG made small and safe to stand inside an HTML page.

matplotlib writes a document: name spaces with addresses, a style sheet that would leak into the page, ids that collide
between figures, six decimals. Here it becomes one ``svg`` element with presentation attributes only, no id but those of its
title and description, one decimal (0.1 px of 560), text as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final
from xml.etree import ElementTree

from blin_pipeline.report import style

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_COMMAND: Final = re.compile(r"([MLQCHVZz])|(-?\d+(?:\.\d+)?(?:e-?\d+)?)")
_POINTS: Final = {"M": 1, "L": 1, "Q": 2, "C": 3}
_STILL: Final = re.compile(r"rotate\(-?0(?:\.0+)?[ ,)]")
#: What the root element says once, so that no other element repeats it.
_INHERITED: Final = {
    "stroke-linejoin": "round",
    "stroke-linecap": "butt",
    "font-size": f"{style.TEXT:g}",
    "font-weight": "400",
    "text-anchor": "start",
}
_DROPPED: Final = frozenset({"id", "clip-path", "font-family", "font-style", "stroke-linecap", "stroke-linejoin"})

Attributes = dict[str, str]


def short(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def inline(source: bytes, *, key: str, title: str, description: str, variant: str) -> str:
    """One ``svg`` element for an HTML page from a document written by matplotlib.

    Args:
        source: The document, as matplotlib's SVG backend writes it with ``svg.fonttype`` none.
        key: Id of this drawing in the page; title and description get ids derived from it.
        title: What the figure shows, for a screen reader.
        description: Its main numbers, in a sentence.
        variant: CSS class that decides on which screen this drawing is shown.
    """
    root = ElementTree.fromstring(source)  # noqa: S314  (written by matplotlib in this process)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    shapes = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
    body = "".join(_element(child, shapes, {}, (0.0, 0.0)) for child in root)
    inherited = "".join(f' {name}="{value}"' for name, value in _INHERITED.items())
    return (
        f'<svg class="{variant}" role="img" aria-labelledby="{key}-t {key}-d" viewBox="0 0 {short(width)} {short(height)}"'
        f' fill="{style.INK}" font-family="{style.FONT}" style="font-variant-numeric:tabular-nums"{inherited}>'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(description)}</desc>{body}</svg>'
    )


def _element(
    element: ElementTree.Element,
    shapes: dict[str, ElementTree.Element],
    outer: Attributes,
    offset: tuple[float, float],
) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag in {"metadata", "defs", "style"}:
        return ""
    attributes = outer | _attributes(element)
    if tag == "g":
        return "".join(_element(child, shapes, attributes, offset) for child in element)
    if tag == "use":
        link = next(value for name, value in element.attrib.items() if name.endswith("href"))
        place = float(attributes.pop("x", 0)), float(attributes.pop("y", 0))
        return _element(shapes[link.lstrip("#")], shapes, attributes, place)
    if tag == "path":
        return _path(attributes, offset)
    if tag == "text":
        return _text(attributes, element.text or "")
    return ""


def _attributes(element: ElementTree.Element) -> Attributes:
    found: Attributes = {}
    for name, value in element.attrib.items():
        if name == "style":
            pairs = (part.split(":", 1) for part in value.split(";") if ":" in part)
            found.update((key.strip(), text.strip().removesuffix("px")) for key, text in pairs)
        elif not name.endswith("href"):
            found[name] = value
    return {name: value for name, value in found.items() if name not in _DROPPED}


def _written(attributes: Attributes) -> str:
    kept = {name: value for name, value in attributes.items() if _INHERITED.get(name) != value}
    if kept.get("fill", "").upper() == style.INK:
        del kept["fill"]
    return "".join(f' {name}="{escape(value)}"' for name, value in sorted(kept.items()))


def _path(attributes: Attributes, offset: tuple[float, float]) -> str:
    data = "".join(_steps(attributes.pop("d"), offset))
    if not data or (attributes.get("fill") == "none" and attributes.get("stroke", "none") == "none"):
        return ""
    if attributes.get("stroke", "none") == "none":
        attributes = {name: value for name, value in attributes.items() if not name.startswith("stroke")}
    elif attributes.get("fill", "none") == "none":
        attributes.pop("fill-opacity", None)
    if attributes.get("stroke-dasharray"):
        attributes["stroke-dasharray"] = " ".join(
            short(float(n)) for n in _NUMBER.findall(attributes["stroke-dasharray"])
        )
    attributes.pop("stroke-miterlimit", None)
    if attributes.get("stroke-dashoffset") == "0":
        del attributes["stroke-dashoffset"]
    return f'<path d="{data}"{_written(attributes)}/>'


def _steps(data: str, offset: tuple[float, float]) -> Iterator[str]:
    """Path commands with one decimal; a step that keeps x or y is written as ``V`` or ``H``; no step of length zero."""
    tokens = _COMMAND.findall(data)
    command, index = "", 0
    here: tuple[str, str] | None = None
    while index < len(tokens):
        letter = tokens[index][0]
        if letter:
            command, index = letter.upper(), index + 1
            if command == "Z":
                yield "Z"
            continue
        numbers = [float(value) for _, value in tokens[index : index + 2 * _POINTS[command]]]
        index += 2 * _POINTS[command]
        points = [
            (short(x + offset[0]), short(y + offset[1])) for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        end = points[-1]
        if command == "L" and here is not None:
            if end == here:
                continue
            if end[0] == here[0]:
                yield f"V{end[1]}"
            elif end[1] == here[1]:
                yield f"H{end[0]}"
            else:
                yield f"L{end[0]} {end[1]}"
        else:
            yield command + " ".join(f"{x} {y}" for x, y in points)
        here = end


def _text(attributes: Attributes, text: str) -> str:
    if not text.strip():
        return ""
    if _STILL.match(attributes.get("transform", "")):
        del attributes["transform"]
    for name in ("x", "y"):
        attributes[name] = short(float(attributes[name]))
    attributes.setdefault("fill", "#000000")
    return f"<text{_written(attributes)}>{escape(text, quote=False)}</text>"
