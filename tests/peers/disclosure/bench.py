"""`strongroom check` beside acro on the same tables, in one run.

bench.py STRONGROOM FOLDER [--tables N] [--rows N] [--no-peer]

Every cell of every table has a truth from `truth.py`, which is written from the textbook and knows neither
program. Then one magnitude table over many rows: CPU seconds and memory.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import truth

HERE = Path(__file__).resolve().parent
AGGREGATES = ["count", "sum", "mean", "median", "std", "min", "max"]
SQL = {
    "count": "count(*)",
    "sum": "sum(x)",
    "mean": "avg(x)",
    "median": "median(x)",
    "std": "stddev_samp(x)",
    "min": "min(x)",
    "max": "max(x)",
}
POLICY = """name = "bench"
[threshold]
minimum = 10
zero = "unsafe"
[dominance]
n = 2
k = 0.9
[p_percent]
p = 0.1
[degrees_of_freedom]
minimum = 10
[end_point]
minimum = 10
"""


def options(words):
    found = {"--tables": 12, "--rows": 10_000_000, "--no-peer": False}
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--no-peer":
            found[word] = True
        elif word in found and words:
            found[word] = int(words.pop(0))
        else:
            sys.exit(f"bench.py: {word} is no option")
    return found


CHILD = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=sys.stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024, "code": done.returncode,
                  "out": done.stdout.decode(), "err": done.stderr.decode()[-2000:]}))
"""


def meter(command, said=None):
    """Output, CPU seconds of the process and all it starts, peak of the largest in MB, wall seconds."""
    started = time.monotonic()
    command = [sys.executable, "-c", CHILD, *map(str, command)]
    out = subprocess.run(command, input=said, text=True, stdout=subprocess.PIPE, check=True).stdout
    wall = time.monotonic() - started
    found = json.loads(out)
    if found["code"] not in (0, 1):
        sys.exit(f"{command[3:]} ended with {found['code']}: {found['err']}")
    return found["out"], found["cpu"], found["mb"], wall


def people(seed):
    """A file of people, one row each: two keys, a value that some lack, small and dominated cells."""
    dice = np.random.default_rng(seed)
    n = int(dice.integers(300, 3000))
    rows, columns = int(dice.integers(3, 9)), int(dice.integers(2, 7))
    row_share = dice.dirichlet(np.full(rows, 1.5))
    column_share = dice.dirichlet(np.full(columns, 1.5))
    frame = pd.DataFrame(
        {
            "person": np.arange(n),
            "r": [f"r{i}" for i in dice.choice(rows, n, p=row_share)],
            "c": [f"c{i}" for i in dice.choice(columns, n, p=column_share)],
            "x": np.round(dice.gamma(2.0, 100.0, n), 2),
        }
    )
    frame.loc[dice.random(n) < 0.02, "x"] *= 2000.0
    frame.loc[dice.random(n) < dice.choice([0.0, 0.1, 0.4]), "x"] = np.nan
    # One cell where everybody has the same value.
    r, c = frame.loc[int(dice.integers(n)), ["r", "c"]]
    frame.loc[(frame.r == r) & (frame.c == c), "x"] = 100.0
    return frame


def ours(program, folder, data, aggregate, margins, policy):
    by = "cube (r, c)" if margins else "r, c"
    sql = f"select r, c, {SQL[aggregate]} as v from data group by {by}"
    command = [program, "check", "--data", f"data={data}", "--unit", "person", "--sql", sql]
    said, cpu, mb, _ = meter([*command, "--policy", policy, "--policies", HERE.parents[2] / "policies"])
    cells = json.loads(said)["outputs"][0]["cells"]
    found = {
        (cell["key"]["r"], cell["key"]["c"]): cell["status"]
        for cell in cells
        if cell["column"] == "v"
    }
    return found, cpu, mb


def main():
    program, folder = Path(sys.argv[1]), Path(sys.argv[2])
    chosen = options(sys.argv[3:])
    folder.mkdir(parents=True, exist_ok=True)
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    tables = []
    for seed in range(chosen["--tables"]):
        frame = people(1000 + seed)
        data = folder / f"people-{seed}.csv"
        frame.to_csv(data, index=False)
        for aggregate in AGGREGATES:
            for margins in (False, True):
                tables.append((seed, data, aggregate, margins))
    frames = {seed: people(1000 + seed) for seed, *_ in tables}
    theirs, their_cpu, their_mb = {}, 0.0, 0.0
    if not chosen["--no-peer"]:
        orders = folder / "orders.json"
        orders.write_text(json.dumps([[str(d), a, m] for _, d, a, m in tables]))
        said, their_cpu, their_mb, _ = meter([sys.executable, HERE / "peer.py", orders])
        _, empty, _, _ = meter([sys.executable, HERE / "peer.py"])
        their_cpu -= empty
        theirs = {
            tuple(entry["table"]): {tuple(k): v for k, v in entry["cells"]}
            for entry in json.loads(said.splitlines()[-1])
        }
    scores = {}
    our_cpu, our_mb = 0.0, 0.0
    for seed, data, aggregate, margins in tables:
        real = truth.cells(frames[seed], aggregate, margins)
        found, cpu, mb = ours(program, folder, data, aggregate, margins, policy)
        our_cpu, our_mb = our_cpu + cpu, max(our_mb, mb)
        score = scores.setdefault(aggregate, {"cells": 0, "unsafe": 0, "ours": [0, 0, 0], "acro": [0, 0]})
        peer = theirs.get((str(data), aggregate, margins))
        for key, unsafe in real.items():
            score["cells"] += 1
            score["unsafe"] += bool(unsafe)
            status = found.get(key, "absent")
            flagged = status in ("primary", "review")
            score["ours"][0] += bool(unsafe) and not flagged
            score["ours"][1] += not unsafe and flagged
            score["ours"][2] += not unsafe and status == "ok"
            if bool(unsafe) != flagged:
                print("differs:", data.name, aggregate, margins, key, unsafe, status)
            if peer is not None:
                says = peer.get(key, "") != "ok"
                score["acro"][0] += bool(unsafe) and not says
                score["acro"][1] += not unsafe and says
    print(f"\n{len(tables)} tables; cells by aggregate; ok: safe cells that are neither flagged nor hidden for others")
    print(f"{'':8} {'cells':>6} {'unsafe':>7} | {'ours miss':>9} {'wrong':>6} {'ok %':>6} | {'acro miss':>9} {'wrong':>6}")
    total = {"cells": 0, "unsafe": 0, "ours": [0, 0, 0], "acro": [0, 0]}
    for aggregate, score in scores.items():
        line(aggregate, score)
        for name in ("cells", "unsafe"):
            total[name] += score[name]
        for name in ("ours", "acro"):
            total[name] = [a + b for a, b in zip(total[name], score[name])]
    line("all", total)
    print(f"CPU seconds: ours {our_cpu:.1f} ({len(tables)} processes, sealed worker and all), acro {their_cpu:.1f} (one process, imports left out)")
    print(f"peak MB: ours {our_mb:.0f}, acro {their_mb:.0f}")
    if not chosen["--no-peer"]:
        read_back(program, folder, policy)
    if chosen["--rows"]:
        large(program, folder, chosen, policy)


