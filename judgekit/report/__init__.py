"""What people look at: documents, reports, pictures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgekit.report.page import Report as Report
    from judgekit.report.page import write_report as write_report

__all__ = ["Report", "write_report"]


def __getattr__(name: str) -> Any:
    # The requirement document needs no statistics: what does is loaded when it is first used.
    if name not in __all__:
        raise AttributeError(f"module 'judgekit.report' has no attribute {name!r}")
    from judgekit.report import page

    return getattr(page, name)
