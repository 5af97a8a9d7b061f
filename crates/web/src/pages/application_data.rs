//! Safe data: which datasets an application asks for.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use governance::{DatasetId, ProjectId};

use super::application_draft::Asked;
use super::application_missing::faults;
use super::application_work::Work;
use super::fields::Choice;
use super::form::{Faults, Posted};
use super::home::Done;
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use crate::Ready;

#[derive(Template)]
#[template(path = "application_data.html")]
struct Datasets {
    shell: Shell,
    work: Work,
    faults: Faults,
    choices: Vec<Choice>,
    chosen: Vec<Chosen>,
    comments: Vec<service::CommentView>,
}

/// A dataset that is asked for.
struct Chosen {
    id: String,
    title: String,
    ticked: usize,
    gaps: usize,
}

pub(crate) async fn datasets(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(ask): Query<Done>,
) -> Reply {
    let work = Work::load(&front, &visitor, id).await?;
    if !work.is_written() {
        return Ok(Redirect::to(&format!("{}/check", work.home())).into_response());
    }
    let asked = &work.draft.datasets;
    let choices = work.datasets.values().map(|dataset| {
        let dictionary = &dataset.dictionary;
        let about = format!(
            "{} variables, table {}",
            dictionary.variables.len(),
            dictionary.table
        );
        Choice::new(dataset.id.as_str(), &dictionary.title)
            .hint(about)
            .among(asked.iter().map(|a| a.dataset.as_str()))
    });
    let gaps = |dataset: &str| {
        let here = |m: &&super::application_missing::Missing| m.dataset.as_deref() == Some(dataset);
        work.missing.iter().filter(here).count()
    };
    let title = |a: &Asked| {
        let id = a.dataset.parse::<DatasetId>().ok();
        let dataset = id.and_then(|id| work.datasets.get(&id));
        dataset.map_or_else(|| a.dataset.clone(), |d| d.dictionary.title.clone())
    };
    let chosen = asked.iter().map(|a| Chosen {
        id: a.dataset.clone(),
        title: title(a),
        ticked: a.variables.iter().filter(|v| v.ticked).count(),
        gaps: gaps(&a.dataset),
    });
    let mut comments = Vec::new();
    if work.project.core().version > 0 {
        comments = front
            .service
            .comments_on_project(&visitor.caller, &work.id)
            .await?;
        comments.retain(|c| c.section == "data");
    }
    let faults = faults(work.gaps("data").filter(|m| m.field == "dataset"));
    page(&Datasets {
        shell: Shell::of(&visitor, "Safe data")
            .fault(&faults)
            .done(ask.done.as_deref()),
        choices: choices.collect(),
        chosen: chosen.collect(),
        faults,
        comments,
        work,
    })
}

/// Keeps which datasets are asked for, and opens the first whose variables nobody has chosen yet.
pub(crate) async fn choose(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let mut work = Work::load(&front, &visitor, id).await?;
    work.must_be_written()?;
    let known = |word: &&str| {
        let id = word.parse::<DatasetId>();
        id.is_ok_and(|id| work.datasets.contains_key(&id))
    };
    let chosen: Vec<&str> = form.all("dataset").filter(known).collect();
    work.draft.choose(chosen.into_iter());
    work.save(&front, &visitor).await?;
    let fresh = work.draft.datasets.iter().find(|a| a.is_untouched());
    let next = match fresh {
        Some(asked) => format!("{}/data/{}", work.home(), asked.dataset),
        None => work.home(),
    };
    Ok(see(&next, "draft_saved"))
}
