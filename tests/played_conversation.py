"""A conversation of forty updates with the bot as a process.

It has the wizard, parts, variants, a stop, a voice, a picture, a payment, a group and the page inside Telegram; that of
`tests/played_topics.py` has topics, photos and albums. Each step is one update and what its user then reads. The models
say what the step orders, however often they are asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from sandbox.buyer import begin_to_pay
from sandbox.client import Wanted
from sandbox.model_faults import Behaviour, Received
from sandbox.payments import ANSWER_WITHIN_S
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser, NotCome
from tests.harness import BotHarness, until
from tests.kinds_of_turn import brings
from tests.paying import SHOP, is_invoice
from tests.recordings import recording

AS_ALWAYS = Behaviour()
BOT = "@soavtor_demo_bot"
GROUP_ID = -100500
OPTIONS = '{"options": ["Он вскрыл письмо.", "Он съел письмо.", "Он ушёл."]}'
PACK = "50\N{NO-BREAK SPACE}000 токенов · 90 ⭐"
OF_THE_RUN = re.compile(r"stxCharge\d+|сегодня [\d\xa0]+")  # midnight may come between two runs
PATIENCE_S = 3.0  # of a user whose page has no answer, before the next press
WAIT_S = 120.0 if "CHAOS_PARTS" in os.environ else 30.0  # `make chaos` may have the machine at its limit
RICH: dict[str, object] = {"USER_TOKENS": 10**6, "MAX_PROJECT_TOKENS": 10**9}


class Talk:
    """Anna, in her chat and in a group, and what the models say to her."""

    def __init__(self, harness: BotHarness, page_port: int) -> None:
        self.harness = harness
        self.page = f"http://127.0.0.1:{page_port}"
        self.anna = harness.telegram.user(1, "Анна")
        self.club = harness.telegram.group(GROUP_ID, "Клуб", [self.anna])
        self.in_club = self.club.member(self.anna)
        self.answer = Behaviour()

    def rule(self, received: Received) -> Behaviour | None:
        """Return what the models do in the step that is played."""
        if received.kind == "stt":
            return Behaviour(heard="Тут зазвонил колокол.")
        if received.kind != "completion":
            return None
        if "jsonSchema" in received.body:
            return Behaviour(text=OPTIONS)
        return self.answer

    @property
    def screens(self) -> tuple[ChatUser, ...]:
        """Whoever sees what the bot says, one for each chat."""
        return self.anna, self.in_club

    def shown(self) -> list[list[str]]:
        """Return what the bot has on the screen of each chat, in order; that it made a topic is no message."""
        return [
            [_told(person, message) for message in person.bot_messages if not message.service]
            for person in self.screens
        ]

    def _is_told(self) -> bool:
        """Return whether the chat shows soon what was chosen on the page."""
        try:
            self.anna.wait("🎭", PATIENCE_S)
        except NotCome:
            return False
        return True

    def choose_on_page(self) -> None:
        """Choose a character on the page; who gets no answer presses again."""
        character = next(row["id"] for row in self.harness.db.rows("character") if "Пантелей" in row["name"])
        headers = {"Authorization": f"tma {self.anna.init_data()}"}
        with requests.Session() as session:
            session.trust_env = False

            def chosen() -> bool:
                try:
                    address = f"{self.page}/api/characters/{character}/choose"
                    return session.post(address, headers=headers, timeout=5).ok
                except requests.RequestException:
                    return self._is_told()  # the answer was lost, or the press

            until(chosen, WAIT_S)


def _told(person: ChatUser, message: ChatMessage) -> str:
    """Return a message's topic, and its text without the number of a payment, or the kind of its file."""
    topic = f"[{person.chat.topics.get(message.topic_id)}] " if message.topic_id else ""
    return topic + OF_THE_RUN.sub("", message.text or str(message.attachment and message.attachment.kind))


def _anna(talk: Talk) -> ChatUser:
    return talk.anna


def _in_club(talk: Talk) -> ChatUser:
    return talk.in_club


