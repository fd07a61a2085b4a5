"""LLMBar's pairs before a judge whose liking for the first place is known: the swap finds it."""

import json
from zlib import crc32

import pytest
from loopback import LoopbackServer

import judgekit as jk
from judgekit.factory import named_judge
from judgekit.library import find
from judgekit.stats import cohen_kappa
from judgekit.stats.rates import proportion

BIAS = 0.3  # share of pairs on which the server chooses by place alone


@pytest.fixture
def pairs(shared):
    folder = shared / "data/llmbar"
    if not folder.is_dir():
        pytest.skip("the LLMBar data is not in the shared folder")
    items = [json.loads(line) for line in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    labels = [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]
    return items, {row["id"]: row["label"].lower() for row in labels}


def biased(item, place):
    """Whether the server chooses this pair by place; the same in both orders."""
    return crc32(f"{place}{''.join(sorted((item['output_a'], item['output_b'])))}".encode()) / 2**32 < BIAS


@pytest.mark.parametrize(("place", "leans"), [("a", "first"), ("b", "second")])
def test_the_swap_finds_a_known_position_bias(pairs, tmp_path, monkeypatch, place, leans):
    items, gold = pairs
    rubric = find("pairwise-preference")
    criterion = rubric.criteria[0].name
    better = {(one["input"], one[f"output_{gold[one['id']]}"]) for one in items}

    def choose(seen):
        """Choose what people chose, or what stands at a place; the request says which text that is."""
        said = seen.said()
        shown = {name: block(said, name) for name in ("input", "output_a", "output_b")}
        by_place = biased(shown, place)
        chosen = place if by_place else "a" if (shown["input"], shown["output_a"]) in better else "b"
        return json.dumps({name: {"explanation": "x", "label": chosen} for name in rubric.by_name})

    monkeypatch.chdir(tmp_path)
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items), "utf-8")
    with LoopbackServer(choose) as server:
        spec = f"judges:\n  plain: {{model: m, base_url: '{server.url}'}}\n  fair: {{swap: plain}}\n"
        (tmp_path / "judgekit.yaml").write_text(spec)
        run = jk.grade_file(named_judge("fair", rubric), "items.jsonl", "graded.jsonl")
    assert server.count == 2 * len(items)

    moved = {one["id"] for one in items if biased(one, place)}
    found = run.manifest["parts"]["criteria"][criterion]
    assert found == {"rows": 419, "differ": len(moved), "first": 0, "second": 0} | {leans: len(moved)}
    rate = proportion([one["id"] in moved for one in items])
    assert rate.low < BIAS < rate.high
    line = run.tally.steadiness.lines()[0]
    assert (
        f"{len(moved)} of 419 pairs ({100 * rate.value:.1f} %, {100 * rate.low:.1f}–{100 * rate.high:.1f})"
        in line
    )
    assert f"{len(moved)} of {len(moved)} (100.0 %" in line and f"whichever stood {leans}" in line

    rows = [json.loads(line) for line in (tmp_path / "graded.jsonl").read_text("utf-8").splitlines()]
    by_id = {row["id"]: row["verdict"]["criteria"][criterion]["label"] for row in rows}
    assert {identity for identity, label in by_id.items() if label == "tie"} == moved
    kept = [identity for identity in by_id if identity not in moved]
    codes = [["ab".index(said[one]) for one in kept] for said in (gold, by_id)]
    assert cohen_kappa(*codes) == 1.0


def block(text, name):
    """The text of one field in a request."""
    mark = text.split("carry the mark ", 1)[1].split(".", 1)[0]
    return text.split(f"[{mark} {name} begins]\n", 1)[1].split(f"\n[{mark} {name} ends]", 1)[0]
