use super::cut::cuts;
use super::*;

mod bytes;
mod reference;

fn about(name: &str) -> About {
    About {
        name: name.to_owned(),
        date: "3 May".to_owned(),
        measure: "people".to_owned(),
        data_version: "1".to_owned(),
        treatment: Treatment::Exact,
    }
}

/// A table of counts from the people of each cell.
fn release(name: &str, population: usize, cells: &[(&str, Vec<u32>)]) -> Release {
    treated(about(name), population, cells, |n| n)
}

fn treated(
    about: About,
    population: usize,
    cells: &[(&str, Vec<u32>)],
    value: impl Fn(f64) -> f64,
) -> Release {
    let cells = cells
        .iter()
        .map(|(key, people)| CellPeople {
            key: (*key).to_owned(),
            value: Some(value(people.len() as f64)),
            people: people.clone(),
        })
        .collect();
    Release::new(about, population, cells).unwrap()
}

fn people(range: std::ops::Range<u32>) -> Vec<u32> {
    range.collect()
}

#[test]
fn a_selection_that_leaves_out_three_people_isolates_them() {
    let old = release(
        "table 12",
        200,
        &[
            ("women in R1", people(0..60)),
            ("women in R2", people(60..150)),
        ],
    );
    let new = release(
        "this",
        200,
        &[
            ("women in R1", people(0..60)),
            ("women in R2", people(63..150)),
        ],
    );
    let found = compare(&new, &[old], 10);
    assert_eq!(found.len(), 1);
    let it = &found[0];
    assert_eq!((it.how, it.people), (Isolated::Exactly, 3));
    assert_eq!((it.cells.clone(), it.earlier.clone()), (vec![1], vec![0]));
    assert_eq!(
        it.sentence,
        "table 12 of 3 May minus this table isolates 3 people: women in R2 there and not counted here"
    );
    assert_eq!(
        it.proof.terms,
        [
            Term {
                earlier: None,
                cell: 1,
                factor: -1
            },
            Term {
                earlier: Some(0),
                cell: 1,
                factor: 1
            },
        ]
    );
    assert!(it.fix.contains("women in R2"));
}

/// The same exclusion before and after taking each person's first encounter: one person in one cell,
/// sixteen in another. Ten are enough to hide among; one is not.
#[test]
fn the_cell_that_differs_by_one_is_named_and_the_one_that_differs_by_sixteen_is_not() {
    let old = release(
        "the first table",
        400,
        &[("age 40", people(0..100)), ("age 50", people(100..300))],
    );
    let new = release(
        "this",
        400,
        &[("age 40", people(0..99)), ("age 50", people(116..300))],
    );
    let found = compare(&new, &[old], 10);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].people, found[0].cells.clone()), (1, vec![0]));
    assert!(found[0].sentence.contains("isolates 1 person: age 40"));
}

#[test]
fn the_same_table_again_and_one_that_differs_by_enough_are_let_through() {
    let old = release(
        "old",
        300,
        &[("a", people(0..100)), ("b", people(100..200))],
    );
    let finer = release(
        "this",
        300,
        &[
            ("a1", people(0..40)),
            ("a2", people(40..100)),
            ("b1", people(100..150)),
            ("b2", people(150..200)),
        ],
    );
    assert_eq!(compare(&old, std::slice::from_ref(&old), 10), []);
    assert_eq!(compare(&finer, std::slice::from_ref(&old), 10), []);
    let more = release(
        "this",
        300,
        &[("a", people(0..110)), ("b", people(110..200))],
    );
    assert_eq!(compare(&more, &[old], 10), []);
}

/// No two of them differ by a small group.
/// Two conditions share a patient: each less the other is of nine. A reader of the table once knows that already.
#[test]
fn the_same_table_again_is_let_through_also_where_its_cells_share_people() {
    let cells = [
        ("asthma", people(0..10)),
        ("eczema", people(9..19)),
        ("others", people(30..80)),
    ];
    let (old, again) = (
        release("table 12", 200, &cells),
        release("this", 200, &cells),
    );
    let other = release("this", 200, &cells[1..]);
    let close = |new: &Release| {
        let mut comparison = Comparison::new(new, 10);
        comparison.add(&old);
        comparison.close().len()
    };
    assert_eq!((close(&again), close(&other)), (0, 1));
    assert!(compare(&again, &[old], 10).is_empty());
}

