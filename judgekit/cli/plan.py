"""``judgekit plan``: draw the items that people label, and write down how they were drawn."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet, quoted


def command(
    source: Annotated[Path, typer.Argument(metavar="GRADED|ITEMS", help="What the sample is drawn from.")],
    out: Annotated[Path, typer.Option(help="The sheet to fill in: .csv for a spreadsheet, or .jsonl.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Items to label.")] = 60,
    rubric: Annotated[
        str | None, typer.Option(help="The rubric that people answer; graded rows know theirs.")
    ] = None,
    rater: Annotated[str, typer.Option(help="Who will label.")] = "human",
    seed: Annotated[int | None, typer.Option(min=0, help="For a draw that can be made again.")] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the id, as for grade.")] = None,
    rename: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN, as for grade; graded rows know theirs.")
    ] = None,
    constant: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=TEXT or FIELD=@FILE, as for grade; needed again for graded rows."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a random sample for blind labelling: the verdicts stay out of the sheet."""
    from judgekit.calibration.plan import draw_sheet, sheet_rubric
    from judgekit.cli.columns import read_columns
    from judgekit.files.graded import manifest_path

    console = Console(as_json, quiet)
    asked = sheet_rubric(source, rubric)
    columns = read_columns(asked, id_column, rename or [], constant or [])
    sheet = draw_sheet(source, out, n, rubric=asked, columns=columns, rater=rater, seed=seed)
    said = (
        f"{sheet.drawn} of {sheet.total:,} items drawn at random into {out}, without the judge's verdicts. "
        f"Fill in {', '.join(sheet.criteria)}: a blank cell is not labelled, cannot_tell is an answer too."
    )
    console.result(said, {"out": str(out), "drawn": sheet.drawn, "of": sheet.total, "design": "random"})
    graded = quoted(source) if manifest_path(source).exists() else "GRADED.jsonl"
    console.next(f"judgekit calibrate {graded} {quoted(out)} --out CARD.json")
