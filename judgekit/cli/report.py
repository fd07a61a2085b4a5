"""``judgekit report``: a graded batch as one page for people."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet, quoted
from judgekit.errors import UsageError

MARK = b'<meta name="generator" content="judgekit">'


def command(
    graded: Annotated[
        Path, typer.Argument(metavar="GRADED", help="Graded rows, as `judgekit grade` writes them.")
    ],
    out: Annotated[Path, typer.Option(help="The page, .html: one file that loads nothing from elsewhere.")],
    labels: Annotated[
        list[Path] | None,
        typer.Option(help="Human labels of items in GRADED; once for each file of labels."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="A card; of this batch, or of another one by the same judge. There, --labels of a random "
            "draw of GRADED give rates that assume nothing, from 15 on."
        ),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="How the labelled items were chosen: random, stratified, probability, external. Unstated: "
            "what labels or card say."
        ),
    ] = None,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Leave out labels of items that are not in GRADED.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a report to read: the corrected numbers first, then what they rest on, and what to read."""
    from judgekit.calibration.plan import LABELS, plan_command
    from judgekit.calibration.text import plural
    from judgekit.files.graded import journal_path, manifest_path, read_manifest
    from judgekit.report import write_report

    console = Console(as_json, quiet)
    read = [graded, manifest_path(graded), journal_path(graded), *(labels or ())]
    check_page(out, read if calibration is None else [*read, calibration])
    report = write_report(
        graded,
        out,
        labels=labels or None,
        calibration=calibration,
        design=design,
        allow_unmatched=allow_unmatched,
    )
    lost = f", {plural(report.failures, 'row')} without an answer" if report.failures else ""
    differ = f": {report.to_read}" if report.decision else ""
    console.result(f"{report.out}{differ}{lost}", report.to_dict())
    if calibration is not None and labels and _of_another(calibration, graded):
        given = f"{quoted(graded)} --calibration {quoted(calibration)}"
        given += "".join(f" --labels {quoted(path)}" for path in labels)
        console.next(f"judgekit correct {given} --out CARD-2.json")
        console.say("next week: judgekit correct NEXT_GRADED.jsonl --calibration CARD-2.json")
    elif calibration is not None:
        console.next(f"judgekit correct NEXT_GRADED.jsonl --calibration {quoted(calibration)}")
    elif labels:
        console.next(f"judgekit calibrate {' '.join(map(quoted, (graded, *labels)))} --out CARD.json")
        console.say("or, with a card: judgekit correct NEXT_GRADED.jsonl --calibration CARD.json")
    else:
        console.next(plan_command(graded, LABELS, read_manifest(graded), report.items))


def _of_another(card: Path, graded: Path) -> bool:
    """Whether a card was made from other rows, so that labels of these are fresh."""
    from judgekit.calibration import load_card
    from judgekit.calibration.batch import load_batch

    return bool(load_card(card).digests["frame"]["digest"] != load_batch(graded).frame["digest"])


def check_page(out: Path, read: list[Path]) -> None:
    """See that nothing but an older report would be overwritten."""
    for given in read:
        if out.resolve() == given.resolve() or (out.exists() and given.exists() and out.samefile(given)):
            raise UsageError(f"{out}: is an input of this command; choose another --out")
    if out.suffix.lower() != ".html":
        raise UsageError(f"{out}: a report is .html; choose another --out")
    if not out.exists():
        return
    if out.is_file():
        with out.open("rb") as stream:
            head = stream.read(1024)
        if not head or MARK in head:
            return
    raise UsageError(f"{out}: exists and is not a report; choose another --out, or move it away")
