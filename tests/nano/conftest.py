"""The scripts in nano/ import each other by their plain names, as scripts do; so do their tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "nano"))
