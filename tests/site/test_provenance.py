import io
import json
import os
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strikebox import png
from strikebox import recipe as recipes
from strikebox.errors import ProvenanceError
from strikebox.site import certificate, content_credentials, watermark
from strikebox.site.certificate import Credentials
from strikebox.site.provenance import Seal
from strikebox.site.verification import Trace, verify


def picture(side: int = 128, said: int = 128) -> bytes:
    """A PNG as `render` writes it; its chunk says that it was made `said` px large."""
    random = np.random.default_rng(7)
    small = Image.fromarray(random.integers(60, 200, (8, 8, 3)).astype(np.uint8))
    how = png.Provenance(
        recipe=recipes.load("sandwich"),
        subject="кот",
        prompts=("cat", "cat"),
        seed=7,
        model_name="toy",
        model_hash="0" * 64,
        lora_name="toy-lora",
        lora_hash="1" * 64,
        forwards=2,
        flops=3,
    )
    made = png.decode(png.encode(np.asarray(small.resize((said, said))), how))
    text = Image.open(io.BytesIO(png.encode(made.pixels, how))).info
    from PIL import PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    for key in ("parameters", "strikebox"):
        chunks.add_itxt(key, text[key])
    buffer = io.BytesIO()
    small.resize((side, side)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("provenance")


@pytest.fixture(scope="module")
def seal(folder: Path) -> Seal:
    return Seal.open(folder, site="Matchbox Labels")


def traces(file: bytes, **options: str | None) -> dict[str, Trace]:
    return {trace.name: trace for trace in verify(file, **options)}


def outcomes(file: bytes, **options: str | None) -> tuple[str, str, str]:
    found = traces(file, **options)
    return found["content credentials"].outcome, found["watermark"].outcome, found["chunks"].outcome


def test_a_sealed_picture_says_all_three(seal: Seal) -> None:
    sealed = seal(picture(), "id-1")
    assert outcomes(sealed, name="id-1") == ("yes", "yes", "yes")
    found = traces(sealed, name="id-1")
    assert "a trained model made the picture" in found["content credentials"].found
    assert "Matchbox Labels" in found["content credentials"].found
    assert "anybody can make such a certificate" in found["content credentials"].proves
    assert "It is that of picture id-1" in found["watermark"].found
    assert "'кот' by the recipe 'sandwich', seed 7" in found["chunks"].found


def test_the_manifest_says_how_it_was_made(seal: Seal) -> None:
    claim = content_credentials.read(seal(picture(), "id-1"))
    assert claim is not None
    assert claim.actions == ("c2pa.created", "c2pa.watermarked.unbound")
    assert claim.generated
    assert claim.validity == "untrusted"
    assert claim.problems == ()
    assert claim.generator == f"strikebox {png.program_version()}"
    enlarged = content_credentials.read(seal(picture(256, said=128), "id-1"))
    assert enlarged is not None
    assert enlarged.actions == ("c2pa.created", "c2pa.resized", "c2pa.watermarked.unbound")


def test_it_adds_a_few_kilobytes_and_the_text_stays(seal: Seal) -> None:
    before = picture()
    after = seal(before, "id-1")
    assert len(after) - len(png.bare(after)) < 12_000
    assert png.decode(after).strikebox == png.decode(before).strikebox
    assert png.decode(after).parameters == png.decode(before).parameters


def test_without_marks_the_pixels_are_untouched(folder: Path) -> None:
    plain = Seal.open(folder, site="Matchbox Labels", marks=False)
    sealed = plain(picture(), "id-1")
    assert (png.decode(sealed).pixels == png.decode(picture()).pixels).all()
    assert outcomes(sealed) == ("yes", "absent", "yes")


def test_the_sites_own_root_makes_it_trusted(seal: Seal, folder: Path) -> None:
    chain = (folder / "certificate.pem").read_text()
    found = traces(seal(picture(), "id-1"), roots=chain)
    assert "a certificate you trust" in found["content credentials"].proves


def test_another_installation_is_not_trusted(seal: Seal, tmp_path: Path) -> None:
    other = certificate.own(tmp_path, "Matchbox Labels")
    found = traces(seal(picture(), "id-1"), roots=other.chain)
    assert "anybody can make such a certificate" in found["content credentials"].proves


def test_a_changed_file_is_found_out(seal: Seal) -> None:
    sealed = bytearray(seal(picture(), "id-1"))
    place = sealed.index(b"IDAT") + 400
    sealed[place] ^= 1
    claim = content_credentials.read(bytes(sealed))
    assert claim is not None
    assert claim.validity == "changed"
    assert "assertion.dataHash.mismatch" in claim.problems


def test_a_manifest_of_another_picture_is_found_out(seal: Seal) -> None:
    """The C2PA chunk of one file put into another."""
    sealed, other = seal(picture(), "id-1"), seal(picture(256, said=128), "id-2")

    def chunk(file: bytes) -> tuple[int, int]:
        at = file.index(b"caBX")
        return at - 4, at + 8 + int.from_bytes(file[at - 4 : at])

    (start, end), (there, until) = chunk(sealed), chunk(other)
    stolen = other[:there] + sealed[start:end] + other[until:]
    assert outcomes(stolen)[0] == "no"


def test_what_saving_anew_leaves(seal: Seal) -> None:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(seal(picture(), "id-1"))).convert("RGB").save(buffer, "JPEG", quality=75)
    found = traces(buffer.getvalue(), name="id-1")
    assert outcomes(buffer.getvalue(), name="id-1") == ("absent", "yes", "absent")
    assert "removes it" in found["content credentials"].proves
    assert outcomes(buffer.getvalue(), name="id-2")[1] == "no"
    assert outcomes(png.bare(seal(picture(), "id-1"))) == ("absent", "yes", "absent")


