"""One module per way of judging; each is a grader."""

from judgekit.judges.cascade import Cascade
from judgekit.judges.code import CodeGrader
from judgekit.judges.composed import Composed
from judgekit.judges.corrected import CorrectedJudge
from judgekit.judges.lexical import LexicalGrader
from judgekit.judges.panel import Panel
from judgekit.judges.recorded import RecordedGrader
from judgekit.judges.samples import SelfConsistency
from judgekit.judges.separate import SeparateCalls
from judgekit.judges.single import Judge
from judgekit.judges.swapped import Swapped

__all__ = [
    "Cascade",
    "CodeGrader",
    "Composed",
    "CorrectedJudge",
    "Judge",
    "LexicalGrader",
    "Panel",
    "RecordedGrader",
    "SelfConsistency",
    "SeparateCalls",
    "Swapped",
]
