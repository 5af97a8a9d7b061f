"""smartnoise-sql over the same file: CPU seconds of the process for each statement (the mean of several), and
mean absolute errors over groups and draws. The whole budget is epsilon 1 at delta 1e-6 for each statement; the
epsilon of each column is what `get_privacy_cost` says that comes to. Keys are known, so no rare group is cut."""

import json
import sys
import time

import pandas as pd
import snsql
from snsql import Privacy

EPSILON, DELTA, DRAWS = 1.0, 1e-6, 12
COLUMNS = {"count": "COUNT(*)", "sum": "SUM(x)", "mean": "AVG(x)", "stddev": "STDDEV(x)"}


def metadata(rows):
    return {
        "": {
            "d": {
                "visits": {
                    "row_privacy": False,
                    "max_ids": 4,
                    "sample_max_ids": True,
                    "censor_dims": False,
                    "clamp_counts": False,
                    "clamp_columns": True,
                    "rows": rows,
                    "who": {"type": "int", "private_id": True},
                    "g": {"type": "string", "cardinality": 12},
                    "x": {"type": "float", "lower": 0.0, "upper": 100.0},
                }
            }
        }
    }


def reader(frame, query):
    """A reader whose whole cost for this query is the budget."""
    of = lambda epsilon: snsql.from_df(
        frame, privacy=Privacy(epsilon=epsilon, delta=DELTA), metadata=metadata(len(frame))
    )
    cost, _ = of(1.0).get_privacy_cost(query)
    return of(EPSILON / cost)


def sql(columns):
    return f"SELECT g, {', '.join(columns)} FROM d.visits GROUP BY g"


def errors(frame, query, exact, draws):
    """Mean absolute error of each column after the key."""
    own = reader(frame, query)
    sums, n = [0.0] * len(exact), 0
    for _ in range(draws):
        for row in own.execute(query)[1:]:
            n += 1
            for at, of in enumerate(exact):
                value = row[at + 1]
                sums[at] += abs((0.0 if value is None else float(value)) - of[row[0]])
    return [total / n for total in sums]


def main(path):
    frame = pd.read_csv(path)
    by = frame.groupby("g")["x"]
    exact = {"count": by.count(), "sum": by.sum(), "mean": by.mean(), "stddev": by.std()}
    together = errors(frame, sql(COLUMNS.values()), [exact[name] for name in COLUMNS], DRAWS)
    told = []
    for at, (name, column) in enumerate(COLUMNS.items()):
        query = sql([column])
        own = reader(frame, query)
        own.execute(query)
        times = 3
        began = time.process_time()
        for _ in range(times):
            own.execute(query)
        cpu = (time.process_time() - began) / times
        alone = errors(frame, query, [exact[name]], DRAWS)[0]
        told.append({"statistic": name, "cpu_s": cpu, "error_alone": alone, "error_together": together[at]})
    print(json.dumps({"statistics": told}))


main(sys.argv[1])
