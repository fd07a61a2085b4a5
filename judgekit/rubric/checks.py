"""What a rubric must satisfy beyond the type of each key.

The checks read plain data in which every value present is well typed, so that they also run on a rubric
whose wrong values were taken out: a file with eight mistakes gives eight messages, not one after another.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite
from typing import Any

from judgekit._digest import digest
from judgekit.rubric.check_rules import code_check
from judgekit.rubric.model import ABSTAIN, NOT_APPLICABLE, OVERALL
from judgekit.rubric.nearest import did_you_mean
from judgekit.rubric.values import fold_label
from judgekit.rubric.yaml_tree import Path

Finding = tuple[Path, str]

SCORES = {
    "pass": 1.0,
    "fail": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "true": 1.0,
    "false": 0.0,
    "met": 1.0,
    "unmet": 0.0,
}
PAIRWISE = {"a": 1.0, "b": 0.0, "tie": 0.5}
RESERVED_LABELS = (ABSTAIN, NOT_APPLICABLE)
# Columns of a label file: a criterion of that name could not be told from them in the wide layout.
LABEL_COLUMNS = frozenset(
    """id criterion rater label note at repeat supersedes role criterion_digest design probability stratum
    frame""".split()
)
RESERVED_NAMES = LABEL_COLUMNS | {OVERALL}


def check(rubric: dict[str, Any]) -> Iterator[Finding]:
    """Yield a path and a message for each thing that is wrong."""
    criteria = [c for c in rubric.get("criteria", []) if isinstance(c, dict)]
    if rubric.get("criteria") == []:
        yield ("criteria",), "a rubric needs at least one criterion"
    pair = rubric.get("mode") == "pairwise"
    yield from _inputs(rubric, pair)
    yield from _names(rubric)
    for index, criterion in enumerate(rubric.get("criteria", [])):
        if isinstance(criterion, dict):
            path: Path = ("criteria", index)
            yield from ((path + inner, message) for inner, message in _criterion(criterion, rubric, pair))
    yield from _aggregate(rubric, criteria, pair)
    for index, example in enumerate(rubric.get("examples", [])):
        if isinstance(example, dict):
            path = ("examples", index)
            yield from ((path + inner, message) for inner, message in _example(example, rubric))


def _inputs(rubric: dict[str, Any], pair: bool) -> Iterator[Finding]:
    inputs = rubric.get("inputs")
    if inputs is None:
        return
    if not inputs:
        yield ("inputs",), "a rubric needs at least one input, such as output: The answer being graded"
    if "id" in inputs:
        yield ("inputs", "id"), "'id' names the item and is not shown to the judge; remove it"
    for name in inputs:
        if name != "id" and str(name).casefold() in LABEL_COLUMNS:
            yield ("inputs", name), f"{name!r} is a column of label files; choose another name"
    missing = [name for name in ("output_a", "output_b") if name not in inputs]
    if pair and inputs and missing:
        yield (
            ("inputs",),
            f"a pairwise rubric compares output_a with output_b; {' and '.join(missing)} missing",
        )


def _names(rubric: dict[str, Any]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, criterion in enumerate(rubric.get("criteria", [])):
        name = criterion.get("name") if isinstance(criterion, dict) else None
        if name is None:
            continue
        path = ("criteria", index, "name")
        if name.casefold() in RESERVED_NAMES:
            yield path, f"{name!r} is a reserved word of label files; choose another name"
        if name in (rubric.get("inputs") or {}):
            yield path, f"{name!r} is also an input; a label file could not tell the two apart"
        if name.casefold() in seen:
            yield path, f"criterion {seen[name.casefold()] + 1} is also called {name!r}; names must differ"
        seen.setdefault(name.casefold(), index)


def _criterion(criterion: dict[str, Any], rubric: dict[str, Any], pair: bool) -> Iterator[Finding]:
    inputs, evidence = rubric.get("inputs"), criterion.get("evidence")
    if evidence is not None and inputs and evidence not in inputs:
        hint = did_you_mean(evidence, inputs)
        yield ("evidence",), f"{evidence!r} is not one of the inputs ({', '.join(inputs)}){hint}"
    if criterion.get("evidence_must_exist") and evidence is None:
        yield ("evidence_must_exist",), "evidence_must_exist needs `evidence`: the input that is quoted from"
    yield from code_check(criterion, rubric, pair)
    if pair:
        yield from _pairwise(criterion)
        return
    yield from _levels(criterion)
    scale = criterion.get("scale")
    rules = {"binary": _binary, "ordinal": _ordinal, "categorical": _categorical, "numeric": _numeric}
    if scale == "pairwise":
        yield ("scale",), "a pairwise question needs `mode: pairwise` at the top of the rubric, and no scale"
    elif scale in rules:
        yield from rules[scale](criterion)
        yield from _passing(criterion, scale)


def _pairwise(criterion: dict[str, Any]) -> Iterator[Finding]:
    if criterion.get("scale", "pairwise") != "pairwise":
        yield ("scale",), "criteria of a pairwise rubric answer a, b or tie; remove the scale"
    scores = {level.get("label"): level.get("score") for level in _levels_of(criterion)}
    if scores and sorted(map(str, scores)) != sorted(PAIRWISE):
        yield ("levels",), "the levels of a pairwise criterion are a, b and tie"
    elif any(score not in (None, PAIRWISE[str(label)]) for label, score in scores.items()):
        yield ("levels",), "the scores of a pairwise criterion are a: 1, b: 0 and tie: 0.5; leave them away"
    for key in ("gate", "target", "pass_at", "range"):
        if criterion.get(key) not in (None, False):
            yield (key,), f"{key} has no meaning in a pairwise rubric; remove it"


def _levels_of(criterion: dict[str, Any]) -> list[dict[str, Any]]:
    return [level if isinstance(level, dict) else {} for level in criterion.get("levels", [])]


def _limits(criterion: dict[str, Any]) -> tuple[float, float] | None:
    limits = criterion.get("range")
    if limits is None or len(limits) != 2 or any(not isinstance(limit, int | float) for limit in limits):
        return None
    return limits[0], limits[1]


def _levels(criterion: dict[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, level in enumerate(_levels_of(criterion)):
        label = level.get("label")
        if label is None:
            continue
        path = ("levels", index, "label")
        folded = fold_label(label)
        if folded in RESERVED_LABELS:
            rule = "allow_not_applicable" if folded == NOT_APPLICABLE else "allow_abstain"
            yield path, f"{label!r} is reserved; use `{rule}: true` instead of a level"
        if folded in seen:
            yield path, f"the level {label!r} stands twice (case does not matter)"
        seen.add(folded)


def _scores(criterion: dict[str, Any]) -> list[float | None]:
    return [level.get("score") for level in _levels_of(criterion)]


def _only_levels(criterion: dict[str, Any], scale: str) -> Iterator[Finding]:
    if criterion.get("range") is not None:
        yield ("range",), f"a range belongs to a numeric scale; this one is {scale}"
    if "levels" not in criterion:
        yield ("levels",), f"a criterion with scale {scale} needs levels"
    elif len(criterion["levels"]) < 2:
        yield ("levels",), "a scale needs at least two levels"


def _binary(criterion: dict[str, Any]) -> Iterator[Finding]:
    yield from _only_levels(criterion, "binary")
    levels, scores = criterion.get("levels", []), _scores(criterion)
    if len(levels) > 2:
        yield (
            ("levels",),
            f"a binary criterion has two levels, not {len(levels)}; is it ordinal or categorical?",
        )
    elif len(levels) == 2 and None in scores:
        known = "pass/fail, yes/no, true/false or met/unmet"
        yield ("levels",), f"give each level a score (1 and 0), or name them {known}"
    elif len(levels) == 2 and sorted(s for s in scores if s is not None) != [0.0, 1.0]:
        yield ("levels",), "one level of a binary criterion scores 1, the other 0"
    if criterion.get("pass_at") is not None:
        yield ("pass_at",), "a binary criterion passes at the level that scores 1; remove pass_at"


def _ordinal(criterion: dict[str, Any]) -> Iterator[Finding]:
    yield from _only_levels(criterion, "ordinal")
    scores = _scores(criterion)
    for index, score in enumerate(scores):
        if score is None:
            yield ("levels", index), "each level of an ordinal scale needs a score between 0 and 1"
    known = [s for s in scores if s is not None]
    rises = all(a < b for a, b in pairwise(known))
    falls = all(a > b for a, b in pairwise(known))
    if len(known) > 1 and not rises and not falls:
        yield (
            ("levels",),
            "ordinal levels stand from best to worst or worst to best: scores must rise or fall",
        )


def _categorical(criterion: dict[str, Any]) -> Iterator[Finding]:
    yield from _only_levels(criterion, "categorical")
    scores = _scores(criterion)
    if any(s is None for s in scores) and not all(s is None for s in scores):
        yield ("levels",), "give every level of a categorical scale a score, or none"


def _numeric(criterion: dict[str, Any]) -> Iterator[Finding]:
    limits = _limits(criterion)
    if limits is None:
        yield ("range",), "a numeric criterion needs `range: [lowest, highest]`"
    elif limits[0] >= limits[1]:
        yield ("range",), f"the range must rise: {limits[0]} is not below {limits[1]}"
    elif not isfinite(float(limits[1]) - float(limits[0])):
        yield ("range",), "the range is too wide to compute with"
    if criterion.get("levels"):
        yield ("levels",), "a numeric criterion has a range, not levels"


def _passing(criterion: dict[str, Any], scale: str) -> Iterator[Finding]:
    pass_at = criterion.get("pass_at")
    if pass_at is None:
        for key in ("gate", "target"):
            if scale != "binary" and criterion.get(key) not in (None, False):
                yield ("pass_at",), f"{key} needs `pass_at`: the lowest answer that counts as a pass"
        return
    labels, limits = _labels(criterion), _limits(criterion)
    if scale == "numeric":
        if isinstance(pass_at, str):
            yield ("pass_at",), "pass_at of a numeric criterion is a number"
        elif limits and not limits[0] <= pass_at <= limits[1]:
            yield ("pass_at",), f"{pass_at} lies outside the range {limits[0]} to {limits[1]}"
    elif scale in ("ordinal", "categorical") and labels:
        if str(pass_at) not in labels:
            hint = did_you_mean(str(pass_at), labels)
            yield ("pass_at",), f"{str(pass_at)!r} is not one of the levels ({', '.join(labels)}){hint}"
        elif None in _scores(criterion):
            yield ("pass_at",), "pass_at needs levels with scores"


def _labels(criterion: dict[str, Any]) -> list[str]:
    return [str(level["label"]) for level in _levels_of(criterion) if "label" in level]


def _aggregate(rubric: dict[str, Any], criteria: list[dict[str, Any]], pair: bool) -> Iterator[Finding]:
    threshold, way = rubric.get("threshold"), rubric.get("aggregate")
    if pair:
        if threshold is not None:
            yield ("threshold",), "a pairwise rubric has no threshold; remove it"
        if way == "all_pass":
            yield ("aggregate",), "all_pass has no meaning in a pairwise rubric"
        return
    if way == "all_pass":
        for index, criterion in enumerate(rubric.get("criteria", [])):
            if not isinstance(criterion, dict) or criterion.get("scale") in (None, "binary"):
                continue
            if criterion.get("pass_at") is None:
                path = ("criteria", index, "pass_at")
                yield path, "aggregate all_pass needs `pass_at` here: what counts as a pass?"
        if threshold is not None and threshold != 1:
            yield ("threshold",), "all_pass scores 1 or 0; its threshold can only be 1"
    unscored = [c for c in criteria if c.get("scale") == "categorical" and set(_scores(c)) <= {None}]
    if threshold is not None and criteria and len(unscored) == len(criteria):
        yield ("threshold",), "no criterion has scores, so no item can reach a threshold"


def _example(example: dict[str, Any], rubric: dict[str, Any]) -> Iterator[Finding]:
    inputs = rubric.get("inputs") or {}
    criteria = {c.get("name"): c for c in rubric.get("criteria", []) if isinstance(c, dict)}
    for field in example.get("item", {}):
        try:
            digest(example["item"][field])
        except (ValueError, TypeError) as error:
            yield ("item", field), f"is not plain JSON: {error}"
        if inputs and field not in inputs:
            yield ("item", field), f"{field!r} is not one of the inputs{did_you_mean(field, inputs)}"
    for name, given in inputs.items():
        present = example.get("item", {}).get(name) is not None
        if isinstance(given, dict) and given.get("required", True) and not present:
            yield ("item",), f"the example lacks the required input {name!r}"
    for name, answer in example.get("labels", {}).items():
        if name not in criteria:
            yield ("labels", name), f"{name!r} is not a criterion{did_you_mean(name, criteria)}"
        elif message := _wrong_answer(answer, criteria[name], bool(rubric.get("allow_abstain"))):
            yield ("labels", name), message


def _wrong_answer(answer: Any, criterion: dict[str, Any], abstain: bool) -> str:
    if (answer == NOT_APPLICABLE and criterion.get("allow_not_applicable")) or (
        answer == ABSTAIN and abstain
    ):
        return ""
    limits, labels = _limits(criterion), _labels(criterion)
    if criterion.get("scale") == "numeric" and limits:
        inside = not isinstance(answer, str) and limits[0] <= answer <= limits[1]
        return "" if inside else f"{answer!r} is not a number from {limits[0]} to {limits[1]}"
    if not labels or str(answer) in labels:
        return ""
    return (
        f"{str(answer)!r} is not one of the levels ({', '.join(labels)}){did_you_mean(str(answer), labels)}"
    )
