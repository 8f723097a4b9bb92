"""Talks as files: Markdown and HTML, with names, days, quotations and code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from core import sent_files
from core.schemas import Json
from core.sent_files import SentFile
from export.rich_html import html_of
from export.talk_formats import html, markdown
from export.talk_record import Said, TalkRecord
from sandbox.users import ChatUser
from telegram.markdown import pieces
from tests.chatting import chatting
from tests.harness import BotHarness

CODE = "```python\nif a < b:\n    print('<b>')\n```"


def formatted(text: str) -> list[tuple[str, Sequence[Mapping[str, Json]]]]:
    return [(piece.text, piece.entities) for piece in pieces(text, limit=2 * len(text) + 1)]


def talk(*messages: Said) -> TalkRecord:
    return TalkRecord("Про <код>", "Разговор", "ru", messages)


def mine(text: str, quoted: str = "") -> Said:
    return Said("Анна", True, "21.11.2026", "10:00", quoted, text)


def theirs(text: str, day: str = "21.11.2026") -> Said:
    return Said("Соавтор", False, day, "10:01", "", text)


def as_html(*messages: Said) -> str:
    return html(talk(*messages), formatted).decode()


def as_markdown(*messages: Said) -> str:
    return markdown(talk(*messages), formatted).decode()


class Tags(HTMLParser):
    """Checks that every tag is closed in order; collects the names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_code_stays_code_and_nothing_is_run() -> None:
    page = as_html(mine(f"Что это?\n{CODE}\n<script>alert(1)</script>"), theirs(f"**Смотрите**:\n\n{CODE}\n\n`a<b>`"))
    tags = Tags(page)
    assert page.count("if a &lt; b:") == 2 and "<script" not in page
    assert '<pre><code class="language-python">' in page and "<b>Смотрите</b>" in page
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert {"article", "header", "time", "pre", "code"} <= tags.seen
    text = as_markdown(mine(f"Что это?\n{CODE}\n*<script>*"), theirs(f"**Смотрите**:\n\n{CODE}\n\n<script> `a<b>`"))
    assert text.count(CODE) == 2
    assert "\\*\\<script\\>\\*" in text and "**Смотрите**" in text
    assert "&lt;script>" in text and "`a<b>`" in text


def test_each_day_has_one_heading_and_a_quotation_is_marked() -> None:
    messages = mine("Привет", quoted="Раньше\nбыло"), theirs("И вам"), theirs("Снова", day="22.11.2026")
    page, text = as_html(*messages), as_markdown(*messages)
    assert re.findall("<h2>(.*?)</h2>", page) == ["21.11.2026", "22.11.2026"]
    assert text.count("## 21.11.2026") == text.count("## 22.11.2026") == 1
    assert '<blockquote class="quoted">Раньше\nбыло</blockquote>' in page and "> Раньше" in text
    assert "# Про \\<код\\>" in text and "<h1>Про &lt;код&gt;</h1>" in page


def test_a_block_of_code_that_never_ends_ends_with_its_message() -> None:
    text = as_markdown(theirs("```\nкод без конца"), mine("Дальше"))
    assert text.index("\n```\n\n**Анна**") > text.index("код без конца")
    Tags(as_html(theirs("```\nкод без конца"), mine("```\nи мой")))


@given(st.text(alphabet="*_`~<>[]()#\n aя😀-1.|", max_size=200), st.booleans())
def test_any_text_gives_a_page_whose_tags_are_closed(words: str, by_user: bool) -> None:
    said = mine(words, quoted=words) if by_user else theirs(words)
    assert Tags(as_html(said)).seen <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "article", "header", "b", "time", "div"),
        *("blockquote", "pre", "code", "i", "s", "u", "span", "a"),
    }
    assert as_markdown(said, theirs("Конец")).endswith("Конец\n")


def test_entities_that_cross_are_closed_in_order() -> None:
    entities: list[dict[str, Json]] = [
        {"type": "bold", "offset": 0, "length": 4},
        {"type": "italic", "offset": 2, "length": 4},
    ]
    assert html_of("😀абвг", entities) == "<b>😀<i>аб</i></b>вг"


def file_text(harness: BotHarness, person: ChatUser) -> tuple[str, str]:
    """Return the name and the text of the file that comes."""
    sent = person.wait(lambda message: message.attachment is not None)
    assert sent.attachment is not None
    return sent.attachment.name, harness.telegram.state.files[sent.attachment.file_id][1].decode()


def test_chats_and_characters_are_sent_as_files_in_the_users_language(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says(f"Вот так:\n\n{CODE}")
    person.send("Как сравнить?")
    person.wait("Вот так:")
    harness.says("Веста.")
    person.document("замет_ки.txt", "Веста зажгла фонарь.".encode(), "Кто зажёг?")
    person.wait("Веста.")
    pictures = sent_files.dump([SentFile("picture", "a"), SentFile("picture", "b")])
    harness.db.change("prompt", {"text": "Как сравнить?"}, files=pictures)
    person.send("/t")
    person.wait("из")
    person.tap("📄 Файлом")
    person.wait("В каком виде прислать разговор?")
    person.tap("Markdown")
    name, text = file_text(harness, person)
    assert name == "Как_сравнить.md"
    assert "📎 замет\\_ки.txt  \nКто зажёг?" in text and "📎 фото: 2  \nКак сравнить?" in text
    assert text.startswith("# Как сравнить?\n") and CODE in text and "**Анна**" in text and "**Соавтор**" in text
    harness.db.change("user", language="en")
    person.send("/characters")
    person.wait()
    person.tap("Panteley the Clerk Cat")
    person.wait()
    person.send("/sessions")
    assert person.wait("Which one shall we go on with").labels[-1] == "📄 As a file"
    person.tap("📄 As a file")
    labels = person.wait("What shall I send").labels
    for label, about in zip(labels, ("A conversation with Panteley", "A chat with the assistant"), strict=False):
        person.tap(label)
        person.wait("Which kind of file")
        person.tap("HTML")
        name, page = file_text(harness, person)
        assert about in page and '<html lang="en">' in page
    assert "📎 замет_ки.txt\nКто зажёг?" in page and "📎 photos: 2\nКак сравнить?" in page
    assert name == "Как_сравнить.html" and "if a &lt; b:" in page
