"""Reply to findings, or a reason why not."""

from judgekit.parsing.reply import PARSING, Reading, read_reply

__all__ = ["PARSING", "Reading", "read_reply"]
