"""`strikebox verify` on files as visitors have them."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from strikebox import api, cli, png
from strikebox.generation.backend import Size
from strikebox.generation.toy import ToyBackend
from strikebox.site.provenance import Seal


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def sealed(site: Path) -> bytes:
    made = api.generate(
        "fox", "sandwich", seed=3, style="label", backend=ToyBackend(Size(height=128, width=128))
    )
    return Seal.open(site, site="Labels")(made.png, "f00d")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", *arguments])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_a_sites_own_picture(
    site: Path, sealed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fox.png"
    file.write_bytes(sealed)
    text = said(capsys, str(file), "--picture", "f00d", "--trust", str(site / "certificate.pem"))
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        "content credentials: holds",
        "watermark: holds",
        "chunks: holds",
    ]
    assert "a certificate you trust" in text
    assert "'fox' by the recipe 'sandwich', seed 3" in text


def test_a_screenshot_keeps_the_mark_alone(
    sealed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shared.jpg"
    Image.open(io.BytesIO(png.bare(sealed))).resize((256, 256)).save(file, "JPEG", quality=75)
    traces = json.loads(said(capsys, str(file), "--json"))["traces"]
    assert [trace["outcome"] for trace in traces] == ["absent", "yes", "absent"]


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit) as left:
        cli.main(["verify", str(file)])
    assert left.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
