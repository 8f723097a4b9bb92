"""A conversation of forty updates with the bot as a process.

It has the wizard, parts, variants, a stop, a voice, a picture, a payment, a group and the page inside Telegram. Each
step is one update and what its user then reads. The models say what the step orders, however often they are asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import requests

from sandbox.buyer import begin_to_pay
from sandbox.client import Wanted
from sandbox.model_faults import Behaviour, Received
from sandbox.telegram_state import ChatMessage
from sandbox.users import NotCome
from tests.harness import BotHarness, until
from tests.kinds_of_turn import brings
from tests.paying import SHOP, is_invoice
from tests.recordings import recording

AS_ALWAYS = Behaviour()
BOT = "@soavtor_demo_bot"
GROUP_ID = -100500
OPTIONS = '{"options": ["Он вскрыл письмо.", "Он съел письмо.", "Он ушёл."]}'
PACK = "50\N{NO-BREAK SPACE}000 токенов · 90 ⭐"
CHARGE = re.compile(r"stxCharge\d+")
PATIENCE_S = 3.0  # of a user whose page has no answer, before the next press
WAIT_S = 30.0
SETTINGS: dict[str, object] = {"USER_TOKENS": 10**6, "MAX_PROJECT_TOKENS": 10**9} | SHOP


class Talk:
    """Anna, in her chat and in a group, and what the models say to her."""

    def __init__(self, harness: BotHarness, page_port: int) -> None:
        self.harness = harness
        self.page = f"http://127.0.0.1:{page_port}"
        self.anna = harness.telegram.user(1, "Анна")
        self.club = harness.telegram.group(GROUP_ID, "Клуб", [self.anna])
        self.in_club = self.club.member(self.anna)
        self.answer = Behaviour()
        self.written = 0  # the message that is edited later

    def rule(self, received: Received) -> Behaviour | None:
        """Return what the models do in the step that is played."""
        if received.kind == "stt":
            return Behaviour(heard="Тут зазвонил колокол.")
        if received.kind != "completion":
            return None
        if "jsonSchema" in received.body:
            return Behaviour(text=OPTIONS)
        return self.answer

    def shown(self) -> list[list[str]]:
        """Return what the bot has on the screen of each chat, in order."""
        return [[_told(message) for message in person.bot_messages] for person in (self.anna, self.in_club)]

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


def _told(message: ChatMessage) -> str:
    """Return a message's text without the number of a payment, or the kind of its file."""
    return CHARGE.sub("", message.text or str(message.attachment and message.attachment.kind))


@dataclass(frozen=True, slots=True)
class Step:
    """One update, what the models say to it, and what is read then."""

    name: str
    act: Callable[[Talk], object]
    reads: Wanted
    says: Behaviour = AS_ALWAYS
    in_club: bool = False

    def play(self, talk: Talk) -> None:
        talk.answer = self.says
        self.act(talk)
        (talk.in_club if self.in_club else talk.anna).wait(self.reads, WAIT_S)


def _send(text: str, reads: Wanted, says: str = "") -> Step:
    return Step(text, lambda talk: talk.anna.send(text), reads, Behaviour(text=says or None))


def _press(label: str, reads: Wanted, says: str = "") -> Step:
    return Step(label, lambda talk: talk.anna.press(label), reads, Behaviour(text=says or None))


def _tap(label: str, reads: Wanted, says: str = "") -> Step:
    return Step(label, lambda talk: talk.anna.tap(label), reads, Behaviour(text=says or None))


def _write(talk: Talk) -> None:
    talk.written = talk.anna.send("Смотритель зажёг лампу.")


def _ask_for_a_part(talk: Talk) -> None:
    """Ask for a part that never comes; what the bot shows meanwhile is no message."""
    talk.anna.press("▶️ Дальше")
    asked = len(talk.harness.models.of("completion"))
    until(lambda: len(talk.harness.models.of("completion")) > asked, WAIT_S)


def _ask_club(talk: Talk) -> None:
    talk.in_club.send(f"{BOT} какое небо?")


def _welcome(talk: Talk) -> None:
    talk.club.welcome_bot(talk.anna)


def _pay(talk: Talk) -> None:
    """Confirm in Telegram's dialog: the question before the payment, and the payment, twice."""
    checkout = begin_to_pay(talk.anna)
    until(lambda: checkout.ok is not None, WAIT_S)
    assert checkout.ok


STEPS = (
    _send("/start", "Кнопки под сообщением"),
    _press("📖 Новая история", "Какую историю"),
    _press("Детектив", "Кто герой"),
    _send("Смотритель Маяк: слеп", "Где всё случится"),
    _send("Остров: туман круглый год", "Шаг 4"),
    _press("Пропустить", "Начинаем?"),
    _press("✨ Начать историю", "Туман сел на мыс.", "Туман сел на мыс."),
    Step("words", _write, "Лампа мигнула.", Behaviour(text="Лампа мигнула. Кто-то прошёл мимо неё.")),
    _press("▶️ Дальше", "Море молчало.", "Море молчало. Потом стало тихо."),
    _press("🔄 Другой вариант", "Море шумело.", "Море шумело. Потом пришла волна."),
    _tap("◀", "Море молчало."),
    _tap("▶", "Море шумело."),
    _send("Он спустился к воде.", "Вода отступила.", "Вода отступила. Показались камни."),
    _press("↩️ Отменить ход", "Теперь последнее"),
    _tap("↪️ Вернуть", "Ход на месте"),
    _press("💡 Подскажи", "Выберите или напишите своё"),
    _tap("2", "В письме было слово.", "В письме было слово. Одно."),
    Step("a stop", lambda talk: _stop(talk), "ничего не написано", Behaviour(hang=True)),
    Step("a voice", lambda talk: talk.anna.voice(recording()), "Колокол смолк.", Behaviour(text="Колокол смолк.")),
    _press("⚙️ Ещё", "что сделать?"),
    _tap("🎨 Иллюстрация", "Нарисую последнюю часть"),
    _tap("🎨 Нарисовать", brings("photo"), "Маяк в тумане, вечер."),
    _send("/balance", "Осталось"),
    _tap("⭐ Купить", "Токены за звёзды"),
    _tap(PACK, is_invoice),
    Step("a payment", _pay, "Прибавилось"),
    Step("the bot comes into the group", _welcome, "Здравствуйте!", in_club=True),
    Step("a question in the group", _ask_club, "Синее.", Behaviour(text="Синее."), in_club=True),
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


def _stop(talk: Talk) -> None:
    """Ask for a part that never comes, and stop it."""
    _ask_for_a_part(talk)
    talk.anna.send("стоп")
