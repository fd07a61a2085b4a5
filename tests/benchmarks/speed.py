"""How fast judgekit is beside pinned peers: one command, one thread, one run, ratios.

    python tests/benchmarks/speed.py [--peers DIR] [--repeats 7] [--seed 1] [--only TEXT]

The peers live in two environments of their own under DIR, made on the first run: irrCAC asks for coverage<7,
which numba, a dependency of ppi-python, does not work with. Every timing is taken in a fresh process with one
thread, of judgekit and of the peer in turn, on the same data, in seconds of CPU, which other work on the
machine disturbs less than those of the clock. Values are compared too. Exit code 1: a value differs, or a
ratio or a time is short of its target.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

PEERS = {
    "agreement": (
        "krippendorff==0.9.0",
        "irrCAC==0.4.4",
        "pingouin==0.6.1",
        "scikit-learn==1.9.1",
        "setuptools<81",
    ),
    "correction": ("ppi-python==0.2.3", "judgy==0.1.0", "crowd-kit==1.4.2"),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
RESAMPLES = 2_000
DS_ROUNDS = 10
Data = Any
Run = Callable[[Data], Any]


def make_data(path: Path, seed: int) -> None:
    """All inputs, from the seed."""
    rng = np.random.default_rng(seed)
    human = rng.integers(0, 2, 100_000)
    judge = np.where(rng.random(human.size) < 0.85, human, 1 - human)
    level = rng.integers(0, 5, 100_000)
    ratings = np.clip(level[:, None] + rng.integers(-1, 2, (level.size, 5)), 0, 4)
    ratings[rng.random(ratings.shape) < 0.1] = -1
    true = rng.integers(0, 3, 200_000)
    right = rng.random((true.size, 5)) < np.linspace(0.55, 0.9, 5)
    total = 1_000_000
    outcome = (rng.random(total) < 0.6).astype(float)
    grade = rng.integers(0, 5, total)
    np.savez(
        path,
        human=human,
        judge=judge,
        ratings=ratings,
        scores=rng.normal(size=(20_000, 1)) + rng.normal(size=(20_000, 5)),
        pairs=rng.normal(size=(100_000, 1)) + rng.normal(size=(100_000, 2)),
        voted=np.where(right, true[:, None], rng.integers(0, 3, (true.size, 5))),
        outcome=outcome,
        verdict=np.where(rng.random(total) < 0.85, outcome, 1 - outcome),
        score=np.clip(0.3 + 0.4 * outcome + rng.normal(0, 0.2, total), 0, 1),
        grade=grade / 4,
        graded=np.clip(grade + rng.integers(-1, 2, total), 0, 4) / 4,
        labelled=rng.choice(total, 1_000, replace=False),
    )


def kappa(data: Data) -> Any:
    from judgekit.stats import bootstrap

    found = bootstrap("cohen_kappa", np.column_stack([data["human"], data["judge"]]), draws=RESAMPLES)
    return [found.value, found.low, found.high]


def kappa_sklearn(data: Data) -> Any:
    from sklearn.metrics import cohen_kappa_score

    human, judge, rng = data["human"], data["judge"], np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        rows = rng.integers(human.size, size=human.size)
        drawn.append(cohen_kappa_score(human[rows], judge[rows]))
    return [cohen_kappa_score(human, judge), *np.percentile(drawn, [2.5, 97.5])]


def alpha(data: Data) -> Any:
    from judgekit.stats import krippendorff_alpha

    return krippendorff_alpha(data["ratings"], "ordinal")


def alpha_krippendorff(data: Data) -> Any:
    import krippendorff

    ratings = np.where(data["ratings"] < 0, np.nan, data["ratings"]).T
    return krippendorff.alpha(reliability_data=ratings, level_of_measurement="ordinal")


def ac2(data: Data) -> Any:
    from judgekit.stats import gwet_ac

    return gwet_ac(data["ratings"], "quadratic")


def ac2_interval(data: Data) -> Any:
    from judgekit.stats import bootstrap

    found = bootstrap("gwet_ac", data["ratings"], weights="quadratic", draws=RESAMPLES)
    return [found.value, found.low, found.high]


def ac2_irrcac(data: Data) -> Any:
    """The package gives value and interval at once."""
    import pandas as pd
    from irrCAC.raw import CAC

    table = pd.DataFrame(np.where(data["ratings"] < 0, np.nan, data["ratings"]))
    found = CAC(table, weights="quadratic").gwet()["est"]
    return [found["coefficient_value"], *found["confidence_interval"]]


def icc(data: Data) -> Any:
    from judgekit.stats import icc as intraclass

    return [intraclass(data["scores"], form) for form in ("ICC1", "ICC2", "ICC3")]


def icc_pingouin(data: Data) -> Any:
    import pandas as pd
    import pingouin

    items, raters = data["scores"].shape
    long = pd.DataFrame(
        {
            "item": np.repeat(np.arange(items), raters),
            "rater": np.tile(np.arange(raters), items),
            "score": data["scores"].ravel(),
        }
    )
    found = pingouin.intraclass_corr(data=long, targets="item", raters="rater", ratings="score")
    return found["ICC"].tolist()[:3]


def mean(data: Data) -> Any:
    from judgekit.stats import corrected_mean

    at = data["labelled"]
    found = corrected_mean(data["score"], at, data["outcome"][at])
    return [found.value, found.low, found.high]


def mean_ppi(data: Data) -> Any:
    from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

    at = data["labelled"]
    rest = np.delete(data["score"], at)
    y, f = data["outcome"][at], data["score"][at]
    low, high = ppi_mean_ci(y, f, rest, alpha=0.05)
    return [float(np.ravel(of)[0]) for of in (ppi_mean_pointestimate(y, f, rest), low, high)]


def same_mean(data: Data) -> Any:
    """Our implementation of what ppi_py computes, by which the two are compared."""
    from judgekit.stats import corrected_mean

    at = data["labelled"]
    found = corrected_mean(data["score"], at, data["outcome"][at], method="ppi++")
    return [found.value, found.low, found.high]


def voters(data: Data) -> Any:
    from judgekit.stats.dawid_skene import dawid_skene

    found = dawid_skene(data["voted"], iterations=DS_ROUNDS, smoothing=0)
    return found.prior.tolist() + found.posterior[:20].ravel().tolist()


def voters_crowdkit(data: Data) -> Any:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    items, raters = data["voted"].shape
    long = pd.DataFrame(
        {
            "task": np.repeat(np.arange(items), raters),
            "worker": np.tile(np.arange(raters), items),
            "label": data["voted"].ravel(),
        }
    )
    found = DawidSkene(n_iter=DS_ROUNDS, tol=0).fit(long)
    posterior = found.probas_.loc[range(20), [0, 1, 2]].to_numpy()
    return found.priors_.loc[[0, 1, 2]].tolist() + posterior.ravel().tolist()


def few_pairs(data: Data) -> tuple[Any, Any, Any]:
    """Verdicts and outcomes of 200 labelled items, and the verdicts of 2,000 others."""
    at, rest = data["labelled"][:200], data["labelled"][200:]
    return data["verdict"][at], data["outcome"][at], np.tile(data["verdict"][rest], 3)


def judgy_recipe(data: Data) -> Any:
    """The bootstrap of the coverage table's column."""
    from recipes import judgy_bootstrap, verdict_table

    verdict, outcome, rest = few_pairs(data)
    table = verdict_table(verdict >= 0.5, outcome)
    return list(judgy_bootstrap(float(rest.mean()), table, np.random.default_rng(0), draws=20_000))


