"""A model's Markdown as messages: what is formatted, what stays as it is, and that it always fits and arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import utf16_length
from telegram.markdown import Rich, pieces


def shown(markdown: str) -> dict[str, list[str]]:
    """Return the formatted words of a short text by the kind of formatting."""
    (piece,) = pieces(markdown)
    units = piece.text.encode("utf-16-le")
    found: dict[str, list[str]] = {}
    for entity in piece.entities:
        start, length = 2 * int(str(entity["offset"])), 2 * int(str(entity["length"]))
        found.setdefault(str(entity["type"]), []).append(units[start : start + length].decode("utf-16-le"))
    return found


def test_bold_italic_code_and_links_become_formatting() -> None:
    found = shown("😀 **Жирно**, *косо*, `x = 1`, ~~нет~~, [сайт](https://ya.ru/a_b)")
    assert found == {
        "bold": ["Жирно"],
        "italic": ["косо"],
        "code": ["x = 1"],
        "strikethrough": ["нет"],
        "text_link": ["сайт"],
    }


def test_lists_keep_their_marks_and_headings_lose_theirs() -> None:
    (piece,) = pieces("## План\n\n- один\n  - внутри\n- два\n\n1. раз\n2. два")
    assert piece.text == "План\n\n• один\n  • внутри\n• два\n\n1. раз\n2. два"


def test_a_block_of_code_keeps_its_language_and_every_letter() -> None:
    (piece,) = pieces("Вот:\n\n```python\nif a < b and c > d:\n    print('**')\n```")
    assert "if a < b and c > d:\n    print('**')" in piece.text
    assert [(entity["type"], entity.get("language")) for entity in piece.entities] == [("pre", "python")]


@pytest.mark.parametrize("text", ["List<int> и Map<K, V>", "<b>не разметка</b>", "<script>alert(1)</script>", "a < b"])
def test_what_looks_like_a_tag_is_text(text: str) -> None:
    assert pieces(text) == [Rich(text, ())]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "tg://user?id=1", "file:///etc/passwd", "data:text/html,x"])
def test_links_lead_to_the_web_only(link: str) -> None:
    (piece,) = pieces(f"[сюда]({link})")
    assert piece == Rich("сюда", ())


def test_a_long_text_comes_whole_with_formatting_on_both_sides_of_a_cut() -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(600))
    found = pieces(f"Начало.\n\n```python\n{code}\n```\n\n**Конец.**")
    assert len(found) > 1 and all(utf16_length(piece.text) <= 4096 for piece in found)
    assert [piece.entities[0]["type"] for piece in found] == ["pre"] * len(found)
    assert "\n".join(piece.text for piece in found).count("line_") == 600
    assert found[-1].entities[-1]["type"] == "bold"


def test_a_message_has_entities_in_its_parameters_if_it_has_any() -> None:
    plain, bold = pieces("раз")[0], pieces("**раз**")[0]
    assert plain.params == {"text": "раз"}
    assert bold.params == {"text": "раз", "entities": [{"type": "bold", "offset": 0, "length": 3}]}


@pytest.mark.parametrize(
    ("markdown", "limit", "entities"),
    [
        ("раз два **три**", 8, [[], [(0, 3)]]),
        ("**абв**где", 3, [[(0, 3)], []]),
        ("а **б**", 40, [[(2, 1)]]),
        ("**раз два** три", 8, [[(0, 7)], []]),
        ("😀 **раз два**", 7, [[(3, 3)], [(0, 3)]]),
    ],
)
def test_entities_are_counted_from_the_start_of_their_piece(
    markdown: str, limit: int, entities: list[list[tuple[int, int]]]
) -> None:
    found = [[(entity["offset"], entity["length"]) for entity in piece.entities] for piece in pieces(markdown, limit)]
    assert found == entities


def test_a_message_has_at_most_a_hundred_entities() -> None:
    (piece,) = pieces("**а** б " * 120)
    assert len(piece.entities) == 100


def test_addresses_have_a_length_that_telegram_takes() -> None:
    address = "https://ya.ru/".ljust(2048, "а")
    assert shown(f"[сюда]({address})") == {"text_link": ["сюда"]}
    assert shown(f"[сюда]({address}а)") == {}


def test_what_takes_long_to_parse_comes_as_it_is() -> None:
    assert pieces("**а** ".ljust(30_000, "б"))[0].text == "а"
    assert pieces("**а** ".ljust(30_001, "б"))[0].text == "**а**"
    assert pieces("> " * 9 + "а") == [Rich("> " * 9 + "а", ())]
    assert pieces("> " * 8 + "а")[0].text.strip() == "а"


def test_tasks_and_rules_are_signs_and_a_private_character_is_dropped() -> None:
    assert pieces("- [x] да\n- [ ] нет\n\n---\n\nвсё")[0].text == "☑ да\n☐ нет\n\n———\n\nвсё"
    assert pieces("а\ue0ffб") == [Rich("аб", ())]


def test_white_space_alone_is_no_message() -> None:
    assert pieces(" \n\n ") == []


MARKS = st.text(st.sampled_from("*_`~[]()<>#-|$\\!&\n 1.:абв😀x\ue0ff\u2028"), max_size=200)


@given(MARKS, st.integers(8, 60))
def test_any_marks_give_messages_that_telegram_takes(markdown: str, limit: int) -> None:
    for piece in pieces(markdown, limit):
        length = utf16_length(piece.text)
        assert piece.text.strip() and length <= limit and "\ue0ff" not in piece.text
        for entity in piece.entities:
            offset, size = int(str(entity["offset"])), int(str(entity["length"]))
            assert offset >= 0 and size > 0 and offset + size <= length
