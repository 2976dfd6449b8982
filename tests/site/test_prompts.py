from pathlib import Path

import pytest

from strikebox.errors import ModerationError
from strikebox.site.moderation import prompt_lists
from strikebox.site.moderation.prompts import PromptRules

RULES = PromptRules.read()

MEANT = {
    "plainly": ["naked woman", "Hitler", "kill myself", "голая девушка", "СИСЬКИ", "ебать", "труп"],
    "with letters of another alphabet": ["fuсk", "п0рно", "порнo", "гoлaя", "xyй", "сeкc", "rаре", "ѕех"],
    "in other forms of letters": ["ｎｕｄｅ", "𝓷𝓾𝓭𝓮", "ⓢⓔⓧ", "NÚDE", "Наци́ст"],
    "with digits and signs": ["n4ked", "p0rn", "sh1t", "$hit", "a55hole", "b00bs", "пи3да"],
    "with what cannot be seen": ["n\u200bude", "nu\u00adde", "n\u2060u\u202ede"],
    "spelled out": ["f u c k", "f.u.c.k you", "s-e-x", "x у й", "х.у.й", "a s_e_x toy"],
    "drawn out": ["fuuuuck", "сиииськи"],
    "masked": ["f*ck", "sh*t", "f**k", "х*й"],
    "in two words": ["a nude child", "голый ребёнок", "severed  head", "ku klux klan"],
}

HARMLESS = """
cat|Scunthorpe|cocktail|assassin bug|grapes|rapeseed field|sextant|blue tits|cockerel|peacock|
classic car|bass guitar|Essex|Sussex coast|therapist|document|cumulus cloud|circumference|Moby-Dick|
pussy willow|shiitake|hello kitty|title page|shuttlecock|penguin|drapery|cactus|baby elephant|
naked mole rat|spicy soup|child with a balloon|raccoon|nuthatch|gorilla|gorgeous|analysis|retardant|
chinchilla|kid goat|mp3 player|4 cats in a row|cat no 5|a b c d|x y z|U.S.A.|R2-D2|7up|annals|rapper|
teen titans|кот|корабль|рубль|употреблять|хлебать|подстраховка|мандарин|команда|гребля|колебания|
хула-хуп|педикюр|скипидар|сукно|сундук|барсук|сосульки|насос|психея|художник|хутор|учебник|лебедь|
хлеб|небо|голубь|голый король|гол в ворота|голова|труппа театра|анализ|канал|огурец|мудрая сова|
нигерия|хохолок птицы|даунтаун|путаница|шлюпка|осьминог|блюдо|С.С.С.Р.|3 медведя|ребёнок с шаром|
сексот
""".replace("\n", "").split("|")


@pytest.mark.parametrize("how", MEANT)
def test_what_is_meant_is_met(how: str) -> None:
    assert [prompt for prompt in MEANT[how] if RULES.check(prompt) is None] == []


def test_harmless_words_pass() -> None:
    assert [prompt for prompt in HARMLESS if RULES.check(prompt) is not None] == []


def test_shipped_subjects_pass() -> None:
    """Names of the 420 embedded labels."""
    import json

    import strikebox

    labels = Path(strikebox.__file__).parent / "embedded" / "labels"
    rows = (labels / part / "metadata.jsonl" for part in ("train", "held-out"))
    subjects = {json.loads(line)["subject"] for path in rows for line in path.read_text("utf-8").splitlines()}
    assert len(subjects) == 40
    assert [subject for subject in subjects if RULES.check(subject) is not None] == []


@pytest.mark.parametrize("prompt", [prompt for prompts in MEANT.values() for prompt in prompts])
def test_a_reason_never_repeats_the_prompt(prompt: str) -> None:
    refusal = RULES.check(prompt)
    assert refusal is not None
    for language in ("en", "ru", "de"):
        reason = refusal.reason(language)
        assert reason
        assert not set(prompt.casefold().split()) & set(reason.casefold().replace(",", " ").split())


def test_the_reason_is_in_the_readers_language() -> None:
    refusal = RULES.check("голая")
    assert refusal is not None
    assert refusal.category == "sexual"
    assert refusal.reason("en").startswith("Please")
    assert refusal.reason("ru").startswith("Пожалуйста")
    assert refusal.reason("de") == refusal.reason("ru")


def test_languages_have_the_same_categories() -> None:
    english, russian = prompt_lists.read(["en", "ru"])
    assert set(english.reasons) == set(russian.reasons)


@pytest.mark.parametrize("prompt", ["", " ", "\x00", "\u202e", "*" * 500, "a*" * 250, "!|1" * 160, "é" * 400])
def test_odd_prompts_are_read_quickly(prompt: str) -> None:
    RULES.check(prompt)


def test_an_operators_list_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("[brands] No brands, please.\nacme*\n= acmeist\n", "utf-8")
    rules = PromptRules.read(tmp_path, ["en", "ru"])
    assert rules.check("naked") is None
    assert rules.check("an acmeist poet") is None
    refusal = rules.check("the ACME anvil")
    assert refusal is not None
    assert (refusal.category, refusal.reason("ru")) == ("brands", "No brands, please.")
    assert rules.check("голая") is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("word\n", r"en\.txt:1: stands before the first heading"),
        ("[a] b\n\n*\n", r"en\.txt:3: '\*' is no rule"),
        ("[a]\n", r"en\.txt:1: says no reason"),
    ],
)
def test_a_malformed_list_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "en.txt").write_text(text, "utf-8")
    with pytest.raises(ModerationError, match=said):
        PromptRules.read(tmp_path, ["en"])


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModerationError, match=r"de\.txt: there is no list of this language"):
        PromptRules.read(None, ["de"])
    with pytest.raises(ModerationError, match="is no folder"):
        PromptRules.read(tmp_path / "none", ["en"])
    (tmp_path / "en.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModerationError, match="is not UTF-8"):
        PromptRules.read(tmp_path, ["en"])
