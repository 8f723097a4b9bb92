"""Pictures in a question: who sees them, what they cost, albums, replies, groups, and servers that refuse them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from ai.catalog import Model
from ai.registry import ModelRegistry, Server
from handlers.files import MOST_UNASKED
from sandbox.users import ChatUser, NotShown
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club
from tests.toasts import PAST

SEES, BLIND = "qwen3.6-35b-a3b", "yandexgpt-5-lite"


def picture(colour: str = "navy", size: tuple[int, int] = (1600, 1200), kind: str = "JPEG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, kind)
    return content.getvalue()


def asked(harness: BotHarness) -> list[Any]:
    """Return the contents of the last question's messages of the user, as the model got them."""
    body = [received.body for received in harness.models.of("completion")][-1]
    return [message["content"] for message in body["messages"] if message["role"] == "user"]


def pictures_in(content: Any) -> list[tuple[int, int]]:
    """Return the sizes of the pictures of one message."""
    if isinstance(content, str):
        return []
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size for url in urls]


def in_chat(harness: BotHarness, user_id: int = 1) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait("С чего начать")
    return person


def test_a_picture_goes_to_a_model_that_sees_it_and_stays_for_two_more_questions(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = in_chat(harness)
    person.photo(picture(), "Что на этом снимке?")
    person.wait("Вместе с фото вопрос дороже примерно на")
    person.wait("широкий снимок 1280 на 960")
    [question] = asked(harness)
    assert pictures_in(question) == [(1280, 960)] and question[0]["text"] == "[фото] Что на этом снимке?"
    until(harness.settled)
    assert not [message for message in person.shown if "Вместе с фото" in message.text]  # the notice is gone
    [call] = harness.db.rows("call")
    assert call["state"] == "settled" and call["input"] > 1200  # the vendor's figure has the picture in it
    person.send("А что в углу?")
    person.wait("широкий снимок")
    assert [len(pictures_in(content)) for content in asked(harness)] == [1, 0]
    harness.says("Не вижу.")
    person.send("А ещё?")
    person.wait("Не вижу")
    assert [len(pictures_in(content)) for content in asked(harness)] == [1, 0, 0]
    harness.says("Забыл.")
    person.send("А теперь?")
    person.wait("Забыл")
    assert [len(pictures_in(content)) for content in asked(harness)] == [0, 0, 0, 0]
    assert asked(harness)[0] == "[фото] Что на этом снимке?"
    harness.check_books()


def test_a_model_without_eyes_names_one_that_sees_and_a_button_asks_it(harness: BotHarness) -> None:
    person = in_chat(harness)
    person.photo(picture("red", (900, 900)))
    blind = person.wait("YandexGPT 5 Lite фото не видит. Их видит Qwen 3.6 35B")
    assert "примерно 792 токена" in blind.text
    assert not harness.models.of("completion") and not harness.db.count("call")
    harness.restart()
    person.tap("👁 Спросить у Qwen 3.6 35B", blind)
    person.wait("Теперь отвечает Qwen 3.6 35B")
    answer = person.wait("квадратный снимок 900 на 900")
    assert "красный" in answer.text
    assert harness.db.last("user", "model") == SEES
    [question] = asked(harness)
    assert question[0]["text"] == "[фото] Что на фото?"
    with pytest.raises(NotShown):
        person.tap("👁 Спросить у Qwen 3.6 35B")
    person.send("/model")
    assert "видит фото" in person.wait("Сейчас для вас пишет").text
    harness.check_books()


def test_an_album_is_one_question_and_what_is_too_much_of_it_is_said(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = in_chat(harness)
    colours = ("red", "green", "blue", "white", "black", "yellow", "gray")
    person.album(7, "Где ярче?", pictures=[picture(colour, (640, 480)) for colour in colours])
    person.wait("В один вопрос помещается 5 фото. Беру первые 5, ещё 2 не вошли")
    answer = person.wait("Вижу столько фото: 5")
    assert "3. широкий снимок" in answer.text and "синий" in answer.text
    [question] = asked(harness)
    sizes = pictures_in(question)
    assert len(sizes) == 5 and question[0]["text"] == "[фото: 5] Где ярче?"
    assert sum(width * height for width, height in sizes) / 1024 <= 0.6 * 3000  # of the prompt's limit
    assert harness.db.count("turn") == 1
    harness.check_books()


def test_a_picture_sent_as_a_file_is_turned_upright_and_loses_what_the_camera_wrote(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = in_chat(harness)
    content, exif = io.BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Камера"  # turned by 90 degrees; its maker
    Image.new("RGB", (3000, 2000), "green").save(content, "JPEG", exif=exif)
    person.document("снимок.jpg", content.getvalue(), "Что тут?", mime="image/jpeg")
    person.wait("высокий снимок")
    [question] = asked(harness)
    sent = Image.open(io.BytesIO(base64.b64decode(question[1]["image_url"]["url"].partition(",")[2])))
    assert sent.size == (853, 1280) and not sent.getexif()
    for name, mime, said in (
        ("снимок.heic", "image/heic", "Картинки в таком формате я не открываю"),
        ("кот.gif", "image/gif", "Картинки в таком формате я не открываю"),
        ("книга.pdf", "application/pdf", "PDF я не читаю"),
        ("письмо.doc", "application/msword", "Такие файлы я не читаю"),
    ):
        person.document(name, b"1234", mime=mime)
        assert "Сейчас мы в чате" in person.wait(said).text
    person.photo(caption="А это?")  # a few bytes that no program opens
    assert "Ничего не списано" in person.wait("Это фото не открылось").text
    person.document("рисунок.png", picture("white", (50, 20), "PNG"), mime="image/png")
    person.wait("широкий снимок 50 на 20")
    harness.check_books()


def test_words_that_reply_to_a_picture_are_about_it_in_private_and_in_a_group(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = in_chat(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    photo_id = person.photo(picture("blue"))
    person.wait("Фото сохранил. Спросить о нём?")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    person.send("Какого цвета?", reply_to=photo_id)
    person.wait("синий")
    _, (anna, boris) = club(harness, 1, 2)
    seen = anna.photo(picture("red"), "просто так")
    boris.send(BOT, reply_to=seen)
    boris.wait("красный")
    boris.photo(picture("green"), f"{BOT} что здесь?")
    answer = boris.wait("зелёный")
    assert answer.reply_to is not None
    assert asked(harness)[-1][0]["text"].startswith("[фото]")
    harness.check_books()


def test_a_server_that_refuses_a_picture_is_believed_and_asked_no_more(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(
        YANDEX_FOLDER_ID="",
        YANDEX_API_KEY="",
        MODEL_PROVIDER="openai",
        OPENAI_MODEL="sandbox-poet",
        OPENAI_API_KEY="key",
    )
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.start()
    until(lambda: harness.models.of("models"))
    person = in_chat(harness)
    person.photo(picture(), "Что тут?")
    refused = person.wait("фото не видит. Их видит")
    asked_once = len(harness.models.of("completion"))
    assert asked_once == 1 and harness.db.values("call", "state") == ["returned"]
    harness.restart()
    person.photo(picture(), "А тут?")
    person.wait("фото не видит. Их видит")
    assert len(harness.models.of("completion")) == asked_once  # known, over a restart too
    assert refused.buttons
    harness.check_books()


def test_dear_pictures_are_asked_about_once_their_price_was_accepted(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL="yandexgpt-5-lite")
    (harness.folder / "models.toml").write_text(
        '[[model]]\nname = "qwen3.6-35b-a3b"\npictures = 1024\nprice = { input = 2.0, output = 2.0 }\n', "utf-8"
    )
    harness.settings["MODELS_FILE"] = str(harness.folder / "models.toml")
    harness.start()
    person = in_chat(harness)
    person.send("/model qwen3.6-35b-a3b")
    person.wait("Теперь для вас пишет")
    person.photo(picture(), "Что тут?")
    offered = person.wait("Эти фото стоят как целый ход и больше")
    assert not harness.db.count("turn")
    harness.restart()
    person.tap("💬 Спросить в чате", offered)
    person.wait("широкий снимок")
    assert harness.db.count("turn") == 1
    harness.check_books()


def test_a_character_sees_too_and_an_edited_caption_is_asked_again(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = harness.new_person()
    person.send("/modes")
    person.wait("Кем мне быть")
    person.tap("1️⃣ Без контекста")  # of the chat, not of a character
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("🎭 Отвечает")
    person.photo(picture("green"), "Что видишь, кот?")
    person.wait("зелёный")
    assert len(pictures_in(asked(harness)[-1])) == 1
    person.send("А ещё?")
    person.wait("зелёный")
    assert [len(pictures_in(content)) for content in asked(harness)[-2:]] == [1, 0]
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("💬 Чат")
    sent = person.photo(picture("red"), "Что ту?")
    person.wait("красный")
    person.edit(sent, "Что тут?")
    person.wait("красный")
    assert asked(harness)[-1][0]["text"] == "[фото] Что тут?" and len(asked(harness)) == 1
    harness.check_books()


def test_a_picture_that_waits_is_asked_about_after_a_kill(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    process = harness.process()
    person = harness.telegram.user(1, "Анна")
    person.send("/start")
    person.wait("Кнопки под сообщением", 30)
    person.press("💬 Чат")
    person.wait("С чего начать")
    held = harness.holds("Вижу синее море.", "А тут красное.")
    person.photo(picture("blue"), "Что тут?")
    until(lambda: harness.models.of("completion"))
    person.photo(picture("red"), "А тут?")
    person.wait("Я ещё отвечаю")
    harness.kill(process)
    held.set()
    harness.says("Вижу синее море.")
    harness.says("А тут красное.")
    harness.models.faults.rule = None
    harness.start()
    person.wait("Вижу синее море.", 30, since=0)
    person.wait("А тут красное.", 30, since=0)
    assert [len(pictures_in(content)) for content in asked(harness)] == [0, 1]
    harness.check_books()


def test_an_english_user_reads_the_same_in_english(harness: BotHarness) -> None:
    person = harness.telegram.user(5, "Emma")
    person.speaks("en")
    person.send("/start")
    person.wait()
    person.send("/chat")
    person.wait("💬")
    person.photo(picture("red", (900, 900)))
    person.wait("sees no photos. Qwen 3.6 35B does")
    person.tap("👁 Ask Qwen 3.6 35B")
    person.wait("In the photo I see a square picture, 900 by 900")
    assert asked(harness)[-1][0]["text"] == "[photo] What is in the photo?"


def test_of_a_live_photo_its_still_is_seen(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL=SEES)
    harness.start()
    person = in_chat(harness)
    file_id = harness.telegram.state.add_file("photo.jpg", picture("red", (600, 400)))
    still = {"file_id": file_id, "file_unique_id": "a", "width": 600, "height": 400}
    person.happens(
        {"live_photo": {"file_id": "v", "file_unique_id": "b", "width": 600, "height": 400, "photo": [still]}}
    )
    person.wait("красный")
    person.happens({"photo": [{"file_id": 7}, "x"]})  # no size of it can be read
    person.wait("Сейчас мы в чате")
    harness.check_books()


def test_a_talk_is_called_by_what_was_asked_and_not_by_a_photo_that_waits(harness: BotHarness) -> None:
    person = harness.new_person()
    person.album(2, pictures=[picture("red"), picture("green")])
    person.wait("Фото сохранил. Спросить о них?")
    person.press("💬 Чат")
    assert "Продолжаем" not in person.wait("💬 Чат").text
    harness.says("Вторник.")
    person.send("Какой сегодня день?")
    person.wait("Вторник.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("💬 Чат")
    person.wait("Продолжаем разговор «Какой сегодня день?»")


def test_files_that_nobody_asks_about_have_a_limit(harness: BotHarness) -> None:
    person = harness.new_person()
    for number in range(MOST_UNASKED + 2):
        person.photo(caption=f"Фото {number}")
        person.wait("Фото сохранил")
    assert harness.db.values("prompt", "text") == [f"Фото {number}" for number in range(2, MOST_UNASKED + 2)]
    first = person.tap(
        "💬 Спросить в чате", next(message for message in person.shown if "Фото сохранил" in message.text)
    )
    assert first.wait_answer().text == PAST


# ── what is known of models ──


def test_a_list_stored_by_an_older_version_is_recalled() -> None:
    server = Server("http://x", list, lambda listed: Model(listed.name, vendor="openai"))
    registry = ModelRegistry(Model("a", vendor="openai"), [server])
    registry.recall(server, '[["b", 8192], ["c", 8192, true]]')
    assert {model.name for model in registry.models} == {"a", "b", "c"}
    assert registry.dump(server) == '[["b", 8192, null], ["c", 8192, true]]'
