//! Random people doing random things in random order: some ends are never reached without their reasons.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::samples::*;
use crate::output::{Output, Rendering, ReviewVerdict, Verdict};
use crate::project::{Condition, PanelVerdict, Project, SignatureVerdict};
use crate::{Lifecycle, PersonId, Sha256};

/// The same walks every time; `cargo xtask test --long` goes further with the same start.
fn runner() -> TestRunner {
    let cases = if std::env::var_os("STRONGROOM_LONG").is_some() {
        50_000
    } else {
        1_500
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// One attempt: which act, by whom, with which of the things at hand.
type Step = (u8, u8, u8);

fn steps(acts: u8, people: u8, length: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..acts, 0..people, 0_u8..6), 1..length)
}

const CROWD: [&str; 6] = [AUTHOR, MEMBER, "kit", "kay", "kim", "kel"];

fn act_on_output(output: &Output, (act, by, choice): Step) -> Option<Output> {
    let by = who(CROWD[usize::from(by)]);
    let output = output.clone();
    let bytes = if choice == 5 { hash('d') } else { hash('c') };
    let result = match act {
        0 => {
            let verdicts = [
                Verdict::Pass,
                Verdict::Treat,
                Verdict::Review,
                Verdict::Fail,
            ];
            output.complete_check(findings(verdicts[usize::from(choice) % 4]), now())
        }
        1 => {
            let renderings = [Rendering::Exact, Rendering::Treated];
            // Mostly the author, or no walk would get far.
            let by = if choice < 4 { who(AUTHOR) } else { by };
            output.submit(renderings[usize::from(choice) % 2], &by, now())
        }
        2..=5 => {
            let verdicts = [
                ReviewVerdict::Approve,
                ReviewVerdict::Approve,
                ReviewVerdict::Approve,
                ReviewVerdict::RequestChanges,
                ReviewVerdict::Refuse,
                ReviewVerdict::Approve,
            ];
            let verdict = verdicts[usize::from(choice)];
            output.vote(verdict, &bytes, Some(hash('e')), &team(), &by, now())
        }
        6..=7 => output.release(
            &bytes,
            register(u64::from(choice == 4)),
            &team(),
            &by,
            now(),
        ),
        8 => output.download(&by, now()),
        9 if choice == 0 => output.withdraw(&by, now()),
        9 => output.recall(&team(), &by, now()),
        _ => return None,
    };
    result.ok().map(|change| change.to().clone())
}

/// Kept beside the rules, so that a fault in them shows: who approved which bytes since the last submission.
#[derive(Default)]
struct Approvals {
    by: BTreeMap<PersonId, Sha256>,
}

impl Approvals {
    fn note(&mut self, before: &Output, (act, by, choice): Step) {
        match (act, before) {
            (1, _) => self.by.clear(),
            (2..=5, Output::UnderReview(review)) if matches!(choice, 0..=2 | 5) => {
                let bytes = review.file.sha256.clone();
                self.by.insert(who(CROWD[usize::from(by)]), bytes);
            }
            _ => {}
        }
    }
}

#[test]
fn no_walk_reaches_a_release_without_two_approvals_of_its_bytes_by_people_apart() {
    let released = Cell::new(0_u32);
    let walk = |steps: Vec<Step>| {
        let mut output = staged();
        let mut approvals = Approvals::default();
        for step in steps {
            let Some(next) = act_on_output(&output, step) else {
                continue;
            };
            approvals.note(&output, step);
            if let (Output::Approved(_), Output::Released(out)) = (&output, &next) {
                released.set(released.get() + 1);
                let apart: BTreeSet<_> = approvals
                    .by
                    .iter()
                    .filter(|(by, bytes)| !team().contains(by) && **bytes == out.file.sha256)
                    .map(|(by, _)| by.clone())
                    .collect();
                prop_assert!(apart.len() >= 2, "{apart:?}");
                prop_assert_eq!(&out.approved_by, &apart);
                prop_assert!(!team().contains(&out.released_by));
            }
            if let Output::Released(_) = &next {
                let through_review = matches!(output, Output::Approved(_) | Output::Released(_));
                prop_assert!(through_review, "released from {}", output.state());
            }
            output = next;
        }
        Ok(())
    };
    runner().run(&steps(10, 6, 80), walk).unwrap();
    assert!(
        released.get() > 100,
        "only {} walks arrived",
        released.get()
    );
}

const PANELLISTS: [&str; 8] = [
    AUTHOR,
    MEMBER,
    "controller-a",
    "controller-b",
    "pat",
    "pim",
    "pru",
    "chair",
];

/// For which dataset, and by whom: mostly its controller, or no walk would get far.
fn signer((act, by, choice): Step) -> (&'static str, PersonId) {
    match (act % 2, choice) {
        (0, 0..=2) => ("a", who("controller-a")),
        (0, _) => ("a", who(PANELLISTS[usize::from(by)])),
        (_, 0..=2) => ("b", who("controller-b")),
        (_, _) => ("b", who(PANELLISTS[usize::from(by)])),
    }
}

