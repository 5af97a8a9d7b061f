"""Runs each engine on the same files and prints one table.

Usage: bench.py STRONGROOM WORKDIR [--sizes 20000,100000] [--profiles typical,hard] [--seed N] [--only NAME]
       [--no-peers] [--no-febrl] [--full]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
# Never used while the engine was tuned. (Tuning used seeds 1 to 20.)
SEED = 20261128
IMPORTS = {
    "splink": "import duckdb, splink.comparison_library; from splink import DuckDBAPI, Linker",
    "recordlinkage": "import numpy, pandas, recordlinkage; from recordlinkage.classifiers import ECMClassifier",
}


def run(command, log):
    """Seconds of CPU and wall, and megabytes at most, of a process and those it waited for."""
    begun = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    cost = {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": time.monotonic() - begun,
            "peak_mb": usage.ru_maxrss * 1024 / 1e6}
    if process.returncode != 0:
        tail = pathlib.Path(log).read_text(errors="replace")[-1500:]
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{tail}")
    return cost


def scores(links, truth, link_type, *more):
    said = subprocess.run([sys.executable, HERE / "score.py", links, truth, link_type, *more],
                          check=True, capture_output=True, text=True)
    return json.loads(said.stdout)


class Bench:
    def __init__(self, args):
        self.args, self.rows = args, []
        self.per_record = {}
        self.out = pathlib.Path(args.workdir)
        self.out.mkdir(parents=True, exist_ok=True)
        self.imports = {}
        if not args.no_peers:
            for peer, line in IMPORTS.items():
                run([sys.executable, "-c", line], self.out / "imports.log")  # fills the disk cache
                self.imports[peer] = run([sys.executable, "-c", line], self.out / "imports.log")["cpu_s"]

    def add(self, task, engine, cost, links, truth, link_type, *more):
        row = {"task": task, "engine": engine, **cost, "scores": scores(links, truth, link_type, *more)}
        self.rows.append(row)
        (self.out / "results.json").write_text(json.dumps({"imports_cpu_s": self.imports, "rows": self.rows}, indent=1))
        print(line(row), flush=True)

    def strongroom(self, task, folder, spec, link_type):
        out = folder / f"out-{spec.stem}"
        cost = run([self.args.strongroom, "link", spec, "--out", out, "--threads", 2], self.out / "strongroom.log")
        self.add(task, "strongroom", {**cost, "net_cpu_s": cost["cpu_s"]}, str(out / "links.parquet"),
                 folder / "truth.csv", link_type)
        return cost["cpu_s"]

    def peer(self, task, engine, script, name, folder, link_type):
        links = folder / f"{engine}-{name}.csv"
        cost = run([sys.executable, HERE / script, name, folder, links], self.out / f"{engine}.log")
        cost["net_cpu_s"] = cost["cpu_s"] - self.imports[engine]
        self.add(task, engine, cost, str(links), folder / "truth.csv", link_type)
        if link_type == "link" and engine == "splink":
            self.add(task, "splink, best link", cost, str(links), folder / "truth.csv", link_type, "--best-link")

    def people(self, size, profile, peers=True):
        folder = self.out / f"people-{profile}-{size}"
        run([self.args.strongroom, "people", "--n", size, "--seed", self.args.seed, "--profile", profile,
             "--out", folder], self.out / "people.log")
        for name, spec in [("people", "link-no-chi.toml"), ("people_chi", "link.toml")]:
            task = f"{profile} {size:,}" + (", CHI" if name == "people_chi" else "")
            cpu_s = self.strongroom(task, folder, folder / spec, "link")
            # A register of so many people, and about as many records of a delivery.
            self.per_record.setdefault(task.replace(f" {size:,}", ""), []).append((size, cpu_s / size * 1e6))
            if peers and not self.args.no_peers:
                self.peer(task, "splink", "splink_link.py", name, folder, "link")

    def febrl(self):
        subprocess.run([sys.executable, HERE / "febrl.py", self.out], check=True)
        for name, link_type in [("febrl4", "link"), ("febrl3", "dedupe")]:
            folder = self.out / name
            self.strongroom(name, folder, folder / "link.toml", link_type)
            if not self.args.no_peers:
                self.peer(name, "splink", "splink_link.py", name, folder, link_type)
                self.peer(name, "recordlinkage", "ecm_link.py", name, folder, link_type)


HEAD = (f"{'task':<26} {'engine':<18} {'CPU s':>7} {'net':>7} {'wall s':>7} {'MB':>6} {'best F1':>8} {'R@P.999':>8} "
        f"{'F1 .5':>7} {'P .95':>7} {'R .95':>7} {'calib.':>7}")


def line(row):
    s = row["scores"]
    at = {a["threshold"]: a for a in s["at"]}
    return (f"{row['task']:<26} {row['engine']:<18} {row['cpu_s']:>7.2f} {row['net_cpu_s']:>7.2f} {row['wall_s']:>7.2f} "
            f"{row['peak_mb']:>6.0f} {s['best_f1']:>8.4f} {s['recall_at_precision_999']:>8.4f} {at[0.5]['f1']:>7.4f} "
            f"{at[0.95]['precision']:>7.4f} {at[0.95]['recall']:>7.4f} {s['expected_calibration_error']:>7.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("strongroom")
    parser.add_argument("workdir")
    parser.add_argument("--sizes", default="20000,100000")
    parser.add_argument("--profiles", default="typical,hard")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-febrl", action="store_true")
    parser.add_argument("--full", action="store_true", help="1M with peers, and 10M alone")
    args = parser.parse_args()
    bench = Bench(args)
    print(HEAD, flush=True)
    if not args.no_febrl:
        bench.febrl()
    for size in [int(size) for size in args.sizes.split(",") if size]:
        for profile in args.profiles.split(","):
            bench.people(size, profile)
    if args.full:
        bench.people(1_000_000, "typical")
        bench.people(10_000_000, "typical", peers=False)
    for kind, sizes in bench.per_record.items():
        growth = ", ".join(f"{size:,}: {us:.2f}" for size, us in sorted(sizes))
        print(f"strongroom, {kind}: CPU microseconds a person by size: {growth}")
    for peer, cpu in bench.imports.items():
        print(f"importing {peer} takes {cpu:.2f} CPU s")


main()
