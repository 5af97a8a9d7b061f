"""What the rules say of every cell of a table, from the values behind it and nothing else.

Definitions of the Handbook on Statistical Disclosure Control (2nd edition, 2024), chapter 4: strict comparisons;
people are those with a value. Threshold 10 and zero unsafe, (2, 0.9), p = 10 %, 10 degrees of freedom, 10 people
at an extreme and on each side of a median, identical values.
"""

import numpy as np

MINIMUM = 10


def cells(frame, aggregate, margins):
    """Key of every cell, None for what is totalled, and the rules that it breaks."""
    rows = sorted(frame.r.unique())
    columns = sorted(frame.c.unique())
    found = {}
    for r in rows:
        for c in columns:
            found[(r, c)] = broken(frame[(frame.r == r) & (frame.c == c)], aggregate)
    if margins:
        for r in rows:
            found[(r, None)] = broken(frame[frame.r == r], aggregate)
        for c in columns:
            found[(None, c)] = broken(frame[frame.c == c], aggregate)
        found[(None, None)] = broken(frame, aggregate)
    return found


def broken(rows, aggregate):
    values = rows.x.to_numpy()
    values = values[~np.isnan(values)]
    people = len(rows) if aggregate == "count" else len(values)
    if people == 0:
        return ["zero"]
    if people < MINIMUM:
        return ["threshold"]
    if aggregate == "count":
        return []
    found = ["all_same"] if np.all(values == values[0]) else []
    largest = np.sort(values)[::-1]
    total = values.sum()
    if aggregate in ("sum", "mean"):
        if largest[:2].sum() > 0.9 * total * (1 + 1e-12):
            found.append("dominance")
        if total - largest[:2].sum() < 0.1 * largest[0] * (1 - 1e-12):
            found.append("p_percent")
    if aggregate == "std" and people - 1 < MINIMUM:
        found.append("degrees_of_freedom")
    if aggregate in ("min", "max"):
        end = values.min() if aggregate == "min" else values.max()
        if (values == end).sum() < MINIMUM:
            found.append("end_point")
    if aggregate == "median":
        middle = np.median(values)
        sides = min((values <= middle).sum(), (values >= middle).sum())
        if people * 0.5 < MINIMUM or sides < MINIMUM:
            found.append("end_point")
    return found
