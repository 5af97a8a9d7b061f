//! Recoveries: two people open what somebody who left kept in a workspace. Whoever asks, whoever confirms and
//! the people of the project see the same words.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use governance::{Action, OutputId, PersonId, RecoveryId, WorkspaceId};
use service::{Recovered, RecoveryView, ServiceError};

use super::decision::unread;
use super::fields::Choice;
use super::form::{Faults, Form, Posted};
use super::home::Done;
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::{Front, Ready};

/// Pages of recoveries and the acts on them.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/recoveries", get(list).post(ask))
        .route("/recoveries/{id}", get(show))
        .route("/recoveries/{id}/confirm", post(confirm))
        .route("/recoveries/{id}/refuse", post(refuse))
        .route("/recoveries/{id}/end", post(end))
        .route("/recoveries/{id}/read", post(read))
        .route("/recoveries/{id}/statements", post(hand_over_statements))
        .route("/recoveries/{id}/outputs", post(hand_over_output))
}

/// A recovery as pages show it.
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) title: String,
    pub(crate) state: &'static str,
    /// Who asked, who confirmed and until when, in a sentence.
    pub(crate) says: String,
    pub(crate) reason: String,
}

impl Shown {
    pub(crate) fn of(view: RecoveryView) -> Self {
        Self {
            says: says(&view),
            id: view.recovery.to_string(),
            workspace: view.workspace.to_string(),
            title: view.title,
            state: view.state,
            reason: view.reason,
        }
    }

    /// Whether it gives something now.
    pub(crate) fn is_open(&self) -> bool {
        self.state == "open"
    }
}

fn says(view: &RecoveryView) -> String {
    let asked = format!(
        "{} asked for it on {}",
        view.asked_by.name,
        words::moment(view.asked_at)
    );
    let confirmed = view.confirmed_by.as_ref();
    match (view.state, confirmed, view.until) {
        ("open", Some(by), Some(until)) => format!(
            "{asked} and {} confirmed it. It ends at {} by itself.",
            by.name,
            words::moment(until)
        ),
        (_, Some(by), Some(until)) => format!(
            "{asked} and {} confirmed it. It ended at {}.",
            by.name,
            words::moment(until)
        ),
        ("asked", _, _) => format!(
            "{asked}, for {} minutes. Nothing is open until a second person confirms it.",
            view.minutes
        ),
        ("refused", _, _) => format!("{asked}. The second person said no."),
        _ => format!("{asked}. Nobody confirmed it in time."),
    }
}

#[derive(Template)]
#[template(path = "recoveries.html")]
struct List {
    shell: Shell,
    recoveries: Vec<Shown>,
    can_ask: bool,
    faults: Faults,
    workspace: String,
    reason: String,
    minutes: String,
    minutes_hint: String,
}

impl List {
    async fn of(
        front: &Front,
        visitor: &Visitor,
        form: &Form,
        faults: Faults,
    ) -> Result<Self, Told> {
        let (service, caller) = (&front.service, &visitor.caller);
        let recoveries = service.recoveries(caller).await?;
        let minutes = match form.one("minutes") {
            "" => "60",
            typed => typed,
        };
        Ok(Self {
            shell: Shell::of(visitor, "Recoveries").fault(&faults),
            recoveries: recoveries.into_iter().map(Shown::of).collect(),
            can_ask: service
                .possible_anew(caller)?
                .contains(&Action::AskRecovery),
            faults,
            workspace: form.one("workspace").to_owned(),
            reason: form.one("reason").to_owned(),
            minutes: minutes.to_owned(),
            minutes_hint: format!("At most {}.", service.policies().limits.recovery_minutes),
        })
    }
}

async fn list(State(front): Ready, visitor: Visitor, Query(ask): Query<Done>) -> Reply {
    let mut list = List::of(&front, &visitor, &Form::default(), Faults::default()).await?;
    list.shell = list.shell.done(ask.done.as_deref());
    page(&list)
}

