"""Reply to findings, or a reason why not."""

from judgekit.parsing.probability import chances, label_places
from judgekit.parsing.reply import PARSING, Reading, read_reply

__all__ = ["PARSING", "Reading", "chances", "label_places", "read_reply"]
