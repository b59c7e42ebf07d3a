"""The glossary is in order, and each of its lines leads to where its term is taught."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LINES = (NOTEBOOKS / "glossary.md").read_text("utf-8").splitlines()
ENTRY = re.compile(
    r"- \*\*(?P<term>[^*]+)\*\*: (?P<meaning>[A-Z].*\.)"
    r" \[(?P<chapter>\d) · (?P<section>§\d+|Questions)\]\((?P<file>[^()]+)\)"
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
EMPHASIS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*")
QUESTIONS = "Questions that learners ask"
# A word is introduced where it is emphasized and the sentence says what it is.
INTRODUCED = (
    re.compile(r"(?:\bcall(?:s|ed)? (?:an? |the )?|\((?:or )?|(?:\bis|,) its )(\*+)([^*]+)\1"),
    re.compile(
        r"(?:^|[.:;] |[-|] |, an? |The |An? )(\*+)([^*]+)\1"
        r"(?= (?:\(|is |says |puts |sets |keeps |counts |trains ))",
        re.MULTILINE,
    ),
)
NO_TERMS = {
    *("half", "everything", "radius", "small", "knows"),  # only the names of rows and columns
}


class Entry(NamedTuple):
    term: str
    meaning: str
    chapter: str
    section: str
    file: str


ENTRIES = [Entry(*found.groups()) for found in map(ENTRY.fullmatch, LINES) if found]


@cache
def sections(file: str) -> dict[str, str]:
    """The text of a chapter by section, "§3" or "Questions", in the order of the chapter."""
    cells = nbformat.read(NOTEBOOKS / file, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    _, *parts = HEADING.split(FENCE.sub("", text))
    found = {}
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        number = re.match(r"(\d+) · ", title)
        if number:
            found[f"§{number[1]}"] = f"{title}\n{body}"
        elif title == QUESTIONS:
            found["Questions"] = body
    return found


def named(term: str, text: str) -> bool:
    """Whether `text` holds `term`, in the singular or plural, emphasized or not."""
    plain = " ".join(text.replace("*", "").split()).casefold()
    return re.search(rf"(?<!\w){re.escape(term.casefold())}(?:s|es)?(?!\w)", plain) is not None


def emphasized(term: str, text: str) -> bool:
    """Whether `text` sets `term`, alone, in italics or bold, as it does where a word is new."""
    found = (one or other for one, other in EMPHASIS.findall(text))
    words = {" ".join(word.split()).strip(".,:").casefold() for word in found}
    return bool(words & {term.casefold() + ending for ending in ("", "s", "es")})


def places() -> list[tuple[str, str]]:
    """Every section of the course as (file, section), in the order in which it is read."""
    files = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    return [(file, section) for file in files for section in sections(file)]


def test_every_line_of_the_list_is_an_entry() -> None:
    broken = [line for line in LINES if line[:1] in "-*|" and line and not ENTRY.fullmatch(line)]
    assert ENTRIES
    assert broken == []


def test_each_meaning_is_one_sentence() -> None:
    assert [e.term for e in ENTRIES if re.search(r"[.!?] +[A-Z]", e.meaning)] == []


def test_terms_are_in_alphabetical_order_and_unique() -> None:
    terms = [entry.term.casefold() for entry in ENTRIES]
    assert terms == sorted(set(terms))


def test_every_word_that_a_chapter_introduces_is_an_entry() -> None:
    texts = [sections(file)[section] for file, section in places() if section != "Questions"]
    words = {
        " ".join(found[2].split()).strip(".,:").casefold()
        for text in texts
        for pattern in INTRODUCED
        for found in pattern.finditer(text)
    }
    terms = {entry.term.casefold() + ending for entry in ENTRIES for ending in ("", "s", "es")}
    assert words & terms
    assert words - terms - NO_TERMS == set()
    assert words >= NO_TERMS, "an exception that no chapter needs"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.term)
def test_entry_leads_to_the_section_that_teaches_its_term(entry: Entry) -> None:
    """The link names its chapter, and the section holds the term no later than it is new."""
    assert (NOTEBOOKS / entry.file).is_file(), f"{entry.file} is not there"
    assert entry.file.startswith(f"0{entry.chapter}_")
    assert entry.section in sections(entry.file), f"{entry.file} has no {entry.section}"
    assert named(entry.term, sections(entry.file)[entry.section])

    new = [place for place in places() if emphasized(entry.term, sections(place[0])[place[1]])]
    order = places().index
    assert all(order((entry.file, entry.section)) <= order(place) for place in new[:1]), new[:1]
