"""«🌍 Полка»: stories that users have published, to be read in pieces, loved and reported. Only with `SHELF=on`.

Where the shelf is off there is no button, the command is unknown, and every press is past. Publishing, and what an
admin decides, is in `publishing`.
"""

from __future__ import annotations

import re
from typing import Final

from conversation.keyboards import inline, page_row, pages_of
from core.days import DAY_S
from core.graphemes import first_letters
from core.schemas import Json, Outgoing
from core.text import split
from database import Order, Published
from handlers import access_requests
from handlers.context import UpdateContext, now
from handlers.fallback import unknown_command
from telegram.update_result import NOTHING, UpdateResult
from turns.limit_requests import reachable
from turns.message_view import sentence, text_of
from turns.text_cleanup import first_sentences

PAGE: Final = 6
GENRES: Final = 12
PIECE_UNITS: Final = 3000
FIRST_CHARS: Final = 300
MOST_REPORTS: Final = 10  # of one user in a day
_LIST: Final = re.compile(r"(new|loved|g\d{1,18}):(\d{1,6})", re.ASCII)
_PIECE: Final = re.compile(r"(\d{1,18}):(\d{1,4})", re.ASCII)


def is_on(context: UpdateContext) -> bool:
    """Return whether the owner has switched the shelf on."""
    return context.config.shelf == "on"


def show(context: UpdateContext) -> UpdateResult:
    """/shelf: show the newest stories."""
    return _listed(context, "new", 0) if is_on(context) else unknown_command(context)


def press(context: UpdateContext, argument: str) -> UpdateResult:
    """Show the shelf anew, turn its pages, or list its genres."""
    if not is_on(context):
        return context.toast("toast.past")
    if argument == "open":
        return show(context)
    if argument == "genres":
        return _genres(context)
    found = _LIST.fullmatch(argument)
    return _listed(context, found[1], int(found[2]), edit=True) if found else context.toast("toast.past")


def _listed(context: UpdateContext, which: str, page: int, *, edit: bool = False) -> UpdateResult:
    """Show a page of a list; `which`: the newest, the loved, or `g` and the number of a story of a genre."""
    shelf, genre = context.db.shelf, ""
    if which.startswith("g"):
        of_genre = shelf.get(int(which[1:]))  # a story that is hidden by now still names its genre
        if of_genre is None:
            return context.toast("toast.past")
        genre = of_genre.genre
    count = shelf.count(genre)
    pages = pages_of(count, PAGE)
    page = page if page < pages else 0
    order = Order.LOVED if which == Order.LOVED else Order.NEWEST
    shown = shelf.seen(order, genre=genre, limit=PAGE, offset=page * PAGE)
    rows = [[(_line(context, one), f"public_story:{one.id}")] for one in shown]
    if pages > 1:
        rows.append(page_row(f"public:{which}", page, pages))
    if shelf.count():
        newest, loved = context.button("public_new", "public:new:0"), context.button("public_loved", "public:loved:0")
        rows.append([newest, loved, context.button("public_genres", "public:genres")])
    ordered = "public.loved" if order is Order.LOVED else "public.new"
    key = "public.empty" if not count else "public.genre" if genre else ordered
    say = context.edit if edit else context.say
    return say(key, keyboard=inline(*rows), n=count, genre=genre)


def _line(context: UpdateContext, one: Published) -> str:
    return context.texts.plain("public.line_of", title=one.title, hearts=one.hearts, genre=one.genre)


def _genres(context: UpdateContext) -> UpdateResult:
    rows = [
        [(context.texts.plain("public.genre_line", genre=genre, n=n), f"public:g{one}:0")]
        for one, genre, n in context.db.shelf.genres(GENRES)
    ]
    rows.append([context.button("public_new", "public:new:0")])
    return context.edit("public.genres", keyboard=inline(*rows))


# ---------------------------------------------------------------------- a story


def show_story(context: UpdateContext, published_id: int) -> UpdateResult:
    """Show a story's card: who wrote it, how long it is, how it begins."""
    found = _readable(context, published_id)
    if found is None:
        return context.toast("toast.not_on_shelf")
    text = text_of(context.db.tree.whole(found.head_id, found.starts_after))
    return context.say(
        "public.card_by" if found.author else "public.card",
        keyboard=_card_keyboard(context, found),
        title=found.title,
        author=found.author,
        genre=found.genre,
        chars=len(text),
        first=first_letters(first_sentences(text, 3), FIRST_CHARS),
    )


def read(context: UpdateContext, argument: str) -> UpdateResult:
    """Send a piece of a story, with «Дальше» under it; under the last one what can be done with the story."""
    wanted = _PIECE.fullmatch(argument)
    found = _readable(context, int(wanted[1])) if wanted else None
    if wanted is None or found is None:
        return context.toast("toast.not_on_shelf")
    pieces = split(text_of(context.db.tree.whole(found.head_id, found.starts_after)), PIECE_UNITS)
    number = int(wanted[2])
    if number >= len(pieces):
        return context.toast("toast.past")
    before = context.drop_buttons() if number else NOTHING
    if number + 1 < len(pieces):
        more = context.button(
            "public_next", f"public_read:{found.id}:{number + 1}", n=str(number + 2), of=str(len(pieces))
        )
        return before + _piece(context, pieces[number], inline([more]))
    end = context.say("public.end", keyboard=_end_keyboard(context, found), title=found.title)
    return before + _piece(context, pieces[number], None) + end


