"""«💬 Поговорить с героем»: the hero of a story as a character, whose talk changes nothing in the story."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from conversation.localization import Locales
from core.schemas import Message
from database import Prompt, Story, StoryPath
from sandbox.model_faults import Behaviour
from sandbox.storyteller.answers import tell
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_finished_story import finished
from tests.toasts import PAST
from turns import heroes

LOCALES = Locales.load(Path(__file__).resolve().parent.parent / "locales")
HERO = "💬 Поговорить с героем"
LINE = "Отвечает герой вашей истории, Смотритель Маяк."
LINE_OF_TITLED = "Отвечает Смотритель Маяк из истории «Свет в окне»"


def meets(person: ChatUser) -> str:
    """Press the button behind «⚙️ Ещё»; return the hero's first words."""
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(HERO)
    person.wait("Этот разговор в неё не войдёт")
    return person.wait("Смотритель Маяк\n").text


def asked(harness: BotHarness, person: ChatUser, words: str, answer: str) -> str:
    """Ask the hero; return what stood in the system prompt."""
    harness.says(answer)
    person.send(words)
    person.wait(answer)
    system, *_, last = harness.prompts()[-1]
    assert system["role"] == "system" and last["text"].startswith(words)
    return system["text"]


def test_the_hero_talks_of_the_story_as_far_as_it_is_told(harness: BotHarness) -> None:
    person = harness.writer(words="Туман лёг на остров. Дверь скрипнула.")
    until(harness.settled)
    spent, texts = harness.db.value("user", "spent", id=1), harness.db.count("prompt")
    greeting = meets(person)
    assert "Я там, где меня оставили: «Дверь скрипнула.»" in greeting and "решать вам" in greeting
    assert harness.db.value("user", "spent", id=1) == spent, "the greeting asks no model"
    assert person.keyboard == (("🔖 К истории",), ("🎭 Персонажи", "🏠 Меню"))
    system = asked(harness, person, "Кто там за дверью?", "Не знаю, страшно.")
    assert "Герой: Смотритель Маяк" in system and "Ты герой истории: Смотритель Маяк: слеп." in system
    assert "Место: Остров: туман круглый год." in system
    assert "Только что с тобой было: Туман лёг на остров. Дверь скрипнула." in system
    assert "Правила важнее характера" in system and system.index("Правила важнее") > system.index("Дверь скрипнула")
    assert harness.prompts()[-1][-1]["text"].endswith("только о том, что с ним уже было.)")

    # Back in the story nothing of the talk is told, and the hero knows what came since.
    person.press("🔖 К истории")
    person.wait("часть 1")
    harness.says("Вошёл кот.")
    person.press("▶️ Дальше")
    person.wait("Вошёл кот.")
    story_prompt = json.dumps(harness.prompts()[-1], ensure_ascii=False)
    assert "страшно" not in story_prompt and "Я там, где" not in story_prompt
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(HERO)
    assert "помнит вашу беседу" in person.wait("Не знаю, страшно.").text
    system = asked(harness, person, "А теперь кто?", "Это кот.")
    assert "Вошёл кот." in system
    assert "Не знаю, страшно." in [message["text"] for message in harness.prompts()[-1]]
    assert harness.db.count("session", kind="character") == 1
    assert harness.db.count("prompt") == texts + 6

    # /clear begins the talk anew, with a fresh greeting; /sessions has it and leads back into it, after a restart too.
    person.send("/clear")
    assert "«Вошёл кот.»" in person.wait("Смотритель Маяк\n").text
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    until(harness.settled)
    harness.restart()
    person.send("/sessions")
    labels = person.wait("Что продолжим").labels
    assert labels[0].startswith("🎭 Смотритель Маяк") and labels[1].startswith("📖")
    person.tap(labels[0])
    person.wait(LINE)
    asked(harness, person, "И снова здравствуйте!", "Здравствуйте.")
    until(harness.settled)
    harness.check_books()


