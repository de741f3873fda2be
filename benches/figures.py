"""Numbers from what was seen: shares, gaps, tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

Entry = Mapping[str, Any]
# The ways that others are held against, and how many instances are driven at most.
AHEAD_2, AHEAD_1, WAITS, SEED = "bare, 2 ahead, SSH", "bare, 1 ahead, SSH", "bare, waits, SSH", "the seed's way"
DRIVEN = 5


@dataclass(frozen=True)
class Spread:
    """p50, p95 and the number of what was measured; a p95 of fewer than 20 says little."""

    p50: float
    p95: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(quantile(ordered, 0.5), quantile(ordered, 0.95), len(ordered))

    def as_dict(self) -> dict[str, float]:
        return {"p50": round(self.p50, 2), "p95": round(self.p95, 2), "count": self.count}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest, of values in order."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def gaps_ms(ledgers: Iterable[Sequence[Entry]]) -> list[float]:
    """Between the end of an execution and the start of the next on the same instance, milliseconds."""
    return [(later["started"] - earlier["ended"]) * 1000 for ledger in ledgers for earlier, later in pairwise(ledger)]


def efficiency(ledgers: Sequence[Sequence[Entry]], begun_at: float) -> float:
    """Sum of executions ÷ (from when the first was asked for to the last one's end × instances), 0 to 1."""
    spent = sum(entry["ended"] - entry["started"] for ledger in ledgers for entry in ledger)
    over = max(entry["ended"] for ledger in ledgers for entry in ledger)
    return float(spent / ((over - begun_at) * len(ledgers)))


def mean_execution(ledgers: Sequence[Sequence[Entry]]) -> float:
    return fmean(entry["ended"] - entry["started"] for ledger in ledgers for entry in ledger)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Text in columns, the first one left and the others right."""
    cells = [list(columns), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in cells)
    ]
    return "\n".join(["", title, "-" * len(lines[0]), *lines])


def shown(cell: object) -> str:
    match cell:
        case None:
            return "–"
        case Spread():
            return f"{number(cell.p50)} / {number(cell.p95)}"
        case float():
            return number(cell)
    return str(cell)


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def plain(value: Any) -> Any:
    """The same as JSON takes it."""
    match value:
        case Spread():
            return value.as_dict()
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case float():
            return round(value, 4)
    return value