#[test]
fn four_tables_isolate_whom_no_pair_isolates() {
    // Blocks of thirty and a group of three, 90..93.
    let whole = release("A", 120, &[("everybody", people(0..93))]);
    let first = release("B", 120, &[("b", people(0..60))]);
    let second = release("C", 120, &[("c", people(30..90))]);
    let new = release("this", 120, &[("d", people(30..60))]);
    // whole - first - second + new = 90..93.
    let earlier = [whole, first, second];
    for one in &earlier {
        assert!(
            compare(&new, std::slice::from_ref(one), 10)
                .iter()
                .all(|f| f.how != Isolated::Exactly)
        );
    }
    let found = compare(&new, &earlier, 10);
    let exact: Vec<_> = found
        .iter()
        .filter(|f| f.how == Isolated::Exactly)
        .collect();
    assert_eq!(exact.len(), 1);
    assert_eq!(
        (exact[0].people, exact[0].earlier.clone()),
        (3, vec![0, 1, 2])
    );
    assert_eq!(exact[0].proof.divisor, 1);
    assert!(
        exact[0].sentence.starts_with(
            "this table together with A of 3 May and B of 3 May and C of 3 May isolates 3 people"
        ),
        "{}",
        exact[0].sentence
    );
}

#[test]
fn a_hidden_cell_subtracts_from_nothing_but_its_total_does() {
    let hidden = |key: &str, people| CellPeople {
        key: key.to_owned(),
        value: None,
        people,
    };
    let mut cells = vec![hidden("few", people(0..30)), hidden("rest", people(30..60))];
    let new = release("this", 60, &[("all but three", people(3..60))]);
    let old = Release::new(about("old"), 60, cells.clone()).unwrap();
    assert_eq!(compare(&new, &[old], 10), []);
    cells.push(CellPeople {
        key: "total".to_owned(),
        value: Some(60.0),
        people: people(0..60),
    });
    let with_total = Release::new(about("old"), 60, cells).unwrap();
    let found = compare(&new, &[with_total], 10);
    assert_eq!((found[0].how, found[0].people), (Isolated::Exactly, 3));
}

/// What an earlier table gave away by itself is not blamed on the new one.
#[test]
fn what_was_known_before_is_no_news() {
    let old = release(
        "old",
        60,
        &[("most", people(3..60)), ("all", people(0..60))],
    );
    let new = release("this", 60, &[("most", people(3..60))]);
    assert_eq!(compare(&new, &[old], 10), []);
}

/// Whatever it is called and in whichever order its people are listed; anybody who moves makes it another table.
#[test]
fn a_table_is_the_same_if_it_says_the_same_of_the_same_people() {
    let of = |name: &str, cells: &[(&str, Vec<u32>)]| release(name, 200, cells);
    let cells = [("all", people(0..60)), ("women", people(10..30))];
    let table = of("a", &cells);
    let [(all, mut everybody), (women, mut some)] = cells;
    everybody.reverse();
    some.reverse();
    assert!(table.is_same_table(&of("b", &[(all, everybody.clone()), (women, some.clone())])));
    let longer = release("c", 300, &[(all, everybody.clone()), (women, some)]);
    assert!(table.is_same_table(&longer) && longer.is_same_table(&table));
    let moved: Vec<u32> = (11..31).collect();
    assert!(!table.is_same_table(&of("d", &[(all, everybody.clone()), (women, moved)])));
    assert!(!table.is_same_table(&of("e", &[(all, everybody.clone())])));
    let men = [(all, everybody.clone()), ("men", people(10..30))];
    assert!(!table.is_same_table(&of("f", &men)));
    let values = About {
        measure: "values".to_owned(),
        ..about("g")
    };
    let cells = [(all, everybody), (women, people(10..30))];
    assert!(!table.is_same_table(&treated(values, 200, &cells, |n| n)));

    let hidden = table
        .clone()
        .under_another_name("a screen", "another project");
    assert_eq!(hidden.about().name, "a screen");
    assert!(hidden.cells().iter().all(|cell| cell.key == "a cell"));
}

#[test]
fn tables_of_another_measure_are_not_subtracted() {
    let old = release("old", 60, &[("a", people(0..60))]);
    let mut other = about("this");
    other.measure = "sum of cost".to_owned();
    let new = treated(other, 60, &[("a", people(0..58))], |n| n * 100.0);
    assert_eq!(compare(&new, std::slice::from_ref(&old), 10), []);
    // Sums over all and over all but two: the two people's cost.
    let mut sums = about("sums");
    sums.measure = "sum of cost".to_owned();
    let before = treated(sums, 60, &[("a", people(0..60))], |n| n * 100.0);
    assert_eq!(compare(&new, &[before], 10)[0].people, 2);
}

