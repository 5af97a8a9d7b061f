use disclosure::suppress::EFFORT;

use super::*;

/// A 2 by 2 table with margins; one inner cell is primary.
const SQUARE: &str = "0\n9\n\
    0 20 20 s 0 100 0 0 0\n1 9 9 s 0 100 0 0 0\n2 11 11 s 0 100 0 0 0\n\
    3 8 8 s 0 100 0 0 0\n4 3 3 u 0 100 2 2 0\n5 5 5 s 0 100 0 0 0\n\
    6 12 12 s 0 100 0 0 0\n7 6 6 s 0 100 0 0 0\n8 6 6 s 0 100 0 0 0\n\
    6\n0 3 : 0 (-1) 3 (1) 6 (1)\n0 3 : 1 (-1) 4 (1) 7 (1)\n0 3 : 2 (-1) 5 (1) 8 (1)\n\
    0 3 : 0 (-1) 1 (1) 2 (1)\n0 3 : 3 (-1) 4 (1) 5 (1)\n0 3 : 6 (-1) 7 (1) 8 (1)\n";

fn answered(text: &str) -> serde_json::Value {
    let table = jj::read(text).unwrap();
    answer(&table, &suppress(&table, EFFORT))
}

#[test]
fn the_answer_names_cells_by_id_with_cost_and_proof() {
    assert_eq!(
        answered(SQUARE),
        serde_json::json!({"feasible": true, "hidden": [4, 5, 7, 8], "cost": 20.0, "proved_safe": true})
    );
}

#[test]
fn a_cell_that_cannot_be_protected_is_named_and_nothing_is_called_safe() {
    let forced = SQUARE
        .replace("1 9 9 s", "1 9 9 z")
        .replace("7 6 6 s", "7 6 6 z");
    let answer = answered(&forced);
    assert_eq!(answer["feasible"], false);
    assert_eq!(answer["proved_safe"], false);
    assert_eq!(answer["unprotected"], serde_json::json!([4]));
}

#[test]
fn what_is_written_reads_back_with_the_secondary_cells_hidden() {
    let table = jj::read(SQUARE).unwrap();
    let found = suppress(&table, EFFORT);
    let again = jj::read(&jj::write(&marked(&table, &found).unwrap())).unwrap();
    let hidden: Vec<i64> = again
        .cells()
        .iter()
        .filter(|c| c.status == CellStatus::Hidden)
        .map(|c| c.id)
        .collect();
    assert_eq!(hidden, [5, 7, 8]);
}

#[test]
fn what_is_larger_than_a_limit_is_refused_by_its_name() {
    assert_eq!(within("cells", 9, ("suppress_cells", 9)), Ok(()));
    assert_eq!(
        within("cells", 10, ("suppress_cells", 9)).unwrap_err(),
        "the table has 10 cells; the limit suppress_cells in policies/disclosure/default.toml is 9"
    );
}
