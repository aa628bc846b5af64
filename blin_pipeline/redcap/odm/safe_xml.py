"""XML from strangers: parsed without document types and entities, line breaks inside attribute values kept.

No XML library of the standard kind does both: a conforming parser turns a raw line break inside an attribute value
into a blank, and REDCap writes them raw. So the text is repaired first, then parsed by expat with every document type
refused, which leaves no way to declare an entity.
"""

from __future__ import annotations

import re
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

_MARKUP = re.compile(r"""<!\[CDATA\[.*?\]\]>|<!--.*?-->|<[A-Za-z_](?:"[^"]*"|'[^']*'|[^"'>])*>""", re.DOTALL)
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_BREAKS = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_BREAK = re.compile(r"[\r\n\t]")


class XmlRefusedError(ValueError):
    """The text is no well-formed XML, or declares a document type."""


def parse_xml(text: str) -> Element:
    """Parse a document; no name space is looked up.

    Attributes keep their prefix (``redcap:Variable``). An element with a prefix is found by the same path as ever when
    ``{"redcap": "redcap"}`` is given as name spaces.

    Raises:
        XmlRefusedError: Not well formed, or with a document type. The message holds line and column, no content.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: builder.start(_path_name(name), attributes)
    parser.EndElementHandler = lambda name: builder.end(_path_name(name))
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(with_kept_breaks(text).encode(), True)
    except expat.ExpatError as error:
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise XmlRefusedError(f"not well-formed XML at {where}") from None
    return builder.close()


def with_kept_breaks(text: str) -> str:
    """Write line breaks and tabs inside attribute values as character references, everything else unchanged."""
    return _MARKUP.sub(_keep_in_tag, text)


def _keep_in_tag(match: re.Match[str]) -> str:
    tag = match.group()
    if tag.startswith("<!") or not _BREAK.search(tag):
        return tag
    return _QUOTED.sub(lambda quoted: _BREAK.sub(lambda found: _BREAKS[found.group()], quoted.group()), tag)


def _path_name(name: str) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{prefix}}}{local}" if colon else name


def _refuse_doctype(*_: object) -> NoReturn:
    raise XmlRefusedError("a document type is not accepted")
