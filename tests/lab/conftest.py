"""What tests of the lab share: the modules beside them, and one run with a verdict and its report."""

import sys
from pathlib import Path

import pytest

from strikebox.lab.report import page
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict

sys.path.insert(0, str(Path(__file__).parent))

import measured_fixture as planted


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Five arms, two controls and a sweep, by the toy backend."""
    return planted.toy_run(tmp_path_factory.mktemp("run") / "swept")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two recipes, two subjects, one seed."""
    return planted.toy_run(tmp_path_factory.mktemp("run") / "tiny", planted.tiny_design())


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Training pictures by name."""
    return planted.training_pictures(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="session")
def judged(swept: Run) -> Verdict:
    """Everything of it measured."""
    return planted.verdict(swept)


@pytest.fixture(scope="session")
def judged_html(swept: Run, judged: Verdict, training: dict[str, Path]) -> str:
    """The report of it."""
    return page.html(swept, 0.5, judged, training)
