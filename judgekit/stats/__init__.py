"""Statistics on plain arrays: agreement, its intervals, and corrected means.

Rows are items and columns raters, the human first; labels are integer codes with -1 where missing,
scores are floats with nan. An undefined value is nan, and the note of an `Estimate` says why.
"""

from judgekit.stats.agreement import cohen_kappa, matthews_corrcoef, percent_agreement, scott_pi
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.ceiling import Ceiling, ceiling
from judgekit.stats.codes import confusion_table
from judgekit.stats.continuous import icc, kendall_tau_b, lin_ccc, spearman
from judgekit.stats.correction import corrected_mean
from judgekit.stats.differences import bias, mcnemar_p, paired_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates, binary_rates, proportion
from judgekit.stats.reliability import fleiss_kappa, gwet_ac, interval_alpha, krippendorff_alpha

__all__ = [
    "BinaryRates",
    "Ceiling",
    "Estimate",
    "bias",
    "binary_rates",
    "bootstrap",
    "ceiling",
    "cohen_kappa",
    "confusion_table",
    "corrected_mean",
    "fleiss_kappa",
    "gwet_ac",
    "icc",
    "interval_alpha",
    "kendall_tau_b",
    "krippendorff_alpha",
    "lin_ccc",
    "matthews_corrcoef",
    "mcnemar_p",
    "paired_mean",
    "percent_agreement",
    "proportion",
    "scott_pi",
    "spearman",
]
