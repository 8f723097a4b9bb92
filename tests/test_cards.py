"""«📌 Держи в уме»: the reader's note in every part, and cards that come and go with their names."""

from __future__ import annotations

from collections.abc import Callable

from conversation.cards import LIMITS, MOST_CARDS
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_author_note import next_part, note_of, said_last
from tests.test_rewriting import behind_more
from tests.toasts import PAST

VESTA = "Веста, фонарщица — зажигает огни в порту"
NEW = "На пороге стояла Веста, фонарщица с Длинной улицы. Весту тут знали. — Идём, — сказала Веста."
NEXT = "Дверь открыл Пантелей, сторож. От Пантелея пахло дымом."


def open_cards(person: ChatUser) -> None:
    """Open the list of the open story's note and cards."""
    behind_more(person, "📌 Держи в уме")
    person.wait("что держать в уме?")


def add_card(person: ChatUser, line: str) -> None:
    open_cards(person)
    person.tap("➕ Карточка")
    person.wait("Кого или что запомнить?")
    person.send(line)
    person.wait("Запомнил:")


def add_note(person: ChatUser, note: str) -> None:
    open_cards(person)
    person.tap("✏️ Записка")
    person.wait("📌")
    person.send(note)
    person.wait("Держу в уме:")


def test_the_note_is_in_every_part_until_it_is_dropped(harness: BotHarness) -> None:
    person = harness.writer()
    open_cards(person)
    person.tap("✏️ Записка")
    assert "никто не умирает" in person.wait("Что мне держать в уме").text
    assert person.placeholder == "Что держать в уме?" and person.keyboard == (("✖️ Отмена",),)
    person.send("а" * 301)
    assert "300 знаков" in person.wait("Слишком длинно").text
    person.send("(Никто не умирает)")
    assert person.wait("Держу в уме: Никто не умирает").text
    for words in ("Вторая.", "Третья."):
        next_part(harness, person, words)
        assert "Держи в уме: Никто не умирает.\n" in note_of(said_last(harness))
    open_cards(person)
    assert "Никто не умирает" in person.last.text
    person.tap("✏️ Записка")
    person.wait("Сейчас я держу в уме")
    assert ("🧹 Убрать записку",) in person.keyboard
    person.press("🧹 Убрать записку")
    person.wait("Записки больше нет")
    next_part(harness, person, "Четвёртая.")
    assert "Держи в уме" not in str(harness.prompts()[-1])
    person.send("/whole_story")
    assert "умирает" not in person.wait("Четвёртая.").text


def test_a_card_is_on_the_wire_only_while_its_name_is_near(harness: BotHarness) -> None:
    person = harness.writer()
    add_card(person, VESTA)
    add_card(person, "Старый маяк — на Кривом мысу (заброшен)")
    told, lighthouse = "Имей в виду: Веста — зажигает огни в порту.", "Имей в виду: Старый маяк"
    next_part(harness, person, "Было тихо.")
    assert "Имей в виду" not in str(harness.prompts()[-1])
    harness.says("Никто не открыл.")
    person.send("Он позвал Весту.")
    person.wait("Никто не открыл.")
    assert told in note_of(said_last(harness)) and lighthouse not in said_last(harness)
    next_part(harness, person, "Он пошёл к старому маяку.")
    assert told in said_last(harness)
    next_part(harness, person, "Ветер стих.")
    assert told in said_last(harness) and lighthouse in said_last(harness) and "[заброшен]" in said_last(harness)
    next_part(harness, person, "Прошёл час.")
    assert told not in said_last(harness) and lighthouse in said_last(harness)
    next_part(harness, person, "Прошёл ещё час.")
    next_part(harness, person, "Стемнело.")
    assert "Имей в виду" not in str(harness.prompts()[-1])
    harness.says("Она пришла.")
    person.send("(пусть придёт фонарщица)")
    person.wait("Она пришла.")
    assert told in note_of(said_last(harness))


