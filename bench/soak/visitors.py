"""People who do other things: search inline, read the shelf on the page, pay, write in a group, and send junk."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

import requests

from bench.soak.person import Person
from bench.soak.writers import BEGIN, NEXT, WORDS
from sandbox import inline_user
from sandbox.buyer import pay
from sandbox.telegram_state import ChatMessage
from sandbox.users import NotCome, NotShown

PACK: Final = "50\N{NO-BREAK SPACE}000 токенов · 90 ⭐"
BOT: Final = "@soavtor_demo_bot"
PAGE_TIMEOUT_S: Final = 30.0
_JUNK: Final[tuple[Any, ...]] = (None, 0, -1, "", [], {}, True, "х" * 5000, {"id": "a"}, "\u202e<b>", "9" * 40)
_HUGE: Final = "И тогда он сказал слово, которого никто не ждал. " * 250


def searches_inline(person: Person) -> None:
    """Search stories and characters from another chat; who is not answered types once more, as people do."""
    person.send("/start")
    while True:
        query = person.chance.choice(["", "маяк", "кот", "нет такого", "тайна", "море"])
        at = time.monotonic()
        found: inline_user.Found | None = None
        for _ in range(2):
            try:
                found = inline_user.ask(person.user, query)
                break
            except NotCome:
                continue
        person.notes("an inline query", "other", at, ["results"] if found is not None else [], query)
        if found is not None and found.results and person.chance.random() < 0.3:
            inline_user.choose(person.user, person.chance.choice(found.results), query)
        person.thinks()
        if person.chance.random() < 0.2:
            person.send("/characters")


def reads_shelf(person: Person) -> None:
    """Read stories of the shelf on the page, and give hearts."""
    person.send("/start")
    with requests.Session() as session:
        session.trust_env = False
        while True:
            session.headers["Authorization"] = f"tma {person.user.init_data()}"
            _asks(person, session, "GET", "api/start")
            shelf = _asks(person, session, "GET", f"api/shelf?order={person.chance.choice(['newest', 'loved'])}")
            stories = [story["id"] for story in shelf.get("stories", ())]
            if stories:
                story = person.chance.choice(stories)
                _asks(person, session, "GET", f"api/shelf/{story}")
                if person.chance.random() < 0.3:
                    _asks(person, session, "POST", f"api/shelf/{story}/heart")
            _asks(person, session, "GET", person.chance.choice(["api/stories", "api/usage", "api/characters"]))
            if person.chance.random() < 0.3:
                person.send("/shelf")


def _asks(person: Person, session: requests.Session, method: str, path: str) -> dict[str, Any]:
    """Ask the page's server; return what it answers. A refusal with a reason is a sentence, too."""
    at = time.monotonic()
    name = f"the page: {path.partition('?')[0].rstrip('0123456789/')}"
    try:
        response = session.request(
            method, f"{person.stage.page_url}/{path}", json={} if method == "POST" else None, timeout=PAGE_TIMEOUT_S
        )
        answer: dict[str, Any] = response.json()
    except (requests.RequestException, ValueError) as error:
        person.notes(name, "page", at, [], str(error))
        answer = {}
    else:
        if response.ok:
            person.notes(name, "page", at, ["found"])
        else:
            person.notes_told(name, "page", at, f"page {response.status_code} {answer.get('error', '')}".strip())
    person.thinks()
    return answer


def pays(person: Person) -> None:
    """Look at one's balance, buy tokens, and use some."""
    person.send("/start")
    while True:
        if person.send("/balance") and person.tap("⭐ Купить") and person.tap(PACK):
            _confirms(person)
        person.send("/chat")
        person.send("Какое сегодня небо?", "written", what="a question")


def _confirms(person: Person) -> None:
    """Confirm in Telegram's dialog, which says itself if the payment didn't come about."""
    mark = person.user.chat.revision
    at = time.monotonic()
    try:
        paid = pay(person.user)
    except NotShown:
        return
    if not paid.ok:
        person.notes_told("a payment", "other", at, f"Telegram: {paid.error}")
    else:
        try:
            thanks = person.user.wait("Прибавилось", 60, since=mark)
            person.notes("a payment", "other", at, [thanks.text])
        except NotCome as error:
            person.notes("a payment", "other", at, [], str(error))
    person.thinks()


def plays_in_group(people: list[Person]) -> None:
    """Write a story together, in turn; now and then ask the bot something."""
    people[0].send("/story")
    people[0].tap(BEGIN, "other")
    while True:
        for person in people:
            last = _last_part(person)
            if last is None:
                people[0].send("/story", "other")
                people[0].tap(BEGIN, "other")
            elif person.chance.random() < 0.2:
                question = person.chance.choice(["какое небо?", "сколько звёзд?"])
                person.send(f"{BOT} {question}", "other", what="a mention")
            else:
                reply = partial(person.user.send, person.chance.choice(WORDS), reply_to=last.id)
                person.does("words in a group", reply, "other")


def _last_part(person: Person) -> ChatMessage | None:
    return next((message for message in reversed(person.user.bot_messages) if NEXT in message.labels), None)


def is_hostile(person: Person) -> None:
    """Send what no client sends, huge texts and forged presses; what follows must be answered all the same."""
    person.send("/start")
    while True:
        what = person.picks({"updates": 4, "huge": 2, "press": 2, "sticker": 1, "words": 1})
        if what == "updates":
            for _ in range(person.chance.randint(1, 5)):
                _send_junk(person)
            person.send("/help")
        elif what == "huge":
            person.does("a huge text", lambda: person.user.send(_HUGE), "other")
        elif what == "press":
            _forge_press(person)
            person.send("/help")
        elif what == "sticker":
            person.does("a sticker", person.user.sticker, "other")
        else:
            person.send(person.chance.choice(["\u202e<b>&", "/start s_x", "/grant 1 1000000", "😀" * 500]), "other")


def _send_junk(person: Person) -> None:
    """Send an update of which something is missing or replaced."""
    user = {"id": person.user.id, "is_bot": False, "first_name": "А", "language_code": "ru"}
    chat = {"id": person.user.id, "type": "private", "first_name": "А"}
    message: dict[str, Any] = {"message_id": 5, "date": 1, "chat": chat, "from": user, "text": "слово"}
    field = person.chance.choice(list(message))
    if person.chance.random() < 0.3:
        del message[field]
    else:
        message[field] = person.chance.choice(_JUNK)
    kind = person.chance.choice(["message", "edited_message", "unknown_kind", "callback_query", "inline_query"])
    person.user.state.add_raw_update({kind: message})


def _forge_press(person: Person) -> None:
    """Press a button that the bot has never shown."""
    shown = person.user.last
    data = person.chance.choice(["story:1", "delete:1", "publish:9", "pay:0", "x" * 64, "stop:١", "variant:-1"])
    user = {"id": person.user.id, "is_bot": False, "first_name": "А", "language_code": "ru"}
    chat = {"id": person.user.id, "type": "private", "first_name": "А"}
    message = {"message_id": shown.id, "date": 1, "chat": chat, "from": user, "text": "х"}
    query = {"id": str(person.chance.randrange(10**9)), "from": user, "chat_instance": "1", "data": data}
    person.user.state.add_raw_update({"callback_query": {**query, "message": message}})
