"""Card transactions of a simulated town, with three kinds of fraud.

An own implementation, on numpy arrays, of the simulator described in the *Fraud Detection Handbook*. With seed 0 it
draws the same random numbers in the same order and so gives the very transactions that the book publishes; any other
seed gives another town of the same kind.

Source: Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card Fraud Detection:
Practical Handbook (2022), chapter 3.2 (https://fraud-detection-handbook.github.io).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAY_S: Final = 86_400
SIDE: Final = 100.0
NOON_S, SPREAD_S = DAY_S / 2, 20_000
LARGE_MINOR: Final = 22_000
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28
CUSTOMERS_A_DAY, CUSTOMER_DAYS = 3, 14
STOLEN_SHARE, STOLEN_FACTOR = 3, 5
SEED_STRIDE: Final = 1_000_003


@dataclass(frozen=True, slots=True)
class Town:
    """How large the simulation is; the defaults are the published ones.

    Args:
        customers: People.
        terminals: Shops' terminals.
        days: Length.
        radius: How far from home a person shops, on a square of side 100.
        seed: 0 gives the published data.
    """

    customers: int = 5_000
    terminals: int = 10_000
    days: int = 183
    radius: float = 5.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Transactions:
    """Columns, in order of time.

    Args:
        at_s: Seconds since the first midnight.
        customer: Number of the person.
        terminal: Number of the terminal.
        amount_minor: Cents.
        scenario: 0 honest, 1 large amount, 2 compromised terminal, 3 stolen card.
    """

    at_s: Ints
    customer: Ints
    terminal: Ints
    amount_minor: Ints
    scenario: Ints

    @property
    def fraud(self) -> npt.NDArray[np.bool_]:
        return self.scenario > 0

    @property
    def day(self) -> Ints:
        return self.at_s // DAY_S

    def until(self, last: int) -> Transactions:
        """The transactions up to a position, that one included."""
        end = last + 1
        return Transactions(
            self.at_s[:end], self.customer[:end], self.terminal[:end], self.amount_minor[:end], self.scenario[:end]
        )

    def __len__(self) -> int:
        return len(self.at_s)


class _Person(NamedTuple):
    seed: int
    number: int
    mean: float  # usual amount, major units
    rate: float  # purchases a day
    near: list[int]  # terminals within reach


def simulate(town: Town) -> Transactions:
    """Everything that is bought in a town, with the frauds marked."""
    shift = town.seed * SEED_STRIDE
    people = np.random.RandomState(shift).uniform(0, 1, (town.customers, 4))
    shops = np.random.RandomState(shift + 1).uniform(0, SIDE, (town.terminals, 2))
    rows: list[tuple[int, int, int, int]] = []
    for number, (x, y, mean, rate) in enumerate(people):
        near = np.flatnonzero(np.sqrt(((np.array([x, y]) * SIDE - shops) ** 2).sum(1)) < town.radius)
        person = _Person(number + shift, number, 5 + mean * 95, rate * 4, near.tolist())
        rows += _purchases(person, town.days)
    table = np.array(rows, np.int64)
    at_s, customers, terminals, amounts = table[np.argsort(table[:, 0], kind="stable")].T
    honest = Transactions(at_s, customers, terminals, amounts, np.zeros(len(table), np.int64))
    return _with_frauds(town, shift, honest)


def _purchases(person: _Person, days: int) -> list[tuple[int, int, int, int]]:
    """One person's purchases: so many a day, around noon, around a usual amount, at a terminal nearby."""
    draw, pick = np.random.RandomState(person.seed), random.Random(person.seed)  # noqa: S311  not secret
    rows: list[tuple[int, int, int, int]] = []
    for day in range(days):
        for _ in range(draw.poisson(person.rate)):
            second = int(draw.normal(NOON_S, SPREAD_S))
            if not 0 < second < DAY_S:
                continue
            amount = draw.normal(person.mean, person.mean / 2)
            if amount < 0:
                amount = draw.uniform(0, person.mean * 2)
            if person.near:
                terminal, cents = pick.choice(person.near), round(float(np.round(amount, 2)) * 100)
                rows.append((day * DAY_S + second, person.number, terminal, cents))
    return rows


def _with_frauds(town: Town, shift: int, honest: Transactions) -> Transactions:
    """The later kind of fraud overwrites the earlier; only stolen cards change an amount."""
    amounts = honest.amount_minor.copy()
    scenario = np.where(amounts > LARGE_MINOR, 1, 0)
    day_of = honest.day
    last = int(day_of.max())
    starts = np.searchsorted(day_of, np.arange(last + 1 + TERMINAL_DAYS))
    for day in range(last):
        hit = np.random.RandomState(day + shift).choice(town.terminals, TERMINALS_A_DAY, replace=False)
        window = slice(starts[day], starts[day + TERMINAL_DAYS])
        scenario[window][np.isin(honest.terminal[window], hit)] = 2
    for day in range(last):
        hit = np.random.RandomState(day + shift).choice(town.customers, CUSTOMERS_A_DAY, replace=False)
        window = slice(starts[day], starts[day + CUSTOMER_DAYS])
        theirs = np.flatnonzero(np.isin(honest.customer[window], hit)) + window.start
        pick = random.Random(day + shift)  # noqa: S311  not secret
        stolen = pick.sample(theirs.tolist(), len(theirs) // STOLEN_SHARE)
        amounts[stolen] *= STOLEN_FACTOR
        scenario[stolen] = 3
    return replace(honest, amount_minor=amounts, scenario=scenario)
