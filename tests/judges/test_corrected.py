"""A card beside a grader: what it adds, and what stays."""

from judgekit.factory import judge
from judgekit.judges import CorrectedJudge, LexicalGrader
from judgekit.library import find
from judgekit.verdict import verdict_from_dict

ITEM = {"input": "Can I get a refund?", "output": "Yes, a refund is possible."}


class Known:
    """What a card might say."""

    state = "calibrated"

    def chances(self, verdict):
        return 0.25, {"addresses_question": 0.1234567891}


def test_it_adds_and_changes_nothing():
    plain = judge("relevance", "offline/lexical")
    corrected = CorrectedJudge(plain, Known(), "sha256:c")
    for name in ("fingerprint", "signature", "name", "rubric", "destination", "recipe"):
        assert getattr(corrected, name) == getattr(plain, name)
    before, after = plain.grade(ITEM), corrected.grade(ITEM)
    assert (after.status, after.label, after.score) == (before.status, before.label, before.score)
    assert after.provenance == before.provenance
    assert after.to_dict()["calibration"] == {"state": "calibrated", "card": "sha256:c", "p_pass": 0.25}
    assert before.to_dict()["calibration"] == {"state": "none", "card": None, "p_pass": None}
    assert after.criteria["addresses_question"].p_pass == 0.123457
    assert after.criteria["covers_all_parts"].p_pass is None


def test_rows_are_read_as_they_were_written():
    corrected = CorrectedJudge(LexicalGrader(find("relevance")), Known(), "sha256:c")
    row = corrected.grade(ITEM).to_dict()
    assert verdict_from_dict(row).to_dict() == row
