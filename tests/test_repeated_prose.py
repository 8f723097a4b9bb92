"""Parts that say something twice or begin as the last one did, worn phrases, and prompts for small models."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai.catalog import Model
from ai.repeated_prose import ProseWatch, opening, said_again
from bench.cliches import cliches_in
from sandbox.model_faults import Behaviour, Received
from tests.harness import BotHarness, until
from tests.ready_made import shipped_locales

LOCALES = shipped_locales()
SENTENCES = (
    "Смотритель поднялся на самый верх и открыл тяжёлую дверь.",
    "За ней стоял мальчик в мокром плаще и держал фонарь.",
    "Он молча протянул письмо, в котором не было ни слова.",
    "Ветер вырвал листок и понёс его к чёрной воде.",
    "Внизу кто-то трижды ударил веслом о борт старой лодки.",
)
PROSE = " ".join(SENTENCES)


@pytest.mark.parametrize(
    "again", [SENTENCES[1], f"И снова {SENTENCES[1].lower()} {SENTENCES[2]}", f"{SENTENCES[3]} {SENTENCES[4]}"]
)
def test_what_is_said_again_is_found_where_its_sentence_begins(again: str) -> None:
    text = f"{PROSE} {again} И всё."
    place = said_again(text)
    assert place is not None
    assert text[:place].rstrip() in (PROSE, f"{PROSE} {SENTENCES[3]}")


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        f"{PROSE} — Кто там? — Никого. — Кто там? — Никого.",
        "Раз, два, три, и раз, два, три, и раз, два, три, и раз, два, три, и раз, два, три.",
        "Дождь. " * 40,
        "",
    ],
)
def test_refrains_and_short_lines_may_come_again(text: str) -> None:
    assert said_again(text) is None


@given(
    st.lists(
        st.sampled_from([*SENTENCES, "Дождь.", "— Кто там?\n", "И снова он молча протянул письмо", "Да! "]), max_size=9
    ),
    st.lists(st.integers(1, 120), min_size=1),
)
def test_a_growing_passage_repeats_itself_where_its_text_so_far_does(parts: list[str], steps: list[int]) -> None:
    text, watch, length = " ".join(parts), ProseWatch(""), 0
    for step in cycle(steps):
        length = min(len(text), length + step)
        place = watch.repeats(text[:length], whole=True)
        assert place == said_again(text[:length])
        if place is not None or length == len(text):
            break


def test_a_passage_that_is_rewritten_is_read_anew() -> None:
    watch = ProseWatch("")
    assert watch.repeats(PROSE, whole=True) is None
    assert watch.repeats(f"Ночь. {PROSE}", whole=True) is None
    assert watch.repeats(f"{PROSE} {SENTENCES[0]}", whole=True) == len(PROSE)


def test_an_opening_is_compared_by_its_first_words() -> None:
    watch = ProseWatch("Дверь тихо скрипнула, и вошёл кот.")
    assert watch.opens_alike("Дверь тихо скрипнула, и вошла") and not watch.opens_alike("Дверь тихо скрипнула, и")
    assert not watch.opens_alike("Дверь распахнулась, и вошёл кот.")
    assert not ProseWatch("").opens_alike(PROSE) and not ProseWatch("Да.").opens_alike("Да. И она ушла.")
    assert opening("Ёжик — он в тумане был.") == ("ежик", "он", "в", "тумане")


def test_a_part_that_repeats_itself_ends_where_it_does(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says(f"{PROSE} {PROSE} {PROSE}", chunks=40, hang_after=39)
    person.press("▶️ Дальше")
    person.wait(SENTENCES[-1])
    assert person.last.text == PROSE
    until(harness.settled)
    harness.check_books()


def test_a_part_that_opens_like_the_last_one_is_asked_for_once_more_and_paid_once(harness: BotHarness) -> None:
    person = harness.writer(words="Дверь тихо скрипнула, и вошёл кот.")
    harness.says("Дверь тихо скрипнула, и вошла кошка.", chunks=6)
    harness.says("Кошка села у печи.")
    person.press("▶️ Дальше")
    person.wait("Кошка села у печи.")
    assert "вошла кошка" not in str([message.text for message in person.bot_messages])
    first, again = (prompt[-1]["text"] for prompt in harness.prompts()[-2:])
    assert "Начни другими словами" in again and "Начни другими словами" not in first
    assert again.endswith("герою придётся ответить.)")
    until(harness.settled)
    assert harness.db.values("call", "state")[-2:] == ["returned", "settled"]
    harness.check_books()


def test_a_part_that_repeats_itself_at_once_is_asked_for_once_more_at_most(harness: BotHarness) -> None:
    person = harness.writer()
    twice = f"{SENTENCES[0]} {SENTENCES[0]} Всё."
    harness.models.faults.order(Behaviour(text=twice), Behaviour(text=twice))
    asked = len(harness.prompts())
    person.press("▶️ Дальше")
    assert person.wait(SENTENCES[0]).text == SENTENCES[0]
    assert len(harness.prompts()) == asked + 2


KEPT = f"{SENTENCES[0]} {SENTENCES[1]}"
TWICE = f"{KEPT} {SENTENCES[0]} Всё."


@pytest.mark.parametrize(
    "second",
    [
        Behaviour(end="filter"),
        Behaviour(status=400),
        Behaviour(text=f"{SENTENCES[0]} {SENTENCES[0]} Всё."),
        Behaviour(text=f"{SENTENCES[2]} Ветер", chunks=3, cut_after=1),
    ],
    ids=["refused", "failed", "repeats sooner", "broken off sooner"],
)
def test_a_second_answer_that_is_no_better_leaves_the_first_which_is_paid_once(
    harness: BotHarness, second: Behaviour
) -> None:
    person = harness.writer()
    until(harness.settled)
    spent = harness.db.value("user", "spent", id=1)
    harness.models.faults.order(Behaviour(text=TWICE), second)
    person.press("▶️ Дальше")
    assert person.wait(SENTENCES[0]).text == KEPT
    until(harness.settled)
    assert person.last.text == KEPT and harness.db.last("prompt", "text") == KEPT
    assert harness.db.values("call", "state")[-2:] == ["settled", "returned"]
    assert harness.db.value("user", "spent", id=1) - spent == harness.db.values("call", "charged")[-2]
    harness.check_books()


def test_a_balance_that_has_no_second_answer_leaves_the_first(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    held: list[int] = []

    def rule(received: Received) -> Behaviour | None:
        if received.kind == "completion" and not held:
            held.append(harness.db.held())
            harness.db.change("user", {"id": 1}, balance=harness.db.held() + 100)
            return Behaviour(text=TWICE)
        return None

    harness.models.faults.rule = rule
    person.press("▶️ Дальше")
    assert person.wait(SENTENCES[0]).text == KEPT
    until(harness.settled)
    assert held and harness.db.last("call", "state") == "settled" and harness.nothing_held()


def test_a_stop_while_a_passage_is_asked_for_again_keeps_the_first_and_holds_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    harness.models.faults.order(Behaviour(text=TWICE), Behaviour(hang=True))
    asked = len(harness.prompts())
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == asked + 2)
    person.send("стоп")
    assert person.wait(SENTENCES[0]).text == KEPT
    until(lambda: harness.settled() and harness.nothing_held())
    assert harness.db.values("call", "state")[-2:] == ["returned", "settled"]
    harness.check_books()


@pytest.mark.parametrize("refused", [(), ("penalty",)])
def test_the_penalty_is_sent_for_prose_where_the_vendor_takes_it(
    make_harness: Callable[..., BotHarness], refused: tuple[str, ...]
) -> None:
    harness = make_harness(MODEL_PROVIDER="openai", YANDEX_FOLDER_ID="", OPENAI_MODEL="sandbox-poet")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.models.refuses = refused
    harness.start()
    person = harness.at_summary()
    harness.models.faults.default = Behaviour(text="Свет погас.")
    person.press("✨ Начать историю")
    person.wait("Свет погас.")
    sent = [one.body.get("frequency_penalty") for one in harness.models.of("completion")]
    assert sent == ([0.3, None] if refused else [0.3])


# ---------------------------------------------------------------------- worn phrases

# In the manner of small models, with the phrases that a reader knows them by.
ANSWERS = (
    ("Внезапно раздался стук. Холодок пробежал по спине, и Веста, затаив дыхание, шагнула вперёд.", 3),
    ("Казалось, время остановилось. Воздух словно сгустился, и повисла звенящая тишина.", 4),
    ("Сердце бешено заколотилось. Это было только начало.", 2),
    ("Веста задула фонарь. Стук шёл снизу, из-под льда, и кто-то считал вслух.", 0),
    ("Suddenly a shiver ran down her spine. Time stood still, and the air was thick with fear.", 4),
    ("Wren blew out the lantern. The knocking came from under the ice.", 0),
)


@pytest.mark.parametrize(("answer", "count"), ANSWERS)
def test_worn_phrases_are_counted(answer: str, count: int) -> None:
    assert len(cliches_in(answer)) == count


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_the_prompt_names_phrases_of_the_list(language: str) -> None:
    rule = next(line for line in LOCALES[language].templates()["prompt.coauthor"].splitlines() if line.startswith("6."))
    named = re.findall(r"[«“]([^»”]+)[»”]", rule)
    assert len(named) >= 5 and all(cliches_in(f"{phrase} и") for phrase in named)


# ---------------------------------------------------------------------- small models


def test_a_model_is_small_by_its_entry_or_its_context() -> None:
    assert Model("a", size="small").is_small and Model("a", context_tokens=4096).is_small
    assert not Model("a", context_tokens=8192).is_small


def test_a_small_model_gets_the_short_prompt(make_harness: Callable[..., BotHarness], tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text('[[model]]\nname = "yandexgpt-5-lite"\nsize = "small"\n', "utf-8")
    harness = make_harness(MODELS_FILE=own)
    harness.start()
    harness.writer()
    system, last = harness.prompts()[-1]
    assert "Пиши рассказ по-русски дальше." in system["text"] and "Правила" not in system["text"]
    assert "Жанр: Детектив" in system["text"] and last["text"].endswith("герою придётся ответить.)")


@pytest.mark.parametrize("language", sorted(LOCALES))
@pytest.mark.parametrize("name", ["coauthor", "finale", "epilogue"])
def test_the_system_texts_of_stories_are_short(language: str, name: str) -> None:
    templates = LOCALES[language].templates()
    assert len(templates[f"prompt.{name}"]) <= 1500
    small = templates[f"prompt.small.{name}"]
    assert len(small) <= 700 and not re.search(r"\b(?:не|без|don't|never|no)\b", small, re.IGNORECASE)
