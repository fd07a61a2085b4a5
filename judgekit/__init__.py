"""Grade the outputs of language-model products by rubrics, and measure whether the judge may be believed."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgekit.batch import Options as Options
    from judgekit.batch import Run as Run
    from judgekit.batch import agrade_file as agrade_file
    from judgekit.batch import grade_file as grade_file
    from judgekit.calibration import Calibration as Calibration
    from judgekit.calibration import calibrate as calibrate
    from judgekit.calibration import load_card as load_card
    from judgekit.errors import JudgekitError as JudgekitError
    from judgekit.factory import judge as judge
    from judgekit.factory import load_judge as load_judge
    from judgekit.files.items import Columns as Columns
    from judgekit.grader import Grader as Grader
    from judgekit.item import Item as Item
    from judgekit.rubric import Rubric as Rubric
    from judgekit.rubric import load_rubric as load_rubric
    from judgekit.stats.estimate import Estimate as Estimate
    from judgekit.verdict import Finding as Finding
    from judgekit.verdict import Verdict as Verdict

# Where each public name lives; it is imported when it is first used, so that `import judgekit` is light.
_HOMES = {
    "Calibration": "calibration",
    "Columns": "files.items",
    "Estimate": "stats.estimate",
    "Finding": "verdict",
    "Grader": "grader",
    "Item": "item",
    "JudgekitError": "errors",
    "Options": "batch",
    "Rubric": "rubric",
    "Run": "batch",
    "Verdict": "verdict",
    "agrade_file": "batch",
    "calibrate": "calibration",
    "grade_file": "batch",
    "judge": "factory",
    "load_card": "calibration",
    "load_judge": "factory",
    "load_rubric": "rubric",
}

__all__ = [*_HOMES, "stats"]


def __getattr__(name: str) -> Any:
    if name == "stats":
        return import_module("judgekit.stats")
    if name not in _HOMES:
        raise AttributeError(f"module 'judgekit' has no attribute {name!r}")
    value = getattr(import_module(f"judgekit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
