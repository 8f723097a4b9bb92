"""Books as files: every format holds the whole story and nothing but it, and is what its standard says.

FictionBook and EPUB are held to rules written here from their specifications. Where epubcheck or pandoc, which know
the formats by themselves, are on the machine, they read the same books too.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from export.book import Book, Chapter, Part, Picture, Wording, in_chapters
from export.cover import SIZE, cover
from export.epub import epub
from export.fb2 import GENRES, fb2
from export.formats import FORMATS, file_name, txt
from export.html_book import html

ROOT = Path(__file__).parent.parent

WORDING = Wording(
    untitled="Без названия", the_end="Конец", unfinished="Продолжение следует",
    colophon="Написано вместе с ботом «Соавтор»", contents="Содержание", cover="Обложка",
    hero="Герой", setting="Место", picture="Иллюстрация",
)  # fmt: skip
STORY = Book(
    id="17", title="Маяк", genre="adventure", genre_label="Приключения", hero="Пантелей, смотритель", setting="Мыс",
    language="ru", author_names=("Анна Петрова", "Соавтор"),
    created_at=1_793_000_000, finished_at=1_793_600_000, finished=True, wording=WORDING,
    chapters=(
        Chapter((Part.of("Маяк горел.", "user"), Part.of("— Кто?\n\n— Свои, — сказали «снизу».")), "Глава 1"),
        Chapter((Part.of("Стало тихо."), Part.of("  \n")), "Глава 2"),
    ),
)  # fmt: skip
HOSTILE = replace(
    STORY, id='"]]><x>', title='</title><script>alert(1)</script> & "ёлка" ]]> \u202eexe 😀', genre="own",
    genre_label="<b>Сказ</b>", hero="&amp;\x00\x1b", setting="]]>\ud800", author_names=('<i>Ж</i> "', "\u200b"),
    finished=False, created_at=-5, finished_at=10**15,
    chapters=(
        Chapter((Part.of("a\x0cb]]>\ud83d <![CDATA[ & &amp; \ufffe <script>alert(2)</script>"),), 'Глава <1> & ""'),
        Chapter((Part.of("\n \n\x00"),), "Пустая"),
        Chapter((Part.of("— да."),)),
    ),
)  # fmt: skip
EMPTY = replace(STORY, title=" ", genre_label="", hero="", setting="", author_names=(), chapters=())
JPEG = cover(STORY)
ILLUSTRATED = replace(
    STORY, wording=replace(WORDING, picture='Рисунок "&'),
    chapters=(
        Chapter((Part.of("Раз.", "user"), Part.of("Два.\nТри.", picture=Picture("picture-001", JPEG)))),
        Chapter((Part.of(" ", picture=Picture("picture-002", JPEG)), Part.of("Четыре.")), "Глава 2"),
        Chapter((Part.of("Пять.", picture=Picture("picture-003", JPEG)),), "Глава 3"),
    ),
)  # fmt: skip
BOOKS = {"story": STORY, "hostile": HOSTILE, "empty": EMPTY, "illustrated": ILLUSTRATED}

texts = st.text(st.characters(), max_size=40)  # any characters at all, half surrogate pairs too
parts = st.builds(Part.of, texts, st.sampled_from(("user", "model")))
books = st.builds(
    Book,
    id=texts, title=texts, genre=st.sampled_from(("fantasy", "", "own")), genre_label=texts, hero=texts, setting=texts,
    language=st.sampled_from(("ru", "en")), author_names=st.lists(texts, max_size=3).map(tuple),
    created_at=st.integers(), finished_at=st.integers(), finished=st.booleans(), wording=st.just(WORDING),
    chapters=st.lists(st.builds(Chapter, st.lists(parts, max_size=3).map(tuple), texts), max_size=4).map(tuple),
)  # fmt: skip
some_books = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

FB = "{http://www.gribuser.ru/xml/fictionbook/2.0}"
LINK = "{http://www.w3.org/1999/xlink}href"
# The content of each element that we use, by FictionBook 2.1's schema: the children's names, a regular expression.
FB2_CONTENT = {
    "FictionBook": r"description (body )+(binary )*",
    "description": r"title-info document-info ",
    "title-info": r"(genre )+(author )+book-title (annotation )?(keywords )?(date )?(coverpage )?lang ",
    "document-info": r"(author )+(program-used )?date id version (history )?",
    "author": r"first-name (middle-name )?last-name (nickname )?",
    "annotation": r"((p|empty-line) )*",
    "coverpage": r"(image )+",
    "body": r"(image )?(title )?(section )+",
    "title": r"((p|empty-line) )*",
    "image": r"",
    "section": r"(title )?((section )+|(p|subtitle|empty-line) ((p|subtitle|empty-line|image) )*)",
    "p": r"((emphasis|strong) )*",
}
MIXED = {"p", "emphasis", "subtitle", "genre", "first-name", "last-name", "book-title", "keywords", "date", "lang"}
MIXED |= {"id", "version", "binary"}


def fb2_faults(content: bytes) -> Iterator[str]:
    root = ElementTree.fromstring(content)
    ids = {element.get("id") for element in root.iter(f"{FB}binary")}
    for element in root.iter():
        name = element.tag.removeprefix(FB)
        children = "".join(child.tag.removeprefix(FB) + " " for child in element)
        if not re.fullmatch(FB2_CONTENT.get(name, ""), children):
            yield f"{name} has the children {children}"
        if name not in MIXED and ((element.text or "").strip() or any((child.tail or "").strip() for child in element)):
            yield f"{name} has text"
        if element.get(LINK) is not None and element.get(LINK, "").removeprefix("#") not in ids:
            yield f"{name} leads nowhere"
    (info,) = root.iter(f"{FB}title-info")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", info.find(f"{FB}date").get("value", "")):  # type: ignore[union-attr]
        yield "the date is no date"
    float(root.findtext(f".//{FB}version") or "")


def fb2_paragraphs(content: bytes) -> list[str]:
    root = ElementTree.fromstring(content)
    return [element.text or "" for element in root.iterfind(f"./{FB}body/{FB}section/{FB}p") if not len(element)]


def epub_faults(content: bytes) -> Iterator[str]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    first = archive.infolist()[0]
    if (first.filename, first.compress_type, first.extra) != ("mimetype", zipfile.ZIP_STORED, b""):
        yield "mimetype isn't first, stored and bare"
    if archive.read("mimetype") != b"application/epub+zip":
        yield "the type is wrong"
    names = archive.namelist()
    trees = {
        name: ElementTree.fromstring(archive.read(name))
        for name in names
        if re.search(r"\.(x?html|opf|ncx|xml)$", name)
    }
    rootfile = trees["META-INF/container.xml"].find(".//{*}rootfile")
    assert rootfile is not None
    package = trees[rootfile.get("full-path", "")]
    items = {item.get("id"): item for item in package.iterfind("./{*}manifest/{*}item")}
    listed = {f"EPUB/{item.get('href')}" for item in items.values()}
    if listed != {name for name in names if name.startswith("EPUB/")} - {"EPUB/package.opf"}:
        yield "the manifest isn't what the archive holds"
    spine = [ref.get("idref") for ref in package.iterfind("./{*}spine/{*}itemref")]
    if len(set(spine)) != len(spine) or not set(spine) <= set(items):
        yield "the spine names what isn't there"
    for wanted in ("identifier", "title", "language"):
        if not (package.findtext(f"./{{*}}metadata/{{*}}{wanted}") or "").strip():
            yield f"no {wanted}"
    modified = package.findtext("./{*}metadata/{*}meta[@property='dcterms:modified']") or ""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", modified):
        yield f"modified at {modified}"
    properties = [item.get("properties") for item in items.values()]
    if (properties.count("nav"), properties.count("cover-image")) != (1, 1):
        yield "there must be one nav and one cover"
    for name, tree in trees.items():
        for element in tree.iter():
            target = element.get("href" if name.endswith("xhtml") else "src")
            if target and f"EPUB/{target}" not in listed:
                yield f"{name} leads to {target}, which isn't there"
            if element.tag.endswith("}script") or any(key.startswith("on") for key in element.attrib):
                yield f"{name} runs something"


def epub_paragraphs(content: bytes) -> list[str]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    pages = [ElementTree.fromstring(archive.read(name)) for name in sorted(archive.namelist()) if "/chapter-" in name]
    return [p.text or "" for page in pages for p in page.iterfind(".//{*}section/{*}p") if p.get("class") is None]


class Page(HTMLParser):
    """What a browser finds in a page: its tags, and the paragraphs of the story."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.paragraphs: list[str] = []
        self._inside = self._story = False
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = self._inside or tag == "main"
        self._story = self._inside and tag == "p" and dict(attrs).get("class") != "break"
        self.paragraphs += [""] if self._story else []

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "main"
        self._story = False

    def handle_data(self, data: str) -> None:
        if self._story:
            self.paragraphs[-1] += data


