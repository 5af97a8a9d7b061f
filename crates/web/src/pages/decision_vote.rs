//! A panel member's vote, with conditions that the machine enforces.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use governance::project::{Condition, PanelVerdict, Project, Submitted};
use governance::request::View;
use governance::{Action, DatasetId, Lifecycle, ProjectId, Sha256};
use service::{Caller, ServiceError};

use super::decision;
use super::fields::{Choice, DateTyped};
use super::form::{Faults, Form, Posted};
use super::project_words::Titles;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::{Front, Ready};

/// What the box says that asks for no rows.
const AGGREGATES_ONLY: &str = "aggregates_only";

#[derive(Template)]
#[template(path = "vote.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: ProjectId,
    title: String,
    version: Sha256,
    verdicts: Vec<Choice>,
    minimum_cell: String,
    minimum_cell_hint: String,
    excluded: Vec<Group>,
    end: DateTyped,
    end_hint: String,
    /// Where rows are asked for, that they are not to be shown; else empty.
    screen: Vec<Choice>,
}

/// Variables of one dataset that a condition may take out.
struct Group {
    id: String,
    legend: String,
    variables: Vec<Choice>,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
) -> Reply {
    let possible = front.service.possible(&visitor.caller, &id).await?;
    if !possible.contains(&Action::VoteOnApplication) {
        return Ok(Redirect::to(&format!("/projects/{id}")).into_response());
    }
    let submitted = submitted(&front, &visitor.caller, &id).await?;
    let form = Form::default();
    let shown = filled(&front, &visitor, &submitted, &form, Faults::default()).await?;
    page(&shown)
}

pub(crate) async fn vote(State(front): Ready, Path(id): Path<ProjectId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let version = decision::version(form.one("version"))?;
    let (service, caller) = (&front.service, &visitor.caller);
    let faults = match read(&form)? {
        Ok((verdict, conditions)) => {
            let voted = service.vote_on_application(caller, &id, &version, verdict, conditions);
            match voted.await {
                Ok(()) => return Ok(see(&format!("/projects/{id}"), "voted")),
                Err(error) => Faults::at("verdict", error)?,
            }
        }
        Err(faults) => faults,
    };
    let submitted = submitted(&front, caller, &id).await?;
    again(&filled(&front, &visitor, &submitted, &form, faults).await?)
}

/// The application before the panel.
async fn submitted(
    front: &Front,
    caller: &Caller,
    id: &ProjectId,
) -> Result<Submitted, ServiceError> {
    let view = front.service.project(caller, id).await?;
    match view.project {
        Project::Submitted(submitted) => Ok(submitted),
        other @ (Project::Draft { .. }
        | Project::Returned { .. }
        | Project::Refused { .. }
        | Project::Withdrawn { .. }
        | Project::Approved(_)
        | Project::InForce(_)
        | Project::Expired { .. }
        | Project::Revoked { .. }
        | Project::Closed { .. }
        | Project::Destroyed { .. }) => {
            let action = Action::VoteOnApplication;
            Err(action.wrong_state(Project::KIND, other.state()).into())
        }
    }
}

/// The page with what was typed.
async fn filled(
    front: &Front,
    visitor: &Visitor,
    submitted: &Submitted,
    form: &Form,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let mut titles = Vec::new();
    for asked in &submitted.request.datasets {
        let dataset = front
            .service
            .dataset(&visitor.caller, &asked.dataset)
            .await?;
        titles.push((asked.dataset.clone(), dataset.dictionary.title));
    }
    let request = &submitted.request;
    // A vote cites what its page showed, also when it is sent again.
    let version = Sha256::try_from(form.one("version").to_owned());
    Ok(Page {
        shell: Shell::of(visitor, "Vote").fault(&faults),
        faults,
        id: submitted.core.id.clone(),
        title: submitted.core.title.clone(),
        version: version.unwrap_or_else(|_| submitted.sha256.clone()),
        verdicts: verdicts(form.one("verdict")),
        minimum_cell: form.one("minimum_cell").to_owned(),
        minimum_cell_hint: format!(
            "The applicant proposes {}. Leave empty for no condition.",
            request.minimum_cell
        ),
        excluded: groups(submitted, &Titles::of(titles), form),
        end: DateTyped::of(form, "end"),
        end_hint: format!(
            "The applicant asks for access until {}. For example, 27 3 2027; leave empty for no condition.",
            words::day(request.end)
        ),
        screen: match request.view {
            View::Aggregates => Vec::new(),
            View::Rows => vec![
                Choice::new(AGGREGATES_ONLY, "Checked results only, no rows")
                    .among(form.all("screen")),
            ],
        },
    })
}

