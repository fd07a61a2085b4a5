from pathlib import Path

import pytest
from hypothesis import settings

collect_ignore = ["benchmarks"]  # run by hand; they import each other by name

settings.register_profile("judgekit", deadline=None)  # a busy machine is no failure
settings.load_profile("judgekit")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of oracles and real data beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of oracles and real data is not beside this checkout")
    return folder
