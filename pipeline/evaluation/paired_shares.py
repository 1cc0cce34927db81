"""The interval of the difference of two shares of the same examples.

Source: Tango 1998, https://pubmed.ncbi.nlm.nih.gov/9595618, whose interval holds the differences
that a score test would not reject. It has a width where both models are right everywhere, too.
"""

from math import sqrt


def interval(only_ours: int, only_theirs: int, n: int, level: float) -> tuple[float, float]:
    """Both ends of the difference, ours minus theirs, from the examples that only one has right.

    Args: n, of all examples; level, 0.95 for 95%.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    found = (only_ours - only_theirs) / n
    squared = float(norm.ppf((1 + level) / 2)) ** 2

    def rejects(difference: float) -> float:
        """Above 0 where the score test at this level does."""
        # The likeliest share of examples that only theirs has right, if this is the difference.
        b = (2 * n - only_ours + only_theirs) * difference - only_ours - only_theirs
        c = -only_theirs * difference * (1 - difference)
        theirs = (sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
        variance = n * (2 * theirs + difference * (1 - difference))
        return (only_ours - only_theirs - n * difference) ** 2 - squared * variance

    near = 1e-9  # beside the value itself, which no test rejects
    low = -1.0 if found == -1 else brentq(rejects, -1.0, found - near)
    high = 1.0 if found == 1 else brentq(rejects, found + near, 1.0)
    return float(low), float(high)
