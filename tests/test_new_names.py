"""Which name of a part is offered for a card, and what is said of it."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.cards import LIMITS, CardText, faults
from conversation.identities import identity
from conversation.naming import named, spoken
from conversation.new_names import may_have_name, new_name
from conversation.phrases import phrases


def offered(*texts: str, known: str = "") -> CardText | None:
    card = new_name(texts, lambda name: bool(known) and named([known], spoken(name)))
    assert card is None or may_have_name(texts[-1])
    return card


def said_of(name: str, sentence: str) -> str:
    """Return what a card says of a name; the sentences around it make it one in either language."""
    card = offered(f"Сначала пришла не {name}. {sentence} — Иду, — сказала {name}. “Go,” said {name}.")
    assert card is not None and card.name == name
    return card.about


@pytest.mark.parametrize(
    ("text", "card"),
    [
        (
            "На пороге стояла Веста, фонарщица с Длинной улицы. Он не знал Весту. — Идём, — сказала Веста.",
            CardText("Веста", "фонарщица с Длинной улицы"),
        ),
        (
            "— Идём, — сказала Веста, прищурившись. За Вестой пошли трое.",
            CardText("Веста", ""),
        ),
        (
            "Навстречу вышел Иван Кузьмич. Он поклонился Ивану.",
            CardText("Иван Кузьмич", ""),
        ),
        ("Вошёл Бубен. Бубен пожал плечами и сел.", CardText("Бубен", "")),
        ("Дверь открыл Пантелей. От Пантелея пахло дымом.", CardText("Пантелей", "")),
        ("Там жила Ассоль. Об Ассоли забыли.", CardText("Ассоль", "")),
        (
            "Тогда Никита — так его звали — ушёл. И Никиту забыли.",
            CardText("Никита", ""),
        ),
        (
            "— Идём! — сказал сторож. Там Агния открыла ему дверь. — Куда? Агния ушла.",
            CardText("Агния", ""),
        ),
        ("— Идём, — сказала Агния, сестра сторожа, и встала. Агния ушла.", CardText("Агния", "сестра сторожа")),
        ("They met Vesta, the lamplighter. “Go,” said Vesta.", CardText("Vesta", "the lamplighter")),
        ("He knew old Vesta's lamp. The lamp of Vesta burned.", CardText("Vesta", "")),
    ],
)
def test_a_new_name_is_offered_in_the_nominative_with_what_is_said_of_it(text: str, card: CardText) -> None:
    assert offered(text) == card


@pytest.mark.parametrize(
    "text",
    [
        "Вошла Веста.",  # once
        "Дождь шёл. Дождь лил. «Дождь», — сказал он.",  # at beginnings only
        "Он увидел Море. Море шумело, и море пело.",  # in small letters too
        "Он увидел Весту. Он пошёл за Вестой.",  # no nominative
        "У Ивана был нож. Ивана боялись. Он знал Ивана.",  # a genitive looks like a woman's name
        "Он сказал Вам. И Вас ждут, и Вам рады.",
        "Это СССР. Да, это СССР.",
        "On Monday he slept. It was Monday.",
        "Там был брат Агнии. Рука Агнии дрожала, и брат Агнии ушёл.",  # the verb isn't theirs
        "",
    ],
)
def test_other_words_are_not_offered(text: str) -> None:
    assert offered(text) is None


WHO: Final = {
    "Агния": (
        ("На пороге стояла Агния, {}.", "смотрительница маяка"),
        ("Тут Агния, {}, открыла ему дверь.", "женщина лет сорока"),
        ("Потом Агния ({}) кивнула.", "младшая сестра сторожа"),
        ("Агния — {}.", "старая подруга его матери"),
        ("Теперь Агния — это {}.", "хозяйка трактира"),
        ("В углу сидела {} по имени Агния.", "рыжая девочка"),
        ("Впереди лежала Агния, {}.", "столица северного королевства"),
        ("— Это Агния, {}, — сказал сторож.", "внучка мельника"),
        ("С ними шла Агния, {}.", "эльфийка восьмого уровня"),
        ("Рядом дремала Агния, {}.", "толстая трёхцветная кошка"),
        ("Тут Агния, {}, встала и увидела, что они ушли.", "прачка с Длинной улицы"),
    ),
    "Agnia": (
        ("They met Agnia, {}.", "the keeper of the lighthouse"),
        ("Then Agnia, {}, sat down.", "a retired sailor with a wooden leg"),
        ("The door was opened by Agnia ({}).", "his elder sister"),
        ("At that time Agnia was {}.", "a nurse of the old hospital"),
        ("These days Agnia is {}.", "the captain’s daughter"),
        ("On the steps sat {} named Agnia.", "a red-haired girl"),
        ("{}’s name was Agnia.", "the old fisherman"),
        ("“This is Agnia, {},” he said.", "a smith without a smithy"),
        ("Before them lay Agnia, {}.", "the capital of the northern kingdom"),
    ),
}


@pytest.mark.parametrize(
    ("name", "frame", "who"), [(name, frame, who) for name, rows in WHO.items() for frame, who in rows]
)
def test_a_card_says_who_somebody_is(name: str, frame: str, who: str) -> None:
    sentence = frame.format(who)
    assert said_of(name, sentence[0].upper() + sentence[1:]) == who


@given(st.data())
def test_any_of_these_words_behind_a_name_says_who_it_is(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHO)))
    frame = data.draw(st.sampled_from([frame for frame, _ in WHO[name] if frame.index(name) < frame.index("{")]))
    who = data.draw(st.sampled_from([who for _, who in WHO[name]]))
    assert said_of(name, frame.format(who)) == who


@pytest.mark.parametrize(
    ("sentence", "who"),
    [
        ("Агния была смотрительницей маяка.", "смотрительница маяка"),
        ("Потом Агния стала прачкой в порту.", "прачка в порту"),
        ("Агния была его старой подругой.", "была его старой подругой"),
        ("Старую смотрительницу маяка звали Агния.", "смотрительница маяка"),
        ("Сестру его звали Агнией.", "сестра его"),
        ("Гостью звали Агния.", "гостья"),
    ],
)
def test_a_card_has_it_in_the_nominative(sentence: str, who: str) -> None:
    assert said_of("Агния", sentence) == who


ACTIONS: Final = (
    *("Агния пожала плечами.", "Тогда Агния открыла ему дверь.", "Агния, улыбаясь, подошла ближе."),
    *("Агния, глядя в окно, молчала.", "Агния, стоявшая у окна, молчала.", "Агния, бледная как мел, молчала."),
    *("Потом Агния, в старом плаще, ушла.", "Тут Агния, сама не своя, вышла.", "Агния, кивнув, ушла к сестре."),
    *("Агния, сторож и собака вошли в дом.", "Вошли Агния, сторож, собака и мальчик.", "Его мать и Агния ушли."),
    *("Почему у Агнии такое лицо?", "Если Агния — сестра сторожа, она знает.", "Разве Агния — сестра сторожа?"),
    *("Он увидел Агнию, смотрительницу маяка.", "Агния — так её звали — ушла.", "Сторожа звали Агнию."),
    *("Агния не была смотрительницей.", "Агния была рада.", "Потом Агния работала в порту.", "У Агнии болел брат."),
    *("Агния, сторож окликнул её, обернулась.", "Как хороша была Агния!", "А потом Агния вошла и…", "Брат Агнии ушёл."),
    *(
        "— Агния, сестра, иди сюда.",
        "— Иди, Агния, сестра моя, домой.",
        "Он сказал: «Агния — сестра сторожа».",
        "Агния — та самая.",
    ),
)
ENGLISH_ACTIONS: Final = (
    *("Then Agnia shrugged.", "Then Agnia, her eyes wide, ran.", "Then Agnia, a finger to her lips, ran."),
    *("Then Agnia, the lamp in her hand, ran.", "Then Agnia, a boy and a dog came.", "Agnia was a little late."),
    *("If Agnia was the keeper, she knew.", "Agnia was not the keeper.", "Was it that Agnia is the keeper?"),
    *("“Come in, Agnia, my sister,” he said.", "Then Agnia, smiling, came in.", "Then Agnia, in an old coat, left."),
    *(
        "The brother of Agnia left.",
        "Agnia’s brother left.",
        "Agnia was the first to leave.",
        "Then Agnia — the door shut.",
    ),
    *("Agnia, who was late, ran.", "Then Agnia, however, slept.", "The keeper told Agnia.", "Agnia was tired."),
)


NOTHING: Final = (
    # another noun before the name
    *(
        "В трактир Агния вошла.",
        "На остров Агния приплыла.",
        "Мать Агния не помнила.",
        "Свою дочь Агния назвала Верой.",
    ),
    *("Когда уснул муж, Агния, вздохнув, встала.", "Под утро в трактир Агния вошла.", "К ним вышла прачка Агния."),
    *("Человек Агния не верил.", "Тогда его сестра, Агния, ушла.", "Увидев кота, сестра Агния ушла."),
    # who is called
    *("Сестру все звали Агния.", "Сестру тогда звали Агния.", "Сестру не звали Агния.", "Мать и сестру звали Агния."),
    *("Сестру вчера звали Агния.", "Сестру в деревне звали Агния.", "Мать ребёнка по имени Агния пришла."),
    *("Сестру звали Агния?", "Он решил, что сестру звали Агния.", "Кажется, сестру звали Агния."),
    # what is beside a name
    *("Агния, меч в руке, ждала.", "Агния, кот на плече, шла.", "Агния, сестра за спиной, ждала."),
    *("Агния, муж в отъезде, скучала.", "Агния, муж с ней, шла.", "Агния, отец которой погиб, молчала."),
    *("Агния, сосед говорит, больна.", "Агния, корабль уходит, поспеши.", "Агния, понедельник, утро."),
    *("Агния, сестра боится, ушла.", "Пришла Агния, сторож, собака и мальчик.", "Агния, мать ушла, плакала."),
    *("Нет, милая Агния, подруга моя, ушла.", "О Агния, сестра ветра, ушла.", "Пришла Агния, друг, каких мало."),
    *("— Нет, Агния, подруга моя, ушла.", "— Это Агния, сестра, она ушла.", "— Это не Агния, сестра мельника."),
    # an opinion
    *(
        "Он решил, что Агния — сестра сторожа.",
        "Казалось, Агния — сестра сторожа.",
        "Хотел, чтобы Агния стала прачкой.",
    ),
    *("Агния — сестра и мать сторожа.", "Агния была прачкой и кухаркой.", "Агния была первой женщиной, которая ушла."),
    *("Агния, мать больна, плакала.", "Агния, волк впереди, замерла.", "Пришла Агния, мать, отец."),
    *("Девочку, чью мать звали Агния, искали.", "Девочку, мать которой звали Агния, искали."),
    *("Вошли Пётр, Агния, сторож.", "Говорили, Агния — сестра сторожа.", "Может быть, Агния — ведьма."),
    *("Агния — ведьма, подумал он.", "Для него Агния — царица.", "Во сне Агния была царицей."),
    *("Все считали: Агния — ведьма.", "По мнению Петра, Агния была ведьмой.", "Все знали: Агния — ведьма."),
    *("Он называл её так: Агния — царица.", "По словам Петра, Агния была ведьмой."),
)
NOTHING_IN_ENGLISH: Final = (
    *("In the village Agnia bought bread.", "On the island Agnia slept.", "With her brother Agnia went home."),
    *("The prince called Agnia.", "He told the captain Agnia was dead.", "Her mother Agnia never forgave."),
    *("A boy called Agnia."),
    *("After she buried her husband, Agnia, smiling, left.", "He had never liked the old keeper Agnia."),
    *(
        "Then Agnia, the cat on her lap, slept.",
        "Then Agnia, her son in her arms, ran.",
        "So Agnia, a ghost of a smile, sat.",
    ),
    *(
        "Then Agnia, the river at her back, stood.",
        "Then Agnia, the dog with her, ran.",
        "They saw Agnia, the dog, the cat, and a bird.",
    ),
    *("He thought Agnia was the keeper.", "He believed that Agnia was the queen.", "He dreamed Agnia was a queen."),
    *(
        "Dear Agnia, my friend, come.",
        "“Dear Agnia, my friend, come.”",
        "“No, Agnia, my friend.”",
        "“This is Agnia, my friend.”",
    ),
    *(
        "The man with the dog was called Agnia.",
        "The brother of the keeper was called Agnia.",
        "Agnia was the keeper and the cook.",
    ),
    *(
        "The keeper was named Agnia's heir.",
        "The captain was never called Agnia.",
        "“This is not Agnia, the keeper,” he said.",
    ),
    *("Then Agnia, her son without a word, left.", "Agnia was a queen, she thought.", "Agnia was a queen in his eyes."),
    *("For him Agnia was the queen.", "Agnia was a queen to him.", "Agnia was a ghost of herself."),
    *("A captain named Agnia his heir.", "To the child Agnia was a giant.", "In the story Agnia was a queen."),
    *(
        "People say Agnia is a witch.",
        "Everyone knew Agnia was a witch.",
        "Everybody knows that Agnia is a witch.",
        "In his opinion Agnia was a witch.",
    ),
    *("Then Agnia, the captain of the ship yelled.", "Then Agnia, the captain of the ship yelled loudly."),
)


@pytest.mark.parametrize("sentence", [*NOTHING, *NOTHING_IN_ENGLISH])
def test_a_card_says_nothing_rather_than_something_wrong(sentence: str) -> None:
    assert said_of("Agnia" if sentence in NOTHING_IN_ENGLISH else "Агния", sentence) == ""


@pytest.mark.parametrize("sentence", [*ACTIONS, *ENGLISH_ACTIONS])
def test_a_card_says_no_action_and_no_question(sentence: str) -> None:
    assert said_of("Agnia" if sentence in ENGLISH_ACTIONS else "Агния", sentence) == ""


@given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6), st.sampled_from(WHO["Агния"]))
def test_who_somebody_is_goes_before_what_they_do(actions: list[str], told: tuple[str, str]) -> None:
    assert said_of("Агния", " ".join(actions)) == ""
    frame, who = told
    sentence = frame.format(who)
    said = said_of("Агния", f"{' '.join(actions)}\n{sentence[0].upper() + sentence[1:]}\n{' '.join(actions)}")
    assert said == who


def test_a_place_belongs_to_who_somebody_was() -> None:
    assert said_of("Agnia", "At that time Agnia was a nurse in the hospital.") == "a nurse in the hospital"


def test_a_name_of_which_more_is_known_goes_first() -> None:
    text = "Веста молчала. Весту ждали, и Веста ждала. За нею вошёл Пантелей, сторож. Пантелею не рады."
    assert offered(text) == CardText("Пантелей", "сторож")


def test_a_known_name_is_not_offered_and_the_next_one_is() -> None:
    text = "Пришла Веста. Весту ждали. За нею вошёл Пантелей. Пантелею не рады. Веста сказала это."
    assert offered(text, known="Веста") == CardText("Пантелей", "")


def test_a_name_of_earlier_texts_counts_and_the_sentence_that_brought_it_is_kept() -> None:
    assert offered("Рядом жил Пантелей, сторож.", "Он ушёл и позвал Пантелея.") == CardText("Пантелей", "сторож")
    assert offered("Рядом жил Пантелей. Пантелея не любили.", "Он ушёл.") is None  # the last part doesn't have it


@given(st.lists(st.text(max_size=100) | st.text(alphabet="ВестаИванАnn лаит.,!—«»\n", max_size=200), max_size=4))
def test_any_text_gives_a_sound_card_or_none(texts: list[str]) -> None:
    card = offered(*texts)
    assert card is None or (faults(card) in ([], [("about", "empty")]) and len(card.about) <= LIMITS["about"])


_RUSSIAN_WHO: Final = st.sampled_from([who for who in phrases("who") if re.search("[а-я]", who)]).flatmap(
    lambda who: st.from_regex(re.compile(who), fullmatch=True, alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюяё")
)
_ENGLISH_WHO: Final = st.sampled_from([who for who in phrases("who") if re.search("[a-z]", who)]).flatmap(
    lambda who: st.from_regex(re.compile(who), fullmatch=True, alphabet="abcdefghijklmnopqrstuvwxyz")
)
_BETWEEN: Final = st.sampled_from([*",—().«»?“”\n", "'s name was", "по имени"]) | st.sampled_from(
    ("и", "звали", "была", "стала", "в", "это", "не", "старая", "маяка", "the", "a", "her", "was", "named", "of", "and")
)


@given(st.lists(st.sampled_from(["Агния", "Веста", "Agnia", "Пантелей"]) | _RUSSIAN_WHO | _ENGLISH_WHO | _BETWEEN))
def test_any_known_words_in_any_order_give_a_sound_card_or_none(words: list[str]) -> None:
    card = offered(" ".join(words))
    assert card is None or (faults(card) in ([], [("about", "empty")]) and len(card.about) <= LIMITS["about"])


@given(
    _RUSSIAN_WHO,
    st.sampled_from(["{} Агния видела.", "В {} Агния вошла.", "Агния, {} в руке, ушла.", "Тут {}, Агния."]),
)
def test_no_known_word_before_a_name_or_at_its_hand_is_who_it_is(who: str, sentence: str) -> None:
    assert said_of("Агния", sentence.format(who)) == ""


@given(
    _ENGLISH_WHO,
    st.sampled_from(
        ["The {} Agnia saw.", "In the {} Agnia ate.", "So Agnia, the {} in her hand, ran.", "A {}, Agnia, ran."]
    ),
)
def test_no_known_english_word_before_a_name_or_at_its_hand_is_who_it_is(who: str, sentence: str) -> None:
    assert said_of("Agnia", sentence.format(who)) == ""


@pytest.mark.parametrize("behind", ["сестра маяка порта", "старая смешная сестра", "была " + "старой " * 12])
def test_few_of_many_names_are_asked_who_they_are(behind: str) -> None:
    """The work is done inside the transaction that stores a part."""
    names = [f"{a}{b}{c}" for a in "ВПКМСТРД" for b in ("ес", "ер", "ан", "ол", "ит") for c in ("та", "ний", "мик")]
    text = " ".join(f"Тут {name}, {behind}, да" for name in names)
    asked, name = 0, identity.__name__

    def count(frame: FrameType, event: str, _of: object) -> None:
        nonlocal asked
        asked += event == "call" and frame.f_code.co_name == name

    sys.setprofile(count)
    try:
        assert offered(*[text] * 5) is not None
    finally:
        sys.setprofile(None)
    assert asked <= 300  # of 600 places


def test_a_text_twice_as_long_takes_twice_the_work() -> None:
    calls = 0

    def count(_frame: FrameType, event: str, _of: object) -> None:
        nonlocal calls
        calls += event == "call"

    counted = []
    for lines in (100, 200):
        calls = 0
        sys.setprofile(count)
        try:
            assert not may_have_name("— Идём, — сказал он. Дождь шёл.\n" * lines)
        finally:
            sys.setprofile(None)
        counted.append(calls)
    assert counted[1] < 2.2 * counted[0]
