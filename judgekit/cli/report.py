"""``judgekit report``: a graded batch as one page for people."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet
from judgekit.errors import UsageError


def command(
    graded: Annotated[Path, typer.Argument(help="Graded rows, as `judgekit grade` writes them.")],
    out: Annotated[Path, typer.Option(help="The page, .html: one file that loads nothing from elsewhere.")],
    labels: Annotated[Path | None, typer.Option(help="Human labels of items in GRADED.")] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="A card; of this batch, or of another one by the same judge.")
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(help="How the labelled items were chosen: random. Unstated: what labels or card say."),
    ] = None,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Leave out labels of items that are not in GRADED.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a report to read: the corrected numbers first, then what they rest on, and what to read."""
    from judgekit.calibration.text import plural
    from judgekit.report import write_report

    console = Console(as_json, quiet)
    for given in (graded, labels, calibration):
        if given is not None and out.exists() and out.resolve() == given.resolve():
            raise UsageError(f"{out}: is an input of this command; choose another --out")
    report = write_report(
        graded, out, labels=labels, calibration=calibration, design=design, allow_unmatched=allow_unmatched
    )
    lost = f", {plural(report.failures, 'row')} without an answer" if report.failures else ""
    differ = f": {plural(report.disagreements, 'disagreement')} to read" if report.decision else ""
    console.result(f"{report.out}{differ}{lost}", report.to_dict())
    if calibration is not None:
        console.next(f"judgekit correct NEXT_GRADED.jsonl --calibration {calibration}")
    elif labels is not None:
        console.next(f"judgekit calibrate {graded} {labels} --out CARD.json")
    else:
        console.next(f"judgekit plan {graded} --n 60 --out TO_LABEL.csv")
