//! Signing in: name, password (Argon2id), code.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use service::ServiceError;

use super::form::{Faults, PostedBy};
use super::session::{self, Visit};
use super::shell::{Reply, Shell, again, page};
use super::{totp, words};
use crate::{Front, Ready};

/// Least and most characters of a password.
pub(crate) const PASSWORD_MIN: usize = 12;
pub(crate) const PASSWORD_MAX: usize = 128;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    name: String,
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: Option<String>,
}

pub(crate) async fn show(
    State(front): Ready,
    Query(ask): Query<Next>,
    headers: HeaderMap,
) -> Reply {
    let visit = Visit::of_or_new(&headers)?;
    let shown = page(&Page {
        shell: Shell::visit(&visit, "Sign in").done(ask.done.as_deref()),
        faults: Faults::default(),
        name: String::new(),
        next: inside(&ask.next),
    })?;
    Ok(visit.keep(&front, shown))
}

pub(crate) async fn post(State(front): Ready, posted: PostedBy) -> Reply {
    let PostedBy { visit, form } = posted;
    let (name, next) = (form.one("name").to_lowercase(), inside(form.one("next")));
    match enter(&front, &name, form.raw("password"), form.one("code")).await? {
        Ok(secret) => Ok(welcome(&front, &secret, &next)),
        Err(text) => {
            let mut faults = Faults::default();
            faults.add("name", text);
            let shell = Shell::visit(&visit, "Sign in").fault(&faults);
            again(&Page {
                shell,
                faults,
                name,
                next,
            })
        }
    }
}

/// A session's secret, or one sentence that does not tell which of the three was wrong. Only whoever knows the
/// password is told that the name is locked.
async fn enter(
    front: &Front,
    name: &str,
    password: &str,
    code: &str,
) -> Result<Result<String, String>, ServiceError> {
    const WRONG: &str = "The name, the password or the code is not right";
    let credential = front.service.credential(name).await?;
    let now = front.service.time()?;
    // A name that nobody has costs a password's hash too, by far the longest part. That a failure of a name that
    // somebody has is written down as well is not hidden.
    let hash = credential
        .as_ref()
        .map_or_else(|| front.nobody.to_string(), |c| c.phc.clone());
    let right = verify(front, hash, password.to_owned()).await?;
    let Some(credential) = credential else {
        return Ok(Err(WRONG.into()));
    };
    if let Some(until) = credential.locked_until.filter(|until| now < *until) {
        let locked = || {
            format!(
                "This name was tried too often; it can be used again at {} (sign_in_failures in policies/limits.toml)",
                words::moment(until)
            )
        };
        return Ok(Err(if right { locked() } else { WRONG.into() }));
    }
    let step = totp::step(&credential.totp, code, now);
    match (right, step) {
        (true, Some(step)) => match front.service.begin_session(&credential.person, step).await {
            Ok(secret) => Ok(Ok(secret)),
            Err(ServiceError::NotSignedIn) => Ok(Err(
                "This sign-in was not accepted: wait for the next code; if that fails too, ask an administrator"
                    .into(),
            )),
            Err(error) => Err(error),
        },
        _ => {
            front
                .service
                .note_failed_sign_in(&credential.person)
                .await?;
            Ok(Err(WRONG.into()))
        }
    }
}

/// Into a session, and on.
pub(crate) fn welcome(front: &Front, secret: &str, next: &str) -> Response {
    session::begin(front, secret, Redirect::to(next).into_response())
}

/// A path of these pages; anything else leads home, so that no link to here leads elsewhere.
fn inside(next: &str) -> String {
    let plain = next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_-.".contains(&b));
    if plain { next.to_owned() } else { "/".into() }
}

/// Argon2id with 19 MiB, two passes, one lane (OWASP); as many at once as there are places, so that
/// signing in cannot use up the memory.
pub(crate) async fn hash(front: &Front, password: String) -> Result<String, ServiceError> {
    let _place = front.password_places.acquire().await;
    let hashed = tokio::task::spawn_blocking(move || password_hash(&password));
    hashed.await.unwrap_or(Err(ServiceError::NoRandomness))
}

/// Argon2id hash of a password, as a PHC string.
///
/// # Errors
/// If the operating system gives no randomness.
pub fn password_hash(password: &str) -> Result<String, ServiceError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| ServiceError::NoRandomness)
}

async fn verify(front: &Front, phc: String, password: String) -> Result<bool, ServiceError> {
    if password.len() > PASSWORD_MAX * 4 {
        return Ok(false);
    }
    let _place = front.password_places.acquire().await;
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&phc).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    });
    // Whatever cannot be verified is not right.
    Ok(verified.await.unwrap_or(false))
}

/// The hash of a password that nobody has.
///
/// # Errors
/// If the operating system gives no randomness.
pub(crate) fn nobody() -> Result<String, ServiceError> {
    password_hash(&hex::encode(totp::fresh()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_on_only_within_the_pages() {
        for good in ["/", "/projects/prj_abc", "/log"] {
            assert_eq!(inside(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/a?b",
            "/a\r\nb",
        ] {
            assert_eq!(inside(bad), "/", "{bad}");
        }
    }
}
