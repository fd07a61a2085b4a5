"""A run that has to stop: what is under way is paid for and kept, and nothing further is asked."""

import desk
import pytest
from loopback import error

from judgekit.batch import Options, grade_file
from judgekit.errors import Stopped, UsageError


def test_answers_under_way_at_a_fatal_error_are_kept(place):
    """The fifth request is refused for good while the others of its time are still being answered."""

    asked = []

    def script(seen):
        asked.append(seen)
        return error(401, "the key was revoked") if len(asked) == 5 else desk.slowly(0.3)(seen)

    with place.grader(script) as (grader, _), pytest.raises(Stopped, match="revoked"):
        grade_file(grader, place.items, place.out, Options(concurrency=5))
    assert len(asked) == 5
    assert len(desk.kept_in(place.journal)) == 4


def test_a_link_and_its_target_are_one_place(place):
    real = place.folder / "real.jsonl"
    place.out.symlink_to(real)
    with place.grader() as (grader, server):
        grade_file(grader, place.items, place.out)
        before = server.count
        grade_file(grader, place.items, real)
        assert server.count == before
    assert place.out.is_symlink()
    desk.assert_honest(real, list(range(20)))


@pytest.mark.parametrize("name", ["x" * 243 + ".jsonl", "nowhere/out.jsonl"])
def test_a_place_that_cannot_be_written_is_found_before_anything_is_paid(place, name):
    link = place.folder / "link.jsonl"
    link.symlink_to(place.folder / name)
    out = link if "/" in name else place.folder / name
    with place.grader() as (grader, server):
        with pytest.raises(UsageError):
            grade_file(grader, place.items, out)
        assert server.count == 0


def test_rows_that_were_deleted_are_graded_again_beside_their_manifest(place):
    with place.grader() as (grader, _):
        grade_file(grader, place.items, place.out)
        place.out.unlink()
        grade_file(grader, place.items, place.out)
    desk.assert_honest(place.out, list(range(20)))
