"""Set how the bot looks in Telegram: name, descriptions, avatar and command menus.

Each value is read first and written only if it differs, since Telegram limits these calls strictly. Runs in the
background after the first poll. A refusal (429 too) is logged; the next start tries again.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from telebot import TeleBot, types

from conversation.localization import FALLBACK, Locales, Texts
from core.errors import CoauthorError, TelegramRefused
from core.logs import event
from core.schemas import Json, Outgoing
from database import Database

log = logging.getLogger(__name__)

AVATAR = Path(__file__).parent.parent / "assets" / "avatar.jpg"
HAS_TOPICS = "has_topics"  # the setting that private chats with the bot have topics: «1» if they have
MENU_BUTTONS = "menu_buttons"  # the setting: what the menu buttons of single chats say and open
UNFINISHED = "unfinished"
PRIVATE_COMMANDS = ("new_story", "stories", "chat", "characters", "image", "balance", "cancel", "help")
GUEST_QUERIES = "guest_queries"  # the setting: whether the bot may be called into any chat, as @BotFather has it
GROUP_COMMANDS = ("story", "clear", "modes", "t", "help")


def learn_name(bot: TeleBot, db: Database) -> None:
    """Store the bot's user name, which its links need, and which of its switches are on. Never raises."""
    _attempt(partial(_store_name, bot, db))


def bring_up_to_date(bot: TeleBot, db: Database, locales: Locales, page_url: str = "") -> None:
    """Make the bot's profile match the locales and the avatar file. Never raises."""
    steps: list[Callable[[], None]] = [lambda: _outdate_menu_buttons_of_chats(db, locales, page_url)]
    steps.append(lambda: _set_avatar(bot, db))
    steps.append(lambda: _set_menu_button(bot, locales[FALLBACK], page_url))
    steps.append(lambda: _set_menu_buttons_of_chats(bot, db, locales, page_url))
    for language in locales:
        # Without a code the texts are for everybody whose language is not among ours.
        code = "" if language == FALLBACK else language
        steps.append(partial(_set_texts, bot, locales[language], code))
    for step in steps:
        _attempt(step)


def _attempt(step: Callable[[], None]) -> None:
    try:
        step()
    except CoauthorError as error:
        event(log, logging.WARNING, "profile_update_failed", error=str(error))
    except Exception as error:
        event(log, logging.WARNING, "profile_update_failed", error=f"{type(error).__name__}: {error}")


def _store_name(bot: TeleBot, db: Database) -> None:
    me = bot.get_me()
    switches = (
        ("inline_mode", me.supports_inline_queries),
        (HAS_TOPICS, me.has_topics_enabled),
        (GUEST_QUERIES, me.supports_guest_queries),
    )
    for name, on in switches:
        value = "1" if on else ""
        if (db.settings.get(name) or "") != value:
            db.settings.put(name, value)
    if me.username and db.settings.get("bot_username") != me.username:
        db.settings.put("bot_username", me.username)
    event(log, logging.INFO, "bot_signed_in", bot=me.username, id=me.id)


def _set_texts(bot: TeleBot, texts: Texts, code: str) -> None:
    language = code or None
    if bot.get_my_name(language).name != (name := texts.plain("profile.name")):
        bot.set_my_name(name, language)
    if bot.get_my_description(language).description != (description := texts.plain("profile.description")):
        bot.set_my_description(description, language)
    short = texts.plain("profile.short_description")
    if bot.get_my_short_description(language).short_description != short:
        bot.set_my_short_description(short, language)
    _set_commands(bot, _commands(texts, "command", PRIVATE_COMMANDS), types.BotCommandScopeAllPrivateChats(), language)
    _set_commands(bot, _commands(texts, "group", GROUP_COMMANDS), types.BotCommandScopeAllGroupChats(), language)


def _commands(texts: Texts, table: str, names: tuple[str, ...]) -> list[types.BotCommand]:
    return [types.BotCommand(name, texts.plain(f"profile.{table}.{name}")) for name in names]


