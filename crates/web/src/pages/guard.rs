//! What holds for every page: strict headers, and how often somebody may ask.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::ServiceError;

use super::refusal::Told;
use super::session;
use crate::Front;

/// Only our own files, no inline script or style, no frame, forms only to here.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Puts the headers on every answer. Pages are not kept by anybody: the next person at the same machine
/// does not find them.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses what another site's page sends, and who asks too often.
pub(crate) async fn limit(State(front): State<Front>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET && !same_site(&request) {
        let error = ServiceError::BadInput("this was sent by a page of another site".into());
        return Told::from(error).into_response();
    }
    let asker = Asker::of(&request);
    match count(&front, asker).await {
        Ok(()) => next.run(request).await,
        Err(name) => {
            let error = ServiceError::TooOften(name);
            Told::from(error).into_response()
        }
    }
}

/// By whom a request says that it is.
enum Asker {
    /// Nobody yet: somebody who signs in.
    Guess,
    /// Whoever has the session with this secret.
    Session(String),
    /// Anybody.
    Stranger,
}

impl Asker {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        if request.method() == Method::POST && (path == "/sign-in" || path.starts_with("/join")) {
            return Self::Guess;
        }
        session::secret(request.headers())
            .map_or(Self::Stranger, |secret| Self::Session(secret.to_owned()))
    }
}

/// Counts a request: of somebody who is signed in for themselves, any other with all of its kind.
///
/// # Errors
/// The name of the limit that was met.
async fn count(front: &Front, by: Asker) -> Result<(), &'static str> {
    let limits = &front.service.policies().limits;
    let max = limits.requests_per_minute;
    match by {
        // One count for everybody together, against guessing at many names.
        Asker::Guess => front.limits.sign_in(limits.sign_ins_per_minute),
        // A secret that was made up is nobody's: it would give whoever makes them up a count for each.
        Asker::Session(secret)
            if front.limits.knows(&secret) || front.service.session(&secret).await.is_ok() =>
        {
            front.limits.visitor(&secret, max)
        }
        Asker::Session(_) | Asker::Stranger => front.limits.stranger(max),
    }
}

/// Browsers say where a request comes from; a script of ours and a form of ours say `same-origin`, an
/// address that was typed says `none`.
fn same_site(request: &Request) -> bool {
    match request.headers().get("sec-fetch-site") {
        Some(value) => value == "same-origin" || value == "none",
        // Not a browser of today: the form's token decides.
        None => true,
    }
}
