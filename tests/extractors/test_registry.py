import subprocess
import sys

import pytest

from strikebox.errors import ExtractorError
from strikebox.extractors import registry

WITHOUT_OPTIONS = ["palette", "print-texture", "composition", "noise", "lettering", "thumbnail"]


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_extractors_bear_the_names_by_which_they_are_known(name: str) -> None:
    assert registry.extractor(name).name == name


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(ExtractorError, match=r"there is no extractor colour; there are palette, .*vision"):
        registry.extractor("colour")
    with pytest.raises(ExtractorError, match="there is no reader judge; there are tesseract"):
        registry.reader("judge")


def test_asking_for_one_loads_no_other() -> None:
    code = (
        "import sys; from strikebox.extractors import registry; registry.extractor('noise');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
