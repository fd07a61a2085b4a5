"""``judgekit plan``: how many items to label, at which price, and which; written down as they were drawn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgekit.cli.console import Console, Json, Quiet, quoted
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.calibration.plan import Goal, Plan
    from judgekit.labels import LabelSet
    from judgekit.rubric import Rubric

WAYS = {"random": "at random", "stratified": "by stratum", "probability": "with unequal probabilities"}


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="GRADED|ITEMS",
            help="Graded rows, or items that are not graded yet; the sample is drawn from them.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The sheet to fill in: .csv for a spreadsheet, or .jsonl. Without it nothing is drawn."
        ),
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Items to label: 60, unless a goal is given.")
    ] = None,
    half_width: Annotated[
        float | None, typer.Option(help="Goal: the interval of the corrected figure is ± this, such as 0.05.")
    ] = None,
    agreement: Annotated[
        float | None,
        typer.Option(
            "--show-agreement", help="Goal: show that judge and people agree on more than this share."
        ),
    ] = None,
    difference: Annotated[
        float | None, typer.Option(help="Goal: tell two systems apart that differ by this much.")
    ] = None,
    rare: Annotated[
        float | None, typer.Option("--at-most", help="Goal: show that at most this share fails.")
    ] = None,
    draw: Annotated[
        str,
        typer.Option(
            help="random; stratified: by verdict; active: likelier where the judge is uncertain; rare: all "
            "that the judge fails, up to half, and a random rest."
        ),
    ] = "random",
    criterion: Annotated[
        str | None,
        typer.Option(
            help="Criterion of goal and draw, or to be labelled again. Unstated: the item as a whole."
        ),
    ] = None,
    pilot: Annotated[
        list[Path] | None, typer.Option(help="Earlier labels, to plan by. May be repeated.")
    ] = None,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(help="Labels of an earlier draw: left out, counted, and planned by. May be repeated."),
    ] = None,
    relabel: Annotated[
        list[Path] | None,
        typer.Option(help="Labels to give again, on --criterion only, which was reworded. May be repeated."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help="Minutes that an item takes a rater, where earlier labels do not tell."),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(min=0, help="Items that stand on the sheet twice, far apart: is the rater consistent?"),
    ] = 0,
    target: Annotated[
        str,
        typer.Option(help="What rates are of. process: the system that made the items; batch: just these."),
    ] = "process",
    rubric: Annotated[
        str | None, typer.Option(help="The rubric that people answer; graded rows know theirs.")
    ] = None,
    rater: Annotated[str | None, typer.Option(help="Who will label. Unstated: human.")] = None,
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
    """Say how many items to label and what they cost, and draw them for blind labelling: without verdicts."""
    from judgekit.calibration.sheet import sheet_rubric
    from judgekit.cli.columns import read_columns

    console = Console(as_json, quiet)
    goal = _goal(n, half_width, agreement, difference, rare)
    asked = sheet_rubric(source, rubric)
    columns = read_columns(asked, id_column, rename or [], constant or [])
    given = {"rubric": asked, "columns": columns, "rater": rater, "seed": seed}
    if relabel:
        if out is None or criterion is None or goal is not None or exclude or pilot:
            raise UsageError(
                "--relabel takes --criterion and --out, and draws nothing: no --n, goal, or other labels"
            )
        _relabel(console, source, out, relabel, criterion, given)
        return
    known = _Known(source, asked, criterion, pilot or [], exclude or [])
    plan = known.plan(goal, target, minutes, repeats)
    if twice := known.labelled_twice():
        console.say(
            f"{twice} of these items are labelled already: --exclude in place of --pilot counts them.\n"
        )
    if out is None:
        stated = {"rubric": rubric, "draw": None if draw == "random" else draw, "criterion": criterion}
        again = "".join(f" --{name} {quoted(value)}" for name, value in stated.items() if value)
        _tell(console, known, plan, again, goal is None)
    elif not plan.more:
        raise UsageError(f"{plan} Nothing was drawn; --n draws more all the same.")
    else:
        more = {"draw": draw, "criterion": criterion, "repeats": repeats}
        _draw(console, known, plan, out, {**given, **more})


class _Known:
    """What a plan goes by: the items, the question, and the labels at hand."""

    def __init__(
        self, source: Path, rubric: "Rubric", criterion: str | None, pilot: list[Path], exclude: list[Path]
    ) -> None:
        from judgekit.calibration.batch import load_batch
        from judgekit.calibration.pilot import pilot_of
        from judgekit.calibration.strata import question_of

        self.source, self.exclude, self.graded = source, exclude, _graded(source)
        self.question = question_of(rubric, criterion)
        self.batch = load_batch(source) if self.graded == source else None
        self.at_hand = _labels(exclude, rubric)
        labels = _labels([*pilot, *exclude], rubric)
        self.pilot = None if labels is None else pilot_of(labels, self.question, rubric, self.batch)

    def labelled_twice(self) -> int:
        """Count the items that a pilot labelled, and that may be drawn all the same."""
        if self.batch is None or self.pilot is None:
            return 0
        kept = set() if self.at_hand is None else set(self.at_hand.ids)
        return sum(key in self.batch.position and key not in kept for key in self.pilot.outcomes)

    def plan(self, goal: "Goal | None", target: str, minutes: float | None, repeats: int) -> "Plan":
        """Find the number of labels."""
        from judgekit.calibration.plan import plan_labels

        size = len(self.batch.ids) if self.batch is not None else _count(self.source)
        have = 0 if self.at_hand is None else len(self.at_hand.ids)
        known: dict[str, Any] = {"pilot": self.pilot, "at_hand": have, "repeats": repeats}
        return plan_labels(size, self.question, goal, target=target, minutes=minutes, **known)


def _relabel(
    console: Console, source: Path, out: Path, labels: list[Path], criterion: str, given: dict[str, Any]
) -> None:
    from judgekit.calibration.draw import relabel_sheet

    sheet = relabel_sheet(source, out, labels, criterion, **given)
    said = (
        f"{sheet.drawn} items into {out}, to answer {criterion} anew; every other label stays as it is. "
        "Give both files to calibrate: answers to the old wording no longer count."
    )
    data = {"out": str(out), "drawn": sheet.drawn, "of": sheet.total, "criterion": criterion}
    console.result(said, {**data, "design": sheet.design or None})
    files = (_graded(source), *labels, out)
    console.next(f"judgekit calibrate {' '.join(map(quoted, files))} --out CARD.json")


def _tell(console: Console, known: _Known, plan: "Plan", again: str, open_goal: bool) -> None:
    console.result(f"{plan}\n\n{plan.table()}" if open_goal else str(plan), plan.to_dict())
    more = f" --n {plan.more}" if plan.more else ""
    given = "".join(f" --exclude {quoted(path)}" for path in known.exclude)
    console.next(f"judgekit plan {quoted(known.source)}{given}{more}{again} --out TO_LABEL.csv")


def _draw(console: Console, known: _Known, plan: "Plan", out: Path, given: dict[str, Any]) -> None:
    from judgekit.calibration.draw import draw_sheet

    given["rater"] = given["rater"] or "human"
    sheet = draw_sheet(known.source, out, plan.more, exclude=known.at_hand, pilot=known.pilot, **given)
    twice = f", {sheet.repeats} of them twice" if sheet.repeats else ""
    said = (
        f"{sheet.drawn} of {sheet.total:,} items drawn {WAYS[sheet.design]} into {out}{twice}, without "
        f"the judge's verdicts. Fill in {', '.join(sheet.criteria)}: a blank cell is not labelled, "
        "cannot_tell is an answer too."
    )
    notes = [f"{sheet.note[:1].upper()}{sheet.note[1:]}."] if sheet.note else []
    if sheet.design != "random" and plan.about_width:
        notes.append("The width is that of a random draw of as many.")
    data = {"out": str(out), "drawn": sheet.drawn, "of": sheet.total, "design": sheet.design}
    text = "\n".join([said, str(plan), *notes])
    console.result(text, {**data, "repeats": sheet.repeats, "plan": plan.to_dict()})
    files = (known.graded, *known.exclude, out)
    console.next(f"judgekit calibrate {' '.join(map(quoted, files))} --out CARD.json")
    if sheet.design == "random" and known.batch is not None:
        fresh = "".join(f" --labels {quoted(path)}" for path in files[1:])
        console.say(f"or, with a card: judgekit correct {quoted(files[0])} --calibration CARD.json{fresh}")


def _goal(
    n: int | None,
    half_width: float | None,
    agreement: float | None,
    difference: float | None,
    rare: float | None,
) -> "Goal | None":
    """Take the one goal that is stated."""
    from judgekit.calibration.plan import Goal

    shares = {"half_width": half_width, "agreement": agreement, "difference": difference, "rare": rare}
    options = {
        "half_width": "--half-width",
        "agreement": "--show-agreement",
        "difference": "--difference",
        "rare": "--at-most",
    }
    for kind, value in shares.items():
        if value is not None and not 0 < value < 1:
            raise UsageError(
                f"{options[kind]} {value:g}: write a share between 0 and 1, such as 0.05 for 5 points"
            )
    stated = {"labels": n, **shares}
    given = [Goal(kind, value) for kind, value in stated.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"one goal at a time: --n or {', '.join(options.values())}")
    return given[0] if given else None


def _labels(paths: list[Path] | None, rubric: "Rubric") -> "LabelSet | None":
    from judgekit.files.labels import read_label_files

    return read_label_files(list(dict.fromkeys(paths)), rubric) if paths else None


def _count(source: Path) -> int:
    """Count items, whatever fields they have."""
    from judgekit.errors import Problems
    from judgekit.files.rows import read_rows

    problems = Problems(str(source))
    found = sum(1 for _ in read_rows(source, problems))
    problems.raise_if_any()
    return found


def _graded(source: Path) -> Path:
    from judgekit.files.graded import manifest_path

    return source if manifest_path(source).exists() else Path("GRADED.jsonl")
