"""What the run took, and where everything on the page comes from."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from judgekit._text import duration, money
from judgekit.calibration.estimates import NO_RATE
from judgekit.calibration.text import CHOSEN, plural
from judgekit.report.basis import Basis
from judgekit.report.reading import Reading

Facts = list[tuple[str, str]]
SHOWN_MODELS = 5


def day(manifest: dict[str, Any]) -> str:
    """Write the day on which a run ended, as far as the manifest says."""
    moment = _moment(manifest.get("ended"))
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _when(text: Any) -> str:
    moment = _moment(text)
    return str(text or "not recorded") if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def run_facts(manifest: dict[str, Any], reading: Reading) -> Facts:
    """Say what the run took: money, tokens, calls, time."""
    usage = manifest.get("usage") or {}
    rows = max(reading.statuses.total(), 1)
    cost = usage.get("cost_usd")
    each = f", {money(cost / rows)} an item" if cost else ""
    facts = [("Cost", f"{money(cost)}{each}")]
    tokens = [_tokens(usage, key, word) for key, word in (("input_tokens", "in"), ("output_tokens", "out"))]
    if usage.get("cached_tokens"):
        tokens.append(f"{_tokens(usage, 'cached_tokens', 'of those in')} from the provider's cache")
    facts.append(("Tokens", ", ".join(tokens)))
    if reading.attempts:
        facts.append(("Calls", f"{plural(reading.attempts, 'request')} for {plural(rows, 'item')}"))
    if reading.cached:
        facts.append(("From the cache", f"{plural(reading.cached, 'verdict')} already paid for"))
    if len(reading.latencies):
        middle, late, last = np.quantile(np.frombuffer(reading.latencies), [0.5, 0.95, 1.0])
        said = f"half within {_span(middle)}, 95 % within {_span(late)}, slowest {_span(last)}"
        facts.append(("Time for one item", said))
    if reading.served:
        named = [f"{name} ({count:,})" for name, count in reading.served.most_common(SHOWN_MODELS)]
        facts.append(("Model that answered", ", ".join(named)))
    return facts


def _tokens(usage: dict[str, Any], key: str, word: str) -> str:
    count = usage.get(key)
    return f"unknown {word}" if count is None else f"{count:,} {word}"


def _span(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else duration(seconds)


def origin(basis: Basis) -> list[tuple[str, Facts]]:
    """Give the facts by what they are about: the judge, the batch, the labels, the card, the run."""
    groups = [("The judge", list(_judge(basis))), ("The batch", list(_batch(basis)))]
    if basis.calibration is not None:
        groups.append(("The labels", list(_labels(basis))))
    if basis.card is not None:
        groups.append(("The card", list(_card(basis))))
    groups.append(("The run", list(_run(basis.batch.manifest))))
    return groups


def _judge(basis: Basis) -> Iterator[tuple[str, str]]:
    manifest = basis.batch.manifest
    yield "Signature", str(manifest.get("signature") or "")
    yield "Fingerprint", str(manifest["fingerprint"])
    yield "Rubric", basis.batch.rubric.reference
    yield "Rubric digest", basis.batch.rubric.digest
    yield "Items were sent to", str(manifest.get("destination") or "nobody: nothing left the machine")


def _batch(basis: Basis) -> Iterator[tuple[str, str]]:
    given = basis.batch.manifest.get("input") or {}
    yield "Items", f"{given.get('name', 'not recorded')}, {plural(int(given.get('rows') or 0), 'row')}"
    yield "Input digest", str(given.get("digest") or "not recorded")
    selection = basis.batch.manifest.get("selection") or {}
    if any(selection.values()):
        yield "Only a part", ", ".join(f"{key} {value}" for key, value in selection.items() if value)
    yield "Graded rows", f"{basis.batch.name}, {plural(len(basis.batch.ids), 'row')}"


def _labels(basis: Basis) -> Iterator[tuple[str, str]]:
    found = basis.calibration
    assert found is not None
    whole = found.overall.counts
    yield "Labelled items", f"{whole.labelled:,} of {whole.batch:,}"
    without = "; so there is agreement and no rate"
    yield "How they were chosen", CHOSEN.get(found.design) or f"{NO_RATE[found.design]}{without}"
    whose = "the system that made the items" if found.target == "process" else "these items and no others"
    yield "The rates are of", whose
    yield "Independent raters", f"{max(result.raters for result in found.results)}"
    yield "Label digest", str(found.digests["labels"])
    if found.standing is not None:
        judges = plural(found.standing.judges, "judge")
        yield "Looks at these labels", f"{found.standing.look}, with {judges} tried on them"
    if stated := found.thresholds.to_dict():
        said = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in stated.items())
        yield "Limits stated for the decision", said


def _card(basis: Basis) -> Iterator[tuple[str, str]]:
    card = basis.card
    assert card is not None
    yield "Made for", card.signature
    frame = card.digests["frame"]
    if basis.calibration is card:
        yield "Made from", "these very verdicts; the numbers above are its own"
    elif basis.calibration is not None and basis.correction is None:
        yield "Made from", f"other verdicts or labels ({frame['n']:,} items); the labels given here decide"
    elif basis.correction is not None and not basis.correction.open:
        yield "Made from", "the same items, of which the judge has graded some otherwise this time"
    else:
        yield "Made from", f"another batch of {plural(int(frame['n']), 'item')}"
    yield "What it decided", card.decision.sentence
    if card.stale:
        yield "Stale", card.stale
    if card.weeks:
        weeks = [f"{_labelled(week):,} of {week['frame']['n']:,} items" for week in card.weeks]
        yield "Labelled since, of later batches", "; ".join(weeks)


def _labelled(week: dict[str, Any]) -> int:
    """Count the labelled items of a later batch."""
    return max((len(kept["ids"]) for kept in week["questions"].values()), default=0)


def _run(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Began", _when(manifest.get("started"))
    yield "Ended", _when(manifest.get("ended"))
    for name, version in (manifest.get("versions") or {}).items():
        yield f"Version of {name}", str(version)
