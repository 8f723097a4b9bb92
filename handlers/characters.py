"""«🎭 Персонажи»: who is on, the choice of another, and talking to them.

The choice is made on the Web App's page, or by buttons where there is no page; both come here. Each character keeps
what was said with it; a switch destroys nothing.
"""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import inline
from conversation.states import Step
from database import REFUSED, Character
from export.story_book import FORMATS
from handlers import assistant, library
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.step_prompts import announce
from turns.message_view import recalled, sentence

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 6


def show(context: UpdateContext) -> None:
    """Who is on, and the way to choose another. Changes no mode."""
    character = context.services.db.characters.chosen(context.user.id)
    page = page_button(context)
    rows = [] if page is not None else _page(context, 0)
    if character is None:
        context.say("character.choose", keyboard=inline(*rows, page=page))
        return
    rows.insert(
        0, [context.button("talk_on", f"character:{character.id}"), context.button("anew", f"anew:{character.id}")]
    )
    said = {"name": character.name, "line": character.persona.line}
    context.say("character.on", keyboard=inline(*rows, page=page), **said)


def page_button(context: UpdateContext) -> tuple[str, str] | None:
    """The button that opens the page of characters; None where there is no page."""
    url = context.services.config.webapp_url
    return (context.texts.label("open_page"), f"{url}/") if url else None


def turn_page(context: UpdateContext, page: int) -> Toast:
    """Shows another page of the characters in the same message."""
    context.edit("character.choose", keyboard=inline(*_page(context, page)))
    return None


def choose(context: UpdateContext, character_id: int) -> Toast:
    """The chosen one answers from now on: with its greeting, or from where the two were."""
    db = context.services.db
    character = db.characters.may_talk(context.user.id, character_id)
    if character is None:
        return "toast.past"
    _put_on(context, character)
    talk = context.talk
    if talk is None or talk.head_id is None:
        _greet(context, character)
        return None
    db.talks.resume(talk.session_id, now())
    context.say("character.resumed", name=character.name, last=recalled(db.tree.get(talk.head_id)))
    return None


def begin_anew(context: UpdateContext, character_id: int) -> Toast:
    """A conversation from its greeting; what was said before stays among the sessions."""
    character = context.services.db.characters.may_talk(context.user.id, character_id)
    if character is None:
        return "toast.past"
    if context.writing:
        return "toast.writing"
    if not assistant.may_begin(context):
        return "toast.past"
    _put_on(context, character)
    _greet(context, character, anew=True)
    return None


def forget(context: UpdateContext) -> None:
    """/clear: what was said with the one who is on goes for good; what it cost stays counted."""
    db, talk = context.services.db, context.talk
    character = db.characters.chosen(context.user.id)
    if character is None or talk is None:
        _lost(context)
        return
    said = db.talks.forget(talk.session_id)
    context.say("chat.forgotten", n=said, tokens=talk.spent)
    _greet(context, character, anew=True)  # not in the conversation before it, which is among the sessions


def talk(context: UpdateContext) -> None:
    """Own words: said to the one who is on, who answers out of its personality and what was said before."""
    open_talk = context.talk
    if open_talk is None:
        _lost(context)
    elif story_screen.short_enough(context) and assistant.affordable(context, open_talk):
        quoted = assistant.quote(context, open_talk)
        assistant.ask(context, open_talk, open_talk.head_id, context.words, quoted)
    else:
        context.services.db.outbox.show(context.chat_id, context.message_id, REFUSED)


def from_page(context: UpdateContext, data: str) -> None:
    """What was pressed on the Web App's page: a character, or a story's file."""
    verb, _, number = data.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        return
    toast: Toast = None
    if verb == "character":
        toast = choose(context, int(number))
    elif verb in FORMATS:
        story = context.services.db.stories.get(int(number))
        if story is not None and story.user_id == context.user.id and not story.deleted:
            toast = library.send_file(context, story, verb)
    if toast is not None:
        context.say(toast)


def _put_on(context: UpdateContext, character: Character) -> None:
    """The choice is kept, and words go to the character from now on."""
    context.services.db.characters.choose(context.user.id, character.id)
    context.go(Step.CHARACTER)
    announce(context)
    context.tell("character_chosen", character=character.key or "own", language=character.language)


def _greet(context: UpdateContext, character: Character, *, anew: bool = False) -> None:
    """The greeting out of the database, in the character's voice: the conversation's first text."""
    db, open_talk = context.services.db, context.talk
    if open_talk is not None and not anew:
        session_id = open_talk.session_id
    else:
        session_id = db.talks.create(
            context.user.id, context.chat_id, now(), kind="character", character_id=character.id
        )
    greeting = character.persona.greeting
    prompt_id = db.tree.add(session_id, None, context.user.id, "assistant", greeting, now=now(), kind="character")
    db.tree.set_head(session_id, prompt_id, now())
    said = context.texts.say("character.greeting", name=character.name, greeting=greeting)
    context.result.send(replace(sentence(context.chat_id, said), prompt_id=prompt_id))


def _lost(context: UpdateContext) -> None:
    """The one who was on is gone: deleted by its owner, or by an update of the bot."""
    context.go(Step.MENU)
    context.say_here("character.gone")


def _page(context: UpdateContext, page: int) -> list[list[tuple[str, str]]]:
    """Rows of buttons: `PAGE` characters, and the way to the others."""
    offered = context.services.db.characters.offered(context.user.id, context.user.language)
    pages = max(1, (len(offered) + PAGE - 1) // PAGE)
    page = page if page < pages else 0
    rows = [[(one.name, f"character:{one.id}")] for one in offered[page * PAGE : (page + 1) * PAGE]]
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"characters:{page}")
        rows.append([("◀", f"characters:{(page - 1) % pages}"), here, ("▶", f"characters:{(page + 1) % pages}")])
    return rows