def _set_commands(
    bot: TeleBot, commands: list[types.BotCommand], scope: types.BotCommandScope, language: str | None
) -> None:
    shown = [(command.command, command.description) for command in bot.get_my_commands(scope, language)]
    if shown != [(command.command, command.description) for command in commands]:
        bot.set_my_commands(commands, scope, language)


def _set_menu_button(bot: TeleBot, texts: Texts, page_url: str) -> None:
    """Make the button beside the input open the Web App, or the list of commands without one."""
    shown: object = bot.get_chat_menu_button()
    if page_url:
        page, text = types.WebAppInfo(f"{page_url}/"), texts.plain("profile.menu_button")
        opens = shown.web_app if isinstance(shown, types.MenuButtonWebApp) else None
        url = opens.get("url") if isinstance(opens, dict) else opens and opens.url  # telebot may leave it as a dict
        if url != page.url or getattr(shown, "text", "") != text:
            bot.set_chat_menu_button(menu_button=types.MenuButtonWebApp(text, page))
    elif isinstance(shown, types.MenuButtonWebApp):
        bot.set_chat_menu_button(menu_button=types.MenuButtonDefault())


def menu_button_of_chat(chat_id: int, texts: Texts, page_url: str) -> list[Outgoing]:
    """Return the call that puts a chat's menu button into its user's language; empty without a Web App.

    Telegram has one menu button for all languages, which says the fallback's words, and one for each chat.
    """
    if not page_url:
        return []
    button: Json = {"type": "default"}
    if texts.language != FALLBACK:
        text = texts.plain("profile.menu_button")
        button = {"type": "web_app", "text": text, "web_app": {"url": f"{page_url}/"}}
    return [Outgoing(chat_id, "setChatMenuButton", {"menu_button": button})]


def _menu_buttons(locales: Locales, page_url: str) -> str:
    """Return what the menu buttons of single chats say and open, to be compared with what was set last."""
    named = [f"{language}: {locales[language].plain('profile.menu_button')}" for language in _others(locales)]
    return "\n".join([page_url, *named]) if page_url else ""


def _others(locales: Locales) -> list[str]:
    return [language for language in locales if language != FALLBACK]


def _outdate_menu_buttons_of_chats(db: Database, locales: Locales, page_url: str) -> None:
    """Note that they change, so that a start which a kill cuts short is made good by the next."""
    if (db.settings.get(MENU_BUTTONS) or "") != _menu_buttons(locales, page_url):
        db.settings.put(MENU_BUTTONS, UNFINISHED)


def _set_menu_buttons_of_chats(bot: TeleBot, db: Database, locales: Locales, page_url: str) -> None:
    """Set the menu button of every chat that has one of its own, after a change of its address or its words."""
    buttons = _menu_buttons(locales, page_url)
    if (db.settings.get(MENU_BUTTONS) or "") == buttons:
        return
    for language in _others(locales):
        page, text = types.WebAppInfo(f"{page_url}/"), locales[language].plain("profile.menu_button")
        button = types.MenuButtonWebApp(text, page) if page_url else types.MenuButtonDefault()
        for user_id in db.users.speaking(language):
            try:
                bot.set_chat_menu_button(user_id, button)
            except TelegramRefused as error:  # one user's chat is gone
                event(log, logging.INFO, "menu_button_refused", user=user_id, error=str(error))
    db.settings.put(MENU_BUTTONS, buttons)


def _set_avatar(bot: TeleBot, db: Database) -> None:
    """Upload the avatar if its hash has changed: Telegram re-encodes it, so the image can't be compared."""
    picture = AVATAR.read_bytes()
    digest = hashlib.sha256(picture).hexdigest()
    if db.settings.get("avatar") == digest:
        return
    photo = types.InputFile(io.BytesIO(picture), "avatar.jpg")
    if bot.set_my_profile_photo(types.InputProfilePhotoStatic(photo=photo)):
        db.settings.put("avatar", digest)
