"""Rewriting a story's last turn: other variants, undo and redo, corrections, suggestions.

Each is a move through the story's tree, in which every text stays.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import Step
from database import BROUGHT, Prompt, Story, Suggestions
from handlers import older_parts, questions
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit, over_prompt, over_step
from handlers.step_prompts import announce
from telegram.update_result import NOTHING, UpdateResult
from turns import message_view


@story_screen.of_open_story
def another_variant(context: UpdateContext, story: Story) -> UpdateResult:
    """Have the last part, or the ending, written again and differently."""
    head = _head(context, story)
    if head is None or head.role != "assistant":
        return context.say_here("variant.nothing" if head is None else "variant.own_words")
    refusal = over_limit(context, head.kind, story.session_id)
    hint = _hint(context, head)
    return refusal or context.start_turn(head.kind, story.session_id, head.parent_id, hint=hint, variant=True)


def _hint(context: UpdateContext, head: Prompt) -> str:
    """Return the kind of ending that a variant is to have again."""
    turn = context.db.turns.get(head.turn_id)
    return turn.hint if turn is not None and turn.hint else context.kinds[head.kind].default_hint


def show_variant(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """◀ ▶ under a part: show another variant of it; the story goes on from there."""
    story, db = context.story, context.db
    head = _head(context, story)
    if story is None or head is None:
        return context.toast("toast.past")
    if prompt_id not in db.tree.variants(head, story.session_id):
        return older_parts.show_variant(context, prompt_id)
    if context.writing:
        return context.toast("toast.writing")
    wanted = db.tree.get(prompt_id)
    if wanted is None or (prompt_id == head.id == db.outbox.shown(context.chat_id, context.message_id)):
        return NOTHING
    db.tree.set_head(story.session_id, prompt_id, now())
    ends = message_view.end_rows(context.texts, story.session_id) if story.finished else []
    keyboard = inline(message_view.variant_row(db, story.session_id, wanted), *ends)
    return context.deliver(*message_view.replaced(db, context.chat_id, context.message_id, wanted, keyboard))


@story_screen.of_open_story
def undo(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the last turn back: the part shrinks to a line, and can be brought back."""
    db, head = context.db, _head(context, story)
    before = db.tree.before(head) if head is not None else None
    if head is not None and head.kind == BROUGHT:
        return context.say_here("undo.brought")
    if head is None or before is None or before.id == story.starts_after:
        return context.say_here("undo.first_part")
    db.tree.set_head(story.session_id, before.id, now())
    shrunk = message_view.shrunk(db, context.chat_id, head, context.texts.say("undo.line"))
    redo = context.inline(context.button("redo", f"redo:{before.id}"))
    last = message_view.recalled(before)
    return context.deliver(*shrunk) + context.say("undo.now_last", recall=last, keyboard=redo)