def read_back(program, folder, policy):
    """A session of ours in acro's own reader."""
    session = folder / "session"
    shutil.rmtree(session, ignore_errors=True)
    command = [program, "check", "--data", f"data={folder / 'people-0.csv'}", "--unit", "person", "--policy", policy]
    command += ["--policies", HERE.parents[2] / "policies", "--session", session]
    meter([*command, "--sql", f"select r, c, {SQL['sum']} as v from data group by r, c"])
    said, *_ = meter([sys.executable, HERE / "peer.py", "--session", session])
    print(f"acro's reader takes a session of ours: {said.splitlines()[-1]}")


def line(name, score):
    safe = max(score["cells"] - score["unsafe"], 1)
    our, acro = score["ours"], score["acro"]
    print(
        f"{name:8} {score['cells']:>6} {score['unsafe']:>7} | {our[0]:>9} {our[1]:>6} {100 * our[2] / safe:>6.1f}"
        f" | {acro[0]:>9} {acro[1]:>6}"
    )


def large(program, folder, chosen, policy):
    """A magnitude table of 200 cells with margins over many rows."""
    n = chosen["--rows"]
    file = folder / f"large-{n}.parquet"
    if not file.exists():
        dice = np.random.default_rng(3)
        pd.DataFrame(
            {
                "person": dice.permutation(n),
                "visitor": dice.integers(0, n // 5, n),
                "r": dice.integers(0, 20, n).astype("int32"),
                "c": dice.integers(0, 10, n).astype("int32"),
                "x": np.round(dice.gamma(2.0, 100.0, n), 2),
            }
        ).to_parquet(file, index=False)
    table = "select r, c, count(*) as n, sum(x) as total from {} group by cube (r, c)"
    cube = (
        "select r, c, count(*), sum(x), count(x), max(x, 10), min(x), max(x), count(*) filter (where x < 0){} "
        "from {} group by cube (r, c)"
    )
    plain = program.parent / "examples" / "plain"
    in_place = f"read_parquet('{file}')"
    engine = [plain, "threads=2", "memory"]
    check = [program, "check", "--data", f"data={file}", "--policy", policy]
    check += ["--policies", HERE.parents[2] / "policies", "--sql", table.format("data"), "--unit"]
    by_hand = {unit: cube.format(f", count(distinct {unit})", in_place) for unit in ("person", "visitor")}
    print(f"\n{n} rows, 20 by 10 cells with margins, count and sum: CPU seconds, wall seconds, peak MB")
    # The engine alone, on the file where it lies, with as many threads as a worker has.
    runs = {
        "engine: the plain query": (engine, table.format(in_place)),
        "engine: a cube with the evidence of rows": (engine, cube.format("", in_place)),
        "engine: the same and distinct people, a row each": (engine, by_hand["person"]),
        "engine: the same, about five rows each": (engine, by_hand["visitor"]),
        "strongroom check, a row a person": ([*check, "person"], None),
        "strongroom check, about five rows a person": ([*check, "visitor"], None),
    }
    if not chosen["--no-peer"]:
        runs["acro, sum with margins"] = ([sys.executable, HERE / "peer.py", "--large", file], None)
    took = []
    for name, (command, statement) in runs.items():
        asked = json.dumps([statement]) if statement else None
        said, cpu, mb, wall = meter(command, asked)
        took.append(cpu)
        print(f"{name:48} {cpu:>7.2f} {wall:>7.2f} {mb:>7.0f}")
        if statement and '"ok":true' not in said:
            sys.exit(said[:500])
        if not statement and "verdict" in said:
            print(f"{'':8}verdict {json.loads(said)['verdict']}")
    query, of_rows, of_people, of_visitors, one_each, five_each = took[:6]
    print("CPU of a check, process and walls and all, as a multiple of")
    print(f"{'':8}{'':32} {'a row a person':>16} {'five rows':>10}")
    print(f"{'':8}{'the plain query':32} {one_each / query:>16.1f} {five_each / query:>10.1f}")
    print(f"{'':8}{'the cube by hand':32} {one_each / of_people:>16.2f} {five_each / of_visitors:>10.2f}")
    print(f"{'':8}{'the cube without distinct people':32} {one_each / of_rows:>16.1f} {five_each / of_rows:>10.1f}")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
