"""«🎭 Персонажи»: choosing a character, and talking to it. `heroes` has those of the user's stories.

The choice is made in the Web App, or by buttons if there is none; both come here. Each character keeps
what was said with it; a switch destroys nothing.
"""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import inline, page_row, pages_of
from conversation.steps import Step
from core.numbers import is_number
from database import REFUSED, Character
from export.formats import FORMATS
from handlers import assistant, files, first_letters, guest_memory, library, public_shelf, publishing
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit, over_prompt
from handlers.step_prompts import announce
from telegram.update_result import NOTHING, UpdateResult
from turns import heroes
from turns.message_view import sentence

PAGE = 6


def show(context: UpdateContext) -> UpdateResult:
    """Show the chosen character, and the way to choose another. Moves nobody."""
    character = context.db.characters.chosen(context.user.id)
    page = page_button(context)
    rows = [] if page is not None else _page(context, 0)
    if character is None:
        return context.say("character.choose", keyboard=inline(*rows, page=page))
    talk_on = context.button("talk_on", f"character:{character.id}")
    rows.insert(0, [talk_on, context.button("anew", f"anew:{character.id}")])
    rows.insert(1, [context.button("answer_voice", f"aloud:show:{character.id}")])
    talk = context.db.talks.open_in(context.chat_id, context.topic_id, kind="character", character_id=character.id)
    if talk is not None and talk.head_id is not None:
        rows.insert(1, [context.button("as_file", f"talk_file:{talk.session_id}")])
    rows.insert(1, [first_letters.button(context, character)])
    if memories := guest_memory.button(context):
        rows.insert(1, memories)
    said = context.texts.say("character.on", name=character.name, line=character.persona.line)
    hint = guest_memory.hint(context, character.name)
    return context.send("\n\n".join(filter(None, (said, hint))), keyboard=inline(*rows, page=page))


def page_button(context: UpdateContext) -> tuple[str, str] | None:
    """Return the button that opens the Web App's page of characters; None if there is no Web App."""
    url = context.config.webapp_url
    return (context.texts.label("open_page"), f"{url}/") if url else None


def turn_page(context: UpdateContext, page: int) -> UpdateResult:
    """Show another page of the characters in the same message."""
    return context.edit("character.choose", keyboard=inline(*_page(context, page)))


def choose(context: UpdateContext, character_id: int) -> UpdateResult:
    """Make a character the one that answers: with its greeting, or from where its conversation was left."""
    db = context.db
    character = db.characters.may_talk(context.user.id, character_id)
    if character is None:
        return context.toast("character.gone")
    result = _put_on(context, character)
    talk = context.talk
    if talk is None or talk.head_id is None:
        return result + _greet(context, character)
    db.talks.resume(talk.session_id, now())
    last = assistant.last_said(context, talk)
    return result + context.say("character.resumed", name=character.name, last=last)


def begin_anew(context: UpdateContext, character_id: int) -> UpdateResult:
    """Begin a new conversation with a character; the old one stays among the sessions."""
    character = context.db.characters.may_talk(context.user.id, character_id)
    if character is None:
        return context.toast("character.gone")
    if context.writing:
        return context.toast("toast.writing")
    if not assistant.may_begin(context):
        return context.toast("toast.too_many_new")
    return _put_on(context, character) + _greet(context, character, anew=True)


def forget(context: UpdateContext) -> UpdateResult:
    """/clear: delete the conversation with the chosen character; for a day a button brings it back."""
    db, talk = context.db, context.talk
    character = db.characters.chosen(context.user.id)
    if character is None or talk is None:
        return _lost(context)
    said = assistant.delete_talk(context, talk) or NOTHING
    # A new conversation begins: otherwise an older one would become the open one.
    return said + _greet(context, character, anew=True)


def talk(context: UpdateContext) -> UpdateResult:
    """Say the user's words to the chosen character, which answers from its personality and what was said before."""
    open_talk = context.talk
    if open_talk is None:
        return _lost(context)
    context = files.with_words(context)
    if refusal := over_prompt(context) or over_limit(context, open_talk.kind, open_talk.session_id):
        context.show(REFUSED)
        return refusal
    quoted = assistant.quote(context, open_talk)
    held_back = files.held_back(context, open_talk, quoted)
    return held_back or assistant.ask(context, open_talk, open_talk.head_id, context.words, quoted)


def from_page(context: UpdateContext, data: str) -> UpdateResult:
    """Do what was pressed in the Web App: choose a character, or send a story's file."""
    verb, _, number = data.partition(":")
    if not is_number(number):
        return NOTHING
    result = _pressed_on_page(context, verb, int(number))
    return result + context.send_plain(result.toast) if result.toast else result


def _pressed_on_page(context: UpdateContext, verb: str, number: int) -> UpdateResult:
    if verb == "character":
        return choose(context, number)
    if verb == "public_report":
        return public_shelf.report(context, number, on_page=True)
    story = context.db.stories.own(context.user.id, number) if verb in FORMATS or verb == "publish" else None
    if story is None:
        return NOTHING
    if verb == "publish":
        return publishing.ask(context, story)
    return library.send_file(context, story, verb)


def _put_on(context: UpdateContext, character: Character) -> UpdateResult:
    """Store the choice; the user's words go to the character from now on."""
    context.db.characters.choose(context.user.id, character.id)
    context.go(Step.CHARACTER)
    whose = "hero" if character.story_id is not None else character.key or "own"
    chosen = context.track("character_chosen", character=whose, language=character.language)
    return announce(context) + chosen


def _greet(context: UpdateContext, character: Character, *, anew: bool = False) -> UpdateResult:
    """Store the character's greeting as the conversation's first text, and say it."""
    db, open_talk = context.db, context.talk
    if open_talk is not None and not anew:
        session_id = open_talk.session_id
    else:
        session_id = db.talks.create(
            context.user.id,
            context.chat_id,
            now(),
            kind="character",
            character_id=character.id,
            topic_id=context.topic_id,
        )
    character = heroes.as_told(db, context.services.locales, character)
    greeting = character.persona.greeting
    prompt_id = db.tree.add(session_id, None, context.user.id, "assistant", greeting, now=now(), kind="character")
    db.tree.set_head(session_id, prompt_id, now())
    said = context.texts.say("character.greeting", name=character.name, greeting=greeting)
    return context.deliver(replace(sentence(context.chat_id, said), prompt_id=prompt_id))


def _lost(context: UpdateContext) -> UpdateResult:
    """Go back to the menu: the chosen character was deleted by its owner, or by an update of the bot."""
    context.go(Step.MENU)
    return context.say_here("character.gone")


def _page(context: UpdateContext, page: int) -> list[list[tuple[str, str]]]:
    """Return the rows of a page's buttons: `PAGE` characters, and the arrows."""
    offered = context.db.characters.offered(context.user.id, context.user.language)
    pages = pages_of(len(offered), PAGE)
    page = page if page < pages else 0
    rows = [[(one.name, f"character:{one.id}")] for one in offered[page * PAGE : (page + 1) * PAGE]]
    if pages > 1:
        rows.append(page_row("characters", page, pages))
    return rows
