"""The inline mode: `@bot words` in any chat, the cards, their links, and who is shown nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from database import AT_ONCE
from sandbox.inline_user import Found, ask, choose
from sandbox.telegram_state import ChatMessage, Json
from sandbox.users import ChatUser
from telegram.polling import ALLOWED_UPDATES
from telegram.updates import topic_of
from tests.harness import BotHarness, until
from tests.inline import LONG_AGO, put_character, put_story


def address_of(card: Json) -> str:
    """Return where the card's button leads."""
    [[button]] = card["reply_markup"]["inline_keyboard"]
    return str(button["url"])


def parameter_of(card: Json) -> str:
    """Return what the card's button starts the bot with."""
    return address_of(card).partition("?start=")[2]


def text_of(card: Json) -> str:
    return str(card["input_message_content"]["message_text"])


def card_of(found: Found, title: str) -> Json:
    return found.results[found.titles.index(title)]


def test_the_query_kinds_are_asked_for_and_wait_for_nothing() -> None:
    assert {"inline_query", "chosen_inline_result"} < set(ALLOWED_UPDATES)
    for kind in ("inline_query", "chosen_inline_result"):
        assert topic_of({kind: {"from": {"id": 1}}}) == AT_ONCE


def test_ones_finished_stories_and_characters_are_cards(harness: BotHarness) -> None:
    person, other = harness.new_person(), harness.new_person(2, "Борис")
    put_story(harness, "Маяк & <море>", "Туман <b>густ</b>. Свет гас. Волна.\n\n(мрачнее)", now=LONG_AGO + 9)
    put_story(harness, "Лес", "Ёлки.", "Я пошёл. (короче)", "Сосны.", genre="Сказка (добрая)")
    put_story(harness, "Черновик", "Начало.", finished=False)
    put_story(harness, "Чужая", "Не моё.", user_id=2)
    deleted = put_story(harness, "Удалённая", "Была.")
    assert harness.app is not None
    harness.app.db.stories.delete(deleted, LONG_AGO)
    put_character(harness, "Фонарщик <i>")
    put_character(harness, "Чужой", user_id=2)

    found = ask(person)
    assert found.titles == ["Маяк & <море>", "Лес", "🎭 Фонарщик <i>"]
    assert (found.answer["is_personal"], found.next_offset, found.button) == (True, "", None)
    assert found.answer["cache_time"] < 10
    lighthouse, forest, lamplighter = found.results
    assert "<b>Маяк &amp; &lt;море&gt;</b>" in text_of(lighthouse) and "&lt;b&gt;густ" in text_of(lighthouse)
    assert "Сказка" in text_of(forest) and "добрая" not in str(forest)
    assert "Я пошёл." in text_of(forest) and "короче" not in str(forest)
    assert "Здравствуйте!" in text_of(lamplighter) and "Тих." not in str(lamplighter)
    assert ask(other).titles == ["Чужая", "🎭 Чужой"]

    assert ask(person, "ёлк").titles == ["Лес"]
    assert ask(person, "фонарщ").titles == ["🎭 Фонарщик <i>"]
    assert ask(person, "нигде").titles == [] and ask(person, "чужая").titles == []
    assert ask(person, "нигде").button == {"text": "✨ Написать историю", "start_parameter": "new"}
    for odd in ("\0ёлк\0", 'ёлк"', "'ёлк", '"ёлк\0'):  # marks of the index's own language
        assert ask(person, odd).titles in (["Лес"], []), odd
    assert ask(person, "\0ёлк").titles == ["Лес"]


def test_a_card_has_the_first_texts_of_its_volume(harness: BotHarness) -> None:
    harness.new_person()
    story = put_story(harness, "Маяк", *(f"Текст {number}." for number in range(9)))
    assert harness.app is not None
    tree, head = harness.app.db.tree, harness.db.value("session", "head_id", id=story)
    whole = tree.whole(head)
    assert tree.beginning(head, None, 3) == whole[:3] and tree.beginning(head, whole[4].id, 3) == whole[5:8]
    assert tree.beginning(head, whole[7].id, 3) == whole[8:] and tree.beginning(None, None, 3) == ()


def test_more_than_a_page_comes_by_offset_and_tokens_stay(harness: BotHarness) -> None:
    person = harness.new_person()
    for number in range(57):
        put_story(harness, f"История {number}", f"Текст {number}.", now=LONG_AGO - number)
    titles: list[str] = []
    offset, pages = "", list[int]()
    while not pages or offset:
        page = ask(person, "", offset)
        pages.append(len(page.results))
        titles += page.titles
        offset = page.next_offset
    assert titles == [f"История {number}" for number in range(57)]
    assert max(pages) <= 50 and len(pages) > 1
    first = card_of(ask(person), "История 0")
    harness.restart()
    assert parameter_of(card_of(ask(person), "История 0")) == parameter_of(first)
    assert ask(person, "", "9999").results == () and len(ask(person, "", "-1x").results) == pages[0]


def test_a_card_leads_to_the_story_and_its_link_can_be_closed(harness: BotHarness) -> None:
    person, reader = harness.new_person(), harness.new_person(2, "Борис")
    story = put_story(harness, "Маяк", "Свет погас.")
    card = ask(person).results[0]
    assert "Закрыть ссылку" not in str(shown(person, story).labels)  # listed, not sent
    reader.send(f"/start {parameter_of(card)}")
    reader.wait("Анна делится историей «Маяк»")
    reader.wait("Свет погас.")
    assert {"📤 Поделиться", "🔗 Закрыть ссылку"} <= set(shown(person, story).labels)
    person.tap("🔗 Закрыть ссылку")
    person.wait("больше не открывается")
    reader.send(f"/start {parameter_of(card)}")
    reader.wait("Эта ссылка больше не открывается")
    assert parameter_of(ask(person).results[0]) != parameter_of(card)


