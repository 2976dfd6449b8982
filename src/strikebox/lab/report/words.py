"""Numbers as people read them; what is not known is a dash, never a zero."""

from strikebox.lab import blueprint_text

UNKNOWN = "\N{EN DASH}"


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
