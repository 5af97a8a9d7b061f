//! Who is in the safe haven: added and shut out by an administrator, let near data by a coordinator.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use governance::person::{Person, Role};
use governance::{Action, Date, Lifecycle, PersonId};
use serde::Deserialize;
use service::{NewPerson, ServiceError};

use super::fields::{Choice, DateTyped};
use super::form::{Faults, Form, Posted};
use super::home::Done;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::{Front, Ready};

/// Pages of people and the acts on them.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/people", get(list).post(add))
        .route("/people/new", get(new))
        .route("/people/{id}", get(show))
        .route("/people/{id}/standing", post(record_standing))
        .route("/people/{id}/invitation", post(invite))
        .route("/people/{id}/retire", post(retire))
        .route("/people/{id}/end-sessions", post(end_sessions))
}

#[derive(Template)]
#[template(path = "people.html")]
struct List {
    shell: Shell,
    people: Vec<Row>,
    can_add: bool,
    /// Id of the last person shown, if there may be more.
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    organisation: String,
    roles: String,
    state: &'static str,
    standing: String,
}

/// From which person on, and what was just done.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    done: Option<String>,
}

async fn list(State(front): Ready, visitor: Visitor, Query(ask): Query<After>) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let people = service.people(caller, ask.after.as_deref()).await?;
    let full = u32::try_from(people.len()).is_ok_and(|n| n >= service.policies().limits.page);
    let next = people.last().filter(|_| full).map(|p| p.id.to_string());
    let today = governance::day_of(service.time()?);
    page(&List {
        shell: Shell::of(&visitor, "People").done(ask.done.as_deref()),
        people: people.iter().map(|person| Row::of(person, today)).collect(),
        can_add: service.possible_anew(caller)?.contains(&Action::AddPerson),
        next,
    })
}

impl Row {
    fn of(person: &Person, today: Date) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            organisation: person.organisation.clone(),
            roles: roles(person),
            state: person.state(),
            standing: standing(person, today),
        }
    }
}

fn roles(person: &Person) -> String {
    let words: Vec<&str> = person.roles.iter().map(|role| words::role(*role)).collect();
    words.join(", ")
}

/// Whether somebody may be near data on a day, in words. Only researchers need it.
fn standing(person: &Person, today: Date) -> String {
    let recorded = person.accreditation_until.is_some();
    match person.fit_on(today) {
        Ok(()) => "Fit".into(),
        Err(_) if !recorded && !person.roles.contains(&Role::Researcher) => "Not needed".into(),
        Err(refusal) => {
            let text = refusal.to_string();
            text.replace(person.id.as_str(), &person.name)
        }
    }
}

#[derive(Template)]
#[template(path = "person-new.html")]
struct New {
    shell: Shell,
    faults: Faults,
    name: String,
    organisation: String,
    roles: Vec<Choice>,
}

async fn new(State(front): Ready, visitor: Visitor) -> Reply {
    let possible = front.service.possible_anew(&visitor.caller)?;
    if !possible.contains(&Action::AddPerson) {
        return Ok(Redirect::to("/people").into_response());
    }
    page(&New::filled(&visitor, &Form::default(), Faults::default()))
}

impl New {
    fn filled(visitor: &Visitor, form: &Form, faults: Faults) -> Self {
        let roles = Role::ALL
            .iter()
            .map(|role| Choice::new(role.word(), words::role(*role)).among(form.all("roles")))
            .collect();
        Self {
            shell: Shell::of(visitor, "Add a person").fault(&faults),
            faults,
            name: form.one("name").to_owned(),
            organisation: form.one("organisation").to_owned(),
            roles,
        }
    }
}

/// The invitation, shown once and kept nowhere.
#[derive(Template)]
#[template(path = "person-invited.html")]
struct Invited {
    shell: Shell,
    /// What was done.
    heading: String,
    name: String,
    person: PersonId,
    invitation: String,
}