def _piece(context: UpdateContext, text: str, keyboard: Json) -> UpdateResult:
    params: dict[str, Json] = {"text": text}
    if keyboard is not None:
        params["reply_markup"] = keyboard
    return context.deliver(Outgoing(context.chat_id, "sendMessage", params))


def like(context: UpdateContext, published_id: int, *, at_end: bool = False) -> UpdateResult:
    """♥: give a story a heart, or take it back."""
    found = _seen(context, published_id)
    if found is None:
        return context.toast("toast.not_on_shelf")
    if found.user_id == context.user.id:
        return context.toast("toast.own_story")
    given = context.db.shelf.toggle_heart(found.id, context.user.id, now())
    fresh = context.db.shelf.find(published_id) or found
    keyboard = (_end_keyboard if at_end else _card_keyboard)(context, fresh)
    params: dict[str, Json] = {"message_id": context.message_id, "reply_markup": keyboard}
    changed = context.deliver(Outgoing(context.chat_id, "editMessageReplyMarkup", params))
    return changed + context.toast("toast.heart" if given else "toast.no_heart")


def _seen(context: UpdateContext, published_id: int) -> Published | None:
    """Return a story that stands on the shelf for everybody."""
    return context.db.shelf.find(published_id) if is_on(context) else None


def _readable(context: UpdateContext, published_id: int) -> Published | None:
    """Return a story that the user may read: one that is seen; an admin and its author may read a hidden one too."""
    if not is_on(context):
        return None
    found = context.db.shelf.get(published_id)
    if found is None or found.withdrawn or context.db.shelf.find(published_id) is not None:
        return context.db.shelf.find(published_id)
    story = context.db.stories.get(found.session_id)
    may = context.is_admin or context.user.id == found.user_id
    return found if may and story is not None and not story.deleted else None


def _card_keyboard(context: UpdateContext, found: Published) -> Json:
    return inline([context.button("read", f"public_read:{found.id}:0")], *_rows(context, found, "public_like"))


def _end_keyboard(context: UpdateContext, found: Published) -> Json:
    return inline(*_rows(context, found, "public_like_end"))


def _rows(context: UpdateContext, found: Published, like_verb: str) -> list[list[tuple[str, str]]]:
    heart = "public_given" if context.db.shelf.has_heart(found.id, context.user.id) else "public_heart"
    buttons = [context.button(heart, f"{like_verb}:{found.id}", n=found.hearts)]
    if found.user_id == context.user.id:
        buttons.append(context.button("unpublish", f"unpublish:{found.session_id}"))
    else:
        buttons.append(context.button("public_flag", f"public_flag:{found.id}"))
    return [buttons, [context.button("public_shelf", "public:open")]]


# ---------------------------------------------------------------------- reports


def ask_to_report(context: UpdateContext, published_id: int) -> UpdateResult:
    """🚩: ask once more, and say what follows."""
    found = _seen(context, published_id)
    if found is None:
        return context.toast("toast.not_on_shelf")
    yes = context.button("public_report", f"public_report:{found.id}")
    keyboard = context.inline(yes, context.button("not_needed", "public_keep:0"))
    return context.say("public.ask_report", keyboard=keyboard, title=found.title)


def not_reported(context: UpdateContext, _: int) -> UpdateResult:
    """Take the question back."""
    return context.edit("public.not_reported") if is_on(context) else context.toast("toast.past")


def report(context: UpdateContext, published_id: int, *, on_page: bool = False) -> UpdateResult:
    """Hide a story until an admin has looked at it; tell the admins and its author."""
    shelf, moment, found = context.db.shelf, now(), _seen(context, published_id)
    if found is None:
        return context.toast("toast.not_on_shelf")
    if found.user_id == context.user.id:
        return context.toast("toast.own_story")
    say = context.say if on_page else context.edit
    again = shelf.has_reported(found.id, context.user.id)
    if not again and shelf.reported_since(context.user.id, moment - DAY_S) >= MOST_REPORTS:
        return say("public.too_many_reports", n=MOST_REPORTS)
    if not shelf.report(found.id, context.user.id, moment):
        return say("public.looked_at", title=found.title)
    return say("public.reported", title=found.title) + _tell(context, found)


def _tell(context: UpdateContext, found: Published) -> UpdateResult:
    services = context.services
    author, reader = context.db.accounts.get(found.user_id), context.db.accounts.get(context.user.id)
    assert author is not None and reader is not None
    messages = []
    for admin in reachable(services.config, context.db):
        texts = services.locales[admin.language]
        keyboard = inline(
            [(texts.label("read"), f"public_read:{found.id}:0")],
            [
                (texts.label("public_allow"), f"public_allow:{found.id}"),
                (texts.label("public_remove"), f"public_remove:{found.id}"),
            ],
        )
        said = texts.say(
            "public.for_admin",
            title=found.title,
            author=access_requests.who(texts, author),
            reader=access_requests.who(texts, reader),
        )
        messages.append(sentence(admin.id, said, keyboard))
    return context.deliver(*messages) + access_requests.tell(context, author, "public.hidden", title=found.title)
