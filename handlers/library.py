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
from turns.message_view import title_of
from turns.text_cleanup import first_sentences, last_sentence

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 6
FOUND_MOST = 6
SENTENCE_CHARS = 160
SHARE_PREFIX = "s_"


def shelf(visit: UpdateContext) -> None:
    """The first page of the user's stories."""
    if not visit.desk.db.stories.count_of(visit.user.id):
        buttons = inline([visit.button("lucky", "go:lucky"), visit.button("new_story", "go:new_story")])
        visit.say("shelf.empty", keyboard=buttons)
        return
    visit.say("shelf.line", keyboard=_page(visit, 0), n=visit.desk.db.stories.count_of(visit.user.id))


def turn_page(visit: UpdateContext, page: int) -> Toast:
    """Shows another page of the shelf in the same message; the first where there are fewer now."""
    stories = visit.desk.db.stories.count_of(visit.user.id)
    if page * PAGE >= stories:
        page = 0
    visit.edit("shelf.line", keyboard=_page(visit, page), n=stories)
    return None


def _page(visit: UpdateContext, page: int) -> Json:
    stories = visit.desk.db.stories
    shown = stories.of_user(visit.user.id, limit=PAGE, offset=page * PAGE)
    pages = (stories.count_of(visit.user.id) + PAGE - 1) // PAGE
    rows = [[(_line(visit, story), f"card:{story.session_id}")] for story in shown]
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"shelf:{page}")
        rows.append([("◀", f"shelf:{(page - 1) % pages}"), here, ("▶", f"shelf:{(page + 1) % pages}")])
    rows.append([visit.button("find", "find:0")])
    return inline(*rows)


def _line(visit: UpdateContext, story: Story) -> str:
    """«Маяк · 12 ч. · вчера»."""
    parts = visit.desk.db.tree.parts(story.head_id, story.starts_after)
    when = day(visit.texts, story.touched_at)
    mark = "🏁 " if story.finished else ""
    return visit.texts.plain("shelf.story", title=f"{mark}{title_of(story)}", parts=str(parts), when=when)


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


def card(visit: UpdateContext, story: Story) -> Toast:
    """A message with the story's card and the buttons of what can be done with it."""
    html, keyboard = _card(visit, story)
    visit.send(html, keyboard=keyboard)
    return None


def _card(visit: UpdateContext, story: Story) -> tuple[Html, Json]:
    whole = visit.desk.db.tree.whole(story.head_id, story.starts_after)
    text = "\n\n".join(prompt.text for prompt in whole)
    first, last = first_sentences(text, 1)[:SENTENCE_CHARS], last_sentence(text)[-SENTENCE_CHARS:]
    html = visit.texts.say(
        "shelf.card",
        title=title_of(story),
        genre=story.genre,
        parts=sum(prompt.role == "assistant" for prompt in whole),
        chars=len(text),
        when=day(visit.texts, story.touched_at),
        first=first or "…",
        last=last or "…",
    )
    number = story.session_id
    share = "unshare" if story.share_token else "share"
    keyboard = inline(
        [visit.button("story_continue", f"open:{number}"), visit.button("read", f"read:{number}")],
        [visit.button("download", f"files:{number}"), visit.button("rename", f"rename:{number}")],
        [visit.button(share, f"{share}:{number}"), visit.button("delete", f"delete:{number}")],
    )
    return html, keyboard


def open_story(visit: UpdateContext, story: Story) -> Toast:
    """«▶️ Продолжить»: exactly where it stopped, after a minute or a year."""
    visit.open(story.session_id)
    visit.go(Step.FINISHED if story.finished else Step.STORY)
    announce(visit)
    return None


def ask_name(visit: UpdateContext, story: Story) -> Toast:
    """Asks for the story's new name: the next words are it."""
    questions.ask(visit, Step.RENAME, story.session_id, "rename.ask", title=title_of(story))
    return None


def rename(visit: UpdateContext) -> None:
    """Names the story with the user's words, on one line, and goes back to where they were; says so where too long."""
    story = questions.asked_about(visit)
    if story is None or not questions.fits(visit):
        return
    name = " ".join(visit.words.split())
    visit.desk.db.stories.set_title(story.session_id, name, named=True)
    questions.go_back(visit)
    visit.say_here("rename.done", title=name)


