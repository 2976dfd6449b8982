"""What was looked at once is not looked at again, whatever happens to the process or to the files."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from strikebox.errors import StoreError
from strikebox.generation.backend import Pixels
from strikebox.lab.features import BATCH, FeatureStore
from strikebox.metrics.features import Feature, Reading, Word


def name_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def picture(number: int) -> Pixels:
    return np.full((4, 6, 3), number % 256, np.uint8)


def some(numbers: Iterable[int]) -> dict[str, Callable[[], Pixels]]:
    return {name_of(n): lambda n=n: picture(n) for n in numbers}


class Counting:
    """Mean and number; keeps account of what it was asked. Fails after `most` batches."""

    name = "mean"

    def __init__(self, version: str = "1", most: int = 10**6) -> None:
        self.version, self.most = version, most
        self.batches: list[int] = []

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        if len(self.batches) == self.most:
            raise KeyboardInterrupt
        self.batches.append(len(pictures))
        return [np.array([p.mean(), len(self.version)], np.float32) for p in pictures]


class CountingReader(Counting):
    def __call__(self, pictures: Sequence[Pixels]) -> list[Reading]:  # type: ignore[override]
        super().__call__(pictures)
        box = (0.0, 0.25, 0.5, 1.0)
        return [Reading((Word(text=f"МИР {p.mean():g}", confidence=0.9, box=box),)) for p in pictures]


def test_features_are_computed_once_in_batches_and_in_order(tmp_path: Path) -> None:
    counting, asked = Counting(), some(range(70))
    first = FeatureStore(tmp_path).features(counting, asked)
    assert counting.batches == [32, 32, 6]
    assert list(first) == list(asked)
    assert all(v.dtype == np.float32 and v[0] == n for n, v in enumerate(first.values()))
    again = FeatureStore(tmp_path).features(counting, dict(reversed(asked.items())))
    assert counting.batches == [32, 32, 6]
    assert list(again) == list(asked)[::-1]
    assert all(np.array_equal(again[key], first[key]) for key in asked)


def test_only_what_is_missing_is_loaded_and_computed(tmp_path: Path) -> None:
    store, counting = FeatureStore(tmp_path), Counting()
    store.features(counting, some(range(10)))
    loaded: list[int] = []

    def load(n: int) -> Pixels:
        loaded.append(n)
        return picture(n)

    found = store.features(counting, {name_of(n): lambda n=n: load(n) for n in (5, 11, 3, 12)})
    assert loaded == [11, 12]
    assert [v[0] for v in found.values()] == [5, 11, 3, 12]


def test_no_more_pixels_than_a_batch_are_held(tmp_path: Path) -> None:
    held: list[int] = []

    def watched(pictures: Sequence[Pixels]) -> list[Feature]:
        held.append(sum(p.nbytes for p in pictures))
        return [np.zeros(3, np.float32) for _ in pictures]

    class Watching:
        name, version = "watching", "1"

        def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
            return watched(pictures)

    FeatureStore(tmp_path).features(Watching(), some(range(600)))
    assert max(held) == BATCH * picture(0).nbytes


def test_another_version_is_another_feature(tmp_path: Path) -> None:
    """Also where both start alike, as two hashes of weights never should."""
    store, asked, start = FeatureStore(tmp_path), some(range(3)), "x" * 16
    lengths = []
    for version in (start, start + "a", start + "bc"):
        lengths.append({v[1] for v in store.features(Counting(version), asked).values()})
    assert lengths == [{16}, {17}, {18}]
    untouched = Counting(start + "a", most=0)
    assert {v[1] for v in store.features(untouched, asked).values()} == {17}


def test_names_that_no_folder_may_have(tmp_path: Path) -> None:
    FeatureStore(tmp_path).features(Counting("../../../etc/1 2"), some(range(1)))
    (place,) = (tmp_path / "features").iterdir()
    assert place.name == "mean-.._.._.._etc_1_2"


def test_readings_are_kept_word_by_word(tmp_path: Path) -> None:
    store, reader, asked = FeatureStore(tmp_path), CountingReader(), some(range(40))
    first = store.readings(reader, asked)
    assert first[name_of(7)].words[0].text == "МИР 7"
    assert store.readings(CountingReader(most=0), asked) == first
    (file,) = (tmp_path / "features").rglob("*.json")
    assert "МИР 7" in json.dumps(json.loads(file.read_text("utf-8")), ensure_ascii=False)


def test_progress_counts_what_was_known(tmp_path: Path) -> None:
    store, seen = FeatureStore(tmp_path), list[tuple[int, int]]()
    store.features(Counting(), some(range(10)))
    store.features(Counting(), some(range(50)), lambda done, of: seen.append((done, of)))
    assert seen == [(10, 50), (42, 50), (50, 50)]


def test_an_interrupt_loses_the_batch_and_nothing_else(tmp_path: Path) -> None:
    store, asked = FeatureStore(tmp_path), some(range(400))
    with pytest.raises(KeyboardInterrupt):
        store.features(Counting(most=3), asked)
    rest = Counting()
    assert len(store.features(rest, asked)) == 400
    assert sum(rest.batches) == 400 - 3 * BATCH


_KILLED = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from test_features import Counting, FeatureStore, some

class Slow(Counting):
    def __call__(self, pictures):
        print(sum(self.batches), flush=True)
        return super().__call__(pictures)

FeatureStore(Path({folder!r})).features(Slow(), some(range(10_000)))
"""


