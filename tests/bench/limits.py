"""What a benchmark must reach, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on a figure in `unit`: at least `bound`, or at most where `at_most` is set."""

    name: str
    bound: float
    unit: str
    at_most: bool = False

    def kept(self, figure: float) -> bool:
        return figure <= self.bound if self.at_most else figure >= self.bound

    def line(self, figure: float) -> str:
        """Such as `ratio per CPU-second: 3.1x, limit at least 10x: MISSED`."""
        bound = f"at {'most' if self.at_most else 'least'} {self.bound:g}{self.unit}"
        verdict = "ok" if self.kept(figure) else "MISSED"
        return f"{self.name}: {figure:.{1 if figure >= 1 else 2}f}{self.unit}, limit {bound}: {verdict}"


def judge(limit: Limit, figure: float) -> bool:
    """Print the figure beside its limit; True when it is kept."""
    print(limit.line(figure))
    return limit.kept(figure)
