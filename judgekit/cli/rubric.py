"""``judgekit rubric``: list, show and check rubrics."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.rubric import Rubric

app = typer.Typer(
    no_args_is_help=True,
    help="List the shipped rubrics, show one as a requirement document, check a file.",
)


@app.command("list")
def list_(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the shipped rubrics."""
    from judgekit.library import find, names

    console = Console(as_json, quiet)
    rubrics = [find(name) for name in names()]
    width = max(len(rubric.reference) for rubric in rubrics)
    lines = [f"{r.reference:<{width}}  {first_sentence(r.purpose)}" for r in rubrics]
    listed = [
        {"name": r.name, "version": r.version, "purpose": r.purpose, "digest": r.digest} for r in rubrics
    ]
    console.result("\n".join(lines), {"rubrics": listed})
    console.next(f"judgekit rubric show {rubrics[0].name}")


@app.command()
def show(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Shipped rubric or rubric file; unstated: the one that --card holds.",
            show_default=False,
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(help="A card: marks each requirement met, not met (exit 1) or unknown (exit 4)."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print a rubric as the requirement document that people sign."""
    from judgekit.library import find
    from judgekit.report.requirement import document

    console = Console(as_json, quiet)
    rubric = find(name) if name is not None else _held_by(card)
    digests = {"digest": rubric.digest, "criterion_digests": rubric.criterion_digests}
    data: dict[str, Any] = {"rubric": rubric.to_dict(), **digests}
    if card is not None:
        _show_held(console, rubric, card, data)
        return
    console.result(document(rubric), data)
    console.next(f"judgekit grade {name} ITEMS.jsonl --model offline/lexical --out GRADED.jsonl")


def _held_by(card: Path | None) -> "Rubric":
    """Take the rubric that a card holds."""
    from judgekit.calibration import load_card
    from judgekit.rubric.reading import rubric_from_dict

    if card is None:
        raise UsageError("name a rubric, or a card that holds one: judgekit rubric show --card CARD.json")
    held = load_card(card).requirement
    if held is None:
        raise UsageError(f"{card} holds no rubric; name it: judgekit rubric show NAME --card {quoted(card)}")
    return rubric_from_dict(held, f"the rubric of {card}")


def _show_held(console: Console, rubric: "Rubric", path: Path, data: dict[str, Any]) -> None:
    """Print the document with what a card knows of each requirement."""
    from judgekit.calibration import load_card
    from judgekit.calibration.requirement import MET, NOT_MET, card_requirements, exit_state
    from judgekit.report.requirement import document, held_against

    card = load_card(path)
    held = card_requirements(card, rubric)
    said = held_against(card, str(path), held)
    about = {"signature": card.signature, "design": card.design, "target": card.target}
    listed = [one.to_dict() for one in held]
    console.result(document(rubric, held, said), {**data, "card": about, "requirements": listed})
    console.next(f"judgekit correct NEXT_GRADED.jsonl --calibration {quoted(path)}")
    state = exit_state(held)
    if state != MET:
        raise typer.Exit(ExitCode.BAD_FINDING if state == NOT_MET else ExitCode.UNDECIDED)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rubric file.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a rubric file; every problem is named with its line."""
    from judgekit.look.start import unfinished
    from judgekit.rubric import load_rubric

    console = Console(as_json, quiet)
    rubric = load_rubric(file)
    left = unfinished(rubric)
    count = len(rubric.criteria)
    what = f"{count} criteri{'on' if count == 1 else 'a'}, digest {rubric.digest[:19]}"
    said = f"{file}: {rubric.reference}, {what}: nothing to object to"
    if left:
        said += f"\n  but these are still the words of the template, write your own: {', '.join(left)}"
    console.result(said, {"rubric": rubric.reference, "digest": rubric.digest, "template": left})
    console.next(f"judgekit rubric show {file}")


def first_sentence(text: str) -> str:
    """Give the beginning of a text up to its first full stop."""
    return text.split(". ")[0].replace("\n", " ").rstrip(".") + "."
