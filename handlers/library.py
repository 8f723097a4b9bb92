"""«📚 Мои истории»: the shelf, a story's card, its name, deletion with a day to undo, search, files, links.

The shelf is a message with buttons; only opening a story moves the user. Callback data hold ids, and whoever presses
must own the story.
"""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import copy_button, inline, page_row, pages_of, reply
from conversation.localization import Html
from conversation.steps import ANSWERS, Step
from conversation.story_draft import Draft
from core.graphemes import first_letters, last_letters
from core.schemas import Json, Outgoing
from database import Story
from export import story_book
from export.formats import FORMATS
from handlers import branches, finished, inline_mode, open_questions, public_shelf, publishing, questions
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.dates import day
from handlers.refusals import over_step
from handlers.step_prompts import announce, story_line
from telegram.update_result import NOTHING, UpdateResult
from turns import share_cards
from turns.message_view import sentence, text_of, title_of
from turns.story_topics import renamed
from turns.text_cleanup import first_sentences, last_sentence

PAGE = 6
FOUND_MOST = 6
SENTENCE_CHARS = 160


def shelf(context: UpdateContext) -> UpdateResult:
    """Show the first page of the user's stories."""
    stories = context.db.stories.count_of(context.user.id)
    if not stories:
        begin = [context.button("lucky", "go:lucky"), context.button("new_story", "go:new_story")]
        buttons = inline(begin, *[[button] for button in _public(context)])
        return context.say("shelf.empty", keyboard=buttons)
    return context.say("shelf.line", keyboard=_page(context, 0), n=stories)


def turn_page(context: UpdateContext, page: int) -> UpdateResult:
    """Show another page of the shelf in the same message; the first if that page is gone."""
    stories = context.db.stories.count_of(context.user.id)
    if page * PAGE >= stories:
        page = 0
    return context.edit("shelf.line", keyboard=_page(context, page), n=stories)


def _page(context: UpdateContext, page: int) -> Json:
    stories = context.db.stories
    shown = stories.of_user(context.user.id, limit=PAGE, offset=page * PAGE)
    pages = pages_of(stories.count_of(context.user.id), PAGE)
    rows = [[(_line(context, story), f"card:{story.session_id}")] for story in shown]
    if pages > 1:
        rows.append(page_row("shelf", page, pages))
    rows.append([context.button("find", "find:0"), *_public(context)])
    return inline(*rows)


