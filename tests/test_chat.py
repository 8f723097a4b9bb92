"""The chat with the assistant: its context, its memory, what replies and edits do, roles, sessions and tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour, Received
from sandbox.users import ChatUser
from tests.world import BotHarness, until

WORDS = "слово " * 60


def chatting(world: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody who has opened the chat."""
    person = world.new_person(user_id)
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    return person


def ask(world: BotHarness, person: ChatUser, words: str, answer: str, **behaviour: object) -> int:
    """Asks and is answered; the id of the question."""
    world.says(answer, **behaviour)
    message_id = person.send(words)
    person.wait(answer)
    until(world.settled)  # the bot knows the answer's message only when Telegram has told it
    return message_id


def asked(world: BotHarness, place: int = -1) -> list[tuple[str, str]]:
    """Roles and texts of a prompt that reached the model, without the system's."""
    return [(message["role"], message["text"]) for message in world.prompts()[place] if message["role"] != "system"]


def system(world: BotHarness) -> str:
    return str(world.prompts()[-1][0]["text"])


# ── the screen ──


def test_the_chat_has_its_own_line_keyboard_and_placeholder(world: BotHarness) -> None:
    person = chatting(world)
    assert person.keyboard == (("🧹 Забыть разговор", "🎓 Роль"), ("🏠 Меню",))
    assert person.placeholder == "Спросите что угодно"
    person.press("🏠 Меню")
    person.wait("Вы в меню")


