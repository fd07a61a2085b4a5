"""``judgekit calibrate``: hold a judge against human labels."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.cli.options import ApiKeyEnv, Attempts, BaseUrl, Concurrency, LocalOnly, Price, Timeout, finite
from judgekit.cli.regrade import regraded
from judgekit.cli.which import which_judge
from judgekit.errors import UsageError

CARDS = Path("calibration")
EXITS = {
    "trust": ExitCode.GOOD,
    "correct": ExitCode.GOOD,
    "reject": ExitCode.BAD_FINDING,
    "relabel": ExitCode.UNDECIDED,
    "insufficient": ExitCode.UNDECIDED,
}


def command(
    graded: Annotated[
        Path | None,
        typer.Argument(
            metavar="GRADED", help="Graded rows, as `judgekit grade` writes them.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="LABELS...",
            help="Human labels, long or wide: .jsonl or .csv; one file or several.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the card goes: the calibration as a file.")] = None,
    rubric: Annotated[str | None, typer.Option(help="Refuse rows graded by another rubric.")] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="How the labelled items were chosen: random, stratified, probability, external (they speak "
            "of other batches) or unknown. Unstated: what the labels say."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(help="What rates are of. process: the system that made the items; batch: just these."),
    ] = "process",
    group: Annotated[
        str | None,
        typer.Option(
            help="Column that says which items depend on each other; id: none. Unstated: those that share a "
            "task or an input."
        ),
    ] = None,
    settle: Annotated[
        str | None,
        typer.Option(
            help="dawid-skene: let a model of the raters settle what several said (3 raters, 100 items); "
            "unstated: adjudication, else the majority, median or mean."
        ),
    ] = None,
    stratum: Annotated[
        str | None, typer.Option(help="Column of the stratum, where `judgekit plan` made no strata.")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Where a rule of the decision draws its line, such as reject=0.5; all: docs/calibration.md.",
        ),
    ] = None,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Leave out labels of items that are not in GRADED.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="Grade the labelled items with this model first, and calibrate it.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="The same with a judge of judgekit.yaml in this folder.")
    ] = None,
    graded_out: Annotated[
        Path | None, typer.Option(help="Where its graded rows go, .jsonl; needed with --model or --judge.")
    ] = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    local_only: LocalOnly = False,
    concurrency: Concurrency = 16,
    timeout: Timeout = None,
    attempts: Attempts = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, callback=finite, help="Of the model. Unstated: 0.")
    ] = None,
    price: Price = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=TEXT or FIELD=@FILE, as GRADED was graded with.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Measure nothing new: make each card in the folder GRADED (unstated: calibration) once more "
            "from the files it names, and say whether it holds.",
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a judge against human labels, correct its rates, and decide what to do with it."""
    if check:
        if labels or out is not None or model is not None or judge is not None:
            raise UsageError("--check takes one folder or card: a card names its own files and options")
        raise typer.Exit(_checked(Console(as_json, quiet), graded or CARDS))
    if graded is None or not labels:
        raise UsageError("GRADED and LABELS are needed: judgekit calibrate GRADED LABELS...")
    from judgekit.calibration import calibrate
    from judgekit.calibration.card import older_card
    from judgekit.calibration.thresholds import read_thresholds

    console = Console(as_json, quiet)
    previous = None if out is None else older_card(out, partial(_rubric_of, graded))
    another = model is not None or judge is not None
    if another != (graded_out is not None):
        raise UsageError("--model or --judge goes with --graded-out: who grades the items, and where to")
    if graded_out is not None:
        if design is not None or stratum is not None:
            raise UsageError(
                "verdicts on the labelled items alone give agreement, no rate: leave --design away"
            )
        which = which_judge(
            model, judge, timeout=timeout, attempts=attempts, local_only=local_only, price=price,
            base_url=base_url, api_key_env=api_key_env, temperature=temperature,
        )  # fmt: skip
        graded, design = regraded(
            console, rubric, graded, labels, graded_out, which, allow_unmatched, constant or [], concurrency
        )
    found = calibrate(
        graded,
        labels,
        design=design,
        rubric=rubric,
        target=target,
        group=group,
        stratum=stratum,
        settle=settle,
        thresholds=read_thresholds(threshold or []),
        allow_unmatched=allow_unmatched,
        previous=previous,
    )
    if out is not None:
        found.save(out)
    console.result(str(found), found.to_dict())
    if out is not None:
        console.say(f"\ncard: {out}")
    if out is not None and another:
        console.next(f"judgekit correct NEXT_GRADED.jsonl --calibration {quoted(out)}")
    elif out is not None:
        given = "".join(f" --labels {quoted(path)}" for path in labels)
        console.next(f"judgekit report {quoted(graded)}{given} --calibration {quoted(out)} --out REPORT.html")
    else:
        again = "" if design is None else f" --design {quoted(design)}"
        console.next(f"judgekit calibrate {' '.join(map(quoted, (graded, *labels)))}{again} --out CARD.json")
    raise typer.Exit(EXITS[found.decision.verb])


def _rubric_of(graded: Path) -> str:
    from judgekit.files.graded import manifest_rubric, read_manifest

    return manifest_rubric(read_manifest(graded), f"{graded} (manifest)").reference


def _checked(console: Console, place: Path) -> ExitCode:
    from judgekit.calibration.evidence import check_cards

    found = check_cards(place)
    console.result("\n".join(map(str, found)), {"cards": [one.to_dict() for one in found]})
    outcomes = {one.outcome for one in found}
    if "differs" in outcomes:
        return ExitCode.BAD_FINDING
    return ExitCode.WRONG if "broken" in outcomes or "holds" not in outcomes else ExitCode.GOOD
