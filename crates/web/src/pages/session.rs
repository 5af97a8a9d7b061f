//! Who visits: by a cookie that only the browser holds, of which the store keeps a hash.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use ring::rand::{SecureRandom, SystemRandom};
use service::{Caller, Door, ServiceError, session_csrf};

use super::refusal::Told;
use crate::Front;

/// Cookie of a session.
const SESSION: &str = "strongroom_session";
/// Cookie of a visit before signing in, so that those forms have a token too.
const VISIT: &str = "strongroom_visit";

/// Somebody who is signed in: made only by checking their session.
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// Secret of the session, for ending it.
    pub(crate) secret: String,
    /// Token of the session's forms.
    pub(crate) csrf: String,
    /// Path of the page asked for.
    pub(crate) path: String,
    /// At which desk.
    pub(crate) desk: Door,
}

impl Visitor {
    pub(crate) async fn of(parts: &mut Parts, front: &Front) -> Result<Self, Told> {
        Self::by(&parts.headers, parts.uri.path(), front).await
    }

    /// Whoever's session the cookie names, at a page.
    pub(crate) async fn by(headers: &HeaderMap, path: &str, front: &Front) -> Result<Self, Told> {
        let secret = secret(headers).ok_or(ServiceError::NotSignedIn)?;
        let caller = front.service.session(secret).await?;
        Ok(Self {
            caller,
            secret: secret.to_owned(),
            csrf: session_csrf(secret),
            path: path.to_owned(),
            desk: front.service.desk(),
        })
    }
}

/// What a browser sends as the secret of a session. Whether there is such a session is not said.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, SESSION)
}

impl FromRequestParts<Front> for Visitor {
    type Rejection = Response;

    /// Who is not signed in is asked to, and then led on.
    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Self, Response> {
        match Self::of(parts, front).await {
            Err(told) if matches!(told.error(), ServiceError::NotSignedIn) => {
                let next = percent_encoding::utf8_percent_encode(
                    parts.uri.path(),
                    percent_encoding::NON_ALPHANUMERIC,
                );
                Err(Redirect::to(&format!("/sign-in?next={next}")).into_response())
            }
            other => other.map_err(IntoResponse::into_response),
        }
    }
}

impl OptionalFromRequestParts<Front> for Visitor {
    type Rejection = Told;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Option<Self>, Told> {
        match Self::of(parts, front).await {
            Ok(visitor) => Ok(Some(visitor)),
            Err(told) if matches!(told.error(), ServiceError::NotSignedIn) => Ok(None),
            Err(told) => Err(told),
        }
    }
}

/// A visit of somebody who is not signed in: a random secret in a cookie.
pub(crate) struct Visit {
    secret: String,
    /// Token of the visit's forms.
    pub(crate) csrf: String,
}

impl Visit {
    fn with(secret: String) -> Self {
        let csrf = session_csrf(&secret);
        Self { secret, csrf }
    }

    /// The visit that a cookie names.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Told> {
        let secret = cookie(headers, VISIT).ok_or_else(|| {
            ServiceError::BadInput(
                "the browser sent no cookie: allow cookies for this address and open the page again"
                    .into(),
            )
        })?;
        Ok(Self::with(secret.to_owned()))
    }

    /// The visit that a cookie names, or a new one.
    pub(crate) fn of_or_new(headers: &HeaderMap) -> Result<Self, Told> {
        if let Ok(visit) = Self::of(headers) {
            return Ok(visit);
        }
        let mut bytes = [0_u8; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| ServiceError::NoRandomness)?;
        Ok(Self::with(hex::encode(bytes)))
    }

    /// An answer that sets the visit's cookie.
    pub(crate) fn keep(&self, front: &Front, mut response: Response) -> Response {
        set(front, &mut response, VISIT, &self.secret, "");
        response
    }
}

/// An answer that begins a session in this browser and ends the visit before it.
pub(crate) fn begin(front: &Front, secret: &str, mut response: Response) -> Response {
    set(front, &mut response, SESSION, secret, "");
    set(front, &mut response, VISIT, "", "; Max-Age=0");
    response
}

/// An answer that takes the session's cookie out of this browser.
pub(crate) fn forget(front: &Front, mut response: Response) -> Response {
    set(front, &mut response, SESSION, "", "; Max-Age=0");
    response
}

/// A cookie that no script reads and no other site's page sends.
fn set(front: &Front, response: &mut Response, name: &str, value: &str, more: &str) {
    let secure = if front.is_behind_tls() {
        "; Secure"
    } else {
        ""
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// The first cookie of a name, if it is 64 hex digits.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
        .filter(|v| v.len() == 64 && v.bytes().all(|b| b.is_ascii_hexdigit()))
}
