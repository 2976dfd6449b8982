"""Both languages say the same things, and nothing that no page asks for."""

import re
from pathlib import Path
from string import Formatter

import pytest

from strikebox import recipe as recipes
from strikebox.site import problem_kinds
from strikebox.site import words as languages
from strikebox.site.words import NAMES, PLURALS, Forms, Word

SITE = Path(languages.__file__).parent
CATEGORIES = {language: {rule(n) for n in range(200)} for language, rule in PLURALS.items()}
# Built from parts, where no search finds them.
BUILT = {
    "blueprint": None,
    "failure": None,
    "error": {f"{kind.word}{end}" for kind in problem_kinds.KINDS for end in ("", "_text")},
    "reasons": None,
    "said": None,
    "time": None,
    "gallery": {"newest", "week", "month", "ever"},
    "site": {"gallery", "hall", "about"},
    "job": {"waiting", "running", "done", "failed", "cancelled", "withheld"},
}


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def texts(word: Word) -> list[str]:
    if isinstance(word, str):
        return [word]
    return list(word) if isinstance(word, tuple) else list(word.values())


@pytest.mark.parametrize("language", NAMES)
def test_every_language_has_the_same_words(language: str) -> None:
    english, other = languages.words("en").table, languages.words(language).table
    assert english.keys() == other.keys()
    for key, word in english.items():
        assert type(word) is type(other[key]), key
        asked = set().union(*map(names, texts(word)))
        assert set().union(*map(names, texts(other[key]))) == asked, key


@pytest.mark.parametrize("language", NAMES)
def test_words_that_count_have_every_form(language: str) -> None:
    for key, word in languages.words(language).table.items():
        if not isinstance(word, str | tuple):
            assert set(word) | {"other"} >= CATEGORIES[language], key


def test_every_word_is_asked_for_and_every_word_asked_for_is_there() -> None:
    sources = [*SITE.rglob("*.html"), *SITE.rglob("*.xml"), *SITE.rglob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    table = languages.words("en").table
    asked = set(re.findall(r'(?:\bt|words|\.list)\(\s*f?"([a-z_]+\.[a-z_0-9]+)"', text))
    assert asked - table.keys() <= {"a.b"}  # of a docstring
    quoted = set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)"', text))
    unused = {key for key in table.keys() - quoted if not _is_built(key)}
    assert unused == set()


def _is_built(key: str) -> bool:
    section, _, name = key.partition(".")
    known = BUILT.get(section, set())
    return known is None or name in known


def test_every_shipped_recipe_speaks_russian() -> None:
    known = languages.words("ru").translations
    for name in recipes.shipped():
        recipe = recipes.load(name)
        assert {recipe.title, recipe.description} - {""} <= known.keys(), name


def test_every_kind_of_problem_speaks_russian() -> None:
    known = languages.words("ru").translations
    assert {kind.title for kind in problem_kinds.KINDS} <= known.keys()


def test_a_recipe_of_the_operators_own_stays_as_it_is() -> None:
    assert languages.words("ru").translated("Night") == "Night"


def test_russian_counts() -> None:
    votes = languages.words("ru")
    said = [votes("picture.votes", n=n) for n in (1, 2, 5, 11, 21, 104, 112)]
    assert [word.split()[1] for word in said] == [
        "голос", "голоса", "голосов", "голосов", "голос", "голоса", "голосов",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cookie", "header", "chosen"),
    [
        (None, "", "en"),
        (None, "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        (None, "de,en;q=0.3,ru;q=0.7", "ru"),
        (None, "ru;q=0, en", "en"),
        (None, "*;q=x,,;q=,ru;q=abc", "en"),
        ("ru", "en", "ru"),
        ("xx", "ru", "ru"),
        ("../../etc", "", "en"),
    ],
)
def test_the_cookie_then_the_browser_choose(cookie: str | None, header: str, chosen: str) -> None:
    assert languages.choose(cookie, header, ("en", "ru")) == chosen


def test_a_word_that_counts_is_a_table() -> None:
    word: Forms = languages.words("en").table["picture.votes"]  # type: ignore[assignment]
    assert word["one"] == "{n} vote"
