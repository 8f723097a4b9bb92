"""Cleaning of prose: what goes, what must stay, and that nothing is ever added."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from turns.text_cleanup import clean, clean_growing, first_sentences, last_sentence, unbroken, whole_sentences

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
    "Certainly! Here is the next passage of the story:\n\n",
    "Of course, here’s the continuation of your tale: ",
    "Sure, here's what happens next:\n\n",
    "Here is how the story continues:\n",
    "Absolutely! Below is the ending.\n\n",
    "**The ending:**\n\n",
    "Of course!\n\n",
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
    "So what happens next?",
    "What should Vesta do now?",
    "What do you do?",
    "How would you like to continue?",
    "Would you like me to go on with the story?",
    "Shall we continue?",
    "It's your turn, co-author!",
    "The choice is yours.",
    "Let me know if you'd like me to change anything.",
    "To be continued…",
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
        "“Sure,” she said, and closed the door.",
        "Sure enough, the ship came in. Nobody waved.",
        "Of course he never came. Nobody had expected him to.",
        "Here is the house. Here is the road to it.",
        "Here's the part nobody tells you: the house was awake.",
        "The story ended there, or so they said.",
        "Great was the silence. Part of the roof had gone.",
        "“Wait. What happens next?”",
        "He wondered what would happen next.",
        "We looked at each other. Which way should we go?",
        "That was the end.",
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


def test_a_title_before_a_name_ends_no_sentence() -> None:
    assert whole_sentences("She went in. Mr. Finch looked up and") == "She went in."
    assert whole_sentences("It was Mrs. Hartley. Dr. Simon no") == "It was Mrs. Hartley."
    assert whole_sentences("“Run!” she cried. He turned") == "“Run!” she cried."
    assert first_sentences("Mr. Finch was late. He ran.", 1) == "Mr. Finch was late."


def test_an_english_story_that_begins_with_the_shows_at_once() -> None:
    assert clean_growing("The rain had not stopped") == "The rain had not stopped"
    assert clean_growing("The continuation of") == ""


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


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ("Он шёл. Он бежал. Это", "Он шёл. Он бежал."),
        ("Он шёл.", "Он шёл."),
        ("Он шёл и шё", "Он шёл и…"),
        ("Он", "Он…"),
        ("", ""),
    ],
)
def test_a_text_that_was_broken_off_ends_well(broken: str, kept: str) -> None:
    assert unbroken(broken) == kept
