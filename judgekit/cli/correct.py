"""``judgekit correct``: apply a card to another batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.calibration.correct import Correction


def command(
    graded: Annotated[Path, typer.Argument(metavar="GRADED", help="Graded rows of the new batch.")],
    calibration: Annotated[Path, typer.Option(help="The card.")],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            help="Fresh labels of a random draw of GRADED; from 15 on nothing is assumed. Once for each file."
        ),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(help="random: the fresh labels are such a draw, where they do not say so themselves."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the card goes with the fresh labels added, for next week.")
    ] = None,
    shift: Annotated[
        str | None,
        typer.Option(
            help="What stayed the same since the card. mix: a verdict means what it meant; prevalence: the "
            "judge errs at the same rates. Unstated: both, each under its assumption."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(help="What rates are of. process: the system that made the items; batch: just these."),
    ] = "process",
    force: Annotated[
        bool, typer.Option("--force", help="Apply a stale card, and mark every number.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Correct the rates of another batch of the same judge by a card."""
    from judgekit.calibration import load_card
    from judgekit.calibration.card import older_card
    from judgekit.calibration.fresh import LEAST_FRESH

    console = Console(as_json, quiet)
    if out is not None:
        _check_out(out, labels)
    card = load_card(calibration)
    if out is not None:
        older_card(out, lambda: card.rubric)
    found = card.correct(
        graded, labels=labels or None, design=design, shift=shift, target=target, force=force
    )
    if out is not None:
        found.card.save(out)
    console.result(str(found), found.to_dict())
    if out is not None:
        console.say(f"\ncard: {out}")
    if found.drifted:
        console.say("\nThe card is stale from here on; the figures from fresh labels hold all the same.")
        console.next(
            f"judgekit calibrate {quoted(graded)} {' '.join(map(quoted, labels or ()))} --out CARD.json"
        )
        raise typer.Exit(ExitCode.BAD_FINDING)
    if found.open:
        console.say(
            "\nThe two assumptions give two numbers; which holds is yours to say (--shift), or label some."
        )
        console.next(_more_labels(graded, found, labels or ()))
        raise typer.Exit(ExitCode.UNDECIDED)
    if labels and found.fresh < LEAST_FRESH:
        console.next(_more_labels(graded, found, labels))
        return
    given = f"{quoted(graded)} --calibration {quoted(calibration)}"
    given += "".join(f" --labels {quoted(path)}" for path in labels or ())
    if labels and out is None:
        console.next(f"judgekit correct {given} --out CARD.json")
    else:
        console.next(f"judgekit report {given} --out REPORT.html")


def _more_labels(graded: Path, found: "Correction", labels: Sequence[Path]) -> str:
    """Give the command that draws what is lacking of enough fresh labels."""
    from judgekit.calibration.plan import FRESH, plan_command
    from judgekit.files.graded import read_manifest

    more, left = max(FRESH - found.fresh, 1), found.items - found.fresh
    return plan_command(graded, more, read_manifest(graded), left, labels)


def _check_out(out: Path, labels: list[Path] | None) -> None:
    if not labels:
        raise UsageError("--out is for a card that learned from fresh labels; give --labels too")
