"""The chat with the assistant: its context, its memory, what replies and edits do, roles, sessions and tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour, Received
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

WORDS = "слово " * 60


def chatting(harness: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody who has opened the chat."""
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    return person


def ask(harness: BotHarness, person: ChatUser, words: str, answer: str, **behaviour: object) -> int:
    """Asks and is answered; the id of the question."""
    harness.says(answer, **behaviour)
    message_id = person.send(words)
    person.wait(answer)
    until(harness.settled)  # the bot knows the answer's message only when Telegram has told it
    return message_id


def asked(harness: BotHarness, place: int = -1) -> list[tuple[str, str]]:
    """Roles and texts of a prompt that reached the model, without the system's."""
    return [(message["role"], message["text"]) for message in harness.prompts()[place] if message["role"] != "system"]


def system(harness: BotHarness) -> str:
    return str(harness.prompts()[-1][0]["text"])


# ── the screen ──


def test_the_chat_has_its_own_line_keyboard_and_placeholder(harness: BotHarness) -> None:
    person = chatting(harness)
    assert person.keyboard == (("🧹 Забыть разговор", "🎓 Роль"), ("🏠 Меню",))
    assert person.placeholder == "Спросите что угодно"
    person.press("🏠 Меню")
    person.wait("Вы в меню")


