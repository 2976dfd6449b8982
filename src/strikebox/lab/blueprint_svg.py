"""A blueprint as a matchbox label: each pass is a match, its stick the way from noise to picture.

The head stands at the start sigma, to scale; ticks are steps; red is where the LoRA is on.
"""

from textwrap import wrap

from strikebox.lab.blueprint import Blueprint, Station
from strikebox.lab.blueprint_text import (
    arrival_words,
    cost_words,
    flops_words,
    lora_words,
    total_words,
)
from strikebox.lab.blueprint_words import Say, english
from strikebox.lab.label import (
    INK,
    PAPER,
    RED,
    WIDTH,
    WOOD,
    Sheet,
    arrow,
    bar,
    double_rule,
    drawing,
    line,
    stamp,
    sunburst,
    text,
)

_BY = " \N{MULTIPLICATION SIGN} "
_LEFT, _RIGHT = 30, WIDTH - 30
_NOISE, _PICTURE = _LEFT + 10, _RIGHT - 4  # where sigma is 1 and 0


def svg(drawn: Blueprint, say: Say = english) -> str:
    """The blueprint as an SVG element, 360 units wide; it scales. `say` has the words."""
    sheet = Sheet(y=26)
    _draw_head(sheet, drawn, say)
    for station in drawn.stations:
        if station.number > 1:
            _draw_arrival(sheet, station, say)
        _draw_pass(sheet, station, say)
    _draw_foot(sheet, drawn, say)
    return drawing(sheet, _summary(drawn, say))


def _draw_head(sheet: Sheet, drawn: Blueprint, say: Say) -> None:
    recipe = drawn.recipe
    top, mark = sheet.y - 8, len(sheet.parts)
    sheet.lines([_role(drawn, say)], WIDTH / 2, 10.5, weight=700, fill=RED, anchor="middle", spacing=2.2)
    size, most = (27, 16) if len(recipe.title) <= 16 else (20, 21)
    sheet.y += 4
    sheet.lines(
        wrap(recipe.title.upper(), most), WIDTH / 2, size, 1.12, weight=800, anchor="middle", spacing=0.6
    )
    sheet.y += 5
    sheet.lines(wrap(recipe.description, 46), WIDTH / 2, 12.5, anchor="middle")
    sheet.y += 14
    sheet.parts.insert(mark, sunburst(top, sheet.y))
    sheet.draw(double_rule(sheet.y, thick_first=True))
    sheet.y += 22


def _draw_pass(sheet: Sheet, station: Station, say: Say) -> None:
    top, mark, badge = sheet.y, len(sheet.parts), _LEFT + 12
    size = f"{station.size.width}{_BY}{station.size.height}"
    sheet.draw(
        f'<circle cx="{badge}" cy="{top + 22:.1f}" r="12" style="fill:{INK}"/>',
        text(str(station.number), badge, top + 27, 14, weight=800, fill=PAPER, anchor="middle"),
        text(say(station.kind).upper(), badge + 22, top + 27, 13, weight=800, spacing=0.9),
        text(size, _RIGHT, top + 26.5, 11.5, anchor="end"),
    )
    sheet.y += 36
    sheet.lines(wrap(f"“{station.prompt}”", 42), _LEFT, 14, weight=600)
    sheet.y += 2
    weight, fill = (400, INK) if station.lora is None else (700, RED)
    sheet.lines(wrap(lora_words(station, say), 46), _LEFT, 12, weight=weight, fill=fill)
    _draw_match(sheet, station, say)
    sheet.lines([cost_words(station, say)], _LEFT, 12)
    sheet.y += 13
    sheet.parts.insert(mark, _box(top, sheet.y, station.runs))
    sheet.draw("</g>")


def _box(top: float, bottom: float, runs: bool) -> str:
    """The box around a pass, and the group for what is in it: what never runs is pale."""
    looks = f"fill:{PAPER};stroke:{INK};stroke-width:1.4;stroke-dasharray:{'none' if runs else '4 4'}"
    place = f'x="18" y="{top:.1f}" width="{WIDTH - 36}" height="{bottom - top:.1f}" rx="3"'
    return f'<rect {place} style="{looks}"/><g style="opacity:{1 if runs else 0.45}">'


