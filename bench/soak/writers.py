"""People who write stories: by the buttons that they see, and by their own words."""

from __future__ import annotations

from functools import partial
from typing import Final

from bench.soak.person import Person

WRITER, HURRIES = "writer", "in a hurry"  # the habits
BEGIN: Final = "✨ Начать историю"
NEXT: Final = "▶️ Дальше"
MENU: Final = "🏠 Меню"
HAPPY: Final = "😊 Счастливый"
NEW: Final = "📖 Новая история"
VARIANT, SUGGEST, UNDO, FINALE, MORE = "🔄 Другой вариант", "💡 Подскажи", "↩️ Отменить ход", "🏁 Финал", "⚙️ Ещё"
OWN_WORDS, READ, ANYWHERE = "own words", "/whole_story", "anywhere"
ENDINGS: Final = (HAPPY, "😢 Трагический", "😲 Неожиданный", "✍️ На твой вкус")
FORMATS: Final = ("EPUB", "FB2", "TXT", "HTML")
# Labels of the wizard that lead away from it.
AWAY: Final = frozenset({"✖️ Отмена", "⬅️ Назад", "🔀 Другие", "📥 Принести свою историю", "✏️ Изменить", "🎲 Ещё раз"})
MOVES: Final = {OWN_WORDS: 10.0, NEXT: 6, VARIANT: 2, SUGGEST: 2, UNDO: 1.5, MORE: 1.5, FINALE: 2.5, READ: 0.5}
WORDS: Final = (
    "Он поднял фонарь и пошёл по лестнице вниз.",
    "Тут в дверь постучали три раза, и все замолчали.",
    "Она достала из кармана письмо и прочла его вслух.",
    "Ветер стих, и стало слышно, как за стеной кто-то плачет.",
    "Он ответил, что видел этот корабль раньше, двадцать лет назад.",
    "Они развели костёр и решили ждать утра.",
    "На полу лежал ключ, которого вчера там не было.",
)


def writes_stories(person: Person) -> None:
    """Go on with the story, if there is one; write one after the other, from the wizard to the books."""
    _comes(person)
    while True:
        _goes_on(person)


def hurries(person: Person) -> None:
    """Write as `writes_stories` does, and press twice, send much at once, and stop what has been asked for."""
    _comes(person)
    while True:
        keys = person.keys
        how = person.picks({"twice": 3, "at once": 2, "stop": 1, "usual": 2}) if NEXT in keys else "usual"
        if how == "twice":
            person.press(person.picks({NEXT: 3, VARIANT: 1, SUGGEST: 1}), times=2)
        elif how == "at once":
            person.does("two messages at once", partial(_send_two, person), "other", 2)
        elif how == "stop":
            person.does("a stop", partial(_ask_and_stop, person), "other")
        elif BEGIN in keys:
            person.press(BEGIN, times=2)
        else:
            _goes_on(person)


def _comes(person: Person) -> None:
    person.send("/start")
    if NEXT in person.keys:
        person.send("/continue")


def _send_two(person: Person) -> None:
    for words in person.chance.sample(WORDS, 2):
        person.user.send(words)


def _ask_and_stop(person: Person) -> None:
    person.user.press(NEXT)
    person.user.send("стоп")


def _goes_on(person: Person) -> None:
    """Do what the keyboard on the screen asks for."""
    keys = person.keys
    if BEGIN in keys:
        person.press(BEGIN, "written")
    elif NEXT in keys:
        _moves(person)
    elif HAPPY in keys:
        person.press(person.chance.choice(ENDINGS), "written")
    elif "📖 Скачать" in keys:
        _has_finished(person)
    elif NEW in keys:
        person.press(NEW)
    elif "✖️ Отмена" in keys:
        _answers_wizard(person, keys)
    elif MENU in keys:
        person.press(MENU)
    else:
        person.send("/start")


def _answers_wizard(person: Person, keys: list[str]) -> None:
    """Press one of the proposals, or write something of one's own."""
    labels = [label for label in keys if label not in AWAY]
    if not labels:
        person.press("✖️ Отмена")
    elif person.chance.random() < 0.2 and "Пропустить" not in labels:
        person.send("Смотритель маяка, который боится темноты.", what=OWN_WORDS)
    else:
        person.press(person.chance.choice(labels))


def _moves(person: Person) -> None:
    """Make one move in the story."""
    move = person.picks(MOVES)
    if move == OWN_WORDS:
        person.send(person.chance.choice(WORDS), "written", what=OWN_WORDS)
    elif move == READ:
        person.send(READ)
    elif move == SUGGEST:
        if person.press(SUGGEST, "written"):
            person.tap(person.chance.choice("123"), "written")
    elif move == UNDO:
        if person.press(UNDO):
            person.tap("↪️ Вернуть")
    elif move == MORE:
        _looks_behind_more(person)
    else:
        person.press(move, "written" if move in (NEXT, VARIANT) else "quick")


def _looks_behind_more(person: Person) -> None:
    if not person.press(MORE):
        return
    label = person.picks({"🧠 Память": 3, "🎭 Тон и стиль": 2, "🔀 Ветка": 1, "📤 Поделиться": 1})
    person.tap(label)
    if label == "🎭 Тон и стиль":
        person.press("Лиричный")
    elif "✖️ Отмена" in person.keys:
        person.press("✖️ Отмена")


def _has_finished(person: Person) -> None:
    """Take the finished story as a book, and put it on the shelf or not."""
    if person.press("📖 Скачать"):
        person.tap(person.chance.choice(FORMATS))
    if person.chance.random() < 0.5 and person.tap("🌍 На полку"):
        person.tap("🌍 Без имени")
    person.press(MENU)
