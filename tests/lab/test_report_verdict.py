"""The verdict on the page: each part where its data are, nothing made up where they are not."""

import re
import subprocess
import sys
from pathlib import Path

import measured_fixture as planted
import pytest
from html_page import Page, part

from strikebox import recipe
from strikebox.lab import report
from strikebox.lab.report import page
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.table import Row
from strikebox.lab.words import UNKNOWN

ALWAYS = ["verdict", "table", "pictures", "cost", "blueprints", "limits", "measures", "reproduce"]


@pytest.fixture(scope="module")
def read(judged_html: str) -> Page:
    return Page(judged_html)


@pytest.fixture(scope="module")
def bare(swept: Run) -> str:
    """That of a swept of which nothing could be measured."""
    return page.html(swept, None, planted.verdict(swept, without=(*planted.WHY, "handoff")))


def sections(html: str) -> list[str | None]:
    return [section["id"] for section in Page(html).all("section")]


def test_sections_stand_in_the_order_of_reading(judged_html: str) -> None:
    assert sections(judged_html) == [
        "verdict", "table", "leaks", "sweeps", "handoffs", "pictures", "cost", "blueprints", "limits",
        "measures", "reproduce",
    ]  # fmt: skip


def test_what_was_not_measured_has_no_section(bare: str, tiny: Run) -> None:
    assert sections(bare) == ALWAYS
    assert sections(page.html(tiny, None, planted.verdict(tiny, without=("leakage",)))) == [
        *ALWAYS[:2], "handoffs", *ALWAYS[2:]
    ]  # fmt: skip


def test_without_a_verdict_the_report_is_as_it_was(swept: Run) -> None:
    html = page.html(swept, 0.5)
    assert sections(html) == ["pictures", "cost", "blueprints", "reproduce"]
    read = Page(html)
    assert not read.of_class("mark") and not read.of_class("dial")
    assert ".verdicts" not in "".join(read.texts["style"])
    assert "Leakage" not in read.texts["dt"]


def test_a_report_without_plots_does_not_load_matplotlib() -> None:
    code = "import sys, strikebox.lab.report; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_packages_can_be_imported_in_either_order() -> None:
    for first, second in (("report", "verdict"), ("verdict", "report")):
        code = f"import strikebox.lab.{first}, strikebox.lab.{second}"
        subprocess.run([sys.executable, "-c", code], check=True)


def test_ids_are_unique_links_lead_somewhere_and_nothing_is_fetched(judged_html: str, read: Page) -> None:
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in read.all("a"):
        assert (link["href"] or "")[1:] in ids, link
    for use in read.all("use"):
        assert (use["href"] or "")[1:] in ids
    for name, attributes in read.elements:
        for key in ("src", "srcset", "poster", "data", "xlink:href"):
            assert (attributes.get(key) or "data:").startswith("data:"), name
    without_namespaces = judged_html.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in without_namespaces and "https://" not in without_namespaces
    assert len(read.all("style")) == len(read.all("script")) == 1


def test_every_picture_has_words_of_its_own(read: Page) -> None:
    alts = [image["alt"] for image in read.all("img") if "src" in image]
    assert all(alts)
    in_the_grid = [alt for alt in alts if alt and not alt.startswith("Training") and "which" not in alt]
    assert len(in_the_grid) == len(set(in_the_grid))


def test_the_same_verdict_gives_the_same_page(
    swept: Run, judged: Verdict, training: dict[str, Path], judged_html: str
) -> None:
    assert page.html(swept, 0.5, judged, training) == judged_html
    assert report.write(swept, 0.5, judged, training).read_text("utf-8") == judged_html


def test_the_recipe_to_ship_with_its_reasons_and_pictures(judged_html: str, judged: Verdict) -> None:
    chosen = judged.table.row(judged.recommendation.recipe).recipe
    read = Page(part(judged_html, "verdict"))
    assert read.of_class("ship-name") == [f"{chosen.arm} {chosen.title}"]
    (reasons,) = read.of_class("because")
    for reason in judged.recommendation.because:
        assert reason in reasons
    assert "Pareto front" in reasons
    shown = [image["alt"] or "" for image in read.all("img")]
    assert len(shown) == 6 and all(alt.startswith(f"{chosen.title}, to ship: ") for alt in shown)
    assert recipe.dumps(chosen) in "".join(read.texts["pre"])


