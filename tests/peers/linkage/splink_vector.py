"""Makes crates/linkage/src/splink/vectors/*.json: a saved Splink model, records, and the weight that Splink
gives each pair. Run in a virtual environment with splink (4 or 5): python splink_vector.py OUT.json dedupe|link"""

import json
import random
import sys

import duckdb
import splink
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

OUT, KIND = sys.argv[1:]
rnd = random.Random(20)
FORE = ["Ann", "Anne", "Anna", "Marjory", "Marjorie", "Iain", "Ian", "Euan", "Ewan", "Zoë", "Mohammed", "Muhammad"]
SUR = ["Smith", "Smyth", "Smiht", "MacDonald", "McDonald", "Macdonald", "O'Neil", "ONeill", "Brown", "Browne", "Khan"]
CODE = ["EH1 1AA", "EH1 1AB", "EH1 2AA", "EH12 5QT", "G12 8QQ", "G1 1AA", "EH11AA", "ZZ"]
DATE = ["1980-02-29", "1980-02-28", "1980-03-01", "1981-02-28", "1971-12-31", "1990-01-09", "1990-09-01", "1990-02-30", "unknown"]
MAIL = ["ann@x.org", "ann@y.org", "anne@x.org", "m.khan@z.net", "mkhan@z.net", "@x.org"]
TOWN = ["Leith", "Leith", "Leith", "Leith", "Crail", "Oban", "Tain"]


def maybe(values, missing=0.12):
    return None if rnd.random() < missing else rnd.choice(values)


def record(i):
    return dict(unique_id=f"r{i:03}", first_name=maybe(FORE), surname=maybe(SUR), dob=maybe(DATE),
                postcode=maybe(CODE), email=maybe(MAIL, 0.4), town=maybe(TOWN))


def trained(comparison):
    """m and u as if they had been learned: fixed numbers, falling and rising over the levels."""
    levels = [l for l in comparison["comparison_levels"] if not l.get("is_null_level")]
    for place, level in enumerate(levels):
        level["m_probability"] = round(0.71 / 2.3 ** place, 6)
        level["u_probability"] = round(0.0007 * 4.1 ** place if place + 1 < len(levels) else 0.9, 6)


settings = SettingsCreator(
    link_type="link_only" if KIND == "link" else "dedupe_only",
    probability_two_random_records_match=0.0137,
    comparisons=[
        cl.NameComparison("first_name"),
        cl.CustomComparison(output_column_name="surname", comparison_levels=[
            cll.NullLevel("surname"),
            cll.ExactMatchLevel("surname", term_frequency_adjustments=True),
            cll.JaroWinklerLevel("surname", 0.9).configure(
                tf_adjustment_column="surname", tf_adjustment_weight=0.6, tf_minimum_u_value=0.05),
            cll.Or(cll.ColumnsReversedLevel("first_name", "surname"), cll.JaroLevel("surname", 0.8)),
            cll.DamerauLevenshteinLevel("surname", 2),
            cll.ElseLevel()]),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode"),
        cl.EmailComparison("email"),
        cl.CustomComparison(output_column_name="town", comparison_levels=[
            cll.NullLevel("town"),
            cll.And(cll.ExactMatchLevel("town"), cll.Not(cll.ExactMatchLevel("postcode"))),
            cll.ExactMatchLevel("town", term_frequency_adjustments=True),
            cll.JaccardLevel("town", 0.4),
            cll.ElseLevel()]),
    ],
    blocking_rules_to_generate_predictions=[
        block_on("town"),
        block_on("substr(surname, 1, 2)", "substr(dob, 1, 4)"),
        "l.surname = r.surname and levenshtein(l.first_name, r.first_name) <= 3",
        "l.first_name = r.surname",
    ],
    retain_matching_columns=False,
).create_settings_dict("duckdb") if hasattr(SettingsCreator, "create_settings_dict") else None
if settings is None:
    sys.exit("this Splink has no SettingsCreator.create_settings_dict")
for comparison in settings["comparisons"]:
    trained(comparison)

tables = {"a": [record(i) for i in range(45)], "b": [record(100 + i) for i in range(45)]}
if KIND != "link":
    tables.pop("b")
con = duckdb.connect()
for name, rows in tables.items():
    con.execute(f"create table {name} (" + ", ".join(f"{c} varchar" for c in rows[0]) + ")")
    con.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", [list(r.values()) for r in rows])
api = DuckDBAPI(connection=con)
if int(splink.__version__.split(".")[0]) >= 5:
    linker = Linker([api.register(name, dataset_display_name=name) for name in tables], settings)
else:
    linker = Linker(list(tables), settings, db_api=api, input_table_aliases=list(tables))
saved = linker.misc.save_model_to_json()
predicted = linker.inference.predict()
found = predicted.as_record_dict() if hasattr(predicted, "as_record_dict") else predicted.as_record_list()
pairs = sorted((r["unique_id_l"], r["unique_id_r"], r["match_weight"]) for r in found)
levels = [c["comparison_levels"] for c in saved["comparisons"]]
print(splink.__version__, duckdb.__version__, len(pairs), "pairs", sum(map(len, levels)), "levels")
with open(OUT, "w", encoding="utf-8") as out:
    head = dict(made_with=f"splink {splink.__version__}, duckdb {duckdb.__version__}, tests/peers/linkage/splink_vector.py",
                model=saved)
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
    row = lambda r: json.dumps(r, ensure_ascii=False)
    text += ',\n "tables": {' + ",".join(
        f'\n  "{n}": [\n   ' + ",\n   ".join(row(list(r.values())) for r in rows) + "\n  ]" for n, rows in tables.items())
    text += '\n },\n "pairs": [\n  ' + ",\n  ".join(row(p) for p in pairs) + "\n ]\n}\n"
    out.write(text)
