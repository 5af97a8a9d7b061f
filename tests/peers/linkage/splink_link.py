"""Splink as its documentation recommends.

Usage: splink_link.py people|people_chi|febrl3|febrl4 DIR OUT.csv
"""

import logging
import pathlib
import sys

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THREADS = 2
KEPT_FROM = 0.001
U_PAIRS = 1e7

CLEAN_PEOPLE = """
create table {name} as select id as unique_id,
    nullif(lower(trim(forename)), '') as forename, nullif(lower(trim(surname)), '') as surname,
    nullif(lower(trim(forename)), '') || ' ' || nullif(lower(trim(surname)), '') as full_name,
    nullif(date_of_birth, '') as date_of_birth, left(nullif(date_of_birth, ''), 4) as birth_year,
    nullif(upper(left(trim(sex), 1)), '') as sex, nullif(upper(trim(postcode)), '') as postcode,
    regexp_extract(nullif(upper(trim(postcode)), ''), '^[A-Z]+[0-9]+[A-Z]?') as district,
    nullif(chi, '') as chi
from read_csv('{path}', all_varchar = true)
"""

CLEAN_FEBRL = """
create table {name} as select id as unique_id,
    nullif(trim(given_name), '') as given_name, nullif(trim(surname), '') as surname,
    nullif(trim(given_name), '') || ' ' || nullif(trim(surname), '') as full_name,
    nullif(trim(street_number), '') as street_number, nullif(trim(address_1), '') as address_1,
    nullif(trim(suburb), '') as suburb, nullif(trim(postcode), '') as postcode,
    nullif(trim(date_of_birth), '') as date_of_birth {more}
from read_csv('{path}', all_varchar = true)
"""


def people(chi):
    comparisons = [
        cl.ForenameSurnameComparison("forename", "surname", forename_surname_concat_col_name="full_name"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y-%m-%d"),
        cl.PostcodeComparison("postcode"),
        cl.ExactMatch("sex"),
    ]
    rules = [
        block_on("surname", "date_of_birth"),
        block_on("forename", "date_of_birth"),
        block_on("postcode", "date_of_birth"),
        block_on("postcode", "forename"),
        block_on("postcode", "surname", "birth_year"),
        block_on("forename", "surname", "birth_year"),
        block_on("forename", "surname", "district"),
        block_on("surname", "district", "birth_year", "sex"),
        "l.forename = r.surname and l.surname = r.forename and l.date_of_birth = r.date_of_birth",
    ]
    certain = [block_on("forename", "surname", "date_of_birth"), block_on("surname", "date_of_birth", "postcode")]
    if chi:
        comparisons.append(cl.DamerauLevenshteinAtThresholds("chi", [1, 2]))
        rules.insert(0, block_on("chi"))
        certain.insert(0, block_on("chi"))
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )
    return settings, certain, 0.8, [block_on("date_of_birth"), block_on("forename", "surname")]


def febrl(link_type, ssn):
    comparisons = [
        cl.ForenameSurnameComparison("given_name", "surname", forename_surname_concat_col_name="full_name"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("address_1", [0.9, 0.8]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("suburb", [0.9]).configure(term_frequency_adjustments=True),
    ]
    rules = [
        block_on("given_name", "surname"), block_on("date_of_birth"), block_on("given_name", "postcode"),
        block_on("surname", "postcode"), block_on("given_name", "suburb"), block_on("surname", "suburb"),
        block_on("street_number", "postcode"), block_on("address_1"),
        "l.given_name = r.surname and l.surname = r.given_name",
    ]
    certain = [block_on("given_name", "surname", "date_of_birth")]
    if ssn:
        comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]))
        rules.insert(0, block_on("soc_sec_id"))
        certain.insert(0, block_on("soc_sec_id"))
    settings = SettingsCreator(
        link_type=link_type,
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )
    return settings, certain, 0.9 if ssn else 0.6, [block_on("date_of_birth"), block_on("given_name", "surname")]


def main():
    task, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    logging.disable(logging.WARNING)
    con = duckdb.connect()
    con.execute(f"set threads = {THREADS}")
    if task.startswith("people"):
        files, clean = ["register", "delivery"], CLEAN_PEOPLE
        settings, certain, recall, blocks = people(task == "people_chi")
    elif task == "febrl4":
        files, clean = ["a", "b"], CLEAN_FEBRL.replace("{more}", "")
        settings, certain, recall, blocks = febrl("link_only", False)
    else:
        files, clean = ["a"], CLEAN_FEBRL.replace("{more}", ", nullif(trim(soc_sec_id), '') as soc_sec_id")
        settings, certain, recall, blocks = febrl("dedupe_only", True)
    api = DuckDBAPI(connection=con)
    tables = []
    for name in files:
        con.execute(clean.format(name=f"clean_{name}", path=folder / f"{name}.csv"))
        tables.append(api.register(f"clean_{name}", dataset_display_name=name))
    linker = Linker(tables if len(tables) > 1 else tables[0], settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=1)
    for block in blocks:
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    found = linker.inference.predict(threshold_match_probability=KEPT_FROM)
    left = "source_dataset_l" if len(files) > 1 else f"'{files[0]}'"
    right = "source_dataset_r" if len(files) > 1 else f"'{files[0]}'"
    # The register first, whatever the order of the pair.
    order = f"{left} = '{files[0]}'"
    con.execute(
        f"copy (select if({order}, {left}, {right}) source_l, if({order}, unique_id_l, unique_id_r) id_l, "
        f"if({order}, {right}, {left}) source_r, if({order}, unique_id_r, unique_id_l) id_r, "
        f"match_weight, match_probability from {found.physical_name}) to '{out}' (header)"
    )


main()
