//! What a researcher is told: a function of the groups that are large enough, whatever the small ones are.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ResearcherReport;

const MINIMUM: u64 = 10;

fn told(evidence: &Evidence, zero: &str) -> String {
    let report: ResearcherReport = check(evidence, &policy(zero)).for_researcher();
    serde_json::to_string(&report).unwrap()
}

#[test]
fn a_list_of_people_has_no_keys() {
    let people = [
        ("Ann 1950", &[1][..]),
        ("Bob 1960", &[1]),
        ("Cid 1970", &[2]),
    ];
    for keys in [&["name", "born"][..], &["all"]] {
        let mut one = table(keys, vec![measure("n", Kind::Count)], &people);
        if keys.len() == 1 {
            for group in &mut one.groups {
                let whole = text(&format!(
                    "{}{}",
                    group.key[0].text().unwrap(),
                    group.key[1].text().unwrap()
                ));
                group.values.splice(..2, [whole.clone()]);
                group.key = vec![whole];
            }
        }
        for zero in ["safe", "unsafe"] {
            let said = told(&one, zero);
            assert!(
                !["Ann", "Bob", "1960"].iter().any(|s| said.contains(s)),
                "{said}"
            );
            assert!(
                said.contains("some groups have fewer than 10 people, or none"),
                "{said}"
            );
        }
    }
    // Beside a large group neither the report nor the treated rows have them.
    let one = count(&[("many", &[40]), ("Ann-1950", &[1]), ("Bob-1960", &[1])]);
    let report = check(&one, &policy("safe"));
    assert_eq!(report.verdict, Verdict::Treat);
    assert_eq!(report.outputs[0].treated_rows, [[text("many"), n(40)]]);
    assert_eq!(report.outputs[0].cells.len(), 3, "output checkers see all");
    let said = told(&one, "safe");
    assert!(said.contains("many") && !said.contains("Ann"), "{said}");
}

#[test]
fn nobody_looks_like_few() {
    let none = told(&count(&[]), "unsafe");
    assert_eq!(none, told(&count(&[("a", &[3]), ("b", &[9])]), "unsafe"));
    let mut excluded = count(&[("a", &[9])]);
    excluded.groups[0].visible = Visible::Excluded;
    for shown in [Shown::Large(10), Shown::Condition] {
        excluded.shown = shown;
        assert_eq!(told(&excluded, "unsafe"), none, "{shown:?}");
    }
}

#[test]
fn treated_rows_are_there_only_where_they_are_offered() {
    let mixed = table(
        &["k"],
        vec![measure("n", Kind::Count), measure("mean", Kind::Total)],
        &[("a", &[20, 20]), ("b", &[9, 9])],
    );
    let report = check(&mixed, &policy("safe"));
    assert_eq!(report.verdict, Verdict::Review);
    assert!(report.outputs[0].treated_rows.is_empty());
    let small = count(&[("a", &[20]), ("b", &[9])]);
    let report = check_all(&[small.clone(), small], &policy("safe"));
    assert_eq!(report.verdict, Verdict::Review);
    assert!(report.outputs.iter().all(|o| o.treated_rows.is_empty()));
}

/// A person has to look at the mean; whether any group satisfies a condition on it must not be told first.
#[test]
fn a_condition_does_not_forestall_a_review() {
    let mut one = table(
        &["k"],
        vec![measure("n", Kind::Count), measure("mean", Kind::Total)],
        &[("a", &[20, 20])],
    );
    one.shown = Shown::Condition;
    let kept = told(&one, "unsafe");
    one.groups[0].visible = Visible::Excluded;
    assert_eq!(told(&one, "unsafe"), kept);
    assert_eq!(check(&one, &policy("unsafe")).verdict, Verdict::Review);
}

/// How many are missing from a page would tell how many are small.
#[test]
fn a_page_is_filled_with_rows_that_may_be_shown() {
    let mut one = count(&[
        ("a", &[2]),
        ("b", &[11]),
        ("c", &[3]),
        ("d", &[12]),
        ("e", &[13]),
    ]);
    one.shown = Shown::First;
    for (index, group) in one.groups.iter_mut().enumerate() {
        if !(1..3).contains(&index) {
            group.visible = Visible::Beyond;
        }
    }
    let report = check(&one, &policy("safe"));
    assert_eq!(report.verdict, Verdict::Treat);
    let shown: Vec<_> = report.outputs[0]
        .treated_rows
        .iter()
        .map(|r| r[0].text().unwrap())
        .collect();
    assert_eq!(shown, ["d", "e"]);
}

