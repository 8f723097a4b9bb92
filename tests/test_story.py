"""The table of steps, cell by cell: what is accepted where, what comes next, and that nothing is a dead end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.states import TABLE, accepted, decide
from conversation.steps import (
    ADMIN_COMMANDS,
    ANSWERS,
    COMMANDS,
    EDITS,
    ENDINGS,
    FILE,
    IN_WIZARD,
    LENGTHS,
    ONLY_THERE,
    OTHER_CONTENT,
    SHELF_COMMANDS,
    SHOP_COMMANDS,
    TALKING,
    TONES,
    UNKNOWN_COMMAND,
    WIZARD,
    WORD_LIMITS,
    WORDS,
    Step,
)
from conversation.story_draft import Draft, page_of, unfinished_step
from handlers.actions import ACTIONS

# What each step accepts beside what works everywhere: key → (action, next step).
Row = dict[str, tuple[str, Step | None]]
EXPECTED: dict[Step, Row] = {
    Step.MENU: {
        "new_story": ("new_story", None),
        "to_story": ("open_story", None),
        "story_continue": ("continue_story", None),
        "stories": ("shelf", None),
        "lucky": ("lucky", Step.SUMMARY),
        "bring": ("bring", None),
        "profile": ("profile", None),
        "/end_story": ("ask_ending", None),
        "chat": ("open_chat", Step.CHAT),
        "characters": ("characters", None),
        WORDS: ("keep_words", None),
        FILE: ("keep_file", None),
    },
    Step.RESUME: {
        "draft_continue": ("resume_draft", None),
        "draft_restart": ("start_wizard", Step.GENRE),
        "bring": ("bring", None),
        "/new_story": ("ask_again", None),
        "/story": ("ask_again", None),
    },
    Step.GENRE: {
        WORDS: ("take_genre", Step.HERO),
        "lucky": ("lucky", Step.SUMMARY),
        "bring": ("bring", None),
    },
    Step.HERO: {
        WORDS: ("take_hero", Step.SETTING),
        "others": ("other_presets", None),
        "back": ("ask_again", Step.GENRE),
    },
    Step.SETTING: {
        WORDS: ("take_setting", Step.EXTRA),
        "others": ("other_presets", None),
        "back": ("ask_again", Step.HERO),
    },
    Step.EXTRA: {
        WORDS: ("add_extra", None),
        "skip": ("ask_again", Step.SUMMARY),
        "done": ("ask_again", Step.SUMMARY),
        "back": ("ask_again", Step.SETTING),
    },
    Step.SUMMARY: {
        "begin": ("begin", Step.STORY),
        "change": ("ask_again", Step.CHANGE),
        "lucky_again": ("lucky", Step.SUMMARY),
        "back": ("ask_again", Step.EXTRA),
    },
    Step.CHANGE: {
        "field_genre": ("ask_again", Step.EDIT_GENRE),
        "field_hero": ("ask_again", Step.EDIT_HERO),
        "field_setting": ("ask_again", Step.EDIT_SETTING),
        "field_extra": ("ask_again", Step.EDIT_EXTRA),
        "back": ("ask_again", Step.SUMMARY),
    },
    Step.EDIT_GENRE: {WORDS: ("take_genre", Step.SUMMARY), "back": ("ask_again", Step.CHANGE)},
    Step.EDIT_HERO: {
        WORDS: ("take_hero", Step.SUMMARY),
        "others": ("other_presets", None),
        "back": ("ask_again", Step.CHANGE),
    },
    Step.EDIT_SETTING: {
        WORDS: ("take_setting", Step.SUMMARY),
        "others": ("other_presets", None),
        "back": ("ask_again", Step.CHANGE),
    },
    Step.EDIT_EXTRA: {
        WORDS: ("replace_extra", Step.SUMMARY),
        "skip": ("clear_extra", Step.SUMMARY),
        "back": ("ask_again", Step.CHANGE),
    },
    Step.STORY: {
        WORDS: ("write_from_words", None),
        FILE: ("keep_file", None),
        "next": ("write_on", None),
        "story_continue": ("write_on", None),
        "share": ("share", None),
        "suggest": ("suggest", None),
        "variant": ("another_variant", None),
        "undo": ("undo", None),
        "more": ("more", None),
        "finale": ("ask_ending", Step.FINALE),
        "/end_story": ("ask_ending", Step.FINALE),
    },
    Step.FINALE: {
        "ending_happy": ("write_ending", Step.STORY),
        "ending_tragic": ("write_ending", Step.STORY),
        "ending_unexpected": ("write_ending", Step.STORY),
        "ending_any": ("write_ending", Step.STORY),
        WORDS: ("write_own_ending", Step.STORY),
        "finale": ("ask_again", None),
        "keep_writing": ("open_story", Step.STORY),
        "story_continue": ("open_story", Step.STORY),
        "/continue": ("open_story", Step.STORY),
        "/cancel": ("open_story", Step.STORY),
        "/end_story": ("ask_again", None),
    },
    Step.FINISHED: {
        WORDS: ("keep_words", None),
        FILE: ("keep_file", None),
        "new_story": ("new_story", None),
        "next": ("ways_on", None),
        "story_continue": ("ways_on", None),
        "to_story": ("ways_on", None),
        "/continue": ("ways_on", None),
        "finale": ("ways_on", None),
        "/end_story": ("ways_on", None),
        "epilogue": ("write_epilogue", None),
        "second_volume": ("second_volume", None),
        "read": ("whole_story", None),
        "share": ("share", None),
        "another_finale": ("another_variant", None),
        "download": ("download", None),
        "same_settings": ("same_settings", Step.SUMMARY),
        "chat": ("open_chat", Step.CHAT),
        "characters": ("characters", None),
    },
    Step.CORRECT: {WORDS: ("correct", None)},
    Step.MEMORY: {WORDS: ("rewrite_memory", None), "rebuild": ("rebuild_memory", None)},
    Step.TONE: {
        WORDS: ("set_tone", None),
        **{f"tone_{name}": ("set_tone", None) for name in TONES},
        **{f"length_{name}": ("set_length", None) for name in LENGTHS},
    },
    Step.NOTE: {WORDS: ("set_note", None), "drop_note": ("drop_note", None)},
    Step.CARD: {WORDS: ("add_card", None)},
    Step.EDIT_CARD: {WORDS: ("change_card", None)},
    Step.RENAME: {WORDS: ("rename", None)},
    Step.FIND: {WORDS: ("find", None)},
    Step.CHAT: {
        WORDS: ("talk", None),
        FILE: ("talk", None),
        "forget_chat": ("forget_chat", None),
        "role": ("modes", None),
        "chat": ("open_chat", Step.CHAT),
    },
    Step.ROLE: {WORDS: ("set_role", None), "role_reset": ("reset_role", None)},
    Step.CHARACTER: {
        WORDS: ("talk_to_character", None),
        FILE: ("talk_to_character", None),
        "characters": ("characters", None),
        "to_story": ("back_to_story", None),
        "write_first": ("write_first", None),
        "not_first": ("not_first", None),
        "/clear": ("forget_character", None),
    },
    Step.IMAGE: {WORDS: ("take_image", None)},
    Step.BRING: {WORDS: ("take_brought", None), FILE: ("take_brought", None)},
}
EVERYWHERE: Row = {
    "/start": ("welcome", None),
    "/help": ("help", None),
    "help": ("help", None),
    "/new_story": ("new_story", None),
    "/story": ("new_story", None),
    "/stories": ("shelf", None),
    "/language": ("language", None),
    "/model": ("model", None),
    "/cancel": ("nothing_to_cancel", None),
    "stop": ("nothing_to_stop", None),
    "/whole_story": ("whole_story", None),
    "/continue": ("continue_story", None),
    "menu": ("open_menu", Step.MENU),
    "/balance": ("balance", None),
    "/stats": ("stats", None),
    "/terms": ("terms", None),
    "/paysupport": ("paysupport", None),
    "/refund": ("refund", None),
    "/payments": ("list_payments", None),
    "/info": ("info", None),
    "/shelf": ("public_shelf", None),
    "/my_data": ("my_data", None),
    "/forget_me": ("forget_me", None),
    # the chat
    "/chat": ("open_chat", Step.CHAT),
    "/prompt": ("prompt", None),
    "/system": ("prompt", None),
    "/modes": ("modes", None),
    "/clear": ("forget_chat", None),
    "/t": ("tokens", None),
    "/sessions": ("sessions", None),
    # characters
    "/characters": ("characters", None),
    "/menu": ("characters", None),
    "/image": ("image", None),
    "/debug": ("debug", None),
    "/logs": ("logs", None),
    "/users": ("users", None),
    "/grant": ("grant", None),
    "/ban": ("ban", None),
    "/unban": ("unban", None),
    "/stop": ("stop_bot", None),
    UNKNOWN_COMMAND: ("unknown_command", None),
    OTHER_CONTENT: ("other_content", None),
    FILE: ("other_content", None),
}
LEAVE: Row = {"cancel": ("leave_wizard", Step.MENU), "/cancel": ("leave_wizard", Step.MENU)}
BACK_OUT: Row = {"cancel": ("leave_question", None), "/cancel": ("leave_question", None)}
KEYS = sorted({key for row in (EVERYWHERE, LEAVE, *EXPECTED.values(), *TABLE.values()) for key in row})
# Actions that ask the model, and those that change the text that the story or the talk continues from.
ASK_THE_MODEL = {"begin", "write_from_words", "write_on", "another_variant", "suggest", "rebuild_memory"} | {
    *("write_ending", "write_own_ending", "write_epilogue", "second_volume", "talk", "talk_to_character")
}
CHANGE_THE_TEXT = {"undo", "correct", "take_brought", "forget_chat", "forget_character"}


@pytest.mark.parametrize("step", list(Step))
def test_every_cell_answers_as_the_screens_say(step: Step) -> None:
    leave = LEAVE if step in IN_WIZARD else BACK_OUT if step in ANSWERS else {}
    row = EVERYWHERE | leave | EXPECTED[step]
    cells = {key: decide(step, key) for key in KEYS}
    assert {key: (cell.action, cell.to) for key, cell in cells.items()} == {
        key: row.get(key, ("wrong_state", None)) for key in KEYS
    }
    assert accepted(step) == {key for key, (action, _) in row.items() if action != "wrong_state"}


@pytest.mark.parametrize("step", list(Step))
def test_a_cell_says_whether_it_asks_the_model_or_changes_the_text(step: Step) -> None:
    cells = {key: decide(step, key) for key in KEYS}
    assert {key for key, cell in cells.items() if cell.writes} == {
        key for key, cell in cells.items() if cell.action in ASK_THE_MODEL
    }
    ends_story = {"finale", "/end_story"} if step is Step.STORY else set()
    assert {key for key, cell in cells.items() if cell.moves} == ends_story | {
        key for key, cell in cells.items() if cell.action in CHANGE_THE_TEXT
    }


@pytest.mark.parametrize("step", list(Step))
def test_while_the_model_writes_nothing_asks_it_again(step: Step) -> None:
    for key in KEYS:
        cell = decide(step, key, writing=True)
        assert not cell.writes and not cell.moves
        usual = decide(step, key)
        if key == "stop" or (step is Step.BRING and key in ("cancel", "/cancel")):
            assert cell.action == "stop_writing"
        elif usual.writes and key in (WORDS, FILE):
            assert cell.action == "queue_words"
        elif usual.writes and key == "next":
            assert cell.action == "already_writing"
        elif usual.writes or usual.moves:
            assert cell.action == "busy_writing"
        elif key == "/cancel" and step not in IN_WIZARD and step not in ANSWERS:
            assert cell.action == "stop_writing"
        else:
            assert cell == usual


def test_every_action_of_the_table_is_answered_by_somebody() -> None:
    named = {decide(step, key, writing=writing).action for step in Step for key in KEYS for writing in (False, True)}
    assert named == set(ACTIONS)


def test_every_step_can_be_reached_and_left() -> None:
    # Where actions themselves decide: the wizard's resumption, the choice of an ending, a story's end.
    decided_by_actions = {
        Step.MENU: {Step.GENRE, Step.RESUME, Step.RENAME, Step.FIND, Step.CHARACTER, Step.IMAGE, Step.BRING},
        Step.RESUME: {Step.GENRE},
        Step.STORY: {Step.FINISHED, Step.CORRECT, Step.MEMORY, Step.TONE, Step.NOTE, Step.CARD, Step.EDIT_CARD},
        Step.CHAT: {Step.ROLE},
    }
    reached, edge = {Step.MENU}, [Step.MENU]
    while edge:
        step = edge.pop()
        nexts = {cell.to for cell in TABLE[step].values() if cell.to} | decided_by_actions.get(step, set())
        edge += nexts - reached
        reached |= nexts
    assert reached == set(Step)
    for step in Step:
        assert TABLE[step]["menu"].to is Step.MENU


def test_cancel_works_at_every_step_and_leaves_the_wizard() -> None:
    for step in Step:
        action = decide(step, "/cancel").action
        assert action != "wrong_state"
        if step in IN_WIZARD:
            assert decide(step, "/cancel").to is Step.MENU


def test_every_command_works_or_says_what_works_at_every_step() -> None:
    for step in Step:
        for command in COMMANDS:
            assert command in TABLE[step]
    assert {key for key in TABLE[Step.MENU] if key.startswith("/")} == COMMANDS
    assert "/help" in accepted(Step.MENU) and "back" not in accepted(Step.MENU)


def test_commands_of_admins_the_shop_and_the_shelf_are_commands() -> None:
    assert {"/debug", "/logs", "/users", "/grant", "/ban", "/unban", "/refund", "/payments", "/stop"} == ADMIN_COMMANDS
    assert {"/terms", "/paysupport"} == SHOP_COMMANDS and {"/shelf"} == SHELF_COMMANDS
    assert ADMIN_COMMANDS | SHOP_COMMANDS | SHELF_COMMANDS < COMMANDS


def test_a_stored_step_is_read_by_every_later_version() -> None:
    assert " ".join(Step) == (
        "menu resume genre hero setting extra summary change edit_genre edit_hero edit_setting edit_extra story finale"
        " finished correct memory note card edit_card tone rename find chat role character image bring"
    )


def test_a_changed_field_is_asked_for_in_the_words_of_its_question() -> None:
    assert [step.text_name for step in EDITS] == ["genre", "hero", "setting", "extra"]
    assert Step.RESUME.text_name == "draft" and Step.MENU.text_name == "menu"


def test_steps_are_sorted_by_what_they_take() -> None:
    assert WIZARD == (Step.GENRE, Step.HERO, Step.SETTING, Step.EXTRA, Step.SUMMARY)
    assert {Step.RESUME, *WIZARD, Step.CHANGE, *EDITS} == IN_WIZARD
    assert {step for step in Step if decide(step, "cancel").action == "leave_question"} == set(ANSWERS)
    assert {Step.CHAT, Step.CHARACTER} == TALKING


def test_own_words_have_room_for_what_is_asked() -> None:
    most = dict.fromkeys((Step.GENRE, Step.EDIT_GENRE, Step.RENAME, Step.FIND), 60)
    most |= dict.fromkeys((Step.HERO, Step.EDIT_HERO, Step.SETTING, Step.EDIT_SETTING, Step.TONE), 200)
    most |= {Step.NOTE: 300, Step.IMAGE: 500, Step.EXTRA: 1000, Step.EDIT_EXTRA: 1000}
    assert most | {Step.MEMORY: 2000, Step.ROLE: 2000, Step.CORRECT: 4000} == WORD_LIMITS


def test_buttons_of_tones_lengths_and_endings_have_their_keys() -> None:
    assert (TONES, LENGTHS) == (("light", "dark", "lyrical", "brisk", "child", "any"), ("short", "middle", "long"))
    assert ENDINGS == ("happy", "tragic", "unexpected", "any")
    assert {key for key in TABLE[Step.TONE] if key.startswith(("tone_", "length_"))} == ONLY_THERE


def test_back_from_every_question_leads_to_the_one_before() -> None:
    for before, step in pairwise(WIZARD):
        assert TABLE[step]["back"].to is before
    for step in EDITS:
        assert TABLE[step]["back"].to is Step.CHANGE


def test_a_draft_goes_on_where_it_was_left() -> None:
    assert unfinished_step(Draft()) is Step.GENRE
    assert unfinished_step(Draft(genre="Сказка")) is Step.HERO
    assert unfinished_step(Draft(genre="Сказка", hero="Кот")) is Step.SETTING
    assert unfinished_step(Draft("Сказка", "Кот", "Лес", step=Step.EXTRA)) is Step.EXTRA
    assert unfinished_step(Draft("Сказка", "Кот", "Лес", step=Step.EDIT_HERO)) is Step.SUMMARY


@given(st.lists(st.integers(), unique=True, max_size=12), st.integers(0, 50))
def test_a_page_of_presets_is_full_and_has_nothing_twice(items: list[int], page: int) -> None:
    shown = page_of(tuple(items), page)
    assert len(shown) == min(4, len(items)) == len(set(shown))
