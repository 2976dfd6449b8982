"""What a drawing on a background is called: pure functions of names, colours and a random generator."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sets import BY_NAME

STYLE_SHARE = 0.5
RUSSIAN_SHARE = 0.15
NAMED_BACKGROUND_SHARE = 0.8
NAMED_WHITE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Background:
    """A plain colour to draw on. `ru` is the adjective of "на ... фоне"."""

    en: str
    ru: str
    rgb: tuple[int, int, int]


BACKGROUNDS: tuple[Background, ...] = (
    Background("white", "белом", (255, 255, 255)),
    Background("red", "красном", (214, 52, 46)),
    Background("orange", "оранжевом", (240, 138, 36)),
    Background("yellow", "жёлтом", (250, 214, 64)),
    Background("green", "зелёном", (64, 158, 82)),
    Background("turquoise", "бирюзовом", (56, 182, 176)),
    Background("sky blue", "голубом", (128, 198, 240)),
    Background("blue", "синем", (44, 92, 200)),
    Background("purple", "фиолетовом", (126, 70, 178)),
    Background("pink", "розовом", (246, 160, 192)),
    Background("brown", "коричневом", (122, 78, 48)),
    Background("beige", "бежевом", (236, 220, 188)),
    Background("grey", "сером", (150, 152, 156)),
    Background("black", "чёрном", (22, 22, 24)),
)
WHITE = BACKGROUNDS[0]
BACKGROUND = {background.en: background for background in BACKGROUNDS}


def caption(name_en: str, name_ru: str | None, set: str, background: str, rng: random.Random) -> str:
    """A caption such as "cat, flat style, on a red background".

    Half of all captions name the style of the set (all of them where the set has no colours: a plain "cat" is a
    coloured one); four fifths name a background that is not white, one fifth
    a white one; 15% are in Russian where a Russian name is known. `background` is the English name of one of
    `BACKGROUNDS`. The generator is drawn from equally often whatever the arguments.
    """
    russian = rng.random() < RUSSIAN_SHARE and name_ru is not None
    styled = rng.random() < STYLE_SHARE or not BY_NAME[set].coloured
    named = rng.random() < (NAMED_WHITE_SHARE if background == WHITE.en else NAMED_BACKGROUND_SHARE)
    if russian:
        parts = [str(name_ru), style_ru(set) if styled else "", ground_ru(background) if named else ""]
    else:
        parts = [name_en, style_en(set) if styled else "", ground_en(background) if named else ""]
    return ", ".join(part for part in parts if part)


def style_en(set: str) -> str:
    """ "flat style" for the set `fluent-emoji-flat`."""
    return f"{BY_NAME[set].style} style"


def style_ru(set: str) -> str:
    """ "плоский стиль" for the set `fluent-emoji-flat`."""
    return f"{BY_NAME[set].style_ru} стиль"


def ground_en(background: str) -> str:
    """ "on a red background", "on an orange background"."""
    article = "an" if background[0] in "aeiou" else "a"
    return f"on {article} {background} background"


def ground_ru(background: str) -> str:
    """ "на красном фоне"."""
    return f"на {BACKGROUND[background].ru} фоне"
