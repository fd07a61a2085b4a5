"""A model played for the examples of docs/: a server that fills in the form of the reply it is asked for.

    with played(lambda model, item, criterion: "pass") as server:
        ...  # server.url is the base URL

What is said of a criterion is a label, or a dict with `label` and, where wanted, `explanation`, `evidence`,
`probability` (of the label, for those who ask) and `instead` (the label that has the rest of it). An `Answer`
is sent as it is.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from loopback import Answer, LoopbackServer, Seen, completion

Says = Callable[[str, str, str], Any]
Piece = tuple[str, dict[str, float]]


def played(says: Says) -> LoopbackServer:
    """Give a server that answers each criterion by ``says(model, text of the item, criterion)``."""
    return LoopbackServer(lambda seen: _answer(seen, says))


def _answer(seen: Seen, says: Says) -> Answer:
    body = seen.body
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    pieces: list[Piece] = []
    for criterion, form in wanted.items():
        said = says(body["model"], seen.said(), criterion)
        if isinstance(said, Answer):
            return said
        pieces += [(", " if pieces else "{", {})]
        pieces += _pieces(criterion, said if isinstance(said, dict) else {"label": said}, form)
    pieces.append(("}", {}))
    whole = completion("".join(text for text, _ in pieces), model=body["model"])
    if body.get("logprobs"):
        whole["choices"][0]["logprobs"] = {"content": [_token(*piece) for piece in pieces]}
    return Answer(whole)


def _pieces(criterion: str, said: dict[str, Any], form: dict[str, Any]) -> list[Piece]:
    label, sure = said["label"], said.get("probability", 1.0)
    head = {"explanation": said.get("explanation", f"It says {label}.")}
    if "evidence" in form["properties"]:
        head["evidence"] = said.get("evidence", [])
    opened = json.dumps({criterion: head})[1:-2]
    other = said.get("instead", "pass" if label == "fail" else "fail")
    chances = {label: sure, other: 1 - sure} if sure < 1 else {label: sure}
    return [(f'{opened}, "label": "', {}), (label, chances), ('"}', {})]


def _token(text: str, chances: dict[str, float]) -> dict[str, Any]:
    likely = [{"token": one, "logprob": math.log(share)} for one, share in (chances or {text: 1.0}).items()]
    return likely[0] | {"top_logprobs": likely}
