"""acro over the tables of an order, or over one large file; nothing without either (what its import costs)."""

import contextlib
import io
import json
import logging
import sys

import pandas as pd
from acro import ACRO
from acro.record import load_records

logging.disable(logging.CRITICAL)


def crosstab(acro, frame, aggregate, margins):
    if aggregate == "count":
        acro.crosstab(frame.r, frame.c, margins=margins)
    else:
        acro.crosstab(frame.r, frame.c, values=frame.x, aggfunc=aggregate, margins=margins)
    return list(acro.results.results.values())[-1].outcome


def session(folder):
    """What acro's own reader takes from a session that we wrote."""
    records = load_records(folder)
    return [{"status": one.status, "rows": len(one.output[0])} for one in records.results.values()]


def key(value):
    return None if value == "All" else value


def tables(orders):
    found = []
    frames = {}
    for file, aggregate, margins in json.load(open(orders)):
        if file not in frames:
            frames[file] = pd.read_csv(file)
        acro = ACRO(suppress=False)
        outcome = crosstab(acro, frames[file], aggregate, margins)
        cells = []
        for row in outcome.index:
            for column in outcome.columns:
                name = column[-1] if isinstance(column, tuple) else column
                cells.append([[key(row), key(name)], str(outcome.loc[row, column]).strip()])
        found.append({"table": [file, aggregate, margins], "cells": cells})
    return found


def main():
    said = io.StringIO()
    found = None
    with contextlib.redirect_stdout(said):
        if sys.argv[1:2] == ["--large"]:
            frame = pd.read_parquet(sys.argv[2], columns=["r", "c", "x"])
            crosstab(ACRO(suppress=False), frame, "sum", True)
        elif sys.argv[1:2] == ["--session"]:
            found = session(sys.argv[2])
        elif len(sys.argv) > 1:
            found = tables(sys.argv[1])
    if found is not None:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
