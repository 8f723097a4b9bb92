"""A conversation in a private chat with topics: a story in a topic of its own, photos, an album, and a payment.

Its model speaks OpenAI's way, and takes pictures.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from PIL import Image

from sandbox.client import Wanted
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.paying import SHOP, is_invoice
from tests.played_conversation import PACK, RICH, WAIT_S, Conversation, Step, Talk, pay

FIRST_PART = "Чайник запел."
MODEL = "qwen3.6-35b-a3b"
Place: TypeAlias = Callable[[Talk], ChatUser]


class TopicsTalk(Talk):
    """Anna in the main topic, in that of her story, and in one of her own."""

    def __init__(self, harness: BotHarness, page_port: int) -> None:
        super().__init__(harness, page_port)
        self.story = self.other = self.anna

    def find_story(self) -> ChatUser | None:
        """Return Anna in the topic that has the story's first part."""
        for message in self.anna.bot_messages:
            if message.topic_id and FIRST_PART in message.text:
                return ChatUser(self.anna.api, self.anna.user, self.anna.chat, message.topic_id)
        return None


@cache
def _photo(colour: str, width: int = 640) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, 480), colour).save(content, "JPEG")
    return content.getvalue()


def _topics(talk: Talk) -> TopicsTalk:
    assert isinstance(talk, TopicsTalk)
    return talk


def _in_main(talk: Talk) -> ChatUser:
    return talk.anna


def _in_story(talk: Talk) -> ChatUser:
    return _topics(talk).story


def _in_other(talk: Talk) -> ChatUser:
    return _topics(talk).other


def _begin(talk: Talk) -> None:
    """Have the first part written: in a topic that the bot makes."""
    talk.anna.press("✨ Начать историю")
    found = until(_topics(talk).find_story, WAIT_S)
    assert found is not None
    _topics(talk).story = found


def _open_topic(talk: Talk) -> None:
    other = talk.anna.new_topic("Разное")
    _topics(talk).other = other
    other.send("/chat")


def _delete_story(talk: Talk) -> None:
    _topics(talk).story.delete_topic()
    talk.anna.send("/help")


def _photo_of(colour: str, words: str) -> Callable[[Talk], object]:
    return lambda talk: _in_other(talk).photo(_photo(colour), words)


def _album(talk: Talk) -> None:
    _in_other(talk).album(2, "Где ярче?", pictures=[_photo("red"), _photo("blue", 320)])


def _send(text: str, reads: Wanted, says: str = "", where: Place = _in_main) -> Step:
    return Step(text, lambda talk: where(talk).send(text), reads, Behaviour(text=says or None), where)


def _press(label: str, reads: Wanted, says: str = "", where: Place = _in_main) -> Step:
    return Step(label, lambda talk: where(talk).press(label), reads, Behaviour(text=says or None), where)


def _tap(label: str, reads: Wanted, where: Place = _in_main) -> Step:
    return Step(label, lambda talk: where(talk).tap(label), reads, where=where)


STEPS = (
    _send("/start", "Кнопки под сообщением"),
    _press("📖 Новая история", "Какую историю"),
    _press("Сказка", "Кто герой"),
    _send("Чайник: не кипит", "Где всё случится"),
    _send("Кухня: темно", "Шаг 4"),
    _press("Пропустить", "Начинаем?"),
    Step("the first part", _begin, FIRST_PART, Behaviour(text=f"{FIRST_PART} Никто не спал."), _in_story),
    _send("Он встал.", "Пол скрипнул.", "Пол скрипнул. Кот ушёл.", _in_story),
    _press("▶️ Дальше", "Свет погас.", "Свет погас. Стало тихо.", _in_story),
    Step("a topic of her own", _open_topic, "💬", where=_in_other),
    Step("a photo", _photo_of("navy", "Что тут?"), "Вижу море.", Behaviour(text="Вижу море. Ночь."), _in_other),
    _send("А в углу?", "Там лодка.", "Там лодка.", _in_other),
    _send("/balance", "Осталось", where=_in_other),
    _tap("⭐ Купить", "Токены за звёзды", _in_other),
    _tap(PACK, is_invoice, _in_other),
    Step("a payment", lambda talk: pay(talk, _in_other(talk)), "Прибавилось"),
    Step("an album", _album, "Ярче первый.", Behaviour(text="Ярче первый. Он красный."), _in_other),
    _send("🏁 Финал", "Каким будет конец", where=_in_story),
    _send("😊 Счастливый", "Дописали!", "Утро на кухне", _in_story),
    _tap("🎨 Обложка", "Нарисую обложку", _in_story),
    _send("/stories", "Ваши истории"),
    Step("the story's topic is deleted", _delete_story, "Мы пишем историю вдвоём"),
)
CONVERSATION = Conversation("t", TopicsTalk, {"YANDEX_MODEL": MODEL} | RICH | SHOP, STEPS, has_topics=True)
