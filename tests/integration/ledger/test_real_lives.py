"""Random lives through the API: after every step the books agree, and an auditor finds the ledger whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from functions.ledger.dump import main as dump
from functions.ledger.log.service import write_checkpoint
from functions.ledger.verify import main as verify
from tests.builders.lives import Life
from tests.builders.shop import a_shop


@pytest.fixture
def audit(books: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str]]:
    """Sequence, sign, dump and verify."""

    def run() -> tuple[int, str]:
        assert books.sequence() == {"batchItemFailures": []}
        write_checkpoint()
        export, key = tmp_path / "export.jsonl", tmp_path / "key.pem"
        assert dump([str(export), "--public-key", str(key)]) == 0
        capsys.readouterr()
        code = verify([str(export), "--public-key", str(key)])
        return code, capsys.readouterr().out

    return run


def live(books: Any, seed: int, steps: int) -> Life:
    life = Life(a_shop(books.platform), Random(seed))
    for number in range(steps):
        name = life.step()
        try:
            life.require_books()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}, {name}: {error}") from error
    return life


@pytest.mark.parametrize("seed", range(2))
def test_the_books_hold_at_every_step_and_the_ledger_is_whole(
    books: Any, audit: Callable[[], tuple[int, str]], seed: int
) -> None:
    life = live(books, seed, 30)
    code, out = audit()
    assert code == 0, out
    assert out.endswith("OK: the ledger is whole\n")
    assert f"{len(life.entries())} entries" in out
    assert "older than the commands" not in out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_longer_lives(books: Any, audit: Callable[[], tuple[int, str]], seed: int) -> None:
    live(books, seed, 120)
    code, out = audit()
    assert code == 0, out


def test_an_entry_slipped_in_beside_real_ones_is_named(books: Any, audit: Callable[[], tuple[int, str]]) -> None:
    """The plan, the repayment and the refund remember their entries: a forged one that explains them shows."""
    from functions.ledger.entries import EntryKind
    from functions.ledger.service import plan_entry
    from tests.builders.ledger import an_entry

    life = live(books, 5, 12)
    victim = next(
        entry for entry in life.entries() if entry.kind is EntryKind.REFUND or entry.explains[0].startswith("rep_")
    )
    ghost = an_entry(901, explains=victim.explains, command_id=victim.command_id)
    [put] = plan_entry(ghost).operations
    books.put_raw({"pk": {"S": put.item.pk}, "sk": {"S": put.item.sk}, "b": {"B": put.item.data}})
    code, out = audit()
    assert code == 1
    assert ghost.id in out