#[test]
fn rounding_protects_as_far_as_it_goes() {
    let rounded = |name: &str, base: f64, cells: &[(&str, Vec<u32>)]| {
        let mut about = about(name);
        about.treatment = Treatment::Within(base / 2.0);
        treated(about, 200, cells, |n| (n / base).round() * base)
    };
    let (all, fewer) = ([("a", people(0..100))], [("a", people(0..96))]);
    let five = compare(
        &rounded("this", 5.0, &fewer),
        &[rounded("old", 5.0, &all)],
        10,
    );
    assert_eq!(five, [], "5 give or take 5 may be nobody");
    let one = compare(
        &rounded("this", 2.0, &fewer),
        &[rounded("old", 2.0, &all)],
        10,
    );
    assert_eq!(one[0].how, Isolated::Within);
    assert!(one[0].sentence.contains("although values were rounded"));
}

#[test]
fn fresh_noise_over_the_same_people_is_told_and_the_same_answer_is_not() {
    let noisy = |name: &str, plus: f64| {
        let mut about = about(name);
        about.treatment = Treatment::Noise;
        treated(about, 200, &[("a", people(0..100))], |n| n + plus)
    };
    let found = compare(&noisy("this", 3.0), &[noisy("old", -2.0)], 10);
    assert_eq!(found[0].how, Isolated::Again);
    assert_eq!(compare(&noisy("this", 3.0), &[noisy("old", 3.0)], 10), []);
}

#[test]
fn a_refresh_that_moves_few_people_both_ways_is_told() {
    let old = release("old", 200, &[("a", people(0..100))]);
    let new = release("this", 200, &[("a", people(2..103))]);
    let found = compare(&new, &[old], 10);
    assert!(
        found
            .iter()
            .any(|f| f.how == Isolated::Near && f.people == 5)
    );
}

#[test]
fn people_of_a_later_version_of_the_data_are_past_the_end_of_the_earlier_one() {
    let old = release("old", 100, &[("a", people(0..100))]);
    let new = release("this", 104, &[("a", people(0..104))]);
    let found = compare(&new, &[old], 10);
    assert_eq!((found[0].how, found[0].people), (Isolated::Exactly, 4));
    assert!(
        found[0]
            .sentence
            .starts_with("this table minus old of 3 May isolates 4 people")
    );
}

/// Because nobody is counted less than once: 20 people in A, 12 of them in B or C, …
#[test]
fn what_must_be_few_because_counts_are_not_negative_is_told() {
    // Atoms: x = in both, 4 people; the rest of the new cell is bounded by the old one's small rest.
    let old = release("old", 100, &[("a", people(0..14)), ("ab", people(0..20))]);
    let new = release(
        "this",
        100,
        &[("c", [people(0..12), people(14..18)].concat())],
    );
    let found = compare(&new, &[old], 10);
    assert!(
        found
            .iter()
            .any(|f| f.how == Isolated::Bounded || f.how == Isolated::Exactly),
        "{found:?}"
    );
}

#[test]
fn a_person_outside_the_population_is_refused_and_one_named_twice_counts_once() {
    let cells = |people| {
        vec![CellPeople {
            key: "a".into(),
            value: Some(1.0),
            people,
        }]
    };
    assert_eq!(
        Release::new(about("t"), 5, cells(vec![5])).unwrap_err(),
        ReleaseError::NoSuchPerson
    );
    assert_eq!(
        Release::new(about("t"), 5, cells(vec![3, 3, 1]))
            .unwrap()
            .cells()[0]
            .people,
        2
    );
}

#[test]
fn the_red_team_counts_what_got_past() {
    let history = [
        release(
            "first",
            200,
            &[("a", people(0..100)), ("b", people(100..200))],
        ),
        release(
            "second",
            200,
            &[("a", people(0..99)), ("b", people(100..200))],
        ),
        release(
            "third",
            200,
            &[("a", people(0..99)), ("b", people(104..200))],
        ),
    ];
    let recovered = attack_history(&history, 10, 2);
    assert_eq!(recovered.tables, 2);
    // The third table still differs from the first by the one whom the second gave away.
    assert_eq!(recovered.singled_out, 2);
    let groups: Vec<(usize, u32)> = recovered
        .isolated
        .iter()
        .filter(|(_, i)| i.how == Isolated::Exactly)
        .map(|(place, i)| (*place, i.people))
        .collect();
    assert!(
        groups.contains(&(1, 1)) && groups.contains(&(2, 4)),
        "{groups:?}"
    );
    assert!(attack_history(&history[..1], 10, 9).isolated.is_empty());
}
