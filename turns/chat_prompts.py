"""The prompts of a talk: the role, the memory, what was said, and the question with what it quotes.

Pure: rows and texts in, messages out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conversation.localization import Texts
from core.schemas import Message
from database import Prompt, StoryPath
from turns.attached_files import NOTHING_ATTACHED, Attached
from turns.memory import MEMORY_CHARS
from yandex_gpt import build_prompt


def talk_messages(
    texts: Texts,
    system: str,
    path: StoryPath,
    speakers: Mapping[int, int],
    *,
    remembers: bool,
    soft: bool,
    attached: Attached = NOTHING_ATTACHED,
) -> list[Message]:
    """Return the whole prompt of a question, which is the last of the path. `system` has the memory already.

    `speakers` has a number for each user id if several people talk: their names aren't sent to a vendor.
    """
    said = path.prompts if remembers else path.prompts[-1:]
    answer_first = bool(said) and said[0].role == "assistant"  # its question went into the memory
    return build_prompt(
        system=system,
        opening=texts.prompt("talk.before") if answer_first else "",
        path=[said_message(texts, prompt, speakers, attached) for prompt in said],
        go_on=texts.prompt("wire.go_on"),
        closing=texts.prompt("talk.softer") if soft else "",
    )


def said_message(texts: Texts, prompt: Prompt, speakers: Mapping[int, int], attached: Attached) -> Message:
    """Return a prompt's words with the files that they are about, as far as those are sent again."""
    pictures = attached.pictures.get(prompt.id, ())
    return Message(prompt.role, said_text(texts, prompt, speakers, attached), pictures)


def said_text(texts: Texts, prompt: Prompt, speakers: Mapping[int, int], attached: Attached = NOTHING_ATTACHED) -> str:
    """Return a prompt's words, after the number of who says them, the message that they reply to, and their files."""
    said = texts.prompt("talk.quote", quoted=prompt.quoted, words=prompt.text) if prompt.quoted else prompt.text
    said = _with_files(texts, prompt, said, attached.texts.get(prompt.id, ""))
    if prompt.role != "user" or prompt.user_id not in speakers:
        return said
    return texts.prompt("talk.speaker", number=speakers[prompt.user_id], words=said)


def _with_files(texts: Texts, prompt: Prompt, said: str, text: str) -> str:
    """Return the words behind the marks of their files; a document's text stands there while it is sent."""
    for file in prompt.files:
        if file.kind == "text" and text:
            said = texts.prompt("file.text", name=file.name, quoted=text, words=said)
        elif file.kind == "text":
            said = texts.prompt("file.name", name=file.name, words=said)
    pictures = sum(file.kind == "picture" for file in prompt.files)
    if pictures == 1:
        return texts.prompt("file.picture", words=said)
    return texts.prompt("file.pictures", number=pictures, words=said) if pictures else said


def memory_messages(texts: Texts, memory: str, prompts: Sequence[Prompt], speakers: Mapping[int, int]) -> list[Message]:
    """Return the prompt that makes a talk's new memory out of the old one and what was said after it."""
    said = (texts.prompt(f"said.{prompt.role}", part=said_text(texts, prompt, speakers)) for prompt in prompts)
    return [Message("user", texts.prompt("talk.memory", memory=memory, parts="\n\n".join(said), limit=MEMORY_CHARS))]


def character_memory_messages(texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
    """Return the prompt that makes a character's new memory of its talk."""
    said = (texts.prompt(f"persona.said.{prompt.role}", part=said_text(texts, prompt, {})) for prompt in prompts)
    return [Message("user", texts.prompt("persona.memory", memory=memory, parts="\n\n".join(said), limit=MEMORY_CHARS))]