async fn add(State(front): Ready, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let new = match read(&form) {
        Ok(new) => new,
        Err(faults) => return again(&New::filled(&visitor, &form, faults)),
    };
    let name = new.name.clone();
    match front.service.add_person(&visitor.caller, new).await {
        Ok((person, invitation)) => page(&Invited {
            shell: Shell::of(&visitor, "Person added"),
            heading: format!("{name} is added"),
            name,
            person,
            invitation,
        }),
        Err(ServiceError::Refused(refusal)) => {
            let mut faults = Faults::default();
            faults.add("roles", refusal.to_string());
            again(&New::filled(&visitor, &form, faults))
        }
        Err(error) => Err(error.into()),
    }
}

/// The person that a form describes, or what is wrong with it.
fn read(form: &Form) -> Result<NewPerson, Faults> {
    let mut faults = Faults::default();
    let (name, organisation) = (form.one("name"), form.one("organisation"));
    faults.unless(!name.is_empty(), "name", "Give the person's name");
    faults.unless(
        !organisation.is_empty(),
        "organisation",
        "Give the person's organisation",
    );
    let mut roles = BTreeSet::new();
    for word in form.all("roles") {
        match Role::ALL.iter().find(|role| role.word() == word) {
            Some(role) => {
                roles.insert(*role);
            }
            None => faults.add("roles", "One of the roles is not known here"),
        }
    }
    faults.unless(!roles.is_empty(), "roles", "Choose at least one role");
    if faults.is_empty() {
        Ok(NewPerson {
            name: name.to_owned(),
            organisation: organisation.to_owned(),
            roles,
        })
    } else {
        Err(faults)
    }
}

