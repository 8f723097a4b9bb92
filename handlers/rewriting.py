"""Rewriting a story: other variants, undo and redo, corrections, branches, suggestions.

Nothing is ever lost by it: each is a move through the story's tree, and every text stays in it.
"""

from __future__ import annotations

import json

from conversation.keyboards import inline
from conversation.states import Step
from database import Prompt, Story
from handlers import questions
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.step_prompts import announce
from turns import message_view
from turns.story_outcomes import title_of

Toast = str | None  # the key of a pop-up answer, if there is one

MOST_UNBEGUN = 30  # copies of stories, of a user, that nothing was written in


def another_variant(visit: UpdateContext) -> None:
    """The last part, or the ending, again and differently."""
    story = visit.story
    head = _head(visit, story)
    if story is None:
        story_screen.lost(visit)
    elif head is None or head.role != "assistant":
        visit.say_here("variant.nothing")
    elif story_screen.affordable(visit, story, head.kind):
        hint = _hint(visit, head)
        visit.ask(head.kind, story.session_id, head.parent_id, hint=hint, variant=True)


def _hint(visit: UpdateContext, head: Prompt) -> str:
    """The kind of ending that a variant is to have again."""
    turn = visit.desk.db.turns.get(head.turn_id) if head.turn_id is not None else None
    return turn.hint if turn is not None and turn.hint else "any" if head.kind == "ending" else ""


def show_variant(visit: UpdateContext, prompt_id: int) -> Toast:
    """◀ ▶ under a part: shows another variant of it, from which the story goes on then."""
    story, tree = visit.story, visit.desk.db.tree
    head = _head(visit, story)
    if story is None or head is None or prompt_id not in tree.variants(head, story.session_id):
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    wanted = tree.get(prompt_id)
    if wanted is None or prompt_id == head.id:
        return None
    tree.set_head(story.session_id, prompt_id, now())
    keyboard = inline(message_view.variant_row(visit.desk.db, story.session_id, wanted))
    for message in message_view.replaced(visit.desk.db, visit.chat_id, visit.message_id, wanted, keyboard):
        visit.envelope.send(message)
    return None


def undo(visit: UpdateContext) -> None:
    """Takes the last turn back: the part shrinks to a line, and can be brought back."""
    story, tree = visit.story, visit.desk.db.tree
    head = _head(visit, story)
    if story is None:
        story_screen.lost(visit)
        return
    before = tree.before(head) if head is not None else None
    if head is None or before is None or before.id == story.starts_after:
        visit.say_here("undo.first_part")
        return
    tree.set_head(story.session_id, before.id, now())
    for message in message_view.shrunk(visit.desk.db, visit.chat_id, head, visit.texts.say("undo.line")):
        visit.envelope.send(message)
    redo = visit.inline(visit.button("redo", f"redo:{before.id}"))
    visit.say("undo.now_last", recall=message_view.recalled(before), keyboard=redo)


def redo(visit: UpdateContext, prompt_id: int) -> Toast:
    """«↪️ Вернуть»: brings the turn back that was taken from `prompt_id`, if the story still stands there."""
    story, tree = visit.story, visit.desk.db.tree
    head = _head(visit, story)
    if story is None or head is None or head.id != prompt_id:
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    after = tree.after(head)
    if after is None:
        return "toast.past"
    # Only the pointers above `after` are set: where the story went after it stays known, for more redos.
    tree.set_head(story.session_id, after.id, now())
    for message in message_view.restored(visit.desk.db, visit.chat_id, story.session_id, after):
        visit.envelope.send(message)
    further = tree.after(after)
    more = visit.inline(visit.button("redo", f"redo:{after.id}")) if further is not None else None
    visit.edit("undo.brought_back", keyboard=more, recall=message_view.recalled(after))
    return None


# ---------------------------------------------------------------------- corrections


def ask_correction(visit: UpdateContext, story: Story) -> Toast:
    """«✏️ Исправить»: the last part in the user's own wording."""
    head = _head(visit, story)
    if head is None or head.role != "assistant":
        return "toast.nothing_yet"
    questions.ask(visit, Step.CORRECT, story.session_id, "correct.ask", text=head.text)
    return None


def correct(visit: UpdateContext) -> None:
    """The user's wording takes the last part's place, as one more variant of it."""
    story = questions.asked_about(visit)
    if story is None or not questions.fits(visit):
        return
    db, head = visit.desk.db, _head(visit, story)
    if head is None or head.role != "assistant":
        questions.leave(visit)
        return
    prompt_id = db.tree.add(
        story.session_id, head.parent_id, visit.user.id, "assistant", visit.words, now=now(), kind=head.kind
    )
    db.tree.set_head(story.session_id, prompt_id, now())
    for message in message_view.taken_away(db, visit.chat_id, head, visit.texts.say("variant.below")):
        visit.envelope.send(message)
    corrected = db.tree.get(prompt_id)
    assert corrected is not None
    row = inline(message_view.variant_row(db, story.session_id, corrected))
    questions.go_back(visit)
    visit.say_here("correct.done")
    for message in message_view.part(visit.chat_id, prompt_id, visit.words, row):
        visit.envelope.send(message)