def test_pitfalls_are_marked_by_word_and_shape(swept: Run, training: dict[str, Path]) -> None:
    verdict = planted.verdict(swept, without=("collapse",))
    html = part(page.html(swept, None, verdict, training), "verdict")
    read = Page(html)
    statuses = sorted(
        (finding.status for finding in verdict.findings), key=["found", "open", "cleared"].index
    )
    assert set(statuses) == {"found", "open", "cleared"}
    assert read.of_class("status") == statuses
    words = read.of_class("pitfall")
    for finding in verdict.findings:
        assert any(finding.title in text and finding.because in text for text in words)
    circles = re.findall(r'class="status"><svg[^>]*>\s*<circle', html)
    assert len(circles) == statuses.count("cleared")


def rows(html: str) -> dict[str, list[str]]:
    """Cells of the verdict's table by title of the recipe, without what only a phone shows."""
    table = part(html, "table").split("</table>")[0]
    found: dict[str, list[str]] = {}
    for row in re.findall(r'<tr role="row" id="[^"]+">.*?</tr>', table, re.DOTALL):
        read = Page(
            re.sub(r'<span class="column".*?</span>', "", row)
            .replace("<td ", '<td class="td" ')
            .replace("<th ", '<th class="th" ')
        )
        found[read.of_class("th")[0]] = read.of_class("td")
    return found


def test_a_row_has_a_word_a_number_and_an_interval(judged_html: str, judged: Verdict) -> None:
    found = rows(judged_html)
    assert len(found) == len(judged.table.rows) == 12
    row = judged.table.row("style-prompt")
    style, anatomy, leakage, lettering, overhead = next(
        cells for title, cells in found.items() if title.startswith("D Style prompt")
    )
    assert row.style.estimate is not None and row.style.low is not None
    assert style.startswith("High") and f"{row.style.estimate:.2f} {row.style.low:.2f} to " in style
    assert f"{row.whole.hits} of {row.whole.n}" in anatomy
    assert "Critical" in leakage and "not to be shipped" in leakage
    assert f"{row.leaked.estimate:.0%} {row.leaked.exact_low:.0%} to" in leakage
    assert "points" in lettering and overhead == "None \N{MULTIPLICATION SIGN}1.00"


def test_a_word_that_is_not_firm_shows_the_words_of_both_ends(judged_html: str, judged: Verdict) -> None:
    loose = [row for row in judged.table.rows if (g := row.grades["leakage"]) and not g.firm]
    assert loose
    found = rows(judged_html)
    for row in loose:
        grade = row.grades["leakage"]
        assert grade is not None
        (cell,) = [cells[2] for title, cells in found.items() if _is(title, row)]
        words = cell.split(" ")[0]
        assert words.startswith(grade.words[0]) and words.endswith(grade.words[1]) and grade.word in words


def _is(title: str, row: Row) -> bool:
    tags = r"( (ship|baseline|front))*"
    return re.fullmatch(rf"({row.recipe.arm} )?{re.escape(row.recipe.title)}{tags}", title) is not None


def test_controls_stand_below_and_sweeps_apart(judged_html: str) -> None:
    table = part(judged_html, "table").split("</table>")[0]
    groups = re.findall(r'class="group">.*?>([^<]+)<', table)
    assert [group.strip() for group in groups] == ["Style prompt, by LoRA scale", "Controls"]
    assert table.index("No pass 1") > table.index("Controls") > table.index("LoRA scale 1.5")


def test_what_was_not_measured_is_a_dash_and_never_a_zero(bare: str, swept: Run) -> None:
    for cells in rows(bare).values():
        assert cells[:4] == [f"{UNKNOWN} not measured"] * 4
    assert "p-values" not in part(bare, "table") and "Texture" not in part(bare, "table")
    assert "0.00" not in part(bare, "table") and "0%" not in part(bare, "table")
    assert bare.count('class="status"') == 7
    details = Page(part(bare, "pictures")).texts["dt"]
    assert not {"Style", "Subject", "Leakage", "Lettering"} & set(details)
    assert UNKNOWN in part(bare, "measures")
    one_missing = rows(page.html(swept, None, planted.verdict(swept, without=("style",))))
    for cells in one_missing.values():
        assert cells[0] == f"{UNKNOWN} not measured" and "not measured" not in cells[1]


def test_p_values_are_those_of_holm(judged_html: str, judged: Verdict) -> None:
    text = " ".join(Page(part(judged_html, "table")).of_class("changes"))
    gain = judged.table.row("style-prompt").style_gain
    assert gain is not None and gain.p is not None and gain.p_holm is not None
    figures = f"{gain.estimate:+.2f} {gain.low:+.2f} to {gain.high:+.2f}{gain.p:.2f}{gain.p_holm:.2f}"
    assert f"Style prompt{figures}" in text
    assert "With 3 subjects no p lies under 0.25." in judged_html
