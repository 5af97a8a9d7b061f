//! What is said about one section of an application.

use askama::Template;
use axum::extract::{Path, State};
use governance::comment::Visibility;
use governance::{Action, ProjectId};
use service::ServiceError;

use super::fields::Choice;
use super::form::{Faults, Form, Posted};
use super::project::{Said, threads, title};
use super::project_words::section;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "project-comment.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    id: ProjectId,
    title: String,
    section: &'static str,
    word: String,
    comments: Vec<Said>,
    text: String,
    /// Empty for whoever can only speak to everybody.
    visibilities: Vec<Choice>,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path((id, word)): Path<(ProjectId, String)>,
) -> Reply {
    let form = Form::default();
    page(&filled(&front, &visitor, id, word, &form, Faults::default()).await?)
}

pub(crate) async fn comment(
    State(front): Ready,
    Path((id, word)): Path<(ProjectId, String)>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    if section(&word).is_none() {
        return Err(ServiceError::NotFound("section of an application").into());
    }
    let (service, caller) = (&front.service, &visitor.caller);
    let faults = match read(&form) {
        Ok((visibility, text)) => {
            let said = service.comment_on_project(caller, &id, &word, visibility, text);
            match said.await {
                Ok(_) => return Ok(see(&format!("/projects/{id}"), "commented")),
                Err(error) => Faults::at("text", error)?,
            }
        }
        Err(faults) => faults,
    };
    again(&filled(&front, &visitor, id, word, &form, faults).await?)
}

async fn filled(
    front: &Front,
    visitor: &Visitor,
    id: ProjectId,
    word: String,
    form: &Form,
    faults: Faults,
) -> Result<Page, ServiceError> {
    let title_of_section =
        section(&word).ok_or(ServiceError::NotFound("section of an application"))?;
    let caller = &visitor.caller;
    let reading = front.service.read_project(caller, &id).await?;
    let possible = reading.possible();
    let on = reading.project().people().contains(&caller.person.id);
    let comments = threads(reading.comments().await?)
        .into_iter()
        .filter(|thread| thread.section == word)
        .flat_map(|thread| thread.comments)
        .collect();
    let visibilities = if possible.contains(&Action::ViewPanelComments) && !on {
        visibilities(form.one("visibility"))
    } else {
        Vec::new()
    };
    Ok(Page {
        shell: Shell::of(visitor, format!("Comment on {title_of_section}")).fault(&faults),
        faults,
        title: title(reading.project()),
        section: title_of_section,
        comments,
        text: form.one("text").to_owned(),
        visibilities,
        id,
        word,
    })
}

fn visibilities(chosen: &str) -> Vec<Choice> {
    // Nothing is private by mistake, nor public: the choice is made each time.
    [
        (
            "public",
            "Everybody who may read the application",
            "The people of the project too.",
        ),
        (
            "private",
            "Only those who decide",
            "The people of the project never see it.",
        ),
    ]
    .map(|(value, label, hint)| Choice::new(value, label).hint(hint).among([chosen]))
    .into()
}

/// The comment that a form holds, or what is wrong with it.
fn read(form: &Form) -> Result<(Visibility, &str), Faults> {
    let mut faults = Faults::default();
    let text = form.one("text");
    faults.unless(!text.is_empty(), "text", "Say something");
    let visibility = match form.one("visibility") {
        "public" => Some(Visibility::Public),
        "private" => Some(Visibility::Private),
        _ => None,
    };
    match visibility {
        Some(visibility) if faults.is_empty() => Ok((visibility, text)),
        Some(_) => Err(faults),
        None => {
            faults.add("visibility", "Choose who reads it");
            Err(faults)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_says_something_to_somebody() {
        for (text, expected) in [
            (
                "text=Why+so+long%3F&visibility=public",
                Ok((Visibility::Public, "Why so long?")),
            ),
            (
                "text=No&visibility=private",
                Ok((Visibility::Private, "No")),
            ),
            ("text=+++&visibility=public", Err("text")),
            ("text=No", Err("visibility")),
            ("text=No&visibility=secret", Err("visibility")),
        ] {
            let form = Form::parse(text.as_bytes()).unwrap();
            match (read(&form), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(faults), Err(field)) => assert!(faults.of(field).is_some(), "{text}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }
}