def test_words_are_answered_in_the_context_of_the_session(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Меня зовут Анна.", "Приятно, Анна.")
    ask(world, person, "Как меня зовут?", "Вас зовут Анна.")
    assert asked(world) == [
        ("user", "Меня зовут Анна."),
        ("assistant", "Приятно, Анна."),
        ("user", "Как меня зовут?"),
    ]
    assert "помощник в Telegram" in system(world)


def test_coming_back_goes_on_in_the_same_session(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Раз.", "Два.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send("/chat")
    assert "Продолжаем разговор «Раз.»" in person.wait("💬 Чат").text
    world.restart()
    ask(world, person, "Три.", "Четыре.")
    assert [text for _, text in asked(world)] == ["Раз.", "Два.", "Три."]
    assert world.value("select count(*) from session where kind = 'chat'") == 1


def test_a_story_and_the_chat_park_each_other(world: BotHarness) -> None:
    person = world.writer(words="Маяк погас.")
    person.send("/chat")
    person.wait("💬 Чат. Истории ждут")
    ask(world, person, "Сколько будет дважды два?", "Четыре.")
    assert "Маяк" not in str(asked(world))
    person.press("🏠 Меню")
    person.wait("ждёт вас")
    person.press("🔖 К истории")
    person.wait("часть 1")
    world.says("Смотритель встал.")
    person.press("▶️ Дальше")
    person.wait("Смотритель встал.")
    assert "дважды два" not in str(world.prompts()[-1])


def test_kept_words_can_go_to_the_chat(world: BotHarness) -> None:
    person = world.new_person()
    person.send("Почему небо синее?")
    assert person.wait("Слова у меня").labels == ("✨ В новую историю", "💬 В чат")
    world.says("Синий рассеивается сильнее.")
    person.tap("💬 В чат")
    person.wait("Синий рассеивается")
    assert asked(world) == [("user", "Почему небо синее?")]
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")


def test_an_answer_grows_as_a_draft_and_can_be_stopped(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Один. Два. Три.", chunks=3, hang_after=2)
    person.send("Посчитай.")
    person.wait_draft("Два.")
    person.send("стоп")
    person.wait("Остановился. Сказанное осталось в разговоре")
    assert person.draft is None
    ask(world, person, "Дальше что?", "Три.")
    assert [role for role, _ in asked(world)] == ["user", "assistant", "user"]


def test_a_stop_before_the_first_word_leaves_no_trace_in_the_context(world: BotHarness) -> None:
    person = chatting(world)
    world.models.faults.order(Behaviour(hang=True))
    first = person.send("Не то спросил.")
    until(lambda: len(world.prompts()) == 1)
    person.send("/cancel")
    person.wait("ничего не потрачено")
    world.says("Ответ.")
    person.edit(first, "То спросил.")
    person.wait("Ответ.")
    assert asked(world) == [("user", "То спросил.")]


# ── rivals' defects ──


def test_two_quick_messages_are_answered_in_order_user_and_assistant_in_turn(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Ответ первый.", first_chunk_s=0.2)
    world.says("Ответ второй.")
    person.send("Первое.")
    person.send("Второе.")
    assert person.wait("Я ещё отвечаю", since=0).labels == ("✖️ Не надо", "⏹ Стоп")
    person.wait("Ответ второй.", since=0)
    assert asked(world) == [("user", "Первое."), ("assistant", "Ответ первый."), ("user", "Второе.")]


def test_words_that_waited_can_be_taken_back(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Готово.", first_chunk_s=0.5)
    person.send("Первое.")
    person.send("Лишнее.")
    person.wait("Я ещё отвечаю")
    person.tap("✖️ Не надо")
    person.wait("на эти слова я отвечать не буду")
    person.wait("Готово.", since=0)
    assert "Лишнее" not in str(world.prompts())


def test_a_retry_asks_the_same_words_once(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Раз.", "Два.")
    world.models.faults.order(Behaviour(status=500))
    person.send("Три.")
    person.wait("Не получилось обработать запрос, попробуйте позже")
    world.says("Четыре.")
    person.tap("🔁 Повторить")
    person.wait("Четыре.")
    expected = [("user", "Раз."), ("assistant", "Два."), ("user", "Три.")]
    assert asked(world) == expected
    ask(world, person, "Пять.", "Шесть.")
    assert asked(world) == [*expected, ("assistant", "Четыре."), ("user", "Пять.")]
    assert "Повторить" not in str(world.prompts())


def test_a_retry_takes_the_place_of_half_an_answer(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Половина ответа. И ещё немного.", cut_after=1, chunks=2)
    person.send("Расскажи.")
    person.wait("Не получилось договорить")
    world.says("Ответ целиком.")
    person.tap("🔁 Повторить")
    person.wait("Ответ целиком.")
    assert asked(world) == [("user", "Расскажи.")]
    ask(world, person, "Спасибо.", "Пожалуйста.")
    assert [text for _, text in asked(world)] == ["Расскажи.", "Ответ целиком.", "Спасибо."]
    assert not [message for message in person.shown if message.from_bot and "Половина" in message.text]


def test_a_refused_question_stays_out_of_the_context_and_can_be_asked_gently(world: BotHarness) -> None:
    person = chatting(world)
    world.models.faults.order(Behaviour(end="filter"))
    person.send("Опасное.")
    person.wait("Модель не взялась отвечать")
    world.says("В общих чертах так.")
    person.tap("🔁 Мягче")
    person.wait("В общих чертах так.")
    assert "Ответь осторожно" in asked(world)[-1][1]
    world.models.faults.order(Behaviour(end="filter"))
    person.send("Снова опасное.")
    person.wait("Модель не взялась отвечать")
    ask(world, person, "Другое.", "Ответ.")
    assert "Снова" not in str(asked(world))


def test_a_long_answer_comes_whole_in_several_messages(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_TOKENS_PER_ANSWER=2800)
    world.start()
    person = chatting(world)
    long = "\n\n".join(f"**Пункт {number}.** " + "слово " * 100 for number in range(12))
    world.says(long)
    person.send("Подробно!")
    person.wait("Пункт 11.")
    shown = [message for message in person.bot_messages if "Пункт" in message.text]
    assert len(shown) > 1
    joined = "\n".join(message.text for message in shown)
    assert all(f"Пункт {number}." in joined for number in range(12))
    assert "**" not in joined


def test_markdown_becomes_formatting_and_broken_markdown_arrives(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Вот **важное** и код:\n```python\nif a < b and c > d:\n    print('<b>')\n```")
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
        world.says(broken)
        person.send("Ещё.")
        until(lambda: not world.value("select count(*) from turn where state in ('waiting', 'running')"))
        until(lambda: not world.value("select count(*) from outbox"))
        assert person.last.from_bot and person.last.text.strip()


def test_a_growing_answer_shows_no_markdown(world: BotHarness) -> None:
    person = chatting(world)
    world.says("**Раз** и два. **Три**, и хватит.", chunks=3, hang_after=2)
    person.send("Считай.")
    assert person.wait_draft("Раз и два.").text.startswith("Раз и два.")
    person.send("стоп")
    person.wait("Остановился")


def test_an_answer_that_ran_into_its_limit_says_so(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Начало длинного ответа, которого", end="truncated")
    person.send("Всё!")
    person.wait("Ответ длиннее, чем мне можно за раз")
    assert [message for message in person.bot_messages if "которого" in message.text]


# ── replies and edits ──


def test_a_reply_puts_that_message_into_the_question(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Рецепт борща: свёкла и терпение.")
    person.send("Как варить борщ?")
    recipe = person.wait("Рецепт борща").id
    ask(world, person, "А погода?", "Не знаю.")
    world.says("Часа полтора.")
    person.send("Сколько варить?", reply_to=recipe)
    person.wait("Часа полтора.")
    last = asked(world)[-1][1]
    assert "Рецепт борща: свёкла и терпение." in last and last.endswith("Сколько варить?")


def test_a_reply_to_the_last_answer_says_it_once(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Сорок два.")
    person.send("Ответ?")
    answer = person.wait("Сорок два.").id
    until(world.settled)
    world.says("Потому.")
    person.send("Почему?", reply_to=answer)
    person.wait("Потому.")
    assert asked(world) == [("user", "Ответ?"), ("assistant", "Сорок два."), ("user", "Почему?")]


def test_a_reply_to_a_long_message_is_cut_to_a_sane_size(world: BotHarness) -> None:
    person = chatting(world)
    first = ask(world, person, "очень " * 300, "Ясно.")
    ask(world, person, "Дальше.", "Хорошо.")
    world.says("Отвечаю.")
    person.send("О чём это?", reply_to=first)
    person.wait("Отвечаю.")
    assert 100 < len(asked(world)[-1][1]) < 1700


def test_editing_the_last_words_asks_again_beside_the_old_ones(world: BotHarness) -> None:
    person = chatting(world)
    first = ask(world, person, "Столица Франции?", "Париж.")
    second = ask(world, person, "А Испаии?", "Не понял.")
    world.says("Мадрид.")
    person.edit(second, "А Испании?")
    person.wait("Мадрид.")
    assert [text for _, text in asked(world)] == ["Столица Франции?", "Париж.", "А Испании?"]
    assert not [message for message in person.shown if message.text == "Не понял."]
    person.edit(first, "Столица Дании?")
    person.wait("останутся прежние слова")
    ask(world, person, "Спасибо.", "Не за что.")
    assert "Не понял." not in str(asked(world)) and "Дании" not in str(asked(world))


def test_words_that_were_too_long_can_be_edited_and_asked(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_TOKENS_PER_REQUEST=1800)
    world.start()
    person = chatting(world)
    sent = person.send("очень " * 650)
    person.wait("сократите до")
    world.says("Коротко и ясно.")
    person.edit(sent, "Короче.")
    person.wait("Коротко и ясно.")
    assert asked(world) == [("user", "Короче.")]


# ── the context's end ──


def rich(make_world: Callable[..., BotHarness]) -> BotHarness:
    """A world where nobody runs out of tokens."""
    world = make_world(USER_TOKENS=1_000_000)
    world.start()
    return world


def test_thirty_messages_pass_the_context_and_the_first_fact_is_still_known(
    make_world: Callable[..., BotHarness],
) -> None:
    world = rich(make_world)
    person = chatting(world)
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

    world.models.faults.rule = answer
    person.send("Запомни: моего попугая зовут Гоша.")
    person.wait("Ответ.")
    for number in range(2, 31):
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait("Ответ.")
    assert 2 <= summaries <= 8
    assert "его попугая зовут Гоша" in system(world)
    assert "Запомни" not in str(asked(world))
    told = [message.text for message in person.bot_messages]
    assert sum("занял больше 80 %" in text for text in told) == 1
    assert sum("начало я сжал" in text for text in told) == summaries
    until(lambda: not world.value("select sum(reserved) from user"))


def test_a_user_who_prefers_it_begins_anew_at_the_contexts_end(make_world: Callable[..., BotHarness]) -> None:
    world = rich(make_world)
    person = chatting(world)
    world.change("update user set at_full = 'anew' where id = 1")
    number = 0
    while not [message for message in person.bot_messages if "начинаю новый" in message.text]:
        number += 1
        assert number < 30
        world.says(f"Ответ {number}. {WORDS}")
        person.send(f"Вопрос {number}: {WORDS}")
        person.wait(f"Ответ {number}.")
    assert asked(world) == [("user", f"Вопрос {number}: {WORDS}".strip())]
    assert world.value("select count(*) from session where kind = 'chat'") == 2
    assert not world.value("select count(*) from call where purpose = 'summary'")
    person.send("/sessions")
    assert len(person.wait("Что продолжим?").labels) == 2


def test_a_session_that_is_nearly_spent_says_so_once(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Раз.", "Два.")
    world.change("update session set spent = 81000")
    ask(world, person, "Три.", "Четыре.")
    person.wait("больше 80 % своих токенов", since=0)
    ask(world, person, "Пять.", "Шесть.")
    person.send("/t")
    person.wait("Потрачено")
    assert len([one for one in person.bot_messages if "своих токенов" in one.text]) == 1


def test_a_full_session_offers_a_new_one(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_TOKENS_PER_SESSION=5000)
    world.start()
    person = chatting(world)
    ask(world, person, "Раз.", "Два.")
    world.change("update session set spent = 4900")
    person.send("Три.")
    person.wait("потрачено всё, что ему отпущено")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    ask(world, person, "Четыре.", "Пять.")
    assert asked(world) == [("user", "Четыре.")]


# ── forgetting, tokens, sessions ──


def test_forgetting_a_talk_without_a_word_does_not_open_the_one_before_it(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Про кошек.", "Мяу.")
    world.change("update session set spent = 99999")
    person.send("Ещё.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор. Прежний цел")
    world.change("update session set spent = 0")
    person.send("/clear")
    person.wait("Забывать нечего")
    ask(world, person, "Про собак.", "Гав.")
    assert asked(world) == [("user", "Про собак.")]


@pytest.mark.parametrize("way", ["🧹 Забыть разговор", "/clear"])
def test_forgetting_deletes_the_messages_and_keeps_the_tokens_counted(world: BotHarness, way: str) -> None:
    person = chatting(world)
    ask(world, person, "Старое.", "Прежний разговор.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    spent = world.value("select spent from user")
    old = person.send(way)
    text = person.wait("🧹 Забыл 2 сообщения").text
    assert f"{spent} токен" in text.replace("\u00a0", "")
    assert world.value("select count(*) from prompt") == 0 and world.value("select spent from user") == spent
    ask(world, person, "Новое.", "С чистого листа.")
    assert asked(world) == [("user", "Новое.")]
    assert old


def test_a_message_of_a_forgotten_talk_stands_for_nothing_any_more(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Тайна.")
    question = person.send("Секрет?")
    answer = person.wait("Тайна.").id
    person.send("/clear")
    person.wait("Забыл")
    ask(world, person, "Новое.", "Свежее.")
    person.edit(question, "Секрет или нет?")
    person.wait("останутся прежние слова")
    world.says("Не помню.")
    person.send("Что это?", reply_to=answer)
    person.wait("Не помню.")
    assert "Тайна." in asked(world)[-1][1]  # what is on the user's own screen may be asked about
    person.send("/clear")
    person.wait("Забыл 4 сообщения")
    person.send("/clear")
    person.wait("Забывать нечего")


def test_the_chat_is_not_forgotten_while_it_answers(world: BotHarness) -> None:
    person = chatting(world)
    world.says("Готово.", first_chunk_s=0.4)
    person.send("Вопрос.")
    person.press("🧹 Забыть разговор")
    person.wait("Сейчас это не сработает")
    person.wait("Готово.")


def test_t_tells_the_tokens_of_the_open_session_and_its_context(world: BotHarness) -> None:
    person = world.new_person()
    person.send("/t")
    person.wait("ничего не потрачено")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(world, person, "Вопрос.", "Ответ.")
    person.send("/t")
    spent = world.value("select spent from session")
    text = person.wait("🔢 💬 Вопрос.").text.replace("\u00a0", "")
    assert f"Потрачено: {spent} из 100000 токенов" in text and "из 3000 токенов" in text


def test_t_and_info_speak_of_what_is_open_where_one_is(world: BotHarness) -> None:
    person = world.writer()

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
    ask(world, person, "Про кошек.", "Мяу.")
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


def test_sessions_lists_stories_and_talks_and_resumes_them(world: BotHarness) -> None:
    person = world.writer()
    person.send("/chat")
    person.wait("💬 Чат")
    ask(world, person, "Про кошек.", "Мяу.")
    person.send("/clear")
    person.wait("Забыл")
    ask(world, person, "Про собак.", "Гав.")
    world.change("update session set spent = 99999 where kind = 'chat'")
    person.send("Ещё про собак.")
    person.wait("потрачено всё")
    person.tap("💬 Новый разговор")
    person.wait("Новый разговор")
    ask(world, person, "Про птиц.", "Чирик.")
    person.send("/sessions")
    labels = person.wait("Что продолжим?").labels
    assert [label.split(" · ")[0] for label in labels] == ["💬 Про птиц.", "💬 Про собак.", "📖 Смотритель Маяк"]
    world.change("update session set spent = 0 where kind = 'chat'")
    person.tap(labels[1])
    person.wait("Мы остановились на: „Гав.“")
    ask(world, person, "Дальше.", "Гав-гав.")
    assert [text for _, text in asked(world)] == ["Про собак.", "Гав.", "Дальше."]
    person.tap(labels[2])
    person.wait("часть 1")
    assert person.placeholder == "Что было дальше?"


def test_sessions_have_pages_and_are_nobody_elses(world: BotHarness) -> None:
    person, stranger = chatting(world), chatting(world, 2)
    for number in range(8):
        ask(world, person, f"Тема {number}.", f"Ответ {number}.")
        world.change("update session set spent = 99999 where user_id = 1")
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


def test_a_strangers_button_opens_nothing(world: BotHarness) -> None:
    person, stranger = chatting(world), chatting(world, 2)
    ask(world, person, "Моё.", "Да.")
    ask(world, stranger, "Чужое.", "Нет.")
    stranger.send("/sessions")
    message = stranger.wait("Что продолжим?")
    other = world.value("select id from session where user_id = 1")
    world.telegram.raw_update(
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
    until(lambda: "Эта кнопка не ваша" in str(world.telegram.called("answerCallbackQuery")))


# ── roles ──


def test_a_role_of_ones_own_is_set_shown_and_reset(world: BotHarness) -> None:
    person = chatting(world)
    person.send("/prompt")
    person.wait("Сейчас моя роль: 💼 Помощник")
    person.send("/prompt Ты пират.\nГовори «йо-хо-хо».")
    person.wait("Запомнил")
    ask(world, person, "Привет.", "Йо-хо-хо!")
    assert system(world) == "Ты пират.\nГовори «йо-хо-хо»."
    person.send("/system")
    person.wait("Ты пират.")
    person.send("/prompt сброс")
    person.wait("я снова 💼 Помощник")
    ask(world, person, "Привет.", "Здравствуйте.")
    assert "пират" not in system(world)
    person.send("/prompt " + "ы" * 2001)
    person.wait("Роль длинновата")


def test_a_role_of_ones_own_can_be_typed_as_an_answer(world: BotHarness) -> None:
    person = chatting(world)
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: 💼 Помощник.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    assert person.placeholder == "Кем мне быть?"
    person.send("Ты кот.")
    person.wait("Запомнил")
    assert person.keyboard[0] == ("🧹 Забыть разговор", "🎓 Роль")
    ask(world, person, "Кто ты?", "Мур.")
    assert system(world) == "Ты кот."
    person.press("🎓 Роль")
    person.wait("Кем мне быть? Сейчас: своя.")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    person.send("сброс")
    person.wait("Роль сброшена")


def test_ready_roles_are_chosen_by_button(world: BotHarness) -> None:
    person = chatting(world)
    person.send("/modes")
    labels = person.wait("Кем мне быть?").labels
    assert len(labels) >= 12 and "1️⃣ Без контекста" in labels
    person.tap("🌍 Переводчик")
    person.wait("Теперь в этом чате: 🌍 Переводчик")
    ask(world, person, "Кот", "Cat")
    assert "Ты переводчик" in system(world)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("Роль: 🌍 Переводчик")


def test_without_context_nothing_that_was_said_is_sent(world: BotHarness) -> None:
    person = chatting(world)
    ask(world, person, "Я Анна.", "Ясно.")
    person.send("/modes")
    person.wait("Кем мне быть?")
    person.tap("1️⃣ Без контекста")
    person.wait("Теперь в этом чате")
    world.says("Не знаю.")
    person.send("Кто я?")
    answer = person.wait("Не знаю.").id
    assert asked(world) == [("user", "Кто я?")]
    world.says("Речь о незнании.")
    person.send("О чём речь?", reply_to=answer)
    person.wait("Речь о незнании.")
    assert len(asked(world)) == 1 and "Не знаю." in asked(world)[0][1]


def test_commands_of_the_chat_inform_in_the_wizard_and_repeat_its_question(world: BotHarness) -> None:
    person = world.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1 из 5")
    for command in ("/t", "/sessions", "/modes", "/prompt", "/clear"):
        person.send(command)
        person.wait("Шаг 1 из 5")


def test_an_english_chat_is_english_to_the_model_too(world: BotHarness) -> None:
    person = world.telegram.user(5, "Ann", language_code="en")
    person.send("/start")
    person.wait("menu")
    person.press("💬 Chat")
    person.wait("💬 Chat. Your stories will wait")
    ask(world, person, "Hi.", "Hello.")
    assert "assistant in Telegram" in system(world)