def test_each_branch_has_a_hero_of_its_own_who_knows_only_the_branch(harness: BotHarness) -> None:
    person = harness.writer(words="Дверь скрипнула.")
    meets(person)
    asked(harness, person, "Запомните слово «сом».", "Запомню.")
    person.press("🔖 К истории")
    person.wait("часть 1")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    harness.says("Пришёл волк.")
    person.press("▶️ Дальше")
    person.wait("Пришёл волк.")
    assert "«Пришёл волк.»" in meets(person)
    system = asked(harness, person, "Кто пришёл?", "Волк.")
    assert "Пришёл волк." in system
    assert "«сом»" not in json.dumps(harness.prompts()[-1], ensure_ascii=False)
    assert harness.db.count("session", kind="character") == 2


def test_the_hero_of_a_finished_story_remembers_its_end_and_goes_with_it(harness: BotHarness) -> None:
    person = finished(harness)
    person.tap(HERO)
    person.wait(LINE_OF_TITLED)
    assert "История кончилась вот как: «Конец.»" in person.wait("Смотритель Маяк\n").text
    assert "Конец." in asked(harness, person, "Как вы?", "Живу.")
    person.press("🎭 Персонажи")
    on = person.wait("Отвечает Смотритель Маяк. Герой истории «Свет в окне».")
    assert "🔄 С самого начала" in on.labels and not any("Смотритель" in label for label in on.labels)
    person.press("🔖 К истории")
    person.wait("не обязательно конец")
    person.send("/stories")
    person.tap(person.wait("Ваши истории").labels[0])
    person.wait("Конец.")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    person.send("/sessions")
    person.wait("Здесь пока пусто")
    assert person.tap(HERO).wait_answer().text == PAST
    harness.day_passes()
    assert not harness.db.count("session") and not harness.db.count("character", owner_id=1)
    assert not harness.db.count("sent", chat_id=1) or not harness.db.count("prompt")


STORY = Story(
    session_id=1,
    user_id=1,
    genre="Сказка",
    hero="Веста: рыжая",
    setting="порт",
    extra="пусть найдёт клад",
    tone="мрачный",
    length="middle",
    language="ru",
    title="",
    named=False,
    starts_after=None,
    share_token=None,
    head_id=2,
    spent=0,
    reserved=0,
    finished=False,
    deleted=False,
    warned=False,
    created_at=0,
    touched_at=0,
)


def long_text(sentences: int, begins: str) -> str:
    return " ".join(f"{begins} {number}, и {number * 7} лодок ушли." for number in range(sentences))


def test_a_long_talk_is_summarised_and_the_hero_still_knows_the_story(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=200_000)
    harness.start()
    person = harness.writer(words=f"{long_text(70, 'Час')} Дверь скрипнула.")
    meets(person)
    answer = long_text(50, "Причал")
    harness.models.faults.default = Behaviour(text=answer)  # of the summary too
    for number in range(8):
        person.send(f"Вопрос {number}. {long_text(20, 'Мол')}")
        person.wait(answer)
        system = harness.prompts()[-1][0]["text"]
        assert "только что с тобой было: час 0, и 0" in system.lower() and "Дверь скрипнула." in system
    until(harness.settled)
    assert harness.db.count("call", purpose="summary") and not harness.db.count("call", state="returned")
    harness.check_books()


def path(*texts: str, memory: str = "") -> StoryPath:
    prompts = tuple(
        Prompt(number, number - 1 or None, None, 1, "assistant", "part", text, "", None, 0)
        for number, text in enumerate(texts, 1)
    )
    return StoryPath(memory, prompts)


