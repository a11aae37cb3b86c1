"""Exact money: integer millionths of a currency. Two currencies never add."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

MICROS = 1_000_000
_AMOUNT = re.compile(r"^\s*(?P<amount>[0-9]+(?:\.[0-9]+)?)\s*(?P<currency>[A-Za-z]{3})?\s*$")


class CurrencyMismatchError(Exception):
    """Two currencies were added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: `micros` millionths of the ISO 4217 `currency`."""

    micros: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, *, default_currency: str | None = None) -> "Money":
        """`"5 USD"`, `"0.035USD"`, or `"5"` with a default currency. Raises `ValueError` with a sentence for people."""
        match = _AMOUNT.match(text)
        if match is None:
            raise ValueError(f"`{text}` is not an amount of money like `5 USD`")
        currency = match["currency"] or default_currency
        if currency is None:
            raise ValueError(f"`{text}` has no currency: write it like `{text.strip()} USD`")
        try:
            micros = Decimal(match["amount"]) * MICROS
        except InvalidOperation as error:
            raise ValueError(f"`{text}` is not an amount of money") from error
        if micros != micros.to_integral_value():
            raise ValueError(f"`{text}` is finer than a millionth of {currency.upper()}")
        if micros > 10**15:
            raise ValueError(f"`{text}` is more than a billion {currency.upper()}")
        return cls(int(micros), currency.upper())

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(f"{self} and {other} have different currencies")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.micros + other.micros, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.micros - other.micros, self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(self.micros * count, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.micros < other.micros

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.micros <= other.micros

    def __gt__(self, other: "Money") -> bool:
        return other < self

    def __ge__(self, other: "Money") -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.micros != 0

    @property
    def amount(self) -> str:
        """The exact amount, at least two decimals: `0.04`, `0.035`, `12.00`."""
        text = f"{Decimal(self.micros) / MICROS:.6f}".rstrip("0")
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.ljust(2, '0')}"

    def rounded(self, places: int = 2) -> str:
        """For display only: half up."""
        return str((Decimal(self.micros) / MICROS).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