def delete(visit: UpdateContext, story: Story) -> Toast:
    """Takes a story off the shelf; for a day a button brings it back."""
    if visit.desk.turns.writes_in(story.session_id):
        return "toast.writing"
    visit.desk.db.stories.delete(story.session_id, now())
    if visit.user.session_id == story.session_id:
        visit.desk.db.users.open_session(visit.user.id, None)
        visit.reload()
        if visit.step in (Step.STORY, Step.FINALE, Step.FINISHED):
            visit.go(Step.MENU)
            announce(visit)
    undo = visit.inline(visit.button("put_back", f"restore:{story.session_id}"))
    visit.edit("shelf.deleted", keyboard=undo, title=title_of(story))
    return None


def put_back(visit: UpdateContext, session_id: int) -> Toast:
    """Undoes a deletion: the message shows the story's card again. A pop-up where it is too late or not theirs."""
    story = visit.desk.db.stories.get(session_id)
    if story is None or story.user_id != visit.user.id or not visit.desk.db.stories.put_back(session_id):
        return "toast.past"
    html, keyboard = _card(visit, story)
    visit.edit_html(html, keyboard=keyboard)
    return "toast.saved"


# ---------------------------------------------------------------------- search


def ask_words(visit: UpdateContext, _: int) -> Toast:
    """Asks what to look for in the user's stories: the next words are it."""
    questions.ask(visit, Step.FIND, None, "find.ask")
    return None


def find(visit: UpdateContext) -> None:
    """The user's stories whose text has these words."""
    if not questions.fits(visit):
        return
    found = visit.desk.db.stories.search(visit.user.id, visit.words, limit=FOUND_MOST)
    questions.go_back(visit)
    if not found:
        visit.say_here("find.nothing", words=visit.words)
        return
    visit.say_here("find.back")
    rows = [[(_line(visit, story), f"card:{story.session_id}")] for story in found]
    visit.say("find.found", keyboard=inline(*rows), words=visit.words)


# ---------------------------------------------------------------------- files


def ask_format(visit: UpdateContext, story: Story) -> Toast:
    """«📖 Скачать»: which kind of file."""
    if story.head_id is None:
        return "toast.nothing_yet"
    buttons = [(name.upper(), f"{name}:{story.session_id}") for name in story_book.FORMATS]
    visit.say("files.ask", keyboard=inline(buttons), title=title_of(story))
    return None


def download(visit: UpdateContext) -> None:
    """The same for the open story, from its keyboard."""
    story = visit.story
    if story is None:
        story_screen.lost(visit)
    elif ask_format(visit, story) is not None:
        visit.say_here("whole.empty")


def send_file(visit: UpdateContext, story: Story, name: str) -> Toast:
    """Sends the story as the document called `name`; a pop-up where nothing is written yet."""
    if story.head_id is None:
        return "toast.nothing_yet"
    visit.envelope.send(story_book.document(story, name, visit.chat_id))
    return None


# ---------------------------------------------------------------------- links


def share(visit: UpdateContext, story: Story) -> Toast:
    """A link with which anybody may read the story and branch from it."""
    if story.head_id is None:
        return "toast.nothing_yet"
    token = story.share_token or secrets.token_urlsafe(12)
    visit.desk.db.stories.share(story.session_id, token)
    link = f"https://t.me/{visit.desk.username}?start={SHARE_PREFIX}{token}"
    take_back = visit.inline(visit.button("unshare", f"unshare:{story.session_id}"))
    visit.say("share.done", keyboard=take_back, title=title_of(story), link=link)
    return None


def unshare(visit: UpdateContext, story: Story) -> Toast:
    """Takes the story's link back: nobody can open it by that any more."""
    visit.desk.db.stories.share(story.session_id, None)
    visit.say("share.taken_back", title=title_of(story))
    return None


def open_shared(visit: UpdateContext, token: str) -> None:
    """A link was followed: the story to be read, and a branch of one's own to be begun from it."""
    story = visit.desk.db.stories.shared(token)
    if story is None or story.head_id is None:
        visit.say_here("share.gone")
        return
    author = visit.desk.db.users.get(story.user_id)
    visit.say("share.opened", title=title_of(story), author=author.first_name if author else "")
    story_screen.read(visit, story)
    begin = visit.inline(visit.button("own_branch", f"take:{token}"))
    visit.say("share.offer", keyboard=begin, title=title_of(story))


def take_shared(visit: UpdateContext, token: str) -> Toast:
    """A branch of one's own from a shared story: a copy, the author's stays as it is."""
    story = visit.desk.db.stories.shared(token)
    if story is None or story.head_id is None:
        return "toast.past"
    if not rewriting.may_copy(visit):
        return None
    rewriting.copy(visit, story, title_of(story))
    announce(visit)
    return None
