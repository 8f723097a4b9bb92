"""English: the texts and prompts of its locale, a story by an English reader, and going over to Russian and back.

The prompts are tried on the local storyteller, which answers in the language that it is asked in.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from itertools import product

import pytest

from conversation.localization import Html
from core.schemas import Message
from sandbox.storyteller.answers import tell
from sandbox.storyteller.figures import repeated
from sandbox.telegram_profile import commands_for
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.ready_made import shipped_locales

LOCALES = shipped_locales()
EN, RU = LOCALES["en"], LOCALES["ru"]
ANY_VALUES = {name: 7 for template in EN.templates().values() for name in re.findall(r"\{(\w+)(?::\w+)?\}", template)}
STORY = {
    "genre": "Fantasy",
    "hero": "Wren the Mapmaker: at night her map adds roads",
    "setting": "The Doorless Tower: every morning it has one more floor",
    "extra": "Let it be settled in three steps.",
    "tone": "",
    "memory": "",
}


def russian(text: str) -> bool:
    return re.search("[а-яё]", text, re.IGNORECASE) is not None


# ── the locale ──


@pytest.mark.parametrize("key", [key for key in EN.templates() if not key.startswith(("label.", "prompt."))])
def test_every_text_is_english_and_renders(key: str) -> None:
    for text in (EN.say(key, **ANY_VALUES), EN.plain(key, **ANY_VALUES)):
        assert text.strip() and not re.search(r"[{}«»]", text) and not russian(text)
    longest = max(EN.heroes("any"), key=lambda hero: len(hero.full))
    presets = Html("\n".join([EN.say("wizard.preset", name=longest.name, about=longest.about)] * 4))
    assert len(EN.say(key, **{**ANY_VALUES, "presets": presets})) < 2500


@pytest.mark.parametrize("key", [key for key in EN.templates() if key.startswith("prompt.")])
def test_every_prompt_is_english_and_renders_full_and_bare(key: str) -> None:
    name = key.removeprefix("prompt.")
    for values in (ANY_VALUES, dict.fromkeys(ANY_VALUES, None)):
        assert "{" not in EN.prompt(name, **values) and not russian(EN.prompt(name, **values))


def emoji(label: str) -> str:
    return label.replace("\ufe0f", "")[0] if ord(label[0]) > 0x2000 else ""


@pytest.mark.parametrize("key", list(EN.labels))
def test_a_label_has_the_emoji_of_the_russian_one_and_is_heard_with_and_without_it(key: str) -> None:
    label = EN.labels[key]
    assert emoji(label) == emoji(RU.labels[key]) and not russian(label)
    if "{" not in label:
        bare = re.sub(r"^[^\w]+", "", label)
        for pressed in (label, label.replace("\ufe0f", ""), f" {label} ", label.upper(), bare, bare.lower()):
            assert LOCALES.key_of(pressed) == key


@pytest.mark.parametrize("text", ["“Stop!”", "Stop, he said", "More and more", "Once more.", "We go on and on"])
def test_a_line_of_a_story_is_no_button(text: str) -> None:
    assert LOCALES.key_of(text) is None


@pytest.mark.parametrize(("n", "text"), [(0, "0 turns"), (1, "1 turn"), (2, "2 turns"), (21, "21 turns")])
def test_counted_words_follow_english_grammar(n: int, text: str) -> None:
    assert EN.plural("turns", n) == text


def test_there_is_as_much_to_choose_from_as_in_russian_and_every_pair_fits() -> None:
    assert [genre.key for genre in EN.genres] == [genre.key for genre in RU.genres]
    for genre in EN.genres:
        heroes, settings = EN.heroes(genre.label), EN.settings(genre.label)
        assert len(heroes) >= 8 and len(settings) >= 8 and len(EN.extras(genre.label)) >= 20
        for hero, setting in product(heroes, settings):
            assert max(len(hero.full), len(setting.full)) <= 100 and not russian(hero.full + setting.full)
            assert not hero.about.endswith(".") and not setting.about.endswith(".")


def test_a_genre_of_ones_own_that_names_ours_draws_on_them() -> None:
    assert set(EN.settings("A detective fairy tale")) == {*EN.settings("Mystery"), *EN.settings("Fairy tale")}
    assert set(EN.heroes("dark fantasy")) == set(EN.heroes("Fantasy"))


# ── the prompts, tried on the local storyteller ──


def asked(name: str, **values: object) -> Message:
    text = EN.prompt(
        name,
        **{**STORY, "length": "2–4 paragraphs", "tail": "She opens the hatch.", "offered": "", "head": "", **values},
    )
    return Message("system" if name in ("coauthor", "finale", "epilogue") else "user", text)


def test_the_storyteller_goes_on_from_english_words_and_does_not_repeat_itself() -> None:
    messages = [asked("coauthor"), Message("user", EN.prompt("wire.begin"))]
    parts = []
    go_on = EN.prompt("wire.go_on")
    for words in ("Wren opens the hatch.", go_on, "Go on foot, says Wren.", go_on, "Wren runs.", go_on):
        parts.append(tell(messages))
        messages += [Message("assistant", parts[-1]), Message("user", words)]
    assert "Wren the Mapmaker" in parts[0] and "The Doorless Tower" in parts[0]
    assert "the hatch" in parts[1].partition(".")[0].lower() and "Wren opens the hatch" not in parts[1]
    assert not any("Go on" in part or "Begin the story" in part for part in parts)
    assert all(600 <= len(part) <= 1300 and not russian(part) for part in parts)
    assert not repeated(parts)


@pytest.mark.parametrize("genre", [genre.label for genre in EN.genres])
def test_the_storyteller_tells_of_every_genre_in_english(genre: str) -> None:
    hero = EN.heroes(genre)[0]
    part = tell([asked("coauthor", genre=genre, hero=hero.full), Message("user", EN.prompt("wire.begin"))])
    assert hero.name in part and not russian(part) and not re.search(r"[{}]|  ", part)


def test_endings_differ_by_kind() -> None:
    words = Message("user", EN.prompt("wire.finale"))
    kinds = ("happy", "tragic", "unexpected", "any")
    endings = {tell([asked("finale", ending=EN.prompt(f"ending.{kind}")), words]).split("\n\n")[-1] for kind in kinds}
    assert len(endings) == 4 and not any(russian(ending) for ending in endings)
    epilogue = tell([asked("epilogue"), Message("user", EN.prompt("wire.epilogue"))])
    assert "Wren" in epilogue and not russian(epilogue)


def test_what_is_asked_beside_the_story_is_answered_in_english() -> None:
    options = json.loads(tell([asked("suggestions")]))["options"]
    assert len(set(options)) == 3 and all(option.startswith("Wren ") for option in options)
    title = tell([asked("title")])
    assert 0 < len(title) <= 40 and "\n" not in title and not russian(title)
    picture = tell([asked("illustration", look="tall", part="She opens the hatch.", style="ink")])
    assert len(picture) > 100 and not russian(picture)


def test_memory_is_kept_in_english_and_folds_the_one_before() -> None:
    parts = "The letter lies by Wren. On the stairs it is quiet, and old Silas is silent."
    first = tell([asked("memory", memory="", parts=parts, limit=600)])
    heads = ("Hero", "People", "Where and when", "Beginning", "Happened", "Unresolved", "Telling")
    assert tuple(line.partition(":")[0] for line in first.splitlines()) == heads
    assert "Silas" in first and len(first) <= 600
    second = tell([asked("memory", memory=first, parts="At night Agatha comes up the stairs.", limit=600)])
    assert second.startswith(first.splitlines()[0]) and "Agatha" in second and not russian(second)


# ── an English reader ──


def english(harness: BotHarness, user_id: int = 1, language_code: str = "en") -> ChatUser:
    """Somebody whose Telegram is English, and who has pressed START."""
    person = harness.telegram.user(user_id, "Ann", language_code=language_code)
    person.send("/start")
    person.wait("The buttons under the message")
    return person


def assert_english(person: ChatUser) -> None:
    for message in person.bot_messages:
        assert not russian("\n".join([message.text, *message.labels])), message.text
    assert not russian(f"{person.keyboard} {person.placeholder} {[answer.text for answer in person.answers]}")


@pytest.mark.parametrize("code", ["en", "en-GB"])
def test_who_speaks_english_is_greeted_in_english(harness: BotHarness, code: str) -> None:
    person = english(harness, language_code=code)
    rows = (("📖 New story", "📚 My stories"), ("💬 Chat", "🎭 Characters"), ("👤 Profile", "❓ Help"))
    assert person.keyboard == rows
    assert person.placeholder == "One phrase or a button"
    welcome = person.bot_messages[0]
    assert "Let's write a story together" in welcome.text and "12 turns" in welcome.text
    assert welcome.labels == ("🎲 Surprise me", "📖 Let me choose")
    person.press("❓ Help")
    assert "tokens)" in person.wait("We write a story together").text
    person.sticker()
    person.wait("A lovely sticker, but words work better. Right now we're in the menu.")
    assert_english(person)


def test_a_whole_story_in_english_by_its_buttons(harness: BotHarness) -> None:
    person = english(harness)
    person.press("📖 New story")
    person.wait("Step 1 of 5")
    person.press("Fantasy")
    person.wait("Step 2 of 5")
    person.press("Wren the Mapmaker")
    person.wait("Step 3 of 5")
    person.send("An attic: it is bigger than the house")
    person.wait("Step 4 of 5")
    person.press("Skip")
    assert "Wishes: none" in person.wait("Step 5 of 5").text
    person.press("✨ Begin the story")
    person.wait(lambda message: len(message.text) > 500 and "Wren" in message.text)
    sent = harness.prompts()[-1]
    hero = EN.hero_of("Wren the Mapmaker")
    assert hero is not None
    assert [message["role"] for message in sent] == ["system", "user"]
    for line in ("Genre: Fantasy\n", f"Hero: {hero.full}\n", "Setting: An attic: it is bigger than the house\n"):
        assert line in sent[0]["text"]
    person.send("Wren opens the hatch.")
    person.wait(lambda message: "the hatch" in message.text.lower() and len(message.text) > 500)
    person.press("💡 Ideas")
    person.wait("💡 What next?")
    person.tap("2")
    person.wait(lambda message: len(message.text) > 500)
    person.press("⚙️ More")
    person.wait("what would you like to do?")
    person.press("🏁 Ending")
    person.wait("How does “")
    person.press("😊 Happy")
    person.wait("We've finished! In all: 4 parts")
    book = person.wait(lambda message: message.attachment is not None)
    assert person.keyboard[0] == ("🔄 Another ending", "📖 Download")
    assert_english(person)
    assert not any(russian(message["text"]) for prompt in harness.prompts() for message in prompt)
    assert book.attachment is not None
    files = zipfile.ZipFile(BytesIO(harness.telegram.state.files[book.attachment.file_id][1]))
    pages = "".join(files.read(name).decode() for name in files.namelist() if name.endswith(("html", "opf", "ncx")))
    for words in ("The End", "a person and the Co-author bot", "Contents", "Hero: Wren the Mapmaker", 'lang="en"'):
        assert words in pages
    assert not russian(pages)


def test_the_shelf_and_its_questions_are_english(harness: BotHarness) -> None:
    person = english(harness)
    person.press("📚 My stories")
    person.wait("It's empty here so far")
    person.tap("🎲 Surprise me")
    person.wait("🎲 Here's what came up")
    person.press("✨ Begin the story")
    person.wait(lambda message: len(message.text) > 500)
    person.press("🏠 Menu")
    person.wait("To go back to")
    person.press("📚 My stories")
    shelf = person.wait("📚 Your stories: 1")
    assert "1 part · today" in shelf.labels[0]
    person.tap(shelf.labels[0])
    person.wait("1 part ·")
    person.tap("✏️ Rename")
    person.wait("be called?")
    person.send("The Attic")
    person.wait("From now on it is “The Attic”.")
    assert_english(person)


def test_language_goes_over_to_russian_and_back(harness: BotHarness) -> None:
    person = english(harness)
    person.send("/language")
    assert person.wait("Which language shall I speak").labels == ("English", "Русский")
    person.tap("Русский")
    person.wait("говорю по-русски")
    person.wait("Вы в меню")
    assert person.keyboard == (
        ("📖 Новая история", "📚 Мои истории"),
        ("💬 Чат", "🎭 Персонажи"),
        ("👤 Профиль", "❓ Помощь"),
    )
    harness.restart()
    person.press("❓ Помощь")
    person.wait("Мы пишем историю вдвоём")
    person.send("/language")
    person.wait("На каком языке")
    person.tap("English")
    person.wait("I speak English now")
    person.wait("This is the menu")
    assert person.keyboard[0] == ("📖 New story", "📚 My stories")


def test_labels_of_both_languages_always_work(harness: BotHarness) -> None:
    person = english(harness)
    for pressed, answer in (
        ("📖 Новая история", "Step 1 of 5"),
        ("🎲 Мне повезёт", "🎲 Here's what came up"),
        ("✏️ Изменить", "What shall we change?"),
        ("Back", "Here's what came up"),
        ("меню", "This is the menu"),
        ("▶️ Дальше", "That won't work just now"),
    ):
        person.send(pressed)
        person.wait(answer)
    neighbour = harness.telegram.user(2, "Анна")
    neighbour.send("/start")
    neighbour.wait("Кнопки под сообщением")
    for pressed, answer in (
        ("📖 New story", "Шаг 1 из 5"),
        ("🎲 Surprise me", "Выпало вот что"),
        ("menu", "Вы в меню"),
    ):
        neighbour.send(pressed)
        neighbour.wait(answer)


def test_the_bots_profile_is_english_for_english_readers(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.sets_profile = True
    harness.start()
    profile = harness.telegram.state.profile
    until(lambda: len(harness.telegram.called("setMyCommands")) == 4)
    assert profile["names"]["en"] == "Co-author"
    assert "You imagine, I write" in profile["descriptions"]["en"]
    assert profile["shorts"]["en"] == EN.plain("profile.short_description")
    person = english(harness)
    shown = {one["command"]: one["description"] for one in commands_for(harness.telegram.state, person.id, "en")}
    assert shown["new_story"] == "New story"
    shown = {one["command"]: one["description"] for one in commands_for(harness.telegram.state, person.id, "de")}
    assert shown["new_story"] == "Новая история"
