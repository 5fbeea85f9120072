"""Documentation and messages are in plain modern English: words that readers stumbled over stay out."""

import re

import pytest

from tests.conftest import REPOSITORY

# Patterns that have no other meaning where they are looked for, and what to write instead.
EVERYWHERE = {
    r"anew": "again",
    r"at hand": "available",
    r"hand(s|ed)? (it |them )?out": "distribute",
    r"(is|are|was|were|be) laid (over|under)": "override, complete",
    r"for want of": "for lack of, as there is no",
    r"(goes|went|gone) on": "resumes, continues",
    r"wants": "expects, needs",
    r"comes to (the|its|their)": "amounts to, ends with",
    r"whilst|amongst|hence|thereof|therein|thereby|whereof|whereby|whereupon|wherefore|hitherto": "a modern word",
    r"tells": "says, shows, reports",
    r"shall": "is to, will",
    r"ought to|so as to|in order that|lest": "should, so that",
}
IN_PAGES = {
    r"(go|going) on": "resume, continue",
    r"tell of": "reports, says, shows",
    r"(is|are|was|were|be) told": "is reported",
    r"(come|came) to (the|its|their)": "amount to, end with",
}

PAGES = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")),
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "workflow" / "report").glob("*.rst"),
    ]
)
SOURCES = sorted(file for suffix in ("py", "smk", "yaml") for file in (REPOSITORY / "workflow").rglob(f"*.{suffix}"))


def old_fashioned(text: str, patterns: dict[str, str]) -> list[str]:
    """The lines with one of these patterns, with what to write instead; a phrase may be broken at a line's end."""
    found = []
    for pattern, better in patterns.items():
        for match in re.finditer(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), text, re.IGNORECASE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"line {line}: {' '.join(match[0].split())!r}, better: {better}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_in_plain_english(page):
    assert not old_fashioned(page.read_text(encoding="utf-8"), EVERYWHERE | IN_PAGES)


def test_messages_and_comments_are_in_plain_english():
    found = {file.name: old_fashioned(file.read_text(encoding="utf-8"), EVERYWHERE) for file in SOURCES}
    assert not {name: lines for name, lines in found.items() if lines}


def test_a_phrase_is_found_across_lines_and_not_within_words():
    text = "Files are made Anew.\nA file as it is handed\nout; unwants, comes today"
    assert old_fashioned(text, EVERYWHERE) == [
        "line 1: 'Anew', better: again",
        "line 2: 'handed out', better: distribute",
    ]
