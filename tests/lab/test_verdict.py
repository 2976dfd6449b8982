"""Verdicts of runs whose figures were put there: a pitfall is raised where it is, and nowhere else."""

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from strikebox import recipe as recipes
from strikebox.generation.toy import ToyBackend
from strikebox.lab import run as runs
from strikebox.lab.design import Design
from strikebox.lab.measured import CELL_COLUMNS, Group, Handoff, Measured
from strikebox.lab.verdict import Verdict, export, verdict
from strikebox.lab.verdict.finding import Status
from strikebox.lab.verdict.grades import ANATOMY, LADDERS, LEAKAGE, STYLE, grade

SUBJECTS = ("cat", "dog", "fox", "bear", "owl", "hare")
SEEDS = (1, 2, 3)
CLEAN = {"style": 0.0, "whole": 1.0, "noise": 0.0, "leaked": 0.0, "lettering": 0.0}

Figures = Mapping[str, Mapping[str, float | None]]  # by recipe: style, and shares of cells for all else


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def judged(
    folder: Path,
    figures: Figures,
    *,
    groups: Mapping[str, Group] | None = None,
    handoffs: tuple[Handoff, ...] = (),
    missing: Mapping[str, str] | None = None,
    training: int | None = 300,
) -> Verdict:
    """The verdict on a run of the recipes in `figures`; a share of 1/3 is the third seed of every subject."""
    design = Design(
        name="planted",
        title="Planted",
        recipes=tuple(recipes.load(name) for name in figures),
        subjects=SUBJECTS,
        seeds=SEEDS,
        style="matchbox style",
    )
    run = runs.ablate(design, ToyBackend(), folder / "-".join(figures))
    measured = Measured(
        run=run,
        cells=_cells(run.table(), figures),
        groups=groups or {},
        handoffs=handoffs,
        leaks=(),
        scales={},
        missing=missing or {},
        notes=(),
        training=training,
        held_out=120,
    )
    return verdict(measured)


def _cells(table: pl.DataFrame, figures: Figures) -> pl.DataFrame:
    columns = {name: [_value(row, name, figures) for row in table.iter_rows(named=True)] for name in CLEAN}
    others = [pl.lit(None, kind).alias(name) for name, kind in CELL_COLUMNS.items() if name not in CLEAN]
    measured = [pl.Series(name, values, CELL_COLUMNS[name]) for name, values in columns.items()]
    return table.with_columns(*measured, *others)


def _value(row: Mapping[str, object], column: str, figures: Figures) -> float | bool | None:
    share = {**CLEAN, **figures[str(row["recipe"])]}[column]
    if share is None:
        return None
    number = SUBJECTS.index(str(row["subject"])) * len(SEEDS) + SEEDS.index(int(str(row["seed"])))
    if column == "style":
        return share + 0.01 * (number % 5 - 2)  # a little scatter, mean nearly unchanged
    return number < round(share * len(SUBJECTS) * len(SEEDS))


def status(found: Verdict, name: str) -> Status:
    return next(finding.status for finding in found.findings if finding.name == name)


def because(found: Verdict, name: str) -> str:
    return next(finding.because for finding in found.findings if finding.name == name)


def test_over_cooking(folder: Path) -> None:
    cooked = judged(folder, {"baseline": {}, "style-prompt": {}, "lora": {"whole": 0.0, "noise": 1.0}})
    assert status(cooked, "over-cooking") == "found"
    assert "between 1 and 2" in because(cooked, "over-cooking")
    sound = judged(folder, {"baseline": {}, "style-prompt": {}, "lora": {"whole": 0.9}})
    assert status(sound, "over-cooking") == "cleared"
    assert status(judged(folder, {"baseline": {}, "edit": {}}), "over-cooking") == "open"


