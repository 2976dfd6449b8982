import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hanging_checks import Load, picture

from strikebox.errors import ModerationError
from strikebox.site.moderation.picture import Check, Finding

WAY = {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def started(tmp_path: Path) -> Path:
    return tmp_path / "started"


def processes(started: Path) -> list[int]:
    return [int(line) for line in started.read_text().split()]


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_sound_picture_has_no_finding_and_an_unsound_one_its_own(started: Path) -> None:
    with Check(Load(started)) as check:
        assert check.start() == ("odd",)
        assert check(picture(0)) is None
        assert check(picture(4)) == Finding(code="unsafe", detail="seen", score=0.9, limit=0.3)
        assert check(picture(0)) is None
    assert len(processes(started)) == 1
    assert not alive(processes(started)[0])


@pytest.mark.parametrize(
    ("says", "detail"),
    [
        (1, "no answer within 1 s"),
        (2, "the process of the checks died"),
        (3, "odd: RuntimeError: no memory left"),
    ],
)
def test_whatever_goes_wrong_withholds_and_the_next_picture_is_checked(
    started: Path, says: int, detail: str
) -> None:
    with Check(Load(started), seconds=1) as check:
        check.start()
        begun = time.monotonic()
        assert check(picture(says)) == Finding(code="unchecked", detail=detail)
        assert time.monotonic() - begun < 5
        assert check(picture(0)) is None
        assert check(picture(4)) is not None
    assert not any(alive(process) for process in processes(started))


def test_checks_that_cannot_be_loaded_say_why(started: Path) -> None:
    with pytest.raises(ModerationError, match=r"weights are missing; install them$"):
        Check(Load(started, "missing")).start()
    with pytest.raises(ModerationError, match=r"RuntimeError: broken library$"):
        Check(Load(started, "broken")).start()
    with pytest.raises(ModerationError, match="did not become ready"):
        Check(Load(started, "hangs"), seconds_to_load=2).start()
    assert not any(alive(process) for process in processes(started))


@pytest.mark.parametrize("how", ["missing", "broken", "hangs"])
def test_without_checks_every_picture_is_withheld(started: Path, how: str) -> None:
    finding = Check(Load(started, how), seconds_to_load=2)(picture(0))
    assert finding is not None
    assert finding.code == "unchecked"


def test_the_checks_die_with_their_worker(started: Path) -> None:
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from hanging_checks import Load\n"
        "from strikebox.site.moderation.picture import Check\n"
        "if __name__ == '__main__':\n"
        f"    Check(Load(Path({str(started)!r}))).start()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    script = started.with_name("worker.py")
    script.write_text(code)
    subprocess.run([sys.executable, str(script)], env={**os.environ, **WAY}, timeout=60)
    (process,) = processes(started)
    deadline = time.monotonic() + 10
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(process)


@pytest.mark.parametrize("code", ["unsafe", "leak", "lettering", "unchecked"])
def test_reasons_have_two_languages(code: str) -> None:
    finding = Finding(code=code, detail="secret detail")  # pyright: ignore[reportArgumentType]
    assert finding.reason("en") == finding.reason("de") != finding.reason("ru")
    assert "secret" not in finding.reason("en")
