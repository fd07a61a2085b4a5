"""``judgekit judges``: several judges on the same labels."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.errors import UsageError


def command(
    graded: Annotated[
        list[Path],
        typer.Argument(metavar="GRADED", help="Graded rows of two judges or more, of the same items."),
    ],
    labels: Annotated[
        list[Path], typer.Option(help="Human labels of these items; once for each file of labels.")
    ],
    criterion: Annotated[
        str | None,
        typer.Option(help="What to compare on. Unstated: the item as a whole, or the only criterion."),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="How the labelled items were chosen, as for calibrate. Unstated: what the labels say."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(help="What rates are of. process: the system that made the items; batch: just these."),
    ] = "process",
    group: Annotated[
        str | None, typer.Option(help="Column that says which items depend on each other.")
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JUDGE=USD",
            help="What 1,000 items cost by a judge (or a graded file) whose rows do not say.",
        ),
    ] = None,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Leave out labels of items in none of the files.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="A page with the same and a picture, .html.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare judges on the same labels: agreement, costs, and which one cannot be told from the best."""
    from judgekit.calibration.contest import compare_judges
    from judgekit.cli.report import check_page
    from judgekit.files.graded import manifest_path

    console = Console(as_json, quiet)
    if out is not None:
        check_page(out, [*graded, *map(manifest_path, graded), *labels])
    found = compare_judges(
        graded,
        labels,
        criterion=criterion,
        design=design,
        target=target,
        group=group,
        costs=dict(map(_cost, cost or [])),
        allow_unmatched=allow_unmatched,
    )
    if out is not None:
        from judgekit.report.frontier import write_comparison

        write_comparison(found, out)
    console.result(str(found), {**found.to_dict(), "out": str(out) if out else None})
    chosen = found.advised or found.best
    given = " ".join(map(quoted, labels))
    console.next(f"judgekit calibrate {quoted(chosen.file)} {given} --out CARD.json")
    raise typer.Exit(_exit(found.enough, all(judge.rejected for judge in found.kept)))


def _exit(enough: bool, rejected: bool) -> ExitCode:
    if not enough:
        return ExitCode.UNDECIDED
    return ExitCode.BAD_FINDING if rejected else ExitCode.GOOD


def _cost(given: str) -> tuple[str, float]:
    """Read ``JUDGE=USD``; a name may hold an equals sign, a price does not."""
    name, equals, price = given.rpartition("=")
    try:
        return name, float(price if equals else "")
    except ValueError:
        raise UsageError(f"--cost {given}: write JUDGE=USD, such as openai/gpt-4.1-mini=0.35") from None