def test_over_cooking_without_a_judge_is_told_by_texture_alone(folder: Path) -> None:
    unseen: dict[str, float | None] = {"whole": None}
    cooked = judged(folder, {"baseline": unseen, "style-prompt": unseen, "lora": {**unseen, "noise": 0.9}})
    assert status(cooked, "over-cooking") == "found"
    assert "At scale 2, 89% of the pictures are texture." in because(cooked, "over-cooking")
    sound = judged(folder, {"baseline": unseen, "style-prompt": unseen, "lora": unseen})
    assert status(sound, "over-cooking") == "open"
    assert "Whether the subject stays whole was not measured" in because(sound, "over-cooking")


def test_leakage_at_textbook_settings(folder: Path) -> None:
    leaking = judged(folder, {"baseline": {}, "style-prompt": {"leaked": 0.6}})
    assert status(leaking, "textbook-leakage") == "found"
    assert status(judged(folder, {"baseline": {}, "style-prompt": {}}), "textbook-leakage") == "cleared"
    unknown = judged(folder, {"baseline": {}, "style-prompt": {"leaked": None}}, missing={"leakage": "No."})
    assert (status(unknown, "textbook-leakage"), because(unknown, "textbook-leakage")) == ("open", "No.")


def test_one_leak_of_eighteen_is_too_few_to_tell(folder: Path) -> None:
    one = judged(folder, {"baseline": {}, "style-prompt": {"leaked": 1 / 18}})
    assert status(one, "textbook-leakage") == "open"


def test_memorisation(folder: Path) -> None:
    figures: Figures = {"baseline": {}, "style-prompt": {}}
    near = judged(folder, figures, groups={"style-prompt": Group(c_t=-6.0, c_t_p=1e-6)})
    assert status(near, "memorisation") == "found"
    far = judged(folder, figures, groups={"style-prompt": Group(c_t=0.4, c_t_p=0.7)})
    assert status(far, "memorisation") == "cleared"
    assert status(judged(folder, figures), "memorisation") == "open"


def test_a_strength_that_keeps_nothing(folder: Path) -> None:
    found = judged(folder, {"baseline": {}, "sandwich": {}})
    assert status(found, "misaligned-strength") == "found"
    assert "0.9" in because(found, "misaligned-strength")
    assert status(judged(folder, {"baseline": {}, "gated": {}}), "misaligned-strength") == "cleared"


def test_edit_must_earn_its_price(folder: Path) -> None:
    beaten = judged(folder, {"baseline": {}, "edit": {"style": 0.3}, "soft": {"style": 0.6}})
    assert status(beaten, "blind-edit") == "found"
    best = judged(folder, {"baseline": {}, "edit": {"style": 0.9}, "soft": {"style": 0.6}})
    assert status(best, "blind-edit") == "cleared"


def test_collapse_that_depends_on_the_seed(folder: Path) -> None:
    figures: Figures = {"baseline": {}, "lora": {}}
    base = Group(seed_lock=0.02, seed_lock_p=0.4)
    locked = judged(
        folder, figures, groups={"baseline": base, "lora": Group(seed_lock=0.3, seed_lock_p=0.001)}
    )
    assert status(locked, "seed-collapse") == "found"
    free = judged(folder, figures, groups={"baseline": base, "lora": Group(seed_lock=0.03, seed_lock_p=0.3)})
    assert status(free, "seed-collapse") == "cleared"


def test_theory_against_evidence(folder: Path) -> None:
    idle = judged(folder, {"baseline": {}, "sandwich": {"style": 0.02}})
    assert status(idle, "theory-against-evidence") == "found"
    kept = judged(folder, {"baseline": {}, "sandwich": {"style": 0.7}})
    assert status(kept, "theory-against-evidence") == "cleared"


def test_the_recipe_to_ship_keeps_the_subject_and_does_not_leak(folder: Path) -> None:
    found = judged(
        folder,
        {
            "baseline": {},
            "lora": {"style": 0.9, "whole": 0.0},
            "style-prompt": {"style": 0.95, "leaked": 0.5},
            "soft": {"style": 0.6},
        },
    )
    assert found.recommendation.recipe == "soft"
    assert found.recommendation.sound == ("baseline", "soft")
    assert set(found.recommendation.front) == {
        "lora",
        "style-prompt",
        "soft",
    }  # the baseline costs as much as soft


