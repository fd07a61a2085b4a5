"""Models behind loopback servers: what they say, how sure they are of it, and clients that ask them."""

import json
import math
from typing import Any

from loopback import Answer, LoopbackServer, completion

from judgekit.providers.openai import OpenAIClient

Piece = tuple[str, dict[str, float]]  # a token, and what could have stood there with its probability


def client_of(server: LoopbackServer, model: str = "openai/x", **more: Any) -> OpenAIClient:
    """A client of a server that gives up at once."""
    return OpenAIClient(model, **{"base_url": server.url, "attempts": 1, "backoff": 0.001, **more})


def says(explanation: str = "Because.", **answers: Any) -> str:
    """A reply with a label, a number, or a whole entry for each criterion."""
    return json.dumps(
        {name: _entry(given, explanation) for name, given in answers.items()}, ensure_ascii=False
    )


def _entry(given: Any, explanation: str) -> dict[str, Any]:
    if isinstance(given, dict):
        return {"explanation": explanation, **given}
    return {"explanation": explanation, "label" if isinstance(given, str) else "value": given}


def sure(*pieces: str | Piece, shown: int = 20) -> Answer:
    """A completion with the probabilities of its tokens; a plain text is a token that was certain."""
    entries = []
    for piece in pieces:
        text, table = (piece, {piece: 1.0}) if isinstance(piece, str) else piece
        likeliest = sorted(table.items(), key=lambda one: -one[1])[:shown]
        entries.append(_told(text, table[text]) | {"top_logprobs": [_told(*one) for one in likeliest]})
    text = "".join(entry["token"] for entry in entries)
    answer = completion(text)
    answer["choices"][0]["logprobs"] = {"content": entries}
    return Answer(answer)


def _told(token: str, probability: float) -> dict[str, Any]:
    return {"token": token, "logprob": math.log(probability), "bytes": list(token.encode())}


def labelled(head: str, table: dict[str, float], tail: str = '"}}') -> Answer:
    """An answer whose label is one token, the likeliest of a table; `head` ends where the label begins."""
    return sure(head, (max(table, key=lambda label: table[label]), table), tail)


def by_model(**scripts: Any) -> Any:
    """A script for a server of several models: for each its answer, or its answers one after the other."""
    said = {name: list(one) if isinstance(one, list) else [one] for name, one in scripts.items()}

    def answer(seen: Any) -> Any:
        script = said[seen.body["model"]]
        return script.pop(0) if len(script) > 1 else script[0]

    return answer
