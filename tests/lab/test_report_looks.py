"""How the report looks: small plots in the page's own colours, and colours that can be told apart."""

import re
from dataclasses import replace

import pytest
from html_page import part

from strikebox.lab.report import page
from strikebox.lab.report.plots import At, Curve, Dot, curve_plot, front_plot
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.grades import ANATOMY, LEAKAGE, STYLE
from strikebox.lab.words import UNKNOWN, interval_words, number_words, p_words, share_words


def test_a_sweep_is_drawn_small_in_the_pages_own_colours(judged_html: str) -> None:
    text = part(judged_html, "sweeps")
    plots = re.findall(r'<svg class="plot".*?</svg>', text, re.DOTALL)
    assert len(plots) == 3
    for plot in plots:
        assert len(plot) < 15_000
        assert "var(--red)" in plot and not re.search(r"#[0-9a-f]{6}\b", plot.replace('href="#', ""))
        assert ">0.25</text>" in plot and "font-family" not in plot
        assert re.search(r'aria-label="[^"]+ by LoRA scale: 0.25: ', plot)
    assert ">Medium</text>" in text


def test_a_gap_in_a_sweep_stays_a_gap(swept: Run, judged: Verdict) -> None:
    gone = judged.table.row("style-prompt-lora_scale-0.75")
    rows = tuple(
        replace(row, grades={**row.grades, "style": None}) if row is gone else row
        for row in judged.table.rows
    )
    text = part(page.html(swept, None, replace(judged, table=replace(judged.table, rows=rows))), "sweeps")
    assert "0.75: not measured" in text


def curve(*points: At, **changes: object) -> Curve:
    plain = Curve(
        key="k", points=points, doubling=False, ladder=STYLE, reference=None, description="Style by scale"
    )
    return replace(plain, **changes)


def test_two_plots_have_no_id_in_common() -> None:
    points = (At(1.0, 0.2, 0.1, 0.3), At(2.0, 0.4, 0.3, 0.5))
    plots = [str(curve_plot(curve(*points, key=key))) for key in ("a", "b")]
    ids = [set(re.findall(r' id="([^"]+)"', plot)) for plot in plots]
    assert all(ids) and not ids[0] & ids[1]
    for plot, own in zip(plots, ids, strict=True):
        assert set(re.findall(r'href="#([^"]+)"', plot)) <= own
    assert "<style" not in "".join(plots) and "http" not in "".join(plots)


def test_a_line_and_its_band_break_where_nothing_was_measured() -> None:
    whole = [At(x, 0.4, 0.3, 0.5) for x in (1.0, 2.0, 3.0, 4.0, 5.0)]
    drawn = str(curve_plot(curve(*whole)))
    broken = str(curve_plot(curve(*whole[:2], At(3.0, None, None, None), *whole[3:])))
    assert broken.count("stroke: var(--red); stroke-width: 2") == 1 + drawn.count(
        "stroke: var(--red); stroke-width: 2"
    )
    bands = r"fill: var\(--wood\)"
    assert len(re.findall(bands, broken)) == 1 + len(re.findall(bands, drawn))


def test_numbers_below_an_axis_do_not_run_into_each_other() -> None:
    points = (At(x, 0.5, None, None) for x in (0.0, 0.4, 0.9, 0.93, 0.95))
    shown = re.findall(r">([\d.]+)</text>", str(curve_plot(curve(*points, ladder=LEAKAGE))))
    assert "0.4" in shown and "0.9" in shown and "0.93" not in shown
    doubled = (At(x, 0.5, None, None) for x in (1.0, 2.0, 4.0, 8.0, 16.0))
    shown = re.findall(r">(\d+)</text>", str(curve_plot(curve(*doubled, ladder=ANATOMY, doubling=True))))
    assert shown == ["1", "2", "4", "8", "16"]


def test_labels_of_dots_are_text_whatever_they_hold() -> None:
    dots = [
        Dot(style=0.1 * n, whole=0.9, label=label, chosen=not n, sound=bool(n % 2))
        for n, label in enumerate(("$A_", "<b>", "C & D", ""))
    ]
    drawn = str(front_plot(dots, 'Style "and" anatomy'))
    assert ">$A_<" in drawn and "&lt;b&gt;" in drawn and "C &amp; D" in drawn
    assert 'aria-label="Style &#34;and&#34; anatomy"' in drawn


def test_figures_in_words() -> None:
    assert [number_words(n) for n in (None, 0.0, -0.001, -0.126, 1.0)] == [
        UNKNOWN, "0.00", "0.00", "\N{MINUS SIGN}0.13", "1.00"
    ]  # fmt: skip
    assert number_words(0.5, sign=True) == "+0.50" and number_words(12.34, 0) == "12"
    assert [share_words(s) for s in (None, 0, 0.004, 0.5, 0.996, 1)] == [
        UNKNOWN, "0%", "0.4%", "50%", "99.6%", "100%"
    ]  # fmt: skip
    assert [p_words(p) for p in (None, 0.0001, 0.0625, 0.0999, 0.41, 1)] == [
        UNKNOWN, "under 0.001", "0.062", "0.10", "0.41", "1.00"
    ]  # fmt: skip
    assert interval_words(None, 1, share_words) == "" and interval_words(0, 1, share_words) == "0% to 100%"


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_told_apart(judged_html: str, dark: bool) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for what is drawn."""
    colours = palette(judged_html, dark)
    rays = mixed(colours["wood"], colours["card"], 0.38)
    for text in ("ink", "soft", "red"):
        for ground in (colours["paper"], colours["card"], rays):
            assert contrast(colours[text], ground) >= 4.5, (text, ground)
    assert contrast(colours["on-red"], colours["red"]) >= 4.5
    assert contrast(colours["on-wood"], colours["wood"]) >= 4.5
    for ground in ("paper", "card"):
        assert contrast(colours["wood-deep"], colours[ground]) >= 3


def palette(html: str, dark: bool) -> dict[str, tuple[float, ...]]:
    """Colours of the page's variables, each channel 0 to 1."""
    css = html.split("<style>")[1]
    blocks = [css.split(":root {")[1].split("}")[0], css.split("prefers-color-scheme: dark")[1].split("}")[0]]
    names = [
        found for block in blocks[: 1 + dark] for found in re.findall(r"--([\w-]+): #([0-9a-f]{6})", block)
    ]
    return {name: tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)) for name, code in names}


def mixed(over: tuple[float, ...], under: tuple[float, ...], opacity: float) -> tuple[float, ...]:
    return tuple(opacity * a + (1 - opacity) * b for a, b in zip(over, under, strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG's contrast ratio of two sRGB colours."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
