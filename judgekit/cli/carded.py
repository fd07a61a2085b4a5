"""How ``judgekit grade`` goes by a card: its model, its state on every row, and the canary before them."""

from pathlib import Path
from typing import TYPE_CHECKING

from judgekit.cli.console import Console, money
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.batch import Options
    from judgekit.batch.runner import First
    from judgekit.calibration import Calibration
    from judgekit.exchange import Usage
    from judgekit.grader import BaseGrader


def read_card(
    path: Path | None, force: bool, canary: int | None, canary_items: Path | None
) -> "Calibration | None":
    """Read the card; refuse options that need one, where none is given.

    Raises
    ------
    UsageError
        If there is no card, or no canary, that an option could be about.
    """
    if path is None:
        for name, given in (("--force", force), ("--canary", canary), ("--canary-items", canary_items)):
            if given:
                raise UsageError(f"{name} belongs to a card: give --calibration CARD, or leave it away")
        return None
    if canary_items is not None and canary is None:
        raise UsageError("--canary-items says of which rows; give --canary N too")
    from judgekit.calibration import load_card

    return load_card(path)


def graded_beside(card: "Calibration", path: Path) -> Path:
    """Give the graded rows that a card was made from.

    Raises
    ------
    UsageError
        If they are not where the card says, or it does not say.
    InputError
        If they lie outside its folder after all, as by a link.
    """
    from judgekit.calibration.card import source_files

    if card.source is None:
        raise UsageError("the card does not say where its graded rows are; name them: --canary-items")
    rows, _ = source_files(card, path.parent)
    if not rows.exists():
        raise UsageError(f"{rows}: the card's graded rows are not there; name them: --canary-items")
    return rows


def canary_of(
    console: Console,
    grader: "BaseGrader",
    card: "Calibration",
    rows: Path,
    number: int,
    flips: float,
    options: "Options",
) -> "First":
    """Prepare the canary; it says what it saw, and stops the run where the model has changed."""
    from judgekit.batch.canary import ModelChanged, ask_again

    async def first() -> "Usage":
        constants = dict(options.columns.constants)
        found = await ask_again(
            grader, card, rows, number, constants=constants, flips=flips, concurrency=options.concurrency
        )
        fewer = f" (--canary {number}: there are no more)" if found.asked < number else ""
        console.say(f"  {found}, {money(found.usage.cost_usd)}{fewer}")
        if found.found:
            raise ModelChanged(found)
        return found.usage

    return first
