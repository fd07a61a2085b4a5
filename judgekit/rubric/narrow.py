"""A rubric with some of its questions only."""

from collections.abc import Collection

from judgekit.rubric.model import Rubric


def narrowed(rubric: Rubric, names: Collection[str]) -> Rubric:
    """Give the rubric that asks these questions alone; what they make of an item together stays behind.

    Parameters
    ----------
    rubric : Rubric
    names : collection of str
        Criteria, one at least.
    """
    if set(names) == rubric.by_name.keys():
        return rubric
    examples = []
    for example in rubric.examples:
        labels = {name: answer for name, answer in example.labels.items() if name in names}
        if labels:
            examples.append(example.model_copy(update={"labels": labels}))
    kept = {name: getattr(rubric, name) for name in Rubric.model_fields}
    kept |= {"criteria": tuple(c for c in rubric.criteria if c.name in names), "examples": tuple(examples)}
    return Rubric(**kept | {"aggregate": "weighted_mean", "threshold": None})