def test_cards_are_changed_and_deleted_and_keep_to_their_limits(harness: BotHarness) -> None:
    person = harness.writer()
    add_card(person, VESTA)
    open_cards(person)
    listed = person.wait("Карточки, 1 из 30")
    assert f"• {VESTA}" in listed.text and "Веста" in listed.labels
    person.tap("Веста", listed)
    one = person.wait(VESTA)
    assert one.labels == ("✏️ Изменить", "🗑 Удалить", "⬅️ Назад")
    person.tap("✏️ Изменить", one)
    assert VESTA in person.wait("Сейчас на карточке").text
    for wrong in ("Веста", "— фонарщица", f"Веста — {'а' * (LIMITS['about'] + 1)}", f"{'а' * 41} — б"):
        person.send(wrong)
        assert "Имя до 40 знаков" in person.wait("Не разобрал карточку").text
    person.send("Веста — слепая фонарщица")
    person.wait("Запомнил: Веста — слепая фонарщица")
    add_card(person, "веста — её больше нет")  # the name is taken: the card changes
    assert harness.db.values("card", "about") == ["её больше нет"]
    for number in range(1, MOST_CARDS):
        harness.db.insert("card", session_id=harness.db.value("story", "session_id"), name=f"Имя{number}", about="б")
    open_cards(person)
    listed = person.wait("Карточки, 30 из 30")
    assert "1/5" in listed.labels and "Имя5" in listed.labels and "Имя6" not in listed.labels
    for page in range(2, 6):
        person.tap("▶", listed)
        listed = person.wait(lambda message, page=page: f"{page}/5" in message.labels)  # type: ignore[misc]
    last = person.wait("Имя29")
    assert "5/5" in last.labels and "Веста" not in last.labels
    person.tap("➕ Карточка", last)
    person.wait("Карточек уже 30")
    person.tap("Имя29", last)
    person.tap("🗑 Удалить", person.wait("📌 Имя29 — б"))
    gone = person.wait("Карточки больше нет: Имя29 — б")
    person.tap("⬅️ Назад", gone)
    assert person.wait("Карточки, 29 из 30").labels[:2] == ("✏️ Записка", "➕ Карточка")
    card_id = harness.db.value("card", "id", name="Имя5")
    harness.db.delete("card", id=card_id)
    assert person.tap(f"card_of:{card_id}").wait_answer().text == PAST


def test_nobody_reaches_anothers_cards(harness: BotHarness) -> None:
    person, other = harness.writer(), harness.new_person(2, "Борис")
    add_card(person, VESTA)
    harness.db.change("card", id=77)
    session_id = harness.db.value("story", "session_id")
    verbs = [f"{verb}:77" for verb in ("card_of", "edit_card", "drop_card", "keep_card", "no_card")]
    verbs += [f"minds:{session_id}:0", "minds:1", "minds:a:b", f"minds:{session_id}:9999999999999999999"]
    verbs += [f"{verb}:{session_id}" for verb in ("mind", "note", "new_card", "offers")]
    before = len(other.bot_messages)
    for data in verbs:
        message = {"message_id": other.last.id, "date": 1, "chat": {"id": 2, "type": "private"}, "text": "х"}
        sender = {"id": 2, "is_bot": False, "first_name": "Б"}
        query = {"id": data, "from": sender, "message": message, "chat_instance": "1", "data": data}
        harness.telegram.raw_update({"callback_query": query})
    until(harness.settled)
    assert len(other.bot_messages) == before and harness.db.count("card", name="Веста") == 1
    harness.telegram.api.violations.clear()  # the invented queries have no true id to answer to


def test_a_branch_has_note_and_cards_and_a_shared_story_has_the_cards(harness: BotHarness) -> None:
    person = harness.writer()
    add_note(person, "Никто не умирает")
    add_card(person, VESTA)
    behind_more(person, "📤 Поделиться")
    link = person.wait("t.me").text
    behind_more(person, "🔀 Ветка")
    person.wait("Ветка готова")
    reader = harness.new_person(2, "Борис")
    reader.send(f"/start {link.rpartition('start=')[2].split()[0]}")
    reader.tap("🔀 Продолжить по-своему", reader.wait("по-своему"))
    reader.wait("часть 1")
    notes = harness.db.values("story", "note")
    assert notes == ["Никто не умирает", "Никто не умирает", ""]
    assert harness.db.values("card", "name") == ["Веста"] * 3
    open_cards(person)
    person.tap("Веста")
    person.tap("🗑 Удалить", person.wait(VESTA))
    person.wait("Карточки больше нет")
    assert harness.db.count("card") == 2


