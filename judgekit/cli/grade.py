"""``judgekit grade``: every item of a file by a rubric and a model."""

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from judgekit.cli.console import Console, ExitCode, Json, ProgressLine, Quiet, duration, money
from judgekit.errors import UsageError

T = TypeVar("T")


def command(
    rubric: Annotated[str, typer.Argument(help="Shipped rubric or rubric file.")],
    items: Annotated[Path, typer.Argument(metavar="INPUT", help="Items: .jsonl, .csv or .json.")],
    model: Annotated[
        str,
        typer.Option(help="openai/NAME, offline/lexical, recorded/FILE[@JUDGE], or a name at --base-url."),
    ],
    out: Annotated[Path | None, typer.Option(help="Graded rows, .jsonl. Needed unless --dry-run.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Variable with the key of --base-url.")] = None,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="Refuse any host but this machine.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Items under way at once.")] = 16,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one call in all.")] = 60.0,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of one call.")] = 4,
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N items.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only N items at random, the same ones again.")
    ] = None,
    max_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of rows that may fail with exit code 0.")
    ] = 0.0,
    price: Annotated[
        str | None, typer.Option(help="USD per million tokens: IN,OUT. Unstated: unknown.")
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the id.")] = None,
    rename: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN: a field of the rubric from a column.")
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=TEXT or FIELD=@FILE: the same for every item.")
    ] = None,
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
    from judgekit.cli.columns import read_columns
    from judgekit.factory import judge
    from judgekit.files.items import ItemFile
    from judgekit.library import find

    console = Console(as_json, quiet)
    columns = read_columns(find(rubric), id_column, rename or [], constant or [])
    grader = judge(
        rubric,
        model,
        base_url=base_url,
        api_key_env=api_key_env,
        timeout=timeout,
        attempts=attempts,
        temperature=temperature,
        price=_price(price),
        connections=concurrency,
    )
    where = _destination(grader.destination, local_only)
    options = Options(columns, concurrency, limit, sample, fresh, omit_items)
    if dry_run:
        from judgekit.cli.dry_run import show

        show(console, grader, ItemFile(items, grader.rubric, columns), options, where, _price(price))
        return
    if out is None:
        raise UsageError("where should the graded rows go? give --out GRADED.jsonl")
    _grade(console, grader, items, out, options, where, max_failed)


def _grade(
    console: Console, grader: Any, items: Path, out: Path, options: Any, where: str, max_failed: float
) -> None:
    from judgekit.batch import agrade_file

    console.say(f"{items.name} graded by {grader.name} with {grader.rubric.reference}   ({where})")
    line = ProgressLine(console.quiet)

    async def work() -> Any:
        try:
            return await agrade_file(grader, items, out, options, line)
        finally:
            line.clear()
            await grader.aclose()

    run = run_interruptible(work(), out)
    tally = run.tally
    failures = {status: n for status, n in tally.statuses.items() if status not in ("ok", "abstained")}
    why = f" ({', '.join(f'{n} {status}' for status, n in failures.items())})" if failures else ""
    kept = f", {tally.resumed:,} from before" if tally.resumed else ""
    console.result(
        f"  graded {tally.done - tally.failed:,} of {tally.total:,}{kept}, {tally.failed:,} failed{why}, "
        f"{duration(tally.seconds)}, {money(tally.usage.cost_usd)}",
        run.to_dict(),
    )
    if tally.failed > max_failed * tally.total:
        console.say("\nThe same command asks again where there is no answer; or allow it with --max-failed.")
        raise typer.Exit(ExitCode.INCOMPLETE)
    console.next(f"judgekit plan {out} --n 60 --out TO_LABEL.csv")


def run_interruptible(work: Coroutine[Any, Any, T], out: Path) -> T:
    """Run a coroutine; SIGINT and SIGTERM end it in order, with the exit code that shells expect."""
    caught: list[int] = []

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda n=number: (caught.append(n), task.cancel()))
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        typer.echo(f"interrupted: what was graded is kept beside {out}; the same command goes on", err=True)
        raise typer.Exit(128 + (caught[0] if caught else signal.SIGINT)) from None


def _destination(host: str, local_only: bool) -> str:
    if not host:
        return "nothing leaves this machine"
    from judgekit.providers.endpoint import is_local

    if is_local(f"http://{host}"):
        return f"stays on this machine: {host}"
    if local_only:
        raise UsageError(f"--local-only: items would go to {host}; use a model on this machine")
    return f"the items' fields go to {host}"


def _price(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        given, taken = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--price {text!r}: write two numbers, dollars per million tokens in and out: 0.4,1.6"
        ) from None
    return given, taken
