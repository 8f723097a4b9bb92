"""The demo's storyteller calls a hero by name, declines it, and knows a she from a he."""

from __future__ import annotations

import json
import re

import pytest

from core.schemas import Message
from sandbox.storyteller import russian
from sandbox.storyteller.answers import tell
from sandbox.storyteller.figures import (
    Card,
    story,
)
from sandbox.storyteller.outline import outline

VESTA = "Картограф Веста: карта дорисовывает дороги"
GIANT = "Город на великане: он спит"


def test_a_heroine_is_a_she_and_a_hero_a_he() -> None:
    for hero, verb in ((VESTA, "ла"), ("Лифтёр Савелий: боится высоты", "л")):
        name = russian.short_name(hero.partition(":")[0])
        text = "\n".join(story(Card("ru", "Фэнтези", hero, GIANT)))
        found = re.findall(rf"(?<![«,])\b{name} (?:не |уже |даже )?(\w+л[аи]?)\b", text)
        assert len(found) > 10 and {re.sub(r"^.*?(л[аи]?)$", r"\1", word) for word in found} == {verb}


@pytest.mark.parametrize(
    ("phrase", "case", "form"),
    [
        ("Лифтёр Савелий", "dat", "Лифтёру Савелию"),
        ("Понятой Геннадий", "gen", "Понятого Геннадия"),
        ("Внучка Яги Ульяна", "acc", "Внучку Яги Ульяну"),
        ("Кот-писарь Пантелей", "ins", "Котом-писарем Пантелеем"),
        ("старый рыбак из Одессы", "dat", "старому рыбаку из Одессы"),
        ("Стряпчий Юст", "dat", "Стряпчему Юсту"),
        ("Таксист Жора", "acc", "Таксиста Жору"),
        ("Дракончик Уголёк", "acc", "Дракончика Уголька"),
        ("Hero", "dat", "Hero"),
        ("Сестра Золушки", "dat", "Сестре Золушки"),
    ],
)
def test_names_are_declined(phrase: str, case: str, form: str) -> None:
    assert russian.person(phrase).case(case) == form


@pytest.mark.parametrize(
    ("described", "short"),
    [
        ("Сестра Золушки", "сестра"),
        ("Доктор при сыщике", "доктор"),
        ("Внучка Яги Ульяна", "Ульяна"),
        ("Марфа из Костромы", "Марфа"),
    ],
)
def test_a_hero_is_called_by_name_or_by_what_they_are(described: str, short: str) -> None:
    assert russian.short_name(described) == short


@pytest.mark.parametrize(
    ("hero", "short"),
    [
        ("Wren the Mapmaker: draws at night", "Wren"),
        ("Sir Percy the Ghost: afraid of the dark", "Percy"),
        ("Elias, Once a Sword: sorry for every cut", "Elias"),
        ("The Other Twin: has no mirror", "The Other Twin"),
        ("Captain Agatha: inherited a map", "Agatha"),
        ("Cinderella's Sister: the slipper fitted", "Cinderella's Sister"),
    ],
)
def test_an_english_hero_is_called_by_name(hero: str, short: str) -> None:
    asked = Message("user", f"Come up with three actions.\nGenre: Fantasy\nHero: {hero}\nAnswer")
    assert all(option.startswith(f"{short} ") for option in json.loads(tell([asked]))["options"])


@pytest.mark.parametrize(
    ("language", "phrase", "hero"),
    [
        (
            "ru",
            "Старый смотритель (пусть он будет глухим): ждёт корабль",
            "Старый смотритель (пусть он будет глухим): ждёт",
        ),
        ("en", "The keeper (let him be deaf) wakes on a ship", "keeper (let him be deaf): wakes on a ship"),
    ],
)
def test_a_wish_in_brackets_stays_beside_the_hero_s_name(language: str, phrase: str, hero: str) -> None:
    opens, closes = ("Замысел", "Четыре поля") if language == "ru" else ("The idea", "Four fields")
    asked = f"{opens}:\n{phrase}\n{closes}"
    assert hero in json.loads(outline(asked, language))["hero"]


