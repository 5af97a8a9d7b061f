use std::num::NonZeroUsize;

use testkit::people::{ErrorProfile, People};

use crate::observer::Quiet;
use crate::{
    BlockingRule, ColumnSpec, ComparisonOverride, FileSpec, Holds, Intake, LinkError, LinkType,
    Linkage, Resources, Role, Spec,
};

const ROLES: [Role; 7] = [
    Role::Chi,
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Sex,
    Role::Postcode,
    Role::Address1,
];

/// A delivery and the register it is about, without the columns of some roles, overridden.
fn try_linkage(without: &[Role], overrides: &[ComparisonOverride]) -> Result<Linkage, LinkError> {
    let kept = |role: &Role| !without.contains(role);
    let columns = ROLES.iter().filter(|role| kept(role));
    let columns: Vec<ColumnSpec> = columns
        .map(|role| ColumnSpec {
            role: *role,
            name: role.to_string(),
        })
        .collect();
    let file = |name: &str| FileSpec {
        name: name.to_owned(),
        columns: columns.clone(),
        holds: Holds::Estimated,
    };
    let mut spec = Spec::new(LinkType::Link, vec![file("delivery"), file("register")]);
    // Rules that every call here has the columns of.
    spec.blocking = [&["date_of_birth"][..], &["surname", "birth_year"]]
        .iter()
        .map(|parts| BlockingRule {
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        })
        .collect();
    spec.comparisons = overrides.to_vec();
    let people = People::generate(1_000, 5);
    let everyone: Vec<usize> = (0..1_000).collect();
    let delivery = people.identifier_rows(&everyone, 6, &ErrorProfile::typical());
    let mut intake = Intake::new(spec)?;
    for (place, csv) in [delivery.csv, people.register_rows()].iter().enumerate() {
        for line in csv.lines().skip(1) {
            let values: Vec<Option<&str>> = line
                .split(',')
                .skip(1)
                .zip(&ROLES)
                .filter(|(_, role)| kept(role))
                .map(|(value, _)| Some(value).filter(|value| !value.is_empty()))
                .collect();
            intake.push(place, &values)?;
        }
    }
    let resources = Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: u64::MAX,
    };
    intake.link(resources, &mut Quiet)
}

fn linkage(without: &[Role], overrides: &[ComparisonOverride]) -> Linkage {
    try_linkage(without, overrides).unwrap()
}

fn given(comparison: &str, m: &[f64], u: &[f64]) -> ComparisonOverride {
    ComparisonOverride {
        comparison: comparison.to_owned(),
        used: true,
        m: m.to_vec(),
        u: u.to_vec(),
    }
}

fn left_out(comparison: &str) -> ComparisonOverride {
    ComparisonOverride {
        used: false,
        ..given(comparison, &[], &[])
    }
}

/// m and u of a comparison in the model.
fn shares(linkage: &Linkage, comparison: &str) -> (Vec<f64>, Vec<f64>) {
    let mut all = linkage.model.fits[0].comparisons.iter();
    let found = all.find(|c| c.comparison == comparison).unwrap();
    let levels = found.levels.iter();
    levels.map(|level| (level.m, level.u)).unzip()
}

fn close(found: &[f64], expected: &[f64]) -> bool {
    let mut pairs = found.iter().zip(expected);
    found.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() < 1e-9)
}

const M: [f64; 5] = [0.1, 0.1, 0.1, 0.1, 0.6];
const U: [f64; 5] = [0.9, 0.04, 0.03, 0.02, 0.01];

#[test]
fn given_parameters_stay_as_they_are() {
    let learned = shares(&linkage(&[], &[]), "surname");
    assert!(!close(&learned.0, &M) && !close(&learned.1, &U));
    // Shares of ten, so that they are brought to one.
    let (tenfold_m, tenfold_u) = (M.map(|m| m * 10.0), U.map(|u| u * 10.0));
    for (m, u) in [(true, true), (true, false), (false, true)] {
        let of = |asked: bool, shares: &[f64]| if asked { shares.to_vec() } else { Vec::new() };
        let one = given("surname", &of(m, &tenfold_m), &of(u, &tenfold_u));
        let linkage = linkage(&[], &[one]);
        let found = shares(&linkage, "surname");
        assert_eq!((close(&found.0, &M), close(&found.1, &U)), (m, u));
        for kind in &linkage.model.fits[0].kinds {
            let levels = &kind.levels["surname"];
            if m && kind.same_person {
                assert!(close(levels, &M), "{}: {levels:?}", kind.kind);
            }
            if u && ["strangers", "one birth date", "neighbours"].contains(&kind.kind.as_str()) {
                assert!(close(levels, &U), "{}: {levels:?}", kind.kind);
            }
        }
    }
}

#[test]
fn a_comparison_left_out_is_as_if_its_column_were_missing() {
    let bits = |linkage: &Linkage| -> Vec<(u32, u32, u64)> {
        let joins = linkage.joins.iter();
        joins
            .map(|j| (j.row_l, j.row_r, j.match_weight.to_bits()))
            .collect()
    };
    let whole = linkage(&[], &[]);
    for (role, comparison) in [
        (Role::Postcode, "postcode"),
        (Role::Forename, "forename"),
        (Role::Chi, "chi"),
        (Role::Sex, "sex"),
    ] {
        let without = linkage(&[role], &[]);
        let found = linkage(&[], &[left_out(comparison)]);
        assert!(bits(&found) == bits(&without), "{comparison}");
        assert!(bits(&found) != bits(&whole), "{comparison}");
        assert_eq!(found.persons, without.persons);
        let mut left = found.model.fits[0].comparisons.iter();
        assert!(left.all(|c| c.comparison != comparison));
    }
}

#[test]
fn a_comparison_as_common_among_strangers_says_nothing() {
    let weights = |linkage: &Linkage| -> Vec<(u32, u32, f64)> {
        let joins = linkage.joins.iter();
        joins.map(|j| (j.row_l, j.row_r, j.match_weight)).collect()
    };
    let silent = weights(&linkage(&[], &[given("sex", &[0.5, 0.5], &[0.5, 0.5])]));
    let without = weights(&linkage(&[], &[left_out("sex")]));
    assert_eq!(silent.len(), without.len());
    for (a, b) in silent.iter().zip(&without) {
        assert_eq!((a.0, a.1), (b.0, b.1));
        assert!((a.2 - b.2).abs() < 1e-6, "{a:?} {b:?}");
    }
}

#[test]
fn overrides_that_fit_no_comparison_are_refused_by_place() {
    let fine = given("surname", &M, &[]);
    for wrong in [
        given("shoe_size", &[], &[]),
        given("surname", &M[1..], &[]),
        given("surname", &[], &[0.0; 5]),
        given("surname", &[], &[-0.1, 0.5, 0.2, 0.2, 0.2]),
        given("surname", &[f64::NAN, 0.5, 0.2, 0.2, 0.2], &[]),
        given("surname", &[f64::INFINITY, 0.5, 0.2, 0.2, 0.2], &[]),
    ] {
        let refused = try_linkage(&[], &[fine.clone(), wrong]);
        assert_eq!(
            refused.err(),
            Some(LinkError::UnknownComparison { place: 2 })
        );
    }
}
