"""scratch"""

from __future__ import annotations

import time
from sandbox.model_faults import Behaviour
from tests.world import World, until
from tests.test_media import ask_for, balance


def ended(world: World, person, title: str = "Свет в окне") -> None:
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    world.says("Конец.")
    world.says(title)
    person.press("😢 Трагический")
    person.wait("Дописали!")


def test_a1_waiting_words_never_answer_the_wizard(world: World) -> None:
    person = world.writer()
    world.says("Часть вторая.", first_chunk_s=0.6)
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/new_story")
    person.wait("Какую историю")
    person.wait("Часть вторая.")
    person.wait("Куда их?")
    assert not world.value("select genre from draft")


def test_a2_waiting_words_never_go_into_another_story(world: World) -> None:
    person = world.writer()
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    world.says("Часть вторая.", first_chunk_s=0.6)
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[1])
    person.wait("…")
    person.tap("▶️ Продолжить")
    person.wait("Ваши слова продолжат")
    asked = len(world.prompts())
    person.wait("Куда их?")
    assert len(world.prompts()) == asked


def test_b_second_volume_while_the_title_is_made(world: World) -> None:
    person = world.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    world.says("Конец.")
    world.says("Имя", first_chunk_s=0.5)
    person.press("😢 Трагический")
    person.wait("Конец.")
    answer = person.tap("📗 Второй том").wait_answer()
    assert "пишу" in answer.text
    assert not [m for m in person.bot_messages if "сломалось" in m.text]


def test_c_second_volume_is_its_own(world: World) -> None:
    person = world.writer(words="Тайна тома первого.")
    ended(world, person)
    world.says("Прошёл год.")
    person.tap("📗 Второй том")
    person.wait("Прошёл год.")
    person.press("↩️ Отменить ход")
    person.wait("Это начало истории")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🔖 К истории")
    person.wait("часть 1.")
    person.send("/stories")
    assert "· 1 ч." in person.wait("Ваши истории").labels[0]
    person.press("⚙️ Ещё") if False else None
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Прошёл год.")
    person.tap("🔗 Поделиться")
    link = person.wait("Кто откроет эту ссылку").text.split("?start=")[1].split()[0]
    other = world.telegram.user(2, "Борис")
    other.send(f"/start {link}")
    other.wait("можно решить по-своему")
    other.tap("🔀 Продолжить по-своему")
    other.wait("Ваши слова продолжат")
    other.send("/whole_story")
    other.wait("Продолжение за вами")
    assert not [m for m in other.bot_messages if "Тайна тома первого." in m.text]


def test_d_an_ending_and_a_part_are_no_variants(world: World) -> None:
    person = world.writer()
    world.says("Часть вторая.")
    person.press("▶️ Дальше")
    person.wait("Часть вторая.")
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    ended(world, person)
    ending = next(m for m in reversed(person.bot_messages) if m.text == "Конец.")
    assert "◀" not in ending.labels


def test_e1_back_from_a_question_to_a_deleted_story(world: World) -> None:
    person = world.writer()
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("🔎 Найти")
    person.wait("Какие слова искать")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    person.press("✖️ Отмена")
    person.wait("меню")
    assert "▶️ Дальше" not in str(person.keyboard)


def test_e2_back_from_a_question_to_a_story_that_ended_meanwhile(world: World) -> None:
    person = world.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    world.says("Конец.", first_chunk_s=0.6)
    world.says("Имя")
    person.press("😢 Трагический")
    person.wait("Пишу финал")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("✏️ Имя")
    person.wait("Как назвать")
    person.wait("Дописали!")
    person.send("Маяк")
    person.wait("Теперь это «Маяк»")
    assert "🔄 Другой финал" in str(person.keyboard)


def test_f_own_name_stays(world: World) -> None:
    person = world.writer()
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("✏️ Имя")
    person.wait("Как назвать")
    person.send("Моё имя")
    person.wait("Теперь это «Моё имя»")
    ended(world, person)
    assert "Моё имя" in person.wait("Дописали!", since=0).text