fn verdicts(chosen: &str) -> Vec<Choice> {
    [
        (
            "approve",
            "Approve",
            "It may go ahead, under the conditions below if there are any.",
        ),
        (
            "return",
            "Return",
            "It should come back with changes. Say which in a comment.",
        ),
        ("refuse", "Refuse", "It should not go ahead."),
    ]
    .map(|(value, label, hint)| Choice::new(value, label).hint(hint).among([chosen]))
    .into()
}

fn groups(submitted: &Submitted, titles: &Titles, form: &Form) -> Vec<Group> {
    submitted
        .request
        .datasets
        .iter()
        .map(|asked| Group {
            id: format!("exclude-{}", asked.dataset),
            legend: format!(
                "Variables of {} not to be given",
                titles.title(&asked.dataset)
            ),
            variables: asked
                .variables
                .iter()
                .map(|variable| {
                    let value = format!("{}.{}", asked.dataset, variable.name);
                    Choice::new(value, variable.name.clone())
                        .hint(variable.why.clone())
                        .among(form.all("exclude"))
                })
                .collect(),
        })
        .collect()
}

type Vote = (PanelVerdict, Vec<Condition>);

/// The vote that a form holds, or what is wrong with it.
fn read(form: &Form) -> Result<Result<Vote, Faults>, ServiceError> {
    let mut faults = Faults::default();
    let verdict = match form.one("verdict") {
        "approve" => Some(PanelVerdict::Approve),
        "return" => Some(PanelVerdict::Return),
        "refuse" => Some(PanelVerdict::Refuse),
        _ => None,
    };
    if verdict.is_none() {
        faults.add("verdict", "Choose how you vote");
    }
    let mut conditions = Vec::new();
    match form.one("minimum_cell") {
        "" => {}
        text => match text.parse() {
            Ok(people) => conditions.push(Condition::MinimumCell { people }),
            Err(_) => faults.add(
                "minimum_cell",
                "The number of people must be a whole number",
            ),
        },
    }
    for value in form.all("exclude") {
        let (dataset, variable) = value
            .split_once('.')
            .ok_or_else(|| decision::unread("the variable"))?;
        let dataset: DatasetId = decision::dataset(dataset)?;
        let variable = variable.to_owned();
        conditions.push(Condition::ExcludeVariable { dataset, variable });
    }
    let end = DateTyped::of(form, "end").optional(&mut faults, "end", "last day");
    conditions.extend(end.map(|day| Condition::EndBy { day }));
    if form.one("screen") == AGGREGATES_ONLY {
        conditions.push(Condition::AggregatesOnly {});
    }
    Ok(match verdict {
        Some(verdict) if faults.is_empty() => Ok((verdict, conditions)),
        Some(_) | None => Err(faults),
    })
}

#[cfg(test)]
mod tests {
    use governance::Date;

    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_vote_is_read_with_every_condition() {
        let text = "verdict=approve&minimum_cell=20&exclude=dst_a.ward&exclude=dst_b.site\
                    &end-day=31&end-month=12&end-year=2027&screen=aggregates_only";
        let (verdict, conditions) = read(&form(text)).unwrap().unwrap();
        assert_eq!(verdict, PanelVerdict::Approve);
        let exclude = |dataset: &str, variable: &str| Condition::ExcludeVariable {
            dataset: dataset.parse().unwrap(),
            variable: variable.into(),
        };
        let end = Condition::EndBy {
            day: Date::constant(2027, 12, 31),
        };
        assert_eq!(
            conditions,
            [
                Condition::MinimumCell { people: 20 },
                exclude("dst_a", "ward"),
                exclude("dst_b", "site"),
                end,
                Condition::AggregatesOnly {},
            ]
        );
    }

    #[test]
    fn a_vote_without_conditions_has_none() {
        for (word, verdict) in [
            ("approve", PanelVerdict::Approve),
            ("return", PanelVerdict::Return),
            ("refuse", PanelVerdict::Refuse),
        ] {
            let text = format!("verdict={word}&minimum_cell=&end-day=&end-month=&end-year=");
            assert_eq!(read(&form(&text)).unwrap().unwrap(), (verdict, Vec::new()));
        }
    }

    #[test]
    fn each_fault_is_told_at_its_field() {
        for (text, field) in [
            ("", "verdict"),
            ("verdict=abstain", "verdict"),
            ("verdict=approve&minimum_cell=ten", "minimum_cell"),
            ("verdict=approve&minimum_cell=-1", "minimum_cell"),
            (
                "verdict=approve&end-day=31&end-month=2&end-year=2027",
                "end",
            ),
        ] {
            let faults = read(&form(text)).unwrap().unwrap_err();
            assert!(faults.of(field).is_some(), "{text}");
        }
    }

    #[test]
    fn a_variable_that_no_page_of_ours_sent_is_refused() {
        for text in [
            "verdict=approve&exclude=ward",
            "verdict=approve&exclude=x.ward",
        ] {
            assert!(read(&form(text)).is_err(), "{text}");
        }
    }
}
