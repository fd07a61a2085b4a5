"""What a verdict costs beside a loop by hand and pinned peers: CPU, and verdicts a second of a slow server.

    python tests/benchmarks/judging.py [--peers DIR] [--rounds 5] [--waves 20] [--only NAME,NAME]

All ask one server on loopback (`judging_server.py`) to grade items of 2 kB, and read and check its answers
(`judging_peers.py`). Each peer has an environment of its own under DIR, made on the first run. Every figure
is taken in a fresh process after warming up, the clients in turn, so that whatever else the machine does
meets all of them; a ratio is the median of the ratios within the rounds. Exit code 1: a figure is short of
its target.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from judging_peers import CLIENTS

HERE = Path(__file__).resolve().parent
OURS = "judgekit"
HAND = "by hand"
# openai, where a peer leaves its version open, is pinned too: most of the peers' time is spent there.
ENVIRONMENTS = {
    # The newest litellm that installed beside this instructor and answers a request with tools.
    "instructor": ("litellm==1.105.3", "instructor==1.17.0"),
    "autoevals": ("autoevals==0.4.1", "openai==3.54.0"),
    "openevals": ("openevals==0.2.2", "openai==3.54.0"),
    "deepeval": ("deepeval==4.3.1", "openai==3.54.0"),
}
# No peer is to report to its makers, or to fetch prices.
SILENT = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONWARNINGS": "ignore",
}
CPU_AT_ONCE, CPU_VERDICTS, CPU_VERDICTS_OF_PEERS = 64, 3_000, 300
RATE_AT_ONCE, LATENCY_MS = 256, 200
MOST_OF_HAND = 2.5  # CPU, judgekit over the loop by hand
LEAST_OF_PEERS = 8.0  # CPU, the best peer over judgekit
LEAST_SHARE = 0.9  # of the ideal rate, or of what the loop by hand reaches
Figures = dict[str, list[float]]


@contextmanager
def server() -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    command = [sys.executable, str(HERE / "judging_server.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def python_of(name: str, folder: Path) -> Path:
    """The Python that a client runs in; a peer's environment is made if it is not there."""
    if name not in ENVIRONMENTS:
        return Path(sys.executable)
    # The versions are part of the name: another pin is another environment.
    home = folder / "-".join(ENVIRONMENTS[name]).replace("==", "-")
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"installing {', '.join(ENVIRONMENTS[name])} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]], check=True)
        (home / "complete").touch()
    return python


def measured(
    name: str, folder: Path, port: int, latency_ms: int, at_once: int, verdicts: int
) -> dict[str, float]:
    """Run one client once: milliseconds of CPU a verdict, verdicts a second."""
    address = f"http://127.0.0.1:{port}/{CLIENTS[name][2]}/{latency_ms}/v1"
    command = [python_of(name, folder), "-P", HERE / "judging_peers.py", name, address, at_once, verdicts]
    with tempfile.TemporaryDirectory() as cwd:
        # Some peers leave files where they run.
        done = subprocess.run(
            list(map(str, command)), cwd=cwd, env=os.environ | SILENT, capture_output=True, text=True
        )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def ratio(figures: Figures, above: str, below: str) -> float:
    """The median of the ratios within the rounds."""
    return median(a / b for a, b in zip(figures[above], figures[below], strict=True))


def held(what: str, value: float, least: float = 0.0, most: float = float("inf")) -> bool:
    """Print a figure beside its target; whether it is reached."""
    good = least <= value <= most
    target = f"at least {least:g}" if least else f"at most {most:g}"
    print(f"{what:58} {value:8.2f}   {target}{'' if good else '  <--'}", flush=True)
    return good


def cpu(names: list[str], folder: Path, port: int, rounds: int) -> int:
    """Compare CPU a verdict without latency; the number of targets missed."""
    figures: Figures = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            count = CPU_VERDICTS_OF_PEERS if name in ENVIRONMENTS else CPU_VERDICTS
            figures[name].append(measured(name, folder, port, 0, CPU_AT_ONCE, count)["cpu_ms"])
    print(f"\nCPU a verdict, {CPU_AT_ONCE} at once, no latency: median of {rounds} (least), ms")
    for name, found in figures.items():
        beside = f"   {ratio(figures, name, HAND):6.1f} x {HAND}" if HAND in names else ""
        calls = CLIENTS[name][3]
        each = f", {median(found) / calls:.3f} a call" if calls > 1 else ""
        print(f"  {name:14} {median(found):8.3f} ({min(found):.3f}){beside}{each}")
    bad = 0
    if {OURS, HAND} <= set(names):
        bad += not held(f"{OURS} / {HAND}", ratio(figures, OURS, HAND), most=MOST_OF_HAND)
    peers = [name for name in names if name in ENVIRONMENTS]
    if OURS in names and peers:
        best = min(peers, key=lambda name: median(figures[name]))
        bad += not held(f"best peer ({best}) / {OURS}", ratio(figures, best, OURS), least=LEAST_OF_PEERS)
        per_call = {name: median(figures[name]) / CLIENTS[name][3] for name in peers}
        least = min(per_call, key=per_call.__getitem__)
        print(f"for a single call: {least} / {OURS} {per_call[least] / median(figures[OURS]):.2f}")
    return bad


def throughput(names: list[str], folder: Path, port: int, rounds: int, waves: int) -> int:
    """Compare verdicts a second with latency; the number of targets missed.

    The best round counts: a machine that others use can only slow a run down. Peers, which keep the CPU busy
    all the time, go once and for a quarter of the waves.
    """
    figures: Figures = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            if number == 0 or name not in ENVIRONMENTS:
                count = RATE_AT_ONCE * (max(1, waves // 4) if name in ENVIRONMENTS else waves)
                found = measured(name, folder, port, LATENCY_MS, RATE_AT_ONCE, count)
                figures[name].append(found["rate"])
    ideal = RATE_AT_ONCE * 1000 / LATENCY_MS
    print(f"\nVerdicts a second, {RATE_AT_ONCE} at once, {LATENCY_MS} ms: best round, share of {ideal:,.0f}")
    best = {name: max(found) for name, found in figures.items()}
    for name, rate in best.items():
        print(f"  {name:14} {rate:8.0f}   {rate / ideal:6.2f}")
    if OURS not in best:
        return 0
    reach = min(ideal, best.get(HAND, ideal))
    return not held(f"{OURS} / the lower of ideal and {HAND}", best[OURS] / reach, least=LEAST_SHARE)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "judgekit-benchmark-peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--waves", type=int, default=20)
    parser.add_argument("--only", help="clients by name, separated by commas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(CLIENTS)
    if unknown := set(names) - set(CLIENTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}")
    with server() as port:
        bad = cpu(names, options.peers, port, options.rounds)
        bad += throughput(names, options.peers, port, options.rounds, options.waves)
    print(f"\n{bad} figures short of their targets")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