def redo(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«↪️ Вернуть»: bring the turn back that was taken from `prompt_id`, if the story still stands there."""
    story, db = context.story, context.db
    head = _head(context, story)
    if story is None or head is None or head.id != prompt_id:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    after = db.tree.after(head)
    if after is None:
        return context.toast("toast.past")
    # Only the pointers above `after` are set: where the story went after it stays known, for more redos.
    db.tree.set_head(story.session_id, after.id, now())
    restored = message_view.restored(db, context.chat_id, story.session_id, after)
    further = db.tree.after(after)
    more = context.inline(context.button("redo", f"redo:{after.id}")) if further is not None else None
    said = context.edit("undo.brought_back", keyboard=more, recall=message_view.recalled(after))
    return context.deliver(*restored) + said


# ---------------------------------------------------------------------- corrections


def ask_correction(context: UpdateContext, story: Story) -> UpdateResult:
    """«✏️ Исправить»: ask for the last part in the user's own wording."""
    head = _head(context, story)
    if head is None or head.role != "assistant":
        return context.toast("toast.nothing_yet" if head is None else "toast.own_words")
    return questions.ask(context, Step.CORRECT, story.session_id, "correct.ask", text=head.text)


@questions.about_story
def correct(context: UpdateContext, story: Story) -> UpdateResult:
    """Put the user's wording in the last part's place, as one more variant of it."""
    if refusal := over_step(context):
        return refusal
    db, head = context.db, _head(context, story)
    if head is None or head.role != "assistant":
        return questions.leave(context)
    older = older_parts.replied_to(context, story)
    if older is not None and older.id != head.id:
        questions.go_back(context)
        return older_parts.ask(context, story, older, "older.ask_corrected")
    prompt_id = db.tree.add(
        story.session_id, head.parent_id, context.user.id, "assistant", context.words, now=now(), kind=head.kind
    )
    db.illustrations.copy({head.id: prompt_id})
    db.tree.set_head(story.session_id, prompt_id, now())
    removed = message_view.taken_away(db, context.chat_id, head, context.texts.say("variant.below"))
    corrected = db.tree.get(prompt_id)
    assert corrected is not None
    row = inline(message_view.variant_row(db, story.session_id, corrected))
    questions.go_back(context)
    shown = message_view.part(context.chat_id, prompt_id, context.words, row)
    return context.deliver(*removed) + context.say_here("correct.done") + context.deliver(*shown)


def rewrite_words(context: UpdateContext, prompt_id: int) -> UpdateResult | None:
    """Have the answer to edited words written again, or ask about older ones; None if they are not of the story.

    A change of punctuation changes the last words and keeps their answer.
    """
    story, db = context.story, context.db
    old, head = db.tree.get(prompt_id), _head(context, story)
    if story is None or old is None or head is None:
        return None
    if prompt_id not in (head.id, head.parent_id) or (prompt_id != head.id and head.role == "user"):
        return older_parts.ask_about_edit(context, prompt_id)  # more was said after these
    if old.text == context.words:
        return NOTHING
    if _letters(old.text) == _letters(context.words):
        _reword(context, story, old, head)
        return NOTHING
    if refusal := over_prompt(context) or over_limit(context, "part", story.session_id):
        return refusal
    removed = NOTHING
    if head.id != prompt_id:
        below = context.texts.say("variant.below")
        removed = context.deliver(*message_view.taken_away(db, context.chat_id, head, below))
    db.tree.set_head(story.session_id, old.parent_id, now())
    return removed + story_screen.write_words(context, story, old.parent_id, context.words)


def _reword(context: UpdateContext, story: Story, old: Prompt, head: Prompt) -> None:
    """Store new words under the old parent, with a copy of the old answer under them; nothing is spent."""
    db = context.db
    words_id = db.tree.add(story.session_id, old.parent_id, context.user.id, "user", context.words, now=now())
    context.show(words_id)
    new_head = words_id
    if head.id != old.id:
        new_head = db.tree.add(
            story.session_id, words_id, context.user.id, "assistant", head.text, now=now(), kind=head.kind
        )
        db.illustrations.copy({head.id: new_head})
        for message_id in db.outbox.messages_of(context.chat_id, head.id):
            db.outbox.show(context.chat_id, message_id, new_head)
    db.tree.set_head(story.session_id, new_head, now())


# ---------------------------------------------------------------------- suggestions


@story_screen.of_open_story
def suggest(context: UpdateContext, story: Story) -> UpdateResult:
    """«💡 Подскажи»: ask the model for three things that the hero may do next."""
    if story.head_id is None:
        return context.say_here("suggest.nothing_yet")
    refusal = over_limit(context, "suggest", story.session_id)
    return refusal or context.start_turn("suggest", story.session_id, story.head_id)


def suggest_again(context: UpdateContext, suggestion_id: int) -> UpdateResult:
    """Drop the message's buttons and ask for other suggestions."""
    found = context.db.tree.suggested(suggestion_id)
    if not _still_there(context, found):
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    return context.drop_buttons() + suggest(context)


def play(context: UpdateContext, suggestion_id: int, place: int) -> UpdateResult:
    """«1» «2» «3»: take the chosen sentence as the user's words."""
    db, story = context.db, context.story
    found = db.tree.suggested(suggestion_id)
    if found is None or story is None or not _still_there(context, found):
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    options = found.options
    if not 0 <= place < len(options):
        return NOTHING
    if refusal := over_limit(context, "part", story.session_id):
        return refusal
    result = context.drop_buttons()
    if context.step is not Step.STORY:
        context.go(Step.STORY)
        result += announce(context)
    prompt_id = db.tree.add(story.session_id, story.head_id, context.user.id, "user", options[place], now=now())
    return result + context.send_plain(f"▸ {options[place]}") + context.start_turn("part", story.session_id, prompt_id)


def _still_there(context: UpdateContext, found: Suggestions | None) -> bool:
    """Whether suggestions are for where the open story stands now."""
    story = context.story
    return (
        found is not None
        and story is not None
        and (story.session_id, story.head_id) == (found.session_id, found.head_id)
    )


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _head(context: UpdateContext, story: Story | None) -> Prompt | None:
    """Return the last text of a story's shown path; None where a second volume has no text of its own yet."""
    if story is None or story.head_id == story.starts_after:
        return None
    return context.db.tree.get(story.head_id)
