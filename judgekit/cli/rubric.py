"""``judgekit rubric``: list, show and check rubrics."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet

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
    name: Annotated[str, typer.Argument(metavar="NAME", help="Shipped rubric or rubric file.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print a rubric as the requirement document that people sign."""
    from judgekit.library import find
    from judgekit.report.requirement import document

    console = Console(as_json, quiet)
    rubric = find(name)
    digests = {"digest": rubric.digest, "criterion_digests": rubric.criterion_digests}
    console.result(document(rubric), {"rubric": rubric.to_dict(), **digests})
    console.next(f"judgekit grade {name} ITEMS.jsonl --model offline/lexical --out GRADED.jsonl")


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
