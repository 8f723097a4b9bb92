"""Votes on what follows in a group's story: «▶️ Дальше» and «🏁 Финал».

Half of those who wrote in the last ten minutes decide, or the one who began the story at once. A vote is also consent
to pay: of those who voted for a part, whoever has paid least for the story so far pays it. It holds for ten minutes.
"""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import inline
from conversation.steps import ENDINGS
from core.errors import LimitReached
from core.schemas import Json, Outgoing
from database import Prompt, Story, User
from handlers import open_questions
from handlers.context import UpdateContext, now
from handlers.group_context import at_story, open_story, to_sender
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns import group_view, message_view
from turns.group_view import Votes

RECENT_S = 600
ASKED_S = 60  # an older question about the ending is asked anew
NEXT, FINALE = "next", "finale"


def press(context: UpdateContext, prompt_id: int, what: str) -> UpdateResult:
    """Count the press of «▶️ Дальше» or «🏁 Финал»; a second press takes the vote back."""
    story = _decided_by(context, prompt_id)
    if isinstance(story, UpdateResult):
        return story
    if what == FINALE and open_questions.is_asked(context, _question_of(story), within_s=ASKED_S):
        return context.toast("toast.asked")
    votes, writers = context.db.group_stories, _writers(context, story)
    leads = context.user.id == story.user_id
    since = now() - RECENT_S
    given = votes.vote(story.session_id, context.user.id, what, prompt_id, now=now(), since=since, takes_back=not leads)
    voters = _voters(context, story, what, prompt_id)
    if leads or (given and len(voters) >= _needed(writers)):
        decided = _write_on if what == NEXT else _ask_ending
        return decided(context, story, voters)
    return _show_votes(context, story, prompt_id) + _told(context, voters, _needed(writers) - len(voters))


def _decided_by(context: UpdateContext, prompt_id: int) -> Story | UpdateResult:
    """Return the story if it stands at this text and the member has a say in it; else what to answer."""
    story = open_story(context)
    if story is None or story.finished or story.head_id != prompt_id:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    writers = _writers(context, story)
    if writers and context.user.id != story.user_id and context.user.id not in writers:
        return context.toast("toast.write_first")
    return story


def _writers(context: UpdateContext, story: Story) -> list[int]:
    return context.db.group_stories.writers(story.session_id, now() - RECENT_S)


def _voters(context: UpdateContext, story: Story, what: str, prompt_id: int) -> list[int]:
    return context.db.group_stories.voters(story.session_id, what, prompt_id, since=now() - RECENT_S)


def _needed(writers: list[int]) -> int:
    return max(1, (len(writers) + 1) // 2)


def _told(context: UpdateContext, voters: list[int], missing: int) -> UpdateResult:
    """Return the pop-up that says who has voted, and how many votes are missing."""
    users = (context.db.users.get(user_id) for user_id in voters)
    names = ", ".join(user.first_name for user in users if user is not None) or "—"
    return UpdateResult(toast=context.texts.plain("toast.voted", names=names[:120], missing=missing))


def _show_votes(context: UpdateContext, story: Story, prompt_id: int) -> UpdateResult:
    """Show the votes on the buttons of the pressed message."""
    prompt = context.db.tree.get(prompt_id)
    if prompt is None:
        return UpdateResult()
    markup = keyboard_of(context, story, prompt)
    params: dict[str, Json] = {"message_id": context.message_id, "reply_markup": markup}
    return context.deliver(Outgoing(context.chat_id, "editMessageReplyMarkup", params))


def keyboard_of(context: UpdateContext, story: Story, prompt: Prompt, *above: list[tuple[str, str]]) -> Json:
    """Return the buttons under the last text of a group's story, in its language. `above`: rows before them."""
    texts = context.services.locales[story.language]
    variants = message_view.variant_row(context.db, story.session_id, prompt)
    if story.finished:
        rows = group_view.end_rows(texts, story.session_id)
    else:
        needed = _needed(_writers(context, story))
        given = {what: len(_voters(context, story, what, prompt.id)) for what in (NEXT, FINALE)}
        rows = group_view.control_rows(
            texts, prompt.id, on=Votes(given[NEXT], needed), finale=Votes(given[FINALE], needed)
        )
    return inline(*above, *([variants] if variants else []), *rows)


# ---------------------------------------------------------------------- decided


def _write_on(context: UpdateContext, story: Story, voters: list[int]) -> UpdateResult:
    """Have the next part written, at the cost of the voter who has paid least."""
    payer = _payer(context, story, voters)
    if payer is None:
        refusal = over_limit(context, "part", story.session_id)
        return refusal if refusal is not None else context.toast("toast.past")
    context.db.group_stories.end_votes(story.session_id)
    paying = replace(context, user=payer).replying_to(context.message_id)
    started = paying.start_turn("part", story.session_id, story.head_id)
    if payer.id == context.user.id:
        return started
    return started + UpdateResult(toast=context.texts.plain("toast.pays", name=payer.first_name))


def _payer(context: UpdateContext, story: Story, voters: list[int]) -> User | None:
    """Return the voter who has paid least for the story and can pay a part; None if nobody can."""
    paid = context.db.group_stories.spent_by(story.session_id, voters)
    for user_id in sorted(voters, key=lambda voter: paid[voter]):
        user = context.db.users.get(user_id)
        if user is None or (user.banned and user.id not in context.config.admin_ids):
            continue
        try:
            context.turns.check(user, story.session_id, "part")
        except LimitReached:
            continue
        return user
    return None


def _ask_ending(context: UpdateContext, story: Story, voters: list[int]) -> UpdateResult:
    """Ask which ending to write; who chooses one pays it."""
    context.db.group_stories.end_votes(story.session_id)
    ways = [context.button(f"ending_{name}", f"g_end_{name}:{story.head_id}") for name in ENDINGS]
    keyboard = inline(ways[:2], ways[2:], [context.button("keep_writing", f"g_keep:{story.head_id}")])
    said = context.replying_to(context.message_id).say(
        "group_story.ask_ending", title=message_view.title_of(story), keyboard=keyboard
    ) + open_questions.note(context, _question_of(story))
    return _show_votes(context, story, story.head_id or 0) + said if len(voters) > 1 else said


def _question_of(story: Story) -> str:
    """Name the question about the ending, as it stands now."""
    return f"ending {story.session_id} {story.head_id}"


def end_story(context: UpdateContext) -> UpdateResult:
    """/end_story: ask for the ending if its sender may decide that alone; else say how a group decides."""
    story = open_story(context)
    if story is None or story.finished or story.head_id is None or context.writing:
        return to_sender(context, context.say("group_story.nothing_yet"))
    writers = _writers(context, story)
    if context.user.id == story.user_id or (context.user.id in writers and _needed(writers) == 1) or not writers:
        return _ask_ending(context.replying_to(context.message_id), story, [context.user.id])
    return to_sender(context, context.say("group_story.vote_for_ending"))


def write_ending(context: UpdateContext, prompt_id: int, name: str) -> UpdateResult:
    """Have the ending written that a member has chosen: somebody who writes the story, or began it."""
    story = _decided_by(context, prompt_id)
    if isinstance(story, UpdateResult):
        return story
    if refusal := over_limit(context, "ending", story.session_id):
        return refusal
    there = at_story(context, story).replying_to(context.message_id)
    said = context.edit("finale.writing") + open_questions.forget_all(context)
    return said + there.start_turn("ending", story.session_id, story.head_id, hint=name)