def test_words_are_answered_in_the_context_of_the_session(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Меня зовут Анна.", "Приятно, Анна.")
    ask(harness, person, "Как меня зовут?", "Вас зовут Анна.")
    assert asked(harness) == [
        ("user", "Меня зовут Анна."),
        ("assistant", "Приятно, Анна."),
        ("user", "Как меня зовут?"),
    ]
    assert "помощник в Telegram" in system(harness)


def test_coming_back_goes_on_in_the_same_session(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send("/chat")
    assert "Продолжаем разговор «Раз.»" in person.wait("💬 Чат").text
    harness.restart()
    ask(harness, person, "Три.", "Четыре.")
    assert [text for _, text in asked(harness)] == ["Раз.", "Два.", "Три."]
    assert harness.db.count("session", kind="chat") == 1


def test_a_story_and_the_chat_park_each_other(harness: BotHarness) -> None:
    person = harness.writer(words="Маяк погас.")
    person.send("/chat")
    person.wait("💬 Чат. Истории ждут")
    ask(harness, person, "Сколько будет дважды два?", "Четыре.")
    assert "Маяк" not in str(asked(harness))
    person.press("🏠 Меню")
    person.wait("ждёт вас")
    person.press("🔖 К истории")
    person.wait("часть 1")
    harness.says("Смотритель встал.")
    person.press("▶️ Дальше")
    person.wait("Смотритель встал.")
    assert "дважды два" not in str(harness.prompts()[-1])


def test_kept_words_can_go_to_the_chat(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("Почему небо синее?")
    assert person.wait("Слова у меня").labels == ("✨ В новую историю", "💬 В чат")
    harness.says("Синий рассеивается сильнее.")
    person.tap("💬 В чат")
    person.wait("Синий рассеивается")
    assert asked(harness) == [("user", "Почему небо синее?")]
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")


def test_an_answer_grows_as_a_draft_and_can_be_stopped(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Один. Два. Три.", chunks=3, hang_after=2)
    person.send("Посчитай.")
    person.wait_draft("Два.")
    person.send("стоп")
    person.wait("Остановился. Сказанное осталось в разговоре")
    assert person.draft is None
    ask(harness, person, "Дальше что?", "Три.")
    assert [role for role, _ in asked(harness)] == ["user", "assistant", "user"]


def test_a_stop_before_the_first_word_leaves_no_trace_in_the_context(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.models.faults.order(Behaviour(hang=True))
    first = person.send("Не то спросил.")
    until(lambda: len(harness.prompts()) == 1)
    person.send("/cancel")
    person.wait("ничего не потрачено")
    harness.says("Ответ.")
    person.edit(first, "То спросил.")
    person.wait("Ответ.")
    assert asked(harness) == [("user", "То спросил.")]


# ── rivals' defects ──


def test_two_quick_messages_are_answered_in_order_user_and_assistant_in_turn(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Ответ первый.", first_chunk_s=0.2)
    harness.says("Ответ второй.")
    person.send("Первое.")
    person.send("Второе.")
    assert person.wait("Я ещё отвечаю", since=0).labels == ("✖️ Не надо", "⏹ Стоп")
    person.wait("Ответ второй.", since=0)
    assert asked(harness) == [("user", "Первое."), ("assistant", "Ответ первый."), ("user", "Второе.")]


def test_words_that_waited_can_be_taken_back(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Готово.", first_chunk_s=0.5)
    person.send("Первое.")
    person.send("Лишнее.")
    person.wait("Я ещё отвечаю")
    person.tap("✖️ Не надо")
    person.wait("на эти слова я отвечать не буду")
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
    person.wait("Модель не взялась отвечать")
    harness.says("В общих чертах так.")
    person.tap("🔁 Мягче")
    person.wait("В общих чертах так.")
    assert "Ответь осторожно" in asked(harness)[-1][1]
    harness.models.faults.order(Behaviour(end="filter"))
    person.send("Снова опасное.")
    person.wait("Модель не взялась отвечать")
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
    person.wait("Остановился")


def test_an_answer_that_ran_into_its_limit_says_so(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Начало длинного ответа, которого", end="truncated")
    person.send("Всё!")
    person.wait("Ответ длиннее, чем мне можно за раз")
    assert [message for message in person.bot_messages if "которого" in message.text]


# ── replies and edits ──


def test_a_reply_puts_that_message_into_the_question(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Рецепт борща: свёкла и терпение.")
    person.send("Как варить борщ?")
    recipe = person.wait("Рецепт борща").id
    ask(harness, person, "А погода?", "Не знаю.")
    harness.says("Часа полтора.")
    person.send("Сколько варить?", reply_to=recipe)
    person.wait("Часа полтора.")
    last = asked(harness)[-1][1]
    assert "Рецепт борща: свёкла и терпение." in last and last.endswith("Сколько варить?")


def test_a_reply_to_the_last_answer_says_it_once(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Сорок два.")
    person.send("Ответ?")
    answer = person.wait("Сорок два.").id
    until(harness.settled)
    harness.says("Потому.")
    person.send("Почему?", reply_to=answer)
    person.wait("Потому.")
    assert asked(harness) == [("user", "Ответ?"), ("assistant", "Сорок два."), ("user", "Почему?")]


def test_a_reply_to_a_long_message_is_cut_to_a_sane_size(harness: BotHarness) -> None:
    person = chatting(harness)
    first = ask(harness, person, "очень " * 300, "Ясно.")
    ask(harness, person, "Дальше.", "Хорошо.")
    harness.says("Отвечаю.")
    person.send("О чём это?", reply_to=first)
    person.wait("Отвечаю.")
    assert 100 < len(asked(harness)[-1][1]) < 1700


def test_editing_the_last_words_asks_again_beside_the_old_ones(harness: BotHarness) -> None:
    person = chatting(harness)
    first = ask(harness, person, "Столица Франции?", "Париж.")
    second = ask(harness, person, "А Испаии?", "Не понял.")
    harness.says("Мадрид.")
    person.edit(second, "А Испании?")
    person.wait("Мадрид.")
    assert [text for _, text in asked(harness)] == ["Столица Франции?", "Париж.", "А Испании?"]
    assert not [message for message in person.shown if message.text == "Не понял."]
    person.edit(first, "Столица Дании?")
    person.wait("останутся прежние слова")
    ask(harness, person, "Спасибо.", "Не за что.")
    assert "Не понял." not in str(asked(harness)) and "Дании" not in str(asked(harness))


def test_words_that_were_too_long_can_be_edited_and_asked(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1800)
    harness.start()
    person = chatting(harness)
    sent = person.send("очень " * 650)
    person.wait("сократите до")
    harness.says("Коротко и ясно.")
    person.edit(sent, "Короче.")
    person.wait("Коротко и ясно.")
    assert asked(harness) == [("user", "Короче.")]


# ── the context's end ──


def rich(make_harness: Callable[..., BotHarness]) -> BotHarness:
    """A harness where nobody runs out of tokens."""
    harness = make_harness(USER_TOKENS=1_000_000)
    harness.start()
    return harness


def test_thirty_messages_pass_the_context_and_the_first_fact_is_still_known(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = rich(make_harness)
    person = chatting(harness)
    summaries = 0

    def answer(request: Received) -> Behaviour | None:
        nonlocal summaries
        if request.kind != "completion":
            return None
        if "Ты ведёшь память разговора" not in str(request.body):
            return Behaviour(text=f"Ответ. {WORDS}")
        summaries += 1
        assert "попугая зовут Гоша" in str(request.body)  # in the old memory, or in what is folded now
        return Behaviour(text="Собеседник: его попугая зовут Гоша.")

    harness.models.faults.rule = answer
    person.send("Запомни: моего попугая зовут Гоша.")
    person.wait("Ответ.")
    for number in range(2, 31):
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait("Ответ.")
    assert 2 <= summaries <= 8
    assert "его попугая зовут Гоша" in system(harness)
    assert "Запомни" not in str(asked(harness))
    told = [message.text for message in person.bot_messages]
    assert sum("занял больше 80 %" in text for text in told) == 1
    assert sum("начало я сжал" in text for text in told) == summaries
    until(lambda: not harness.db.total("user", "reserved"))


def test_a_user_who_prefers_it_begins_anew_at_the_contexts_end(make_harness: Callable[..., BotHarness]) -> None:
    harness = rich(make_harness)
    person = chatting(harness)
    harness.db.change("user", {"id": 1}, at_full="anew")
    number = 0
    while not [message for message in person.bot_messages if "начинаю новый" in message.text]:
        number += 1
        assert number < 30
        harness.says(f"Ответ {number}. {WORDS}")
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait(f"Ответ {number}.")
    assert asked(harness) == [("user", f"Вопрос {number}: {WORDS}".strip())]
    assert harness.db.count("session", kind="chat") == 2
    assert not harness.db.count("call", purpose="summary")
    person.send("/sessions")
    assert len(person.wait("Что продолжим?").labels) == 2


def test_a_session_that_is_nearly_spent_says_so_once(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    harness.db.change("session", spent=81000)
    ask(harness, person, "Три.", "Четыре.")
    person.wait("больше 80 % своих токенов", since=0)
    ask(harness, person, "Пять.", "Шесть.")
    person.send("/t")
    person.wait("Потрачено")
    assert len([one for one in person.bot_messages if "своих токенов" in one.text]) == 1


def test_a_full_session_offers_a_new_one(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_SESSION=5000)
    harness.start()
    person = chatting(harness)
    ask(harness, person, "Раз.", "Два.")
    harness.db.change("session", spent=4900)
    person.send("Три.")
    person.wait("потрачено всё, что ему отпущено")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    ask(harness, person, "Четыре.", "Пять.")
    assert asked(harness) == [("user", "Четыре.")]


# ── forgetting, tokens, sessions ──


def test_forgetting_a_talk_without_a_word_does_not_open_the_one_before_it(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Про кошек.", "Мяу.")
    harness.db.change("session", spent=99999)
    person.send("Ещё.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    harness.db.change("session", spent=0)
    person.send("/clear")
    person.wait("Забывать нечего")
    ask(harness, person, "Про собак.", "Гав.")
    assert asked(harness) == [("user", "Про собак.")]


@pytest.mark.parametrize("way", ["🧹 Забыть разговор", "/clear"])
def test_forgetting_deletes_the_messages_and_keeps_the_tokens_counted(harness: BotHarness, way: str) -> None:
    person = chatting(harness)
    ask(harness, person, "Старое.", "Прежний разговор.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    spent = harness.db.value("user", "spent")
    old = person.send(way)
    text = person.wait("🧹 Забыл 2 сообщения").text
    assert f"{spent} токен" in text.replace("\u00a0", "")
    assert harness.db.count("prompt") == 0 and harness.db.value("user", "spent") == spent
    ask(harness, person, "Новое.", "С чистого листа.")
    assert asked(harness) == [("user", "Новое.")]
    assert old


def test_a_message_of_a_forgotten_talk_stands_for_nothing_any_more(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Тайна.")
    question = person.send("Секрет?")
    answer = person.wait("Тайна.").id
    person.send("/clear")
    person.wait("Забыл")
    ask(harness, person, "Новое.", "Свежее.")
    person.edit(question, "Секрет или нет?")
    person.wait("останутся прежние слова")
    harness.says("Не помню.")
    person.send("Что это?", reply_to=answer)
    person.wait("Не помню.")
    assert "Тайна." in asked(harness)[-1][1]  # what is on the user's own screen may be asked about
    person.send("/clear")
    person.wait("Забыл 4 сообщения")
    person.send("/clear")
    person.wait("Забывать нечего")


def test_the_chat_is_not_forgotten_while_it_answers(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Готово.", first_chunk_s=0.4)
    person.send("Вопрос.")
    person.press("🧹 Забыть разговор")
    person.wait("Сейчас это не сработает")
    person.wait("Готово.")


def test_t_tells_the_tokens_of_the_open_session_and_its_context(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/t")
    person.wait("ничего не потрачено")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(harness, person, "Вопрос.", "Ответ.")
    person.send("/t")
    spent = harness.db.value("session", "spent")
    text = person.wait("🔢 💬 Вопрос.").text.replace("\u00a0", "")
    assert f"Потрачено: {spent} из 100000 токенов" in text and "из 3000 токенов" in text


def test_t_and_info_speak_of_what_is_open_where_one_is(harness: BotHarness) -> None:
    person = harness.writer()

    def open_now() -> tuple[str, str]:
        person.send("/t")
        first = person.wait("🔢").text.splitlines()[0]
        person.send("/info")
        return first, person.wait("ℹ️").text

    def both_name(what: str) -> bool:
        return all(what in text for text in open_now())

    assert both_name("Смотритель Маяк")
    person.send("/chat")
    person.wait("💬 Чат")
    first, info = open_now()
    assert "ничего не потрачено" in first and "Ничего не открыто" in info  # the story waits elsewhere
    ask(harness, person, "Про кошек.", "Мяу.")
    assert both_name("💬 Про кошек.")
    person.send("/clear")
    person.wait("Забыл")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    assert both_name("Смотритель Маяк")
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("делегация")
    assert both_name("🎭 Кот-писарь Пантелей")


def test_sessions_lists_stories_and_talks_and_resumes_them(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/chat")
    person.wait("💬 Чат")
    ask(harness, person, "Про кошек.", "Мяу.")
    person.send("/clear")
    person.wait("Забыл")
    ask(harness, person, "Про собак.", "Гав.")
    harness.db.change("session", {"kind": "chat"}, spent=99999)
    person.send("Ещё про собак.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор")
    ask(harness, person, "Про птиц.", "Чирик.")
    person.send("/sessions")
    labels = person.wait("Что продолжим?").labels
    assert [label.split(" · ")[0] for label in labels] == ["💬 Про птиц.", "💬 Про собак.", "📖 Смотритель Маяк"]
    harness.db.change("session", {"kind": "chat"}, spent=0)
    person.tap(labels[1])
    person.wait("Мы остановились на: „Гав.“")
    ask(harness, person, "Дальше.", "Гав-гав.")
    assert [text for _, text in asked(harness)] == ["Про собак.", "Гав.", "Дальше."]
    person.tap(labels[2])
    person.wait("часть 1")
    assert person.placeholder == "Что было дальше?"


def test_sessions_have_pages_and_are_nobody_elses(harness: BotHarness) -> None:
    person, stranger = chatting(harness), chatting(harness, 2)
    for number in range(8):
        ask(harness, person, f"Тема {number}.", f"Ответ {number}.")
        harness.db.change("session", {"user_id": 1}, spent=99999)
        person.send("Ещё.")
        person.wait("потрачено всё")
        person.tap("💬 Новый разговор")
        person.wait("Новый разговор")
    person.send("/sessions")
    assert person.wait("Что продолжим?").labels[-3:] == ("◀", "1/2", "▶")
    person.tap("▶")
    shown = person.wait(lambda message: "2/2" in message.labels)
    assert [label.split(" · ")[0] for label in shown.labels[:2]] == ["💬 Тема 1.", "💬 Тема 0."]
    stranger.send("/sessions")
    stranger.wait("Здесь пока пусто")


def test_a_strangers_button_opens_nothing(harness: BotHarness) -> None:
    person, stranger = chatting(harness), chatting(harness, 2)
    ask(harness, person, "Моё.", "Да.")
    ask(harness, stranger, "Чужое.", "Нет.")
    stranger.send("/sessions")
    message = stranger.wait("Что продолжим?")
    other = harness.db.value("session", "id", user_id=1)
    harness.telegram.raw_update(
        {
            "callback_query": {
                "id": "77",
                "from": {"id": 2, "is_bot": False, "first_name": "Анна"},
                "message": {
                    "message_id": message.id,
                    "date": 1,
                    "chat": {"id": 2, "type": "private", "first_name": "Анна"},
                },
                "chat_instance": "1",
                "data": f"resume:{other}",
            }
        }
    )
    until(lambda: "Эта кнопка не ваша" in str(harness.telegram.called("answerCallbackQuery")))


# ── roles ──


def test_a_role_of_ones_own_is_set_shown_and_reset(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/prompt")
    person.wait("Сейчас моя роль: 💼 Помощник")
    person.send("/prompt Ты пират.\nГовори «йо-хо-хо».")
    person.wait("Запомнил")
    ask(harness, person, "Привет.", "Йо-хо-хо!")
    assert system(harness) == "Ты пират.\nГовори «йо-хо-хо»."
    person.send("/system")
    person.wait("Ты пират.")
    person.send("/prompt сброс")
    person.wait("я снова 💼 Помощник")
    ask(harness, person, "Привет.", "Здравствуйте.")
    assert "пират" not in system(harness)
    person.send("/prompt " + "ы" * 2001)
    person.wait("Роль длинновата")


def test_a_role_of_ones_own_can_be_typed_as_an_answer(harness: BotHarness) -> None:
    person = chatting(harness)
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: 💼 Помощник.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    assert person.placeholder == "Кем мне быть?"
    person.send("Ты кот.")
    person.wait("Запомнил")
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")
    ask(harness, person, "Кто ты?", "Мур.")
    assert system(harness) == "Ты кот."
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: своя.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    person.send("сброс")
    person.wait("Роль сброшена")


def test_ready_roles_are_chosen_by_button(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/modes")
    labels = person.wait("Кем мне быть?").labels
    assert len(labels) >= 12 and "1️⃣ Без контекста" in labels
    person.tap("🌍 Переводчик")
    person.wait("Теперь в этом чате: 🌍 Переводчик")
    ask(harness, person, "Кот", "Cat")
    assert "Ты переводчик" in system(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("Роль: 🌍 Переводчик")


def test_without_context_nothing_that_was_said_is_sent(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Я Анна.", "Ясно.")
    person.send("/modes")
    person.wait("Кем мне быть?")
    person.tap("1️⃣ Без контекста")
    person.wait("Теперь в этом чате")
    harness.says("Не знаю.")
    person.send("Кто я?")
    answer = person.wait("Не знаю.").id
    assert asked(harness) == [("user", "Кто я?")]
    harness.says("Речь о незнании.")
    person.send("О чём речь?", reply_to=answer)
    person.wait("Речь о незнании.")
    assert len(asked(harness)) == 1 and "Не знаю." in asked(harness)[0][1]


def test_commands_of_the_chat_inform_in_the_wizard_and_repeat_its_question(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1 из 5")
    for command in ("/t", "/sessions", "/modes", "/prompt", "/clear"):
        person.send(command)
        person.wait("Шаг 1 из 5")


def test_an_english_chat_is_english_to_the_model_too(harness: BotHarness) -> None:
    person = harness.telegram.user(5, "Ann", language_code="en")
    person.send("/start")
    person.wait("menu")
    person.press("💬 Chat")
    person.wait("💬 Chat. Your stories will wait")
    ask(harness, person, "Hi.", "Hello.")
    assert "assistant in Telegram" in system(harness)