def test_of_several_heroes_the_story_is_told_of_one() -> None:
    asked = Message("user", "Придумай три поступка.\nЖанр: Сказка\nГерой: Трое друзей: застряли в лифте\nОтветь")
    options = json.loads(tell([asked]))["options"]
    assert all(option.startswith("Друг ") for option in options)
    asked = Message("user", "Come up with three actions.\nGenre: Fantasy\nHero: Three friends: are stuck\nAnswer")
    assert all(option.startswith("The friend ") for option in json.loads(tell([asked]))["options"])


# Beginnings of sentences that are no names, though the dictionary has a name like some of them.
BEGINNINGS = """
Вели ему уйти. Вели запрячь коней.|Вали отсюда, пока цел. Вали всё в телегу.|Дай мне руку. Дай ему напиться.
Лишь ветер шумел в трубе. Лишь бы дойти.|Коли пришёл, садись. Коли нет, иди.
Тая дыхание, он ждал. Тая в тепле, снег капал.|Мари его голодом, не скажет. Мари хоть год.
Поля тянулись до реки. Поля молчали.|Света в доме не было. Света ждали до утра.
Марта ждали всей деревней. Марта так и не было.|Слава ему была не нужна. Слава пришла сама.
Роман он дочитал к утру. Роман кончился плохо.|Вера в него прошла. Вера вернулась не сразу.
Надежда жила до вечера. Надежда умерла.|Любовь пришла поздно. Любовь ушла рано.
Мила была ему эта тишина. Мила и близка.|Роза завяла на окне. Роза стояла в вазе.|Лев зарычал в клетке. Лев прыгнул.
Тома стояли на полке. Тома пылились.|Гена лжи не нашли и врачи. Гена такого нет.|Злата он не взял. Злата было много.
Лада в семье не было. Лада искали годами.|Мир вашему дому. Мир изменился.|Рада была и мать. Рада до слёз.
Петь он не умел. Петь не хотелось.|Вить гнездо было поздно. Вить его не из чего.
Толь лежал на крыше. Толь пах смолой.|Сень листвы укрыла их. Сень была густая.
Май прошёл в дождях. Май был холодным.|Дина тут мера силы. Дина мала.|Лей воду, не жалей. Лей до краёв.
Пей до дна. Пей, пока тёплое.|Пусть идёт. Пусть ждёт.|Будто спит. Будто и не жил.|Хоть бы дождь. Хоть раз взгляни.
Разве можно так. Разве он знал.|Стоя у окна, он ждал. Стоя на углу, мёрз.|Сидя у огня, он пел. Сидя уснул.
Едва рассвело, все встали. Едва он сел, позвали.|Только он и знал. Только ветер выл.
Снова пошёл дождь. Снова тишина.|Была зима. Была и весна.|Жил он один. Жил тихо.
Сев на лавку, он вздохнул. Сев, он уснул.|Встав, он ушёл. Встав на стул, достал.|Яр был крут. Яр осыпался.
Вдруг погас свет. Вдруг стало тихо.|Потом был суд. Потом тюрьма.|Однажды он пропал. Однажды вернулся.
Наконец приехали. Наконец стало тепло.|Кроме него никого. Кроме стола пусто.|Тогда он встал. Тогда все замолчали.
Никто не верил. Никто и не ждал.|Старик спал. Старик проснулся.|Сторож кивнул. Сторож ушёл.
Иди к реке. Иди и не бойся.|Стой на месте. Стой, кому говорю.|Глядя в огонь, он молчал. Глядя вниз, дрожал.
Молча сели. Молча ели.|Где он был. Где теперь.|Почему молчит. Почему один.|Ночью шёл снег. Ночью всё стихло.
Лёд треснул. Лёд держал ещё день.|Воля кончилась. Воля ему снилась.|Боже мой. Боже, как тихо.
Люди ждали. Люди разошлись.|Увы, поздно. Увы, никого.|Ага, попался. Ага, вот и он.|Эй, на барке. Эй, там.
Конечно, он знал. Конечно, молчал.|Зато тепло. Зато тихо.|Опять он опоздал. Опять все смеялись.
Кажется, дождь. Кажется, вечер.|Пора идти. Пора, сказал он.
"""


