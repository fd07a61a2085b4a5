"""Judge against people: joining, measuring, deciding, correcting, and the card that keeps it."""

from judgekit.calibration.calibrate import calibrate
from judgekit.calibration.card import load_card
from judgekit.calibration.results import Calibration, CriterionResult, Decision, Quantity

__all__ = ["Calibration", "CriterionResult", "Decision", "Quantity", "calibrate", "load_card"]
