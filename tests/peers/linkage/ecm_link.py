"""recordlinkage with its ECM classifier, on FEBRL.

Usage: ecm_link.py febrl3|febrl4 DIR OUT.csv
"""

import pathlib
import sys

import numpy as np
import pandas as pd
import recordlinkage
from recordlinkage.classifiers import ECMClassifier

BLOCKS = ["given_name", "surname", "date_of_birth", "postcode", "address_1"]


def main():
    task, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    names = ["a", "b"] if task == "febrl4" else ["a"]
    frames = [pd.read_csv(folder / f"{name}.csv", dtype=str, index_col="id") for name in names]
    index = recordlinkage.Index()
    for block in BLOCKS:
        index.block(block)
    pairs = index.index(*frames)
    compare = recordlinkage.Compare()
    for column in ["given_name", "surname", "address_1", "suburb"]:
        compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    for column in ["date_of_birth", "postcode", "state", "street_number"]:
        compare.exact(column, column, label=column)
    if task == "febrl3":
        compare.exact("soc_sec_id", "soc_sec_id", label="soc_sec_id")
    features = compare.compute(pairs, *frames)
    classifier = ECMClassifier()
    classifier.fit(features)
    probability = classifier.prob(features)
    p = np.clip(probability.to_numpy(float), 1e-15, 1 - 1e-15)
    links = pd.DataFrame({
        "source_l": names[0], "id_l": features.index.get_level_values(0),
        "source_r": names[-1], "id_r": features.index.get_level_values(1),
        "match_weight": np.log2(p / (1 - p)), "match_probability": p,
    })
    links[links.match_probability >= 0.001].to_csv(out, index=False)


main()
