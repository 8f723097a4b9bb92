"""«⚙️ Ещё» and what is behind it: the story's memory, its tone and length; and the user's language."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.states import Step
from database import Story
from handlers import questions
from handlers import story as story_screen
from handlers.context import UpdateContext
from turns.story_outcomes import title_of

Toast = str | None  # the key of a pop-up answer, if there is one


def more(context: UpdateContext) -> None:
    """The buttons that are needed less often."""
    story = context.story
    if story is None:
        story_screen.lost(context)
        return
    number = story.session_id
    rows = [
        [context.button("memory", f"memory:{number}"), context.button("tone", f"tone:{number}")],
        [context.button("correct", f"correct:{number}"), context.button("branch", f"branch:{number}")],
        [context.button("illustrate", f"picture:{number}"), context.button("narrate", f"voice:{number}")],
        [context.button("download", f"files:{number}")],
    ]
    context.say("more.line", title=title_of(story), keyboard=inline(*rows))


# ---------------------------------------------------------------------- memory


def show_memory(context: UpdateContext, story: Story) -> Toast:
    """What the model remembers of the older text, to be read and changed."""
    path = context.services.db.tree.path(story.head_id)
    if story.head_id is None:
        return "toast.nothing_yet"
    if path.memory:
        questions.ask(context, Step.MEMORY, story.session_id, "memory.ask", memory=path.memory)
    else:
        questions.ask(context, Step.MEMORY, story.session_id, "memory.ask_empty")
    return None


def rewrite_memory(context: UpdateContext) -> None:
    """The user's own wording of the memory; the original text stays whole."""
    story = questions.asked_about(context)
    if story is None or not questions.fits(context):
        return
    tree = context.services.db.tree
    path = tree.path(story.head_id)
    # It hangs on the text that the old one ended at; a story without a memory has it before its last two texts.
    hangs_on = (
        path.memory_id if path.memory_id is not None else (path.prompts[-3].id if len(path.prompts) > 2 else None)
    )
    if hangs_on is None:
        context.say_here("memory.too_early")
        return
    tree.remember(hangs_on, context.words, edited=True)
    questions.go_back(context)
    context.say_here("memory.done")


def rebuild_memory(context: UpdateContext) -> None:
    """«🔄 Собрать заново»: the model reads the original text again."""
    story = questions.asked_about(context)
    if story is not None and story_screen.affordable(context, story, "memory"):
        questions.go_back(context)
        context.say_here("memory.rebuilding")
        context.ask("memory", story.session_id, story.head_id)


# ---------------------------------------------------------------------- tone and length


def ask_tone(context: UpdateContext, story: Story) -> Toast:
    """Asks for the story's tone or length of parts, and says what both are now."""
    tone = story.tone or context.texts.label("tone_any")
    length = context.texts.label(f"length_{story.length}")
    questions.ask(context, Step.TONE, story.session_id, "tone.ask", tone=tone, length=length)
    return None


def set_tone(context: UpdateContext) -> None:
    """The user's words become the story's tone, or the button that leaves it open; then back to where they were."""
    story = questions.asked_about(context)
    if story is None or not questions.fits(context):
        return
    tone = "" if context.key == "tone_any" else context.words
    context.services.db.stories.set_tone(story.session_id, tone)
    questions.go_back(context)
    context.say_here("tone.done", tone=tone or context.texts.label("tone_any"))


def set_length(context: UpdateContext) -> None:
    """The pressed button becomes the story's length of parts; then back to where the user was."""
    story = questions.asked_about(context)
    if story is not None:
        context.services.db.stories.set_length(story.session_id, context.key.removeprefix("length_"))
        questions.go_back(context)
        context.say_here("tone.length_done", length=context.texts.label(context.key))
