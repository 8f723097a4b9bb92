"""/my_data and /forget_me: what the file has, what is left of somebody after they were forgotten, and what isn't given
a second time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from handlers.privacy import _zipped
from sandbox.users import ChatUser
from storage.schema import STEPS
from tests.test_groups import BOT, GROUP_ID, club
from tests.world import ADMIN_ID, BotHarness, until

# Words that stand nowhere else, a kind of place each; the index of words keeps them by their letters.
STORY, PART, CHATTED, ROLE, PERSONA, DRAFT, KEPT = (
    *("зяблоклюв", "мухоморовик", "курослепище", "тумбоскрип", "ветродуева", "пустохвост", "щукодром"),
)
SECRETS = (STORY, PART, CHATTED, ROLE, PERSONA, DRAFT, KEPT)
NAME = "Ферапонтида"
# Tables that are about nobody in particular.
OF_NOBODY = {"budget", "setting", "event", "forgotten"}


def somebody(world: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody with a story, a chat, a role, a character, a draft, kept words and an update that was set aside."""
    person = world.telegram.user(user_id, NAME)
    person.send("/start")
    person.wait("Меню внизу")
    for answer in ("📖 Новая история", "Детектив", "Смотритель Маяк: слеп", "Остров: туман", "Пропустить"):
        person.send(answer)
        person.wait()
    world.says(f"Здесь жил {PART}.")
    person.press("✨ Начать историю")
    person.wait(PART)
    world.says(f"Опять {PART}, и {STORY} тоже.")
    person.send(f"Прилетел {STORY}.")
    person.wait("Опять")
    person.send("/chat")
    person.wait("Чат")
    person.send(f"/prompt Ты {ROLE}")
    person.wait("Запомнил")
    world.says(f"{CHATTED} и есть {CHATTED}.")
    person.send(f"Что такое {CHATTED}?")
    person.wait("и есть")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send(f"Говорит {KEPT}")
    person.wait("Слова у меня")
    person.send("/new_story")
    person.wait("Шаг 1")
    person.send(f"{DRAFT}")
    person.wait("Шаг 2")
    world.change(
        "insert into character (owner_id, name, line, greeting, personality, picture, created_at)"
        " values (?, ?, 'x', 'x', ?, ?, 1)",
        *(user_id, PERSONA, PERSONA, b"\xff\xd8" + PERSONA.encode()),
    )
    world.change("insert into inbox (chat_id, body, state, arrived_at) values (?, ?, 'aside', 1)", user_id, STORY)
    until(world.settled)
    return person


def forget(world: BotHarness, person: ChatUser) -> None:
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    until(world.settled)


def rows_naming(world: BotHarness, user_id: int) -> dict[str, int]:
    """Every column of every table that still holds this number as a user's or chat's."""
    connection = sqlite3.connect(f"file:{world.folder / 'bot.db'}?mode=ro", uri=True)
    found = {}
    for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
        if table.startswith("prompt_words"):
            continue
        for _, column, *_ in connection.execute(f"pragma table_info({table})").fetchall():
            if column in ("user_id", "chat_id", "owner_id") or (table, column) == ("user", "id"):
                count = connection.execute(f"select count(*) from {table} where {column} = ?", (user_id,)).fetchone()[0]
                if count:
                    found[f"{table}.{column}"] = count
    connection.close()
    return found


def left_in_files(world: BotHarness, *words: str) -> set[str]:
    """The words that stand anywhere in the bytes of the database's files; without their first letters, too."""
    content = b"".join((world.folder / name).read_bytes() for name in ("bot.db", "bot.db-wal"))
    return {word for word in words if word.encode() in content or word[3:].encode() in content}


def erased(world: BotHarness) -> None:
    """The index of words is rewritten to its end."""
    app = world.app
    assert app is not None
    until(lambda: not world.value("select count(*) from setting where key = 'words_left'"))
    while app.db.forgetting.erase_words():
        pass


def data_of(world: BotHarness, person: ChatUser) -> dict[str, Any]:
    person.send("/my_data")
    sent = person.wait("Здесь всё, что я о вас храню")
    assert sent.attachment is not None
    name, content = world.telegram.state.files[sent.attachment.file_id][:2]
    assert name == "moi_dannye.json"
    data: dict[str, Any] = json.loads(content)
    return data


# ── /my_data ──


def test_the_file_has_everything_of_the_user_and_nothing_of_others(world: BotHarness) -> None:
    world.writer(2, "Чужое начало.")
    person = somebody(world)
    data = data_of(world, person)
    text = json.dumps(data, ensure_ascii=False)
    assert all(word in text for word in (*SECRETS[:-1], KEPT, NAME))
    assert "Чужое" not in text
    [story] = data["stories"]
    assert story["story"]["hero"] == "Смотритель Маяк: слеп"
    assert [(one["role"], one["shown"]) for one in story["texts"]] == [
        ("assistant", True),
        ("user", True),
        ("assistant", True),
    ]
    [chat] = data["chats"]
    assert [one["role"] for one in chat["texts"]] == ["user", "assistant"]
    assert data["user"]["registered_at"].startswith("20") and data["user"]["registered_at"].endswith("Z")
    assert len(data["calls_of_models"]) == 3 and data["characters"][0]["picture"]
    assert data["role_of_the_assistant"] == [{"mode": "", "prompt": f"Ты {ROLE}"}]
    assert person.wait("Шаг 2")  # the wizard asks again


