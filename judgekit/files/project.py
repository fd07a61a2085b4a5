"""The project file, ``judgekit.yaml``: the user's own names for judges."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from judgekit.errors import InputError, Problems, UsageError
from judgekit.rubric.nearest import did_you_mean
from judgekit.rubric.yaml_tree import MAX_BYTES, Tree, dotted, read_tree

PROJECT = "judgekit.yaml"
FORMAT = 1


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,63}"
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]
Money = Annotated[Number, Field(ge=0)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSpec(_Spec):
    """A model and how it is asked."""

    model: Text
    base_url: Text | None = None
    api_key_env: Text | None = None
    timeout: Annotated[Number, Field(gt=0)] | None = None
    attempts: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    max_tokens: Count | None = None
    price: tuple[Money, Money] | None = None
    confidence: StrictBool = False
    expected_score: StrictBool = False
    separate: StrictBool = False
    checks: dict[Text, Text] = {}
    calibration: Text | None = None


class SamplesSpec(_Spec):
    """One judge asked several times."""

    samples: Annotated[int, Field(strict=True, ge=2, le=1000)]
    of: Text
    by: Literal["majority", "mean"] = "majority"
    temperature: Annotated[Number, Field(gt=0, le=2)] | None = None
    calibration: Text | None = None


class PanelSpec(_Spec):
    """Several judges that vote; weights are numbers, or cards that they come from."""

    panel: Annotated[tuple[Text, ...], Field(min_length=2)]
    by: Literal["majority", "mean"] = "majority"
    weights: tuple[Money | Text, ...] | None = None
    calibration: Text | None = None


class CascadeSpec(_Spec):
    """Judges asked one after the other; `below` is a probability, or the last one's card that gives it."""

    cascade: Annotated[tuple[Text, ...], Field(min_length=2)]
    below: Annotated[Number, Field(gt=0, le=1)] | Text
    calibration: Text | None = None


class SwapSpec(_Spec):
    """A judge of pairs asked in both orders."""

    swap: Text
    calibration: Text | None = None


Spec = ModelSpec | SamplesSpec | PanelSpec | CascadeSpec | SwapSpec
KINDS: dict[str, type[_Spec]] = {
    "model": ModelSpec,
    "samples": SamplesSpec,
    "panel": PanelSpec,
    "cascade": CascadeSpec,
    "swap": SwapSpec,
}


class Project:
    """What a project file says.

    Attributes
    ----------
    path : Path
    judges : dict of str to Spec
        By name.
    """

    def __init__(self, path: Path, judges: dict[str, Any]) -> None:
        self.path, self.judges = path, judges

    def beside(self, name: str) -> Path:
        """Give a file that the project names, relative to its folder."""
        if "\0" in name:
            raise UsageError(f"{self.path}: {name!r} is no name of a file")
        return self.path.parent / name


def read_project(path: str | Path = PROJECT) -> Project:
    """Read a project file.

    Raises
    ------
    InputError
        If there is none, naming every problem with its line.
    """
    path = Path(path)
    problems = Problems(str(path))
    tree = read_tree(_text(path, problems), str(path))
    for problem in tree.problems:
        problems.add(problem.message, problem.line, problem.field)
    problems.raise_if_any()
    judges = _judges(tree, problems)
    problems.raise_if_any()
    return Project(path, judges)


