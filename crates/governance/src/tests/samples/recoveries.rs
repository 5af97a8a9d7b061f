//! A recovery in every state, and the people around it.

use super::*;
use crate::recovery::Recovery;

/// Somebody who serves the safe haven, with their one role.
pub(in crate::tests) fn staff(name: &str) -> Person {
    let role = match name {
        "steward" | "other-steward" => Role::DataSteward,
        "administrator" | "other-administrator" => Role::Administrator,
        name if name.starts_with("controller-") => Role::Controller,
        _ => Role::Auditor,
    };
    let roles = BTreeSet::from([role]);
    let added = Person::add(
        who(name),
        name.into(),
        "Org".into(),
        roles,
        &By::System,
        now(),
    );
    to(added)
}

/// The author, who left.
pub(in crate::tests) fn leaver() -> Person {
    to(person(AUTHOR).retire(&who("administrator"), now()))
}

/// Controllers of the project's datasets.
pub(in crate::tests) fn controllers() -> BTreeSet<PersonId> {
    ["controller-a", "controller-b"].map(who).into()
}

/// The administrator asks for an hour.
pub(in crate::tests) fn ask_recovery(number: &str) -> Result<Change<Recovery>, Refusal> {
    let by = staff("administrator");
    let why = (hash('3'), 60);
    Recovery::ask(
        id(&format!("rec_{number}")),
        &open(),
        &live(),
        why,
        &by,
        now(),
    )
}

pub(in crate::tests) fn asked() -> Recovery {
    to(ask_recovery("1"))
}

pub(in crate::tests) fn confirm(recovery: Recovery, by: &str) -> Result<Change<Recovery>, Refusal> {
    let asker = staff("administrator");
    recovery.confirm(&live(), &controllers(), &asker, &staff(by), now())
}

/// Open until eleven.
pub(in crate::tests) fn recovering() -> Recovery {
    to(confirm(asked(), "steward"))
}

pub(in crate::tests) fn recoveries() -> Vec<Recovery> {
    let by = staff("steward");
    vec![
        asked(),
        recovering(),
        to(recovering().end(&by.id, now())),
        to(asked().refuse(&live(), &controllers(), &by, now())),
        to(asked().lapse(&in_force(), 0, now())),
    ]
}