def test_every_table_is_in_the_file_or_about_nobody(world: BotHarness) -> None:
    """A table that comes with a later part must be decided on here, and in `storage/forgetting.py`."""
    known = {"user", "session", "story", "character", "chat_role", "prompt", "suggestion", "memory", "draft"}
    known |= {"kept_words", "inbox", "turn", "call", "outbox", "sent"} | OF_NOBODY
    script = "".join(STEPS)
    tables = {line.split()[2] for line in script.splitlines() if line.startswith("create table")}
    assert tables <= known


def test_a_variant_that_isnt_shown_says_so(world: BotHarness) -> None:
    writer = world.writer()
    world.says("Иначе.")
    writer.press("🔄 Другой вариант")
    writer.wait("Иначе.")
    [story] = data_of(world, writer)["stories"]
    assert {one["text"]: one["shown"] for one in story["texts"]} == {"Начало.": False, "Иначе.": True}


def test_one_file_at_a_time(world: BotHarness) -> None:
    person = world.new_person()
    world.telegram.faults.drop("sendDocument")  # the file is on its way for half a second
    person.send("/my_data")
    until(lambda: world.value("select count(*) from outbox"))
    person.send("/my_data")
    person.wait("уже собирается")
    until(world.settled)
    assert len([one for one in person.bot_messages if one.attachment]) == 1


def test_a_large_file_goes_compressed() -> None:
    assert len(_zipped("a.json", b"x" * 1_000_000)) < 10_000


# ── /forget_me ──


def test_the_question_changes_nothing_until_the_button_is_pressed(world: BotHarness) -> None:
    person = somebody(world)
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    assert asked.labels == ("🗑 Удалить всё", "✖️ Не надо")
    person.wait("Шаг 2")
    person.tap("✖️ Не надо", asked)
    person.wait("всё остаётся")
    assert world.value("select count(*) from story") == 1
    assert world.value("select step from user where id = 1") == "hero"


def test_nothing_is_left_of_somebody_who_was_forgotten(world: BotHarness) -> None:
    other = world.writer(2, "Чужое начало.")
    person = somebody(world)
    assert left_in_files(world, *SECRETS, NAME) == {*SECRETS, NAME}
    forget(world, person)
    assert rows_naming(world, 1) == {}
    erased(world)
    assert left_in_files(world, *SECRETS, NAME) == set()
    assert world.value("pragma integrity_check") == "ok"
    other.send("/whole_story")
    other.wait("Чужое начало.")
    assert not person.keyboard


def test_sums_of_the_whole_bot_stay(world: BotHarness) -> None:
    person = somebody(world)
    before = world.value("select spent from budget"), world.value("select sum(charged) from call")
    assert world.app is not None
    totals = world.app.db.reports.totals(10**9)
    forget(world, person)
    assert (world.value("select spent from budget"), world.value("select sum(charged) from call")) == before
    after = world.app.db.reports.totals(10**9)
    assert (after.spent, after.requests, after.spendings) == (totals.spent, totals.requests, totals.spendings)
    assert world.value("select count(*) from turn where user_id is not null or hint <> '' or chat_id <> 0") == 0


def test_who_comes_back_is_a_newcomer_without_a_fresh_gift(world: BotHarness) -> None:
    person = somebody(world)
    world.change("update user set more_sessions = 3")
    kept = "select balance || ' ' || spent || ' ' || sessions || ' ' || requests from user"
    before = world.value(kept)
    forget(world, person)
    assert world.value("select count(*) from user") == 0
    assert world.value("select count(*) from forgotten") == 1
    assert "1" not in {str(world.value("select mark from forgotten"))}
    person.send("Привет")
    person.wait("Вы придумываете, я пишу")
    until(world.settled)
    assert world.value(kept) == before and world.value("select more_sessions from user") == 3
    assert world.value("select count(*) from forgotten") == 0
    assert world.value("select count(*) from session") == 0


def test_forgetting_again_and_again_gives_nothing(world: BotHarness) -> None:
    person = world.writer()
    balance = world.value("select balance from user")
    for _ in range(2):
        forget(world, person)
        person.send("/start")
        person.wait("Меню внизу")
    assert world.value("select balance from user") == balance < 30000


def test_a_ban_stays_and_a_banned_user_may_be_forgotten(world: BotHarness) -> None:
    person = world.new_person()
    world.change("update user set banned = 1, asked_more_at = 5 where id = 1")
    data = data_of(world, person)
    assert data["user"]["banned"] == 1
    forget(world, person)
    person.send("/start")
    person.wait("закрыт")
    assert world.value("select banned || ' ' || asked_more_at from user where id = 1") == "1 5"


