"""What a story is called before it is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.story_draft import short_name, working_title


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_working_title_is_short_and_one_line(hero: str, setting: str) -> None:
    title = working_title(hero, setting)
    assert len(title) <= 62 and "\n" not in title
    assert len(short_name(hero, 28)) <= 29


@pytest.mark.parametrize(
    ("hero", "name"),
    [
        ("Веста (пусть боится воды): картограф", "Веста"),
        ("Картограф Веста (важно: рыжая, (очень)) : карта", "Картограф Веста"),
        ("Веста: карта (не спешить)", "Веста"),
        ("(тайна): Веста", "Веста"),
        ("(кот)", "(кот)"),
        (":)", ":)"),
    ],
)
def test_a_wish_in_brackets_is_no_part_of_a_name(hero: str, name: str) -> None:
    assert short_name(hero) == name


def test_a_working_title_takes_the_names() -> None:
    hero, setting = "Картограф Веста: карта дорисовывает дороги", "Город на великане: он спит"
    both = "Картограф Веста · Город на великане"
    assert working_title(hero, setting) == "Картограф Веста"
    assert working_title(hero, setting, {"Картограф Веста"}) == both
    assert working_title(hero, setting, {"Картограф Веста", both}) == f"{both} (2)"


@pytest.mark.parametrize(
    ("hero", "title"),
    [
        ("рыжий почтальон, который боится собак", "Рыжий почтальон"),
        ("рыжий почтальон который боится собак", "Рыжий почтальон"),
        ("девочка Аня из города Москвы ищет маму", "Девочка Аня"),
        ("Вася боится темноты", "Вася"),
        ("Иван Петрович Сидоров работает на заводе", "Иван Петрович Сидоров"),
        ("старый рыбак из Одессы", "Старый рыбак из Одессы"),
        ("Мария, 30 лет, врач", "Мария"),
        ("старый-престарый смотритель маяка на краю света и его кот", "Старый-престарый смотритель"),
        ("a girl who talks to birds", "A girl"),
    ],
)
def test_a_hero_in_own_words_names_the_story_and_never_by_half_a_sentence(hero: str, title: str) -> None:
    assert working_title(hero, "город на крыше") == title


def test_a_working_title_begins_with_a_capital() -> None:
    assert working_title("рыжий почтальон", "город на крыше") == "Рыжий почтальон"
    assert working_title("", "город на крыше") == "Город на крыше"


def test_a_hero_of_a_smile_has_a_title() -> None:
    assert working_title(":)", ":") == ":)"
    assert working_title("", "", {""}) == " (2)"