@dataclass(frozen=True, slots=True)
class Step:
    """One update, what the models say to it, and what is read then."""

    name: str
    act: Callable[[Talk], object]
    reads: Wanted
    says: Behaviour = AS_ALWAYS
    where: Callable[[Talk], ChatUser] = _anna

    def play(self, talk: Talk) -> None:
        talk.answer = self.says
        self.act(talk)
        self.where(talk).wait(self.reads, WAIT_S)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A bot with these settings, and what is said to it. The steps of its points are named with the prefix."""

    prefix: str
    talk: Callable[[BotHarness, int], Talk]
    settings: Mapping[str, object]
    steps: tuple[Step, ...]
    has_topics: bool = False


def _send(text: str, reads: Wanted, says: str = "") -> Step:
    return Step(text, lambda talk: talk.anna.send(text), reads, Behaviour(text=says or None))


def _press(label: str, reads: Wanted, says: str = "") -> Step:
    return Step(label, lambda talk: talk.anna.press(label), reads, Behaviour(text=says or None))


def _tap(label: str, reads: Wanted, says: str = "") -> Step:
    return Step(label, lambda talk: talk.anna.tap(label), reads, Behaviour(text=says or None))


def _ask_for_a_part(talk: Talk) -> None:
    """Ask for a part that never comes; what the bot shows meanwhile is no message."""
    talk.anna.press("▶️ Дальше")
    asked = len(talk.harness.models.of("completion"))
    until(lambda: len(talk.harness.models.of("completion")) > asked, WAIT_S)


def _ask_club(talk: Talk) -> None:
    talk.in_club.send(f"{BOT} какое небо?")


def _welcome(talk: Talk) -> None:
    talk.club.welcome_bot(talk.anna)


def pay(talk: Talk, person: ChatUser | None = None) -> None:
    """Confirm in Telegram's dialog, as Anna in her chat or in a topic of it."""
    buyer = person or talk.anna
    checkouts = [begin_to_pay(buyer)]

    def is_answered() -> bool:
        last = checkouts[-1]
        if last.ok is None and buyer.state.clock() - last.asked_at > ANSWER_WITHIN_S:
            checkouts.append(begin_to_pay(buyer))  # on a busy machine a new start may take longer
        return last.ok is not None

    until(is_answered, WAIT_S)
    assert checkouts[-1].ok


def _stop(talk: Talk) -> None:
    """Ask for a part that never comes, and stop it."""
    _ask_for_a_part(talk)
    talk.anna.send("стоп")


STEPS = (
    _send("/start", "Кнопки под сообщением"),
    _press("📖 Новая история", "Какую историю"),
    _press("Детектив", "Кто герой"),
    _send("Смотритель Маяк: слеп", "Где всё случится"),
    _send("Остров: туман круглый год", "Шаг 4"),
    _press("Пропустить", "Начинаем?"),
    _press("✨ Начать историю", "Туман сел на мыс.", "Туман сел на мыс."),
    _send("Смотритель зажёг лампу.", "Лампа мигнула.", "Лампа мигнула. Кто-то прошёл мимо неё."),
    _press("▶️ Дальше", "Море молчало.", "Море молчало. Потом стало тихо."),
    _press("🔄 Другой вариант", "Море шумело.", "Море шумело. Потом пришла волна."),
    _tap("◀", "Море молчало."),
    _tap("▶", "Море шумело."),
    _send("Он спустился к воде.", "Вода отступила.", "Вода отступила. Показались камни."),
    _press("↩️ Отменить ход", "Теперь последнее"),
    _tap("↪️ Вернуть", "Ход на месте"),
    _press("💡 Подскажи", "Выберите или напишите своё"),
    _tap("2", "В письме было слово.", "В письме было слово. Одно."),
    Step("a stop", _stop, "ничего не написано", Behaviour(hang=True)),
    Step("a voice", lambda talk: talk.anna.voice(recording()), "Колокол смолк.", Behaviour(text="Колокол смолк.")),
    _press("⚙️ Ещё", "что сделать?"),
    _tap("🎨 Иллюстрация", "Нарисую последнюю часть"),
    _tap("🎨 Нарисовать", brings("photo"), "Маяк в тумане, вечер."),
    _send("/balance", "Осталось"),
    _tap("⭐ Купить", "Токены за звёзды"),
    _tap(PACK, is_invoice),
    Step("a payment", pay, "Прибавилось"),
    Step("the bot comes into the group", _welcome, "Здравствуйте!", where=_in_club),
    Step("a question in the group", _ask_club, "Синее.", Behaviour(text="Синее."), where=_in_club),
    Step("a character on the page", Talk.choose_on_page, "🎭"),
    _send("Кто ты?", "Я кот.", "Я кот. И писарь."),
    _send("/continue", "Ваши слова"),
    _send("Он вернулся.", "Стало светло.", "Стало светло. Туман ушёл."),
    _press("🏁 Финал", "Каким будет конец"),
    _press("😊 Счастливый", "Дописали!", "Свет маяка"),
    _tap("📖 Скачать", "В каком виде"),
    _tap("FB2", brings("document")),
    _send("/chat", "💬"),
    _send("Сколько будет 6×7?", "Сорок два.", "Сорок два."),
    _send("/stories", "Ваши истории"),
    _send("/help", "Мы пишем историю вдвоём"),
)

CONVERSATION = Conversation("", Talk, RICH | SHOP, STEPS)
