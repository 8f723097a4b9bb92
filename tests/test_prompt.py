"""The messages of a prompt: their order, whatever the path looks like."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.schemas import Message, MessageRole
from yandex_gpt import build_prompt

ROLES: st.SearchStrategy[MessageRole] = st.sampled_from(["user", "assistant"])
PATHS = st.lists(st.builds(Message, ROLES, st.text(max_size=8)), max_size=12)


def built(*path: tuple[MessageRole, str], closing: str = "") -> list[tuple[str, str]]:
    messages = build_prompt(
        system="S", opening="Начни.", path=[Message(*each) for each in path], go_on="Продолжи.", closing=closing
    )
    return [(message.role, message.text) for message in messages]


def test_a_story_begins_with_the_opening_line() -> None:
    assert built() == [("system", "S"), ("user", "Начни.")]


def test_a_model_that_goes_on_by_itself_is_asked_to() -> None:
    assert built(("assistant", "a"), ("assistant", "b")) == [
        ("system", "S"),
        ("user", "Начни."),
        ("assistant", "a"),
        ("user", "Продолжи."),
        ("assistant", "b"),
        ("user", "Продолжи."),
    ]


def test_the_users_own_words_are_the_last_line() -> None:
    assert built(("assistant", "a"), ("user", "Веста бежит."))[-1] == ("user", "Веста бежит.")


def test_a_closing_line_joins_the_users_words() -> None:
    assert built(("assistant", "a"), closing="Напиши финал.")[-1] == ("user", "Напиши финал.")
    assert built(("assistant", "a"), ("user", "w"), closing="Напиши финал.")[-1] == ("user", "w\n\nНапиши финал.")


def test_without_a_system_text_there_is_no_system_message() -> None:
    messages = build_prompt(system=" ", opening="o", path=[], go_on="g")
    assert messages == [Message("user", "o")]


@given(st.text(max_size=5), PATHS, st.text(max_size=5))
def test_sides_alternate_texts_keep_their_order_and_the_user_is_last(
    system: str, path: list[Message], closing: str
) -> None:
    messages = build_prompt(system=system, opening="o", path=path, go_on="g", closing=closing)
    turns = messages[1:] if messages[0].role == "system" else messages
    assert [message.role for message in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"]
    assert all(message.text.strip() for message in messages)
    everything, place = "\0".join(message.text for message in turns), 0
    for text in [*(message.text for message in path), closing]:
        if text.strip():
            place = everything.index(text, place) + len(text)


@given(PATHS)
def test_the_path_is_left_as_it_was(path: list[Message]) -> None:
    before = list(path)
    build_prompt(system="s", opening="o", path=path, go_on="g")
    assert path == before
