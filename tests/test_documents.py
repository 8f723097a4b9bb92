"""Documents of users: every format and encoding is read, and what is broken, locked, endless or hostile is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FileUnreadable
from core.schemas import Message
from sandbox import files_told
from tests.harness import BotHarness, until
from turns.documents.document import MOST_CHARS
from turns.documents.reading import read_document
from turns.passages import GAP, passages_about

RUSSIAN = (
    "Смотритель погасил лампу и спустился к воде. Море молчало, только цепь скрипела у причала.\n\n"
    "— Кто здесь? — спросил он негромко.\n\nНикто не ответил, но на досках остались мокрые следы."
)
ENGLISH = "The keeper put out the lamp.\n\n“Who is there?” he asked. Nobody answered."
CONTAINER = '<?xml version="1.0"?><container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'


def zipped(entries: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return content.getvalue()


def fb2(body: str, encoding: str = "utf-8", doctype: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>{doctype}'
        '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">'
        "<description><title-info><book-title>Маяк</book-title></title-info></description>"
        f"<body>{body}</body><body name='notes'><section><p>Сноска.</p></section></body>"
        "<binary id='cover'>AAAA</binary></FictionBook>"
    ).encode(encoding)


def epub(chapters: Mapping[str, str], *, more: Mapping[str, str | bytes] | None = None) -> bytes:
    items = "".join(f'<item id="{name}" href="text/{name}.xhtml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in ("nav", *chapters))
    package = (
        '<?xml version="1.0"?><package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        '<dc:title>Маяк</dc:title></metadata><manifest><item id="nav" properties="nav" href="nav.xhtml"/>'
        f"{items}</manifest><spine>{spine}</spine></package>"
    )
    pages = {f"OEBPS/text/{name}.xhtml": text for name, text in chapters.items()}
    return zipped(
        {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, "OEBPS/nav.xhtml": "Оглавление"}
        | pages
        | (dict(more or {}))
    )


def docx(body: str, *, title: str = "") -> bytes:
    document = f'<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>'
    core = f'<?xml version="1.0"?><cp:core xmlns:cp="c" xmlns:dc="d"><dc:title>{title}</dc:title></cp:core>'
    return zipped({"word/document.xml": document, "docProps/core.xml": core})


def reason(content: bytes, name: str) -> str:
    with pytest.raises(FileUnreadable) as caught:
        read_document(content, name)
    return caught.value.reason


# ── what is read ──


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "cp866"]
)
def test_a_text_is_read_in_whatever_encoding(encoding: str) -> None:
    text = RUSSIAN.replace("— ", "- ")  # KOI8-R has no dash
    assert read_document(text.replace("\n", "\r\n").encode(encoding), "а.txt").text == text


def test_an_english_text_is_read_and_marks_are_left_as_they_are() -> None:
    assert read_document(ENGLISH.encode("utf-16-le"), "a.txt").text == ENGLISH
    assert read_document(b"# Title\n\n*one*\n", "a.md").text == "# Title\n\n*one*"


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-r", "utf-16"])
def test_an_fb2_is_read_without_its_notes(encoding: str) -> None:
    body = (
        "<title><p>Глава 1</p></title><section><p>Он <emphasis>шёл</emphasis>\nдомой.</p>"
        "<empty-line/><p>Дошёл.</p></section>"
    )
    document = read_document(fb2(body, encoding), "Маяк.FB2")
    assert (document.title, document.text) == ("Маяк", "Глава 1\n\nОн шёл домой.\n\nДошёл.")
    assert read_document(zipped({"маяк.fb2": fb2(body, encoding)}), "маяк.fb2.zip") == document


def test_an_epub_is_read_in_the_order_of_its_spine() -> None:
    chapters = {
        "one": '<?xml version="1.0"?><!DOCTYPE html><html><head><title>x</title></head><body><h1>Глава&nbsp;1</h1>'
        "<p>Он шёл&mdash;долго,<br/>и дошёл.</p><script>alert(1)</script></body></html>",
        "two": "<html><body><div>Дом <i>стоял</i> пустой.<p>Никого</div></body>",
    }
    document = read_document(epub(chapters), "b.epub")
    assert document.title == "Маяк"
    assert document.text == "Глава 1\n\nОн шёл—долго,\nи дошёл.\n\nДом стоял пустой.\n\nНикого"


def test_a_docx_is_read_without_what_was_deleted() -> None:
    body = (
        "<w:p><w:r><w:t>Он </w:t></w:r><w:r><w:t>шёл.</w:t><w:br/><w:t>Дошёл.</w:t></w:r></w:p><w:p/>"
        "<w:p><w:del><w:r><w:delText>Нет.</w:delText></w:r></w:del><w:ins><w:r><w:t>Да.</w:t></w:r></w:ins></w:p>"
    )
    document = read_document(docx(body, title="Маяк"), "b.docx")
    assert (document.title, document.text) == ("Маяк", "Он шёл.\nДошёл.\n\nДа.")


# ── what is refused ──

ENTITIES = '<!DOCTYPE x [<!ENTITY a "ха"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
BOMB = b"<p>" + b"a" * 20_000_000


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("а.txt", lambda: b" \r\n\t\xef\xbb\xbf", "empty"),
        ("а.txt", lambda: "— …".encode(), "empty"),
        ("а.txt", lambda: ("слово " * (MOST_CHARS // 5)).encode(), "too_long"),
        ("а.txt", lambda: b"%PDF-1.7 ...", "broken"),
        ("а.txt", lambda: zipped({"a": "b"}), "broken"),
        ("а.fb2", lambda: fb2("<p>&b;</p>", doctype=ENTITIES), "broken"),
        ("а.fb2", lambda: fb2("<p>&a;</p>", doctype=OUTSIDE), "broken"),
        ("а.fb2", lambda: fb2("<p>Не закрыт"), "broken"),
        ("а.fb2", lambda: b"<?xml version='1.0' encoding='no-such'?><a/>", "broken"),
        ("а.fb2", lambda: fb2(""), "empty"),
        ("а.fb2.zip", lambda: zipped({"а.txt": "б"}), "broken"),
        ("а.fb2.zip", lambda: zipped({"а.fb2": BOMB}), "too_large"),
        ("а.epub", lambda: b"PK\x03\x04", "broken"),
        ("а.epub", lambda: zipped({"mimetype": "application/epub+zip"}), "broken"),
        (
            "а.epub",
            lambda: epub({"one": "<p>а</p>"}).replace(b"OEBPS/text/one.xhtml", b"OEBPS/text/two.xhtml"),
            "broken",
        ),
        ("а.epub", lambda: epub({}), "broken"),
        ("а.epub", lambda: epub({"one": "<img src='1.png'/>"}), "empty"),
        ("а.epub", lambda: epub({"one": BOMB.decode()}), "too_large"),
        (
            "а.epub",
            lambda: epub(
                {"one": "<p>а</p>"},
                more={"META-INF/encryption.xml": '<e><CipherReference URI="OEBPS/text/one.xhtml"/></e>'},
            ),
            "locked",
        ),
        ("а.docx", lambda: b"\xd0\xcf\x11\xe0" + bytes(2000), "locked"),
        ("а.docx", lambda: zipped({"xl/workbook.xml": "<a/>"}), "broken"),
        ("а.docx", lambda: docx("<w:p/>"), "empty"),
        ("а.docx", lambda: zipped({f"{number}": b"" for number in range(20_000)}), "too_large"),
    ],
)
def test_what_is_no_text_is_refused(name: str, make: Callable[[], bytes], expected: str) -> None:
    assert reason(make(), name) == expected


def test_an_archive_with_a_password_is_locked() -> None:
    content = bytearray(docx("<w:p/>"))
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        struct.pack_into("<H", content, place + 8, 1)  # the flag of encryption
        place = content.find(b"PK\x01\x02", place + 4)
    assert reason(bytes(content), "а.docx") == "locked"


@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.fb2", "a.epub", "a.docx", "a.fb2.zip"]), st.booleans())
def test_whatever_bytes_come_they_are_read_or_refused(content: bytes, name: str, is_zip: bool) -> None:
    content = (
        zipped({"word/document.xml": content, "a.fb2": content, "META-INF/container.xml": content})
        if is_zip
        else content
    )
    try:
        assert read_document(content, name).text
    except FileUnreadable as error:
        assert error.reason in {"broken", "empty", "locked", "too_large", "too_long"}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("а.txt", lambda: b"a" + b" " * 400_000 + b"b"),
        ("а.docx", lambda: docx("<w:t>a</w:t>" * 200_000, title="<x/>".join("a" * 200_000))),
        ("а.fb2", lambda: fb2("<a>" * 100_000 + "<p>a</p>" * 100_000 + "</a>" * 100_000).replace(b"body", b"ydob")),
        ("а.epub", lambda: epub({"one": "a<i/>" * 500_000})),
        ("а.epub", lambda: epub({"one": "<nav>" * 200_000 + "</svg>" * 200_000})),
        ("а.epub", lambda: epub({"one": "a <" * 100_000})),
        *[("а.epub", lambda opens=opens: epub({"one": opens * 100_000})) for opens in ("<a <", "<a a='", "<!--", "</")],
    ],
)
def test_no_document_takes_minutes_to_read(name: str, make: Callable[[], bytes]) -> None:
    with suppress(FileUnreadable):  # each once took from minutes to days: the suite's time limit is the measure
        assert read_document(make(), name)


def test_a_page_of_a_book_is_read_though_its_markup_is_bad() -> None:
    page = (
        "<head><title>x</title></head><p title='y'>1 < 2 &amp; 3<P class=z>Два<!-- <p>нет --><![CDATA[ <b> ]]></p>"
        "<nav>нет<nav>нет</nav>нет</nav><style>p > a { }</style><script>if (1<2) '<p>нет</p>'</script>три<p/>четыре"
        "<svg/><?pi нет?>пять<br>шесть</body><b"
    )
    assert read_document(epub({"one": page}), "б.epub").text == "1 < 2 & 3\n\nДва <b>\n\nтри\n\nчетырепять\nшесть"


# ── what of a long text is read ──


@given(st.text(max_size=4000), st.text(max_size=60), st.integers(20, 3000))
def test_passages_keep_to_their_limit_and_to_the_text(text: str, words: str, most: int) -> None:
    shown = passages_about(text, words, most_chars=most)
    assert len(shown) <= max(most, 0) or shown == text
    for passage in shown.split(f"\n\n{GAP}\n\n") if GAP not in text else []:
        assert all(piece in text for piece in passage.split("\n\n") if piece)


def test_the_passages_are_those_that_the_question_is_about() -> None:
    paragraphs = [f"Глава {number}. " + "Шли часы, и ничего не менялось. " * 12 for number in range(60)]
    paragraphs[40] = "Старый компас лежал под половицей, и стрелка его дрожала. " * 6
    shown = passages_about("\n\n".join(paragraphs), "Где лежит компас?", most_chars=3000)
    assert shown.startswith("Глава 0.") and "под половицей" in shown and GAP in shown
    assert passages_about("Один абзац.", "Что?", most_chars=100) == "Один абзац."


# ── in a question ──


def test_the_stand_in_quotes_the_sentence_that_a_question_is_about() -> None:
    ru = f"Файл «заметки.txt», материал к вопросу.\n{RUSSIAN}\nКонец файла."
    en = f"The file “notes.txt”, material for the question.\n{ENGLISH}\nEnd of the file."
    for document, question, told in (
        (
            ru,
            "Что осталось на досках?",
            "В «заметки.txt» сказано: «Никто не ответил, но на досках",
        ),
        (en, "Who put out the lamp?", "“notes.txt” says: “The keeper put out the lamp.”"),
        (ru, "А?", "Прочитал «заметки.txt», слов в нём: 30. Начинается так: «Смотритель погасил лампу"),
    ):
        assert files_told.answer([Message("user", f"{document}\n{question}")]).startswith(told)


def test_a_text_file_is_asked_about_and_two_more_questions_have_it(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait("С чего начать")
    person.document("заметки.txt", RUSSIAN.encode("cp1251"), "Кто пришёл?")
    person.wait("Читаю. Вместе с файлом вопрос дороже")
    person.wait("Прочитал «заметки.txt»")
    [*_, question] = harness.prompts()[-1]
    assert question["text"].startswith("Файл «заметки.txt», материал к вопросу")
    assert RUSSIAN in question["text"].replace("—", "—") and question["text"].endswith("Кто пришёл?")
    for _ in range(2):
        person.send("А дальше?")
        person.wait("Прочитал «заметки.txt»")
    harness.says("Не помню.")
    person.send("А потом?")
    person.wait("Не помню.")
    assert [message["text"] for message in harness.prompts()[-1]][1] == "[файл «заметки.txt»] Кто пришёл?"
    long = "\n\n".join(f"Глава {number}. {RUSSIAN}" for number in range(300))
    person.document("роман.md", long.encode(), "О чём это?")
    person.wait("Прочитал «роман.md»")
    assert "Файл длиннее, чем помещается в вопрос: прочитал" in person.wait("прочитал").text
    person.send("А дальше?")
    person.wait("Прочитал «роман.md»")
    until(harness.settled)
    assert len([message for message in person.bot_messages if "Файл длиннее" in message.text]) == 1
    for name, content, said in (
        ("пусто.txt", b"  ", "нет ни слова текста"),
        ("битый.docx", b"PK", "не открылся"),
        ("том.txt", b"word " * 50_000, "слишком длинный"),
    ):
        calls = harness.db.count("call")
        person.document(name, content)
        assert "Ничего не списано" in person.wait(said).text
        assert harness.db.count("call") == calls
    harness.telegram.state.files.clear()
    person.send("А в романе?")  # the file is gone: it is answered without
    person.wait()
    until(harness.settled)
    harness.check_books()
