"""Cleaning of prose: what goes, what must stay, and that nothing is ever added."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prose import clean, clean_growing, first_sentences, last_sentence, whole_sentences

PROSE = "Дождь шёл третий день.\n\n— Пора, — сказала Веста.\n\nОна взяла карту."

PREFACES = (
    "Конечно, вот продолжение истории:\n\n",
    "Конечно! Вот продолжение вашей истории:\n",
    "Вот следующий отрывок: ",
    "Хорошо, вот финал:\n\n",
    "С удовольствием! Вот продолжение.\n\n",
    "Продолжение истории:\n",
    "**Конечно, вот продолжение:**\n\n",
    "Конечно!\n\n",
    "Here is the continuation of the story:\n\n",
    "Sure! Here's the next part:\n",
)
CLOSINGS = (
    "Что будет дальше?",
    "Что же произойдёт с Вестой дальше?",
    "Что сделает Веста?",
    "Как вы хотите продолжить?",
    "Ваш ход!",
    "Конец",
    "**Конец.**",
    "Продолжение следует…",
    "What happens next?",
    "What will Vesta do next?",
    "The End",
)


@pytest.mark.parametrize("preface", PREFACES)
def test_a_preface_goes(preface: str) -> None:
    assert clean(preface + PROSE) == PROSE


@pytest.mark.parametrize("closing", CLOSINGS)
def test_a_closing_that_is_not_the_storys_goes(closing: str) -> None:
    assert clean(f"{PROSE}\n\n{closing}") == PROSE


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "Хорошо, — сказал он и закрыл дверь.",
        "Конечно, он не пришёл. Никто и не ждал.",
        "Вот и рассвет. Веста подняла голову.",
        "Вот что он увидел: пустую комнату, стул, свечу.",
        "Часть крыши обвалилась: снег лежал прямо на столе.",
        "— Что будет дальше? — спросил Тим.",
        "Он думал о том, что будет дальше.",
        "Это был конец.",
        "Снег шёл.\n\n— Конец? — спросила она.",
        "Дважды два — 2*2 — четыре.",
        "1. Так начинался список, и он был один.",
    ],
)
def test_prose_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**Веста** взяла *карту*.", "Веста взяла карту."),
        ("# Глава\n\nДождь.", "Дождь."),
        ("```\nДождь.\n```", "Дождь."),
        ("* Дождь.\n* Снег.", "Дождь.\nСнег."),
        ("1. Дождь.\n2. Снег.", "Дождь.\nСнег."),
        ("- Пора, - сказала она.", "— Пора, — сказала она."),
        ("> Дождь.", "Дождь."),
        ("Дождь.\n\n***\n\nСнег.", "Дождь.\n\nСнег."),
        ("__Дождь__ и _снег_.", "Дождь и снег."),
        ("Слово `код` здесь.", "Слово код здесь."),
    ],
)
def test_markdown_goes(marked: str, plain: str) -> None:
    assert clean(marked) == plain


def test_an_opening_copied_from_the_user_goes() -> None:
    words = "Веста открывает люк. Внизу темно, и пахнет морем."
    assert clean(f"{words} Она слушает.", words) == "Она слушает."
    assert clean("Внизу темно и пахнет морем!\n\nОна слушает.", words) == "Она слушает."
    assert clean("«Веста открывает люк. Внизу темно, и пахнет морем». Она слушает.", words) == "Она слушает."


def test_an_opening_that_only_resembles_the_users_words_stays() -> None:
    words = "Веста открывает люк."
    for text in ("Веста открывает люк и смотрит вниз.", "Веста открывает люк.", "Люк скрипит."):
        assert clean(text, words) == text


@pytest.mark.parametrize("preface", PREFACES)
def test_a_growing_answer_never_flashes_its_preface(preface: str) -> None:
    answer = preface + PROSE
    shown = [clean_growing(answer[:end]) for end in range(len(answer) + 1)]
    assert all(PROSE.startswith(text) for text in shown)
    assert shown[-1] == PROSE


def test_a_growing_answer_never_flashes_an_echo() -> None:
    words = "Веста открывает люк."
    answer = f"{words} Внизу темно."
    shown = [clean_growing(answer[:end], words) for end in range(len(answer) + 1)]
    assert all("Внизу темно.".startswith(text) for text in shown)
    assert shown[-1] == "Внизу темно."


def test_a_growing_answer_is_shown_as_soon_as_it_is_surely_prose() -> None:
    assert clean_growing("Дождь") == "Дождь"
    assert clean_growing("Конь") == "Конь"
    assert clean_growing("— Конечно") == "— Конечно"
    assert clean_growing("Кон") == ""


def test_a_cut_answer_ends_with_its_last_whole_sentence() -> None:
    assert whole_sentences("Дождь шёл. Веста взяла ка") == "Дождь шёл."
    assert whole_sentences("— Стой! — крикнул он и побеж") == "— Стой! — крикнул он и побеж"
    assert whole_sentences("Он молчал. — Стой! — крикнула она и") == "Он молчал."
    assert whole_sentences("«Пора!» Он встал и") == "«Пора!»"
    assert whole_sentences("без конца") == "без конца"
    assert whole_sentences("Цена 3.14 и А. С. Пушкин был") == "Цена 3.14 и А. С. Пушкин был"


def test_sentences_are_found_at_either_end() -> None:
    text = "Раз. Два! Три?"
    assert (first_sentences(text, 2), last_sentence(text)) == ("Раз. Два!", "Три?")
    assert (first_sentences(text, 9), first_sentences("", 2), last_sentence("")) == (text, "", "")
    assert last_sentence("Раз. Дв") == "Дв"


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *PREFACES,
            *CLOSINGS,
            *(
                "**",
                "*",
                "_",
                "#",
                "# ",
                "`",
                "```",
                "\n",
                "\n\n",
                " ",
                "- ",
                "— ",
                "1. ",
                "2) ",
                "> ",
                "[а](http://b)",
            ),
            *(
                "Конечно",
                "Вот",
                "продолжение",
                ":",
                ".",
                "?",
                "Дождь",
                "Веста открывает люк.",
                "2",
                "\u200b",
                "\r",
                "«",
                "»",
            ),
        ]
    ),
    max_size=14,
).map("".join)
TEXTS = st.one_of(st.text(max_size=120), FRAGMENTS)


@given(TEXTS, TEXTS)
@example("[[а](http://b)](http://c)", "")
@example("Конец", "")
def test_cleaning_never_fails_never_adds_and_is_done_once(text: str, words: str) -> None:
    cleaned = clean(text, words)
    assert len(cleaned) <= len(text)
    assert clean(cleaned, words) == cleaned
    assert len(clean_growing(text, words)) <= len(text)


@given(TEXTS)
def test_whole_sentences_are_a_beginning_and_settle(text: str) -> None:
    cut = whole_sentences(text)
    assert text.startswith(cut)
    assert whole_sentences(cut) == cut
    assert len(first_sentences(text, 2)) <= len(text)
    assert len(last_sentence(text)) <= len(text)
