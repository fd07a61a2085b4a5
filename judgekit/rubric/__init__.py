"""What success looks like: the rubric, its file format, and the digests of its meaning."""

from judgekit.rubric.model import (
    ABSTAIN,
    NOT_APPLICABLE,
    OVERALL,
    Criterion,
    Example,
    Input,
    Level,
    Origin,
    Outcome,
    Rubric,
)
from judgekit.rubric.reading import load_rubric, read_rubric, rubric_from_dict
from judgekit.rubric.values import fold_label

__all__ = [
    "ABSTAIN",
    "NOT_APPLICABLE",
    "OVERALL",
    "Criterion",
    "Example",
    "Input",
    "Level",
    "Origin",
    "Outcome",
    "Rubric",
    "fold_label",
    "load_rubric",
    "read_rubric",
    "rubric_from_dict",
]
