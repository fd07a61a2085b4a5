"""Many items: concurrency, journal, resume, progress, manifest."""

from judgekit.batch.options import Options
from judgekit.batch.output import Run
from judgekit.batch.runner import agrade_file, grade_file
from judgekit.batch.tally import Tally

__all__ = ["Options", "Run", "Tally", "agrade_file", "grade_file"]
