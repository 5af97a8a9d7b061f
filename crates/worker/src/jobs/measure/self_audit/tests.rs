//! The audit sees every bound that is taken away, and nothing where none is.

use engine::measure as cut;

use super::super::tests::{limits, policy, rooms};

use super::*;

const DRAWS: u32 = 4_000;

fn audited(name: &str, change: &dyn Fn(&mut cut::Plan)) -> Shown {
    let (_dir, rooms) = rooms();
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let shown = case.shown(&rooms, &policy(), &limits(), DRAWS, 1e-3, change);
    shown.unwrap().1
}

#[test]
fn an_honest_lane_is_not_contradicted_and_most_of_its_claim_is_seen() {
    for case in cases() {
        let shown = audited(case.name, &|_| {});
        assert!(!shown.contradicts(), "{}: {shown:?}", case.name);
        // The chance of a key of one person is a delta, which is no epsilon.
        if case.name != "keys by threshold" {
            let seen = shown.epsilon / shown.claimed;
            assert!(seen > 0.2, "{}: {shown:?}", case.name);
        }
    }
}

#[test]
fn a_broken_clamp_of_rows_is_seen() {
    for name in ["rows", "rows, Laplace noise", "join", "median"] {
        let shown = audited(name, &|plan| plan.linf = 1_000);
        assert!(shown.contradicts(), "{name}: {shown:?}");
    }
}

#[test]
fn a_doubled_sensitivity_is_seen() {
    for name in ["rows", "rows, Laplace noise", "join"] {
        let shown = audited(name, &|plan| plan.linf *= 2);
        assert!(shown.contradicts(), "{name}: {shown:?}");
    }
}

#[test]
fn a_missing_bound_on_groups_is_seen() {
    let shown = audited("people by group", &|plan| plan.l0 = 8);
    assert!(shown.contradicts(), "{shown:?}");
}

#[test]
fn a_broken_clamp_of_values_is_seen() {
    let shown = audited("sum", &|plan| {
        for part in &mut plan.parts {
            if let cut::Part::Sum(_, grid) = part {
                grid.upper *= 3.0;
                grid.high *= 3;
            }
        }
    });
    assert!(shown.contradicts(), "{shown:?}");
    let shown = audited("standard deviation", &|plan| plan.linf = 9);
    assert!(shown.contradicts(), "{shown:?}");
}

#[test]
fn too_few_draws_and_too_many_are_refused() {
    let (_dir, rooms) = rooms();
    for draws in [0, 10, policy().draws + 1] {
        let job = SelfAudit {
            draws,
            limits: policy(),
        };
        assert!(run(&rooms, &job, &limits()).is_err(), "{draws}");
    }
}

#[test]
fn the_report_names_every_case_with_claim_and_bound() {
    let (_dir, rooms) = rooms();
    let job = SelfAudit {
        draws: 1_000,
        limits: policy(),
    };
    let Report::SelfAudit { holds, findings } = run(&rooms, &job, &limits()).unwrap() else {
        panic!("another report")
    };
    let findings: Value = serde_json::from_str(&findings).unwrap();
    assert!(holds, "{findings}");
    let told = findings["cases"].as_array().unwrap();
    assert_eq!(told.len(), cases().len());
    for case in told {
        assert!(case["claimed_epsilon"].as_f64() >= case["shown_epsilon"].as_f64());
    }
}
