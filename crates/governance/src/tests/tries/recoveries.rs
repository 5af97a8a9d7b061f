//! Acts on recoveries, and on outputs under one.

use super::{Done, done};
use crate::action::Action;
use crate::output::Output;
use crate::recovery::Recovery;
use crate::tests::samples as s;
use crate::tests::samples::{now, who};
use crate::{Change, Refusal};

pub(super) fn of(action: Action, recovery: Recovery) -> Vec<Done> {
    let (live, at) = (s::live(), now());
    let asker = who("administrator");
    match action {
        Action::ConfirmRecovery => ["steward", "controller-a"]
            .map(|by| done(s::confirm(recovery.clone(), by)))
            .into(),
        Action::RefuseRecovery => {
            let by = s::staff("steward");
            vec![done(recovery.refuse(&live, &s::controllers(), &by, at))]
        }
        Action::LapseRecovery => {
            let project = s::in_force();
            vec![done(recovery.lapse(&project, 0, at))]
        }
        Action::ExpireRecovery => {
            let until = s::moment("2026-03-02T11:00:00Z");
            vec![done(recovery.expire(&s::in_force(), until))]
        }
        Action::EndRecovery => vec![done(recovery.end(&asker, at))],
        Action::ReadRecovery => vec![done(recovery.read(&live, 2, &asker, at))],
        Action::HandOverStatements => {
            let to = live.permit(&s::person(s::MEMBER), at).unwrap();
            let hands = (&s::leaver(), &to);
            vec![done(
                recovery.hand_over_statements(&live, hands, 2, &asker, at),
            )]
        }
        _ => Vec::new(),
    }
}

/// From the author, who left, to a member.
pub(in crate::tests) fn hand_over(output: Output) -> Result<Change<Output>, Refusal> {
    let (live, at) = (s::live(), now());
    let to = live.permit(&s::person(s::MEMBER), at).unwrap();
    let by = who("administrator");
    output.hand_over(&s::recovering(), &live, (&s::leaver(), &to), &by, at)
}
