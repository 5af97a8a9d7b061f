use super::*;

fn join(row_l: u32, row_r: u32) -> Join {
    Join {
        file_l: 0,
        row_l,
        file_r: 1,
        row_r,
        match_weight: 3.0,
        match_probability: 0.9,
        step: JoinStep::Probabilistic,
    }
}

fn judged(left: usize, right: usize, same: bool) -> Judged {
    Judged {
        left: (0, left),
        right: (1, right),
        same,
    }
}

fn pairs(joins: &[Join]) -> Vec<(u32, u32, JoinStep)> {
    let mut pairs: Vec<_> = joins.iter().map(|j| (j.row_l, j.row_r, j.step)).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn a_decision_takes_the_place_of_the_model() {
    use JoinStep::{Probabilistic, Reviewed};
    let joins = || vec![join(0, 0), join(1, 1), join(2, 1), join(3, 3)];
    // Rows 0 and 0 are two people; 1 belongs to 2, in a register, so not to 1 as well; the order does not matter.
    let turned = Judged {
        left: (1, 2),
        right: (0, 1),
        same: true,
    };
    let decisions = [judged(0, 0, false), turned];
    let mut one = joins();
    decide(&decisions, &[false, true], &mut one);
    assert_eq!(
        pairs(&one),
        [
            (1, 2, Reviewed),
            (2, 1, Probabilistic),
            (3, 3, Probabilistic)
        ]
    );
    let mut many = joins();
    decide(&decisions, &[false, false], &mut many);
    assert_eq!(
        pairs(&many),
        [
            (1, 1, Probabilistic),
            (1, 2, Reviewed),
            (2, 1, Probabilistic),
            (3, 3, Probabilistic)
        ]
    );
    let mut none = joins();
    decide(&[], &[true, true], &mut none);
    assert_eq!(none.len(), 4);
}

use std::num::NonZeroUsize;

use crate::column::Role;
use crate::{
    ColumnSpec, FileSpec, Frequency, Holds, Intake, LinkType, Linkage, Quiet, Resources, Spec,
};

const ROLES: [Role; 4] = [
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Postcode,
];

/// A register and a file of the same people, a third of whom moved.
fn people(
    change: impl FnOnce(&mut Spec),
    tell: impl FnOnce(&mut Intake),
) -> Result<Linkage, LinkError> {
    let columns: Vec<ColumnSpec> = ROLES
        .iter()
        .map(|role| ColumnSpec {
            role: *role,
            name: role.as_str().to_owned(),
        })
        .collect();
    let file = |name: &str| FileSpec {
        name: name.into(),
        columns: columns.clone(),
        holds: Holds::One,
    };
    let mut spec = Spec::new(LinkType::Link, vec![file("a"), file("b")]);
    change(&mut spec);
    let mut intake = Intake::new(spec)?;
    let fore = ["Ann", "Bea", "Cath", "Dora", "Elin", "Flora", "Gwen"];
    let sur = [
        "Aird", "Boyd", "Craig", "Duff", "Elder", "Fyfe", "Gunn", "Hogg", "Innes", "Jardine",
        "Keir",
    ];
    for file in 0..2 {
        for row in 0..600_usize {
            let moved = file == 1 && row % 3 == 0;
            let born = format!(
                "{}-{:02}-{:02}",
                1930 + row * 7 % 80,
                1 + row % 12,
                1 + row * 5 % 28
            );
            let home = format!(
                "EH{} {}AB",
                1 + (row + usize::from(moved) * 5) % 16,
                row % 9
            );
            let values = [fore[row % 7], sur[row % 11], born.as_str(), home.as_str()];
            intake.push(file, &values.map(Some)).unwrap();
        }
    }
    tell(&mut intake);
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: 1 << 30,
    };
    intake.link(resources, &mut Quiet)
}

/// m of the top level of a comparison.
fn top(linkage: &Linkage, comparison: &str) -> f64 {
    let fit = &linkage.model.fits[0];
    let found = fit
        .comparisons
        .iter()
        .find(|c| c.comparison == comparison)
        .unwrap();
    found.levels.last().unwrap().m
}

#[test]
fn labels_say_what_matches_look_like() {
    // Labels that only name people who moved: as far as they tell, nobody keeps a postcode.
    let moved: Vec<Judged> = (0..600)
        .step_by(3)
        .map(|row| judged(row, row, true))
        .collect();
    let told = people(
        |_| {},
        |intake| intake.judged(moved.clone(), Vec::new()).unwrap(),
    )
    .unwrap();
    let alone = people(|_| {}, |_| {}).unwrap();
    assert!(top(&told, "postcode") < 0.35, "{}", top(&told, "postcode"));
    assert!(top(&alone, "postcode") > 0.5, "{}", top(&alone, "postcode"));
    let few = people(
        |_| {},
        |intake| intake.judged(moved[..20].to_vec(), Vec::new()).unwrap(),
    );
    assert_eq!(
        few.err().unwrap(),
        LinkError::FewLabels {
            found: 20,
            limit: LABELS_MIN
        }
    );
}

#[test]
fn decisions_reach_the_links_and_the_persons() {
    let decisions = vec![judged(5, 5, false), judged(7, 300, true)];
    let linkage = people(
        |_| {},
        |intake| intake.judged(Vec::new(), decisions).unwrap(),
    )
    .unwrap();
    let of = |l: u32, r: u32| linkage.joins.iter().find(|j| (j.row_l, j.row_r) == (l, r));
    assert!(of(5, 5).is_none());
    assert_eq!(of(7, 300).unwrap().step, JoinStep::Reviewed);
    assert!(
        of(7, 7).is_none() && of(300, 300).is_none(),
        "both files are registers"
    );
    assert_eq!(linkage.persons[0][7], linkage.persons[1][300]);
    assert_ne!(linkage.persons[0][5], linkage.persons[1][5]);
}

#[test]
fn a_judged_pair_outside_the_linkage_is_refused() {
    people(
        |_| {},
        |intake| {
            for pair in [
                judged(0, 600, true),
                Judged {
                    left: (0, 1),
                    right: (0, 2),
                    same: true,
                },
            ] {
                assert!(intake.judged(Vec::new(), vec![pair]).is_err());
            }
        },
    )
    .unwrap();
}

#[test]
fn a_name_that_is_rare_outside_weighs_more() {
    let table = |counts: [(&'static str, u32); 2]| {
        let counts = counts.map(|(name, count)| (name.to_owned(), count));
        people(
            |spec| {
                spec.frequencies = vec![Frequency {
                    of: "surname".into(),
                }]
            },
            move |intake| {
                for (name, count) in &counts {
                    intake.frequency(0, name, *count).unwrap();
                }
            },
        )
        .unwrap()
    };
    // Rows 1 and 12 are both Boyd; in one population nearly nobody is, in the other nearly all are.
    let rare = table([("boyd", 1), ("Smith", 100_000)]);
    let common = table([("Boyd", 100_000), ("Smith", 1)]);
    let weight = |linkage: &Linkage| {
        linkage
            .joins
            .iter()
            .find(|j| (j.row_l, j.row_r) == (1, 1))
            .unwrap()
            .match_weight
    };
    assert!(
        weight(&rare) > weight(&common) + 1.0,
        "{} {}",
        weight(&rare),
        weight(&common)
    );
    let unknown = people(
        |spec| {
            spec.frequencies = vec![Frequency {
                of: "postcode".into(),
            }]
        },
        |intake| {
            assert!(
                intake
                    .frequency(0, "x", 1)
                    .unwrap_err()
                    .to_string()
                    .contains("only forename and surname")
            )
        },
    );
    unknown.unwrap();
}
