"""What the local models answer in a chat: they remember what was said, count, format, translate, and stay in a role."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schemas import Message
from sandbox import characters, examples
from sandbox.storyteller.answers import tell
from sandbox.talker import remember
from telegram.markdown import pieces
from tests.harness import ROOT

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
        ("кто ты?", "не нейросеть"),
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
    assert "3/4" in chat("дроби", system="Ты учитель, которого любят.")
    riddles = "Ты мастер загадок и ведёшь игру."
    assert "Не лает" in chat("давай", system=riddles)
    assert "первая буква — **З**" in chat("давай", "кот", system=riddles)
    assert "Верно" in chat("давай", "это замок", system=riddles)


def test_a_character_stays_in_the_role() -> None:
    cat = "Ты кот Пантелей, писарь в канцелярии. Боишься собак."
    assert "Пантелей, писарь второго разряда" in chat("Кто ты?", system=cat)
    assert "начните с малого" not in chat("Хочу рисовать", system=cat)
    told = (
        "Ты ведёшь переписку от лица вымышленного героя.\nГерой: Дракон Евстигней\nХарактер: Ты дракон\nПравила: одно."
    )
    assert "Евстигней, дракон и библиотекарь" in chat("Кто ты?", system=told)
    assert tell([Message("system", "You are Captain Aglaya, of no ship."), Message("user", "Any storm ahead?")])


EXAMPLES = {"ru": "Почему небо синее, а закат красный?", "en": "Why is the sky blue and the sunset red?"}
CHARACTERS = {
    language: tomllib.loads((ROOT / "locales" / language / "characters.toml").read_text("utf-8"))["characters"]
    for language in ("ru", "en")
}
ASKED = {
    "ru": (
        *("Привет!", "Спасибо", "Кто ты?", "Почему?", "Дай совет", "Какая погода?", "Где взять денег?"),
        *("Я влюбилась", "Мне страшно", "Мне грустно", "Расскажи историю", "Пошути", "Хочу есть", "Ты робот?"),
    ),
    "en": (
        *("Hello!", "Thank you", "Who are you?", "Why?", "Give me some advice", "How is the weather?"),
        *("I need money", "I love him", "I am afraid", "I am sad", "Tell me a story", "A joke!", "Are you a robot?"),
    ),
}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_ready_character_answers_what_was_asked_in_a_voice_of_its_own(language: str) -> None:
    rows = CHARACTERS[language]
    assert len(rows) == 14
    for question in ASKED[language]:
        answers = {row["key"]: characters.speak(language, row["name"], question, 0) for row in rows}
        assert len(set(answers.values())) == len(rows), question
    for row in rows:
        said = [characters.speak(language, row["name"], question, 0) for question in ASKED[language]]
        assert len(set(said)) == len(said)
        other = {characters.speak(language, row["name"], "M-m.", number) for number in range(200)}
        assert characters.ways(language, row["name"]) >= 40 and len(other | set(said)) >= 40


def test_a_character_takes_up_what_it_is_told_of_and_says_nothing_twice_in_a_row() -> None:
    for row in CHARACTERS["ru"]:
        if row["key"] != "tilly":
            assert "холодильник" in characters.speak("ru", row["name"], "У меня сломался холодильник", 3).lower()
    system = "Ты ведёшь переписку от лица вымышленного героя.\nГерой: Сократ\nХарактер: Ты Сократ"
    messages = [Message("system", system)]
    answers = []
    for _ in range(6):
        messages.append(Message("user", "Так и есть."))
        answers.append(tell(messages))
        messages.append(Message("assistant", answers[-1]))
    assert len(set(answers)) == 6


def test_a_character_of_ones_own_answers_too() -> None:
    said = {characters.speak("ru", "Бабушка Зина", "Пошёл дождь", number) for number in range(8)}
    assert len(said) >= 4
    assert "Бабушка Зина" in characters.speak("ru", "бабушка Зина", "Кто ты?", 1)


@pytest.mark.parametrize("words", ["Что подарить маме?", "Не могу уснуть", "Что приготовить на ужин?", "Напиши письмо"])
def test_the_assistant_helps_where_it_can(words: str) -> None:
    assert re.search(r"1\.|- \*\*|^- |\*тёплое\*", chat(words), re.MULTILINE)


def test_the_assistant_says_in_plain_words_what_it_is_and_what_it_cannot() -> None:
    assert "не нейросеть" in chat("Кто ты?") and "not a neural network" in chat("Who are you?")
    assert re.search("программа с готовыми фразами|заготовленные ответы", chat("Что такое квант?"))


def test_the_memory_of_a_characters_chat_has_the_lines_that_its_prompt_asks_for() -> None:
    heads = ("Собеседник", "Между ними", "Было", "В рассказе", "Открыто")
    form = "\n".join(f"{head}: что-нибудь." for head in heads)
    asked = (
        "Ты ведёшь память переписки героя с собеседником.\nПрежняя память: \nНовые реплики:\n"
        "Собеседник: Меня зовут Оля, мне 7 лет\n\nГерой: Ясно\n"
        f"Запиши обновлённую память целиком, до 1500 знаков:\n{form}"
    )
    memory = tell([Message("user", asked)])
    assert tuple(line.partition(":")[0] for line in memory.splitlines()) == heads
    assert memory.startswith("Собеседник: Оля") and "мне 7 лет" in memory


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


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_question_that_an_empty_chat_offers_has_an_answer_of_its_own(language: str) -> None:
    questions = tomllib.loads((ROOT / "locales" / language / "chat.toml").read_text("utf-8"))["example"]
    roles = tomllib.loads((ROOT / "locales" / language / "prompts.toml").read_text("utf-8"))["prompt"]["role"]
    answers = {}
    for key, question in questions.items():
        system = roles.get(key.rpartition("_")[0], HELPER)
        answers[key] = chat(question, system=system)
        assert answers[key] == examples.answer_to(question), key
        assert len(answers[key]) < 900 and pieces(answers[key]), key
    assert len(set(answers.values())) == len(questions)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_question_of_the_greeting_in_a_group_is_answered(language: str) -> None:
    greeting = tomllib.loads((ROOT / "locales" / language / "screens.toml").read_text("utf-8"))["group"]["hello"]
    found = re.search(r"@\{bot\} ([^?]+\?)", greeting)
    assert found is not None and examples.answer_to(found[1]) == examples.answer_to(EXAMPLES[language])


def test_a_question_without_a_ready_answer_is_told_so() -> None:
    assert "нейросеть" in chat("Почему кошки мурлычут?") + chat("Почему кошки мурлычут?", "Почему кошки мурлычут?")
    assert "“Model”" in chat("Write a haiku about autumn")


def test_a_riddle_may_be_given_up() -> None:
    riddles = "Ты мастер загадок и ведёшь игру."
    answer = chat("давай", "не знаю, сдаюсь", system=riddles)
    assert "**замок**" in answer and "Чем больше из неё берёшь" in answer


def test_what_was_said_is_remembered_in_a_role_too() -> None:
    cat = "Ты кот Пантелей, писарь в канцелярии. Боишься собак."
    assert "Анна" in chat("Меня зовут Анна", "Как меня зовут?", system=cat)
    assert "- У меня рыжая кошка" in chat("У меня рыжая кошка", "О чём мы говорили?", system="Ты программист.")
    assert chat("Есть яйца и хлеб", system="Ты повар.").count("Нужно: яйца и хлеб.") == 1


TEACHERS = {"ru": "Ты учитель, которого любят.", "en": "You are a teacher whom children like."}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_teacher_gives_the_lesson_that_is_asked_for_and_knows_its_answer(language: str) -> None:
    stock = tomllib.loads((ROOT / "sandbox" / "teacher.toml").read_text("utf-8"))[language]
    system, topics = TEACHERS[language], [topic.strip() for topic in stock["topics"].split(",")]
    for lesson in stock["lesson"]:
        topic = next(topic for topic in topics if re.search(lesson["when"], topic, re.IGNORECASE))
        assert chat(topic, system=system) == lesson["says"]
        assert lesson["answer"] in chat(topic, "42 слона" if language == "ru" else "an elephant", system=system)
        assert re.search(lesson["right"], lesson["answer"], re.IGNORECASE), topic
    assert chat(topics[0], "5/6", system=system).startswith(stock["right"][:8])
    assert chat(topics[0], "7/6", system=system).startswith(stock["wrong"][:8])
    assert chat(topics[0], topics[1], system=system) == stock["lesson"][1]["says"]


def test_the_teacher_owns_to_what_there_is_no_lesson_on() -> None:
    assert "битве при Каннах" in chat("Расскажи о битве при Каннах", system=TEACHERS["ru"])
    assert "дроби, проценты" in chat("Расскажи о битве при Каннах", system=TEACHERS["ru"])
    assert "7 × 8 = 56" in chat("7 × 8", system=TEACHERS["en"])
