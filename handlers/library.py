"""«📚 Мои истории»: the shelf, a story's card, its name, deletion with a day to undo, search, files, links.

The shelf is a message with buttons and changes no mode; only opening a story does. Callback data hold ids,
and whoever presses must own the story.
"""

from __future__ import annotations

import secrets
import time

from conversation.keyboards import inline
from conversation.localization import Html, Texts
from conversation.states import Step
from core.schemas import Json
from database import Story
from export import story_book
from handlers import questions, rewriting
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.step_prompts import announce
from turns.story_outcomes import title_of
from turns.text_cleanup import first_sentences, last_sentence

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 6
FOUND_MOST = 6
SENTENCE_CHARS = 160
SHARE_PREFIX = "s_"


def shelf(context: UpdateContext) -> None:
    """The first page of the user's stories."""
    if not context.services.db.stories.count_of(context.user.id):
        buttons = inline([context.button("lucky", "go:lucky"), context.button("new_story", "go:new_story")])
        context.say("shelf.empty", keyboard=buttons)
        return
    context.say("shelf.line", keyboard=_page(context, 0), n=context.services.db.stories.count_of(context.user.id))


def turn_page(context: UpdateContext, page: int) -> Toast:
    """Shows another page of the shelf in the same message; the first where there are fewer now."""
    stories = context.services.db.stories.count_of(context.user.id)
    if page * PAGE >= stories:
        page = 0
    context.edit("shelf.line", keyboard=_page(context, page), n=stories)
    return None


def _page(context: UpdateContext, page: int) -> Json:
    stories = context.services.db.stories
    shown = stories.of_user(context.user.id, limit=PAGE, offset=page * PAGE)
    pages = (stories.count_of(context.user.id) + PAGE - 1) // PAGE
    rows = [[(_line(context, story), f"card:{story.session_id}")] for story in shown]
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"shelf:{page}")
        rows.append([("◀", f"shelf:{(page - 1) % pages}"), here, ("▶", f"shelf:{(page + 1) % pages}")])
    rows.append([context.button("find", "find:0")])
    return inline(*rows)


def _line(context: UpdateContext, story: Story) -> str:
    """«Маяк · 12 ч. · вчера»."""
    parts = context.services.db.tree.parts(story.head_id, story.starts_after)
    when = day(context.texts, story.touched_at)
    mark = "🏁 " if story.finished else ""
    return context.texts.plain("shelf.story", title=f"{mark}{title_of(story)}", parts=str(parts), when=when)


def day(texts: Texts, moment: int) -> str:
    """A day as people say it: today, yesterday, a date."""
    days = int(time.time()) // 86_400 - moment // 86_400
    if days <= 0:
        return texts.plain("day.today")
    if days == 1:
        return texts.plain("day.yesterday")
    year, month, date = time.strftime("%Y %m %d", time.gmtime(moment)).split()
    return texts.plain("day.date", year=year, month=month, date=date)


# ---------------------------------------------------------------------- a card


def card(context: UpdateContext, story: Story) -> Toast:
    """A message with the story's card and the buttons of what can be done with it."""
    html, keyboard = _card(context, story)
    context.send(html, keyboard=keyboard)
    return None


def _card(context: UpdateContext, story: Story) -> tuple[Html, Json]:
    whole = context.services.db.tree.whole(story.head_id, story.starts_after)
    text = "\n\n".join(prompt.text for prompt in whole)
    first, last = first_sentences(text, 1)[:SENTENCE_CHARS], last_sentence(text)[-SENTENCE_CHARS:]
    html = context.texts.say(
        "shelf.card",
        title=title_of(story),
        genre=story.genre,
        parts=sum(prompt.role == "assistant" for prompt in whole),
        chars=len(text),
        when=day(context.texts, story.touched_at),
        first=first or "…",
        last=last or "…",
    )
    number = story.session_id
    share = "unshare" if story.share_token else "share"
    keyboard = inline(
        [context.button("story_continue", f"open:{number}"), context.button("read", f"read:{number}")],
        [context.button("download", f"files:{number}"), context.button("rename", f"rename:{number}")],
        [context.button(share, f"{share}:{number}"), context.button("delete", f"delete:{number}")],
    )
    return html, keyboard


def open_story(context: UpdateContext, story: Story) -> Toast:
    """«▶️ Продолжить»: exactly where it stopped, after a minute or a year."""
    context.open(story.session_id)
    context.go(Step.FINISHED if story.finished else Step.STORY)
    announce(context)
    return None


def ask_name(context: UpdateContext, story: Story) -> Toast:
    """Asks for the story's new name: the next words are it."""
    questions.ask(context, Step.RENAME, story.session_id, "rename.ask", title=title_of(story))
    return None