def test_a_long_story_is_told_by_its_end_and_where_no_memory_has_it_by_its_beginning() -> None:
    long = path("Начало тут. " + "Было много всего. " * 200, "Тут и конец.")
    short = heroes.told(long, 900)
    assert len(short) <= 900 and short.startswith("Начало тут.") and short.endswith("Тут и конец.")
    with_memory = heroes.told(path(*(prompt.text for prompt in long.prompts), memory="Герой: Ян."), 900)
    assert "Начало" not in with_memory and with_memory.endswith("Тут и конец.") and len(with_memory) <= 900
    assert heroes.told(path("Одна."), 300) == "Одна."


def test_a_talk_that_grows_leaves_less_of_the_story_and_a_long_question_least() -> None:
    short, grown, long = path("Кто вы?"), path(*["да" * 200] * 12), path("Кто?", "я" * 2000, "я" * 4000)
    chars = [heroes.told_chars(3000, talk) for talk in (short, grown, long)]
    assert chars == [heroes.MOST_TOLD, heroes.TOLD, heroes.LEAST_TOLD]


def test_what_is_told_takes_so_many_characters_and_keeps_memory_and_newest_text() -> None:
    story = path("Слово за слово. " * 300, "Тут и конец.", memory="Герой: Веста. " * 100)
    lengths = []
    for chars in (heroes.LEAST_TOLD, heroes.TOLD, heroes.MOST_TOLD):
        said = heroes.persona_of(LOCALES["ru"], STORY, story, chars).personality
        assert "Ты помнишь: Герой: Веста." in said and "Тут и конец." in said and "Тон: мрачный." in said
        lengths.append(len(said) - chars)
    assert max(lengths) < 1_000 and max(lengths) - min(lengths) < 100


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("“Stay. Well, shall we?”", "Well, shall we?"),
        ("Он сказал: «Иди сюда».", "Он сказал: „Иди сюда“."),
        ("«Ждите. Мы скоро»", "Мы скоро"),
    ],
)
def test_the_greeting_quotes_the_last_sentence_without_half_a_quotation_mark(text: str, last: str) -> None:
    greeting = heroes.persona_of(LOCALES["ru"], STORY, path(text), 300).greeting
    assert greeting.startswith(f"Я там, где меня оставили: «{last}»\n")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_demo_plays_the_hero_with_the_story_s_facts(language: str) -> None:
    rows: Mapping[str, tuple[str, str, Sequence[tuple[str, str]]]] = {
        "ru": (
            "Веста подняла старый фонарь. За дверью стоял человек в синем плаще.",
            "Герой: Веста. Было: она потеряла карту у моста.",
            (
                ("Кто стоял за дверью?", "в синем плаще"),
                ("Где ваша карта?", "потеряла карту у моста"),
                ("Что будет дальше?", "«"),
            ),
        ),
        "en": (
            "Vesta lifted the old lantern. A man in a blue cloak stood behind the door.",
            "Hero: Vesta. Events: she lost her chart at the bridge.",
            (
                ("Who stood behind the door?", "blue cloak"),
                ("Where is your chart?", "lost her chart"),
                ("What happens next?", "“"),
            ),
        ),
    }
    tail, memory, questions = rows[language]
    texts = LOCALES[language]
    personality = texts.prompt(
        "hero.personality", hero="Веста", genre="Сказка", setting="порт", tone="", memory=memory, tail=tail
    )
    system = texts.prompt("persona.system", name="Веста", line="", personality=personality, memory="")
    for question, fact in questions:
        asked = [Message("system", system), Message("user", f"{question}\n\n{texts.prompt('hero.closing')}")]
        said = tell(asked)
        assert fact in said, said


def test_a_story_that_is_deleted_leaves_no_way_to_it_in_the_talk_with_its_hero(harness: BotHarness) -> None:
    person = finished(harness)
    person.tap(HERO)
    person.wait(LINE_OF_TITLED)
    assert "🔖 К истории" in str(person.keyboard)
    person.send("/stories")
    person.tap(person.wait("Ваши истории").labels[0])
    person.wait("Конец.")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    until(harness.settled)
    assert "🔖 К истории" not in str(person.keyboard)