fn act_on_project(project: &Project, (act, by_, choice): Step) -> Option<Project> {
    let by = who(PANELLISTS[usize::from(by_)]);
    let project = project.clone();
    let version = if choice == 5 { hash('b') } else { hash('a') };
    let result = match act {
        0 => {
            let by = if choice < 3 { who(AUTHOR) } else { by };
            project.submit(request(), version, &datasets(), &tiers(), &by, now())
        }
        1..=4 => {
            let verdict = match choice {
                4 => SignatureVerdict::Declined,
                _ => SignatureVerdict::Signed,
            };
            let (name, by) = signer((act, by_, choice));
            project.sign(&dataset(name), &version, verdict, &by, now())
        }
        5..=9 => {
            let (verdict, conditions) = match choice {
                3 => (PanelVerdict::Return, Vec::new()),
                4 => (PanelVerdict::Refuse, Vec::new()),
                2 => (
                    PanelVerdict::Approve,
                    vec![Condition::MinimumCell { people: 30 }],
                ),
                _ => (PanelVerdict::Approve, Vec::new()),
            };
            project.vote(&version, verdict, conditions, &datasets(), &by, now())
        }
        10..=12 => project.approve(&tiers(), &by, now()),
        13 => project.return_(&tiers(), &by, now()),
        14 if choice == 0 => project.refuse(&tiers(), &by, now()),
        15..=17 => project.commence(papers(), &people(), hash('b'), "signed".into(), &by, now()),
        18 if choice == 0 => project.withdraw(&by, now()),
        19 if choice == 0 => project.declare_interest(&by, now()),
        _ => return None,
    };
    result.ok().map(|change| change.to().clone())
}

/// Every word spoken on the version that is decided on, kept beside the rules.
#[derive(Default)]
struct Words {
    version: Option<Sha256>,
    signed: BTreeMap<&'static str, (PersonId, u8, Sha256)>,
    votes: BTreeMap<PersonId, (u8, Sha256)>,
    interests: BTreeSet<PersonId>,
}

impl Words {
    fn note(&mut self, (act, by_, choice): Step) {
        let by = who(PANELLISTS[usize::from(by_)]);
        let version = if choice == 5 { hash('b') } else { hash('a') };
        match act {
            0 => {
                *self = Self {
                    version: Some(version),
                    interests: std::mem::take(&mut self.interests),
                    ..Self::default()
                };
            }
            1..=4 => {
                let (name, by) = signer((act, by_, choice));
                self.signed.insert(name, (by, choice, version));
            }
            5..=9 => {
                self.votes.insert(by, (choice, version));
            }
            19 => {
                self.votes.remove(&by);
                self.interests.insert(by);
            }
            _ => {}
        }
    }

    /// Whether both controllers agreed, three or more voted and most of them approve: all on one version,
    /// nobody on the project, in two chairs or with an interest.
    fn carry(&self) -> bool {
        let of = |name: &str| {
            self.signed.get(name).is_some_and(|(by, choice, version)| {
                *by == who(&format!("controller-{name}"))
                    && *choice != 4
                    && Some(version) == self.version.as_ref()
            })
        };
        let apart = self.votes.iter().all(|(by, (_, version))| {
            !["controller-a", "controller-b", AUTHOR, MEMBER]
                .map(who)
                .contains(by)
                && Some(version) == self.version.as_ref()
        });
        let apart = apart && self.votes.keys().all(|by| !self.interests.contains(by));
        let yes = self
            .votes
            .values()
            .filter(|(choice, _)| !matches!(choice, 3 | 4))
            .count();
        of("a") && of("b") && apart && self.votes.len() >= 3 && yes * 2 > self.votes.len()
    }
}

#[test]
fn no_walk_comes_into_force_without_every_signature_a_quorum_and_a_majority() {
    let (approved, commenced) = (Cell::new(0_u32), Cell::new(0_u32));
    let walk = |steps: Vec<Step>| {
        let mut project = draft();
        let mut words = Words::default();
        for step in steps {
            let Some(next) = act_on_project(&project, step) else {
                continue;
            };
            words.note(step);
            if let (Project::Submitted(_), Project::Approved(now_approved)) = (&project, &next) {
                approved.set(approved.get() + 1);
                let by = who(PANELLISTS[usize::from(step.1)]);
                prop_assert!(!words.interests.contains(&by));
                prop_assert!(words.carry());
                prop_assert_eq!(
                    Some(&now_approved.manifest.application),
                    words.version.as_ref()
                );
                let strict = words.votes.values().any(|(choice, _)| *choice == 2);
                let cell = if strict { 30 } else { 10 };
                prop_assert_eq!(now_approved.manifest.minimum_cell, cell);
            }
            if let Project::InForce(_) = &next {
                commenced.set(commenced.get() + 1);
                prop_assert_eq!(project.state(), "approved");
                prop_assert!(words.carry());
            }
            project = next;
        }
        Ok(())
    };
    runner().run(&steps(20, 8, 240), walk).unwrap();
    let (approved, commenced) = (approved.get(), commenced.get());
    assert!(
        approved > 100 && commenced > 50,
        "only {approved} approved, {commenced} commenced"
    );
}