@pytest.mark.parametrize("beginning", BEGINNINGS.strip().replace("\n", "|").split("|"))
def test_a_word_at_the_beginning_of_a_sentence_is_no_hero(beginning: str) -> None:
    text = f"{beginning} {beginning} — {beginning} Марфа встала. Сосед позвал Марфу."
    assert json.loads(outline(f"Текст:\n{text}\nЧетыре поля", "ru"))["hero"].startswith("Марфа:")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Катя вошла. Катя села на край стула.", "Катя"),
        ("Варя пела за стеной. Варя не спала.", "Варя"),
        ("Потом вошёл Роман. Роман молчал.", "Роман"),
        ("За столом сидела Вера. Вера писала письмо.", "Вера"),
        ("Тут заплакала Надежда. Надежда встала.", "Надежда"),
        ("Он позвал: «Лев!» Потом пришёл Лев. Лев хромал.", "Лев"),
        ("Адам ждал до ночи. Адаму не спалось.", "Адам"),
        ("Агата шла полем. Агату знали все.", "Агата"),
    ],
)
def test_a_name_that_is_also_a_word_is_found_inside_a_sentence_or_by_its_verb(text: str, name: str) -> None:
    assert json.loads(outline(f"Текст:\n{text}\nЧетыре поля", "ru"))["hero"].startswith(f"{name}:")


@pytest.mark.parametrize(
    "text",
    [
        "When he came, it rained. When he left, it snowed.",
        "Nobody knew it. Nobody cared.",
        "Never had he slept so. Never again he would.",
        "“Listen to me,” he said. “Listen well.”",
        "On a cold Monday he slept. It was Monday again.",
    ],
)
def test_an_english_word_at_the_beginning_of_a_sentence_is_no_hero(text: str) -> None:
    told = f"{text} {text} The bees knew Martha well. Then Martha left."
    assert json.loads(outline(f"The text:\n{told}\nFour fields", "en"))["hero"].startswith("Martha:")


@pytest.mark.parametrize(
    ("language", "phrase", "hero"),
    [
        ("ru", "Однажды кот нашёл письмо", "Кот: однажды нашёл письмо"),
        ("ru", "Как-то раз рыбак поймал говорящую рыбу", "Рыбак: как-то раз поймал говорящую рыбу"),
        ("ru", "Жил старик у самого моря", "Старик: жил у самого моря"),
        ("ru", "Пусть дракон уснёт в библиотеке", "Дракон: пусть уснёт в библиотеке"),
        ("ru", "Вдруг смотритель маяка получил письмо", "Смотритель маяка: вдруг получил письмо"),
        ("ru", "Роза, ученица ведьмы, крадёт книгу", "Роза: ученица ведьмы, крадёт книгу"),
        ("ru", "Тая ищет брата", "Тая: ищет брата"),
        ("ru", "Юля в стране чудес", "Юля в стране чудес: "),
        ("ru", "Старый рыбак из Одессы", "Старый рыбак из Одессы: "),
        ("ru", "Раз в год дракон спит", "Дракон: раз в год спит"),
        ("ru", "Жили-были дед и баба", "Дед и баба: жили-были"),
        ("en", "Once upon a time a cat found a letter", "The cat: once upon a time found a letter"),
        ("en", "Once upon a time there was a cat", "The cat: once upon a time"),
        ("en", "Once a keeper gets a letter", "The keeper: once gets a letter"),
        ("en", "One night the captain wakes up", "The captain: one night wakes up"),
        ("en", "If the dragon wakes, the town burns", "The dragon: wakes, the town burns"),
    ],
)
def test_a_phrase_s_first_words_are_not_the_hero_s_name(language: str, phrase: str, hero: str) -> None:
    opens, closes = ("Замысел", "Четыре поля") if language == "ru" else ("The idea", "Four fields")
    assert json.loads(outline(f"{opens}:\n{phrase}\n{closes}", language))["hero"].startswith(hero)


@pytest.mark.parametrize("phrase", ["Вели ему прийти на рассвете", "Вели коня к воде", "Дай мне историю о рыбаке"])
def test_an_order_names_no_hero(phrase: str) -> None:
    hero = json.loads(outline(f"Замысел:\n{phrase}\nЧетыре поля", "ru"))["hero"]
    assert not hero.startswith(phrase.split()[0])


def test_a_first_word_alone_is_no_hero() -> None:
    assert not json.loads(outline("The idea:\nIf\nFour fields", "en"))["hero"].startswith("If")
