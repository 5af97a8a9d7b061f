use super::*;
use proptest::prelude::*;

/// Inner cells with a share of primaries and levels of a tenth or so, over these dimensions.
fn problem(sizes: &[usize], seed: u64, forced: bool) -> Table {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let inner: Vec<f64> = (0..sizes.iter().product::<usize>())
        .map(|_| match draw(8) {
            0 => 0.0,
            1 => (20 + draw(60)) as f64,
            _ => (1 + draw(20)) as f64,
        })
        .collect();
    let (mut cells, equations) = with_margins(sizes, &inner);
    let full: Vec<usize> = sizes.iter().map(|s| s + 1).collect();
    for (index, cell) in cells.iter_mut().enumerate() {
        let mut rest = index;
        let is_inner = full.iter().all(|size| {
            let code = rest % size;
            rest /= size;
            code > 0
        });
        if is_inner && cell.value > 0.0 && draw(5) == 0 {
            cell.status = CellStatus::Primary;
            cell.levels = match draw(4) {
                0 => Levels::EXACT,
                1 => Levels {
                    lower: 0.0,
                    upper: 0.0,
                    sliding: 2.0,
                },
                _ => Levels {
                    lower: (cell.value / 8.0).ceil().min(cell.value),
                    upper: (cell.value / 5.0).ceil(),
                    sliding: 0.0,
                },
            };
        } else if forced && draw(2) == 0 {
            cell.status = CellStatus::Forced;
        }
    }
    Table::new(cells, equations).unwrap()
}

fn checked(table: &Table, effort: u64) -> Suppression {
    let found = suppress(table, effort);
    let hidden = mask(table, &found.hidden);
    for (index, cell) in table.cells().iter().enumerate() {
        match cell.status {
            CellStatus::Primary | CellStatus::Hidden => assert!(hidden[index]),
            CellStatus::Forced => assert!(!hidden[index]),
            CellStatus::Safe => {}
        }
    }
    if found.feasible {
        assert!(found.proved_safe);
        assert!(
            reference::is_safe(table, &hidden),
            "the reference breaks it"
        );
        for (need, witnesses) in &found.proof {
            assert!(verify(table, &hidden, need, witnesses));
        }
    }
    found
}

#[test]
fn every_pattern_is_safe_and_its_cost_is_within_fifteen_in_a_hundred_of_the_optimum() {
    let mut ratios = Vec::new();
    for seed in 1..=12 {
        for sizes in [&[2, 3][..], &[3, 3], &[3, 2]] {
            let table = problem(sizes, seed, false);
            let found = checked(&table, 2_000_000);
            let optimum = reference::optimum(&table);
            assert_eq!(found.feasible, optimum.is_some(), "{sizes:?} {seed}");
            if let Some(optimum) = optimum.filter(|o| *o > 0.0) {
                let ratio = found.cost / optimum;
                assert!(
                    ratio >= 1.0 - 1e-9,
                    "{sizes:?} {seed}: cheaper than the optimum"
                );
                ratios.push(ratio);
            }
        }
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios.len() > 20);
    assert!(
        ratios[ratios.len() / 2] <= 1.15,
        "median {}",
        ratios[ratios.len() / 2]
    );
    assert!(ratios[ratios.len() * 9 / 10] <= 1.15, "{ratios:?}");
}

#[test]
fn forced_cells_stay_and_infeasible_is_said_exactly_when_nothing_is_safe() {
    let mut infeasible = 0;
    for seed in 1..=20 {
        let table = problem(&[3, 3], seed, true);
        let found = checked(&table, 1_000_000);
        let all: Vec<bool> = table
            .cells()
            .iter()
            .map(|c| c.status != CellStatus::Forced)
            .collect();
        assert_eq!(found.feasible, reference::is_safe(&table, &all), "{seed}");
        assert_eq!(found.unprotected.is_empty(), found.feasible);
        infeasible += usize::from(!found.feasible);
    }
    assert!(infeasible > 1 && infeasible < 19, "{infeasible} of 20");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn an_attack_finds_the_reference_s_intervals(
        seed in 1_u64..10_000,
        pattern in proptest::collection::vec(any::<bool>(), 16),
    ) {
        let table = problem(&[3, 3], seed, false);
        let hidden: Vec<bool> = table
            .cells()
            .iter()
            .zip(&pattern)
            .map(|(c, h)| *h || c.status == CellStatus::Primary)
            .collect();
        let attack = attack(&table, &hidden, None);
        for (cell, interval) in &attack.intervals {
            let value = table.cells()[*cell as usize].value;
            let up = reference::farthest(&table, &hidden, *cell as usize, true);
            let down = reference::farthest(&table, &hidden, *cell as usize, false);
            let interval = interval.unwrap();
            prop_assert!((interval.upper - value - up).abs() < 1e-5, "{interval:?} {up}");
            prop_assert!((value - interval.lower - down).abs() < 1e-5, "{interval:?} {down}");
        }
        prop_assert_eq!(attack.is_safe(), reference::is_safe(&table, &hidden));
    }

    #[test]
    fn bigger_tables_are_safe_under_the_attacker_s_programmes(seed in 1_u64..10_000) {
        let table = problem(&[6, 5], seed, false);
        let found = suppress(&table, 1_000_000);
        prop_assert!(found.feasible && found.proved_safe);
        prop_assert!(attack(&table, &mask(&table, &found.hidden), None).is_safe());
        prop_assert_eq!(&found, &suppress(&table, 1_000_000));
    }
}