def told(book: Book) -> list[str]:
    return [paragraph for chapter in book.chapters for paragraph in chapter.paragraphs]


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_every_format_holds_the_story_word_for_word(book: Book) -> None:
    assert fb2_paragraphs(fb2(book)) == told(book)
    assert epub_paragraphs(epub(book)) == told(book)
    assert Page(html(book)).paragraphs == told(book)
    lines = iter(txt(book).decode("utf-8-sig").splitlines())
    assert all(paragraph in lines for paragraph in told(book))  # in this order


@some_books
@given(books)
def test_any_text_makes_a_right_file_in_every_format(book: Book) -> None:
    assert list(fb2_faults(fb2(book))) == []
    assert list(epub_faults(epub(book))) == []
    assert fb2_paragraphs(fb2(book)) == epub_paragraphs(epub(book)) == Page(html(book)).paragraphs == told(book)
    assert txt(book).decode("utf-8-sig").strip()


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_fictionbook_and_epub_keep_their_rules(book: Book) -> None:
    assert list(fb2_faults(fb2(book))) == []
    assert list(epub_faults(epub(book))) == []


def test_the_same_book_is_the_same_file_and_keeps_its_id_when_it_grows() -> None:
    assert all(make(STORY) == make(replace(STORY)) for make in FORMATS.values())
    grown = replace(STORY, title="Другое", chapters=())
    assert grown.uuid == STORY.uuid != replace(STORY, id="18").uuid
    assert replace(STORY, id="half a pair: \ud800").uuid
    assert txt(replace(STORY, genre_label="half a pair: \ud800"))
    assert all(STORY.uuid in text for text in (fb2(grown).decode(), _package(grown)))


