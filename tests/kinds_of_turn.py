"""For each kind of turn: who may start it, how a user does so, and what the answer and its lack look like in the chat.

`test_every_turn.py` plays its scenes with every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.model_faults import Behaviour, Kind, Received, Rule
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness
from tests.recordings import recording

Shown = Callable[[ChatMessage], bool]

TEXT = "Стало светло."
WORDS = "И тут пошёл дождь."
AWAY = "Не получилось обработать запрос"
NO_TOKENS_TO_TALK = "Токены кончились"
STOPPED_BESIDE = "Остановил, за это ничего не списано"
KEPT_WORDS = "Сообщение сохранил"
_OUTLINE = '{"genre": "Сказка", "hero": "Лампа: не гаснет", "setting": "Порт: шумит", "wish": "Пусть идёт дождь."}'
_OPTIONS = '{"options": ["Он сел.", "Он лёг.", "Он спел."]}'


def says(*texts: str) -> Shown:
    """Return a condition: a message that has all of these texts."""
    return lambda message: all(text in message.text for text in texts)


def brings(kind: str) -> Shown:
    """Return a condition: a message with a file of this kind."""
    return lambda message: message.attachment is not None and message.attachment.kind == kind


@dataclass(frozen=True, slots=True)
class KindOfTurn:
    """One kind of turn as its user knows it."""

    name: str  # in the database
    somebody: Callable[[BotHarness, int], ChatUser]  # who may start it
    start: Callable[[ChatUser], None]
    shown: Shown  # by the answer
    stopped: str  # said where it is stopped before its answer
    then: Shown  # what becomes of words that came while it ran
    then_stopped: Shown | None = None  # the same where it was stopped; None: as `then`
    words_wait: bool = True  # False: such words are taken at once
    service: Kind = "completion"
    streams: bool = False
    away: str = AWAY
    no_tokens: str = "Ходы кончились"
    can_be_repeated: bool = True
    purpose: str = ""  # of its call, where that has another name than the kind

    def newest(self, harness: BotHarness) -> int:
        """Return the id of the newest turn of this kind."""
        return int(harness.db.last("turn", "id", kind=self.name))

    def calls(self, harness: BotHarness, turn_id: int) -> list[str]:
        """Return the states of the calls that a turn of this kind has made for its answer."""
        return harness.db.values("call", "state", turn_id=turn_id, purpose=self.purpose or self.name)

    def is_asked_by(self, received: Received) -> bool:
        """Return whether a request is this kind's own, and not one for what comes before or after it."""
        if received.kind != self.service:
            return False
        return received.kind != "completion" or self.streams == bool(received.body["completionOptions"].get("stream"))

    def meets(self, behaviour: Behaviour) -> Rule:
        """Return a rule: this kind's own requests meet `behaviour`, all others their answer."""
        return lambda received: behaviour if self.is_asked_by(received) else answers(received)

    def requests(self, harness: BotHarness) -> int:
        """Return how many requests of this kind the services have had."""
        return sum(map(self.is_asked_by, harness.models.of(self.service)))


def answers(received: Received) -> Behaviour:
    """Return the rule by which everything is answered."""
    if received.kind == "stt":
        return Behaviour(heard=TEXT)
    if received.kind != "completion":
        return Behaviour()
    if "jsonSchema" not in received.body:
        return Behaviour(text=TEXT)
    return Behaviour(text=_OUTLINE if "hero" in received.body["jsonSchema"]["schema"]["properties"] else _OPTIONS)


# ---------------------------------------------------------------------- who may start it


def _newcomer(harness: BotHarness, user_id: int) -> ChatUser:
    return harness.new_person(user_id)


def _writer(harness: BotHarness, user_id: int) -> ChatUser:
    return harness.writer(user_id)


def _reader_of_memory(harness: BotHarness, user_id: int) -> ChatUser:
    person = harness.writer(user_id)
    for text in ("Вторая.", "Третья."):  # the last two parts never become memory
        harness.says(text)
        person.press("▶️ Дальше")
        person.wait(text)
    _behind_more(person, "🧠 Память")
    person.wait("помню историю дословно")
    return person


def _reader_of_an_end(harness: BotHarness, user_id: int) -> ChatUser:
    person = harness.writer(user_id)
    _end(person)
    person.wait("Дописали!")
    return person


def _in_chat(harness: BotHarness, user_id: int) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    return person


def _hearing_answers(harness: BotHarness, user_id: int) -> ChatUser:
    person = _in_chat(harness, user_id)
    person.press("🎓 Роль")
    person.wait("Кем мне быть")
    person.tap("🔊 Голос ответов")
    person.wait("Читать вслух каждый ответ: нет")
    person.tap("🔊 Читать вслух каждый ответ")
    person.wait("Читать вслух каждый ответ: да")
    return person


def _with_character(harness: BotHarness, user_id: int) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("🎭 Отвечает")
    return person


# ---------------------------------------------------------------------- how it is started


def _behind_more(person: ChatUser, button: str) -> None:
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(button)


def _write(person: ChatUser) -> None:
    person.send("Он встал и зажёг лампу.")


