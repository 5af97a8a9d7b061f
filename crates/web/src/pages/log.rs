//! The log for auditors: where it stands, what it tells, a proof of each entry, and the verifier itself.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use governance::ProjectId;
use serde::Deserialize;
use service::{LogVerdict, ServiceError};

use super::events::{Entry, entries};
use super::form::Posted;
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Pages of the log.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/log", get(show))
        .route("/log/publish", post(publish))
        .route("/log/verify", get(ask_to_verify).post(verify))
        .route("/log/proof/{leaf}", get(proof))
}

#[derive(Template)]
#[template(path = "log.html")]
struct Page {
    shell: Shell,
    /// Entries recorded, published or not.
    recorded: u64,
    published: Option<Published>,
    project: String,
    entries: Vec<Entry>,
    /// Address of the next page in this direction.
    next: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "log_verify.html")]
struct Verify {
    shell: Shell,
    remembered: String,
    verdict: Option<LogVerdict>,
}

/// Where the published log stands.
#[derive(Debug, PartialEq, Eq)]
struct Published {
    size: u64,
    root: String,
    /// The signed note.
    note: String,
}

/// Which entries.
#[derive(Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    done: Option<String>,
    #[serde(default)]
    project: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
}

/// A number of a form's field; nothing where nothing was typed.
fn number(text: &str) -> Result<Option<u64>, ServiceError> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| ServiceError::BadInput("a leaf is a whole number, counted from 0".into())),
    }
}

/// The project that entries are asked of; nothing where nothing was typed.
fn project(text: &str) -> Result<Option<ProjectId>, ServiceError> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            ServiceError::BadInput(
                "a project's number begins with prj_, such as on its page".into(),
            )
        }),
    }
}

async fn show(State(front): Ready, visitor: Visitor, Query(ask): Query<Ask>) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let of = project(&ask.project)?;
    let (after, before) = (number(&ask.after)?, number(&ask.before)?);
    let recorded = service.log_entries(caller).await?;
    let published = match service.latest_checkpoint(&front.log) {
        Ok(note) => Some(Published::read(note)?),
        Err(ServiceError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let events = match after {
        Some(_) => service.events(caller, of.as_ref(), after).await?,
        None => service.events_newest(caller, of.as_ref(), before).await?,
    };
    let full = u32::try_from(events.len()).is_ok_and(|n| n >= service.policies().limits.page);
    let next = events.last().filter(|_| full).map(|event| {
        let way = if after.is_some() { "after" } else { "before" };
        let of = of
            .as_ref()
            .map_or_else(String::new, |id| format!("&project={id}"));
        let text = if after.is_some() {
            "Later entries"
        } else {
            "Earlier entries"
        };
        (format!("/log?{way}={}{of}", event.leaf), text)
    });
    let covered = published.as_ref().map_or(0, |published| published.size);
    page(&Page {
        shell: Shell::of(&visitor, "Log").done(ask.done.as_deref()),
        recorded,
        published,
        project: of.map_or_else(String::new, |id| id.to_string()),
        entries: entries(service, caller, events, covered).await?,
        next,
    })
}

impl Published {
    /// Reads size and root off a signed note: its second and third line.
    fn read(note: String) -> Result<Self, ServiceError> {
        let unreadable = || ServiceError::Log("its checkpoint cannot be read".into());
        let mut lines = note.lines().skip(1);
        let size = lines.next().and_then(|line| line.parse().ok());
        let root = lines.next().filter(|line| !line.is_empty());
        Ok(Self {
            size: size.ok_or_else(unreadable)?,
            root: root.ok_or_else(unreadable)?.to_owned(),
            note,
        })
    }
}

async fn publish(State(front): Ready, posted: Posted) -> Reply {
    let caller = posted.visitor.caller;
    to_the_end(async move { front.service.publish_log_for(&caller, &front.log).await }).await?;
    Ok(see("/log", "log_published"))
}

async fn ask_to_verify(visitor: Visitor) -> Reply {
    page(&Verify {
        shell: Shell::of(&visitor, "Verify the log"),
        remembered: String::new(),
        verdict: None,
    })
}

async fn verify(State(front): Ready, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let remembered = form.raw("remembered").trim().to_owned();
    let asked = Some(remembered.as_str()).filter(|text| !text.is_empty());
    let verdict = front
        .service
        .verify_log(&visitor.caller, &front.log, asked)
        .await?;
    page(&Verify {
        shell: Shell::of(&visitor, "Verify the log"),
        remembered,
        verdict: Some(verdict),
    })
}

/// An offline proof that an entry is in the log, as a file.
async fn proof(State(front): Ready, visitor: Visitor, Path(leaf): Path<u64>) -> Reply {
    let proof = front
        .service
        .proof(&visitor.caller, &front.log, leaf)
        .await?;
    let name = format!("attachment; filename=\"leaf-{leaf}.tlog-proof\"");
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    Ok((headers, proof).into_response())
}

/// Public: the latest signed checkpoint, for whoever wants to remember it.
pub(crate) async fn checkpoint(State(front): Ready) -> Reply {
    let note = front.service.latest_checkpoint(&front.log)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_root_are_read_off_the_signed_note() {
        let note = "strongroom.example/log\n12\nAAAA=\n\n\u{2014} strongroom.example/log sig\n";
        let read = Published::read(note.to_owned()).unwrap();
        assert_eq!((read.size, read.root.as_str()), (12, "AAAA="));
        for bad in [
            "",
            "origin\n",
            "origin\nmany\nroot\n",
            "origin\n12\n",
            "origin\n12\n\n",
        ] {
            assert!(Published::read(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_typed_into_the_filter_is_a_number_or_a_refusal() {
        assert_eq!(number(" 12 ").unwrap(), Some(12));
        assert_eq!(number("").unwrap(), None);
        assert!(number("-1").is_err());
        assert!(number("twelve").is_err());
        assert_eq!(project("").unwrap(), None);
        assert_eq!(
            project(" prj_a1 ")
                .unwrap()
                .map(|id| id.to_string())
                .as_deref(),
            Some("prj_a1")
        );
        assert!(project("out_a1").is_err());
    }
}