/// The order by size would tell few from none, and which of two small groups is smaller.
#[test]
fn cells_come_in_the_order_of_their_keys() {
    let one = table(
        &["k", "l"],
        vec![measure("n", Kind::Count)],
        &[
            ("b x", &[30]),
            ("a x", &[20]),
            ("b y", &[15]),
            ("c y", &[12]),
            ("a y", &[4]),
        ],
    );
    let report = check(&one, &policy("unsafe")).for_researcher();
    let keys: Vec<String> = report.outputs[0]
        .cells
        .iter()
        .map(|cell| cell.key.0.iter().map(|(_, v)| v.text().unwrap()).collect())
        .collect();
    assert_eq!(keys, ["ay", "cx"], "4 people and nobody");
}

/// People and how many of them are ill, and whether a condition leaves the group out.
type Cell = (u64, u64, bool);

fn small() -> impl Strategy<Value = Cell> {
    (0..MINIMUM, 0..MINIMUM, any::<bool>())
        .prop_map(|(people, ill, out)| (people, ill.min(people), out))
}

fn large() -> impl Strategy<Value = Cell> {
    (MINIMUM..40, 0..40_u64, any::<bool>())
        .prop_map(|(people, ill, out)| (people, ill.min(people), out))
}

#[derive(Debug, Clone)]
struct Worlds {
    keys: usize,
    shown: Shown,
    /// First row and number of rows of the page.
    page: (usize, usize),
    by_size: bool,
    hide_key: bool,
    /// Whether a mean stands beside the counts, so that a person has to look.
    mean: bool,
    large: BTreeMap<(u8, u8), Cell>,
    /// Two worlds that differ in their small groups, and in which unsafe ones a condition leaves out.
    small: [BTreeMap<(u8, u8), Cell>; 2],
}

fn worlds() -> impl Strategy<Value = Worlds> {
    let place = || (0..5_u8, 0..5_u8);
    let shown = prop_oneof![
        3 => Just(Shown::All),
        1 => Just(Shown::First),
        1 => (0..20_u64).prop_map(Shown::Large),
        1 => Just(Shown::Condition),
        1 => Just(Shown::Unjudged),
    ];
    (
        (
            1..3_usize,
            shown,
            (0..4_usize, 0..4_usize),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
        ),
        prop::collection::btree_map((0..3_u8, 0..3_u8), large(), 0..5),
        prop::collection::btree_map(place(), small(), 0..8),
        prop::collection::btree_map(place(), small(), 0..8),
    )
        .prop_map(
            |((keys, shown, page, by_size, hide_key, mean), large, one, two)| Worlds {
                keys,
                shown,
                page,
                by_size,
                hide_key,
                mean,
                large,
                small: [one, two],
            },
        )
}

impl Worlds {
    fn groups(&self, world: usize) -> BTreeMap<(u8, u8), Cell> {
        let mut groups = self.small[world].clone();
        groups.extend(self.large.clone());
        groups.retain(|_, (people, _, _)| *people > 0);
        groups
    }

    fn evidence(&self, world: usize) -> Evidence {
        let mut groups: Vec<_> = self.groups(world).into_iter().collect();
        if self.by_size {
            groups.sort_by_key(|(_, (people, _, _))| *people);
        }
        let rows: Vec<(String, [u64; 3])> = groups
            .iter()
            .map(|((k, l), (people, ill, _))| {
                let key = if self.keys == 2 {
                    format!("k{k} l{l}")
                } else {
                    format!("k{k}l{l}")
                };
                (key, [*people, *ill, *people])
            })
            .collect();
        let width = 2 + usize::from(self.mean);
        let rows: Vec<(&str, &[u64])> = rows
            .iter()
            .map(|(key, counts)| (key.as_str(), &counts[..width]))
            .collect();
        let mut columns = vec![
            measure("n", Kind::Count),
            measure("ill", Kind::Count),
            measure("mean", Kind::Total),
        ];
        columns.truncate(width);
        let mut evidence = table(&["k", "l"][..self.keys], columns, &rows);
        evidence.shown = self.shown;
        let counted = |label: &str, whole| Counted {
            label: label.to_owned(),
            level: CountLevel::Rows,
            whole,
        };
        evidence.counts = vec![counted("n", Whole::Whole), counted("ill", Whole::Part)];
        let mut left = 0;
        for (group, (_, (people, ill, out))) in evidence.groups.iter_mut().zip(&groups) {
            group.row_atoms = [(3, *ill), (1, people - ill)]
                .map(|(pattern, rows)| Atom {
                    pattern,
                    rows,
                    people: rows,
                })
                .to_vec();
            let is_out = match self.shown {
                Shown::All | Shown::First | Shown::Joined => false,
                Shown::Large(least) => *people < least,
                // A condition follows the numbers: of two worlds only those of safe groups are alike.
                Shown::Condition if self.is_safe(*people, *ill) => *out,
                Shown::Condition | Shown::Unjudged => *out != (world == 1),
            };
            let beyond = left < self.page.0 || left >= self.page.0 + self.page.1;
            group.visible = match (is_out, self.shown) {
                (true, _) => Visible::Excluded,
                (false, Shown::All) => Visible::Shown,
                (false, _) if beyond => Visible::Beyond,
                (false, _) => Visible::Shown,
            };
            left += usize::from(!is_out);
        }
        if self.hide_key {
            evidence.columns.remove(0);
            for group in &mut evidence.groups {
                group.values.remove(0);
            }
        }
        assert_eq!(evidence.validate(), Ok(()));
        evidence
    }

