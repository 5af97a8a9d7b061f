//! Acts on budgets and measurements.

use super::{Done, done};
use crate::action::Action;
use crate::measure::{Budget, Lost, Measurement};
use crate::tests::samples as s;
use crate::tests::samples::{hash, id, now, who};

pub(super) fn of_budget(action: Action, budget: &Budget) -> Vec<Done> {
    let (budget, at) = (budget.clone(), now());
    match action {
        Action::SetCaps => {
            let by = budget.controller().clone();
            vec![done(budget.set_caps(s::caps(), &by, at))]
        }
        Action::VoidStatement => vec![done(budget.void(&id("out_1"), at))],
        _ => Vec::new(),
    }
}

pub(super) fn of_measurement(action: Action, measurement: Measurement) -> Vec<Done> {
    let (author, at) = (who(s::AUTHOR), now());
    let permit = s::live().permit(&s::person(s::AUTHOR), at).unwrap();
    match action {
        Action::ReserveMeasurementAgain => vec![done(measurement.reserve_again(
            &s::question('5'),
            s::place(&permit, &s::open(), &s::sealed()),
            &[s::family()],
            &author,
            at,
        ))],
        Action::RunMeasurement => {
            vec![done(measurement.run(
                id("job_9"),
                &permit,
                &s::sealed(),
                &author,
                at,
            ))]
        }
        Action::ReleaseMeasurement => {
            vec![done(measurement.release(
                &id("job_9"),
                hash('9'),
                &[].into(),
                at,
            ))]
        }
        Action::HoldMeasurement => {
            vec![done(measurement.hold(
                &id("job_9"),
                hash('9'),
                &[].into(),
                at,
            ))]
        }
        Action::ReleaseLabels => {
            let by = who("checker-1");
            let (project, void) = (s::in_force(), [].into());
            vec![done(measurement.release_labels(
                &project,
                &hash('9'),
                &void,
                &by,
                at,
            ))]
        }
        Action::WithholdLabels => {
            let by = who("checker-1");
            vec![done(measurement.withhold_labels(
                &s::in_force(),
                hash('8'),
                &by,
                at,
            ))]
        }
        Action::ForfeitMeasurement => vec![done(measurement.forfeit(Lost::Failed, at))],
        Action::WithdrawMeasurement => vec![done(measurement.withdraw(&author, at))],
        Action::ExpireMeasurement => vec![done(measurement.expire(s::after_the_end()))],
        _ => Vec::new(),
    }
}