def test_a_foreign_picture_proves_nothing() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (90, 120, 3)).astype(np.uint8)).save(
        buffer, "WEBP"
    )
    assert outcomes(buffer.getvalue()) == ("absent", "absent", "absent")


@pytest.mark.parametrize(
    "file", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"x" * 50, b"\xff\xd8\xff\xe0broken"]
)
def test_what_is_no_picture_is_said(file: bytes) -> None:
    with pytest.raises(ProvenanceError, match="is no PNG, JPEG or WebP picture"):
        verify(file)


def test_the_certificate_is_made_once_and_its_key_is_kept_secret(tmp_path: Path) -> None:
    first, second = certificate.own(tmp_path / "new", "One"), certificate.own(tmp_path / "new", "Two")
    assert first == second
    assert (first.name, first.own, first.algorithm) == ("One", True, "es256")
    assert stat.S_IMODE(os.stat(tmp_path / "new" / "key.pem").st_mode) == 0o600


def test_openssl_agrees_with_the_chain(tmp_path: Path) -> None:
    chain = certificate.own(tmp_path, "One").chain
    leaf, root = (f"-----BEGIN{part}" for part in chain.split("-----BEGIN")[1:3])
    (tmp_path / "leaf.pem").write_text(leaf)
    (tmp_path / "root.pem").write_text(root)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "leaf.pem: OK", done.stderr


def given(tmp_path: Path, **changes: bytes) -> tuple[Path, Path]:
    certificate.own(tmp_path, "Given")
    for name, content in changes.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
    return tmp_path / "certificate.pem", tmp_path / "key.pem"


def test_an_operators_certificate_signs(tmp_path: Path, folder: Path) -> None:
    chain, key = given(tmp_path)
    read: Credentials = certificate.read(chain, key)
    assert (read.own, read.name) == (False, "Given")
    claim = content_credentials.read(Seal.open(folder, site="x", chain=chain, key=key)(picture(), "id"))
    assert claim is not None
    assert claim.signer == "Given"


def test_what_is_wrong_with_a_certificate_is_said(tmp_path: Path, folder: Path) -> None:
    certificate.own(folder, "other")
    with pytest.raises(ProvenanceError, match=r"certificate\.pem: holds no PEM certificates"):
        certificate.read(*given(tmp_path / "a", certificate=b"nothing"))
    with pytest.raises(ProvenanceError, match=r"key\.pem: is no PEM private key"):
        certificate.read(*given(tmp_path / "b", key=b"nothing"))
    with pytest.raises(ProvenanceError, match=r"key\.pem: is not the key of the first certificate"):
        certificate.read(*given(tmp_path / "c", key=(folder / "key.pem").read_bytes()))
    with pytest.raises(ProvenanceError, match="a certificate needs its key"):
        Seal.open(folder, site="x", chain=folder / "certificate.pem")


def test_the_mark_is_that_of_the_picture(seal: Seal) -> None:
    mark = watermark.read(png.decode(seal(picture(), "id-9")).pixels)
    assert mark is not None
    assert mark.number == watermark.number_of("id-9")
    assert json.dumps(mark.number)
