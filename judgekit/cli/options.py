"""Options that several commands share: how a model is asked."""

from math import isfinite
from typing import Annotated

import typer


def finite(value: float | None) -> float | None:
    """Refuse infinity and nan, which a command line can say."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter("must be a finite number")
    return value


BaseUrl = Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")]
ApiKeyEnv = Annotated[str | None, typer.Option(help="Environment variable that holds the key of --base-url.")]
LocalOnly = Annotated[bool, typer.Option("--local-only", help="Refuse any host but this machine.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Items under way at once.")]
Timeout = Annotated[
    float | None,
    typer.Option(min=0.1, callback=finite, help="Seconds that one call may take. Unstated: 60."),
]
Attempts = Annotated[
    int | None, typer.Option(min=1, max=100, help="How often one call is tried. Unstated: 4.")
]
Price = Annotated[
    str | None,
    typer.Option(help="USD per million tokens: IN,OUT. Unstated: litellm's table, else unknown."),
]
