//! The accounts of privacy loss: what each act books, who may, and that the log alone gives the same.

mod walk;

use std::collections::BTreeSet;

use super::samples::*;
use crate::measure::{Account, Budget, Family, Level, Loss, Lost, Measurement, OverBudget, Step};
use crate::project::Project;
use crate::{BudgetId, Change, Fact, Lifecycle, Refusal};

fn permit(name: &str) -> crate::project::Permit {
    live().permit(&person(name), now()).unwrap()
}

/// What an act books in the people's account, in a word.
fn booked(change: &Change<Measurement>) -> &'static str {
    let steps: BTreeSet<_> = change
        .postings()
        .iter()
        .map(|p| match p.step() {
            Step::Hold { .. } => "held",
            Step::Spend => "spent",
            Step::Free => "given back",
        })
        .collect();
    match steps.into_iter().collect::<Vec<_>>().as_slice() {
        [] => "nothing",
        [one] => one,
        _ => "several",
    }
}

/// The table at the head of the module, from the rules: every state, every act, what is booked.
#[test]
fn what_each_act_books_in_each_state_is_the_table() {
    let (author, at) = (who(AUTHOR), now());
    let (open, sealed, permit) = (open(), sealed(), permit(AUTHOR));
    let acts = |m: Measurement| -> Vec<(&str, Result<Change<Measurement>, Refusal>)> {
        let place = place(&permit, &open, &sealed);
        let again = m
            .clone()
            .reserve_again(&question('5'), place, &[family()], &author, at);
        let run = m.clone().run(id("job_9"), &permit, &sealed, &author, at);
        let (job, void, checker) = (id("job_9"), BTreeSet::new(), who("checker-1"));
        let release = m.clone().release(&job, hash('9'), &void, at);
        let hold = m.clone().hold(&job, hash('9'), &void, at);
        let labels = m
            .clone()
            .release_labels(&in_force(), &hash('9'), &void, &checker, at);
        let withhold = m
            .clone()
            .withhold_labels(&in_force(), hash('8'), &checker, at);
        vec![
            ("reserve", again),
            ("run", run),
            ("release", release),
            ("hold", hold),
            ("release labels", labels),
            ("withhold labels", withhold),
            ("forfeit", m.clone().forfeit(Lost::Interrupted, at)),
            ("withdraw", m.clone().withdraw(&author, at)),
            ("expire", m.expire(after_the_end())),
        ]
    };
    let mut table = BTreeSet::new();
    for measurement in measurements() {
        for (act, done) in acts(measurement.clone()) {
            let from = measurement.state();
            if let Ok(change) = done {
                table.insert((from, act, change.to().state(), booked(&change)));
            }
        }
    }
    let first = reserve(&question('5')).unwrap();
    assert_eq!((first.to().state(), booked(&first)), ("reserved", "held"));
    let expected = BTreeSet::from([
        ("reserved", "run", "running", "nothing"),
        ("reserved", "withdraw", "freed", "given back"),
        ("reserved", "expire", "freed", "given back"),
        ("running", "release", "released", "spent"),
        ("running", "hold", "under_review", "spent"),
        ("under_review", "release labels", "released", "nothing"),
        ("under_review", "withhold labels", "withheld", "nothing"),
        ("running", "forfeit", "forfeited", "spent"),
        ("freed", "reserve", "reserved", "held"),
        ("forfeited", "reserve", "reserved", "held"),
    ]);
    assert_eq!(table, expected);
}

#[test]
fn the_price_is_held_at_three_levels_of_every_family_and_once_in_each() {
    let b = Budget::open(&dataset("b"), caps(), &who("controller-b"), now()).unwrap();
    let families = [
        family(),
        Family::of(&id("dst_b"), Some((b.to().clone(), 1)), None).unwrap(),
        // A copy of `a` read in the same question: the same people, once.
        Family::of(&id("dst_a2"), Some((joined(), 1)), Some((budget(), 3))).unwrap(),
    ];
    let (open, sealed, permit) = (open(), sealed(), permit(AUTHOR));
    let place = place(&permit, &open, &sealed);
    let change =
        Measurement::reserve(&question('5'), place, &families, &who(AUTHOR), now()).unwrap();
    let held: Vec<_> = change
        .postings()
        .iter()
        .map(|p| (p.account().to_string(), p.loss().nano_rho))
        .collect();
    let expected = [
        "people:bud_a",
        "people:bud_b",
        "project:bud_a:prj_1",
        "project:bud_b:prj_1",
        "researcher:bud_a:per_ada",
        "researcher:bud_b:per_ada",
    ];
    assert_eq!(held, expected.map(|a| (a.to_owned(), 1_000_000)));
}