async fn ask(State(front): Ready, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let mut faults = Faults::default();
    let workspace = form.one("workspace").parse::<WorkspaceId>();
    let minutes = form.one("minutes").parse::<u32>();
    faults.unless(
        workspace.is_ok(),
        "workspace",
        "Give the number of the workspace, such as wsp_abc; its people read it in the address of its page",
    );
    faults.unless(minutes.is_ok(), "minutes", "Give a whole number of minutes");
    if let (Ok(workspace), Ok(minutes)) = (workspace, minutes) {
        let (service, caller) = (&front.service, &visitor.caller);
        let asked = service
            .ask_recovery(caller, &workspace, form.one("reason"), minutes)
            .await;
        match asked {
            Ok(id) => return Ok(see(&format!("/recoveries/{id}"), "recovery_asked")),
            Err(ServiceError::NotFound(what)) => {
                faults.add("workspace", format!("There is no such {what}"));
            }
            Err(error) => faults = Faults::at("reason", error)?,
        }
    }
    again(&List::of(&front, &visitor, &form, faults).await?)
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct One {
    shell: Shell,
    recovery: Shown,
    faults: Faults,
    can_confirm: bool,
    can_refuse: bool,
    can_end: bool,
    can_read: bool,
    given: Option<Given>,
}

/// What an open recovery gives, as the page shows it.
struct Given {
    statements: Vec<Statement>,
    outputs: Vec<Output>,
    /// Those whose work can be handed over.
    from: Vec<Choice>,
    /// Those who can get it.
    to: Vec<Choice>,
    can_hand: bool,
}

struct Statement {
    name: String,
    author: String,
    sql: String,
}

struct Output {
    id: String,
    state: &'static str,
    author: String,
    /// Whether its author may work in the project no more.
    left: bool,
    /// Id of the field in which whoever gets it is chosen.
    field: String,
}

impl One {
    async fn of(
        front: &Front,
        visitor: &Visitor,
        id: &RecoveryId,
        faults: Faults,
    ) -> Result<Self, Told> {
        let (service, caller) = (&front.service, &visitor.caller);
        let recovery = Shown::of(service.recovery(caller, id).await?);
        let can = service.possible_with_recovery(caller, id).await?;
        // One whose time is over gives nothing, swept or not.
        let may = |action| can.contains(&action);
        let open = |action| recovery.is_open() && may(action);
        Ok(Self {
            shell: Shell::of(visitor, format!("Recovery {id}")).fault(&faults),
            faults,
            can_confirm: may(Action::ConfirmRecovery),
            can_refuse: may(Action::RefuseRecovery),
            can_end: open(Action::EndRecovery),
            can_read: open(Action::ReadRecovery),
            given: None,
            recovery,
        })
    }

    /// With what it gives, which is in the log from then on.
    async fn reading(
        mut self,
        front: &Front,
        visitor: &Visitor,
        id: &RecoveryId,
    ) -> Result<Self, Told> {
        let (service, caller) = (&front.service, &visitor.caller);
        let can = service.possible_with_recovery(caller, id).await?;
        let recovered = service.read_recovery(caller, id).await?;
        self.given = Some(Given::of(
            recovered,
            can.contains(&Action::HandOverStatements),
        ));
        Ok(self)
    }
}

impl Given {
    fn of(recovered: Recovered, can_hand: bool) -> Self {
        let here = |id: &PersonId| {
            let person = recovered.people.iter().find(|p| p.person.person == *id);
            person.is_some_and(|p| p.here)
        };
        let choice =
            |named: &service::Named| Choice::new(named.person.to_string(), named.name.clone());
        let mut from: Vec<Choice> = Vec::new();
        for saved in &recovered.statements {
            let known = from.iter().any(|c| c.value == saved.author.person.as_str());
            if !known && !here(&saved.author.person) {
                from.push(choice(&saved.author));
            }
        }
        let present = recovered.people.iter().filter(|p| p.here);
        Self {
            from,
            to: present.map(|p| choice(&p.person)).collect(),
            can_hand,
            outputs: recovered
                .outputs
                .iter()
                .map(|output| Output {
                    field: format!("to-{}", output.output),
                    id: output.output.to_string(),
                    state: output.state,
                    left: !here(&output.author.person),
                    author: output.author.name.clone(),
                })
                .collect(),
            statements: recovered
                .statements
                .into_iter()
                .map(|saved| Statement {
                    name: saved.name,
                    author: saved.author.name,
                    sql: saved.sql,
                })
                .collect(),
        }
    }
}

async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<RecoveryId>,
    Query(ask): Query<Done>,
) -> Reply {
    let mut shown = One::of(&front, &visitor, &id, Faults::default()).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    page(&shown)
}

async fn confirm(State(front): Ready, Path(id): Path<RecoveryId>, posted: Posted) -> Reply {
    let caller = &posted.visitor.caller;
    front.service.confirm_recovery(caller, &id).await?;
    Ok(see(&format!("/recoveries/{id}"), "recovery_confirmed"))
}

