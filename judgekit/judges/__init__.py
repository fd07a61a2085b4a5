"""One module per way of judging; each is a grader."""

from judgekit.judges.corrected import CorrectedJudge
from judgekit.judges.lexical import LexicalGrader
from judgekit.judges.recorded import RecordedGrader
from judgekit.judges.single import Judge

__all__ = ["CorrectedJudge", "Judge", "LexicalGrader", "RecordedGrader"]
