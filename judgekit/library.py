"""Finds the rubrics that ship with the package, and tells a name from a path."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from judgekit.errors import UsageError
from judgekit.rubric import Rubric, load_rubric, rubric_from_dict


@cache
def folder() -> Path:
    """Give the folder of shipped rubrics: inside an installed package, or in the checkout it runs from."""
    package = Path(str(files("judgekit")))
    installed = package / "_rubrics"
    if installed.is_dir():
        return installed
    checkout = package.parent / "rubrics"
    if checkout.is_dir() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise UsageError(f"the shipped rubrics are missing from {package}; install judgekit-calibrated again")


def names() -> list[str]:
    """Names of the shipped rubrics, sorted."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def find(rubric: str | Path | Rubric | dict[str, object]) -> Rubric:
    """Give a rubric by shipped name, by path, or as it is.

    A text with a path separator or a YAML suffix is a path; anything else is a shipped name.

    Raises
    ------
    UsageError
        If there is no such name, with the nearest ones.
    RubricError
        If the file breaks the format.
    """
    if isinstance(rubric, Rubric):
        return rubric
    if isinstance(rubric, dict):
        return rubric_from_dict(rubric)
    text = str(rubric)
    if isinstance(rubric, Path) or "/" in text or text.endswith((".yaml", ".yml")):
        return load_rubric(text)
    known = names()
    if text in known:
        return load_rubric(folder() / f"{text}.yaml")
    close = get_close_matches(text, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UsageError(
        f"no shipped rubric is called {text!r}{hint} (shipped: {', '.join(known)}; a file needs its suffix)"
    )
