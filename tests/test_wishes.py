"""Wishes in brackets: obeyed, and never printed wherever the story is read."""

from __future__ import annotations

import pytest

from conversation.wishes import is_manner, manners_in, wishes_in, without_wishes
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

WISH, MANNER = "(пусть пойдёт снегопад)", "(пиши короче)"


@pytest.mark.parametrize(
    ("words", "read", "wishes"),
    [
        ("(пусть пойдёт снег)", "", ["пусть пойдёт снег"]),
        ("Он встал.\n(пусть пойдёт снег)", "Он встал.", ["пусть пойдёт снег"]),
        ("Он встал. (и потемнеет!)", "Он встал.", ["и потемнеет!"]),
        ("(пусть пойдёт снег\nи стемнеет)\nОн встал.", "Он встал.", ["пусть пойдёт снег и стемнеет"]),
        ("Он встал. (пусть скажет (тихо) «да»)", "Он встал.", ["пусть скажет (тихо) «да»"]),
        ("(Он встал.", "(Он встал.", []),
        ("(дубовая) дверь\nскрипнула (тихо)", "(дубовая) дверь\nскрипнула (тихо)", []),
        ("Дверь (дубовая) скрипнула.", "Дверь (дубовая) скрипнула.", []),
        ("Он ушёл (навсегда).", "Он ушёл (навсегда).", []),
        ("He said “no”. (let it rain)", "He said “no”.", ["let it rain"]),
    ],
)
def test_a_passage_wholly_in_brackets_is_a_wish(words: str, read: str, wishes: list[str]) -> None:
    assert without_wishes(words) == read and wishes_in(words) == wishes


@pytest.mark.parametrize(
    "wish",
    ["пиши короче", "больше диалогов", "от первого лица", "без мистики", "не торопись", "keep it short", "no magic"],
)
def test_a_wish_about_the_manner_stays(wish: str) -> None:
    assert is_manner(wish) and manners_in([f"Он встал. ({wish})", "Он сел."]) == [wish]


@pytest.mark.parametrize(
    "wish",
    [
        *("пусть пойдёт снег", "пусть она больше не вернётся", "появится короткий человек", "let the bridge burn"),
        *("пусть начнётся диалог с драконом", "опиши комнату подробно", "let the dialogue with the dragon begin"),
        "пусть в доме начнётся пожар, но все всегда успеют выбежать на улицу",
    ],
)
def test_a_wish_about_an_event_does_not(wish: str) -> None:
    assert not is_manner(wish)


def asked_with_wishes(harness: BotHarness) -> ChatUser:
    """Return somebody who has asked for an event and for a manner, and has gone on since."""
    person = harness.writer()
    for words, answer in (
        (f"Он вышел. {WISH}\n{MANNER}", "Снег пошёл."),
        (WISH, "Опять замело."),
        ("Он (смотритель) запер дверь.", "Ключ повернулся."),
    ):
        harness.says(answer)
        person.send(words)
        person.wait(answer)
    return person


def test_an_event_is_asked_for_once_and_a_manner_from_then_on(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Снег пошёл.")
    person.send(f"Он вышел. {WISH}\n{MANNER}")
    person.wait("Снег пошёл.")
    said = harness.prompts()[-1][-1]["text"]
    assert WISH in said and "Просьбы соавтора, держись их: пиши короче." in said
    harness.says("Дверь скрипнула.")
    person.send("Он вернулся.")
    person.wait("Дверь скрипнула.")
    prompt = harness.prompts()[-1]
    assert "снегопад" not in str(prompt) and "Он вышел." in str(prompt)
    assert prompt[-1]["text"].count("пиши короче") == 1 and str(prompt).count("пиши короче") == 1


def test_the_whole_story_and_its_card_show_no_wish(harness: BotHarness) -> None:
    person = asked_with_wishes(harness)
    person.send("/whole_story")
    read = person.wait("Ключ повернулся.", since=0)
    person.wait("Продолжение за вами")
    texts = "\n".join(message.text for message in person.bot_messages if message.id >= read.id - 1)
    assert "Он вышел." in texts and "Он (смотритель) запер дверь." in texts
    assert "снегопад" not in texts and "короче" not in texts


def test_a_shared_story_shows_no_wish(harness: BotHarness) -> None:
    person = asked_with_wishes(harness)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📤 Поделиться")
    link = person.wait("t.me").text
    reader = harness.new_person(2, "Борис")
    reader.send(f"/start {link.rpartition('start=')[2].split()[0]}")
    shared = reader.wait("Ключ повернулся.")
    assert "Он вышел." in shared.text and "снегопад" not in shared.text and "короче" not in shared.text


def test_the_memory_is_made_of_no_wish_and_the_manner_survives_it(harness: BotHarness) -> None:
    person = asked_with_wishes(harness)
    for text in ("Пятая.", "Шестая."):
        harness.says(text)
        person.press("▶️ Дальше")
        person.wait(text)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🧠 Память")
    person.wait("помню историю дословно")
    harness.says("Герой: смотритель.")
    person.press("🔄 Собрать заново")
    person.wait("Герой: смотритель.")
    [asked] = [prompt for prompt in harness.prompts() if "память истории" in prompt[0]["text"]]
    assert "Он вышел." in asked[0]["text"]
    assert "снегопад" not in asked[0]["text"] and "короче" not in asked[0]["text"]
    harness.says("Седьмая.")
    person.press("▶️ Дальше")
    person.wait("Седьмая.")
    assert "держись их: пиши короче." in harness.prompts()[-1][-1]["text"]


def test_a_story_is_not_found_by_its_wishes(harness: BotHarness) -> None:
    asked_with_wishes(harness)
    until(harness.settled)
    assert harness.app is not None
    found = harness.app.db.stories.search
    assert found(1, "вышел", limit=5) and found(1, "смотритель запер", limit=5)
    assert not found(1, "снегопад", limit=5) and not found(1, "короче", limit=5)