async fn refuse(State(front): Ready, Path(id): Path<RecoveryId>, posted: Posted) -> Reply {
    let caller = &posted.visitor.caller;
    front.service.refuse_recovery(caller, &id).await?;
    Ok(see(&format!("/recoveries/{id}"), "recovery_refused"))
}

async fn end(State(front): Ready, Path(id): Path<RecoveryId>, posted: Posted) -> Reply {
    let caller = &posted.visitor.caller;
    front.service.end_recovery(caller, &id).await?;
    Ok(see(&format!("/recoveries/{id}"), "recovery_ended"))
}

async fn read(State(front): Ready, Path(id): Path<RecoveryId>, posted: Posted) -> Reply {
    let visitor = posted.visitor;
    let shown = One::of(&front, &visitor, &id, Faults::default()).await?;
    page(&shown.reading(&front, &visitor, &id).await?)
}

async fn hand_over_statements(
    State(front): Ready,
    Path(id): Path<RecoveryId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let (from, to) = (person(&form, "from")?, person(&form, "to")?);
    let (service, caller) = (&front.service, &visitor.caller);
    let handed = service
        .hand_over_statements(caller, &id, (&from, &to))
        .await;
    match handed {
        Ok(_) => Ok(see(&format!("/recoveries/{id}"), "statements_handed_over")),
        Err(error) => faulty(&front, &visitor, &id, Faults::at("to", error)?).await,
    }
}

async fn hand_over_output(
    State(front): Ready,
    Path(id): Path<RecoveryId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let output: OutputId = form
        .one("output")
        .parse()
        .map_err(|_| unread("the output"))?;
    let to = person(&form, "to")?;
    let (service, caller) = (&front.service, &visitor.caller);
    let handed = service.hand_over_output(caller, &id, (&output, &to)).await;
    match handed {
        Ok(()) => Ok(see(&format!("/recoveries/{id}"), "output_handed_over")),
        Err(error) => {
            let faults = Faults::at(format!("to-{output}"), error)?;
            faulty(&front, &visitor, &id, faults).await
        }
    }
}

/// The page again with what it gives and what was wrong.
async fn faulty(front: &Front, visitor: &Visitor, id: &RecoveryId, faults: Faults) -> Reply {
    let shown = One::of(front, visitor, id, faults).await?;
    again(&shown.reading(front, visitor, id).await?)
}

fn person(form: &Form, field: &str) -> Result<PersonId, ServiceError> {
    let typed = form.one(field);
    typed.parse().map_err(|_| unread("the person"))
}

#[cfg(test)]
mod tests {
    use governance::Timestamp;
    use service::Named;

    use super::*;

    fn view(state: &'static str, confirmed: bool) -> RecoveryView {
        let named = |name: &str| Named {
            person: "per_1".parse().unwrap(),
            name: name.into(),
            organisation: String::new(),
        };
        let at = Timestamp::UNIX_EPOCH;
        RecoveryView {
            recovery: "rec_1".parse().unwrap(),
            workspace: "wsp_1".parse().unwrap(),
            title: "Stays".into(),
            state,
            reason: "Bo left".into(),
            asked_by: named("Ada"),
            asked_at: at,
            minutes: 60,
            confirmed_by: confirmed.then(|| named("Corin")),
            since: confirmed.then_some(at),
            until: confirmed.then_some(at),
        }
    }

    #[test]
    fn a_recovery_says_who_asked_who_confirmed_and_until_when() {
        let asked = "Ada asked for it on 1 January 1970, 00:00 UTC";
        for (state, confirmed, says) in [
            (
                "asked",
                false,
                ", for 60 minutes. Nothing is open until a second person confirms it.",
            ),
            (
                "open",
                true,
                " and Corin confirmed it. It ends at 1 January 1970, 00:00 UTC by itself.",
            ),
            (
                "ended",
                true,
                " and Corin confirmed it. It ended at 1 January 1970, 00:00 UTC.",
            ),
            ("refused", false, ". The second person said no."),
            ("lapsed", false, ". Nobody confirmed it in time."),
        ] {
            let shown = Shown::of(view(state, confirmed));
            assert_eq!(shown.says, format!("{asked}{says}"), "{state}");
            assert_eq!(shown.is_open(), state == "open");
        }
    }
}