def _draw_match(sheet: Sheet, station: Station, say: Say) -> None:
    y, start, lora = sheet.y + 20, station.sigmas[0], station.lora
    sheet.draw(
        line(_NOISE, y, _at(start), y, dash="1.5 3"),
        bar(_at(start), _PICTURE, y, WOOD),
    )
    if lora is not None and lora.sigma[0] < start:
        sheet.draw(bar(_at(min(lora.sigma[1], start)), _at(lora.sigma[0]), y, RED))
    head = RED if lora is not None and lora.on_at(start) else INK
    sheet.draw(
        f'<ellipse cx="{_at(start):g}" cy="{y:.1f}" rx="8" ry="5.6" style="fill:{head}"/>',
        *(line(_at(sigma), y + 8, _at(sigma), y + 13, 0.8) for sigma in station.sigmas),
        text(say("noise"), _NOISE - 8, y + 24, 10.5),
        text(say("picture"), _RIGHT, y + 24, 10.5, anchor="end"),
    )
    sheet.y = y + 28


def _draw_arrival(sheet: Sheet, station: Station, say: Say) -> None:
    top, x = sheet.y, _LEFT + 34
    first, *words = arrival_words(station, say)
    verdict = None if station.entrance is None else station.entrance.verdict
    last = words.pop() if verdict is not None else None
    sheet.y += 8
    sheet.lines([first], x, 13, weight=700)
    sheet.lines([part for word in words for part in wrap(word, 46)], x, 11.5)
    if last is not None and verdict in {"may matter", "can matter"}:
        sheet.lines([last], x, 11.5, weight=700)
    elif last is not None:
        sheet.draw(stamp(last, x, sheet.y + 12))
        sheet.y += 38
    sheet.y += 15
    sheet.draw(arrow(_LEFT + 12, top, sheet.y, broken=verdict == "not run"))


def _draw_foot(sheet: Sheet, drawn: Blueprint, say: Say) -> None:
    cost = drawn.cost
    steps = sum(station.steps for station in drawn.stations if station.runs)
    flops, unit = flops_words(cost.flops).split()
    sheet.y += 14
    sheet.draw(double_rule(sheet.y, thick_first=False))
    sheet.y += 31
    counted = (
        (70, steps, say("steps-alone", n=steps)),
        (180, cost.forwards, say("forwards-alone", n=cost.forwards)),
        (290, flops, unit),
    )
    for x, value, label in counted:
        sheet.draw(
            text(str(value), x, sheet.y, 22, weight=800, anchor="middle"),
            text(label, x, sheet.y + 14, 11, anchor="middle"),
        )
    sheet.y += 33
    size = say("size", width=drawn.size.width, height=drawn.size.height, model=drawn.model.name)
    sheet.draw(text(size, WIDTH / 2, sheet.y, 11, anchor="middle"))


def _role(drawn: Blueprint, say: Say) -> str:
    recipe = drawn.recipe
    if recipe.arm is not None:
        return say("arm", arm=recipe.arm)
    if recipe.control_of is None:
        return say("recipe")
    return say("control-of", name=recipe.control_of.upper())


def _summary(drawn: Blueprint, say: Say) -> str:
    lines = [say("blueprint", title=drawn.recipe.title)]
    for station in drawn.stations:
        if station.number > 1:
            lines += arrival_words(station, say)
        lines += [
            say("pass", number=station.number, kind=say(station.kind)),
            lora_words(station, say),
            cost_words(station, say),
        ]
    return "; ".join([*lines, total_words(drawn, say)])


def _at(sigma: float) -> float:
    """Where on the stick a sigma stands: to scale, noise on the left."""
    return round(_PICTURE + (_NOISE - _PICTURE) * sigma, 1)
