"""Which name of a part is offered for a card, and what is said of it."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.cards import LIMITS, CardText, faults
from conversation.naming import named, spoken
from conversation.new_names import may_have_name, new_name


def offered(*texts: str, known: str = "") -> CardText | None:
    card = new_name(texts, lambda name: bool(known) and named([known], spoken(name)))
    assert card is None or may_have_name(texts[-1])
    return card


@pytest.mark.parametrize(
    ("text", "card"),
    [
        (
            "На пороге стояла Веста, фонарщица с Длинной улицы. Он не знал Весту. — Идём, — сказала Веста.",
            CardText("Веста", "фонарщица с Длинной улицы"),
        ),
        (
            "— Идём, — сказала Веста, прищурившись. За Вестой пошли трое.",
            CardText("Веста", "За Вестой пошли трое."),
        ),
        (
            "Навстречу вышел Иван Кузьмич. Он поклонился Ивану.",
            CardText("Иван Кузьмич", "Навстречу вышел Иван Кузьмич."),
        ),
        ("Вошёл Бубен. Бубен пожал плечами и сел.", CardText("Бубен", "пожал плечами и сел.")),
        ("Дверь открыл Пантелей. От Пантелея пахло дымом.", CardText("Пантелей", "Дверь открыл Пантелей.")),
        ("Там жила Ассоль. Об Ассоли забыли.", CardText("Ассоль", "Там жила Ассоль.")),
        (
            "Тогда Никита — так его звали — ушёл. И Никиту забыли.",
            CardText("Никита", "Тогда Никита — так его звали — ушёл."),
        ),
        (
            "— Идём! — сказал сторож. Там Агния открыла ему дверь. — Куда? Агния ушла.",
            CardText("Агния", "Там Агния открыла ему дверь."),
        ),
        ("— Идём, — сказала Агния, сестра сторожа, и встала. Агния ушла.", CardText("Агния", "сестра сторожа")),
        ("They met Vesta, the lamplighter. “Go,” said Vesta.", CardText("Vesta", "the lamplighter")),
        ("He knew old Vesta's lamp. The lamp of Vesta burned.", CardText("Vesta", "He knew old Vesta's lamp.")),
    ],
)
def test_a_new_name_is_offered_in_the_nominative_with_what_is_said_of_it(text: str, card: CardText) -> None:
    assert offered(text) == card


@pytest.mark.parametrize(
    "text",
    [
        "Вошла Веста.",  # once
        "Дождь шёл. Дождь лил. «Дождь», — сказал он.",  # at beginnings only
        "Он увидел Море. Море шумело, и море пело.",  # in small letters too
        "Он увидел Весту. Он пошёл за Вестой.",  # no nominative
        "У Ивана был нож. Ивана боялись. Он знал Ивана.",  # a genitive looks like a woman's name
        "Он сказал Вам. И Вас ждут, и Вам рады.",
        "Это СССР. Да, это СССР.",
        "On Monday he slept. It was Monday.",
        "Кузьма. — Идём, — сказал Кузьма. — Кто это, Кузьма? — Это Кузьма.",  # nothing is said of him
        "",
    ],
)
def test_other_words_are_not_offered(text: str) -> None:
    assert offered(text) is None


@pytest.mark.parametrize(
    "said",
    [
        "Почему у Агнии такое лицо?",  # a question
        "Где теперь Агния, добрая душа?",
        "Как хороша была Агния в тот вечер!",
        "— Агния живёт у моста. Она шьёт. Агния знает всех.",  # words of a hero
        "Он обернулся. — Агния живёт у моста. Агния знает всех.",
        "Он сказал: — Агния живёт у моста. Агния знает всех.",
        "— Здравствуй, Агния, душа моя.",
        "— Идём, — сказал он, — Агния живёт у моста. — Он встал! — Агния знает всех.",
        "«Ты опоздал. Агния живёт у моста. Иди к ней». Агния молчала",
        "“You are late. Агния lives by the bridge. Go.”",
        '"You are late. Агния lives by the bridge. Go."',
        "‘You are late. Агния lives by the bridge.’",
        "Агния Петровна.",  # the name alone
        "А потом Агния вошла и…",  # a cut sentence
        "Навстречу ей шла Агния в длинном",
        "и тогда Агния обернулась.",
        f"Агния шла {'очень ' * 40}долго.",  # longer than a card
    ],
)
def test_what_a_card_says_is_a_whole_sentence_of_the_narrator(said: str) -> None:
    named = "Это Агния. Агния вошла."
    assert offered(f"{said}\n{named}") is None
    fact = "На крыльце Агния сидела с корзиной."
    assert offered(f"{said}\n{named}\n{fact}") == CardText("Агния", fact)


def test_a_known_name_is_not_offered_and_the_next_one_is() -> None:
    text = "Пришла Веста. Весту ждали. За нею вошёл Пантелей. Пантелею не рады. Веста сказала это."
    assert offered(text, known="Веста") == CardText("Пантелей", "За нею вошёл Пантелей.")


def test_a_name_of_earlier_texts_counts_and_the_sentence_that_brought_it_is_kept() -> None:
    assert offered("Рядом жил Пантелей, сторож.", "Он ушёл и позвал Пантелея.") == CardText("Пантелей", "сторож")
    assert offered("Рядом жил Пантелей. Пантелея не любили.", "Он ушёл.") is None  # the last part doesn't have it


@given(st.lists(st.text(max_size=100) | st.text(alphabet="ВестаИванАnn лаит.,!—«»\n", max_size=200), max_size=4))
def test_any_text_gives_a_sound_card_or_none(texts: list[str]) -> None:
    card = offered(*texts)
    assert card is None or (faults(card) == [] and len(card.about) <= LIMITS["about"])


def test_a_text_twice_as_long_takes_twice_the_work() -> None:
    calls = 0

    def count(_frame: FrameType, event: str, _of: object) -> None:
        nonlocal calls
        calls += event == "call"

    counted = []
    for lines in (100, 200):
        calls = 0
        sys.setprofile(count)
        try:
            assert not may_have_name("— Идём, — сказал он. Дождь шёл.\n" * lines)
        finally:
            sys.setprofile(None)
        counted.append(calls)
    assert counted[1] < 2.2 * counted[0]
