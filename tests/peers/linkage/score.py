"""Scores links against a truth; knows no engine.

Usage: score.py LINKS TRUTH dedupe|link [--best-link]

LINKS is CSV or Parquet with source_l, id_l, source_r, id_r, match_weight, match_probability. --best-link
keeps the best partner of each right-hand record. Prints one JSON object.
"""

import json
import sys

import duckdb
import numpy as np

THRESHOLDS = [0.5, 0.9, 0.95, 0.99]
BINS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0]


def read(links, truth, link_type, best_link):
    con = duckdb.connect()
    con.execute("create table t as select source, id, person from read_csv(?, all_varchar = true)", [truth])
    reader = "read_parquet" if links.endswith(".parquet") else "read_csv"
    con.execute(f"create table k as select * from {reader}(?)", [links])
    if best_link:
        con.execute(
            "create or replace table k as select * from k qualify row_number() over "
            "(partition by source_r, id_r order by match_weight desc, id_l) = 1"
        )
    within = con.execute("select coalesce(sum(n * (n - 1) // 2), 0) from (select count(*) n from t group by source, person)").fetchone()[0]
    all_pairs = con.execute("select coalesce(sum(n * (n - 1) // 2), 0) from (select count(*) n from t group by person)").fetchone()[0]
    true_pairs = int(within if link_type == "dedupe" else all_pairs - within)
    rows = con.execute(
        "select k.match_weight w, k.match_probability p, coalesce(a.person = b.person, false) y from k "
        "left join t a on a.source = k.source_l and a.id = k.id_l::varchar "
        "left join t b on b.source = k.source_r and b.id = k.id_r::varchar order by w desc"
    ).fetchnumpy()
    return np.asarray(rows["w"], float), np.asarray(rows["p"], float), np.asarray(rows["y"], bool), true_pairs


def ratio(a, b, none=0.0):
    return float(a) / float(b) if b else none


def score(w, p, y, true_pairs):
    found, right = np.arange(1, len(y) + 1), np.cumsum(y)
    # Equal weights stand or fall together.
    last = np.append(w[1:] != w[:-1], True) if len(w) else np.zeros(0, bool)
    found, right, at_p = found[last], right[last], p[last]
    f1 = 2 * right / (found + true_pairs) if len(found) else np.zeros(0)
    precise = right / found >= 0.999 if len(found) else np.zeros(0, bool)
    out = {
        "true_pairs": true_pairs,
        "pairs": int(len(y)),
        "best_f1": float(f1.max()) if len(f1) else 0.0,
        "best_f1_threshold": float(at_p[f1.argmax()]) if len(f1) else 1.0,
        "recall_at_precision_999": ratio(right[precise].max(), true_pairs) if precise.any() else 0.0,
        "at": [],
        "calibration": [],
    }
    for threshold in THRESHOLDS:
        kept = p >= threshold
        n, tp = int(kept.sum()), int(y[kept].sum())
        out["at"].append({"threshold": threshold, "pairs": n, "precision": ratio(tp, n, 1.0),
                          "recall": ratio(tp, true_pairs), "f1": ratio(2 * tp, n + true_pairs)})
    off = 0.0
    for low, high in zip(BINS, BINS[1:]):
        kept = (p >= low) & ((p < high) | (high == 1.0))
        n = int(kept.sum())
        if n:
            said, so = float(p[kept].mean()), float(y[kept].mean())
            off += n * abs(said - so)
            out["calibration"].append({"from": low, "to": high, "pairs": n, "said": said, "so": so})
    out["expected_calibration_error"] = ratio(off, len(y))
    # Where most pairs are sure, the mean hides the rest: the same over pairs between .05 and .95.
    middle = (p >= 0.05) & (p < 0.95)
    out["middle_pairs"] = int(middle.sum())
    out["middle_error"] = ratio(abs(float(p[middle].sum()) - float(y[middle].sum())), int(middle.sum()))
    return out


if __name__ == "__main__":
    links, truth, link_type = sys.argv[1:4]
    print(json.dumps(score(*read(links, truth, link_type, "--best-link" in sys.argv[4:]))))
