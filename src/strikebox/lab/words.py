"""Numbers as people read them; what is not known is a dash, never a zero."""

from collections.abc import Callable

from strikebox.lab import blueprint_text

UNKNOWN = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def flops_words(flops: float | None) -> str:
    """Three digits with their prefix."""
    return UNKNOWN if flops is None else blueprint_text.flops_words(round(flops))


def seconds_words(seconds: float | None) -> str:
    """Seconds below two minutes, minutes below two hours, then hours."""
    if seconds is None:
        return UNKNOWN
    if seconds < 120:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if seconds < 7200:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min"


def money_words(dollars: float | None) -> str:
    """Two significant digits below a cent, else cents."""
    if dollars is None:
        return UNKNOWN
    if dollars == 0:
        return "$0"
    if dollars < 1e-6:
        return "under $0.000001"
    if dollars < 0.1:
        digits = next(n for n in range(2, 9) if dollars * 10**n >= 10)
        return f"${dollars:.{digits}f}"
    return f"${dollars:,.2f}"


def ratio_words(value: float | None, base: float | None) -> str:
    """How many times `base`."""
    return UNKNOWN if value is None or not base else f"\N{MULTIPLICATION SIGN}{value / base:.2f}"


def count_words(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def number_words(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number with as many decimals; `sign` writes a plus too."""
    if value is None:
        return UNKNOWN
    words = f"{abs(value):.{digits}f}"
    if not float(words):
        return words
    return (_MINUS if value < 0 else "+" if sign else "") + words


def share_words(share: float | None, sign: bool = False) -> str:
    """A share in percent; with a decimal where it would look like none or all and is neither."""
    if share is None:
        return UNKNOWN
    percent = 100 * share
    digits = 1 if 0 < abs(percent) < 1 or 99 < abs(percent) < 100 else 0
    return number_words(percent, digits, sign) + "%"


def interval_words(low: float | None, high: float | None, words: Callable[[float], str]) -> str:
    """Both ends; nothing where there is no interval."""
    return "" if low is None or high is None else f"{words(low)} to {words(high)}"


def p_words(p: float | None) -> str:
    """A p-value: three decimals below 0.1, two above."""
    if p is None:
        return UNKNOWN
    if p < 0.001:
        return "under 0.001"
    return f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
