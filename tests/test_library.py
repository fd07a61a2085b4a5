"""The shipped rubrics, and how a rubric is found."""

from itertools import combinations

import pytest

from judgekit.errors import RubricError, UsageError
from judgekit.item import Item
from judgekit.library import find, folder, names
from judgekit.prompt import Template
from judgekit.report.requirement import document
from judgekit.rubric import read_rubric, rubric_from_dict

SHIPPED = names()


PACKS = """agent-task context-relevance correctness groundedness instruction-following pairwise-preference
refusal relevance summary-quality support-reply""".split()


def test_the_packs_that_users_ask_for_are_there():
    assert set(PACKS) <= set(SHIPPED)
    assert sorted(SHIPPED) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_rubric(name):
    rubric = find(name)
    assert rubric.name == name
    assert rubric_from_dict(rubric.to_dict()).digest == rubric.digest
    assert len(rubric.examples) >= 2
    for one in rubric.criteria:
        assert all(level.description for level in one.levels), one.name
        # Each example answers each question, and each answer is shown at least once beside another.
        answers = {example.labels[one.name] for example in rubric.examples}
        assert len(answers - {"not_applicable"}) >= 2, one.name
    shown = document(rubric)
    assert rubric.purpose in shown
    assert all(one.question in shown for one in rubric.criteria)
    item = Item("1", {field: "text" for field in rubric.inputs})
    assert "text" in Template(rubric).request(item).messages[1].content


def test_their_digests_differ():
    rubrics = [find(name) for name in SHIPPED]
    digests = [rubric.digest for rubric in rubrics]
    digests += [one for rubric in rubrics for one in rubric.criterion_digests.values()]
    assert all(a != b for a, b in combinations(digests, 2))


def test_a_rubric_is_found_by_name_by_path_and_as_it_is(tmp_path):
    shipped = find("groundedness")
    path = tmp_path / "mine.yaml"
    path.write_text((folder() / "groundedness.yaml").read_text("utf-8"), "utf-8")
    assert find(path).digest == find(str(path)).digest == shipped.digest
    assert find(shipped) is shipped
    assert find(shipped.to_dict()).digest == shipped.digest


def test_a_path_is_told_from_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RubricError, match=r"^groundedness\.yaml: cannot be read: No such file"):
        find("groundedness.yaml")
    (tmp_path / "groundedness").write_text("not a rubric")
    assert find("groundedness").name == "groundedness"
    with pytest.raises(RubricError):
        find("./groundedness")


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(UsageError) as caught:
        find("groundednes")
    assert str(caught.value).startswith(
        "no shipped rubric is called 'groundednes'; did you mean 'groundedness'? (shipped: agent-task, "
    )
    with pytest.raises(UsageError, match="a file needs its suffix"):
        find("zzz")


def test_shipped_files_hold_nothing_but_text():
    for path in folder().iterdir():
        assert path.suffix == ".yaml"
        text = path.read_bytes().decode("utf-8")
        assert text.endswith("\n") and "\t" not in text and "\r" not in text
        assert read_rubric(text).name == path.stem