def test_a_second_press_of_the_button_registers_nobody(world: BotHarness) -> None:
    person = world.new_person()
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    query = {
        "id": "77",
        "from": {"id": 1, "is_bot": False, "first_name": "А"},
        "message": {"message_id": asked.id, "date": 1, "chat": {"id": 1, "type": "private", "first_name": "А"}},
        "chat_instance": "1",
        "data": "forget:all",
    }
    world.telegram.raw_update({"callback_query": query})
    until(lambda: "Всё уже удалено" in str(world.telegram.called("answerCallbackQuery")))
    until(world.settled)
    assert world.value("select count(*) from user") == 0
    assert len([one for one in person.bot_messages if "больше не помню" in one.text]) == 1
    world.telegram.api.violations.clear()  # the invented query has no true id to answer to


def test_a_turn_under_way_is_stopped_first_and_queued_words_are_dropped(world: BotHarness) -> None:
    writer = world.writer()
    world.says(f"{PART}. " * 40, hang_after=3)
    writer.press("▶️ Дальше")
    writer.wait_draft(PART)
    writer.send(f"Слова про {KEPT}")
    writer.wait("Я ещё пишу")
    forget(world, writer)
    assert rows_naming(world, 1) == {}
    assert world.value("select count(*) from prompt") == 0
    assert world.value("select reserved from budget") == 0
    erased(world)
    assert left_in_files(world, PART, KEPT) == set()
    assert world.value("select count(*) from call where state = 'asked'") == 0


def test_what_waits_to_go_out_is_taken_back(world: BotHarness) -> None:
    person = world.new_person()
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    world.telegram.faults.hang("sendMessage", 0.3)
    person.send("/help")
    until(lambda: world.value("select count(*) from outbox"))
    person.send("/balance")
    until(lambda: world.value("select count(*) from outbox") == 2)
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    until(world.settled)
    assert not [one for one in person.bot_messages if "Осталось:" in one.text and "Мы пишем" not in one.text]


def test_a_shared_link_closes_and_a_branch_of_it_stays(world: BotHarness) -> None:
    until(lambda: world.value("select count(*) from setting where key = 'bot_username'"))
    author = world.writer(1, f"Начало с {PART}.")
    world.change("update story set share_token = 'known-to-friends'")
    reader = world.new_person(2, "Борис")
    reader.send("/start s_known-to-friends")
    reader.wait("можно решить по-своему")
    reader.tap("🔀 Продолжить по-своему")
    reader.wait("Ваши слова продолжат её")
    forget(world, author)
    reader.send("/whole_story")
    reader.wait(PART)
    third = world.new_person(3, "Вера")
    third.send("/start s_known-to-friends")
    third.wait("Эта ссылка")


@pytest.mark.parametrize("begins", [1, 2])
def test_in_a_group_ones_own_words_go_and_the_others_stay(world: BotHarness, begins: int) -> None:
    _, people = club(world, 1, 2)
    asker = dict(zip((1, 2), people, strict=True))
    for user_id, word in ((begins, "первое"), (3 - begins, "второе"), (begins, "третье")):
        world.says(f"Ответ про {word} от {user_id}.")
        asker[user_id].send(f"{BOT} скажи про {word} для {user_id}")
        asker[user_id].wait(f"про {word} от")
    until(world.settled)
    first = world.telegram.user(1, "Имя1")
    first.send("/start")
    first.wait("Меню внизу")
    forget(world, first)
    assert rows_naming(world, 1) == {}
    left = {str(world.value("select group_concat(text, '|') from prompt"))}
    assert all("для 1" not in text and "от 1" not in text and "для 2" in text for text in left)
    world.says("Помню.")
    asker[2].send(f"{BOT} а дальше?")
    asker[2].wait("Помню.")
    said = [one["text"] for one in world.prompts()[-1]]
    assert any("для 2" in text for text in said) and not any("для 1" in text for text in said)
    assert world.value("select user_id from session where chat_id = ?", GROUP_ID) == 2


def test_a_group_talk_of_nobody_else_goes_with_its_user(world: BotHarness) -> None:
    _, (anna,) = club(world, 1)
    world.says("Ответ.")
    anna.send(f"{BOT} скажи")
    anna.wait("Ответ.")
    until(world.settled)
    person = world.telegram.user(1, "Имя1")
    person.send("/start")
    person.wait("Меню внизу")
    forget(world, person)
    assert world.value("select count(*) from session") == 0


def test_an_admin_may_be_forgotten_too(world: BotHarness) -> None:
    admin = world.new_person(ADMIN_ID, "Админ")
    forget(world, admin)
    assert world.value("select count(*) from user") == 0


def test_deleted_texts_leave_the_index_of_words_as_well(make_world: Callable[..., BotHarness]) -> None:
    world = make_world()
    world.start()
    person = world.new_person()
    person.send("/chat")
    person.wait("Чат")
    world.says(f"{CHATTED}.")
    person.send(f"Что такое {CHATTED}?")
    person.wait(f"{CHATTED}.")
    until(world.settled)
    person.send("/clear")
    person.wait("Забыл")
    until(world.settled)
    erased(world)
    assert left_in_files(world, CHATTED) == set()
