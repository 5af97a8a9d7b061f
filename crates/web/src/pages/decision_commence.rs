//! Papers: the coordinator files them when the approval is put in force, and again before they lapse.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use governance::project::{Paper, Papers, Project};
use governance::{Action, ProjectId, Refusal};
use service::{ProjectReading, ServiceError};

use super::fields::DateTyped;
use super::form::{Faults, Form, Posted};
use super::project::title;
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use crate::{Front, Ready};

/// Every paper, in the order of [`Papers::named`]: the word of its fields and what it is called.
const PAPERS: [(&str, &str); 4] = [
    ("ethics", "ethics approval"),
    ("impact", "data protection impact assessment"),
    ("sharing", "data sharing agreement"),
    ("funding", "proof of funding"),
];

/// What the papers are given for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Commencing,
    Renewing,
}

impl For {
    fn title(self) -> &'static str {
        match self {
            Self::Commencing => "Put in force",
            Self::Renewing => "Renew the papers",
        }
    }
}

#[derive(Template)]
#[template(path = "commence.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: ProjectId,
    project: String,
    /// Where the form goes.
    action: String,
    heading: &'static str,
    commences: bool,
    papers: Vec<Typed>,
    /// What is missing or lapsed of somebody on the project.
    lacks: Vec<String>,
}

/// A paper as it was typed.
struct Typed {
    legend: String,
    reference: String,
    reference_name: String,
    reference_label: String,
    until: DateTyped,
    until_name: String,
    until_legend: String,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
) -> Reply {
    empty(&front, &visitor, &id, For::Commencing).await
}

pub(crate) async fn show_papers(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
) -> Reply {
    empty(&front, &visitor, &id, For::Renewing).await
}

async fn empty(front: &Front, visitor: &Visitor, id: &ProjectId, aim: For) -> Reply {
    let reading = front.service.read_project(&visitor.caller, id).await?;
    let act = match aim {
        For::Commencing => Action::CommenceProject,
        For::Renewing => Action::RenewPapers,
    };
    if !reading.possible().contains(&act) {
        return Ok(Redirect::to(&format!("/projects/{id}")).into_response());
    }
    let form = Form::default();
    page(&filled(visitor, &reading, aim, &form, Faults::default()).await?)
}

pub(crate) async fn commence(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    match read(&form) {
        Ok(papers) => match front.service.commence(&visitor.caller, &id, papers).await {
            Ok(_) => Ok(see(&format!("/projects/{id}"), "in_force")),
            Err(error) => {
                let faults = refused(error)?;
                refill(&front, &visitor, &id, For::Commencing, &form, faults).await
            }
        },
        Err(faults) => refill(&front, &visitor, &id, For::Commencing, &form, faults).await,
    }
}

pub(crate) async fn renew(State(front): Ready, Path(id): Path<ProjectId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    match read(&form) {
        Ok(papers) => match front
            .service
            .renew_papers(&visitor.caller, &id, papers)
            .await
        {
            Ok(()) => Ok(see(&format!("/projects/{id}"), "papers_renewed")),
            Err(error) => {
                let faults = refused(error)?;
                refill(&front, &visitor, &id, For::Renewing, &form, faults).await
            }
        },
        Err(faults) => refill(&front, &visitor, &id, For::Renewing, &form, faults).await,
    }
}

/// What a rule says of a paper stands at that paper, anything else at the button.
fn refused(error: ServiceError) -> Result<Faults, Told> {
    let paper = match &error {
        ServiceError::Refused(Refusal::Paper(what)) => PAPERS.iter().find(|(_, name)| name == what),
        _ => None,
    };
    let field = paper.map_or_else(|| "send".to_owned(), |(word, _)| until(word));
    Faults::at(field, error)
}

async fn refill(
    front: &Front,
    visitor: &Visitor,
    id: &ProjectId,
    aim: For,
    form: &Form,
    faults: Faults,
) -> Reply {
    let reading = front.service.read_project(&visitor.caller, id).await?;
    again(&filled(visitor, &reading, aim, form, faults).await?)
}