def rename(context: UpdateContext) -> None:
    """Names the story with the user's words, on one line, and goes back to where they were; says so where too long."""
    story = questions.asked_about(context)
    if story is None or not questions.fits(context):
        return
    name = " ".join(context.words.split())
    context.services.db.stories.set_title(story.session_id, name, named=True)
    questions.go_back(context)
    context.say_here("rename.done", title=name)


def delete(context: UpdateContext, story: Story) -> Toast:
    """Takes a story off the shelf; for a day a button brings it back."""
    if context.services.turns.writes_in(story.session_id):
        return "toast.writing"
    context.services.db.stories.delete(story.session_id, now())
    if context.user.session_id == story.session_id:
        context.services.db.users.open_session(context.user.id, None)
        context.reload()
        if context.step in (Step.STORY, Step.FINALE, Step.FINISHED):
            context.go(Step.MENU)
            announce(context)
    undo = context.inline(context.button("put_back", f"restore:{story.session_id}"))
    context.edit("shelf.deleted", keyboard=undo, title=title_of(story))
    return None


def put_back(context: UpdateContext, session_id: int) -> Toast:
    """Undoes a deletion: the message shows the story's card again. A pop-up where it is too late or not theirs."""
    story = context.services.db.stories.get(session_id)
    if story is None or story.user_id != context.user.id or not context.services.db.stories.put_back(session_id):
        return "toast.past"
    html, keyboard = _card(context, story)
    context.edit_html(html, keyboard=keyboard)
    return "toast.saved"


# ---------------------------------------------------------------------- search


def ask_words(context: UpdateContext, _: int) -> Toast:
    """Asks what to look for in the user's stories: the next words are it."""
    questions.ask(context, Step.FIND, None, "find.ask")
    return None


def find(context: UpdateContext) -> None:
    """The user's stories whose text has these words."""
    if not questions.fits(context):
        return
    found = context.services.db.stories.search(context.user.id, context.words, limit=FOUND_MOST)
    questions.go_back(context)
    if not found:
        context.say_here("find.nothing", words=context.words)
        return
    context.say_here("find.back")
    rows = [[(_line(context, story), f"card:{story.session_id}")] for story in found]
    context.say("find.found", keyboard=inline(*rows), words=context.words)


# ---------------------------------------------------------------------- files


def ask_format(context: UpdateContext, story: Story) -> Toast:
    """«📖 Скачать»: which kind of file."""
    if story.head_id is None:
        return "toast.nothing_yet"
    buttons = [(name.upper(), f"{name}:{story.session_id}") for name in story_book.FORMATS]
    context.say("files.ask", keyboard=inline(buttons), title=title_of(story))
    return None


def download(context: UpdateContext) -> None:
    """The same for the open story, from its keyboard."""
    story = context.story
    if story is None:
        story_screen.lost(context)
    elif ask_format(context, story) is not None:
        context.say_here("whole.empty")


def send_file(context: UpdateContext, story: Story, name: str) -> Toast:
    """Sends the story as the document called `name`; a pop-up where nothing is written yet."""
    if story.head_id is None:
        return "toast.nothing_yet"
    context.result.send(story_book.document(story, name, context.chat_id))
    return None


# ---------------------------------------------------------------------- links


def share(context: UpdateContext, story: Story) -> Toast:
    """A link with which anybody may read the story and branch from it."""
    if story.head_id is None:
        return "toast.nothing_yet"
    token = story.share_token or secrets.token_urlsafe(12)
    context.services.db.stories.share(story.session_id, token)
    link = f"https://t.me/{context.services.username}?start={SHARE_PREFIX}{token}"
    take_back = context.inline(context.button("unshare", f"unshare:{story.session_id}"))
    context.say("share.done", keyboard=take_back, title=title_of(story), link=link)
    return None


def unshare(context: UpdateContext, story: Story) -> Toast:
    """Takes the story's link back: nobody can open it by that any more."""
    context.services.db.stories.share(story.session_id, None)
    context.say("share.taken_back", title=title_of(story))
    return None


def open_shared(context: UpdateContext, token: str) -> None:
    """A link was followed: the story to be read, and a branch of one's own to be begun from it."""
    story = context.services.db.stories.shared(token)
    if story is None or story.head_id is None:
        context.say_here("share.gone")
        return
    author = context.services.db.users.get(story.user_id)
    context.say("share.opened", title=title_of(story), author=author.first_name if author else "")
    story_screen.read(context, story)
    begin = context.inline(context.button("own_branch", f"take:{token}"))
    context.say("share.offer", keyboard=begin, title=title_of(story))


def take_shared(context: UpdateContext, token: str) -> Toast:
    """A branch of one's own from a shared story: a copy, the author's stays as it is."""
    story = context.services.db.stories.shared(token)
    if story is None or story.head_id is None:
        return "toast.past"
    if not rewriting.may_copy(context):
        return None
    rewriting.copy(context, story, title_of(story))
    announce(context)
    return None