def test_of_two_alike_the_cheaper_is_shipped(folder: Path) -> None:
    found = judged(folder, {"baseline": {}, "sandwich-0.8": {"style": 0.62}, "gated": {"style": 0.6}})
    assert found.recommendation.recipe == "gated"


def test_without_a_sound_recipe_the_base_model_is_shipped(folder: Path) -> None:
    found = judged(folder, {"baseline": {}, "lora": {"style": 0.9, "whole": 0.1}})
    assert found.recommendation.recipe == "baseline"


def test_a_control_is_never_shipped(folder: Path) -> None:
    found = judged(folder, {"baseline": {}, "sandwich": {}, "control-mean-colour": {"style": 0.9}})
    assert found.recommendation.recipe != "control-mean-colour"
    assert "control-mean-colour" not in found.recommendation.front


def test_what_was_not_measured_is_null_and_never_zero(folder: Path) -> None:
    nothing = dict.fromkeys(CLEAN, None)
    found = judged(folder, {"baseline": nothing, "lora": nothing}, missing={"style": "No held-out pictures."})
    for row in found.table.rows:
        assert (row.style.estimate, row.leaked.estimate, row.grades["style"]) == (None, None, None)
    assert found.recommendation.recipe == "baseline"
    assert "No held-out pictures." in found.limits
    written = json.loads(export.as_json(found))
    assert written["table"][0]["style"]["estimate"] is None


def test_files_beside_the_report(folder: Path) -> None:
    found = judged(folder, {"baseline": {}, "soft": {"style": 0.5}})
    paths = {path.name: path for path in export.write(found)}
    assert json.loads(paths["verdict.json"].read_text("utf-8"))["recommendation"]["recipe"] == "soft"
    assert recipes.load(paths["recommended.toml"]).hash == recipes.load("soft").hash
    cells = pl.read_parquet(paths["cells.parquet"])
    assert cells.height == 2 * len(SUBJECTS) * len(SEEDS)
    assert set(CELL_COLUMNS) <= set(cells.columns)
    assert "picture" not in cells.columns


def test_the_same_measurements_give_the_same_verdict(folder: Path) -> None:
    figures: Figures = {"baseline": {}, "soft": {"style": 0.5, "whole": 0.7}}
    assert export.as_json(judged(folder, figures)) == export.as_json(judged(folder, figures))


def test_words_begin_where_the_ladder_says() -> None:
    assert [STYLE.word(x) for x in (-0.2, 0.149, 0.15, 0.4, 0.7, 1.3)] == [
        "None",
        "None",
        "Low",
        "Medium",
        "High",
        "High",
    ]
    assert [LEAKAGE.word(x) for x in (0.0, 0.01, 0.05, 0.2, 0.5)] == [
        "None",
        "Low",
        "Medium",
        "High",
        "Critical",
    ]
    assert all(len(ladder.words) == len(ladder.starts) + 1 for ladder in LADDERS)


def test_a_word_is_firm_where_its_whole_interval_has_it() -> None:
    wide, narrow = grade(ANATOMY, 0.7, 0.2, 0.9), grade(ANATOMY, 0.95, 0.9, 1.0)
    assert wide is not None and narrow is not None
    assert (wide.firm, wide.words, narrow.firm) == (False, ("None", "High"), True)
    assert grade(ANATOMY, None, None, None) is None


def test_without_the_base_model_nothing_is_shipped(folder: Path) -> None:
    found = judged(folder, {"sandwich": {"style": None, "whole": None, "leaked": None}})
    assert "add baseline" in found.recommendation.because[-1]


def test_no_loss_of_the_subject_is_said_only_where_it_is_shown(folder: Path) -> None:
    same = judged(folder, {"baseline": {}, "soft": {"style": 0.6}})
    assert same.recommendation.recipe == "soft"
    assert "It loses no more than 10% of the pictures" in " ".join(same.recommendation.because)
    fewer = judged(folder, {"baseline": {}, "soft": {"style": 0.6, "whole": 0.85}})
    assert "It loses no more" not in " ".join(fewer.recommendation.because)