/// The page with what was typed, or else with the papers on file.
async fn filled(
    visitor: &Visitor,
    reading: &ProjectReading<'_>,
    aim: For,
    form: &Form,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let project = reading.project();
    let on_file = match project {
        Project::InForce(in_force) if faults.is_empty() => Some(in_force.papers.named()),
        _ => None,
    };
    let papers = PAPERS.iter().enumerate().map(|(number, (word, name))| {
        let (reference_name, until_name) = (reference(word), until(word));
        let held = on_file.and_then(|papers| papers.get(number).map(|(_, paper)| *paper));
        Typed {
            legend: capital(name),
            reference: held.map_or_else(
                || form.one(&reference_name).to_owned(),
                |paper| paper.reference.clone(),
            ),
            until: held.map_or_else(
                || DateTyped::of(form, &until_name),
                |paper| DateTyped::from(paper.until),
            ),
            reference_label: format!("Reference of the {name}"),
            reference_name,
            until_legend: format!("Last day of the {name}"),
            until_name,
        }
    });
    let commences = aim == For::Commencing;
    let lacks = match aim {
        For::Commencing => {
            let standing = reading.standing(None).await?;
            standing.into_iter().filter_map(|s| s.lacks).collect()
        }
        For::Renewing => Vec::new(),
    };
    let id = project.core().id.clone();
    let place = if commences { "commence" } else { "papers" };
    Ok(Page {
        shell: Shell::of(visitor, aim.title()).fault(&faults),
        faults,
        project: title(project),
        action: format!("/projects/{id}/{place}"),
        heading: aim.title(),
        commences,
        papers: papers.collect(),
        lacks,
        id,
    })
}

/// The papers that a form holds, or what is wrong with it.
fn read(form: &Form) -> Result<Papers, Faults> {
    let mut faults = Faults::default();
    let [ethics, impact_assessment, sharing_agreement, funding] =
        PAPERS.map(|(word, name)| paper(form, &mut faults, word, name));
    match (ethics, impact_assessment, sharing_agreement, funding) {
        (Some(ethics), Some(impact_assessment), Some(sharing_agreement), Some(funding)) => {
            Ok(Papers {
                ethics,
                impact_assessment,
                sharing_agreement,
                funding,
            })
        }
        _ => Err(faults),
    }
}

fn paper(form: &Form, faults: &mut Faults, word: &str, name: &str) -> Option<Paper> {
    let field = reference(word);
    let reference = form.one(&field).to_owned();
    if reference.is_empty() {
        faults.add(field, format!("Give the reference of the {name}"));
    }
    let field = until(word);
    let what = format!("last day of the {name}");
    let until = DateTyped::of(form, &field).required(faults, &field, &what)?;
    (!reference.is_empty()).then_some(Paper { reference, until })
}

fn reference(word: &str) -> String {
    format!("{word}-reference")
}

fn until(word: &str) -> String {
    format!("{word}-until")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form with every paper, less one field.
    fn form_without(field: &str) -> Form {
        let fields = PAPERS.iter().flat_map(|(word, _)| {
            [
                format!("{word}-reference=REF-{word}"),
                format!("{word}-until-day=31"),
                format!("{word}-until-month=12"),
                format!("{word}-until-year=2027"),
            ]
        });
        let kept: Vec<String> = fields
            .filter(|pair| pair.split('=').next() != Some(field))
            .collect();
        Form::parse(kept.join("&").as_bytes()).unwrap()
    }

    #[test]
    fn four_papers_are_read_each_into_its_place() {
        let papers = read(&form_without("-")).unwrap();
        let references = [
            &papers.ethics,
            &papers.impact_assessment,
            &papers.sharing_agreement,
            &papers.funding,
        ]
        .map(|paper| paper.reference.as_str());
        assert_eq!(
            references,
            ["REF-ethics", "REF-impact", "REF-sharing", "REF-funding"]
        );
        assert_eq!(papers.funding.until.to_string(), "2027-12-31");
    }

    #[test]
    fn a_paper_needs_its_reference_and_its_last_day() {
        for (word, _) in PAPERS {
            let faults = read(&form_without(&reference(word))).unwrap_err();
            assert!(faults.of(&reference(word)).is_some(), "{word}");
            assert_eq!(faults.iter().count(), 1, "{word}");
            let faults = read(&form_without(&format!("{word}-until-month"))).unwrap_err();
            assert!(faults.of(&until(word)).is_some(), "{word}");
        }
    }

    #[test]
    fn what_a_rule_says_of_a_paper_stands_at_that_paper() {
        let refuse = |refusal: Refusal| refused(refusal.into()).unwrap();
        let faults = refuse(Refusal::Paper("data sharing agreement"));
        assert!(faults.of("sharing-until").is_some());
        let faults = refuse(Refusal::Ended("2026-01-01".parse().unwrap()));
        assert!(faults.of("send").is_some());
        assert!(refused(ServiceError::NotSignedIn).is_err());
    }

    #[test]
    fn an_empty_form_names_everything_that_is_missing() {
        let faults = read(&Form::default()).unwrap_err();
        assert_eq!(faults.iter().count(), 2 * PAPERS.len());
    }
}