def judgy_itself(data: Data) -> Any:
    from judgy import estimate_success_rate

    verdict, outcome, rest = few_pairs(data)
    np.random.seed(0)
    return list(estimate_success_rate(outcome.astype(int), verdict.astype(int), rest.astype(int))[1:])


def of_batch(judge: str, human: str, **options: Any) -> Run:
    """Corrected mean from 1,000 labels and 1,000,000 verdicts; options may name arrays of the data."""

    def run(data: Data) -> Any:
        from judgekit.stats import corrected_mean

        at, more = data["labelled"], dict(options)
        if "stratum" in more:
            more["stratum"] = data[more["stratum"]]
        if more.get("design") == "probability":
            more["probability"] = np.full(at.size, at.size / data[judge].size)
        if more.get("design") == "external":
            more["external"] = data[judge][at], data[human][at]
            found = corrected_mean(data[judge], [], [], **more)
        else:
            found = corrected_mean(data[judge], at, data[human][at], **more)
        return [found.value, found.low, found.high]

    return run


def interval(statistic: str, table: str, **options: Any) -> Run:
    """Coefficient with its interval."""

    def run(data: Data) -> Any:
        from judgekit.stats import bootstrap

        found = bootstrap(statistic, data[table], draws=RESAMPLES, **options)
        return [found.value, found.low, found.high]

    return run


@dataclass(frozen=True)
class Race:
    """One line of the table: ours against a peer, how often as fast we must be, how close the values."""

    ours: Run
    peer: Run
    home: str
    ratio: float
    close: float
    same: Run | None = None
    peer_repeats: int | None = None


@dataclass(frozen=True)
class Solo:
    """One line of the table without a peer: a time in seconds that we must not exceed."""

    ours: Run
    most: float


