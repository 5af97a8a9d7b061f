//! Who somebody is here, and the end of their sessions.

use askama::Template;
use axum::extract::State;

use super::form::Posted;
use super::session::{self, Visitor};
use super::shell::{Reply, Shell, page, see};
use super::words;
use crate::Ready;

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    shell: Shell,
    facts: Vec<(&'static str, String)>,
}

pub(crate) async fn show(visitor: Visitor) -> Reply {
    let person = &visitor.caller.person;
    let until =
        |day: Option<governance::Date>| day.map_or_else(|| "not on record".to_owned(), words::day);
    let roles: Vec<&str> = person.roles.iter().map(|r| words::role(*r)).collect();
    let facts = vec![
        ("Name", person.name.clone()),
        ("Organisation", person.organisation.clone()),
        ("Roles", roles.join(", ")),
        ("Accredited until", until(person.accreditation_until)),
        ("Training valid until", until(person.training_until)),
        ("Undertaking signed on", until(person.undertaking_on)),
        ("Number", person.id.to_string()),
    ];
    page(&Page {
        shell: Shell::of(&visitor, "Your account"),
        facts,
    })
}

pub(crate) async fn sign_out(State(front): Ready, posted: Posted) -> Reply {
    front.service.end_session(&posted.visitor.secret).await?;
    Ok(session::forget(&front, see("/sign-in", "signed_out")))
}

pub(crate) async fn end_sessions(State(front): Ready, posted: Posted) -> Reply {
    let caller = &posted.visitor.caller;
    front
        .service
        .end_sessions(caller, &caller.person.id)
        .await?;
    Ok(session::forget(&front, see("/sign-in", "sessions_ended")))
}
