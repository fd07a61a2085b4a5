"""``judgekit grade``: every item of a file by a rubric and a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, duration, money, quoted, shortened
from judgekit.cli.interrupt import run_interruptible
from judgekit.cli.options import (
    ApiKeyEnv,
    Attempts,
    BaseUrl,
    Concurrency,
    LocalOnly,
    Price,
    Timeout,
    finite,
)
from judgekit.cli.progress import Progress
from judgekit.cli.which import make_room, where_to, which_judge
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgekit.batch import Options, Run, Tally
    from judgekit.batch.runner import First
    from judgekit.grader import BaseGrader

ASKED = 60  # items to label that the next command proposes


def command(
    rubric: Annotated[str, typer.Argument(metavar="RUBRIC", help="Shipped rubric or rubric file.")],
    items: Annotated[Path, typer.Argument(metavar="INPUT", help="Items: .jsonl, .csv or .json.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="openai/NAME, another provider/NAME, offline/lexical, recorded/FILE[@JUDGE], or a name at "
            "--base-url. Unstated: that of --calibration."
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A judge of judgekit.yaml in this folder, instead of --model.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Graded rows, .jsonl. Needed unless --dry-run.")] = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    local_only: LocalOnly = False,
    concurrency: Concurrency = 16,
    timeout: Timeout = None,
    attempts: Attempts = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0, max=2, callback=finite, help="Of the model. Unstated: that of --calibration, else 0."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N items.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only N items at random, the same ones again.")
    ] = None,
    max_failed: Annotated[
        float,
        typer.Option(
            min=0, max=1, callback=finite, help="Share of rows that may fail; with more, exit code 3."
        ),
    ] = 0.0,
    price: Price = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the id.")] = None,
    rename: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN: a field of the rubric from a column.")
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=TEXT or FIELD=@FILE: the same for every item.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Card of this judge: each verdict says how likely people would pass the item."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Take a card that is stale or advises against the judge; rows say so."),
    ] = False,
    canary: Annotated[
        int | None,
        typer.Option(min=1, help="First ask N labelled items of the card again; stop if the model changed."),
    ] = None,
    canary_items: Annotated[
        Path | None, typer.Option(help="Graded rows of those items. Unstated: what the card was made from.")
    ] = None,
    canary_flips: Annotated[
        float,
        typer.Option(callback=finite, help="Share of answers that the same model may change by chance."),
    ] = 0.05,
    omit_items: Annotated[bool, typer.Option("--omit-items", help="Leave the item out of the rows.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, whatever lies at --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first prompt, tokens, cost, and where it goes.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Grade every item of a file. The same command again continues a run that was stopped."""
    from judgekit.batch import Options
    from judgekit.cli.carded import canary_of, graded_beside, read_card
    from judgekit.cli.columns import read_columns
    from judgekit.factory import with_card
    from judgekit.library import find

    console = Console(as_json, quiet)
    if out is None and not dry_run:
        raise UsageError("where should the graded rows go? give --out GRADED.jsonl")
    card = read_card(calibration, force, canary, canary_items)
    which = which_judge(
        model, judge, card, timeout=timeout, attempts=attempts, local_only=local_only, price=price,
        base_url=base_url, api_key_env=api_key_env, temperature=temperature,
    )  # fmt: skip
    asked = find(rubric)
    columns = read_columns(asked, id_column, rename or [], constant or [])
    options = Options(columns, concurrency, limit, sample, fresh, omit_items)
    if dry_run:
        from judgekit.cli.dry_run import show

        show(console, which, asked, items, options)
        return
    assert out is not None
    grader = which(asked, concurrency)
    make_room(concurrency, getattr(grader, "clients", 1))
    first = None
    if card is not None and calibration is not None:
        grader = with_card(grader, card, force=force)
        if canary is not None:
            rows = canary_items or graded_beside(card, calibration)
            first = canary_of(console, grader, card, rows, canary, canary_flips, options)
    where = where_to(which.hosts, asked)
    console.say(f"grading {items.name} by {grader.name} with {asked.reference}   ({where})")
    run = graded_rows(grader, items, out, options, console, first)
    _conclude(console, run, max_failed, calibration)


def graded_rows(
    grader: "BaseGrader",
    items: Path,
    out: Path,
    options: "Options",
    console: Console,
    first: "First | None" = None,
) -> "Run":
    """Grade a file until done, interrupted, or stopped by its canary."""
    from judgekit.batch import agrade_file
    from judgekit.batch.canary import ModelChanged

    progress = Progress(console.quiet)

    async def work() -> "Run":
        try:
            with progress:
                return await agrade_file(grader, items, out, options, progress, first)
        finally:
            await grader.aclose()

    def kept() -> str:
        tally = progress.tally
        again = "the same command without --fresh" if options.fresh else "the same command"
        what = f"{tally.done - tally.failed:,} of {tally.total:,} rows are" if tally else "what was graded is"
        return f"{what} kept beside {out}; {again} goes on from there"

    try:
        return run_interruptible(work(), kept)
    except ModelChanged as error:
        console.result(str(error), {"canary": error.canary.to_dict()})
        raise typer.Exit(ExitCode.BAD_FINDING) from None


def _conclude(console: Console, run: "Run", max_failed: float, card: Path | None) -> None:
    tally = run.tally
    failures = {status: n for status, n in tally.statuses.items() if status not in ("ok", "abstained")}
    why = f" ({', '.join(f'{n} {status}' for status, n in failures.items())})" if failures else ""
    kept = f", {tally.resumed:,} from before" if tally.resumed else ""
    console.result(
        f"  graded {tally.done - tally.failed:,} of {tally.total:,}{kept}, {tally.failed:,} failed{why}, "
        f"{duration(tally.seconds)}, {money(tally.usage.cost_usd)}{''.join(_reasons(tally))}",
        run.to_dict() | ({"reasons": tally.reasons} if tally.reasons else {}),
    )
    if tally.labels:
        counts = ", ".join(f"{count:,} {label}" for label, count in tally.labels.most_common())
        console.say(f"  the judge said: {counts} (its count, not an estimate)")
    for line in tally.steadiness.lines():
        console.say(f"  {line}")
    for note in run.notes:
        console.say(f"  {note}")
    # The share in the user's decimals: 29 of 100 are not more than 0.29 of them.
    if tally.failed > max_failed * tally.total + 1e-9:
        console.say(f"\n{_cure(run)}; or allow it with --max-failed.")
        raise typer.Exit(ExitCode.INCOMPLETE)
    answers = tally.done - tally.failed
    if answers and card is not None:
        console.next(f"judgekit correct {quoted(run.out)} --calibration {quoted(card)}")
    elif answers:
        console.next(f"judgekit plan {quoted(run.out)} --n {min(ASKED, answers)} --out TO_LABEL.csv")


def _reasons(tally: "Tally") -> "Iterator[str]":
    """Say for each failure what most of its rows, or one of them, ran into."""
    for status, counted in tally.reasons.items():
        message, often = counted.most_common(1)[0]
        total = tally.statuses[status]
        share = "" if often == total else f", {often:,} of them" if often > 1 else ", one of them"
        yield f"\n    {total:,} {status}{share}: {shortened(message)}"


def _cure(run: "Run") -> str:
    if str(run.manifest["grader"]).startswith("recorded/"):
        return "Nobody is asked for what was not recorded: complete the recorded file"
    return "The same command asks again where there is no answer"