def _package(book: Book) -> str:
    return zipfile.ZipFile(io.BytesIO(epub(book))).read("EPUB/package.opf").decode()


def test_fictionbook_tells_author_genre_annotation_and_date() -> None:
    (info,) = ElementTree.fromstring(fb2(STORY)).iter(f"{FB}title-info")
    assert info.findtext(f"{FB}genre") == "adventure"
    assert [author.findtext(f"{FB}first-name") for author in info.iterfind(f"{FB}author")] == ["Анна", "Соавтор"]
    assert info.findtext(f"{FB}author/{FB}last-name") == "Петрова"
    annotation = ["Герой: Пантелей, смотритель", "Место: Мыс"]
    assert [p.text for p in info.iterfind(f"{FB}annotation/{FB}p")] == annotation
    assert (info.findtext(f"{FB}date"), info.findtext(f"{FB}lang")) == ("2026-11-02", "ru")


def test_every_ready_genre_has_a_code_of_fictionbook() -> None:
    keys = re.findall(r'^key = "(\w+)"', (ROOT / "locales/ru/presets.toml").read_text("utf-8"), re.MULTILINE)
    assert set(keys) == set(GENRES)


def test_the_cover_is_a_picture_in_every_format_that_has_one() -> None:
    (binary,) = ElementTree.fromstring(fb2(STORY)).iter(f"{FB}binary")
    (image,) = (attributes for tag, attributes in Page(html(STORY)).tags if tag == "img")
    pictures = [
        base64.b64decode(binary.text or ""),
        zipfile.ZipFile(io.BytesIO(epub(STORY))).read("EPUB/cover.jpg"),
        base64.b64decode((image["src"] or "").removeprefix("data:image/jpeg;base64,")),
    ]
    assert len(set(pictures)) == 1
    with Image.open(io.BytesIO(pictures[0])) as picture:
        assert (picture.format, picture.size) == ("JPEG", SIZE)
    assert len(pictures[0]) < 100_000


@pytest.mark.parametrize(
    "other",
    [replace(STORY, title="Огни"), replace(STORY, genre_label="Сказ"), replace(STORY, author_names=("Пётр",))],
    ids=["title", "genre", "author"],
)
def test_the_cover_shows_title_genre_and_author(other: Book) -> None:
    assert cover(other) != cover(STORY) == cover(replace(STORY, chapters=()))


def test_a_title_of_any_length_gets_a_cover() -> None:
    for title in ("Ж" * 200, "слово " * 80, "на " * 100, "😀" * 30, "書名"):
        with Image.open(io.BytesIO(cover(replace(STORY, title=title)))) as picture:
            assert picture.size == SIZE


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_the_page_runs_nothing_and_asks_nobody(book: Book) -> None:
    content = html(book)
    page = Page(content)
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    addresses = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert all((address or "").startswith(("data:", "#")) for address in addresses)
    assert not re.search(rb"url\(|@import|https?:", content)


