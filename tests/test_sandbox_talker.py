"""What the local models answer in a chat: they remember what was said, count, format, translate, and stay in a role."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schemas import Message
from sandbox.storyteller import tell
from sandbox.talker import remember
from telegram.markdown import pieces

HELPER = "Ты «Соавтор», толковый помощник в Telegram."
KEEPER = "Ты ведёшь память разговора: по ней помощник продолжит его."


def chat(*said: str, system: str = HELPER) -> str:
    """Return the answer to the last of these words, with the answers to the ones before in the context."""
    messages = [Message("system", system)]
    for words in said:
        messages.append(Message("user", words))
        messages.append(Message("assistant", tell(messages)))
    return messages[-1].text


def memory_of(parts: str, before: str = "") -> str:
    known = f"Прежняя память: {before}\n" if before else ""
    asked = f"{KEEPER}\n{known}Новые реплики:\n{parts}\nЗапиши обновлённую память целиком, до 1500 знаков:"
    return tell([Message("user", asked)])


def test_a_name_and_a_fact_said_before_are_known_later() -> None:
    said = ("Меня зовут Оля", "У меня рыжая кошка Муся", "Расскажи анекдот")
    assert "Оля" in chat(*said, "Как меня зовут?")
    assert "рыжая кошка Муся" in chat(*said, "Какого цвета моя кошка?")
    assert "не представились" in chat("Как меня зовут?")
    assert "- У меня рыжая кошка Муся" in chat(*said, "О чём мы говорили?")


def test_in_a_group_everybody_has_a_name_of_their_own() -> None:
    said = ("Собеседник 1: меня зовут Анна, у меня рыжая кошка", "Собеседник 2: Какая кошка у Анны?")
    assert chat(*said) == "Помню: вы говорили «меня зовут Анна, у меня рыжая кошка»."
    assert "Анна" in chat(*said, "Собеседник 1: Как меня зовут?")
    assert "не представились" in chat(*said, "Собеседник 2: Как меня зовут?")


def test_english_words_are_answered_in_english_whatever_the_role_speaks() -> None:
    answer = chat("My name is Ann", "I have three parrots", "How many parrots do I have?")
    assert "I have three parrots" in answer and not re.search("[а-яё]", answer.lower())


@pytest.mark.parametrize(
    ("words", "mark"),
    [
        ("Напиши код на Python", "```python"),
        ("Составь список дел", "**"),
        ("Сколько будет 12*7?", "**12 * 7 = 84**"),
        ("15% от 200", "= 30"),
        ("Раздели 1 / 0", "На ноль"),
        ("кто ты?", "заготовка"),
        ("Привет!", "Здравствуйте"),
    ],
)
def test_answers_show_formatting_and_count(words: str, mark: str) -> None:
    assert mark in chat(words)


def test_formatted_answers_arrive_as_entities() -> None:
    kinds = {str(entity["type"]) for rich in pieces(chat("Напиши код")) for entity in rich.entities}
    assert {"pre", "code", "bold"} <= kinds


def test_two_answers_in_a_row_differ() -> None:
    assert chat("Хочу рисовать") != chat("Хочу рисовать", "Хочу рисовать")


def test_a_replied_message_is_named_in_the_answer() -> None:
    answer = chat("Это ответ на сообщение:\n«Мёд не портится»\n\nпочему так")
    assert "> Мёд не портится" in answer and "почему так" in answer


def test_roles_do_their_work() -> None:
    assert chat("я люблю старый дом", system="Ты переводчик с опытом.") == "I love old house"
    assert chat("I love my house", system="You are a translator.") == "Я люблю мой дом"
    assert chat("привет ,мир", system="Ты редактор.").startswith("Привет, мир.")
    assert "1." in chat("дроби", system="Ты учитель, которого любят.")
    riddles = "Ты мастер загадок и ведёшь игру."
    assert "Не лает" in chat("давай", system=riddles)
    assert "первая буква — **З**" in chat("давай", "кот", system=riddles)
    assert "Верно" in chat("давай", "это замок", system=riddles)


def test_a_character_stays_in_the_role() -> None:
    cat = "Ты кот Пантелей, писарь в канцелярии. Боишься собак."
    assert "Кот Пантелей" in chat("Кто ты?", system=cat)
    assert "начните с малого" not in chat("Хочу рисовать", system=cat)
    told = (
        "Ты ведёшь переписку от лица вымышленного героя.\nГерой: Дракон Евстигней\nХарактер: Ты дракон\nПравила: одно."
    )
    assert "Дракон Евстигней" in chat("Кто ты?", system=told)
    assert tell([Message("system", "You are Captain Aglaya, of no ship."), Message("user", "Any storm ahead?")])


def test_the_memory_of_a_chat_keeps_names_and_facts_through_every_renewal() -> None:
    parts = "Собеседник: Меня зовут Оля, мне 7 лет\n\nПомощник: Ясно\n\nСобеседник: Мой пёс Бублик боится грозы"
    memory = memory_of(parts)
    for day in range(5):
        memory = memory_of(f"Собеседник: Сегодня видел {day} ворон\n\nПомощник: Ого", memory)
    heads = [line.partition(":")[0] for line in memory.splitlines()]
    assert heads == ["Собеседник", "Факты", "Решено", "Было", "Открыто"]
    assert memory.startswith("Собеседник: Оля\n") and "Бублик боится грозы" in memory and "4 ворон" in memory
    system = f"{HELPER}\nКраткая память о начале этого разговора, верь ей: {memory}"
    assert "Бублик боится грозы" in chat("Чего боится мой пёс?", system=system)
    assert "Оля" in chat("Как меня зовут?", system=system)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_words_are_answered(words: str, system: str) -> None:
    assert tell([Message("system", system), Message("user", words)])
    assert tell([Message("system", HELPER), Message("user", words)])
    assert remember(f"{KEEPER}\nНовые реплики:\nСобеседник: {words}\n{system}")
