"""What a group's story has of a private one's settings: tone, memory, a second volume; by buttons alone."""

from __future__ import annotations

from tests.group_stories import begun, moves, part
from tests.harness import BotHarness, until


def test_who_began_chooses_the_tone_and_everybody_may_look_at_the_memory(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Тут пошёл дождь.", "Вторая.", first)
    anna.tap("⚙️ Ещё", second)
    more = anna.wait("что сделать с историей")
    assert boris.tap("🎭 Тон и стиль", more).wait_answer().text == "Это выбирает тот, кто начал историю"
    anna.tap("🎭 Тон и стиль", more)
    tones = anna.wait("Каким тоном писать дальше")
    assert "Как получится" in tones.text and len(tones.labels) == 9
    assert boris.tap("Мрачный", tones).wait_answer().text == "Это выбирает тот, кто начал историю"
    anna.tap("Мрачный", tones)
    anna.wait("Сейчас: «Мрачный»")
    anna.tap("Короче", tones)
    anna.wait("части: «Короче»")
    boris.tap("🧠 Память", more)
    boris.wait("всё ещё помню целиком")
    harness.app.db.tree.remember(harness.db.value("prompt", "id", text="Начало."), "Был дождь.")  # type: ignore[union-attr]
    boris.tap("🧠 Память", more)
    assert "Был дождь." in boris.wait("Вот что я помню").text
    harness.restart()
    moves(harness, anna, "И гром.", "Третья.", second)
    assert "Был дождь." in str(harness.prompts()[-1])
    assert (harness.db.value("story", "tone"), harness.db.value("story", "length")) == ("Мрачный", "short")
    harness.db.change("user", {"id": 1}, language="en")
    anna.tap("⚙️ Ещё", part(anna, "Третья."))
    anna.tap("🎭 Tone and style", anna.wait("what shall I do with the story"))
    anna.tap("Light and funny", anna.wait("Now: “Dark”"))
    anna.wait("Now: “Light and funny”")
    assert harness.db.value("story", "tone") == "Лёгкий, с юмором"  # in the language of the story
    harness.check_books()


def test_a_second_volume_is_the_groups_and_remembers_the_first(harness: BotHarness) -> None:
    harness.new_person(3)
    _, (anna, boris, clara), first = begun(harness, 1, 2, 3)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    anna.tap("🏁 Финал", second)
    asked = anna.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Маяк")
    anna.tap("😊 Счастливый", asked)
    anna.wait("Дописали!")
    until(harness.settled)
    last = part(anna, "Конец.")
    assert "Ответьте на последнюю часть" in clara.tap("📗 Второй том", last).wait_answer().text  # she hasn't written
    harness.says("Том второй начат.")
    harness.db.change("user", {"id": 2}, language="en")
    boris.tap("📗 Второй том", last)
    begins = boris.wait(lambda message: message.text == "Том второй начат.")
    until(harness.settled)
    assert "Вторая." in str(harness.prompts()[-1])
    assert harness.db.last("story", "title") == "Маяк. Том второй"
    assert harness.db.value("turn", "user_id", kind="part", state="answered") == 1
    assert harness.db.last("turn", "user_id", kind="part") == 2
    moves(harness, anna, "Шторм.", "Дальше.", begins)
    anna.send("/whole_story")
    anna.wait("Шторм.")
    assert not [message for message in anna.bot_messages if "Дождь." in message.text and "Шторм." in message.text]
    anna.send("/stories")
    assert len(anna.wait("Историй у группы: 2").labels) == 2
    harness.check_books()
