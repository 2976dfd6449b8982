"""Why a picture was not made: a stable code for everybody, and a line that the operator alone reads.

Both stand in the job's row as `code: line`. Visitors and programs are told the words of the code.
"""

from typing import Literal, cast, get_args

from strikebox.site.moderation.picture import Code as Found
from strikebox.site.moderation.picture import Finding
from strikebox.site.words import Words

Code = Literal["went-wrong", "no-money", "impossible", "gave-up"] | Found

_FOUND = get_args(Found)
_KNOWN = frozenset({"went-wrong", "no-money", "impossible", "gave-up", *_FOUND})


def line(code: Code, detail: str = "") -> str:
    """What a job's row keeps; `detail` is for the operator."""
    return f"{code}: {detail}" if detail else code


def code_of(row: str) -> Code:
    """The code of what a job's row keeps; whatever is not known went wrong."""
    code = row.partition(":")[0]
    return cast(Code, code if code in _KNOWN else "went-wrong")


def is_withheld(code: Code | None) -> bool:
    """Whether the picture was made, and a check found something on it."""
    return code in _FOUND


def told(code: Code, words: Words) -> str:
    """What went wrong and what to do, for visitors."""
    if code in _FOUND:
        return Finding(code=cast(Found, code), detail="").reason(words.language)
    return words(f"failure.{code}")
