use super::*;
use crate::suppress::{Bounds, Cell, CellStatus, Equation, Levels, Table};

#[test]
fn numbers_are_rounded_as_the_published_tables_say() {
    let fives: Vec<u64> = (0..=8).map(|n| nearest(n, 5)).collect();
    assert_eq!(fives, [0, 0, 0, 5, 5, 5, 5, 5, 10]);
    // OpenSAFELY: midpoint 6 rounding.
    let sixes: Vec<u64> = (0..=13).map(|n| midpoint(n, 6)).collect();
    assert_eq!(sixes, [0, 3, 3, 3, 3, 3, 3, 9, 9, 9, 9, 9, 9, 15]);
    assert_eq!(nearest(u64::MAX, 5), u64::MAX);
    assert_eq!(nearest(7, 0), 7);
}

#[test]
fn random_rounding_has_no_bias() {
    for value in 0..20_u64 {
        let shares = (0..1_000).map(|i| (f64::from(i) + 0.5) / 1_000.0);
        let mean = shares.map(|s| random(value, 3, s) as f64).sum::<f64>() / 1_000.0;
        assert!((mean - value as f64).abs() < 0.01, "{value}: {mean}");
    }
}

/// A two-way table with margins from its inner cells, row by row.
fn two_way(rows: usize, columns: usize, inner: &[u64]) -> Table {
    let (width, mut value) = (columns + 1, vec![0_u64; (rows + 1) * (columns + 1)]);
    for r in 0..rows {
        for c in 0..columns {
            let v = inner[r * columns + c];
            for at in [
                r * width + c,
                r * width + columns,
                rows * width + c,
                rows * width + columns,
            ] {
                value[at] += v;
            }
        }
    }
    let mut equations = Vec::new();
    for r in 0..=rows {
        let mut terms: Vec<(usize, f64)> = (0..columns).map(|c| (r * width + c, 1.0)).collect();
        terms.push((r * width + columns, -1.0));
        equations.push(Equation { rhs: 0.0, terms });
    }
    for c in 0..=columns {
        let mut terms: Vec<(usize, f64)> = (0..rows).map(|r| (r * width + c, 1.0)).collect();
        terms.push((rows * width + c, -1.0));
        equations.push(Equation { rhs: 0.0, terms });
    }
    let cells = value
        .iter()
        .enumerate()
        .map(|(id, v)| Cell {
            id: id as i64,
            value: *v as f64,
            cost: 1.0,
            status: CellStatus::Safe,
            bounds: Bounds {
                lower: 0.0,
                upper: f64::INFINITY,
            },
            levels: Levels::EXACT,
            holder: None,
        })
        .collect();
    Table::new(cells, equations).unwrap()
}

mod any_table {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_two_way_table_is_rounded_to_neighbours_and_adds_up(
            inner in proptest::collection::vec(0_u64..40, 12),
            base in 2_u32..8,
        ) {
            let table = two_way(3, 4, &inner);
            let rounded = controlled(&table, base).unwrap();
            let b = u64::from(base);
            for (cell, value) in table.cells().iter().zip(&rounded) {
                let truth = cell.value as u64;
                prop_assert!(value % b == 0 && value.abs_diff(truth) < b, "{truth} {value}");
            }
            for row in table.rows() {
                let sum: i64 = row.iter().map(|(c, f)| rounded[*c as usize] as i64 * *f as i64).sum();
                prop_assert_eq!(sum, 0);
            }
        }
    }
}

#[test]
fn what_is_not_a_count_is_refused() {
    let mut cells = two_way(1, 1, &[3]).cells().to_vec();
    cells[0].value = 2.5;
    let table = Table::new(cells, Vec::new()).unwrap();
    assert_eq!(controlled(&table, 5), Err(ControlledError::NotCounts));
    assert_eq!(controlled(&table, 0), Err(ControlledError::Base));
}

#[test]
fn the_same_people_get_the_same_noise_in_any_order_and_under_another_secret_another() {
    let keys = CellKeys::new(&[7; 32]);
    let people = |order: [u64; 4]| keys.cell(order.map(|p| keys.record(p)));
    assert_eq!(people([1, 2, 3, 4]), people([4, 2, 1, 3]));
    assert_ne!(people([1, 2, 3, 4]), people([1, 2, 3, 5]));
    let other = CellKeys::new(&[8; 32]);
    assert_ne!(keys.record(1), other.record(1));
}

#[test]
fn noise_is_unbiased_has_the_variance_asked_for_and_keeps_zero_and_what_is_forbidden() {
    let table = PTable::maximum_entropy(5, 4.0, 2).unwrap();
    for count in 0..=30_u64 {
        let chances = table.chances(count);
        let moment = |power: i32| -> f64 {
            chances
                .iter()
                .zip(-5..)
                .map(|(c, v)| c * f64::from(v).powi(power))
                .sum()
        };
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(moment(1).abs() < 1e-6, "{count}: mean {}", moment(1));
        if count > 8 {
            assert!(
                (moment(2) - 4.0).abs() < 1e-6,
                "{count}: variance {}",
                moment(2)
            );
        }
        for share in 0..1_000 {
            let after = table.perturbed(count, f64::from(share) / 1_000.0);
            assert!(after == 0 || after > 2, "{count} became {after}");
            assert!(after.abs_diff(count) <= 5);
            assert!(count > 0 || after == 0);
        }
    }
    assert_eq!(PTable::maximum_entropy(0, 1.0, 0), Err(PTableError::Reach));
    assert_eq!(
        PTable::maximum_entropy(2, 5.0, 0),
        Err(PTableError::Variance)
    );
}
