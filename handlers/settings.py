"""«⚙️ Ещё» and what is behind it: the story's memory, its tone and length; and the user's language."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.states import Step
from database import Story
from handlers import questions
from handlers import story as story_screen
from handlers.context import UpdateContext
from turns.message_view import title_of

Toast = str | None  # the key of a pop-up answer, if there is one


def more(visit: UpdateContext) -> None:
    """The buttons that are needed less often."""
    story = visit.story
    if story is None:
        story_screen.lost(visit)
        return
    number = story.session_id
    rows = [
        [visit.button("memory", f"memory:{number}"), visit.button("tone", f"tone:{number}")],
        [visit.button("correct", f"correct:{number}"), visit.button("branch", f"branch:{number}")],
        [visit.button("illustrate", f"picture:{number}"), visit.button("narrate", f"voice:{number}")],
        [visit.button("download", f"files:{number}")],
    ]
    visit.say("more.line", title=title_of(story), keyboard=inline(*rows))


# ---------------------------------------------------------------------- memory


def show_memory(visit: UpdateContext, story: Story) -> Toast:
    """What the model remembers of the older text, to be read and changed."""
    path = visit.desk.db.tree.path(story.head_id)
    if story.head_id is None:
        return "toast.nothing_yet"
    if path.memory:
        questions.ask(visit, Step.MEMORY, story.session_id, "memory.ask", memory=path.memory)
    else:
        questions.ask(visit, Step.MEMORY, story.session_id, "memory.ask_empty")
    return None


def rewrite_memory(visit: UpdateContext) -> None:
    """The user's own wording of the memory; the original text stays whole."""
    story = questions.asked_about(visit)
    if story is None or not questions.fits(visit):
        return
    tree = visit.desk.db.tree
    path = tree.path(story.head_id)
    # It hangs on the text that the old one ended at; a story without a memory has it before its last two texts.
    hangs_on = (
        path.memory_id if path.memory_id is not None else (path.prompts[-3].id if len(path.prompts) > 2 else None)
    )
    if hangs_on is None:
        visit.say_here("memory.too_early")
        return
    tree.remember(hangs_on, visit.words, edited=True)
    questions.go_back(visit)
    visit.say_here("memory.done")


def rebuild_memory(visit: UpdateContext) -> None:
    """«🔄 Собрать заново»: the model reads the original text again."""
    story = questions.asked_about(visit)
    if story is not None and story_screen.affordable(visit, story, "memory"):
        questions.go_back(visit)
        visit.say_here("memory.rebuilding")
        visit.ask("memory", story.session_id, story.head_id)


# ---------------------------------------------------------------------- tone and length


def ask_tone(visit: UpdateContext, story: Story) -> Toast:
    """Asks for the story's tone or length of parts, and says what both are now."""
    tone = story.tone or visit.texts.label("tone_any")
    length = visit.texts.label(f"length_{story.length}")
    questions.ask(visit, Step.TONE, story.session_id, "tone.ask", tone=tone, length=length)
    return None


def set_tone(visit: UpdateContext) -> None:
    """The user's words become the story's tone, or the button that leaves it open; then back to where they were."""
    story = questions.asked_about(visit)
    if story is None or not questions.fits(visit):
        return
    tone = "" if visit.key == "tone_any" else visit.words
    visit.desk.db.stories.set_tone(story.session_id, tone)
    questions.go_back(visit)
    visit.say_here("tone.done", tone=tone or visit.texts.label("tone_any"))


def set_length(visit: UpdateContext) -> None:
    """The pressed button becomes the story's length of parts; then back to where the user was."""
    story = questions.asked_about(visit)
    if story is not None:
        visit.desk.db.stories.set_length(story.session_id, visit.key.removeprefix("length_"))
        questions.go_back(visit)
        visit.say_here("tone.length_done", length=visit.texts.label(visit.key))
