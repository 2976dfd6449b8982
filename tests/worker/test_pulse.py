"""Signs of life through a real pipe."""

import os
import subprocess
import sys
import time

import pytest
from toys import until

from strikebox.worker import pulse
from strikebox.worker.pulse import Ear, Pulse


def test_an_ear_waits_as_long_as_the_pulse_said() -> None:
    ear = Ear()
    beating = Pulse(ear.pipe)
    beating.expect(60)
    assert not ear.is_silent() and not beating.is_late
    beating.expect(0.05)
    until(ear.is_silent)
    assert beating.is_late
    beating.expect(60)
    assert not ear.is_silent()


def test_before_the_first_sign_there_is_time_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LOADING", 0.2)
    ear = Ear()
    assert not ear.is_silent()
    until(ear.is_silent)


def test_nobody_who_listens_is_no_error() -> None:
    Pulse().expect(1)
    ear = Ear()
    beating = Pulse(ear.pipe)
    ear.close()
    beating.expect(1)


def test_an_ear_that_does_not_read_holds_nobody_up() -> None:
    ear = Ear()
    os.set_blocking(ear.pipe, False)
    beating = Pulse(ear.pipe)
    for _ in range(50_000):
        beating.expect(60)
    assert not ear.is_silent()


def test_a_child_inherits_it_and_its_own_children_do_not() -> None:
    script = """
import subprocess, sys
from strikebox.worker.pulse import Pulse
pulse = Pulse.inherited()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
pulse.expect(0)
"""
    ear = Ear()
    child = subprocess.Popen(
        [sys.executable, "-c", script], pass_fds=[ear.pipe], env={**os.environ, **ear.environment}
    )
    ear.started()
    assert child.wait(60) == 0
    until(ear.is_silent)
    began = time.monotonic()
    assert ear.is_silent() and time.monotonic() - began < 1  # the pipe is closed at the other end, for all
