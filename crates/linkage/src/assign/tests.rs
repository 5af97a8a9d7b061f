use super::*;
use proptest::prelude::*;

fn scored(left: u32, spine: u32, weight: f64) -> Scored {
    Scored {
        left,
        spine,
        weight,
    }
}

fn check(candidates: &[Scored], left_file: LeftFile) -> Vec<(u32, u32)> {
    let assigned = assign(candidates, 0.95, left_file);
    assigned
        .won
        .iter()
        .map(|won| (won.scored.left, won.scored.spine))
        .collect()
}

#[test]
fn the_better_of_two_wins_and_two_equals_do_not() {
    let many = LeftFile::ManyPerPerson;
    assert_eq!(
        check(&[scored(0, 1, 10.0), scored(0, 2, 2.0)], many),
        [(0, 1)]
    );
    assert!(check(&[scored(0, 1, 20.0), scored(0, 2, 20.0)], many).is_empty());
    assert_eq!(
        assign(&[scored(0, 1, 20.0), scored(0, 2, 20.0)], 0.95, many).ambiguous,
        1
    );
    assert_eq!(
        assign(&[scored(0, 1, 0.0), scored(0, 2, 0.0)], 0.95, many).ambiguous,
        0
    );
}

#[test]
fn the_probability_is_among_the_alternatives() {
    // Odds 64 and 2: 64 / (1 + 64 + 2) = .955224.
    let assigned = assign(
        &[scored(0, 1, 6.0), scored(0, 2, 1.0)],
        0.95,
        LeftFile::ManyPerPerson,
    );
    assert!((assigned.won[0].probability - 64.0 / 67.0).abs() < 1e-12);
}

#[test]
fn a_claimed_person_goes_to_the_better_record_of_a_file_without_duplicates() {
    let candidates = [scored(0, 7, 9.0), scored(1, 7, 20.0)];
    assert_eq!(check(&candidates, LeftFile::OnePerPerson), [(1, 7)]);
    assert_eq!(
        check(&candidates, LeftFile::ManyPerPerson),
        [(0, 7), (1, 7)]
    );
}

proptest! {
    #[test]
    fn nobody_links_twice_and_no_order_matters(weights in proptest::collection::vec((0_u32..8, 0_u32..8, -20.0_f64..40.0), 0..60)) {
        let mut unique = BTreeMap::new();
        for (left, spine, weight) in weights {
            unique.insert((left, spine), weight);
        }
        let candidates: Vec<Scored> = unique.iter().map(|((left, spine), weight)| scored(*left, *spine, *weight)).collect();
        let assigned = assign(&candidates, 0.6, LeftFile::OnePerPerson);
        let lefts: BTreeSet<u32> = assigned.won.iter().map(|won| won.scored.left).collect();
        let spines: BTreeSet<u32> = assigned.won.iter().map(|won| won.scored.spine).collect();
        prop_assert_eq!(lefts.len(), assigned.won.len());
        prop_assert_eq!(spines.len(), assigned.won.len());
        for won in &assigned.won {
            prop_assert!(won.probability >= 0.6 && won.probability <= 1.0);
        }
    }
}