def rewrite_words(visit: UpdateContext, prompt_id: int) -> bool:
    """The user edited their own words: if they are the story's last ones, the answer to them is written anew.

    False where those words are not the last ones. Punctuation alone changes the words and keeps the answer.
    """
    story, tree = visit.story, visit.desk.db.tree
    old, head = tree.get(prompt_id), _head(visit, story)
    if story is None or old is None or head is None or prompt_id not in (head.id, head.parent_id):
        return False
    if prompt_id != head.id and head.role == "user":
        return False  # more words were said after these
    if old.text == visit.words:
        return True
    if _letters(old.text) == _letters(visit.words):
        _reword(visit, story, old, head)
        return True
    if not (story_screen.short_enough(visit) and story_screen.affordable(visit, story, "part")):
        return True
    if head.id != prompt_id:
        for message in message_view.taken_away(visit.desk.db, visit.chat_id, head, visit.texts.say("variant.below")):
            visit.envelope.send(message)
    tree.set_head(story.session_id, old.parent_id, now())
    story_screen.write_words(visit, story, old.parent_id, visit.words)
    return True


def _reword(visit: UpdateContext, story: Story, old: Prompt, head: Prompt) -> None:
    """New words under the old parent, with the same answer under them: nothing is asked and nothing is spent."""
    db = visit.desk.db
    words_id = db.tree.add(story.session_id, old.parent_id, visit.user.id, "user", visit.words, now=now())
    db.outbox.show(visit.chat_id, visit.message_id, words_id)
    new_head = words_id
    if head.id != old.id:
        new_head = db.tree.add(
            story.session_id, words_id, visit.user.id, "assistant", head.text, now=now(), kind=head.kind
        )
        for message_id in db.outbox.messages_of(visit.chat_id, head.id):
            db.outbox.show(visit.chat_id, message_id, new_head)
    db.tree.set_head(story.session_id, new_head, now())


# ---------------------------------------------------------------------- branches and suggestions


def branch(visit: UpdateContext, story: Story) -> Toast:
    """«🔀 Ветка»: a copy of the story up to here, to be led elsewhere; the first one stays as it is."""
    if story.head_id is None:
        return "toast.nothing_yet"
    if not may_copy(visit):
        return None
    copy(visit, story, visit.texts.plain("branch.title", title=title_of(story)))
    visit.say_here("branch.done", title=title_of(story))
    return None


def may_copy(visit: UpdateContext) -> bool:
    """Whether another copy of a story may be made; says so where not. A copy costs nothing but room on the disk."""
    waiting = visit.desk.db.stories.count_not_started(visit.user.id)
    if waiting < MOST_UNBEGUN:
        return True
    visit.say("branch.too_many", n=waiting)
    return False


def copy(visit: UpdateContext, story: Story, title: str) -> int:
    """Copies a story's shown path into a new story of the user's, opens that, and moves there."""
    db = visit.desk.db
    session_id = db.stories.create(
        visit.user.id,
        visit.chat_id,
        genre=story.genre,
        hero=story.hero,
        setting=story.setting,
        extra=story.extra,
        title=title,
        now=now(),
        language=story.language,
    )
    db.stories.set_tone(session_id, story.tone)
    db.stories.set_length(session_id, story.length)
    copied_id = db.tree.copy(story.head_id, session_id, now())
    earlier = len(db.tree.whole(story.head_id)) - len(db.tree.whole(story.head_id, story.starts_after))
    if earlier:  # an earlier volume is remembered, and shown to nobody
        db.stories.start_after(session_id, db.tree.whole(copied_id)[earlier - 1].id)
    visit.open(session_id)
    visit.go(Step.STORY)
    return session_id


def suggest(visit: UpdateContext) -> None:
    """«💡 Подскажи»: three things that the hero may do next, by the model."""
    story = visit.story
    if story is None:
        story_screen.lost(visit)
    elif story.head_id is None:
        visit.say_here("suggest.nothing_yet")
    elif story_screen.affordable(visit, story, "suggest"):
        visit.ask("suggest", story.session_id, story.head_id)


def suggest_again(visit: UpdateContext, suggestion_id: int) -> Toast:
    """Drops the message's buttons and asks for other suggestions; a pop-up where they are past or one is writing."""
    found = visit.desk.db.tree.suggested(suggestion_id)
    if not _still_there(visit, found):
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    visit.drop_buttons()
    suggest(visit)
    return None


def play(visit: UpdateContext, suggestion_id: int, place: int) -> Toast:
    """«1» «2» «3»: the chosen sentence becomes the user's words, and is played."""
    found = visit.desk.db.tree.suggested(suggestion_id)
    story = visit.story
    if found is None or story is None or not _still_there(visit, found):
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    options = json.loads(found[2])
    if not 0 <= place < len(options) or not story_screen.affordable(visit, story, "part"):
        return None
    visit.drop_buttons()
    if visit.step is not Step.STORY:
        visit.go(Step.STORY)
        announce(visit)
    visit.send_plain(f"▸ {options[place]}")
    prompt_id = visit.desk.db.tree.add(
        story.session_id, story.head_id, visit.user.id, "user", options[place], now=now()
    )
    visit.ask("part", story.session_id, prompt_id)
    return None


def _still_there(visit: UpdateContext, found: tuple[int, int | None, str] | None) -> bool:
    """Whether suggestions are for where the open story stands now."""
    story = visit.story
    return found is not None and story is not None and (story.session_id, story.head_id) == found[:2]


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _head(visit: UpdateContext, story: Story | None) -> Prompt | None:
    """The last text of a story's shown path; None where a second volume still stands at the end of the first."""
    if story is None or story.head_id == story.starts_after:
        return None
    return visit.desk.db.tree.get(story.head_id)
