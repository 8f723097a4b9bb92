"""Models: the list, the choice, two vendors at once, prices on every account, and models that are gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

Make = Callable[..., BotHarness]
THEIRS = "sandbox-other"


@pytest.fixture
def both(make_harness: Make) -> BotHarness:
    """Yandex's models and another server's, whose list has come."""
    harness = make_harness()
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    heard(harness)
    return harness


def heard(harness: BotHarness) -> None:
    """Start the bot; its list of the server's models is there."""
    registry = harness.start().registry
    until(lambda: registry.heard and not registry.away)


def asked(harness: BotHarness) -> str:
    """Return the model of the last completion."""
    body = harness.models.of("completion")[-1].body
    return str(body.get("modelUri") or body["model"])


def choose(person: ChatUser, name: str) -> None:
    person.send(f"/model {name}")
    person.wait("Теперь для вас пишет")


def buttons(person: ChatUser) -> list[str]:
    return list(person.last.labels)


# ---------------------------------------------------------------------- the list and the choice


def test_the_list_shows_each_model_with_its_context_and_price(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/model")
    shown = person.wait("Сейчас для вас пишет YandexGPT 5 Lite").text.replace("\xa0", " ")
    about = "контекст 32 768 токенов, 0,20 ₽ за 1 000 токенов запроса, 0,20 ₽ за 1 000 токенов ответа."
    assert shown.startswith(f"Сейчас для вас пишет YandexGPT 5 Lite: {about}")
    assert "\n✅ YandexGPT 5 Lite · 32K · обычная\n" in shown
    assert "\nYandexGPT 5 Pro · 32K · в 6 раз дороже\n" in shown
    assert "\nAlice AI LLM · 131K · в 3,4 раза дороже\n" in shown
    assert "\nDeepSeek V4 Flash · 1M · " in shown
    assert "\nQwen 3.6 35B · 262K · в 1,1 раза дороже · видит фото\n" in shown
    assert buttons(person)[0] == "✅ YandexGPT 5 Lite" and len(buttons(person)) == 8


def test_a_button_switches_and_the_list_shows_it(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/model")
    person.wait("обычная")
    person.tap("YandexGPT 5 Pro")
    person.wait("Сейчас для вас пишет YandexGPT 5 Pro")
    assert "✅ YandexGPT 5 Pro" in buttons(person)
    harness.says("Дальше иначе.")
    person.press("▶️ Дальше")
    person.wait("Дальше иначе.")
    assert asked(harness) == "gpt://b1gsandbox/yandexgpt-5-pro"
    assert harness.db.last("call", "model") == "yandexgpt-5-pro"


@pytest.mark.parametrize("name", ["yandexgpt/latest", "YandexGPT-5-PRO", "yandexgpt 5 pro", "gpt://b1g/yandexgpt"])
def test_a_name_an_alias_and_a_title_switch_in_any_case(name: str, harness: BotHarness) -> None:
    person = harness.new_person()
    choose(person, name)
    assert harness.db.value("user", "model") == "yandexgpt-5-pro"


@pytest.mark.parametrize("name", ["сброс", "RESET", "yandexgpt-lite", "yandexgpt-5-lite/latest"])
def test_the_default_can_be_restored(name: str, harness: BotHarness) -> None:
    person = harness.new_person()
    choose(person, "aliceai-llm")
    choose(person, name)
    assert harness.db.value("user", "model") == ""


def test_an_unknown_name_is_explained_with_the_nearest(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/model alisai-llm")
    person.wait("Модели «alisai-llm» я не знаю. Может быть, одна из этих?")
    assert "Alice AI LLM" in buttons(person)
    person.tap("Alice AI LLM")
    person.wait("Сейчас для вас пишет Alice AI LLM")
    person.send("/model <b>щщщ")
    person.wait("Модели «<b>щщщ» я не знаю. Весь список: /model")


def test_in_the_wizard_the_question_comes_again(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("жанр")
    person.send("/model")
    person.wait("Сейчас для вас пишет")
    person.wait("Шаг 1 из 5")
    assert harness.db.value("user", "step") == "genre"


def test_many_models_come_in_pages(make_harness: Make) -> None:
    harness = make_harness(MODEL_PROVIDER="openai", YANDEX_FOLDER_ID="")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.models.listed = [{"id": f"model-{number}"} for number in range(20)]
    heard(harness)
    person = harness.new_person()
    person.send("/model")
    person.wait("Сейчас для вас пишет model-0")
    assert buttons(person)[-3:] == ["◀", "1/3", "▶"]
    for page in ("2/3", "3/3"):
        person.tap("▶")
        person.until(lambda page=page: buttons(person)[-2] == page)  # type: ignore[misc]
    person.tap("model-19")
    person.wait("Сейчас для вас пишет model-19")
    assert buttons(person)[-2] == "3/3"
    assert person.tap("✅ model-19").wait_answer().text == "Она и так выбрана"


def test_a_button_of_a_model_that_has_gone_says_so(both: BotHarness) -> None:
    person = both.new_person()
    person.send("/model other")
    person.wait("Может быть, одна из этих?")
    assert both.app is not None
    both.models.listed = [{"id": "sandbox-storyteller"}]
    assert both.app.registry.refresh()
    assert person.tap(THEIRS).wait_answer().text == "Этой модели больше нет. Список: /model"
    assert both.db.value("user", "model") == ""


def test_buttons_carry_no_names(both: BotHarness) -> None:
    person = both.new_person()
    person.send("/model")
    shown = person.wait("Сейчас для вас пишет")
    data = [button.data or "" for row in shown.buttons for button in row if not button.disabled]
    assert [each for each in data if not re.fullmatch(r"models?:[0-9]{1,10}", each)] == []


# ---------------------------------------------------------------------- two vendors at once


def test_two_vendors_write_side_by_side(both: BotHarness) -> None:
    anna, boris = both.writer(1), both.writer(2)
    choose(boris, THEIRS)
    both.says("Из облака.")
    anna.press("▶️ Дальше")
    anna.wait("Из облака.")
    assert asked(both) == "gpt://b1gsandbox/yandexgpt-lite"
    both.says("С другого сервера.")
    boris.press("▶️ Дальше")
    boris.wait("С другого сервера.")
    assert asked(both) == THEIRS and both.models.of("completion")[-1].path == "/v1/chat/completions"
    choose(boris, "deepseek-v4-flash")
    both.says("Третьей дорогой.")
    boris.press("▶️ Дальше")
    boris.wait("Третьей дорогой.")
    assert asked(both) == "gpt://b1gsandbox/deepseek-v4-flash"
    assert both.models.of("completion")[-1].headers["openai-project"] == "b1gsandbox"


def test_model_provider_says_whose_model_is_the_default(make_harness: Make) -> None:
    harness = make_harness(MODEL_PROVIDER="openai", OPENAI_MODEL="sandbox-other")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    heard(harness)
    person = harness.writer()
    assert asked(harness) == "sandbox-other"
    choose(person, "yandexgpt-lite")
    harness.says("Из облака.")
    person.press("▶️ Дальше")
    person.wait("Из облака.")
    assert asked(harness) == "gpt://b1gsandbox/yandexgpt-5-lite"


def test_models_that_do_not_write_are_not_offered(both: BotHarness) -> None:
    both.models.listed = [
        {"id": "text-embedding-3-small"},
        {"id": "whisper-1"},
        {"id": "gpt-image-1"},
        {"id": "llama3:8b", "max_model_len": 16_384},
        {"id": "tiny", "context_length": 512},
        {"id": "YandexGPT-Lite"},
        {"name": "nameless"},
    ]
    assert both.app is not None and both.app.registry.refresh()
    theirs = {model.name: model.context_tokens for model in both.app.registry.models if model.vendor == "openai"}
    assert theirs == {"llama3:8b": 16_384}


# ---------------------------------------------------------------------- a server that is away


def test_a_server_that_is_away_holds_nobody_up_and_is_told_of(make_harness: Make) -> None:
    harness = make_harness()
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.models.faults.rule = lambda received: Behaviour(hang=True) if received.kind == "models" else None
    harness.start()
    person = harness.new_person()
    person.send("/model")
    person.wait("Сервер с другими моделями ещё не ответил")
    assert "YandexGPT 5 Lite" in person.last.text


def test_what_a_server_listed_is_known_after_a_restart_and_while_it_is_away(both: BotHarness) -> None:
    person = both.writer()
    choose(person, THEIRS)
    until(lambda: any(key.startswith("models:") for key in both.db.values("setting", "key")))
    both.models.faults.rule = lambda received: Behaviour(status=503) if received.kind == "models" else None
    registry = both.restart().registry
    until(lambda: registry.away)
    person.send("/model")
    person.wait("Сервер моделей сейчас молчит")
    assert f"✅ {THEIRS}" in buttons(person)
    both.says("Пишу и так.")
    person.press("▶️ Дальше")
    person.wait("Пишу и так.")
    assert asked(both) == THEIRS


# ---------------------------------------------------------------------- a model that is gone


def test_a_model_that_has_vanished_from_the_list_gives_way_to_the_default(both: BotHarness) -> None:
    person = both.writer()
    choose(person, THEIRS)
    both.models.listed = [{"id": "sandbox-storyteller"}]
    assert both.app is not None and both.app.registry.refresh()
    both.says("Обычная дописала.")
    person.press("▶️ Дальше")
    person.wait("Модели «sandbox-other» больше нет. Пишет обычная: YandexGPT 5 Lite")
    person.wait("Обычная дописала.")
    assert asked(both) == "gpt://b1gsandbox/yandexgpt-lite"
    assert both.db.value("user", "model") == ""


def test_a_vanished_model_is_told_of_by_the_list_as_well(both: BotHarness) -> None:
    person = both.new_person()
    choose(person, THEIRS)
    both.models.listed = []
    assert both.app is not None and both.app.registry.refresh()
    person.send("/model")
    person.wait("Модели «sandbox-other» больше нет")
    person.wait("Сейчас для вас пишет YandexGPT 5 Lite")


def test_a_model_that_the_vendor_does_not_know_gives_way_in_the_same_turn(harness: BotHarness) -> None:
    person = harness.writer()
    choose(person, "yandexgpt-5.1")
    before = harness.db.balance()
    harness.models.faults.order(Behaviour(status=400, message="invalid model_uri"))
    harness.says("Обычная дописала.")
    person.press("▶️ Дальше")
    person.wait("Модели «yandexgpt-5.1» больше нет")
    person.wait("Обычная дописала.")
    assert harness.db.balance() == before - harness.db.last("call", "charged", model="yandexgpt-lite")
    assert harness.db.value("user", "reserved") == 0
    assert harness.db.value("call", "state", model="yandexgpt-5.1") == "returned"
    assert harness.db.value("budget", "lost") == 0


def test_a_default_model_that_is_gone_is_an_ordinary_failure(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=400, message="invalid model_uri"))
    person.press("▶️ Дальше")
    person.wait("Не получилось обработать запрос")


# ---------------------------------------------------------------------- money


def test_a_dearer_model_costs_its_price_everywhere(harness: BotHarness) -> None:
    person = harness.writer()
    choose(person, "aliceai-llm")
    sums = (("user", "balance"), ("user", "spent"), ("session", "spent"), ("budget", "spent"))
    before = [harness.db.value(table, column) for table, column in sums]
    harness.says("Дорогие слова.")
    person.press("▶️ Дальше")
    person.wait("Дорогие слова.")
    figures = [harness.db.last("call", column) for column in ("input", "output", "charged")]
    price = -(-figures[0] * 5 // 2) + 6 * figures[1]  # 0.50 and 1.20 beside 0.20
    assert figures[2] == price > figures[0] + figures[1] > 0
    after = [harness.db.value(table, column) for table, column in sums]
    assert [late - early for early, late in zip(before, after, strict=True)] == [-price, price, price, price]


def test_summaries_and_titles_are_the_chosen_models_too(make_harness: Make) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1100, MAX_TOKENS_PER_ANSWER=200, USER_TOKENS=300_000)
    harness.start()
    person = harness.writer(words="Дождь шёл над городом.")
    choose(person, "yandexgpt-5-pro")
    for number in range(6):
        words = f"Часть {number}. " + "Дождь шёл над городом. " * 40
        harness.models.faults.rule = lambda received, words=words: (
            Behaviour(text=words) if received.kind == "completion" else None
        )
        person.press("▶️ Дальше")
        person.wait(f"Часть {number}.")
    until(lambda: harness.db.count("call", purpose="summary"))
    assert len(set(harness.db.values("call", "model")[1:])) == 1
    assert harness.db.value("call", "model", purpose="summary") == "yandexgpt-5-pro"


def test_who_cannot_pay_a_dear_model_hears_that_the_usual_one_would_do(harness: BotHarness) -> None:
    person = harness.writer()
    choose(person, "yandexgpt-5-pro")
    harness.db.change("user", balance=12_000)  # 7 500 of them are kept for the ending
    person.press("▶️ Дальше")
    person.wait("Для модели YandexGPT 5 Pro токенов уже мало, а на обычную ещё хватит: /model сброс")
    choose(person, "сброс")
    harness.says("Хватило.")
    person.press("▶️ Дальше")
    person.wait("Хватило.")


def test_a_session_too_full_for_a_dear_model_still_takes_the_usual_one(harness: BotHarness) -> None:
    person = harness.writer()
    choose(person, "yandexgpt-5-pro")
    harness.db.change("session", spent=60000)
    person.press("▶️ Дальше")
    person.wait("На модель YandexGPT 5 Pro в этой истории токенов уже не хватит")
    choose(person, "сброс")
    harness.says("Поместилось.")
    person.press("▶️ Дальше")
    person.wait("Поместилось.")


def test_a_picture_that_is_too_dear_is_not_the_models_fault(harness: BotHarness) -> None:
    person = harness.writer()
    choose(person, "yandexgpt-5-pro")
    harness.db.change("user", balance=2000)
    person.press("⚙️ Ещё")
    person.wait()
    person.tap("🎨 Иллюстрация")
    person.wait()
    person.tap("🎨 Нарисовать")
    person.wait("на финал хватит")


def test_turns_left_are_counted_at_the_chosen_models_price(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/help")
    person.wait("≈ 12 ходов (30\xa0000 токенов)")
    choose(person, "yandexgpt-5-pro")
    person.send("/help")
    person.wait("≈ 2 хода (30\xa0000 токенов)")


def test_words_are_measured_by_the_context_of_the_chosen_model(both: BotHarness) -> None:
    both.models.listed = [{"id": "small", "context_length": 1700}]
    assert both.app is not None and both.app.registry.refresh()
    person = both.writer()
    choose(person, "small")
    person.send("слово " * 400)
    person.wait("помещается 450 токенов")


def test_own_prices_come_from_a_file(make_harness: Make, tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text(
        '[[model]]\nname = "sandbox-other"\nvendor = "openai"\ntitle = "Свой"\ncontext = 4096\n'
        "price = { input = 0.004, output = 2 }\n\n"
        '[[model]]\nname = "yandexgpt-5-lite"\nprice = { input = 1, output = 1 }\n'
    )
    harness = make_harness(MODELS_FILE=own)
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    heard(harness)
    person = harness.new_person()
    choose(person, "свой")
    person.wait("Свой: контекст 4\xa0096 токенов, 0,004 ₽ за 1 000 токенов запроса, 2,00 ₽ за")
    weight = harness.app.registry.weight("sandbox-other") if harness.app else None
    assert weight is not None and (weight.of(1), weight.of(1000), weight.of(0, 3)) == (1, 4, 6)
