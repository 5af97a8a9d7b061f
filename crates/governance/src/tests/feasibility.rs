//! Counts of people for whoever plans a study: who allows them, what the permit covers, and when it ends.

use super::samples::*;
use crate::dataset::Dataset;
use crate::job::Job;
use crate::measure::{Ask, Loss, NANO_RHO_MAX, PRICE_NANO_RHO_MIN};
use crate::project::Permit;
use crate::{Change, Refusal};

const PRICE: u64 = 1_000_000;
/// On no project.
const PLANNER: &str = "planner";

fn allowing() -> Dataset {
    to(allow_feasibility(&dataset("a")))
}

fn count_permit(dataset: &Dataset) -> Result<Permit, Refusal> {
    live().count_permit(dataset, &person(PLANNER), now())
}

fn count() -> Ask {
    Ask {
        price: Loss::of_rho(PRICE),
        ..question('5')
    }
}

fn none<T>(result: Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::NoFeasibility(_)))
}

#[test]
fn only_its_controller_allows_counts_through_a_live_project_with_the_dataset() {
    let allow = |dataset: Dataset, nano_rho, name: &str, at| {
        dataset
            .allow_feasibility(&live(), nano_rho, &who(name), at)
            .map(|change: Change<Dataset>| change.to().clone())
    };
    let by = "controller-a";
    assert!(allow(dataset("a"), PRICE, by, now()).is_ok());
    let others = allow(dataset("a"), PRICE, "controller-b", now());
    assert!(matches!(others, Err(Refusal::NotTheController(_))));
    for (nano_rho, good) in [
        (0, false),
        (PRICE_NANO_RHO_MIN - 1, false),
        (PRICE_NANO_RHO_MIN, true),
        (NANO_RHO_MAX, true),
        (NANO_RHO_MAX + 1, false),
    ] {
        assert_eq!(
            allow(dataset("a"), nano_rho, by, now()).is_ok(),
            good,
            "{nano_rho}"
        );
    }
    let late = allow(dataset("a"), PRICE, by, after_the_end());
    assert!(late.is_err());
    let mut other = dataset("a");
    other.id = id("dst_z");
    let other = allow(other, PRICE, by, now());
    assert_eq!(other.unwrap_err(), Refusal::NotApproved("this dataset"));
    let withdrawn = to(dataset("a").withdraw_instruction(&who(by), now()));
    let without = allow(withdrawn, PRICE, by, now());
    assert!(matches!(without, Err(Refusal::WrongState { .. })));
}

#[test]
fn somebody_on_no_project_counts_at_the_price_that_was_set_and_does_nothing_else() {
    let (planner, at) = (who(PLANNER), now());
    let refused = live().permit(&person(PLANNER), at);
    assert_eq!(refused.unwrap_err(), Refusal::NotAMember);
    let permit = count_permit(&allowing()).unwrap();
    let (open, sealed) = (open(), sealed());
    let reserve = |ask: &Ask| {
        let place = place(&permit, &open, &sealed);
        crate::measure::Measurement::reserve(ask, place, &[family()], &planner, at)
    };
    let reserved = reserve(&count()).unwrap();
    assert_eq!(reserved.to().core().feasibility, Some(id("dst_a")));
    let dearer = Ask {
        price: Loss::of_rho(PRICE + 1),
        ..count()
    };
    let price = Refusal::NotApproved("this price of a count");
    assert_eq!(reserve(&dearer).unwrap_err(), price);
    let query = Job::query(
        id("job_1"),
        &permit,
        &open,
        statement('6'),
        at,
        &planner,
        at,
    );
    assert_eq!(query.unwrap_err(), Refusal::NotAMember);
    assert_eq!(permit.must_cover(&planner, at), Err(Refusal::NotAMember));
    let run = |permit: &Permit, by: &str| {
        let reserved = reserved.to().clone();
        reserved.run(id("job_1"), permit, &sealed, &who(by), at)
    };
    assert!(run(&permit, PLANNER).is_ok());
    // Neither does somebody of the project run it as theirs.
    let member = live().permit(&person(AUTHOR), at).unwrap();
    assert!(run(&member, AUTHOR).is_err());
    assert!(run(&permit, AUTHOR).is_err());
}

#[test]
fn counts_end_with_the_leave_the_instruction_the_project_and_the_persons_standing() {
    let by = who("controller-a");
    assert!(none(count_permit(&dataset("a"))));
    let ended = to(allowing().end_feasibility(&by, now()));
    assert!(none(count_permit(&ended)));
    assert!(none(ended.end_feasibility(&by, now())));
    let withdrawn = to(allowing().withdraw_instruction(&by, now()));
    let without = count_permit(&withdrawn);
    assert!(matches!(without, Err(Refusal::NoInstruction(_))));
    // An instruction given anew after it was taken back allows no counts; a longer one goes on with them.
    let anew = to(withdrawn.instruct(day("2026-12-31"), &by, now()));
    assert!(none(count_permit(&anew)));
    let longer = to(allowing().instruct(day("2027-12-31"), &by, now()));
    assert!(count_permit(&longer).is_ok());
    let mut elsewhere = allowing();
    if let Some(allowed) = elsewhere
        .instruction
        .as_mut()
        .and_then(|i| i.feasibility.as_mut())
    {
        allowed.project = id("prj_9");
    }
    assert!(none(count_permit(&elsewhere)));
    let late = live().count_permit(&allowing(), &person(PLANNER), after_the_end());
    assert!(matches!(late, Err(Refusal::Ended(_))));
    let mut lapsed = person(PLANNER);
    lapsed.training_until = Some(day("2026-03-01"));
    let lapsed = live().count_permit(&allowing(), &lapsed, now());
    assert!(matches!(lapsed, Err(Refusal::Standing { .. })));
    let permit = count_permit(&allowing()).unwrap();
    let price = Loss::of_rho(PRICE);
    let covers = |name: &str, at| permit.must_cover_measuring(&price, &who(name), at);
    assert_eq!(covers(PLANNER, now()), Ok(()));
    assert_eq!(covers(AUTHOR, now()), Err(Refusal::NotAMember));
    assert!(covers(PLANNER, after_the_end()).is_err());
}