def test_a_kill_loses_no_more_than_256_pictures(tmp_path: Path) -> None:
    code = _KILLED.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    done = 0
    for line in process.stdout:
        done = int(line)
        if done >= 700:
            os.kill(process.pid, signal.SIGKILL)
            break
    rest = [int(line) for line in process.stdout]
    process.wait()
    done = max([done, *rest])
    counting = Counting()
    assert len(FeatureStore(tmp_path).features(counting, some(range(done)))) == done
    assert sum(counting.batches) <= 256


@pytest.mark.parametrize("keep", [0, 10, 200, -100, -1])
@pytest.mark.parametrize("kind", ["features", "readings"])
def test_a_file_cut_short_is_deleted_and_computed_again(tmp_path: Path, kind: str, keep: int) -> None:
    store, asked = FeatureStore(tmp_path), some(range(40))
    look = store.features if kind == "features" else store.readings
    make = Counting if kind == "features" else CountingReader
    first = look(make(), asked)  # type: ignore[arg-type]
    (file,) = (f for f in (tmp_path / "features").rglob("*") if f.is_file())
    file.write_bytes(file.read_bytes()[:keep])
    counting = make()
    again = look(counting, asked)  # type: ignore[arg-type]
    assert sum(counting.batches) == 40
    assert all(np.array_equal(again[key], first[key]) for key in asked)  # type: ignore[arg-type]
    assert look(make(most=0), asked).keys() == asked.keys()  # type: ignore[arg-type]


def test_no_flipped_byte_is_believed(tmp_path: Path) -> None:
    store, asked = FeatureStore(tmp_path), some(range(40))
    first = store.features(Counting(), asked)
    (file,) = (tmp_path / "features").rglob("*.npz")
    whole = file.read_bytes()
    for place in range(0, len(whole), 97):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        file.write_bytes(broken)
        again = store.features(Counting(), asked)
        assert all(np.array_equal(again[key], first[key]) for key in asked)
        file.write_bytes(whole)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'{"version": "1"}', b"\xff", b'{"version":"1","readings":[]}']
)
def test_json_of_another_form_is_damage(tmp_path: Path, content: bytes) -> None:
    store, asked = FeatureStore(tmp_path), some(range(2))
    store.readings(CountingReader(), asked)
    (file,) = (tmp_path / "features").rglob("*.json")
    file.write_bytes(content)
    assert store.readings(CountingReader(), asked).keys() == asked.keys()


def test_a_pickle_in_the_cache_is_not_opened(tmp_path: Path) -> None:
    store, asked = FeatureStore(tmp_path), some(range(2))
    store.features(Counting(), asked)
    (file,) = (tmp_path / "features").rglob("*.npz")
    np.savez(file, version=np.array("1"), hashes=np.array(list(asked)), values=np.array([{}, {}], object))
    assert all(v.dtype == np.float32 for v in store.features(Counting(), asked).values())


def test_several_may_write_at_once(tmp_path: Path) -> None:
    def work(start: int) -> None:
        FeatureStore(tmp_path).features(Counting(), some(range(start, start + 300)))

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FeatureStore(tmp_path).features(Counting(most=0), some(range(500)))) == 500


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "features").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot create"):
        FeatureStore(tmp_path).features(Counting(), some(range(2)))


def test_an_extractor_that_skips_a_picture_is_a_bug(tmp_path: Path) -> None:
    class Skipping(Counting):
        def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
            return super().__call__(pictures)[1:]

    with pytest.raises(ValueError, match="shorter"):
        FeatureStore(tmp_path).features(Skipping(), some(range(3)))


# Not getrusage: what it says of a child counts from its parent's memory on.
_MEMORY = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
import numpy as np
from test_features import FeatureStore, name_of

class Wide:
    name, version = "wide", "1"
    def __call__(self, pictures):
        return [np.zeros((20, 1280), np.float32) for _ in pictures]

asked = {{name_of(n): lambda: np.zeros((256, 256, 3), np.uint8) for n in range(2000)}}
for _ in range(2):
    FeatureStore(Path({folder!r})).features(Wide(), asked)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.slow
def test_two_thousand_pictures_stay_well_under_a_gigabyte(tmp_path: Path) -> None:
    """20 tiles of 1,280 numbers a picture are 205 MB; the rest is what it takes to keep them."""
    code = _MEMORY.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 850
