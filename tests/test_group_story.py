"""A story that a group writes: who begins it, whose words continue it, who decides and who pays."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from tests.group_stories import BEGIN, NEXT, begun, moves, part, path
from tests.harness import BotHarness, until
from tests.ready_made import shipped_locales
from tests.recordings import recording
from tests.test_groups import club, spent
from tests.toasts import FOREIGN

PHONE_CHARS = 33  # of a line
RULES = {
    "ru": ("последнюю часть", "половина", "десять минут", "меньше всех"),
    "en": ("last part", "half of", "ten minutes", "spent least"),
}
VOLUME = ("📗 Второй том", "📖 Новая история")


def test_members_write_in_turn_and_each_pays_for_their_own(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    assert first.labels == (NEXT, "💡 Подскажи", "🔄 Другой вариант", "↩️ Отменить ход", "🏁 Финал", "⚙️ Ещё")
    assert spent(harness, 1) and not spent(harness, 2)
    before = spent(harness, 1)
    second = moves(harness, boris, "Тут пошёл дождь.", "Вторая.", first)
    assert path(harness)[:2] == ["Начало.", "Тут пошёл дождь."]
    assert spent(harness, 2) and spent(harness, 1) == before
    assert not part(anna, "Начало.").labels  # the buttons have gone to the last part
    third = moves(harness, anna, "И гром.", "Третья.", second)
    assert path(harness)[2:4] == ["Вторая.", "И гром."]
    assert third.reply_to is not None and spent(harness, 1) > before
    assert harness.db.value("user", "step", id=1) == "menu" and harness.db.value("user", "session_id", id=1) is None
    harness.check_books()


def test_words_come_in_the_order_in_which_they_were_sent(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    held = harness.holds("Вторая.", "Третья.", "Четвёртая.")
    for person, words in ((anna, "Раз."), (boris, "Два."), (anna, "Три.")):
        person.send(words, reply_to=first.id)
    until(lambda: harness.db.count("inbox", state="new") == 2)
    held.set()
    anna.wait(lambda message: message.text == "Четвёртая.")
    until(harness.settled)
    assert [text for text in path(harness) if text in ("Раз.", "Два.")] == ["Раз.", "Два."]
    assert harness.db.values("prompt", "text", role="user") == ["Раз.", "Два.", "Три."]
    assert harness.db.values("turn", "user_id", kind="part") == [1, 1, 2, 1]


def test_the_groups_talk_is_not_taken_for_the_story(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2, privacy=False)
    said = anna.send("Кто за чаем?")
    boris.send("Я.", reply_to=said)
    harness.says("Это смотритель.")
    boris.send("@soavtor_demo_bot кто это?", reply_to=first.id)  # a question to the assistant
    boris.wait("Это смотритель.")
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    harness.db.change("prompt", {"text": "Вторая."}, created_at=1)
    anna.send("Гром.", reply_to=first.id)
    anna.wait("Это уже не последняя часть")
    assert harness.db.count("prompt", role="user", kind="part") == 1
    assert second.labels


def test_a_reply_to_the_message_that_asks_for_replies_continues_the_story(harness: BotHarness) -> None:
    _, (anna, boris), _ = begun(harness, 1, 2)
    hint = next(message for message in boris.bot_messages if "Ответьте на последнюю часть" in message.text)
    second = moves(harness, boris, "Тут пошёл дождь.", "Вторая.", hint)
    assert path(harness)[:2] == ["Начало.", "Тут пошёл дождь."] and spent(harness, 2)
    anna.tap("🏁 Финал", second)
    anna.tap("⬅️ Пишем дальше", anna.wait("Каким будет конец"))
    moves(harness, boris, "И гром.", "Третья.", anna.wait("Пишем дальше!"))
    assert path(harness)[2:4] == ["Вторая.", "И гром."]
    harness.says("Это смотритель.")
    boris.send("@soavtor_demo_bot кто это?", reply_to=hint.id)  # a question to the assistant
    boris.wait("Это смотритель.")


def test_a_story_is_finished_and_a_new_one_begins(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    anna.tap("🏁 Финал", second)
    asked = anna.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Маяк")
    boris.tap("😊 Счастливый", asked)
    anna.wait("Дописали!")
    until(harness.settled)
    last = part(anna, "Конец.")
    assert last.labels == ("📖 Читать", "📖 Скачать", "✍️ Эпилог", "📤 Поделиться", *VOLUME)
    assert anna.bot_messages[-1].attachment is not None
    boris.send("Ещё.", reply_to=last.id)
    boris.wait("дописана. Начать новую: /story")
    anna.tap("📖 Читать", last)
    anna.wait("Дождь.")
    anna.tap("📖 Новая история", last)
    anna.wait("История для всей группы")
    harness.check_books()


def test_undo_and_variants_are_for_who_made_the_move_or_began(harness: BotHarness) -> None:
    _, (anna, boris, clara), first = begun(harness, 1, 2, 3)
    second = moves(harness, clara, "Град.", "Вторая.", first)
    third = moves(harness, boris, "Дождь.", "Третья.", second)
    assert "последний ход" in clara.tap("↩️ Отменить ход", third).wait_answer().text
    harness.says("Иначе.")
    boris.tap("🔄 Другой вариант", third)
    boris.wait(lambda message: message.text == "Иначе.")
    until(harness.settled)
    other = part(boris, "Иначе.")
    assert other.labels[0] == "◀"
    boris.tap("◀", other)
    boris.wait(lambda message: message.text == "Третья." and message.id == other.id)
    until(harness.settled)
    anna.tap("↩️ Отменить ход", other)
    undone = anna.wait("Теперь последнее: «Вторая.»")
    until(harness.settled)
    assert undone.labels[:2] == ("↪️ Вернуть", NEXT)
    again = moves(harness, anna, "Солнце.", "Другая третья.", undone)
    assert path(harness)[1:4] == ["Град.", "Вторая.", "Солнце."]
    assert again.labels[0] == NEXT


def test_a_suggestion_becomes_the_words_of_who_pressed(harness: BotHarness) -> None:
    _, (_, boris), first = begun(harness, 1, 2)
    moves(harness, boris, "Дождь.", "Вторая.", first)
    harness.says('{"options": ["Он сел.", "Он лёг.", "Он спел."]}')
    boris.tap("💡 Подскажи", part(boris, "Вторая."))
    offered = boris.wait("Он спел.")
    harness.says("Третья.")
    boris.tap("3", offered)
    boris.wait(lambda message: message.text == "Третья.")
    until(harness.settled)
    assert harness.db.last("prompt", "user_id", role="user") == 2
    assert "Он спел." in path(harness)


# ── how it begins ──


# ── whose it is ──


def test_topics_and_the_private_shelf_have_stories_of_their_own(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    for name in ("Маяк", "Туман"):
        topic = anna.new_topic(name)
        topic.send("/story")
        topic.wait("История для всей группы")
        harness.says(f"{name} начинается.")
        topic.tap(BEGIN)
        said = topic.wait(f"{name} начинается.")
        until(harness.settled)
        assert said.topic_id == topic.topic_id
        topic.send("/stories")
        assert len(topic.wait("Историй у группы: 1").labels) == 1
    private = harness.new_person(1)
    private.send("/stories")
    private.wait("пока")
    assert harness.db.count("session", kind="story") == 2


def test_forgetting_a_member_takes_their_moves_and_leaves_the_rest(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Тут пошёл дождь.", "Вторая.", first)
    moves(harness, anna, "И гром.", "Третья.", second)
    private = harness.new_person(1)
    private.send("/forget_me")
    private.tap("🗑 Удалить всё", private.wait("Удалить всё навсегда?"))
    private.wait("я вас больше не помню")
    until(harness.settled)
    assert harness.db.values("prompt", "text") == ["Тут пошёл дождь.", "Вторая."]
    assert harness.db.values("session", "user_id", kind="story") == [2]
    moves(harness, boris, "Молния.", "Четвёртая.", second)


def test_a_groups_stories_leave_with_the_bot_and_come_back_within_a_day(harness: BotHarness) -> None:
    group, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    group.dismiss_bot(anna)
    until(lambda: harness.db.value("session", "deleted_at", kind="story") is not None)
    group.welcome_bot(anna)
    moves(harness, boris, "Гром.", "Третья.", second)
    group.dismiss_bot(anna)
    until(lambda: harness.db.value("session", "deleted_at", kind="story") is not None)
    harness.day_passes()
    assert not harness.db.count("session") and not harness.db.count("prompt")


def test_killed_in_the_middle_of_a_part_it_writes_it_after_the_restart(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    process = harness.process()
    harness.new_person(3)
    _, (anna, boris), first = begun(harness, 1, 2)
    asked = len(harness.prompts())
    harness.says("Море шумело. Небо темнело.", chunks=2, hang_after=1)
    boris.send("Дождь.", reply_to=first.id)
    until(lambda: len(harness.prompts()) > asked)
    anna.send("Гром.", reply_to=first.id)
    until(lambda: harness.db.count("inbox", state="new"))
    harness.kill(process)
    harness.says("Вторая.")
    harness.says("Третья.")
    harness.process()
    anna.wait(lambda message: message.text == "Третья.")
    until(harness.settled)
    assert [text for text in path(harness) if text in ("Дождь.", "Вторая.", "Гром.")] == ["Дождь.", "Вторая.", "Гром."]
    assert harness.db.values("turn", "user_id", kind="part", state="answered") == [1, 2, 1]
    harness.check_books()


def test_who_cannot_pay_is_told_alone_and_the_story_waits(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    moves(harness, boris, "Дождь.", "Вторая.", first)
    harness.db.change("user", {"id": 2}, balance=1)
    boris.send("Гром.", reply_to=part(boris, "Вторая.").id)
    told = boris.wait("Ходы кончились")
    assert told.only_for == 2
    harness.says("Третья.")
    anna.tap(NEXT, part(anna, "Вторая."))
    anna.wait(lambda message: message.text == "Третья.")


def test_a_picture_the_whole_story_and_files_are_behind_more(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    boris.send("Дождь.", reply_to=first.id)
    last = boris.wait(lambda message: message.labels[-1:] == ("⚙️ Ещё",) and message.id != first.id)
    until(harness.settled)
    boris.tap("⚙️ Ещё", last)
    more = boris.wait("что сделать с историей")
    boris.tap("🎨 Иллюстрация", more)
    asked = boris.wait(lambda message: "🎨 Нарисовать" in message.labels)
    before = spent(harness, 2)
    boris.tap("🎨 Нарисовать", asked)
    boris.wait(lambda message: message.attachment is not None)
    until(harness.settled)
    assert spent(harness, 2) > before
    anna.tap("📖 Читать", more)
    anna.wait("Дождь.")
    anna.tap("📖 Скачать", more)
    anna.tap("EPUB", anna.wait(lambda message: "EPUB" in message.labels))
    anna.wait(lambda message: message.attachment is not None and message.attachment.kind == "document")
    assert boris.tap("✍️ Моё имя в книге", more).wait_answer().text == "Назову вас в книге этой истории"
    assert harness.app is not None
    book = harness.app.db.group_stories.coauthors(harness.db.value("session", "id", kind="story"))
    assert book == ["Имя2"]
    assert "не будет" in boris.tap("✍️ Моё имя в книге", more).wait_answer().text
    anna.tap("📤 Поделиться", more)
    anna.wait("start=")


def test_a_part_that_failed_is_asked_again_and_the_story_goes_on(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    harness.models.faults.order(Behaviour(status=400))
    words = boris.send("Дождь.", reply_to=first.id)
    failed = boris.wait("Не получилось обработать запрос")
    assert failed.reply_to == words
    assert anna.tap("🔁 Повторить", failed).wait_answer().text == FOREIGN
    harness.says("Вторая.")
    boris.tap("🔁 Повторить", failed)
    boris.wait(lambda message: message.text == "Вторая.")
    until(harness.settled)
    assert path(harness)[1] == "Дождь." and spent(harness, 2)
    asked = len(harness.prompts())
    harness.says("Море шумело. Небо темнело.", chunks=2, hang_after=1)
    words = boris.send("Гром.", reply_to=part(boris, "Вторая.").id)
    until(lambda: len(harness.prompts()) > asked)
    boris.send("/cancel")
    assert boris.wait("Остановил").reply_to == words


def test_a_forged_button_opens_no_groups_story_in_private(harness: BotHarness) -> None:
    begun(harness, 1, 2)
    number = harness.db.value("session", "id", kind="story")
    private = harness.writer(1, "Моё.")
    own = harness.db.value("user", "session_id", id=1)
    menu = private.last
    for verb in ("open", "read", "delete", "share", "resume"):
        harness.telegram.raw_update(
            {
                "callback_query": {
                    "id": f"77{verb}",
                    "from": {"id": 1, "is_bot": False, "first_name": "Анна"},
                    "message": {"message_id": menu.id, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "х"},
                    "chat_instance": "1",
                    "data": f"{verb}:{number}",
                }
            }
        )
    private.send("/help")
    private.wait("Мы пишем историю вдвоём")
    until(harness.settled)
    harness.telegram.api.violations.clear()  # the invented queries have no true id to answer to
    assert harness.db.value("user", "session_id", id=1) == own
    assert harness.db.value("session", "deleted_at", id=number) is None
    assert harness.db.value("story", "share_token", session_id=number) is None


def test_an_english_member_reads_english(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    anna.speaks("en")
    anna.send("/story")
    card = anna.wait("A story for the whole group")
    harness.says("The beginning.")
    anna.tap("✨ Begin the story", card)
    anna.wait("Reply to the last part")
    until(harness.settled)
    assert part(anna, "The beginning.").labels[0] == "▶️ Go on"


def test_the_buttons_keep_the_language_of_the_story_when_a_member_with_another_one_writes(
    harness: BotHarness,
) -> None:
    _, (_, boris), first = begun(harness, 1, 2)
    boris.speaks("en")
    second = moves(harness, boris, "Rain began.", "Вторая.", first)
    assert second.labels[0] == NEXT
    boris.tap("💡 Подскажи", second)
    boris.wait("What next?")


def test_a_voice_message_that_replies_to_the_last_part_continues_the_story(harness: BotHarness) -> None:
    _, (_, boris), first = begun(harness, 1, 2)
    harness.models.faults.order(Behaviour(heard="Тут пошёл дождь."), kind="stt")
    harness.says("Вторая.")
    boris.voice(recording(), reply_to=first.id)
    boris.wait(lambda message: message.text == "Вторая.")
    until(harness.settled)
    assert path(harness)[1] == "Тут пошёл дождь."


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_hint_takes_six_lines_of_a_phone_and_help_has_the_rest(language: str) -> None:
    texts = shipped_locales()[language]
    hint, help_text = texts.plain("group_story.hint"), texts.plain("help.group", bot="bot", link="link")
    lines = [wrapped for line in hint.splitlines() for wrapped in textwrap.wrap(line, PHONE_CHARS) or [""]]
    assert len(lines) <= 6 and "/help" in hint
    for rule in RULES[language]:
        assert rule in help_text
