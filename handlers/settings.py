"""«⚙️ Ещё»: the story's memory, its tone and its length."""

from __future__ import annotations

from conversation.keyboards import copy_button, inline
from conversation.steps import Step
from database import Story
from handlers import questions
from handlers import story as story_screen
from handlers.context import UpdateContext
from handlers.refusals import over_limit, over_step
from telegram.update_result import UpdateResult
from turns import work_notices
from turns.message_view import title_of


@story_screen.of_open_story
def more(context: UpdateContext, story: Story) -> UpdateResult:
    """Show the buttons that are needed less often, in place of those that were shown last."""
    number = story.session_id
    rows = [
        [context.button("memory", f"memory:{number}"), context.button("tone", f"tone:{number}")],
        [context.button("keep_in_mind", f"mind:{number}")],
        [context.button("correct", f"correct:{number}"), context.button("branch", f"branch:{number}")],
        [context.button("illustrate", f"picture:{number}"), context.button("narrate", f"voice:{number}")],
        [context.button("hero_talk", f"hero:{number}")],
        [context.button("download", f"files:{number}"), context.button("share", f"share:{number}")],
        [context.button("bring_more", f"bring_more:{number}")],
    ]
    last = context.deliver(*work_notices.left(context.db, context.chat_id, context.topic_id))
    return last + context.say_meanwhile("more.line", title=title_of(story), keyboard=inline(*rows))


# ---------------------------------------------------------------------- memory


def show_memory(context: UpdateContext, story: Story) -> UpdateResult:
    """Show what the model remembers of the older text, and ask for a better wording."""
    path = context.db.tree.path(story.head_id)
    if story.head_id is None:
        return context.toast("toast.nothing_yet")
    if path.memory:
        asked = questions.ask(context, Step.MEMORY, story.session_id, "memory.ask", memory=path.memory)
        row = copy_button(context.texts.label("copy_memory"), path.memory)
        return asked + context.say("memory.copy", keyboard=inline(row)) if row else asked
    return questions.ask(context, Step.MEMORY, story.session_id, "memory.ask_empty")


@questions.about_story
def rewrite_memory(context: UpdateContext, story: Story) -> UpdateResult:
    """Store the user's wording of the memory; the original text stays whole."""
    if refusal := over_step(context):
        return refusal
    tree = context.db.tree
    path = tree.path(story.head_id)
    # The memory belongs to the text that the old one ended at; without an old one, to the last text but two.
    hangs_on = (
        path.memory_id if path.memory_id is not None else (path.prompts[-3].id if len(path.prompts) > 2 else None)
    )
    if hangs_on is None:
        return context.say_here("memory.too_early")
    tree.remember(hangs_on, context.words, edited=True)
    questions.go_back(context)
    return context.say_here("memory.done")


@questions.about_story
def rebuild_memory(context: UpdateContext, story: Story) -> UpdateResult:
    """«🔄 Собрать заново»: have the model read the original text again."""
    if refusal := over_limit(context, "memory", story.session_id):
        return refusal
    questions.go_back(context)
    started = context.start_turn("memory", story.session_id, story.head_id)
    return context.say_here("memory.rebuilding") + started


# ---------------------------------------------------------------------- tone and length


def ask_tone(context: UpdateContext, story: Story) -> UpdateResult:
    """Ask for the story's tone or the length of its parts, and say what both are now."""
    tone = tone_of(context, story)
    length = context.texts.label(f"length_{story.length}")
    return questions.ask(context, Step.TONE, story.session_id, "tone.ask", tone=tone, length=length)


def tone_of(context: UpdateContext, story: Story) -> str:
    """Return a story's tone as its reader knows it: a ready one by the label of their language."""
    key = context.services.locales.key_of(story.tone) or "" if story.tone else "tone_any"
    return context.texts.label(key) if key.startswith("tone_") else story.tone


@questions.about_story
def set_tone(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the user's words as the story's tone, or the button that leaves it open."""
    if refusal := over_step(context):
        return refusal
    tone = "" if context.key == "tone_any" else context.words
    context.db.stories.set_tone(story.session_id, tone)
    questions.go_back(context)
    return context.say_here("tone.done", tone=tone or context.texts.label("tone_any"))


@questions.about_story
def set_length(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the pressed button as the length of the story's parts."""
    context.db.stories.set_length(story.session_id, context.key.removeprefix("length_"))
    questions.go_back(context)
    return context.say_here("tone.length_done", length=context.texts.label(context.key))