def shown(person: ChatUser, story: int) -> ChatMessage:
    """Return the story's card in the bot's chat."""
    person.send("/stories")
    listed = person.wait("Ваши истории")
    person.tap(f"card:{story}", listed)
    return person.wait("Свет погас.")


def test_a_chosen_card_is_shared_and_asks_nothing_in_a_chat_with_the_bot(harness: BotHarness) -> None:
    person = harness.writer(words="Она погасла.")
    story = put_story(harness, "Лес", "Ёлки.")
    asked = len(harness.prompts())
    card = ask(person, "лес").results[0]
    assert choose(person, card, "лес").text.startswith("📖 Лес")  # sent into the bot's own chat, in a story
    until(lambda: harness.db.value("story", "share_token", session_id=story))
    until(harness.settled)
    assert len(harness.prompts()) == asked
    assert not [prompt for prompt in harness.db.rows("prompt") if "📖" in prompt["text"]]
    group = harness.telegram.group(-1001, "Группа", [person])
    choose(group.member(person), card)
    until(harness.settled)
    assert len(harness.prompts()) == asked and not group.messages[-1].from_bot


def test_the_link_message_has_ways_to_send_it(harness: BotHarness) -> None:
    until(lambda: harness.db.value("setting", "value", key="inline_mode") == "1")
    person = harness.new_person()
    story = put_story(harness, "Маяк", "Свет погас.", finished=False)
    shown(person, story)
    person.tap("📤 Поделиться")
    message = person.wait("🔗 Кто откроет")
    [[send], [copy], [close]] = (message.markup or {})["inline_keyboard"]
    chosen = send["switch_inline_query_chosen_chat"]
    assert chosen == {
        "query": f"#{story}",
        "allow_user_chats": True,
        "allow_group_chats": True,
        "allow_channel_chats": True,
    }
    assert copy["copy_text"]["text"] in message.text and close["text"] == "🔗 Закрыть ссылку"
    found = ask(person, chosen["query"])
    assert found.titles == ["Маяк"] and address_of(found.results[0]) == copy["copy_text"]["text"]
    other = harness.new_person(2, "Борис")
    assert ask(other, chosen["query"]).titles == []


def test_without_the_inline_mode_only_the_link_is_offered(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.telegram.api.inline_mode = False
    harness.start()
    person = harness.new_person()
    story = put_story(harness, "Маяк", "Свет погас.")
    shown(person, story)
    person.tap("📤 Поделиться")
    assert person.wait("🔗 Кто откроет").labels == ("📋 Скопировать ссылку", "🔗 Закрыть ссылку")


def test_who_may_not_use_the_bot_is_shown_nothing(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_USERS=2)
    harness.start()
    stranger = harness.telegram.user(9, "Чужой")
    unknown = ask(stranger)
    assert unknown.results == () and unknown.button is not None and unknown.button["start_parameter"] == "new"
    assert harness.db.count("user") == 0
    person = harness.new_person()
    put_story(harness, "Маяк", "Свет.")
    harness.new_person(2, "Борис")
    assert ask(stranger).button is None
    harness.db.change("user", {"id": 1}, banned=1)
    banned = ask(person)
    assert (banned.results, banned.button) == ((), None)
    harness.db.change("user", {"id": 1}, banned=0)
    assert ask(person).titles == ["Маяк"]


def test_english_cards_and_queries_while_the_model_writes(harness: BotHarness) -> None:
    person = harness.writer(words="Начало.")
    put_story(harness, "Light", "Dark.")
    released = harness.holds("Продолжение.")
    person.press("▶️ Дальше")
    person.until(lambda: harness.db.open_turns() or None)
    assert ask(person, "light").titles == ["Light"]  # at once, beside the turn
    released.set()
    person.wait("Продолжение.")
    person.send("/language")
    person.tap("English", person.wait("язык"))
    person.wait("English")
    assert ask(person, "nowhere").button == {"text": "✨ Write a story", "start_parameter": "new"}


def test_a_character_is_taken_by_its_link(harness: BotHarness) -> None:
    person, friend = harness.new_person(), harness.new_person(2, "Борис")
    character = put_character(harness, "Фонарщик")
    assert harness.app is not None
    harness.app.db.characters.set_picture(character, 1, b"jpeg")
    link = parameter_of(ask(person, "фонарщик").results[0])
    friend.send(f"/start {link}")
    friend.wait("Анна знакомит вас с персонажем")
    friend.tap("🎭 Познакомиться")
    friend.wait("Я чиню звёзды")
    assert harness.db.values("character", "picture", owner_id=2) == [b"jpeg"]
    friend.send(f"/start {link}")
    friend.wait("знакомит")
    friend.tap("🎭 Познакомиться")
    friend.wait("Фонарщик")
    until(harness.settled)
    assert harness.db.count("character", owner_id=2) == 1  # an equal one is taken up again
    harness.app.db.characters.delete(character, 1, int(time.time()))
    friend.send(f"/start {link}")
    friend.wait("Эта ссылка больше не открывается")
    assert harness.db.count("character", owner_id=2, deleted_at=None) == 1


def test_killed_before_the_answer_the_next_start_answers_or_is_refused(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    process = harness.process()
    person = harness.new_person()
    harness.kill(process)
    asked = harness.telegram.api.ask_inline(1, "", "")
    harness.process()
    until(lambda: asked.answer)
    assert asked.answer is not None and asked.answer["results"] == []
    late = harness.telegram.api.ask_inline(1, "", "")
    late.asked_at -= 60
    until(harness.settled)
    assert person.chat.id == 1