#[test]
fn a_cap_is_the_projects_own_where_it_has_one() {
    let budget = |id: &str| id.parse::<BudgetId>().unwrap();
    let cap = |account: Account| caps().of(&account).nano_rho;
    let project = |name: &str| Account::Project {
        budget: budget("bud_a"),
        project: id(name),
    };
    assert_eq!(cap(project("prj_1")), 50_000_000);
    assert_eq!(cap(project("prj_9")), 70_000_000);
    let people = Account::People {
        budget: budget("bud_a"),
    };
    assert_eq!((people.level(), cap(people)), (Level::People, 500_000_000));
}

#[test]
fn an_account_reads_back_from_the_word_in_the_log() {
    for account in reserve(&question('5')).unwrap().to().core().accounts.iter() {
        assert_eq!(account.to_string().parse::<Account>().unwrap(), *account);
    }
    for bad in [
        "",
        "people",
        "people:",
        "people:prj_1",
        "project:bud_a",
        "people:bud_a:x",
        "x:bud_a",
    ] {
        assert!(bad.parse::<Account>().is_err(), "{bad}");
    }
}

/// Repeats and respellings: one canonical request on one snapshot is one measurement, whoever asks.
#[test]
fn the_same_question_on_the_same_snapshot_is_one_measurement() {
    let first = reserve(&question('5')).unwrap();
    let mut dearer = question('5');
    dearer.price = loss(9_000_000);
    assert_eq!(reserve(&dearer).unwrap().to().id(), first.to().id());
    assert_ne!(reserve(&question('6')).unwrap().to().id(), first.to().id());

    let (ask, snapshot, project) = (hash('5'), hash('6'), id("prj_1"));
    let answer = |m: &Measurement| m.answers(&ask, &snapshot, &project).map(|a| a.cloned());
    assert_eq!(answer(&reserved()), Err(Refusal::Measuring));
    assert_eq!(answer(&measuring()), Err(Refusal::Measuring));
    assert_eq!(answer(&measured()).unwrap().unwrap().sha256, hash('9'));
    assert_eq!(
        measured().answers(&hash('4'), &snapshot, &project),
        Err(Refusal::Elsewhere("this measurement"))
    );
    assert_eq!(
        measured().answers(&ask, &hash('4'), &project),
        Err(Refusal::Elsewhere("this measurement"))
    );
    assert_eq!(
        measured().answers(&ask, &snapshot, &id("prj_2")),
        Err(Refusal::Elsewhere("this measurement"))
    );
}

#[test]
fn only_its_author_under_its_own_job_and_within_its_time_has_it_run() {
    let run = |by: &str, at: &str| {
        let permit = live().permit(&person(by), now()).unwrap();
        reserved()
            .run(id("job_9"), &permit, &sealed(), &who(by), moment(at))
            .map(|c| c.to().state())
    };
    assert_eq!(run(AUTHOR, "2026-03-02T10:10:00Z"), Ok("running"));
    assert_eq!(run(AUTHOR, "2026-03-02T10:10:01Z"), Err(Refusal::Lapsed));
    // A clock that was set back.
    assert_eq!(run(AUTHOR, "2026-03-02T09:59:59Z"), Err(Refusal::Lapsed));
    assert_eq!(
        run(MEMBER, "2026-03-02T10:05:00Z"),
        Err(Refusal::NotTheAuthor("measurement"))
    );
    let other = measuring().release(&id("job_8"), hash('9'), &[].into(), now());
    assert_eq!(other.unwrap_err(), Refusal::Elsewhere("this job"));
    assert_eq!(
        reserved().withdraw(&who(MEMBER), now()).unwrap_err(),
        Refusal::NotTheAuthor("measurement")
    );
    assert!(matches!(reserved().expire(now()), Err(Refusal::Invalid(_))));
}

