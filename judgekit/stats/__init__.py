"""Statistics on plain arrays: agreement, its intervals, corrected means, panels of raters, planning, drift.

Rows are items and columns raters, the human first; labels are integer codes with -1 where missing,
scores are floats with nan. An undefined value is nan, and the note of an `Estimate` says why.
"""

from judgekit.stats.agreement import cohen_kappa, matthews_corrcoef, percent_agreement, scott_pi
from judgekit.stats.alternative_annotator import AltTest, alternative_annotator
from judgekit.stats.applicable import applicable_mean
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.calibration_error import (
    brier_score,
    debiased_calibration_error,
    expected_calibration_error,
)
from judgekit.stats.ceiling import Ceiling, ceiling
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.codes import confusion_table
from judgekit.stats.compare_raters import AgainstBest, against_best
from judgekit.stats.continuous import icc, kendall_tau_b, lin_ccc, spearman
from judgekit.stats.correction import corrected_mean
from judgekit.stats.dawid_skene import DawidSkene, dawid_skene, dawid_skene_of_labels
from judgekit.stats.differences import bias, mcnemar_p, paired_mean
from judgekit.stats.drift import DriftTest, level_drift, score_drift
from judgekit.stats.estimate import Estimate
from judgekit.stats.fixed_slope import fixed_slope_mean
from judgekit.stats.frontier import undominated
from judgekit.stats.meaning import MeaningDrift, meaning_drift
from judgekit.stats.multiplicity import adjusted_p
from judgekit.stats.paired import corrected_difference, unpaired_difference
from judgekit.stats.planning import (
    half_width,
    labels_for_agreement,
    labels_for_difference,
    labels_for_half_width,
    labels_for_rare,
)
from judgekit.stats.prediction_powered import ppi_mean
from judgekit.stats.proportions import wilson
from judgekit.stats.rater_standing import Consistency, Standing, rater_standing, repeat_consistency
from judgekit.stats.rates import BinaryRates, binary_rates, proportion
from judgekit.stats.recalibration import Recalibration, recalibrate
from judgekit.stats.reliability import fleiss_kappa, gwet_ac, interval_alpha, krippendorff_alpha
from judgekit.stats.selection import active_probabilities, allocation
from judgekit.stats.sequential import (
    AgreementAlarm,
    agreement_alarm,
    chosen_confidence,
    confidence_sequence,
    look_confidence,
)
from judgekit.stats.slices import slice_means
from judgekit.stats.trials import Trials, trials

__all__ = [
    "AgainstBest",
    "AgreementAlarm",
    "AltTest",
    "BinaryRates",
    "Ceiling",
    "Consistency",
    "DawidSkene",
    "DriftTest",
    "Estimate",
    "MeaningDrift",
    "Recalibration",
    "Standing",
    "Trials",
    "active_probabilities",
    "adjusted_p",
    "against_best",
    "agreement_alarm",
    "allocation",
    "alternative_annotator",
    "applicable_mean",
    "bias",
    "binary_rates",
    "bootstrap",
    "brier_score",
    "ceiling",
    "chosen_confidence",
    "cohen_kappa",
    "confidence_sequence",
    "confusion_table",
    "corrected_difference",
    "corrected_mean",
    "dawid_skene",
    "dawid_skene_of_labels",
    "debiased_calibration_error",
    "expected_calibration_error",
    "fixed_slope_mean",
    "fleiss_kappa",
    "gwet_ac",
    "half_width",
    "icc",
    "interval_alpha",
    "kendall_tau_b",
    "krippendorff_alpha",
    "labels_for_agreement",
    "labels_for_difference",
    "labels_for_half_width",
    "labels_for_rare",
    "level_drift",
    "lin_ccc",
    "look_confidence",
    "matthews_corrcoef",
    "mcnemar_p",
    "meaning_drift",
    "paired_mean",
    "percent_agreement",
    "post_stratified_mean",
    "ppi_mean",
    "proportion",
    "rater_standing",
    "recalibrate",
    "repeat_consistency",
    "score_drift",
    "scott_pi",
    "slice_means",
    "spearman",
    "trials",
    "undominated",
    "unpaired_difference",
    "wilson",
]
