"""``judgekit plan``: draw the items that people label, and write down how they were drawn."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet


def command(
    source: Annotated[Path, typer.Argument(metavar="GRADED|ITEMS", help="What the sample is drawn from.")],
    out: Annotated[Path, typer.Option(help="The sheet to fill in: .csv for a spreadsheet, or .jsonl.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Items to label.")] = 60,
    rubric: Annotated[
        str | None, typer.Option(help="The rubric that people answer; graded rows know theirs.")
    ] = None,
    rater: Annotated[str, typer.Option(help="Who will label.")] = "human",
    seed: Annotated[int | None, typer.Option(help="For a draw that can be made again.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a random sample for blind labelling: the verdicts stay out of the sheet."""
    from judgekit.calibration.plan import draw_sheet

    console = Console(as_json, quiet)
    sheet = draw_sheet(source, out, n, rubric=rubric, rater=rater, seed=seed)
    said = (
        f"{sheet.drawn} of {sheet.total:,} items drawn at random into {out}, without the judge's verdicts. "
        f"Fill in {', '.join(sheet.criteria)}: a blank cell is not labelled, cannot_tell is an answer too."
    )
    console.result(said, {"out": str(out), "drawn": sheet.drawn, "of": sheet.total, "design": "random"})
    console.next(f"judgekit calibrate GRADED.jsonl {out} --out CARD.json")