def _text(path: Path, problems: Problems) -> str:
    try:
        if not path.is_file():
            problems.add("there is no such file; it names your judges: judges: {NAME: {model: …}}")
        else:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
            # The cut may go through a character; what is too large is refused either way.
            return raw.decode("utf-8-sig", "replace" if len(raw) > MAX_BYTES else "strict")
    except OSError as error:
        problems.add(f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.add("is not UTF-8 text; save it as UTF-8")
    raise InputError(problems.first, problems.total)


def _judges(tree: Tree, problems: Problems) -> dict[str, Any]:
    data = tree.data
    if not isinstance(data, dict):
        problems.add("a project file is a mapping that begins with `judges:`", 1)
        return {}
    for key in data:
        if key not in ("format", "judges"):
            said = f"unknown key {key!r}{did_you_mean(key, ['judges', 'format'])}; known here: judges"
            problems.add(said, tree.line((key,)), str(key))
    if data.get("format", FORMAT) != FORMAT:
        problems.add(f"is of format {data['format']}; this version reads {FORMAT}", tree.line(("format",)))
    found: dict[str, Any] = {}
    judges = data.get("judges")
    if not isinstance(judges, dict) or not judges:
        problems.add("names no judge: judges: {NAME: {model: …}}", tree.line(("judges",)), "judges")
        return {}
    for name, given in judges.items():
        spec = _spec(str(name), given, tree, problems)
        if spec is not None:
            found[str(name)] = spec
    return found


# How each kind is written; and what is wrong where a value is none that the kind takes.
_FORMS = {
    "model": "{model: openai/gpt-4.1-mini}",
    "samples": "{samples: 5, of: NAME}",
    "panel": "{panel: [NAME, NAME]}",
    "cascade": "{cascade: [NAME, NAME], below: 0.9}",
    "swap": "{swap: NAME}",
}
_MESSAGES = {
    ("samples", "samples"): "is how often the judge is asked, 2 to 1000: {samples: 5, of: NAME}",
    ("samples", "of"): "names the judge that is asked: {samples: 5, of: NAME}",
    ("samples", "temperature"): "must be above 0 and at most 2: at 0 all samples are one answer",
    ("panel", "panel"): "a panel needs two judges or more, by name: {panel: [NAME, NAME]}",
    ("panel", "weights"): "are numbers of 0 or more, or cards, one for each judge: [2, 1, 1]",
    ("cascade", "cascade"): "a cascade needs two judges or more, by name, cheapest first",
    (
        "cascade",
        "below",
    ): "is the confidence below which the next judge is asked, above 0 and at most 1, such as "
    "0.9; or the card of the last judge",
    ("swap", "swap"): "names the judge that is asked in both orders: {swap: NAME}",
    ("model", "price"): "is dollars per million tokens in and out: [0.4, 1.6]",
    ("model", "attempts"): "is how often one call is tried, 1 to 100",
}


def _headless(heads: list[str], given: Any) -> str:
    """Say how a judge is written, where it is not clear of what kind it is."""
    forms = ", ".join(_FORMS.values())
    if not isinstance(given, dict):
        return f"a judge is one of {forms}"
    if heads:
        apart = ", ".join(_FORMS[head] for head in heads)
        return f"is {' and '.join(heads)} at once; give each a name of its own: {apart}"
    meant = [f"{key!r}{hint}" for key in given if (hint := did_you_mean(str(key), KINDS))]
    return f"unknown key {meant[0]}" if meant else f"a judge is one of {forms}"


def _spec(name: str, given: Any, tree: Tree, problems: Problems) -> Any:
    place = ("judges", name)
    if not re.fullmatch(NAME, name):
        problems.add(
            f"{name!r} is no name: a letter, then letters, digits, . - or _", tree.line(place), dotted(place)
        )
        return None
    heads = [key for key in KINDS if isinstance(given, dict) and key in given]
    if len(heads) != 1:
        problems.add(_headless(heads, given), tree.line(place), dotted(place))
        return None
    kind, told = KINDS[heads[0]], set[Any]()
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            loc = tuple(part for part in one["loc"] if part in given or isinstance(part, int))
            path = (*place, *(loc or one["loc"]))
            message = _MESSAGES.get(
                (heads[0], str(one["loc"][0])), str(one["msg"]).removeprefix("Value error, ")
            )
            if (path, message) in told:
                continue
            told.add((path, message))
            if one["type"] == "extra_forbidden":
                known = list(kind.model_fields)
                hint = did_you_mean(str(one["loc"][-1]), known)
                message = f"unknown key{hint or '; known here: ' + ', '.join(known)}"
            problems.add(message, tree.line(path), dotted(path))
    return None
