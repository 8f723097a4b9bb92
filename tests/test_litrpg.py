"""A LitRPG: «Сделать» and «Сказать», and the System's line in the chat, the memory and the books, in both languages."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.game_words import as_read, is_status
from conversation.wishes import without_wishes
from core.schemas import Message
from export.book import Chapter, Part
from export.epub import epub
from export.fb2 import fb2
from export.formats import txt
from export.html_book import html
from sandbox.storyteller.answers import tell
from sandbox.storyteller.figures import Card, opening, prompt, wire
from sandbox.storyteller.request import read
from tests.harness import BotHarness, until
from tests.test_export import STORY
from tests.test_kinds import LOCALES

RU, EN = LOCALES["ru"], LOCALES["en"]
RULES = {"ru": RU.rules_of("ЛитРПГ"), "en": EN.rules_of("LitRPG")}
CARDS = {
    "ru": Card("ru", "ЛитРПГ", "Целитель Ноль: слабейший класс", "Башня: сто этажей", RULES["ru"]),
    "en": Card("en", "LitRPG", "Zero the Healer: the weakest class", "The Tower: a hundred floors", RULES["en"]),
}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("Сделать: открыть сундук", "Открыть сундук."),
        ("сделать : открыть сундук!", "Открыть сундук!"),
        ("Сказать: кто здесь?", "— Кто здесь?"),
        ("Сказать: — Кто здесь?", "— Кто здесь?"),
        ("Do: open the chest", "Open the chest."),
        ("Say: who is there?", "“Who is there?”"),
        ("Say: “Who is there?”", "“Who is there?”"),
        ("Сделать: встать\nСказать: привет", "Встать.\n— Привет."),
        ("Сделать: встать. (пусть пойдёт снег)", "Встать."),
        ("Он решил сделать: раз, два.", "Он решил сделать: раз, два."),
        ("Сделать:", "Сделать:"),
    ],
)
def test_deeds_and_speech_are_read_without_their_marks(words: str, read: str) -> None:
    assert as_read(words) == read


@given(st.text(max_size=80))
def test_words_without_a_mark_are_read_as_they_are(words: str) -> None:
    if not re.search(r"сделать|сказать|do|say", words, re.IGNORECASE):
        assert as_read(words) == without_wishes(words)


def test_the_systems_line_is_known() -> None:
    assert is_status("[Система: уровень 2]") and is_status("[System: level 2, items: knife]")
    assert not any(map(is_status, ("[Система]", "[Совет: беги]", "Система: уровень 2", "[Система: 1] и дальше", "")))


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_figures_go_on_from_the_last_line_and_from_the_memory(language: str) -> None:
    card = CARDS[language]
    messages = opening(card)
    parts = []
    for _ in range(5):
        parts.append(tell(messages))
        messages = [*messages, Message("assistant", parts[-1]), Message("user", wire(language, "go_on"))]
    lines = [part.rpartition("\n")[2] for part in parts]
    assert all(map(is_status, lines)) and all(is_status(line) for line in lines)
    figures = [[int(one) for one in re.findall(r"\d+", line)] for line in lines]
    earned = [level * 100 + experience for level, _, _, experience in figures]
    assert earned == sorted(set(earned)) and all(20 <= health <= 100 for _, health, _, _ in figures)
    memory = tell([Message("user", prompt(card, "memory", parts="\n\n".join(parts), limit="1500"))])
    assert lines[-1] in memory
    again = tell([Message("user", prompt(card, "memory", parts="Тишина." * 3, limit="1500", memory=memory))])
    assert lines[-1] in again
    asked = [Message("system", prompt(card, "coauthor", memory=memory)), Message("user", wire(language, "go_on"))]
    level, _, _, experience = (int(one) for one in re.findall(r"\d+", tell(asked).rpartition("\n")[2]))
    assert level * 100 + experience > earned[-1]


SCENES = {
    "ru": (RU, "мрачное литрпг", "Сделать: открыть сундук", "Открыть сундук.", "Сказать: есть кто?", "— Есть кто?"),
    "en": (EN, "LitRPG", "Do: open the chest", "Open the chest.", "Say: anybody here?", "“Anybody here?”"),
}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_litrpg_from_its_card_to_the_book(harness: BotHarness, language: str) -> None:
    texts, genre, deed, deed_read, speech, speech_read = SCENES[language]
    person = harness.telegram.user(1, "Анна", language_code=language)
    person.send("/start")
    person.wait()
    for answer in (texts.label("new_story"), genre, CARDS[language].hero, CARDS[language].setting, texts.label("skip")):
        person.send(answer)
        person.wait()
    person.wait(texts.tip_of(genre))
    status = texts.phrases["status"][0].title()
    person.press(texts.label("begin"))
    person.wait(f"[{status}: ")
    for words in (deed, speech):
        person.send(words)
        person.wait(f"[{status}: ")
    assert all(texts.rules_of(genre) in messages[0]["text"] for messages in harness.prompts())
    person.send("/whole_story")
    person.wait(speech_read)
    until(harness.settled)
    shown = "\n".join(message.text for message in person.bot_messages[-4:])
    assert deed_read in shown and deed not in shown and speech not in shown
    person.press(texts.label("more"))
    person.tap(texts.label("hero_talk"), person.wait(lambda message: texts.label("hero_talk") in message.labels))
    greeting = person.wait(str(texts.plain("hero.greeting", last="")).split(":")[0]).text
    assert f"[{status}" not in greeting


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_rules_of_a_genre_are_no_wish_for_an_event(language: str) -> None:
    card = replace(CARDS[language], extra=f"Рядом собака. {RULES[language]}")
    assert read(opening(card)).wishes == "Рядом собака."


def test_books_set_the_systems_line_apart() -> None:
    line = "[Система: уровень 2, здоровье 80 из 100]"
    book = replace(STORY, chapters=(Chapter((Part.of(f"Раз.\n{line}\nДва."),)),))
    assert f'<p class="status">{line}</p>' in html(book).decode() and ".status {" in html(book).decode()
    with zipfile.ZipFile(BytesIO(epub(book))) as archive:
        assert f'<p class="status">{line}</p>' in archive.read("EPUB/chapter-001.xhtml").decode()
        assert ".status {" in archive.read("EPUB/style.css").decode()
    assert f"<p><emphasis>{line}</emphasis></p>" in fb2(book).decode()
    assert f"\n\n{line}\n\n" in txt(book).decode("utf-8-sig").replace("\r", "")


def test_most_genres_have_no_tip() -> None:
    assert RU.tip_of("Сказка") == "" and RU.rules_of("Сказка") == ""
