"""``judgekit correct``: apply a card to another batch."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted


def command(
    graded: Annotated[Path, typer.Argument(metavar="GRADED", help="Graded rows of the new batch.")],
    calibration: Annotated[Path, typer.Option(help="The card.")],
    shift: Annotated[
        str | None,
        typer.Option(
            help="What stayed the same since the card. mix: a verdict means what it meant; prevalence: the "
            "judge errs at the same rates. Unstated: both, each under its assumption."
        ),
    ] = None,
    target: Annotated[
        str, typer.Option(help="process: the system that made the items; batch: these items.")
    ] = "process",
    force: Annotated[
        bool, typer.Option("--force", help="Apply a stale card, and mark every number.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Correct the rates of another batch of the same judge by a card."""
    from judgekit.calibration import load_card
    from judgekit.calibration.plan import FRESH, plan_command
    from judgekit.files.graded import read_manifest

    console = Console(as_json, quiet)
    found = load_card(calibration).correct(graded, shift=shift, target=target, force=force)
    console.result(str(found), found.to_dict())
    if found.open:
        console.say(
            "\nThe two assumptions give two numbers; which holds is yours to say (--shift), or label some."
        )
        console.next(plan_command(graded, FRESH, read_manifest(graded), found.items))
        raise typer.Exit(ExitCode.UNDECIDED)
    console.next(f"judgekit report {quoted(graded)} --calibration {quoted(calibration)} --out REPORT.html")