def test_a_title_cannot_leave_the_style_of_the_page() -> None:
    style = (
        html(replace(STORY, title='"; } </style><script>')).decode().partition("<style>")[2].partition("</style>")[0]
    )
    assert style.rstrip().endswith("}")
    assert "script" in style
    assert "<script" not in style


def test_a_finished_story_ends_and_an_unfinished_one_says_so() -> None:
    growing = replace(STORY, finished=False)
    for make in (fb2, html, txt):
        assert "Конец" in make(STORY).decode()
        assert "Продолжение следует" in make(growing).decode()
        assert "Конец" not in make(growing).decode()


def test_chapters_never_part_a_question_from_its_answer() -> None:
    turns = [part for number in range(40) for part in (Part.of(f"Ход {number}", "user"), Part.of("ответ " * 100))]
    chapters = in_chapters(turns, "Глава {number}", chapter_chars=2_000)
    assert [part for chapter in chapters for part in chapter.parts] == turns
    assert [chapter.title for chapter in chapters] == [f"Глава {number + 1}" for number in range(len(chapters))]
    assert len(chapters) > 5
    assert all(chapter.parts[0].by == "user" for chapter in chapters)


def test_a_short_story_has_no_chapters_and_a_short_rest_joins_the_last() -> None:
    assert in_chapters([], "{number}") == (Chapter(()),)
    assert in_chapters([Part.of("Раз."), Part.of("Два.")], "{number}")[0].title == ""
    rest = [Part.of("а" * 100), Part.of("б" * 100), Part.of("в")]
    assert [len(chapter.parts) for chapter in in_chapters(rest, "{number}", chapter_chars=100)] == [1, 2]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Маяк", "Маяк.fb2"),
        ("Ведьма, которая дала слово", "Ведьма_которая_дала_слово.fb2"),
        ("«Ночь» — день; 'a\"b'\r\nX: y", "Ночь_день_a_b_X_y.fb2"),
        ("../../etc/passwd", "etc_passwd.fb2"),
        ("..", "Без_названия.fb2"),
        ("😀\u202e", "Без_названия.fb2"),
        ("CON", "CON_.fb2"),
        ("com¹", "com1_.fb2"),
        ("и\u0306од", "йод.fb2"),
        ("Ж" * 90, "Ж" * 27 + ".fb2"),
    ],
)
def test_a_title_becomes_a_file_name(title: str, name: str) -> None:
    assert file_name(replace(STORY, title=title), "fb2") == name


@given(texts, st.sampled_from(sorted(FORMATS)))
def test_a_file_name_is_safe_whatever_the_title(title: str, extension: str) -> None:
    name = file_name(replace(STORY, title=title), extension)
    stem = name.removesuffix(f".{extension}")
    assert stem
    assert len(name.encode()) <= 60
    assert all(char == "_" or unicodedata.category(char)[0] in "LNM" for char in stem)
    assert stem[0] != "_"


def _epubcheck() -> list[str]:
    """How to run epubcheck here; Debian's is a Java archive without a wrapper. Empty where there is none."""
    path, java = shutil.which("epubcheck"), shutil.which("java")
    if not path or not java:
        return []
    return [java, "-jar", path] if zipfile.is_zipfile(path) else [path]


def test_epubcheck_finds_no_fault_or_where_it_is_missing_the_rules_do(tmp_path: Path) -> None:
    content = epub(HOSTILE)
    assert list(epub_faults(content)) == []
    if command := _epubcheck():
        path = tmp_path / "book.epub"
        path.write_bytes(content)
        run = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, timeout=50)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("extension", ["fb2", "epub"])
@pytest.mark.parametrize("book", [STORY, HOSTILE], ids=["story", "hostile"])
def test_a_stranger_reads_the_same_story(book: Book, extension: str, tmp_path: Path) -> None:
    content = FORMATS[extension](book)
    read = "\n".join(fb2_paragraphs(content) if extension == "fb2" else epub_paragraphs(content))
    if pandoc := shutil.which("pandoc"):
        (tmp_path / "book").write_bytes(content)
        command = [pandoc, "-f", extension, "-t", "plain", "--wrap=none", str(tmp_path / "book")]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
        assert run.returncode == 0, run.stderr
        read = run.stdout
    assert all(paragraph in read for paragraph in told(book))