/// A name that only the data knows leaves under the eye of somebody who has nothing to do with the question.
#[test]
fn labels_found_in_data_wait_for_an_output_checker_who_has_seen_these_bytes() {
    let (job, at, none) = (id("job_9"), now(), BTreeSet::new());
    assert_eq!(
        finding().release(&job, hash('9'), &none, at).unwrap_err(),
        Refusal::LabelsUnderReview
    );
    assert!(matches!(
        measuring().hold(&job, hash('9'), &none, at),
        Err(Refusal::Invalid(_))
    ));
    let (ask, snapshot, project) = (hash('5'), hash('6'), id("prj_1"));
    let release = |seen: char, by: &str, project: &Project| {
        labels_under_review().release_labels(project, &hash(seen), &none, &who(by), at)
    };
    let held = labels_under_review();
    assert_eq!(
        held.answers(&ask, &snapshot, &project),
        Err(Refusal::LabelsUnderReview)
    );
    assert_eq!(
        release('8', "checker-1", &in_force()).unwrap_err(),
        Refusal::OtherBytes
    );
    assert_eq!(
        release('9', AUTHOR, &in_force()).unwrap_err(),
        Refusal::OwnMeasurement
    );
    assert_eq!(
        release('9', MEMBER, &in_force()).unwrap_err(),
        Refusal::OnTheProject(who(MEMBER))
    );
    let ended = to(in_force().expire(after_the_end()));
    assert!(matches!(
        release('9', "checker-1", &ended),
        Err(Refusal::WrongState { .. })
    ));
    let withhold = |by: &str, project: &Project| {
        labels_under_review().withhold_labels(project, hash('8'), &who(by), at)
    };
    assert_eq!(
        withhold(AUTHOR, &in_force()).unwrap_err(),
        Refusal::OwnMeasurement
    );
    assert_eq!(
        withhold(MEMBER, &in_force()).unwrap_err(),
        Refusal::OnTheProject(who(MEMBER))
    );
    // Nothing needs to be in force to keep something back.
    let kept = to(withhold("checker-1", &ended));
    assert_eq!(
        kept.answers(&ask, &snapshot, &project),
        Err(Refusal::LabelsWithheld)
    );
}

/// An exact release between the draw and the look ends the statement for this answer too.
#[test]
fn what_ended_while_labels_were_looked_at_is_told_with_the_release() {
    let (seen, by) = (hash('9'), who("checker-1"));
    let ended: BTreeSet<BudgetId> = [id("bud_a")].into();
    let change = labels_under_review()
        .release_labels(&in_force(), &seen, &ended, &by, now())
        .unwrap();
    let void = change.event().facts().get("void");
    assert_eq!(void, Some(&Fact::Words(vec!["bud_a".into()])));
    let Measurement::Released {
        answer,
        labels_checked_by,
        ..
    } = change.to()
    else {
        panic!("{:?}", change.to());
    };
    assert_eq!((&answer.void, labels_checked_by), (&ended, &Some(by)));
}

#[test]
fn a_question_without_a_price_or_held_for_ever_is_not_taken() {
    let with = |nano_rho, atto_delta, until: &str| {
        let mut ask = question('5');
        ask.price = Loss {
            nano_rho,
            atto_delta,
        };
        ask.until = moment(until);
        reserve(&ask).map(|c| c.to().state())
    };
    let soon = "2026-03-02T10:10:00Z";
    assert_eq!(with(1_000, 0, soon), Ok("reserved"));
    for (rho, delta, until) in [
        (0, 0, soon),
        (999, 0, soon),
        (u64::MAX, 0, soon),
        (1_000, u64::MAX, soon),
        (1_000, 0, "2026-03-02T09:59:59Z"),
        (1_000, 0, "2026-03-02T11:00:01Z"),
    ] {
        assert!(
            matches!(with(rho, delta, until), Err(Refusal::Invalid(_))),
            "{rho} {delta} {until}"
        );
    }
}