def test_each_question_about_note_and_cards_survives_a_kill(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    process = harness.process()
    person = harness.writer()

    def killed() -> None:
        nonlocal process
        until(harness.settled)
        harness.kill(process)
        process = harness.process()

    open_cards(person)
    person.tap("✏️ Записка")
    person.wait("Что мне держать в уме")
    killed()
    person.send("Никто не умирает")
    person.wait("Держу в уме")
    open_cards(person)
    person.tap("➕ Карточка")
    person.wait("Кого или что запомнить?")
    killed()
    person.send(VESTA)
    person.wait("Запомнил:")
    open_cards(person)
    person.tap("Веста")
    person.tap("✏️ Изменить", person.wait(VESTA))
    person.wait("Сейчас на карточке")
    killed()
    person.send("Веста — слепая фонарщица")
    person.wait("Запомнил: Веста — слепая")
    harness.says("Тихо.")
    person.send("Он позвал Весту.")
    person.wait("Тихо.")
    assert "Никто не умирает" in said_last(harness) and "Веста — слепая фонарщица" in said_last(harness)
    next_part(harness, person, NEXT)
    person.wait("Запомнить?")
    killed()
    person.tap("📌 Запомнить")
    person.wait("Запомнил: Пантелей")
    assert harness.db.values("card", "state") == ["kept", "kept"]


def test_a_new_name_is_offered_and_kept_with_a_press(harness: BotHarness) -> None:
    person = harness.writer(words=NEW)
    until(harness.settled)
    assert "Запомнить?" not in person.last.text  # the first part has its own hint
    next_part(harness, person, "Веста зажгла фонарь. Он шёл за Вестой.")
    offer = person.wait("Запомнить?")
    assert "Веста — фонарщица с Длинной улицы" in offer.text
    assert offer.labels == ("📌 Запомнить", "✏️ Изменить", "✖️ Нет", "🔕 Не предлагать")
    person.tap("📌 Запомнить", offer)
    assert person.wait("Запомнил: Веста").labels == ("✏️ Изменить",)
    next_part(harness, person, NEXT)  # not yet: one in five parts
    assert "Имей в виду: Веста — фонарщица с Длинной улицы." in said_last(harness)
    for number in range(3):
        next_part(harness, person, f"Прошёл час {number}.")
    next_part(harness, person, NEXT)
    offer = person.wait("Запомнить?")
    assert "Пантелей — сторож" in offer.text
    person.tap("✏️ Изменить", offer)
    assert "Пантелей — сторож" in person.wait("Сейчас на карточке").text
    person.send("Пантелей, сторож — курит трубку")
    person.wait("Запомнил: Пантелей, сторож — курит трубку")
    assert harness.db.values("card", "state") == ["kept", "kept"]
    assert [message.text for message in person.bot_messages].count(offer.text) == 1


def test_a_card_takes_no_name_of_another_and_an_offer_goes_with_its_part(harness: BotHarness) -> None:
    person = harness.writer(words=NEW)
    until(harness.settled)
    next_part(harness, person, "Веста зажгла фонарь. Он шёл за Вестой.")
    offer = person.wait("Запомнить?")
    story = harness.db.value("session", "id", kind="story")
    cards = [harness.db.insert("card", session_id=story, name=name, about="мой") for name in ("веста", "Егор")]
    person.tap("✏️ Изменить", offer)
    person.wait("Сейчас на карточке")
    person.send("Егор — сторож")
    person.wait("Карточка «Егор» в этой истории уже есть")
    person.send("✖️ Отмена")
    person.wait("часть 2")
    person.tap("📌 Запомнить", offer)
    assert "веста — мой" in person.wait("Запомнил: веста").text  # the reader's own one stays
    assert harness.db.values("card", "state", name="Веста") == ["refused"]
    harness.db.delete("card", id=(*cards, harness.db.value("card", "id", name="Веста")))
    for _ in range(2):
        harness.says(f"{NEXT} Пантелею не спалось.")
        person.press("🔄 Другой вариант")
        person.wait("Пантелею не спалось.")
        until(harness.settled)
    assert harness.db.values("card", "state") == ["offered"]  # that of the variant before is gone
    earlier, last = [message for message in person.bot_messages if "Запомнить?" in message.text][-2:]
    assert person.tap("📌 Запомнить", earlier).wait_answer().text == PAST
    person.tap("📌 Запомнить", last)
    person.wait("Запомнил: Пантелей")


def test_a_refused_name_is_not_offered_again_and_offers_can_be_switched_off(harness: BotHarness) -> None:
    person = harness.writer()
    next_part(harness, person, NEW)
    offer = person.wait("Запомнить?")
    person.tap("✖️ Нет", offer)
    person.wait("«Веста» не запоминаю")
    for number in range(4):
        next_part(harness, person, f"Прошёл час {number}.")
    next_part(harness, person, f"{NEXT} Весте это не нравилось. Веста ушла.")
    offer = person.wait("Запомнить?")
    assert "Пантелей — сторож" in offer.text
    person.tap("🔕 Не предлагать", offer)
    person.wait("Больше не предлагаю")
    open_cards(person)
    harness.restart()
    for number in range(4):
        next_part(harness, person, f"Прошёл день {number}.")
    next_part(harness, person, "Навстречу шёл Егор. Егору не спалось.")
    until(harness.settled)
    assert "Егору" in person.last.text
    open_cards(person)
    person.tap("🔔 Предлагать карточки")
    assert "🔕 Не предлагать карточки" in person.wait("что держать в уме?").labels
    next_part(harness, person, "За Егором пришёл Егор, брат сторожа.")
    person.wait("Запомнить?")


def test_an_offer_is_in_nobodys_way(harness: BotHarness) -> None:
    """None while words wait, while the reader is elsewhere, for the story's hero, and for a name alone."""
    person = harness.writer()
    next_part(harness, person, "Дверь открыл Егор. От Егора пахло дымом.")
    until(harness.settled)
    assert not harness.db.count("card")
    next_part(harness, person, "Маяк молчал. — Иди, Маяк, — сказал Маяк. Маяку не спалось.")
    released = harness.holds(NEW, "Дальше.")
    person.press("▶️ Дальше")
    until(lambda: harness.db.count("turn", state="running"))
    person.send("Он ждал.")
    person.wait("Я ещё пишу")
    released.set()
    person.wait("Дальше.")
    until(harness.settled)
    released = harness.holds(NEW)
    person.press("▶️ Дальше")
    until(lambda: harness.db.count("turn", state="running"))
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    released.set()
    until(harness.settled)
    assert not [message for message in person.bot_messages if "Запомнить?" in message.text]
    assert harness.db.count("card") == 0


def test_in_english_with_a_button_that_opens_the_page(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080", WEBAPP_PORT="0")
    harness.start()
    person = harness.writer()
    person.send("/language")
    person.tap("English", person.wait("На каком языке"))
    person.wait("I speak English now")
    harness.db.change("story", language="en")
    until(lambda: "⚙️ More" in str(person.keyboard))
    harness.says("They met Vesta, the lamplighter. “Go,” said Vesta.")
    person.press("▶️ Go on")
    offer = person.wait("Shall I remember this?")
    assert "Vesta — the lamplighter" in offer.text
    assert offer.labels == ("📌 Remember", "✏️ Change", "✖️ No", "🔕 Stop offering")
    person.tap("📌 Remember", offer)
    person.wait("Noted: Vesta — the lamplighter")
    person.press("⚙️ More")
    person.wait("what would you like to do?")
    person.tap("📌 Keep in mind")
    listed = person.wait("what shall I keep in mind?")
    assert "Cards, 1 of 30" in listed.text
    assert listed.labels == ("✏️ Note", "➕ Card", "Vesta", "🔕 Offer no cards", "📌 Open as a list")
    assert person.tap("📌 Open as a list", listed).url.startswith(
        f"http://127.0.0.1:8080/?cards={harness.db.value('story', 'session_id')}"
    )
    person.tap("✏️ Note", listed)
    person.wait("to the end of the story?")
    person.send("Nobody dies")
    person.wait("I keep in mind: Nobody dies")
    harness.says("It rained.")
    person.send("He waited.")
    person.wait("It rained.")
    assert "Keep in mind: Nobody dies." in said_last(harness)
    assert "Remember: Vesta — the lamplighter." in said_last(harness)


def test_a_list_of_long_cards_is_one_message_and_a_card_that_is_gone_is_not_changed(harness: BotHarness) -> None:
    person = harness.writer()
    add_note(person, "🦄" * 300)
    session_id = harness.db.value("story", "session_id")
    for number in range(6):
        name = f"{number}" + "🦄" * 39
        harness.db.insert("card", session_id=session_id, name=name, about="🦄" * 200, words="🦄" * 100)
    open_cards(person)
    listed = person.wait("Карточки, 6 из 30")
    person.tap("5" + "🦄" * 39, listed)
    person.tap("✏️ Изменить", person.wait("📌 5"))
    person.wait("Сейчас на карточке")
    harness.db.delete("card", session_id=session_id)
    person.send(VESTA)
    person.wait("Этой карточки больше нет")
    assert harness.db.count("card") == 0
