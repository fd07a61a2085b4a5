"""How a file is graded."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from judgekit.errors import UsageError
from judgekit.files.items import Census, Columns


@dataclass(frozen=True)
class Options:
    """How a file is graded.

    Attributes
    ----------
    columns : Columns
        How columns of the file become fields of the rubric.
    concurrency : int
        Items under way at once.
    limit, sample : int or None
        Only the first rows, or as many drawn at random (always the same ones of the same file, and a larger
        sample holds the smaller one).
    fresh : bool
        Forget what an earlier run left.
    omit_items : bool
        Leave the original columns out of the graded rows.
    """

    columns: Columns = field(default_factory=Columns)
    concurrency: int = 16
    limit: int | None = None
    sample: int | None = None
    fresh: bool = False
    omit_items: bool = False

    def __post_init__(self) -> None:
        for name in ("concurrency", "limit", "sample"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}")
        if self.limit is not None and self.sample is not None:
            raise UsageError("give either a limit (the first rows) or a sample (rows at random)")

    @property
    def selection(self) -> dict[str, int | None]:
        """Which rows are asked for; plain JSON."""
        return {"limit": self.limit, "sample": self.sample}

    def chosen(self, census: Census) -> NDArray[np.bool_]:
        """Mark the rows of a file that are to be graded."""
        mask = np.ones(census.count, dtype=bool)
        if self.limit is not None:
            mask[self.limit :] = False
        elif self.sample is not None:
            # Seeded by the content: the same file gives the same order, so that a run can be taken up again.
            seed = int(census.digest.removeprefix("sha256:")[:16], 16)
            mask[np.random.default_rng(seed).permutation(census.count)[self.sample :]] = False
        return mask