#[derive(Template)]
#[template(path = "person.html")]
struct One {
    shell: Shell,
    faults: Faults,
    id: PersonId,
    name: String,
    state: &'static str,
    facts: Vec<(&'static str, String)>,
    can_record: bool,
    can_invite: bool,
    can_end_sessions: bool,
    can_retire: bool,
    accreditation: DateTyped,
    training: DateTyped,
    undertaking: DateTyped,
}

async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Query(ask): Query<Done>,
) -> Reply {
    let mut shown = One::of(&front, &visitor, &id, Faults::default()).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

impl One {
    async fn of(
        front: &Front,
        visitor: &Visitor,
        id: &PersonId,
        faults: Faults,
    ) -> Result<Self, ServiceError> {
        let (service, caller) = (&front.service, &visitor.caller);
        let person = service.person(caller, id).await?;
        let possible = service.possible_with(caller, id).await?;
        let today = governance::day_of(service.time()?);
        let on_record =
            |day: Option<Date>| day.map_or_else(|| "Not on record".to_owned(), words::day);
        let typed = |day: Option<Date>| day.map_or_else(DateTyped::default, DateTyped::from);
        let is_me = caller.person.id == *id;
        Ok(Self {
            shell: Shell::of(visitor, person.name.clone()).fault(&faults),
            faults,
            id: id.clone(),
            name: person.name.clone(),
            state: person.state(),
            facts: vec![
                ("Organisation", person.organisation.clone()),
                ("Roles", roles(&person)),
                ("Standing today", standing(&person, today)),
                ("Accredited until", on_record(person.accreditation_until)),
                ("Training valid until", on_record(person.training_until)),
                ("Undertaking signed on", on_record(person.undertaking_on)),
                ("Number", person.id.to_string()),
            ],
            can_record: possible.contains(&Action::RecordStanding),
            can_invite: possible.contains(&Action::InvitePerson),
            can_end_sessions: possible.contains(&Action::EndSessions) && !is_me,
            can_retire: possible.contains(&Action::RetirePerson) && !is_me,
            accreditation: typed(person.accreditation_until),
            training: typed(person.training_until),
            undertaking: typed(person.undertaking_on),
        })
    }
}

async fn record_standing(State(front): Ready, Path(id): Path<PersonId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let (service, caller) = (&front.service, &visitor.caller);
    let faults = match dates(&form) {
        Ok([accreditation, training, undertaking]) => {
            let recorded =
                service.record_standing(caller, &id, accreditation, training, undertaking);
            match recorded.await {
                Ok(()) => return Ok(see(&format!("/people/{id}"), "standing_recorded")),
                Err(error) => Faults::at("accreditation", error)?,
            }
        }
        Err(faults) => faults,
    };
    let mut shown = One::of(&front, &visitor, &id, faults).await?;
    shown.accreditation = DateTyped::of(&form, "accreditation");
    shown.training = DateTyped::of(&form, "training");
    shown.undertaking = DateTyped::of(&form, "undertaking");
    again(&shown)
}

/// Accreditation, training, undertaking.
fn dates(form: &Form) -> Result<[Date; 3], Faults> {
    let mut faults = Faults::default();
    let mut date =
        |field: &str, what: &str| DateTyped::of(form, field).required(&mut faults, field, what);
    let dates = [
        date("accreditation", "last day of the accreditation"),
        date("training", "last day of the training"),
        date("undertaking", "day the undertaking was signed"),
    ];
    match dates {
        [Some(accreditation), Some(training), Some(undertaking)] => {
            Ok([accreditation, training, undertaking])
        }
        _ => Err(faults),
    }
}

async fn invite(State(front): Ready, Path(id): Path<PersonId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let invitation = front.service.invite_person(&visitor.caller, &id).await?;
    let name = front.service.person(&visitor.caller, &id).await?.name;
    page(&Invited {
        shell: Shell::of(&visitor, "Person invited again"),
        heading: format!("{name} is invited again"),
        name,
        person: id,
        invitation,
    })
}

async fn retire(State(front): Ready, Path(id): Path<PersonId>, posted: Posted) -> Reply {
    front
        .service
        .retire_person(&posted.visitor.caller, &id)
        .await?;
    Ok(see(&format!("/people/{id}"), "person_retired"))
}

async fn end_sessions(State(front): Ready, Path(id): Path<PersonId>, posted: Posted) -> Reply {
    front
        .service
        .end_sessions(&posted.visitor.caller, &id)
        .await?;
    Ok(see(&format!("/people/{id}"), "their_sessions_ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_person_has_a_name_an_organisation_and_roles() {
        let new = read(&form(
            "name=Ada+Lovelace&organisation=Analytical+Ltd&roles=researcher&roles=panel_member",
        ))
        .unwrap();
        assert_eq!(new.name, "Ada Lovelace");
        assert_eq!(new.organisation, "Analytical Ltd");
        assert_eq!(
            new.roles,
            BTreeSet::from([Role::Researcher, Role::PanelMember])
        );
        for (text, field) in [
            ("organisation=A&roles=researcher", "name"),
            ("name=A&roles=researcher", "organisation"),
            ("name=A&organisation=A", "roles"),
            ("name=A&organisation=A&roles=superuser", "roles"),
        ] {
            assert!(read(&form(text)).unwrap_err().of(field).is_some(), "{text}");
        }
    }

    #[test]
    fn a_form_that_comes_back_keeps_what_was_typed() {
        let mut faults = Faults::default();
        faults.add("organisation", "Give the person's organisation");
        let typed = New {
            shell: Shell::public("Add a person").fault(&faults),
            faults,
            name: "Ada <Lovelace>".into(),
            organisation: String::new(),
            roles: vec![Choice::new("researcher", "researcher").among(["researcher"])],
        };
        let html = typed.render().unwrap();
        for part in [
            "<title>Error: Add a person",
            "<a href=\"#organisation\">Give the person&#39;s organisation</a>",
            "id=\"name\" name=\"name\" type=\"text\" value=\"Ada &#60;Lovelace&#62;\"",
            "value=\"researcher\" checked",
            "aria-describedby=\" organisation-error\"",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn every_role_can_be_chosen() {
        for role in Role::ALL {
            let text = format!("name=A&organisation=A&roles={}", role.word());
            assert_eq!(read(&form(&text)).unwrap().roles, BTreeSet::from([role]));
        }
    }

    #[test]
    fn standing_is_three_real_dates() {
        let day = |field: &str| format!("{field}-day=1&{field}-month=2&{field}-year=2027");
        let all = ["accreditation", "training", "undertaking"];
        let text = all.map(day).join("&");
        assert_eq!(
            dates(&form(&text)).unwrap(),
            [Date::constant(2027, 2, 1); 3]
        );
        for left_out in all {
            let kept: Vec<String> = all
                .into_iter()
                .filter(|f| *f != left_out)
                .map(day)
                .collect();
            let faults = dates(&form(&kept.join("&"))).unwrap_err();
            assert!(faults.of(left_out).is_some(), "{left_out}");
            assert_eq!(faults.iter().count(), 1);
        }
    }
}
