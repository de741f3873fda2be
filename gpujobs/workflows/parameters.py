"""The kinds of parameter a workflow can have. Each knows what it accepts; nothing else reaches a graph."""

from dataclasses import dataclass
from decimal import Decimal as Exact
from typing import Any

# The option of a `Choice` that leaves it to the host: whichever of the others has its model files there.
ANY = "any"


class ParameterError(ValueError):
    """A parameter or input that the workflow does not take. ``field`` names it, ``message`` says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One key out of a fixed list."""

    name: str
    options: tuple[str, ...]
    default: str

    def clean(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise ParameterError(self.name, f"must be one of {', '.join(self.options)}")
        return value


@dataclass(frozen=True, kw_only=True)
class Several:
    """Any of a fixed list of keys, none by default; kept in the list's order, so that equal wishes are equal."""

    name: str
    options: tuple[str, ...]

    @property
    def default(self) -> tuple[str, ...]:
        return ()

    def clean(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or any(each not in self.options for each in value):
            raise ParameterError(self.name, f"must be a list out of {', '.join(self.options)}")
        return tuple(option for option in self.options if option in value)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number from ``low`` to ``high``, both included."""

    name: str
    low: int
    high: int
    default: int

    def clean(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise ParameterError(self.name, f"must be a whole number from {self.low} to {self.high}")
        return value


@dataclass(frozen=True, kw_only=True)
class Decimal:
    """A number from ``low`` to ``high``, both included, in steps of ``step`` counted from ``low``."""

    name: str
    low: float
    high: float
    step: float
    default: float

    def clean(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ParameterError(self.name, f"must be a number from {self.low} to {self.high}")
        # Exact decimals: 0.7 is a multiple of 0.05, though not in binary fractions.
        if (Exact(str(value)) - Exact(str(self.low))) % Exact(str(self.step)):
            raise ParameterError(self.name, f"must go in steps of {self.step} from {self.low}")
        return float(value)


Param = Choice | Several | Whole | Decimal