def test_g_refused_picture_costs_nothing(world: World) -> None:
    person = world.writer()
    ask_for(person, "🎨 Иллюстрация")
    person.wait("Нарисую")
    before = balance(world)
    world.models.faults.order(Behaviour(end="filter"), kind="image")
    person.tap("🎨 Нарисовать")
    person.wait("ничего не потрачено")
    assert before == balance(world) and world.value("select sum(reserved) from user") == 0


def test_h_a_long_part_can_be_corrected_again(world: World) -> None:
    person = world.writer()
    for words in ("а" * 4000, "б" * 4000):
        ask_for(person, "✏️ Исправить")
        person.wait(lambda m: "Пришлите" in m.text)
        person.send(words)
        person.wait("Исправлено")


def test_i_wishes_have_an_end(world: World) -> None:
    person = world.new_person()
    for number in range(5):
        person.send("ж" * 950)
        person.wait("Куда их?")
        person.tap("✨ В новую историю")
        person.wait("Какую историю")
        person.press("✖️ Отмена")
        person.wait("Отложили")
    assert len(world.value("select extra from draft")) <= 1000


def test_j_editing_an_answer_of_the_wizard_is_no_part(world: World) -> None:
    person = world.writer()
    asked = len(world.prompts())
    mine = next(m for m in person.shown if m.text.startswith("Смотритель Маяк: слеп") and not m.from_bot)
    person.edit(mine.id, "Смотритель Маяк: глух")
    person.wait("Правку вижу")
    assert len(world.prompts()) == asked


def test_l_a_rebuild_that_fails_keeps_the_memory(world: World) -> None:
    person = world.writer(words="Первая.")
    for words in ("Вторая.", "Третья."):
        world.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    ask_for(person, "🧠 Память")
    person.wait("помещается")
    person.send("Егор рыжий.")
    person.wait("Запомнил")
    ask_for(person, "🧠 Память")
    person.wait("Егор рыжий.")
    for _ in range(6):
        world.models.faults.order(Behaviour(status=400))
    person.press("🔄 Собрать заново")
    person.wait("Не получилось обработать")
    assert world.value("select text from memory") == "Егор рыжий."


def test_m_a_stopped_variant_takes_the_place(world: World) -> None:
    person = world.writer()
    world.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("🔄 Другой вариант")
    person.wait_draft("Он бежал.")
    person.send("стоп")
    person.wait("Остановился. Написанное осталось")
    until(lambda: not [m for m in person.shown if m.text == "Начало."])
    assert "◀" in next(m for m in person.bot_messages if m.text.startswith("Он шёл.")).labels


def test_o_no_retry_in_a_deleted_story(world: World) -> None:
    person = world.writer()
    for _ in range(6):
        world.models.faults.order(Behaviour(status=400))
    person.press("▶️ Дальше")
    failed = person.wait("Не получилось")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    assert person.tap("🔁 Повторить", failed).wait_answer().text == "Это уже прошлое"


def test_p_volume_as_an_ending(world: World) -> None:
    person = world.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    world.says("Конец.")
    world.says("Имя")
    person.send("volume")
    person.wait("Дописали!")
    assert "второй том" not in str(world.prompts())


def test_q_editing_earlier_words_deletes_no_message(world: World) -> None:
    person = world.writer()
    ids = []
    for words in ("Он встал.", "Он сел."):
        world.models.faults.order(Behaviour(hang=True))
        asked = len(world.prompts())
        ids.append(person.send(words))
        until(lambda: len(world.prompts()) == asked + 1)
        person.send("стоп")
        person.wait("Ваши слова остались")
    person.edit(ids[0], "Он лёг.")
    person.wait("Правку вижу")
    assert "Он сел." in [m.text for m in person.shown]
