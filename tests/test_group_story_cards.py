"""How a group's story is begun: a card of a phrase or by chance."""

from __future__ import annotations

from tests.forgetting import forget
from tests.group_stories import BEGIN, moves, part
from tests.harness import BotHarness, until
from tests.test_groups import club
from tests.toasts import FOREIGN_CARD, STRANGER

OUTLINE = '{"genre": "Сказка", "hero": "Лампа: не гаснет", "setting": "Порт: шумит", "wish": "Пусть идёт дождь."}'


def test_a_phrase_behind_the_command_becomes_the_card(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says(OUTLINE)
    sent = anna.send("/story старый маяк, который не гаснет")
    card = anna.wait("✨ Вот что получилось из вашей фразы")
    assert card.reply_to == sent and "Лампа: не гаснет" in card.text and "старый маяк, который не гаснет" in card.text
    assert boris.tap(BEGIN, card).wait_answer().text == STRANGER
    boris.send("/balance")
    until(lambda: harness.db.count("user") == 2)
    assert boris.tap(BEGIN, card).wait_answer().text == FOREIGN_CARD
    anna.tap("🎭 Другой жанр", card)
    anna.wait(lambda message: message.id == card.id and "Детектив" in message.labels)
    anna.tap("Детектив", card)
    changed = anna.wait(lambda message: message.id == card.id and "Жанр: Детектив" in message.text)
    assert "старый маяк" in changed.text and "Лампа" not in changed.text
    assert harness.db.count("draft") == 0  # her private draft is another
    harness.says("Начало.")
    anna.tap(BEGIN, card)
    anna.wait("Ответьте на последнюю часть")
    until(harness.settled)
    assert harness.db.value("story", "genre") == "Детектив"
    assert not part(anna, changed.text).labels
    harness.check_books()


def test_a_card_of_a_phrase_that_no_model_could_make_is_filled_by_chance(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("не знаю")
    anna.send("/story старый маяк")
    card = anna.wait("История для всей группы")
    assert "старый маяк" in card.text and "🎲" in card.text
    anna.tap("✖️ Не надо", card)
    anna.wait("историю не начинаем")
    until(harness.settled)
    assert not harness.db.count("group_draft")


def test_the_phrase_of_a_forgotten_member_leaves_the_story_that_another_goes_on_with(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says(OUTLINE)
    anna.send("/story старый маяк, который не гаснет")
    anna.wait("✨ Вот что получилось из вашей фразы")
    harness.says("Начало.")
    anna.tap(BEGIN)
    anna.wait("Ответьте на последнюю часть")
    until(harness.settled)
    moves(harness, boris, "Дождь.", "Вторая.", part(boris, "Начало."))
    assert "старый маяк" in str(harness.db.value("story", "extra"))
    forget(harness, harness.new_person(1))
    assert harness.db.values("session", "user_id", kind="story") == [2]
    assert "маяк" not in str(harness.db.value("story", "extra"))


def test_a_group_is_told_what_is_being_made(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    for press, answer, line in (
        (lambda: anna.send("/story старый маяк"), OUTLINE, "✨ Собираю из вашей фразы карточку истории…"),
        (lambda: anna.tap(BEGIN), "Начало.", "✍️ Пишу историю…"),
        (lambda: anna.tap("💡 Подскажи"), '{"options": ["Он ждёт.", "Он идёт.", "Он спит."]}', "💡 Придумываю, что"),
    ):
        held = harness.holds(answer)
        press()
        assert anna.wait(line).labels == ("⏹ Стоп",)
        held.set()
        until(harness.settled)
    assert not [message.text for message in anna.bot_messages if "Отвечаю" in message.text]
