"""`strikebox bench` on the embedded model, as little of it as there is."""

import json
from pathlib import Path

import pytest

from strikebox.cli import main


def test_it_writes_json_and_a_page_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"
    command = ["bench", "--quick", "--cases", "plain,exact", "--device", "cpu", "--out", str(out)]
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 0
    assert "klein-nano" in capsys.readouterr().err, "the weights are named on every line"
    lines = json.loads(out.read_text("utf-8"))["figures"]
    assert [line["case"] for line in lines] == ["plain", "exact"] and all(line["seconds"] for line in lines)
    assert "klein-nano" in out.with_suffix(".html").read_text("utf-8")
    with pytest.raises(SystemExit):
        main([*command, "--json"])
    said = capsys.readouterr()
    assert json.loads(said.out)["figures"] == lines and "plain" not in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cases", "fastest"], "there is no case 'fastest'"),
        (["--sizes", "large"], "whole numbers"),
        (["--batches", "0"], "at least 1"),
        (["--device", "abacus"], "unknown"),
    ],
)
def test_bad_input_is_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bench", "--quick", "--out", str(tmp_path / "b.json"), *options])
    said = capsys.readouterr().err
    assert left.value.code == 2 and words in said and len(said.strip().splitlines()) == 1


def test_an_unknown_speed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["generate", "cat", "--speed", "fast", "--out", str(tmp_path / "cat.png")])
    assert left.value.code == 2 and "exact, quantised, approximate" in capsys.readouterr().err
