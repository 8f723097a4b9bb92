"""Buttons under messages. Their data hold ids only, `verb:id`; whoever presses must own what the id names, or
hold the token of a shared link.

Every press is answered, at least with nothing, so that no button keeps turning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from conversation.states import IN_WIZARD, TALKING, Step
from core.schemas import Outgoing
from database import Story, Turn
from export.story_book import FORMATS
from handlers import (
    access_requests,
    account,
    admin,
    admin_users,
    assistant,
    characters,
    library,
    media,
    models,
    privacy,
    profile_card,
    rewriting,
    roles,
    sessions,
    settings,
    wizard,
)
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from turns.limits import APART
from turns.story_outcomes import title_of
from turns.story_prompts import TALKS

Toast = str | None  # the key of a pop-up answer, if there is one


IN_GROUPS = frozenset({"stop", "retry", "softer", "mode", "new_talk"})  # each checks whose it is


def press(visit: UpdateContext, data: str) -> Toast:
    """Does what a button says; the key of what its pop-up answers."""
    verb, _, argument = data.partition(":")
    if visit.group and verb not in IN_GROUPS:
        return "toast.past"
    if verb == "go":
        return _go(visit, argument)
    if verb == "language" and argument in visit.desk.locales:
        account.set_language(visit, argument)
        return None
    if verb == "mode":
        return roles.choose(visit, argument)
    if verb == "take":
        return library.take_shared(visit, argument)
    if verb in _OF_THE_ACCOUNT:
        return _OF_THE_ACCOUNT[verb](visit, argument)
    if not argument.isdecimal() or len(argument) > 18:
        return "toast.past"
    number = int(argument)
    if verb in _OF_A_STORY:
        story = visit.desk.db.stories.get(number)
        if story is None or story.deleted:
            return "toast.past"
        return _OF_A_STORY[verb](visit, story) if story.user_id == visit.user.id else "toast.foreign"
    if verb in _OF_THE_OPEN_STORY:
        story = visit.story
        if story is None or story.session_id != number:
            return "toast.past"
        return "toast.writing" if visit.writing else _OF_THE_OPEN_STORY[verb](visit, story)
    return _ACTIONS[verb](visit, number) if verb in _ACTIONS else "toast.past"


def _go(visit: UpdateContext, name: str) -> Toast:
    """The two ways into a story, under the welcome; and the shelf, from wherever it is offered."""
    if name == "stories":
        library.shelf(visit)
        return None
    if visit.step not in (Step.MENU, Step.FINISHED) and visit.step not in IN_WIZARD:
        return "toast.past"
    if name == "lucky":
        wizard.lucky(visit)
    elif name == "new_story":
        wizard.new_story(visit)
    else:
        return "toast.past"
    return None


def _stop(visit: UpdateContext, turn_id: int) -> Toast:
    turn = visit.desk.turns.open_in(visit.chat_id)
    if turn is None or turn.id != turn_id:
        return "toast.nothing_to_stop"
    if turn.user_id != visit.user.id:
        return "toast.foreign"
    story_screen.stop_writing(visit)
    return "toast.stopping"


def _drop(visit: UpdateContext, inbox_id: int) -> Toast:
    """«✖️ Не надо»: takes back words that wait for the running turn."""
    desk = visit.desk
    if not desk.db.inbox.drop_queued(inbox_id, visit.chat_id, now()):
        return "toast.already_in"
    visit.after(lambda: desk.intake.forget_queued(visit.chat_id, inbox_id))
    said = "chat.words_dropped" if visit.step in TALKING else "story.words_dropped"
    visit.envelope.send(
        Outgoing(
            visit.chat_id,
            "editMessageText",
            {"message_id": visit.message_id, "text": visit.texts.plain(said)},
        )
    )
    return "toast.dropped"


def _retry(visit: UpdateContext, turn_id: int) -> Toast:
    return _once_more(visit, turn_id, soft=False)


def _softer(visit: UpdateContext, turn_id: int) -> Toast:
    return _once_more(visit, turn_id, soft=True)


def _once_more(visit: UpdateContext, turn_id: int, *, soft: bool) -> Toast:
    """Asks a failed turn again, if the story still stands where it failed."""
    db = visit.desk.db
    turn = db.turns.get(turn_id)
    if turn is None or turn.user_id != visit.user.id or turn.chat_id != visit.chat_id:
        return "toast.foreign"
    if turn.kind in TALKS:
        return assistant.once_more(visit, turn, soft=soft)
    if turn.kind in APART:
        return media.once_more(visit, turn)
    story = db.stories.get(turn.session_id)
    if turn.state != "failed" or story is None or story.deleted or not _stands_at(visit, story, turn):
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    if not story_screen.affordable(visit, story, turn.kind):
        return None
    visit.drop_buttons()
    if visit.user.session_id == story.session_id and visit.step in (Step.MENU, Step.FINALE):
        visit.go(Step.STORY)
        visit.say_here("story.line", title=title_of(story), part=max(1, _parts(visit, story)))
    visit.ask(turn.kind, turn.session_id, turn.prompt_id, hint=turn.hint, soft=soft or turn.soft, variant=turn.variant)
    return None


def _stands_at(visit: UpdateContext, story: Story, turn: Turn) -> bool:
    """Whether nothing was written since: the head is what the turn began from, or what it left half done."""
    head_id = story.head_id
    if head_id == turn.prompt_id:
        return True
    tree = visit.desk.db.tree
    begun_from = tree.get(turn.prompt_id) if turn.prompt_id is not None else None
    if begun_from is not None and begun_from.role == "user" and begun_from.parent_id == head_id:
        return True
    head = tree.get(head_id)
    if head is None:
        return False
    return head.turn_id == turn.id or (turn.variant and head.parent_id == turn.prompt_id)


def _finale(visit: UpdateContext, story: Story) -> Toast:
    if story.finished:
        return "toast.past"
    story_screen.ask_ending(visit)
    return None


def _volume(visit: UpdateContext, story: Story) -> Toast:
    """«📗 Второй том»: a new story with the same settings, which remembers the first."""
    if visit.writing:
        return "toast.writing"
    wizard.second_volume(visit, story)
    return None


def _read(visit: UpdateContext, story: Story) -> Toast:
    story_screen.read(visit, story)
    return None


def _words_story(visit: UpdateContext, kept_id: int) -> Toast:
    """Kept words go into the story that was offered for them, as its next part."""
    story = _story_of_words(visit, kept_id)
    if story is None or story.finished:
        return "toast.words_gone"
    return _use_words(visit, kept_id, story, "part")


def _words_epilogue(visit: UpdateContext, kept_id: int) -> Toast:
    story = _story_of_words(visit, kept_id)
    if story is None or not story.finished:
        return "toast.words_gone"
    return _use_words(visit, kept_id, story, "epilogue")


def _story_of_words(visit: UpdateContext, kept_id: int) -> Story | None:
    session_id = visit.desk.db.users.session_of_words(visit.user.id, kept_id)
    story = visit.desk.db.stories.get(session_id) if session_id is not None else None
    return story if story is not None and story.user_id == visit.user.id and not story.deleted else None


def _use_words(visit: UpdateContext, kept_id: int, story: Story, kind: str) -> Toast:
    if visit.writing:
        return "toast.writing"
    if not story_screen.affordable(visit, story, kind):
        return None
    words = visit.desk.db.users.take_words(visit.user.id, kept_id)
    if words is None:
        return "toast.words_gone"
    visit.drop_buttons()
    visit.open(story.session_id)
    if kind == "part":
        visit.go(Step.STORY)
        visit.say_here("story.line", title=title_of(story), part=max(1, _parts(visit, story)))
    else:
        visit.say("finale.epilogue_writing")
    story_screen.write_words(visit, story, story.head_id, words, kind)
    return None


def _words_new(visit: UpdateContext, kept_id: int) -> Toast:
    """Kept words become a wish of a new story."""
    words = visit.desk.db.users.take_words(visit.user.id, kept_id)
    if words is None:
        return "toast.words_gone"
    visit.drop_buttons()
    wizard.start_with(visit, words)
    return None


def _parts(visit: UpdateContext, story: Story) -> int:
    return visit.desk.db.tree.parts(story.head_id, story.starts_after)


# What stands behind the verb is read by whom it names.
_OF_THE_ACCOUNT: Mapping[str, Callable[[UpdateContext, str], Toast]] = {
    "account": profile_card.press,
    "give": access_requests.give,
    "users": admin_users.turn_page,
    "halt": admin.halt,
    "forget": privacy.press,
}
# The number is a session of the user's own.
_OF_A_STORY: Mapping[str, Callable[[UpdateContext, Story], Toast]] = {
    "read": _read,
    "card": library.card,
    "open": library.open_story,
    "rename": library.ask_name,
    "delete": library.delete,
    "files": library.ask_format,
    "share": library.share,
    "unshare": library.unshare,
    "volume": _volume,
    **{name: partial(library.send_file, name=name) for name in FORMATS},
}
# The number is the session that is open, and nothing may be under way in it.
_OF_THE_OPEN_STORY: Mapping[str, Callable[[UpdateContext, Story], Toast]] = {
    "finale": _finale,
    "memory": settings.show_memory,
    "tone": settings.ask_tone,
    "correct": rewriting.ask_correction,
    "branch": rewriting.branch,
    "picture": media.ask_picture,
    "paint": media.paint,
    "voice": media.ask_voice,
    **{f"voice{place}": partial(media.speak, place=place) for place in range(media.VOICES_SHOWN)},
}
# The number is something else's; each checks itself whose that is.
_ACTIONS: Mapping[str, Callable[[UpdateContext, int], Toast]] = {
    "stop": _stop,
    "drop": _drop,
    "retry": _retry,
    "softer": _softer,
    "words_story": _words_story,
    "words_epilogue": _words_epilogue,
    "words_new": _words_new,
    # the chat
    "words_chat": assistant.use_words,
    "new_talk": assistant.new_talk,
    "role_own": roles.ask_own,
    "sessions": sessions.turn_page,
    "resume": sessions.resume,
    "variant": rewriting.show_variant,
    "redo": rewriting.redo,
    "suggest": rewriting.suggest_again,
    "play1": partial(rewriting.play, place=0),
    "play2": partial(rewriting.play, place=1),
    "play3": partial(rewriting.play, place=2),
    "shelf": library.turn_page,
    "find": library.ask_words,
    "restore": library.put_back,
    "model": models.press,
    "models": models.turn_page,
    "characters": characters.turn_page,
    "character": characters.choose,
    "anew": characters.begin_anew,
    "image": media.make_image,
    "image_no": media.drop_image,
}
