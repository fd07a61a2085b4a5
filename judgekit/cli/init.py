"""``judgekit init``: a folder to start from."""

from pathlib import Path
from typing import Annotated

import typer

from judgekit.cli.console import Console, Json, Quiet


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Created if it is not there.")] = Path("."),
    logs: Annotated[
        Path | None,
        typer.Option("--from", help="Your logs: twenty of them, at random, are laid out to be read first."),
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the id in your logs.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Start a project: twenty outputs to read, a rubric to fill in, and the commands that follow."""
    from judgekit.look.start import start

    console = Console(as_json, quiet)
    written, missing = start(folder, logs, id_column)
    listed = "\n".join(f"  {path}  {what}" for path, what in written)
    said = f"{listed}\n\n{missing}" if missing else listed
    console.result(said, {"files": [str(path) for path, _ in written], "missing": missing})
    if logs is None:
        console.next(
            f"judgekit rubric check {folder / 'rubric.yaml'}, after you have written your own criteria"
        )
    else:
        console.next(
            f"read {folder / 'read-first.md'}, then write your own criteria into {folder / 'rubric.yaml'}"
        )