def _public(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button of the public shelf, if it is on."""
    return [context.button("public_shelf", "public:open")] if public_shelf.is_on(context) else []


def _line(context: UpdateContext, story: Story) -> str:
    """«Маяк · 12 частей · вчера»."""
    parts = context.db.tree.parts(story.head_id, story.starts_after)
    when = day(context.texts, story.touched_at)
    mark = "🏁 " if story.finished else ""
    return context.texts.plain("shelf.story", title=f"{mark}{title_of(story)}", parts=parts, when=when)


# ---------------------------------------------------------------------- a card


def card(context: UpdateContext, story: Story) -> UpdateResult:
    """Show the story's card, with a button for each thing that can be done with it."""
    html, keyboard = _card(context, story)
    return context.send(html, keyboard=keyboard)


def _card(context: UpdateContext, story: Story) -> tuple[Html, Json]:
    whole = context.db.tree.whole(story.head_id, story.starts_after)
    text = text_of(whole)
    first = first_letters(first_sentences(text, 1), SENTENCE_CHARS)
    last = last_letters(last_sentence(text), SENTENCE_CHARS)
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
    close_link = [context.button("unshare", f"unshare:{number}")] if story.share_token else []
    keyboard = inline(
        [context.button("story_continue", f"open:{number}"), context.button("read", f"read:{number}")],
        [context.button("download", f"files:{number}"), context.button("rename", f"rename:{number}")],
        [context.button("share", f"share:{number}"), context.button("delete", f"delete:{number}")],
        *[row for row in [publishing.row(context, story), close_link] if row],
    )
    return html, keyboard


def open_story(context: UpdateContext, story: Story) -> UpdateResult:
    """«▶️ Продолжить»: open a story exactly where it stopped; of a finished one, show the ways on."""
    if story.topic_id and story.topic_id != context.topic_id:
        return _open_in_its_topic(context, story)
    context.open(story.session_id)
    context.go(Step.FINISHED if story.finished else Step.STORY)
    return announce(context) + finished.ways(context, story) if story.finished else announce(context)


def _open_in_its_topic(context: UpdateContext, story: Story) -> UpdateResult:
    """Open a story in the topic that it is told in, and say here that it is there."""
    step, texts = Step.FINISHED if story.finished else Step.STORY, context.texts
    with context.db.topic_states.within(context.user.id, context.chat_id, story.topic_id):
        user = context.db.users.get(context.user.id)
        if user is not None:
            context.db.users.move(user.id, user.step, step)
        context.db.users.open_session(context.user.id, story.session_id)
        context.db.topic_states.leave_elsewhere(context.user.id, story.session_id)
    context.reload()
    keyboard = reply(texts, step, Draft(), has_story=not story.finished)
    line = sentence(context.chat_id, story_line(context, story), keyboard)
    there = context.deliver(line.in_topic(context.chat_id, story.topic_id))
    return there + context.say("topic.lives_there", title=title_of(story))


def continue_story(context: UpdateContext) -> UpdateResult:
    """/continue: open the last story where it stopped; without one, show the shelf."""
    story = context.story
    return open_story(context, story) if story is not None and not story.deleted else shelf(context)


def ask_name(context: UpdateContext, story: Story) -> UpdateResult:
    """Ask for the story's new name."""
    under, title = context.message_id, title_of(story)
    return questions.ask(context, Step.RENAME, story.session_id, "rename.ask", under=under, title=title)


@questions.about_story
def rename(context: UpdateContext, story: Story) -> UpdateResult:
    """Name the story with the user's words, on one line, also on its card, and go back to where they were."""
    if refusal := over_step(context):
        return refusal
    name = " ".join(context.words.split())
    context.db.stories.set_title(story.session_id, name, named=True)
    topic = context.deliver(*renamed(replace(story, title=name)))
    card_id = context.user.asked_under
    questions.go_back(context)
    return topic + _card_again(context, story.session_id, card_id) + context.say_here("rename.done", title=name)


def _card_again(context: UpdateContext, session_id: int, card_id: int | None) -> UpdateResult:
    """Change the message of a story's card to what the card says now."""
    story = context.db.stories.get(session_id)
    if card_id is None or story is None:
        return NOTHING
    html, keyboard = _card(context, story)
    params: dict[str, Json] = {"message_id": card_id, "text": html, "parse_mode": "HTML", "reply_markup": keyboard}
    return context.deliver(Outgoing(context.chat_id, "editMessageText", params))


def delete(context: UpdateContext, story: Story) -> UpdateResult:
    """Take a story off the shelf; for a day a button brings it back."""
    if context.turns.writes_in(story.session_id):
        return context.toast("toast.writing")
    keyboard = context.keyboard()
    context.db.stories.delete(story.session_id, now())
    context.db.shelf.withdraw(story.session_id)
    if context.user.session_id == story.session_id:
        context.db.users.open_session(context.user.id, None)
        context.reload()
        if context.step in (Step.STORY, Step.FINALE, Step.FINISHED):
            context.go(Step.MENU)
    menu = NOTHING
    if context.step in ANSWERS and context.user.asks_about == story.session_id:
        menu = questions.leave(context)
    elif context.keyboard() != keyboard:
        menu = announce(context)
    undo = context.inline(context.button("put_back", f"restore:{story.session_id}"))
    return menu + context.edit("shelf.deleted", keyboard=undo, title=title_of(story))


def put_back(context: UpdateContext, session_id: int) -> UpdateResult:
    """Undo a deletion: the message shows the story's card again."""
    story = context.db.stories.get(session_id)
    if story is None or not story.is_own_of(context.user.id) or not context.db.stories.put_back(session_id):
        return context.toast("toast.past")
    html, keyboard = _card(context, story)
    return context.edit_html(html, keyboard=keyboard) + context.toast("toast.saved")


# ---------------------------------------------------------------------- search


def ask_words(context: UpdateContext, _: int) -> UpdateResult:
    """Ask what to look for in the user's stories."""
    return questions.ask(context, Step.FIND, None, "find.ask")


def find(context: UpdateContext) -> UpdateResult:
    """Show the user's stories whose text has their words."""
    if refusal := over_step(context):
        return refusal
    found = context.db.stories.search(context.user.id, context.words, limit=FOUND_MOST)
    questions.go_back(context)
    if not found:
        return context.say_here("find.nothing", words=context.words)
    rows = [[(_line(context, story), f"card:{story.session_id}")] for story in found]
    found_here = context.say("find.found", keyboard=inline(*rows), words=context.words)
    return context.say_here("find.back") + found_here


# ---------------------------------------------------------------------- files


def ask_format(context: UpdateContext, story: Story) -> UpdateResult:
    """«📖 Скачать»: ask which kind of file."""
    if story.head_id is None:
        return context.toast("toast.nothing_yet")
    buttons = [(name.upper(), f"{name}:{story.session_id}") for name in FORMATS]
    return context.say("files.ask", keyboard=inline(buttons), title=title_of(story))


@story_screen.of_open_story
def download(context: UpdateContext, story: Story) -> UpdateResult:
    """Ask which kind of file for the open story, from its keyboard."""
    return context.say_here("whole.empty") if story.head_id is None else ask_format(context, story)


def send_file(context: UpdateContext, story: Story, name: str) -> UpdateResult:
    """Send the story as a document of the format `name`."""
    if story.head_id is None:
        return context.toast("toast.nothing_yet")
    return context.deliver(story_book.document(story, name, context.chat_id))


# ---------------------------------------------------------------------- links


def share(context: UpdateContext, story: Story) -> UpdateResult:
    """Make a link by which anybody may read the story and branch from it, and offer ways to send it."""
    if story.head_id is None:
        return context.toast("toast.nothing_yet")
    token = context.db.sharing.offer(story)
    context.db.stories.share(story.session_id, token)
    link = share_cards.link(context.services.username, f"{share_cards.STORY_LINK}{token}")
    take_back = context.button("unshare", f"unshare:{story.session_id}")
    buttons = inline(copy_button(context.texts.label("copy_link"), link), [take_back])
    if context.services.inline_mode and story.chat_id >= 0:
        send = context.texts.plain("inline.send"), inline_mode.one_story(story.session_id)
        buttons = share_cards.with_send_button(buttons, *send)
    return context.say("share.done", keyboard=buttons, title=title_of(story), link=link)


@story_screen.of_open_story
def share_open(context: UpdateContext, story: Story) -> UpdateResult:
    """Make a link to the open story."""
    return context.say_here("whole.empty") if story.head_id is None else share(context, story)


def unshare(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the story's link back; who presses «📤 Поделиться» at once gets another."""
    context.db.stories.share(story.session_id, None)
    return context.say("share.taken_back", title=title_of(story)) + open_questions.forget_all(context)


def open_shared(context: UpdateContext, token: str) -> UpdateResult:
    """Answer a followed link: show the story, and offer to begin a branch from it."""
    story = context.db.sharing.opened(token)
    if story is None or story.head_id is None:
        return context.say_here("share.gone")
    author = context.db.users.get(story.user_id)
    opened = context.say("share.opened", title=title_of(story), author=author.first_name if author else "")
    begin = context.inline(context.button("own_branch", f"take:{token}"))
    offered = context.say("share.offer", keyboard=begin, title=title_of(story))
    return opened + story_screen.read(context, story) + offered


def take_shared(context: UpdateContext, token: str) -> UpdateResult:
    """Begin a branch from a shared story: a copy, the author's story stays as it is."""
    story = context.db.stories.shared(token)
    if story is None or story.head_id is None:
        return context.toast("toast.past")
    if refusal := branches.too_many_copies(context):
        return refusal
    branches.copy(context, story, title_of(story))
    return announce(context)
