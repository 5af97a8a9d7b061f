//! Every refusal as a page: what, why, what next.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::REFERER;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::{Kind, ServiceError};

use super::session::Visitor;
use super::shell::{Shell, with_status};
use crate::Front;
use crate::answer::status;

/// A refusal on its way to a page.
#[derive(Debug)]
pub(crate) struct Told(ServiceError);

impl Told {
    pub(crate) fn error(&self) -> &ServiceError {
        &self.0
    }

    /// Why, as a sentence.
    pub(crate) fn why(&self) -> String {
        sentence(&plain(&self.0))
    }
}

impl From<ServiceError> for Told {
    fn from(error: ServiceError) -> Self {
        Self(error)
    }
}

impl From<crate::answer::No> for Told {
    fn from(no: crate::answer::No) -> Self {
        Self(no.into_inner())
    }
}

/// What [`render`] makes a page of.
#[derive(Clone)]
struct Words {
    kind: Kind,
    why: String,
    place: Option<String>,
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let kind = self.0.kind();
        tracing::info!(kind = kind.word(), "refused");
        let place = match &self.0 {
            ServiceError::Keeper(refused) => match (refused.row, &refused.column) {
                (Some(row), Some(column)) => Some(format!("row {row}, column {column}")),
                (Some(row), None) => Some(format!("row {row}")),
                (None, Some(column)) => Some(format!("column {column}")),
                (None, None) => None,
            },
            _ => None,
        };
        let words = Words {
            kind,
            why: self.why(),
            place,
        };
        let mut response = status(kind).into_response();
        response.extensions_mut().insert(words);
        response
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page {
    shell: Shell,
    what: &'static str,
    why: String,
    place: Option<String>,
    next: &'static str,
    back: String,
}

/// Makes pages of refusals, and of what axum itself refuses.
pub(crate) async fn render(State(front): State<Front>, request: Request, next: Next) -> Response {
    let acted = request.method() != Method::GET;
    let (headers, path) = (request.headers().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let words = match response.extensions_mut().remove::<Words>() {
        Some(words) => words,
        None => match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => Words {
                kind: Kind::NotFound,
                why: "There is no such page.".into(),
                place: None,
            },
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE
                if !response.headers().contains_key("content-disposition") =>
            {
                Words {
                    kind: Kind::BadInput,
                    why: "The address or the form cannot be read.".into(),
                    place: None,
                }
            }
            _ => return response,
        },
    };
    let what = match (words.kind, acted) {
        (Kind::NotFound, _) => "There is nothing here",
        (Kind::NotSignedIn, _) => "Sign in first",
        (_, true) => "This was not done",
        (_, false) => "This cannot be shown",
    };
    let visitor = match words.kind {
        // Who asks too often is not looked up once more.
        Kind::TooOften => None,
        // Whoever is signed in keeps their own menu.
        Kind::Refused
        | Kind::NotSignedIn
        | Kind::Denied
        | Kind::NotFound
        | Kind::BadInput
        | Kind::Stale
        | Kind::Unavailable
        | Kind::Internal => Visitor::by(&headers, &path, &front).await.ok(),
    };
    let page = Page {
        shell: Shell::maybe(visitor.as_ref(), what),
        what,
        why: words.why,
        place: words.place,
        next: next_step(words.kind),
        back: back(&headers),
    };
    let status = status(words.kind);
    let mut response = with_status(status, &page).unwrap_or_else(|_| status.into_response());
    if headers.contains_key("hx-request") {
        // The answer to a part of a page is a whole one: it takes the place of the page's content.
        for (name, value) in [
            ("hx-retarget", "#main-content"),
            ("hx-reselect", "#main-content"),
            ("hx-reswap", "outerHTML"),
        ] {
            let name = HeaderName::from_static(name);
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// What to do after a no.
fn next_step(kind: Kind) -> &'static str {
    match kind {
        Kind::NotSignedIn => {
            "Sign in, then do it again. A session ends by itself when nobody uses it for a while."
        }
        Kind::Denied => {
            "Nothing was changed. If it is your work to do, ask an administrator which roles you hold."
        }
        Kind::NotFound => "Go back to your work and follow a link from there.",
        Kind::BadInput => {
            "Nothing was changed. Go back, mend what is said above and send it again."
        }
        Kind::Refused => {
            "Nothing was changed. This is a rule of the safe haven: put right what it names, or ask a research coordinator."
        }
        Kind::TooOften => "Nothing was changed. Wait a minute, then do it again.",
        Kind::Stale => {
            "Nothing was changed, because somebody else changed it meanwhile. Open it again, read what is new, and decide again."
        }
        Kind::Unavailable => {
            "Nothing was changed. Try again in a minute; if it lasts, tell whoever runs the safe haven."
        }
        Kind::Internal => {
            "Nothing was recorded. Tell whoever runs the safe haven, with the time of day."
        }
    }
}

/// The page that the visitor came from, if it is one of ours.
fn back(headers: &HeaderMap) -> String {
    let ours = || {
        let from = headers.get(REFERER)?.to_str().ok()?;
        let host = headers.get("host")?.to_str().ok()?;
        let (_, rest) = from.split_once("://")?;
        let path = rest.strip_prefix(host)?;
        path.starts_with('/').then(|| path.to_owned())
    };
    ours().unwrap_or_else(|| "/".into())
}

/// A reason for people: who is signed in knows who they are, and acts are said as words.
fn plain(error: &ServiceError) -> String {
    let text = match error {
        ServiceError::Denied { action, reason, .. } => {
            format!("your roles do not let you {action} here: {reason}")
        }
        other => other.to_string(),
    };
    governance::Action::TABLE
        .iter()
        .filter(|row| row.word.contains('_'))
        .fold(text, |text, row| {
            text.replace(row.word, &row.word.replace('_', " "))
        })
}

/// A reason as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", chars.as_str())
}

pub(crate) async fn nothing_here() -> Told {
    ServiceError::NotFound("page").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_said_in_words_and_names_of_limits_stay() {
        let denied = ServiceError::Denied {
            person: "per_aaaaaaaaaaaaaaaa".into(),
            action: "view_log",
            reason: "no access policy permits it to a researcher here".into(),
        };
        assert_eq!(
            sentence(&plain(&denied)),
            "Your roles do not let you view log here: no access policy permits it to a researcher here."
        );
        let limit = ServiceError::TooOften("requests_per_minute");
        assert!(plain(&limit).contains("(requests_per_minute in policies/limits.toml)"));
    }
}