#[test]
fn a_witness_that_is_tampered_with_is_not_believed() {
    let table = problem(&[3, 3], 5, false);
    let found = checked(&table, 1_000_000);
    let hidden = mask(&table, &found.hidden);
    let (need, witnesses) = &found.proof[0];
    assert!(verify(&table, &hidden, need, witnesses));
    assert!(!verify(&table, &hidden, need, &[]), "no witness");
    let mut cut = witnesses.clone();
    cut.iter_mut().for_each(|w| {
        w.0.pop();
    });
    assert!(
        !verify(&table, &hidden, need, &cut),
        "an equation does not hold"
    );
    let small: Vec<Witness> = witnesses
        .iter()
        .map(|w| Witness(w.0.iter().map(|(c, d)| (*c, d * 0.4)).collect()))
        .collect();
    assert!(
        !verify(&table, &hidden, need, &small),
        "it does not reach the level"
    );
    let far: Vec<Witness> = witnesses
        .iter()
        .map(|w| Witness(w.0.iter().map(|(c, d)| (*c, d * 1e4)).collect()))
        .collect();
    assert!(!verify(&table, &hidden, need, &far), "a bound is broken");
    let shown = vec![false; hidden.len()];
    assert!(
        !verify(&table, &shown, need, witnesses),
        "the cells are published"
    );
}

/// Two cells of a row, each of one respondent: hidden together they are secrets to everybody but to
/// each other, so a third is hidden.
#[test]
fn two_singletons_are_not_left_alone_in_a_line() {
    let (mut cells, equations) = with_margins(
        &[4, 3],
        &[
            5.0, 9.0, 30.0, 40.0, 31.0, 22.0, 33.0, 44.0, 25.0, 36.0, 17.0, 48.0,
        ],
    );
    let (first, second) = (at(4, 1, 1), at(4, 2, 1));
    for (respondent, index) in [(1, first), (2, second)] {
        cells[index].status = CellStatus::Primary;
        cells[index].levels = Levels {
            lower: 1.0,
            upper: 1.0,
            sliding: 0.0,
        };
        cells[index].holder = Some(respondent);
    }
    let table = Table::new(cells.clone(), equations.clone()).unwrap();
    let found = suppress(&table, EFFORT / 100);
    let hidden = mask(&table, &found.hidden);
    assert!(found.feasible && found.proved_safe);
    for respondent in [1, 2] {
        assert!(
            attack(&table, &hidden, Some(respondent)).is_safe(),
            "{respondent}"
        );
    }
    // Without that knowledge, a pattern exists that these readers break.
    for cell in &mut cells {
        cell.holder = None;
    }
    let plain = Table::new(cells, equations).unwrap();
    let cheaper = suppress(&plain, EFFORT / 100);
    assert!(cheaper.cost < found.cost);
    assert!(!attack(&table, &mask(&table, &cheaper.hidden), Some(1)).is_safe());
}

#[test]
fn levels_follow_the_rules_of_the_handbook() {
    // p% with x1 = 80, x2 = 15, X = 100: 10/100 · 80 - 5 = 3.
    assert_eq!(Levels::p_percent(10.0, 100.0, 80.0, 15.0).upper, 3.0);
    assert_eq!(Levels::p_percent(10.0, 100.0, 50.0, 20.0).upper, 0.0);
    // (2, 90): 100/90 · 95 - 100.
    let level = Levels::dominance(90.0, 100.0, 95.0).lower;
    assert!((level - 5.555_555_6).abs() < 1e-6);
    assert_eq!(
        Levels::threshold(3.0, 10.0),
        Levels {
            lower: 3.0,
            upper: 7.0,
            sliding: 0.0
        }
    );
}

/// A large known cell does not carry a deviation through a solver's tolerance.
#[test]
fn an_unbounded_cell_beside_a_small_one_does_not_make_a_leaking_pattern_look_safe() {
    let (mut cells, equations) = with_margins(&[2, 2], &[3.0, 4e9, 5.0, 6e9]);
    for cell in &mut cells {
        cell.bounds.upper = f64::INFINITY;
    }
    let small = at(2, 1, 1);
    cells[small].status = CellStatus::Primary;
    cells[small].levels = Levels {
        lower: 3.0,
        upper: 2.0,
        sliding: 0.0,
    };
    let table = Table::new(cells, equations).unwrap();
    let row_only = mask(&table, &[small, at(2, 2, 1)]);
    assert!(!attack(&table, &row_only, None).is_safe());
    let found = suppress(&table, 1_000_000);
    assert!(found.feasible && found.proved_safe);
    assert!(found.hidden.len() >= 4);
}
