use super::*;
use crate::Datum;

fn place(values: &[(&str, &str)]) -> Place {
    values
        .iter()
        .map(|(variable, value)| ((*variable).to_owned(), Datum::Text((*value).to_owned())))
        .collect()
}

fn counted(values: &[(&str, &str)], value: f64, minimum: f64) -> RequestCell {
    let is_small = value > 0.0 && value < minimum;
    RequestCell {
        place: place(values),
        value,
        cost: value.max(1.0),
        status: if is_small {
            CellStatus::Primary
        } else {
            CellStatus::Safe
        },
        bounds: Bounds {
            lower: 0.0,
            upper: f64::INFINITY,
        },
        levels: Levels::EXACT,
        holder: None,
    }
}

/// Counts by two variables, with the margins asked for.
fn table(first: &str, second: &str, counts: &[[f64; 3]; 3], margins: bool) -> RequestTable {
    let mut cells = Vec::new();
    let name = |i: usize| ["a", "b", "c"][i];
    for (i, row) in counts.iter().enumerate() {
        for (j, v) in row.iter().enumerate() {
            cells.push(counted(&[(first, name(i)), (second, name(j))], *v, 5.0));
        }
    }
    if margins {
        for i in 0..3 {
            let row: f64 = counts[i].iter().sum();
            let column: f64 = counts.iter().map(|r| r[i]).sum();
            cells.push(counted(&[(first, name(i))], row, 5.0));
            cells.push(counted(&[(second, name(i))], column, 5.0));
        }
        cells.push(counted(&[], counts.iter().flatten().sum(), 5.0));
    }
    RequestTable {
        measure: "people".to_owned(),
        cells,
    }
}

const REGIONS: [[f64; 3]; 3] = [[3.0, 12.0, 20.0], [14.0, 15.0, 16.0], [17.0, 8.0, 19.0]];

#[test]
fn margins_tie_the_cells_of_a_table() {
    let linked = link(
        &[table("region", "sex", &REGIONS, true)],
        &Hierarchies::new(),
    )
    .unwrap();
    assert_eq!(linked.table.rows().len(), 8);
    let found = suppress(&linked.table, 1_000_000);
    assert!(found.proved_safe);
    assert!(
        found.hidden.len() >= 4,
        "a small cell of a table with margins is not hidden alone"
    );
}

#[test]
fn without_margins_one_hidden_cell_is_enough() {
    let linked = link(
        &[table("region", "sex", &REGIONS, false)],
        &Hierarchies::new(),
    )
    .unwrap();
    assert!(linked.table.rows().is_empty());
    let found = suppress(&linked.table, 1_000_000);
    assert_eq!(found.hidden, [linked.index[0][0]]);
    assert!(found.proved_safe);
}

/// Each table alone shows no margin, but the sums over sex and over age are the same people.
#[test]
fn two_tables_without_margins_have_the_margin_in_common_that_a_reader_forms() {
    let other = [[5.0, 20.0, 10.0], [15.0, 15.0, 15.0], [14.0, 15.0, 15.0]];
    let tables = [
        table("region", "sex", &REGIONS, false),
        table("region", "age", &other, false),
    ];
    let linked = link(&tables, &Hierarchies::new()).unwrap();
    let found = suppress(&linked.table, 1_000_000);
    assert!(found.proved_safe);
    let first: Vec<usize> = linked.index[0].clone();
    let hidden_first = found.hidden.iter().filter(|i| first.contains(i)).count();
    let hidden_other = found
        .hidden
        .iter()
        .filter(|i| linked.index[1].contains(i))
        .count();
    assert!(
        hidden_first + hidden_other >= 2,
        "region a must lose a second number"
    );
    let alone = mask(&linked.table, &[first[0]]);
    let mut with_unseen = alone;
    for (index, cell) in linked.table.cells().iter().enumerate() {
        with_unseen[index] |= cell.status == CellStatus::Hidden;
    }
    assert!(!attack(&linked.table, &with_unseen, None).is_safe());
}

#[test]
fn a_cell_that_two_tables_show_is_one_cell_with_what_either_asks() {
    let (a, mut b) = (
        table("region", "sex", &REGIONS, true),
        table("region", "sex", &REGIONS, true),
    );
    b.cells[4].status = CellStatus::Primary;
    let linked = link(&[a.clone(), b.clone()], &Hierarchies::new()).unwrap();
    assert_eq!(linked.index[0], linked.index[1]);
    assert_eq!(
        linked.table.cells()[linked.index[0][4]].status,
        CellStatus::Primary
    );
    b.cells[4].value = 99.0;
    assert!(matches!(
        link(&[a.clone(), b.clone()], &Hierarchies::new()),
        Err(LinkError::TwoValues { .. })
    ));
    b.cells[4].value = 15.0;
    let mut c = table("region", "sex", &REGIONS, true);
    c.cells[4].status = CellStatus::Forced;
    assert!(matches!(
        link(&[b, c], &Hierarchies::new()),
        Err(LinkError::Contradiction { .. })
    ));
}

#[test]
fn margins_that_are_not_sums_are_refused() {
    let mut wrong = table("region", "sex", &REGIONS, true);
    wrong.cells[9].value += 1.0;
    assert!(matches!(
        link(&[wrong], &Hierarchies::new()),
        Err(LinkError::Table(TableError::NotAdditive { .. }))
    ));
}

/// Areas within regions in one variable: the region is the sum of its areas, the total of its
/// regions, and no value counts twice.
#[test]
fn a_hierarchy_adds_up_level_by_level() {
    let data = [
        ("r1", 30.0),
        ("r2", 21.0),
        ("a1", 2.0),
        ("a2", 28.0),
        ("a3", 11.0),
        ("a4", 10.0),
    ];
    let mut cells: Vec<RequestCell> = data
        .iter()
        .map(|(area, v)| counted(&[("area", area)], *v, 5.0))
        .collect();
    cells.push(counted(&[], 51.0, 5.0));
    let text = |s: &str| Datum::Text(s.to_owned());
    let parents = [("a1", "r1"), ("a2", "r1"), ("a3", "r2"), ("a4", "r2")];
    let parents = parents.iter().map(|(a, r)| (text(a), text(r))).collect();
    let hierarchies = Hierarchies::from([("area".to_owned(), parents)]);
    let request = RequestTable {
        measure: "people".to_owned(),
        cells,
    };
    let linked = link(&[request], &hierarchies).unwrap();
    assert_eq!(linked.table.rows().len(), 3);
    let found = suppress(&linked.table, 1_000_000);
    assert!(found.proved_safe);
    // The small area and the other one of its region.
    assert_eq!(found.hidden, [linked.index[0][2], linked.index[0][3]]);
}
