"""``judgekit demo``: the whole loop on answers made for it."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet, duration, money
from judgekit.errors import UsageError

RUBRIC = "support-reply"
MODEL = "offline/lexical"
SHIPPED = ("answers.jsonl", "labels.jsonl")
MADE = ("graded.jsonl", "graded.run.json", "graded.journal", "card.json", "report.html")


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")] = Path("demo"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Grade 200 answers of a support desk, hold the judge against 60 labels, correct its number, report."""
    from judgekit.batch import Options, grade_file
    from judgekit.calibration import calibrate
    from judgekit.calibration.demo import demo_text, true_pass_rate
    from judgekit.factory import judge
    from judgekit.report import write_report

    console = Console(as_json, quiet)
    shipped = {name: files("judgekit").joinpath("_demo", name).read_bytes() for name in SHIPPED}
    _check_folder(folder, shipped)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in shipped.items():
        (folder / name).write_bytes(content)
    grader = judge(RUBRIC, MODEL)
    console.say(
        f"200 answers from a support desk, graded by {MODEL} with {grader.rubric.reference}"
        "   (nothing leaves this machine)"
    )
    answers, labels, graded = folder / "answers.jsonl", folder / "labels.jsonl", folder / "graded.jsonl"
    run = grade_file(grader, answers, graded, Options(fresh=True))
    tally = run.tally
    console.say(
        f"  graded {tally.done - tally.failed} of {tally.total}, {tally.failed} failed, "
        f"{duration(tally.seconds)}, {money(tally.usage.cost_usd)}\n"
    )
    found = calibrate(graded, labels)
    found.save(folder / "card.json")
    report = folder / "report.html"
    page = write_report(graded, report, labels=labels)
    truth = true_pass_rate(grader.rubric)
    console.result(
        demo_text(found, truth, report, page.to_read),
        {**found.to_dict(), "truth": truth, "report": str(report)},
    )
    console.next("judgekit init my-eval --from your-logs.jsonl")


def _check_folder(folder: Path, shipped: dict[str, bytes]) -> None:
    """See that nothing but an older demo would be overwritten: one that left its own answers."""
    for name in (*SHIPPED, *MADE):
        path = folder / name
        if not path.exists():
            continue
        # What the demo makes lies beside its answers; those are as they were shipped.
        sign = path if name in shipped else folder / SHIPPED[0]
        if not path.is_file() or not sign.is_file() or sign.read_bytes() != shipped[sign.name]:
            raise UsageError(f"{path} exists, and the demo did not make it; choose another folder")
