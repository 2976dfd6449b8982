"""A benchmark runs everything, keeps every line, and its page needs nothing from elsewhere."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from strikebox.errors import RunError
from strikebox.generation.backend import Architecture
from strikebox.generation.cost import forward_flops
from strikebox.klein.bench import cases, random_weights, suite
from strikebox.klein.bench.fidelity import compare
from strikebox.klein.bench.random_weights import KLEIN_4B, TINY
from strikebox.klein.bench.work import Work, distilled, gated, guided_in, smaller_first_pass, variants
from strikebox.lab.bench import page
from strikebox.lab.bench.figures import Book, Figure, Results, read

ASKED = suite.Asked(
    cases=("stock", "fair", "plain", "exact"),
    architecture=TINY,
    device="cpu",
    dtype="float32",
    repeats=1,
    steps=4,
    dollars_per_hour=1.0,
)


def quiet(_: Figure) -> None:
    pass


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return suite.run(ASKED, tmp_path_factory.mktemp("bench") / "bench.json", quiet)


def test_every_case_is_a_line(results: Results) -> None:
    assert [figure.case for figure in results.figures] == list(ASKED.cases)
    for figure in results.figures:
        assert figure.error is None and figure.seconds and figure.tflops and figure.dollars
        assert figure.weights == "random weights" in figure.key, "said on every line"
    assert results.against(results.figures[-1], "stock")


def test_the_fair_baseline_makes_our_picture(tmp_path: Path) -> None:
    """The fair baseline is the same work, not less of it."""
    made = {}
    for name in ("plain", "fair"):
        folder = tmp_path / name
        weights = random_weights.make(TINY, folder / "model", torch.device("cpu"), torch.float32)
        lora = random_weights.save_lora(folder / "style.safetensors", weights.transformer)
        setting = cases.Setting(
            weights=weights,
            lora=lora,
            scheduler=random_weights.scheduler(),
            device=torch.device("cpu"),
            work=replace(Work(), steps=4, strength=0.5),
        )
        made[name] = cases.CASES[name](setting)(64, [1])
    assert compare(made["fair"], made["plain"]).psnr > 40


def test_what_is_there_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, asked = tmp_path / "bench.json", replace(ASKED, cases=("plain",))
    first = suite.run(asked, out, quiet)
    said: list[Figure] = []
    again = suite.run(asked, out, said.append)
    assert said == [] and again.figures == first.figures


def test_a_case_that_fails_is_a_line_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: cases.Setting) -> cases.Maker:
        raise RuntimeError("no room")

    def late(_: cases.Setting) -> cases.Maker:
        class Late:
            notes = ()

            def __call__(self, side: int, seeds: object) -> list[bytes]:
                raise torch.OutOfMemoryError("no room at 64")

        return Late()

    builds: dict[str, Callable[[cases.Setting], cases.Maker]] = {"stock": broken, "fair": late}
    for name, build in builds.items():
        monkeypatch.setitem(cases.CASES, name, build)  # type: ignore[arg-type]
    out = tmp_path / "bench.json"
    found = suite.run(replace(ASKED, cases=("stock", "fair", "plain")), out, quiet)
    assert [(f.error or "").split(":")[0] for f in found.figures] == ["RuntimeError", "OutOfMemoryError", ""]
    assert "no room at 64" in page.html(found)
    assert read(out) == found, "each line is on the disk"


def test_a_file_of_another_benchmark_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    Book(out, Results(machine={"device": "a"}, work="w")).write(
        Figure(case="x", side=64, batch=1, weights="random weights")
    )
    with pytest.raises(RunError, match="another benchmark"):
        Book(out, Results(machine={"device": "b"}, work="w"))
    out.write_text("[]", encoding="utf-8")
    with pytest.raises(RunError, match="no results"):
        read(out)


def test_an_unknown_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no case 'fastest'"):
        suite.run(replace(ASKED, cases=("fastest",)), tmp_path / "bench.json", quiet)


def test_likeness_of_the_exact_tier_is_perfect(tmp_path: Path) -> None:
    found = suite.run(replace(ASKED, cases=("exact",), fidelity=True), tmp_path / "b.json", quiet)
    (line,) = found.figures
    assert line.psnr == 999.0 and line.distance == 0.0 and line.case == "exact, likeness"


def test_the_page_needs_nothing_from_elsewhere(results: Results) -> None:
    html = page.html(results)
    assert "<script" not in html and not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert "url(http" not in html and "random weights" in html
    hostile = replace(results.figures[0], error="<script>alert(1)</script>")
    assert "<script" not in page.html(replace(results, figures=(hostile,)))


def test_the_file_is_plain_json(results: Results, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    suite.run(replace(ASKED, cases=("plain",)), out, quiet)
    values = json.loads(out.read_text("utf-8"))
    assert values["format"] == 1 and {"machine", "work", "ceiling_tflops", "figures"} <= values.keys()
    assert {"case", "side", "batch", "weights", "seconds", "share", "peak_gib"} <= values["figures"][0].keys()


def test_the_large_architecture_is_klein_4b() -> None:
    """3.876 B parameters and 34.8 TFLOP a forward at 1024 px: built without its weights."""
    from diffusers import Flux2Transformer2DModel

    with torch.device("meta"):
        transformer = Flux2Transformer2DModel(**KLEIN_4B.transformer)
    assert sum(p.numel() for p in transformer.parameters()) == pytest.approx(3.876e9, rel=1e-3)
    architecture = Architecture(
        double_blocks=5,
        single_blocks=20,
        dim=3072,
        mlp_ratio=3.0,
        in_channels=128,
        text_dim=7680,
        text_tokens=512,
    )
    assert forward_flops(architecture, 4096) == pytest.approx(34.8e12, rel=0.01)


def test_reduced_recipes_are_what_they_say() -> None:
    recipe = Work().recipe()
    small = smaller_first_pass(recipe, 0.25)
    assert [p.size for p in small.passes] == [0.25, 1.0]
    guided = guided_in(recipe, 0.3, 0.97)
    grid = variants(recipe, 4)
    alone, short = gated(recipe, 0.8), distilled(recipe, 4)
    assert [p.lora and p.lora.sigma for p in alone.passes] == [(0.8, 1.0)]
    assert [(p.steps, p.guidance) for p in short.passes] == [(28, 4.0), (4, 1.0)]
    assert len({r.hash for r in (recipe, small, guided, alone, short, *grid)}) == 8, (
        "one of the grid is the sandwich itself"
    )
    assert len({r.passes[0] for r in grid}) == 1
