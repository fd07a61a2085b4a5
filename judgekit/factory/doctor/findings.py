"""What a model that answered has shown: one line for each thing that a run may want of it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from judgekit._text import duration, money, plural
from judgekit.exchange import Reply
from judgekit.factory.doctor.asking import Once
from judgekit.factory.doctor.example import EXPECTED
from judgekit.factory.doctor.key import Key
from judgekit.factory.doctor.lines import BAD, GOOD, NOTE, Line
from judgekit.judges.json_fit import Schema
from judgekit.providers.endpoint import is_local
from judgekit.rubric.patterns import TooSlow

if TYPE_CHECKING:
    from judgekit.factory.doctor.trial import Trial

AT_ONCE = 16  # items under way, as `judgekit grade` has them
# English takes about four characters a token, JSON less; what lies far above was written and not shown.
CHARS_PER_TOKEN = 4
LEAST_CHARS_PER_TOKEN = 2.5
UNSEEN_TOKENS = 50
SHOWN = 200

STRUCTURES = {
    "json_schema": ("the reply's JSON Schema is accepted", ""),
    "tool": ("as a call of a tool; a schema for the reply is refused", ""),
    "json_object": (
        "JSON mode alone; a schema and tools are refused",
        "labels rest on the prompt: expect a repair now and then, which is a second call",
    ),
    "text": (
        "none: schema, tools and JSON mode are refused",
        "the form rests on the prompt: expect repairs, each a second call",
    ),
}
NO_CHANCES = (
    "`confidence` stays empty, `expected_score` fails and no cascade can ask it first; several samples give "
    "a confidence too (`{samples: 5, of: NAME}` in judgekit.yaml)"
)


def findings(trial: "Trial", key: Key) -> Iterator[Line]:
    """Say what a model has shown that gave at least one reply."""
    first, last = trial.asking[0], trial.asking[-1]
    reply = first.reply
    assert reply is not None
    yield address(trial)
    yield Line("key", f"{key}, accepted" if key.sent else f"{key}, none asked for")
    yield _model(trial)
    yield _verdict(first)
    if first.read:
        yield _answer(first)
        yield _evidence(first)
    if last is not first and not last.read:
        yield Line("second call", f"failed: {_error(last)}", "the first was read; look again", NOTE)
    yield from _form(trial.accepts, first, reply)
    yield from _accepted(trial.accepts)
    yield _chances(trial.accepts, first, reply)
    yield from _money(trial, reply)
    yield _latency(trial)


def address(trial: "Trial") -> Line:
    """Say where the model is, which was reached."""
    url = trial.asked.base_url or "https"
    if url.startswith("http:") and not is_local(url):
        return Line(
            "address", f"{trial.destination} answers, without encryption",
            "key and texts can be read on the way; write https:// if the server has it", NOTE,
        )  # fmt: skip
    return Line("address", f"{trial.destination} answers", "this machine" if is_local(url) else "")


def _model(trial: "Trial") -> Line:
    asked = trial.asked.model.rpartition("/")[2]
    served = list(dict.fromkeys(one.verdict.served_model for one in trial.asking if one.verdict.served_model))
    if not served:
        return Line("model", "the server does not say which one answered", "a change would not show", NOTE)
    names = " and ".join(served)
    if len(served) > 1:
        return Line("model", f"answered as {names}", "one name stands for several models here", NOTE)
    if served[0].rpartition("/")[2] == asked:
        return Line("model", f"answered as {names}, as asked for")
    if served[0].rpartition("/")[2].startswith(asked):
        meaning = "the name asked for may stand for another one later; ask for this one to keep it"
    else:
        meaning = f"not the name asked for, {asked}; rows hold both"
    return Line("model", f"answered as {names}", meaning, NOTE)


def _verdict(once: Once) -> Line:
    sent = once.verdict.attempts
    why = _short(once.repaired)
    if not once.read:
        meaning = "its verdicts cannot be used; try a larger model, or one that takes a schema"
        return Line("verdict", f"not read: {_error(once)}", meaning, BAD)
    if why:
        meaning = f"each repair is a second call; the first reply: {why}"
        return Line("verdict", "read after a repair", meaning, NOTE)
    if sent > 1:
        meaning = "parts that the server refuses are found out once a run, failures are tried again"
        return Line("verdict", f"read at once, with {sent} requests", meaning)
    return Line("verdict", "read at once")


def _error(once: Once) -> str:
    error = once.verdict.error
    return f"{error.kind}: {_short(error.message)}" if error else once.verdict.status


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _answer(once: Once) -> Line:
    found = {name: finding.label or finding.status for name, finding in once.verdict.criteria.items()}
    missed = [
        f"{name}={found[name]} instead of {right}" for name, right in EXPECTED.items() if found[name] != right
    ]
    if not missed:
        return Line("answer", "right, on an item with an obvious answer")
    meaning = "it misses what is obvious; calibrate it on labels of yours before you believe it"
    return Line("answer", "; ".join(missed), meaning, NOTE)


def _evidence(once: Once) -> Line:
    quotes = [quote for finding in once.verdict.criteria.values() for quote in finding.evidence]
    found = sum(quote.found for quote in quotes)
    if quotes and found == len(quotes):
        return Line("evidence", f"{plural(found, 'quote')}, word for word from the item")
    if not quotes:
        return Line("evidence", "no quote, where one was to be had", "its findings show no evidence", NOTE)
    meaning = "the others are marked as not found"
    return Line("evidence", f"{found} of {plural(len(quotes), 'quote')} stand in the item", meaning, NOTE)


def _form(accepts: dict[str, str], once: Once, reply: Reply) -> Iterator[Line]:
    misfit = _misfit(once, reply)
    way = accepts.get("structure")
    if way is None:
        if misfit is None:
            yield Line("form", "the reply keeps to the schema")
        else:
            yield Line("form", "the reply does not keep to the schema", _ignored(misfit), NOTE)
        return
    finding, meaning = STRUCTURES[way]
    if misfit is None:
        yield Line("form", finding, meaning or "the reply keeps to it", NOTE if meaning else GOOD)
    elif way in ("json_schema", "tool"):
        yield Line("form", f"{finding}, but the reply does not keep to it", _ignored(misfit), NOTE)
    else:
        yield Line("form", finding, f"{meaning}; this reply: {misfit}", NOTE)


def _misfit(once: Once, reply: Reply) -> str | None:
    """Say in what a reply, as it stands, does not keep to the schema."""
    try:
        return Schema(once.calls[0].request.schema or {}).misfit(json.loads(reply.text))
    except (ValueError, RecursionError):
        return "it is not bare JSON"
    except TooSlow:
        return "it is too large to check"


def _ignored(misfit: str) -> str:
    return f"{_short(misfit)}: the server or model does not enforce it, and the form rests on the prompt"


def _accepted(accepts: dict[str, str]) -> Iterator[Line]:
    if not accepts:
        return
    if accepts["temperature"] == "sent":
        yield Line("temperature", "accepted")
    else:
        meaning = "the same question may be answered otherwise the next time"
        yield Line("temperature", "not accepted, left out", meaning, NOTE)
    limit = accepts["limit"]
    if limit == "left_out":
        meaning = "the server alone bounds how long an answer, and its cost, may get"
        yield Line("token limit", "not accepted, left out", meaning, NOTE)
    else:
        yield Line("token limit", f"accepted as {limit}")
    if accepts["system"] == "own_turn":
        yield Line("system turn", "accepted")
    else:
        meaning = "rules and item stand in one turn: a weaker wall between them"
        yield Line("system turn", "not accepted, put before the item", meaning, NOTE)


def _chances(accepts: dict[str, str], once: Once, reply: Reply) -> Line:
    sure = [finding.confidence for finding in once.verdict.criteria.values()]
    if sure and all(one is not None for one in sure):
        meaning = "`confidence`, `expected_score` and a cascade that asks it first work"
        return Line("probabilities", "of tokens are given", meaning)
    if reply.tokens:
        return Line("probabilities", "of tokens are given, but not those of the labels", NO_CHANCES, NOTE)
    refused = accepts.get("probabilities") == "left_out"
    return Line(
        "probabilities", "of tokens are refused" if refused else "of tokens are not given", NO_CHANCES, NOTE
    )


def _money(trial: "Trial", reply: Reply) -> Iterator[Line]:
    used, last = trial.asking[0].verdict.usage, trial.asking[-1]
    if used.input_tokens is None or used.output_tokens is None:
        yield Line("usage", "not reported", "what a run costs stays unknown", NOTE)
    else:
        yield Line("usage", f"reported: {used.input_tokens:,} tokens in, {used.output_tokens:,} out")
    yield from _thought(trial)
    if len(trial.asking) > 1 and last.read:
        yield _kept(last)
    price = trial.price
    if price is None:
        yield Line("price", "unknown", "state it with --price IN,OUT, dollars per million tokens", NOTE)
        return
    stated = "as stated" if trial.asked.price is not None else "by litellm's table"
    yield Line("price", f"${price.input:g} in, ${price.output:g} out per million tokens", stated)
    cost, many = trial.usage.cost_usd, trial.cost_of_1000
    if cost is not None:
        size = f" of about {used.input_tokens:,} tokens in each" if used.input_tokens else ""
        calls = "the two verdicts" if len(trial.asking) == 2 else "the one verdict"
        yield Line("cost", f"{money(cost)} for {calls}", f"{money(many)} for 1,000 items{size}")


def _thought(trial: "Trial") -> Iterator[Line]:
    """Say how much was written that is not in the reply, where the counts tell."""
    for once in reversed(trial.asking):
        for call in once.calls:
            reply = call.reply
            if reply is None or reply.attempts > 1 or reply.usage.output_tokens is None:
                continue
            written, shown = reply.usage.output_tokens, len(reply.text)
            if written - shown / LEAST_CHARS_PER_TOKEN > UNSEEN_TOKENS:
                unseen = written - shown // CHARS_PER_TOKEN
                meaning = "it thinks before it answers, and that is paid for as output"
                yield Line(
                    "thinking",
                    f"about {unseen:,} of {written:,} tokens out are not in the reply",
                    meaning,
                    NOTE,
                )
            return


def _kept(once: Once) -> Line:
    cached, read = once.verdict.usage.cached_tokens, once.verdict.usage.input_tokens
    what = "prompt cache"
    if cached is None:
        return Line(what, "not told at the second, same call", "", NOTE)
    if cached:
        of = f" of {read:,}" if read else ""
        return Line(
            what, f"{cached:,}{of} tokens kept for the second call", "most providers ask less for them"
        )
    meaning = "many keep only prompts of 1,024 tokens or more, some only after a few seconds"
    return Line(what, "nothing kept for the second, same call", meaning, NOTE)


def _latency(trial: "Trial") -> Line:
    took = [one.verdict.latency_s for one in trial.asking]
    several = 1000 * took[-1] / AT_ONCE
    finding = " and ".join(map(duration, took))
    return Line("latency", finding, f"1,000 items take about {duration(several)} with {AT_ONCE} at once")
