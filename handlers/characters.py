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


def show(visit: UpdateContext) -> None:
    """Who is on, and the way to choose another. Changes no mode."""
    character = visit.desk.db.characters.chosen(visit.user.id)
    page = page_button(visit)
    rows = [] if page is not None else _page(visit, 0)
    if character is None:
        visit.say("character.choose", keyboard=inline(*rows, page=page))
        return
    rows.insert(0, [visit.button("talk_on", f"character:{character.id}"), visit.button("anew", f"anew:{character.id}")])
    said = {"name": character.name, "line": character.persona.line}
    visit.say("character.on", keyboard=inline(*rows, page=page), **said)


def page_button(visit: UpdateContext) -> tuple[str, str] | None:
    """The button that opens the page of characters; None where there is no page."""
    url = visit.desk.config.webapp_url
    return (visit.texts.label("open_page"), f"{url}/") if url else None


def turn_page(visit: UpdateContext, page: int) -> Toast:
    """Shows another page of the characters in the same message."""
    visit.edit("character.choose", keyboard=inline(*_page(visit, page)))
    return None


def choose(visit: UpdateContext, character_id: int) -> Toast:
    """The chosen one answers from now on: with its greeting, or from where the two were."""
    db = visit.desk.db
    character = db.characters.may_talk(visit.user.id, character_id)
    if character is None:
        return "toast.past"
    _put_on(visit, character)
    talk = visit.talk
    if talk is None or talk.head_id is None:
        _greet(visit, character)
        return None
    db.talks.resume(talk.session_id, now())
    visit.say("character.resumed", name=character.name, last=recalled(db.tree.get(talk.head_id)))
    return None


def begin_anew(visit: UpdateContext, character_id: int) -> Toast:
    """A conversation from its greeting; what was said before stays among the sessions."""
    character = visit.desk.db.characters.may_talk(visit.user.id, character_id)
    if character is None:
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    if not assistant.may_begin(visit):
        return "toast.past"
    _put_on(visit, character)
    _greet(visit, character, anew=True)
    return None


def forget(visit: UpdateContext) -> None:
    """/clear: what was said with the one who is on goes for good; what it cost stays counted."""
    db, talk = visit.desk.db, visit.talk
    character = db.characters.chosen(visit.user.id)
    if character is None or talk is None:
        _lost(visit)
        return
    said = db.talks.forget(talk.session_id)
    visit.say("chat.forgotten", n=said, tokens=talk.spent)
    _greet(visit, character, anew=True)  # not in the conversation before it, which is among the sessions


def talk(visit: UpdateContext) -> None:
    """Own words: said to the one who is on, who answers out of its personality and what was said before."""
    open_talk = visit.talk
    if open_talk is None:
        _lost(visit)
    elif story_screen.short_enough(visit) and assistant.affordable(visit, open_talk):
        quoted = assistant.quote(visit, open_talk)
        assistant.ask(visit, open_talk, open_talk.head_id, visit.words, quoted)
    else:
        visit.desk.db.outbox.show(visit.chat_id, visit.message_id, REFUSED)


def from_page(visit: UpdateContext, data: str) -> None:
    """What was pressed on the Web App's page: a character, or a story's file."""
    verb, _, number = data.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        return
    toast: Toast = None
    if verb == "character":
        toast = choose(visit, int(number))
    elif verb in FORMATS:
        story = visit.desk.db.stories.get(int(number))
        if story is not None and story.user_id == visit.user.id and not story.deleted:
            toast = library.send_file(visit, story, verb)
    if toast is not None:
        visit.say(toast)


def _put_on(visit: UpdateContext, character: Character) -> None:
    """The choice is kept, and words go to the character from now on."""
    visit.desk.db.characters.choose(visit.user.id, character.id)
    visit.go(Step.CHARACTER)
    announce(visit)
    visit.tell("character_chosen", character=character.key or "own", language=character.language)


def _greet(visit: UpdateContext, character: Character, *, anew: bool = False) -> None:
    """The greeting out of the database, in the character's voice: the conversation's first text."""
    db, open_talk = visit.desk.db, visit.talk
    if open_talk is not None and not anew:
        session_id = open_talk.session_id
    else:
        session_id = db.talks.create(visit.user.id, visit.chat_id, now(), kind="character", character_id=character.id)
    greeting = character.persona.greeting
    prompt_id = db.tree.add(session_id, None, visit.user.id, "assistant", greeting, now=now(), kind="character")
    db.tree.set_head(session_id, prompt_id, now())
    said = visit.texts.say("character.greeting", name=character.name, greeting=greeting)
    visit.envelope.send(replace(sentence(visit.chat_id, said), prompt_id=prompt_id))


def _lost(visit: UpdateContext) -> None:
    """The one who was on is gone: deleted by its owner, or by an update of the bot."""
    visit.go(Step.MENU)
    visit.say_here("character.gone")


def _page(visit: UpdateContext, page: int) -> list[list[tuple[str, str]]]:
    """Rows of buttons: `PAGE` characters, and the way to the others."""
    offered = visit.desk.db.characters.offered(visit.user.id, visit.user.language)
    pages = max(1, (len(offered) + PAGE - 1) // PAGE)
    page = page if page < pages else 0
    rows = [[(one.name, f"character:{one.id}")] for one in offered[page * PAGE : (page + 1) * PAGE]]
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"characters:{page}")
        rows.append([("◀", f"characters:{(page - 1) % pages}"), here, ("▶", f"characters:{(page + 1) % pages}")])
    return rows