RACES = {
    "kappa, 100k items, 2,000 resamples / scikit-learn rows": Race(
        kappa, kappa_sklearn, "agreement", 100, 1e-3, peer_repeats=1
    ),
    "alpha ordinal, 5 x 100k / krippendorff": Race(alpha, alpha_krippendorff, "agreement", 2, 1e-9),
    "AC2, 5 x 100k / irrCAC": Race(ac2_interval, ac2_irrcac, "agreement", 3, 1e-3),
    "ICC, 20k x 5 / pingouin": Race(icc, icc_pingouin, "agreement", 100, 1e-9, peer_repeats=1),
    "corrected mean, 1k labels 1M scores / ppi_py": Race(mean, mean_ppi, "correction", 4, 1e-6, same_mean),
    "Dawid-Skene, 1M labels, 10 rounds / crowd-kit": Race(
        voters, voters_crowdkit, "correction", 2, 1e-6, peer_repeats=1
    ),
    "judgy's bootstrap, as in the coverage table / judgy": Race(
        judgy_recipe, judgy_itself, "correction", 1, 3e-3, peer_repeats=1
    ),
}
SOLOS = {
    "kappa with interval, 100k": Solo(kappa, 0.05),
    "AC2 without interval, 5 x 100k": Solo(ac2, 0.05),
    "alpha with interval, 5 x 100k": Solo(interval("krippendorff_alpha", "ratings", level="ordinal"), 0.05),
    "ICC with interval, 2 x 100k": Solo(interval("icc", "pairs"), 0.05),
    "Lin's CCC with interval, 2 x 100k": Solo(interval("lin_ccc", "pairs"), 0.05),
    "corrected mean 1k/1M, 0/1 judge": Solo(of_batch("verdict", "outcome"), 0.01),
    "corrected mean 1k/1M, score judge": Solo(of_batch("score", "outcome"), 0.01),
    "corrected mean 1k/1M, 5 levels": Solo(of_batch("grade", "graded"), 0.01),
    "corrected mean 1k/1M, stratified": Solo(
        of_batch("verdict", "outcome", design="stratified", stratum="verdict"), 0.01
    ),
    "corrected mean 1k/1M, stratified, 5 levels": Solo(
        of_batch("grade", "graded", design="stratified", stratum="grade"), 0.01
    ),
    "corrected mean 1k/1M, probabilities": Solo(of_batch("score", "outcome", design="probability"), 0.01),
    "corrected mean 1k/1M, other batch, mix": Solo(
        of_batch("verdict", "outcome", design="external", shift="mix"), 0.01
    ),
    "corrected mean 1k/1M, other batch, error rates": Solo(
        of_batch("verdict", "outcome", design="external", shift="prevalence"), 0.01
    ),
    "corrected mean 1k/1M, other batch, 5 levels": Solo(
        of_batch("grade", "graded", design="external", shift="prevalence"), 0.01
    ),
}


def timed(run: Run, data: Data, repeats: int) -> dict[str, Any]:
    """Median CPU seconds and the value; one call beforehand, unless there is only one to make."""
    if repeats > 1:
        run(data)
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        value = run(data)
        seconds.append(time.process_time() - start)
    return {"seconds": median(seconds), "value": np.ravel(value).astype(float).tolist()}


def child(name: str, role: str, path: str, repeats: int) -> None:
    """Time one function and print the result, in a process of its own."""
    case = RACES.get(name) or SOLOS[name]
    data = dict(np.load(path))
    print(json.dumps(timed(getattr(case, role), data, repeats)))


def measured(python: Path, name: str, role: str, path: Path, repeats: int) -> dict[str, Any]:
    single = os.environ | dict.fromkeys(THREADS, "1")
    command = [str(python), __file__, "--child", name, role, str(path), str(repeats)]
    done = subprocess.run(command, env=single, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def environment(folder: Path, name: str) -> Path:
    """Python of a peers' environment, made if it is not there."""
    home = folder / name
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"installing {', '.join(PEERS[name])} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
        (home / "complete").touch()
    return python


def race(name: str, one: Race, folder: Path, path: Path, repeats: int) -> bool:
    """Compare values, then speeds; whether both are as they should be."""
    here = Path(sys.executable)
    ours = measured(here, name, "ours", path, repeats)
    peer = measured(environment(folder, one.home), name, "peer", path, one.peer_repeats or min(repeats, 3))
    value = ours["value"] if one.same is None else measured(here, name, "same", path, 1)["value"]
    apart = float(np.max(np.abs(np.subtract(value, peer["value"]))))
    ratio = peer["seconds"] / ours["seconds"]
    good = apart <= one.close and ratio >= one.ratio
    print(
        f"{name:58} {ours['seconds'] * 1e3:9.2f} {peer['seconds'] * 1e3:11.2f} {ratio:9.1f} "
        f"{one.ratio:7g}  {apart:.0e}{'' if good else '  <--'}",
        flush=True,
    )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "judgekit-benchmark-peers")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="lines whose name holds this text")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, role, path, repeats = options.child
        child(name, role, path, int(repeats))
        return 0
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        make_data(path, options.seed)
        print(f"{'':58} {'judgekit':>9} {'peer':>11} {'':>9} {'':>7}  values")
        print(f"{'':58} {'ms':>9} {'ms':>11} {'ratio':>9} {'least':>7}  apart")
        for name, one in RACES.items():
            if options.only in name:
                bad += not race(name, one, options.peers, path, options.repeats)
        print(f"\n{'':58} {'ms':>9} {'most':>11}")
        for name, solo in SOLOS.items():
            if options.only in name:
                spent = measured(Path(sys.executable), name, "ours", path, options.repeats)["seconds"]
                bad += spent > solo.most
                late = "" if spent <= solo.most else "  <--"
                print(f"{name:58} {spent * 1e3:9.2f} {solo.most * 1e3:11g}{late}", flush=True)
    print(f"\none thread, CPU time, median of {options.repeats}; {bad} lines short of their targets")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