#[test]
fn only_its_controller_opens_sets_and_joins_a_budget() {
    let not = Refusal::NotTheController(id("dst_a"));
    let by = who("controller-b");
    assert_eq!(
        Budget::open(&dataset("a"), caps(), &by, now()).unwrap_err(),
        not
    );
    assert_eq!(budget().set_caps(caps(), &by, now()).unwrap_err(), not);
    // A copy that another controller holds cannot be charged to these people's account.
    let join = Budget::join(&dataset("b"), &budget(), &by, now());
    assert_eq!(join.unwrap_err(), not);
    let mut third = copy_of_a();
    third.id = id("dst_a3");
    let chain = Budget::join(&third, &joined(), &who("controller-a"), now());
    assert!(matches!(chain, Err(Refusal::WrongState { .. })));
    let itself = Budget::join(&dataset("a"), &budget(), &who("controller-a"), now());
    assert!(matches!(itself, Err(Refusal::WrongState { .. })));
    let spine = instructed("a", crate::dataset::Purpose::Spine);
    let register = Budget::open(&spine, caps(), &who("controller-a"), now());
    assert!(matches!(register, Err(Refusal::Invalid(_))));
    let mut wild = caps();
    wild.projects.insert(id("prj_8"), loss(u64::MAX));
    assert!(matches!(
        budget().set_caps(wild, &who("controller-a"), now()),
        Err(Refusal::Invalid(_))
    ));
}

#[test]
fn a_dataset_without_a_budget_of_its_own_or_a_shared_one_is_not_measured() {
    let a = id("dst_a");
    let none = Refusal::NoBudget(id("dst_a"));
    assert_eq!(Family::of(&a, None, None).unwrap_err(), none);
    assert_eq!(Family::of(&a, Some((joined(), 1)), None).unwrap_err(), none);
    let a2 = id("dst_a2");
    let b = to(Budget::open(
        &dataset("b"),
        caps(),
        &who("controller-b"),
        now(),
    ));
    assert!(Family::of(&a2, Some((joined(), 1)), Some((b, 1))).is_err());
    assert!(Family::of(&a2, Some((joined(), 1)), None).is_err());
    let family = Family::of(&a2, Some((joined(), 1)), Some((budget(), 7))).unwrap();
    assert_eq!(family.budget().id(), "bud_a");
}

#[test]
fn an_exact_release_is_on_every_record_after_it() {
    let void = to(budget().void(&id("out_1"), now()));
    assert_eq!(void.void_by().unwrap().as_str(), "out_1");
    assert!(void.clone().void(&id("out_2"), now()).is_err());
    let raised = to(void.clone().set_caps(caps(), &who("controller-a"), now()));
    assert_eq!(
        raised.state(),
        "void",
        "a new cap does not bring the statement back"
    );
    let family = Family::of(&id("dst_a"), Some((void, 4)), None).unwrap();
    let (open, sealed, permit) = (open(), sealed(), permit(AUTHOR));
    let place = place(&permit, &open, &sealed);
    let change =
        Measurement::reserve(&question('5'), place, &[family], &who(AUTHOR), now()).unwrap();
    assert_eq!(change.to().core().void, BTreeSet::from([id("bud_a")]));
    // Released after it was reserved: then the answer says so.
    let late = measuring()
        .release(&id("job_9"), hash('9'), &[id("bud_a")].into(), now())
        .unwrap();
    assert_eq!(
        late.event().facts()["void"],
        Fact::Words(vec!["bud_a".into()])
    );
}

#[test]
fn a_refusal_for_want_of_budget_says_what_is_left_in_plain_numbers() {
    let over = OverBudget {
        account: Account::People {
            budget: id("bud_a"),
        },
        left: Loss {
            nano_rho: 2_500_000,
            atto_delta: 0,
        },
        price: Loss {
            nano_rho: 1_000_000_000,
            atto_delta: 1_000,
        },
    };
    assert_eq!(
        over.to_string(),
        "the account of the people in bud_a has rho 0.0025 left and this costs rho 1, delta 0.000000000000001; \
         ask a coarser question, or the controller for more"
    );
}