def _end(person: ChatUser) -> None:
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😊 Счастливый")


def _suggest(person: ChatUser) -> None:
    person.press("💡 Подскажи")


def _remember(person: ChatUser) -> None:
    person.press("🔄 Собрать заново")


def _add_epilogue(person: ChatUser) -> None:
    person.send("Прошло десять лет.")
    person.wait(KEPT_WORDS)
    person.tap("✍️ Эпилог")


def _illustrate(person: ChatUser) -> None:
    _behind_more(person, "🎨 Иллюстрация")
    person.wait("Нарисую последнюю часть")
    person.tap("🎨 Нарисовать")


def _cover(person: ChatUser) -> None:
    person.tap("🎨 Обложка")
    person.wait("Нарисую обложку")
    person.tap("🎨 Нарисовать")


def _read_aloud(person: ChatUser) -> None:
    _behind_more(person, "🔊 Озвучить")
    person.wait("Каким голосом")
    person.tap("Филипп")


def _draw(person: ChatUser) -> None:
    person.send("/image кот на маяке")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")


def _begin_from_words(person: ChatUser) -> None:
    person.send("Старая лампа, которая не гаснет.")
    person.wait(KEPT_WORDS)
    person.tap("✨ В новую историю")


def _bring(person: ChatUser) -> None:
    person.send("/new_story")
    person.wait("Какую историю напишем")
    person.press("📥 Принести свою историю")
    person.wait("Пришлите свою историю файлом")
    person.document("Маяк.txt", "Старая лампа горела на мысу, и никто не знал, кто её зажёг.".encode())


def _speak(person: ChatUser) -> None:
    person.voice(recording())


_TEXT, _KEPT = says(TEXT), says(KEPT_WORDS)
_ALL = (
    KindOfTurn("part", _writer, _write, _TEXT, "Ваши слова сохранены", _TEXT, streams=True),
    KindOfTurn(
        "ending", _writer, _end, _TEXT, "ничего не написано и не потрачено", _KEPT, then_stopped=_TEXT, streams=True
    ),
    KindOfTurn(
        "title",
        _writer,
        _end,
        says("Дописали!", TEXT.rstrip(".")),
        "Дописали!",
        _KEPT,
        away="Смотритель Маяк",  # the working title
        can_be_repeated=False,
    ),
    KindOfTurn(
        "epilogue",
        _reader_of_an_end,
        _add_epilogue,
        _TEXT,
        "Ваши слова сохранены",
        _KEPT,
        words_wait=False,
        streams=True,
    ),
    KindOfTurn("suggest", _writer, _suggest, says("Выберите или напишите своё"), STOPPED_BESIDE, _TEXT),
    KindOfTurn("memory", _reader_of_memory, _remember, says("Перечитал"), STOPPED_BESIDE, _TEXT, purpose="summary"),
    KindOfTurn(
        "chat", _in_chat, _write, _TEXT, "ничего не потрачено", _TEXT, streams=True, no_tokens=NO_TOKENS_TO_TALK
    ),
    KindOfTurn(
        "character",
        _with_character,
        _write,
        _TEXT,
        "ничего не потрачено",
        _TEXT,
        streams=True,
        no_tokens=NO_TOKENS_TO_TALK,
    ),
    KindOfTurn("picture", _writer, _illustrate, brings("photo"), STOPPED_BESIDE, _TEXT, service="image"),
    KindOfTurn(
        "cover",
        _reader_of_an_end,
        _cover,
        brings("photo"),
        STOPPED_BESIDE,
        _KEPT,
        words_wait=False,
        service="image",
    ),
    KindOfTurn(
        "speaking",
        _hearing_answers,
        _write,
        brings("voice"),
        "Вслух не читаю",
        _TEXT,
        service="tts",
        away="прочитать ответ вслух",
        no_tokens=NO_TOKENS_TO_TALK,
    ),
    KindOfTurn("reading", _writer, _read_aloud, brings("voice"), STOPPED_BESIDE, _TEXT, service="tts"),
    KindOfTurn("image", _writer, _draw, brings("photo"), "Хорошо, не рисую", _TEXT, service="image"),
    KindOfTurn(
        "outline",
        _newcomer,
        _begin_from_words,
        says("Лампа: не гаснет", "Начинаем?"),
        "карточку не собрал",
        lambda message: (
            "в пожелания новой истории" in message.text or "всё готово к началу" in message.text
        ),  # at the card they go nowhere
        words_wait=False,
        away="Какую историю напишем",
        no_tokens="Какую историю напишем",
        can_be_repeated=False,
    ),
    KindOfTurn(
        "bringing",
        _newcomer,
        _bring,
        says("📥 «Маяк» с нами"),
        "вашу историю не взял",
        lambda message: (
            "Сейчас это не сработает" in message.text or TEXT in message.text
        ),  # while it is read no other text is taken; afterwards they go on with the story
        words_wait=False,
    ),
    KindOfTurn("hearing", _newcomer, _speak, says("🎙", TEXT), "это голосовое не слушаю", _KEPT, service="stt"),
)
KINDS: Mapping[str, KindOfTurn] = {kind.name: kind for kind in _ALL}
