"""The distributions that intervals and tests are made of: numbers in, numbers out."""

from scipy import special  # pyright: ignore[reportMissingTypeStubs]


def t_quantile(freedom: float, probability: float) -> float:
    """Student's t at which the distribution function is `probability`."""
    return float(special.stdtrit(freedom, probability))


def t_below(freedom: float, value: float) -> float:
    """Probability of Student's t at or below `value`."""
    return float(special.stdtr(freedom, value))


def t_shift(freedom: float, value: float, above: float) -> float:
    """The noncentrality at which the noncentral t exceeds `value` with probability `above`."""
    return float(special.nctdtrinc(freedom, 1 - above, value))


def normal_quantile(probability: float) -> float:
    """The standard normal value at which the distribution function is `probability`."""
    return float(special.ndtri(probability))


def normal_below(value: float) -> float:
    """Probability of a standard normal value at or below `value`."""
    return float(special.ndtr(value))


def beta_quantile(a: float, b: float, probability: float) -> float:
    """The share at which the distribution function of Beta(a, b) is `probability`."""
    return float(special.betaincinv(a, b, probability))


def fair_coin_below(heads: int, throws: int) -> float:
    """Probability of at most `heads` heads in `throws` throws."""
    return float(special.bdtr(heads, throws, 0.5))
