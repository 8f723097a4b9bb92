"""Older texts of a story: look at a part's variants, lead a branch from one, or go back to it.

A choice names a text that may stand in the place of one on the story's path: a variant of a part, a corrected part, or
the user's own words, edited. Such a text hangs beside the path until it is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from conversation.keyboards import inline
from conversation.steps import Step
from core.numbers import is_number
from core.schemas import Json
from database import Prompt, Story
from handlers import branches
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit, over_prompt
from handlers.step_prompts import announce
from telegram.update_result import NOTHING, UpdateResult
from turns import message_view, variant_preview
from turns.message_view import recalled, title_of

_OF_A_FINISHED_STORY = {
    "older.ask_words": "older.ask_words_finished",
    "older.ask_corrected": "older.ask_corrected_finished",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A text, the one on the story's path in whose place it may stand (`part`), and where that is.

    `number` counts the model's texts up to there, `left` those after it.
    """

    story: Story
    prompt: Prompt
    part: Prompt
    number: int
    left: int


def show_variant(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """◀ ▶ under an older part: show its variants in its message, and ask what to do with them.

    The one that stands in the story is shown without a question, unless its own number is pressed.
    """
    place = _place(context, prompt_id)
    if place is None:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    db, chat_id = context.db, context.chat_id
    shown = db.outbox.shown(chat_id, context.message_id)
    if prompt_id == place.part.id != shown:
        return _part_again(context, place)
    variants = db.tree.variants(place.prompt, place.story.session_id)
    question = context.texts.say(
        "older.ask_finished" if place.story.finished else "older.ask",
        part=place.number,
        variant=variants.index(prompt_id) + 1,
        variants=len(variants),
        left=place.left,
    )
    rows = [message_view.row_of(variants, prompt_id), *_choices(context, place)]
    keyboard = inline(*[row for row in rows if row])
    in_place = shown == place.part.id
    previewed = variant_preview.preview(
        db, chat_id, context.message_id, place.prompt, question, keyboard, in_place=in_place
    )
    return context.deliver(*previewed)


def ask_about_edit(context: UpdateContext, prompt_id: int) -> UpdateResult | None:
    """Ask what to do with own words that were edited; None if the open story's path doesn't have them."""
    place = _place(context, prompt_id)
    if place is None or place.prompt.role != "user":
        return None
    if context.words == place.part.text:
        return NOTHING
    return over_prompt(context) or ask(context, place.story, place.part, "older.ask_words")


def replied_to(context: UpdateContext, story: Story) -> Prompt | None:
    """Return the text of the story's path that the user's message replies to, or None."""
    quote = context.message.quote
    shown = context.db.outbox.shown(context.chat_id, quote.message_id) if quote is not None else None
    place = _place(context, shown) if shown is not None else None
    return place.part if place is not None and place.story.session_id == story.session_id else None


def ask(context: UpdateContext, story: Story, part: Prompt, key: str) -> UpdateResult:
    """Put the user's words beside an older text, and ask with the sentence `key` where the story is to go on."""
    tree = context.db.tree
    words_id = tree.add(
        story.session_id, part.parent_id, context.user.id, part.role, context.words, now=now(), kind=part.kind
    )
    if part.role == "user":
        context.show(words_id)
    else:
        context.db.illustrations.copy({part.id: words_id})
    place = _place(context, words_id)
    assert place is not None
    if story.finished:
        key = _OF_A_FINISHED_STORY[key]
    elif not place.left:
        key = "older.ask_words_unanswered"
    back_to_step = NOTHING if part.role == "user" else announce(context)
    keyboard = inline(*_choices(context, place))
    return back_to_step + context.say(key, keyboard=keyboard, part=place.number, left=place.left)


def _choices(context: UpdateContext, place: Place) -> list[list[tuple[str, str]]]:
    number = place.prompt.id
    rows = [[context.button("branch_from", f"branch_from:{number}")]]
    if not place.story.finished:
        rows.append([context.button("back_to", f"back_to:{number}")])
    return [*rows, [context.button("stay", f"stay:{number}")]]


# ---------------------------------------------------------------------- the choices


def stay(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«✖️ Оставить как есть»: the story stays as it is; the message shows its part again."""
    place = _place(context, prompt_id)
    if place is not None and _is_preview(context, place):
        return _part_again(context, place)
    return context.edit("older.stayed")


def branch_from(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«🔀 Ветка отсюда»: copy the story up to this text and go on there; the story itself stays as it is."""
    place = _place(context, prompt_id)
    if place is None:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    if refusal := branches.too_many_copies(context):
        return refusal
    story, db, step = place.story, context.db, context.step
    message = _part_again(context, place) if _is_preview(context, place) else context.drop_buttons()
    title = context.services.locales[story.language].plain("branch.title", title=title_of(story))
    branch_id = branches.copy(context, replace(story, head_id=prompt_id), title)
    undo = context.inline(context.button("as_it_was", f"unbranch:{branch_id}-{story.session_id}"))
    recall = recalled(place.prompt)
    said = NOTHING if step is Step.STORY else announce(context)
    said += context.say("older.branched", keyboard=undo, recall=recall, title=title_of(story))
    if place.prompt.role == "assistant":
        return message + said
    branch = db.stories.get(branch_id)
    assert branch is not None
    return message + said + (over_limit(context, "part", branch_id) or _write(context, branch_id, branch.head_id))


def go_back_to(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«⏪ Вернуться сюда»: go on with the story from this text; what came after it is put off, not deleted."""
    place = _place(context, prompt_id)
    if place is None or place.story.finished:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    story, tree = place.story, context.db.tree
    undo = context.inline(context.button("as_it_was", f"as_it_was:{prompt_id}-{story.head_id}"))
    if place.prompt.role == "user":
        if refusal := over_limit(context, "part", story.session_id):
            return refusal
        tree.set_head(story.session_id, place.prompt.parent_id, now())
        said = context.edit("older.writing_anew", keyboard=undo, left=place.left)
        return _enter(context) + said + _write(context, story.session_id, prompt_id)
    tree.set_head(story.session_id, prompt_id, now())
    keyboard = _row(context, place.prompt, story.session_id)
    if _is_preview(context, place):
        shown = message_view.replaced(context.db, context.chat_id, context.message_id, place.prompt, keyboard)
        message = context.deliver(*shown)
    else:
        part = message_view.part(context.chat_id, prompt_id, place.prompt.text, keyboard)
        message = context.drop_buttons() + context.deliver(*part)
    recall = recalled(place.prompt)
    said = context.say("older.went_back", keyboard=undo, part=place.number, recall=recall, left=place.left)
    return message + _enter(context) + said


def _write(context: UpdateContext, session_id: int, words_id: int | None) -> UpdateResult:
    return context.start_turn("part", session_id, words_id)


def _enter(context: UpdateContext) -> UpdateResult:
    """Move the user to the story, if they are elsewhere, and show its keyboard."""
    if context.step is Step.STORY:
        return NOTHING
    context.go(Step.STORY)
    return announce(context)


# ---------------------------------------------------------------------- undo of a choice


def put_back(context: UpdateContext, argument: str) -> UpdateResult:
    """«↩️ Вернуть как было»: let the story go on from where it stood before the user went back to an older text.

    Nothing may have been written since, but the answer to the words that were edited.
    """
    pair = _pair(argument)
    story, tree = context.story, context.db.tree
    head = tree.get(story.head_id) if story is not None else None
    chosen, old_head = (tree.get(number) for number in pair) if pair else (None, None)
    if story is None or story.finished or head is None or chosen is None or old_head is None:
        return context.toast("toast.past")
    path = tree.whole(old_head.id, story.starts_after)
    part = _standing_beside(path, chosen)
    stands = head.id in (chosen.id, chosen.parent_id if chosen.role == "user" else None)
    answered = chosen.role == "user" and head.parent_id == chosen.id
    if part is None or not (stands or answered) or not tree.is_of(old_head.id, story.session_id):
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    tree.set_head(story.session_id, part.id, now())  # so that a redo finds the way down again
    tree.set_head(story.session_id, old_head.id, now())
    db, chat_id = context.db, context.chat_id
    messages = []
    if answered:
        messages = message_view.shrunk(db, chat_id, head, context.texts.say("undo.line"))
    elif chosen.role == "assistant":
        ids = db.outbox.messages_of(chat_id, chosen.id)
        keyboard = _row(context, part, story.session_id)
        messages = variant_preview.without_question(db, chat_id, ids[0], part, keyboard) if ids else []
    said = context.edit("older.put_back", recall=recalled(old_head))
    return context.deliver(*messages) + _enter(context) + said


def take_branch_back(context: UpdateContext, argument: str) -> UpdateResult:
    """«↩️ Вернуть как было» under a new branch: delete it, if nothing was written there, and open its story again."""
    stories = context.db.stories
    branch, origin = (stories.get(number) for number in _pair(argument) or (0, 0))
    if branch is None or origin is None or branch.deleted or origin.deleted or branch.title == origin.title:
        return context.toast("toast.past")
    if {branch.user_id, origin.user_id} != {context.user.id}:
        return context.toast("toast.foreign")
    if context.writing:
        return context.toast("toast.writing")
    if branch.spent or context.user.session_id != branch.session_id:
        return context.toast("toast.past")
    stories.delete(branch.session_id, now())
    context.open(origin.session_id)
    step = Step.FINISHED if origin.finished else Step.STORY
    moved = NOTHING
    if context.step is not step:
        context.go(step)
        moved = announce(context)
    head = context.db.tree.get(origin.head_id)
    return moved + context.edit("older.unbranched", title=title_of(origin), recall=recalled(head))


def _pair(argument: str) -> tuple[int, int] | None:
    """Return the two numbers of a button's data, such as `12-34`."""
    first, _, second = argument.partition("-")
    return (int(first), int(second)) if is_number(first) and is_number(second) else None


# ---------------------------------------------------------------------- where a text stands


def _place(context: UpdateContext, prompt_id: int) -> Place | None:
    """Return where a text may stand on the open story's path; None if it has no place there."""
    story, tree = context.story, context.db.tree
    prompt = tree.get(prompt_id)
    if story is None or story.deleted or prompt is None or not tree.is_of(prompt_id, story.session_id):
        return None
    path = tree.whole(story.head_id, story.starts_after)
    part = _standing_beside(path, prompt)
    if part is None:
        return None
    at = path.index(part)
    number = _parts(path[: at + 1])
    return Place(story, prompt, part, number, _parts(path) - number)


def _standing_beside(path: tuple[Prompt, ...], prompt: Prompt) -> Prompt | None:
    """Return the text of a path in whose place `prompt` may stand: itself, or another one below the same text."""
    wanted = (prompt.parent_id, prompt.role, prompt.kind)
    return next((one for one in path if (one.parent_id, one.role, one.kind) == wanted), None)


def _parts(path: tuple[Prompt, ...]) -> int:
    return sum(prompt.role == "assistant" for prompt in path)


def _is_preview(context: UpdateContext, place: Place) -> bool:
    """Whether the pressed message shows the text itself, with the question below it."""
    return context.db.outbox.shown(context.chat_id, context.message_id) == place.prompt.id


def _part_again(context: UpdateContext, place: Place) -> UpdateResult:
    keyboard = _row(context, place.part, place.story.session_id)
    return context.deliver(
        *variant_preview.without_question(context.db, context.chat_id, context.message_id, place.part, keyboard)
    )


def _row(context: UpdateContext, prompt: Prompt, session_id: int) -> Json:
    row = message_view.variant_row(context.db, session_id, prompt)
    return inline(row) if row else None
