import json
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

import judgekit as jk

DEMO = files("judgekit").joinpath("_demo")


@dataclass
class Desk:
    """The demo batch, graded; its labels; the card that follows from them."""

    graded: Path
    labels: Path
    card: Path
    calibration: jk.Calibration

    def rows(self) -> list[dict]:
        return [json.loads(line) for line in self.graded.read_text().splitlines()]

    def regraded(self, folder: Path, rows: list[dict], **manifest: object) -> Path:
        """Write other rows beside the same manifest, as another run of the judge would."""
        found = folder / "graded.jsonl"
        found.write_text("".join(json.dumps(row) + "\n" for row in rows))
        said = json.loads(self.graded.with_suffix(".run.json").read_text()) | manifest
        found.with_suffix(".run.json").write_text(json.dumps(said))
        return found


@pytest.fixture(scope="session")
def desk(tmp_path_factory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("answers.jsonl", "labels.jsonl"):
        (folder / name).write_bytes(DEMO.joinpath(name).read_bytes())
    graded, labels, card = folder / "graded.jsonl", folder / "labels.jsonl", folder / "card.json"
    jk.grade_file(jk.judge("support-reply", "offline/lexical"), folder / "answers.jsonl", graded)
    calibration = jk.calibrate(graded, labels)
    calibration.save(card)
    return Desk(graded, labels, card, calibration)


@pytest.fixture
def own(desk, tmp_path) -> Desk:
    """The same in a folder that the test may spoil."""
    for path in (desk.graded, desk.graded.with_suffix(".run.json"), desk.labels, desk.card):
        shutil.copy(path, tmp_path)
    return Desk(
        tmp_path / "graded.jsonl", tmp_path / "labels.jsonl", tmp_path / "card.json", desk.calibration
    )
