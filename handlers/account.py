"""Registration, the welcome, help and the menu."""

from __future__ import annotations

from functools import partial

from telebot import types

from conversation.keyboards import inline
from conversation.localization import Html
from conversation.states import IN_WIZARD, Step
from core.schemas import Json
from database import User
from handlers import characters, library, wizard
from handlers.context import Services, UpdateContext, now
from handlers.input_text import readable
from handlers.step_prompts import announce, where
from turns import limits


def known_user(desk: Services, sender: types.User, *, private: bool = True) -> tuple[User | None, bool]:
    """The sender's row and whether it is new in private; None where the bot takes no more users.

    Who was met in a group only can't be written to yet, as if they had blocked the bot, and is welcomed later.
    """
    # Others read them, too: nothing in a name may turn a sentence round.
    names = (sender.username, readable(sender.first_name), readable(sender.last_name) or None)
    user = desk.db.users.get(sender.id)
    if user is not None:
        if (user.username, user.first_name, user.last_name) != names or (user.blocked and private):
            desk.db.users.rename(sender.id, *names)
            if not private:
                desk.db.users.set_blocked(sender.id, user.blocked)
        first = user.blocked and private
        config = desk.config
        if config.user_tokens_per_day and desk.db.users.refill(
            sender.id, config.user_tokens_per_day, config.user_tokens, now() // 86_400
        ):
            return desk.db.users.get(sender.id), first
        return user, first
    if desk.db.users.count() >= desk.config.max_users and sender.id not in desk.config.admin_ids:
        return None, False
    language = desk.locales.language_of(sender.language_code)
    fresh = desk.db.users.register(sender.id, *names, language=language, balance=desk.config.user_tokens, now=now())
    desk.intake.envelope.after.append(partial(desk.analytics.tell, "registered", sender.id, language=language))
    if desk.db.forgetting.recall(sender.id):
        fresh = desk.db.users.get(sender.id) or fresh
    if not private:
        desk.db.users.set_blocked(sender.id, True)
    return fresh, private


def welcome(visit: UpdateContext) -> None:
    """/start: the first time a welcome and the menu; later it keeps the mode and says which it is."""
    argument = visit.words.partition(" ")[2].strip()
    if argument == "new":
        wizard.new_story(visit)
    elif argument.startswith(library.SHARE_PREFIX):
        if visit.first:
            first_words(visit)
        library.open_shared(visit, argument.removeprefix(library.SHARE_PREFIX))
    elif visit.first:
        first_words(visit)
    else:
        visit.send(visit.texts.say("start.again", line=where(visit)), keyboard=visit.keyboard())


def first_words(visit: UpdateContext) -> None:
    """What somebody new reads, whatever they sent first."""
    config, texts = visit.desk.config, visit.texts
    turns = limits.turns_left(config, config.user_tokens)
    begin = welcome_buttons(visit)
    if visit.user.id in config.admin_ids:
        visit.say("start.first_unlimited", keyboard=begin)
    else:
        visit.send(texts.say("start.first", turns=turns), keyboard=begin)
    visit.say_here("start.first_menu")


def welcome_buttons(visit: UpdateContext) -> Json:
    """The two ways into a story, and the page of characters where there is one."""
    ways = [visit.button("lucky", "go:lucky"), visit.button("pick_myself", "go:new_story")]
    return inline(ways, page=characters.page_button(visit))


def show_help(visit: UpdateContext) -> None:
    """What the bot can do. It informs only: in the wizard the question comes again."""
    visit.say("help.text", balance=balance(visit))
    repeat_question(visit)


def balance(visit: UpdateContext) -> Html:
    """The user's balance as a sentence: free tokens, and how many turns of the model they pay; admins have no limit."""
    config, user = visit.desk.config, visit.user
    if user.id in config.admin_ids:
        return visit.texts.say("balance.unlimited")
    turns = limits.turns_left(config, user.free, visit.model.weight)
    return visit.texts.say("balance.left" if turns else "balance.none", turns=turns, tokens=user.free)


def ask_language(visit: UpdateContext) -> None:
    """/language: every language that the bot speaks, each in its own words."""
    locales = visit.desk.locales
    buttons = [(locales[language].plain("language.name"), f"language:{language}") for language in locales]
    visit.say("language.ask", keyboard=visit.inline(*buttons))


def set_language(visit: UpdateContext, language: str) -> None:
    """Speaks another language from now on; the keyboard comes anew in it."""
    visit.desk.db.users.set_language(visit.user.id, language)
    visit.reload()
    visit.texts = visit.desk.locales[language]
    visit.say("language.done")
    announce(visit)


def open_menu(visit: UpdateContext) -> None:
    """Leaves whatever is open; nothing of it is lost."""
    visit.go(Step.MENU)
    announce(visit)


def repeat_question(visit: UpdateContext) -> None:
    """Asks the wizard's question again where the user is in the wizard; says nothing elsewhere."""
    if visit.step in IN_WIZARD:
        announce(visit)