    fn is_safe(&self, people: u64, ill: u64) -> bool {
        !self.mean && ill >= MINIMUM && people - ill >= MINIMUM
    }

    /// Values that at least the minimum of people have in this table.
    fn common(&self) -> BTreeSet<String> {
        self.large
            .keys()
            .flat_map(|(k, l)| [format!("k{k}"), format!("l{l}"), format!("k{k}l{l}")])
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_researcher_learns_of_small_groups_that_there_are_some(worlds in worlds()) {
        let evidence = [worlds.evidence(0), worlds.evidence(1)];
        let report = evidence.clone().map(|e| check(&e, &policy("unsafe")));
        let [one, two] = [0, 1].map(|i| told(&evidence[i], "unsafe"));
        let is_pass = report.clone().map(|r| r.verdict == Verdict::Pass);
        let is_review = report.clone().map(|r| r.verdict == Verdict::Review);
        let is_small = report.clone().map(|r| r.outputs[0].cells.iter().any(|c| c.status == Status::Primary));
        let large_only = matches!(worlds.shown, Shown::Large(least) if least >= MINIMUM);
        // That there is a small group is told, by `pass` or beside a review; nothing else of it is.
        if worlds.shown == Shown::Unjudged
            || large_only
            || is_pass[0] == is_pass[1] && (!is_review[0] || is_small[0] == is_small[1])
        {
            prop_assert_eq!(&one, &two);
        } else {
            prop_assert_ne!(is_small[0], is_small[1]);
        }
        let rendered = report[0].for_researcher();
        let cells = rendered.outputs[0].cells.iter().flat_map(|cell| cell.key.0.iter().map(|(_, v)| v));
        let keys = rendered.outputs[0].rows.iter().flat_map(|row| row.iter().take(worlds.keys - usize::from(worlds.hide_key)));
        for value in cells.chain(keys) {
            prop_assert!(worlds.common().contains(value.text().unwrap()), "{}", one);
        }
        for row in &rendered.outputs[0].rows {
            for number in row.iter().skip(worlds.keys - usize::from(worlds.hide_key)).filter_map(Datum::text) {
                prop_assert!(number.parse::<u64>().unwrap() >= MINIMUM, "{}", one);
            }
        }
        if worlds.shown == Shown::Unjudged {
            prop_assert_eq!(rendered.verdict, Verdict::Review);
            prop_assert!(rendered.outputs[0].cells.is_empty() && rendered.outputs[0].rows.is_empty());
        }
    }

    /// With all groups shown, every crossing of common values that is not safe is named, and no other.
    #[test]
    fn crossings_of_common_values_are_named(worlds in worlds()) {
        let worlds = Worlds { keys: 2, shown: Shown::All, hide_key: false, mean: false, ..worlds };
        let report = check(&worlds.evidence(0), &policy("unsafe")).for_researcher();
        let found: BTreeSet<String> = report.outputs[0]
            .cells
            .iter()
            .map(|cell| cell.key.0.iter().map(|(_, v)| v.text().unwrap()).collect())
            .collect();
        let common = |position: fn(&(u8, u8)) -> u8| worlds.large.keys().map(position).collect::<BTreeSet<u8>>();
        let mut expected = BTreeSet::new();
        for k in common(|key| key.0) {
            for l in common(|key| key.1) {
                let safe = worlds.large.get(&(k, l)).is_some_and(|(people, ill, _)| *ill >= MINIMUM && (people - ill) >= MINIMUM);
                if !safe {
                    expected.insert(format!("k{k}l{l}"));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }
}
