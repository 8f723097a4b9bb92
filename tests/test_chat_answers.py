"""Answers in the chat: their order, repetition, refusal, length and formatting."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.model_faults import Behaviour
from tests.chatting import ask, asked, chatting
from tests.harness import BotHarness, until


def test_two_quick_messages_are_answered_in_order_user_and_assistant_in_turn(harness: BotHarness) -> None:
    person = chatting(harness)
    held = harness.holds("Ответ первый.", "Ответ второй.")
    person.send("Первое.")
    person.send("Второе.")
    assert person.wait("Я ещё отвечаю", since=0).labels == ("✖️ Не надо", "⏹ Стоп")
    held.set()
    person.wait("Ответ второй.", since=0)
    assert asked(harness) == [("user", "Первое."), ("assistant", "Ответ первый."), ("user", "Второе.")]


def test_words_that_waited_can_be_taken_back(harness: BotHarness) -> None:
    person = chatting(harness)
    held = harness.holds("Готово.")
    person.send("Первое.")
    person.send("Лишнее.")
    person.wait("Я ещё отвечаю")
    person.tap("✖️ Не надо")
    person.wait("на эти слова я отвечать не буду")
    held.set()
    person.wait("Готово.", since=0)
    assert "Лишнее" not in str(harness.prompts())


def test_a_retry_asks_the_same_words_once(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    harness.models.faults.order(Behaviour(status=500))
    person.send("Три.")
    person.wait("Не получилось обработать запрос, попробуйте позже")
    harness.says("Четыре.")
    person.tap("🔁 Повторить")
    person.wait("Четыре.")
    expected = [("user", "Раз."), ("assistant", "Два."), ("user", "Три.")]
    assert asked(harness) == expected
    ask(harness, person, "Пять.", "Шесть.")
    assert asked(harness) == [*expected, ("assistant", "Четыре."), ("user", "Пять.")]
    assert "Повторить" not in str(harness.prompts())


def test_a_retry_takes_the_place_of_half_an_answer(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Половина ответа. И ещё немного.", cut_after=1, chunks=2)
    person.send("Расскажи.")
    person.wait("Не получилось договорить")
    harness.says("Ответ целиком.")
    person.tap("🔁 Повторить")
    person.wait("Ответ целиком.")
    assert asked(harness) == [("user", "Расскажи.")]
    ask(harness, person, "Спасибо.", "Пожалуйста.")
    assert [text for _, text in asked(harness)] == ["Расскажи.", "Ответ целиком.", "Спасибо."]
    assert not [message for message in person.shown if message.from_bot and "Половина" in message.text]


def test_a_refused_question_stays_out_of_the_context_and_can_be_asked_gently(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.models.faults.order(Behaviour(end="filter"))
    person.send("Опасное.")
    person.wait("Модель отказалась отвечать")
    harness.says("В общих чертах так.")
    person.tap("🔁 Смягчить")
    person.wait("В общих чертах так.")
    assert "Ответь осторожно" in asked(harness)[-1][1]
    harness.models.faults.order(Behaviour(end="filter"))
    person.send("Снова опасное.")
    person.wait("Модель отказалась отвечать")
    ask(harness, person, "Другое.", "Ответ.")
    assert "Снова" not in str(asked(harness))


def test_a_long_answer_comes_whole_in_several_messages(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_ANSWER=2800)
    harness.start()
    person = chatting(harness)
    long = "\n\n".join(f"**Пункт {number}.** " + "слово " * 100 for number in range(12))
    harness.says(long)
    person.send("Подробно!")
    person.wait("Пункт 11.")
    shown = [message for message in person.bot_messages if "Пункт" in message.text]
    assert len(shown) > 1
    joined = "\n".join(message.text for message in shown)
    assert all(f"Пункт {number}." in joined for number in range(12))
    assert "**" not in joined


def test_markdown_becomes_formatting_and_broken_markdown_arrives(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Вот **важное** и код:\n```python\nif a < b and c > d:\n    print('<b>')\n```")
    person.send("Код?")
    message = person.wait("важное")
    assert "**" not in message.text and "if a < b and c > d:" in message.text
    assert {entity["type"] for entity in message.entities} >= {"bold", "pre"}
    for broken in (
        "**жирное без конца",
        "```\nкод без конца",
        "_*[x](",
        "<b>тег</i> & прочее",
        "[ссылка](javascript:x)",
    ):
        harness.says(broken)
        person.send("Ещё.")
        until(lambda: not harness.db.open_turns())
        until(lambda: not harness.db.count("outbox"))
        assert person.last.from_bot and person.last.text.strip()


def test_a_growing_answer_shows_no_markdown(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("**Раз** и два. **Три**, и хватит.", chunks=3, hang_after=2)
    person.send("Считай.")
    assert person.wait_draft("Раз и два.").text.startswith("Раз и два.")
    person.send("стоп")
    person.wait("Остановил")


def test_an_answer_that_ran_into_its_limit_says_so(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Начало длинного ответа, которого", end="truncated")
    person.send("Всё!")
    person.wait("Ответ длиннее, чем мне можно за раз")
    assert [message for message in person.bot_messages if "которого" in message.text]
