"""``judgekit calibrate``: hold a judge against human labels."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.errors import InputError, UsageError

EXITS = {
    "trust": ExitCode.GOOD,
    "correct": ExitCode.GOOD,
    "reject": ExitCode.BAD_FINDING,
    "relabel": ExitCode.UNDECIDED,
    "insufficient": ExitCode.UNDECIDED,
}


def command(
    graded: Annotated[
        Path, typer.Argument(metavar="GRADED", help="Graded rows, as `judgekit grade` writes them.")
    ],
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS", help="Human labels, long or wide: .jsonl or .csv; one file or several."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Where the card goes.")] = None,
    rubric: Annotated[str | None, typer.Option(help="Refuse rows graded by another rubric.")] = None,
    design: Annotated[
        str | None,
        typer.Option(help="How the labelled items were chosen: random. Unstated: what the labels say."),
    ] = None,
    target: Annotated[
        str, typer.Option(help="process: the system that made the items; batch: these items.")
    ] = "process",
    group: Annotated[
        str | None, typer.Option(help="Column that says which items depend on each other.")
    ] = None,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Leave out labels of items that are not in GRADED.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a judge against human labels, correct its rates, and decide what to do with it."""
    from judgekit.calibration import calibrate

    console = Console(as_json, quiet)
    if out is not None:
        _check_card(out)
    found = calibrate(
        graded,
        labels,
        design=design,
        rubric=rubric,
        target=target,
        group=group,
        allow_unmatched=allow_unmatched,
    )
    if out is not None:
        found.save(out)
    console.result(str(found), found.to_dict())
    if out is not None:
        given = "".join(f" --labels {quoted(path)}" for path in labels)
        console.next(f"judgekit report {quoted(graded)}{given} --calibration {quoted(out)} --out REPORT.html")
    else:
        console.next(f"judgekit calibrate {' '.join(map(quoted, (graded, *labels)))} --out CARD.json")
    raise typer.Exit(EXITS[found.decision.verb])


def _check_card(out: Path) -> None:
    """See that nothing but an older card would be overwritten."""
    from judgekit.calibration import load_card

    if not out.exists() or (out.is_file() and not out.stat().st_size):
        return
    try:
        if not out.is_file():
            raise InputError("is no regular file")
        load_card(out)
    except InputError:
        raise UsageError(f"{out}: exists and is not a card; choose another --out, or move it away") from None
