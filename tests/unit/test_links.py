"""Every relative link and image in the repository's Markdown leads to a file that exists, and to a heading that is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

LINK = re.compile(r"\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a id=\"([^\"]+)\">")


def pages(repository):
    """Markdown that belongs to the repository: what git tracks, and what is new and not ignored."""
    command = ["git", "-C", str(repository), "ls-files", "-z", "-co", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
    return [path for name in listed if name and (path := repository / name).is_file()]


def prose(path):
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path):
    """Anchors of a page as GitHub makes them: lower case, blanks to hyphens, punctuation gone, numbered when repeated."""
    text = prose(path)
    found = set(ANCHOR.findall(text))
    seen: dict[str, int] = {}
    for heading in HEADING.findall(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = seen[slug] = seen.get(slug, -1) + 1
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken(path, repository):
    """Targets of the page's relative links that do not exist, or leave the repository."""
    for target in LINK.findall(prose(path)):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        aim = (path.parent / name).resolve() if name else path
        inside = aim.is_relative_to(Path(repository).resolve())
        if not inside or not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            yield target


def test_every_relative_link_leads_somewhere(repository):
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    found = pages(repository)
    assert repository / "README.md" in found
    assert {str(path.relative_to(repository)): list(broken(path, repository)) for path in found} == {
        str(path.relative_to(repository)): [] for path in found
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#two-words)", []),
        ("[a](other.md#no-such)", ["other.md#no-such"]),
        ("![a](picture.png)", ["picture.png"]),
        ("[a](../outside.md)", ["../outside.md"]),
        ("[a](https://example.org/x.md) [b](mailto:a@example.org)", []),
        ("```\n[a](gone.md)\n```", []),
    ],
)
def test_what_counts_as_broken(tmp_path, text, expected):
    (tmp_path / "other.md").write_text("# Two words\n", encoding="utf-8")
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert list(broken(tmp_path / "page.md", tmp_path)) == expected
