//! The first sign-in: an invitation that works once becomes a name, a password and an authenticator app.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use service::{NewCredential, ServiceError};

use super::form::{Faults, PostedBy};
use super::session::Visit;
use super::shell::{Reply, Shell, again, page};
use super::sign_in::{PASSWORD_MAX, PASSWORD_MIN, hash, welcome};
use super::totp::{self, Shown};
use crate::Ready;

#[derive(Template)]
#[template(path = "join.html")]
struct Page {
    shell: Shell,
    faults: Faults,
    invitation: String,
    name: String,
    totp: Option<Shown>,
}

pub(crate) async fn show(State(front): Ready, headers: HeaderMap) -> Reply {
    let visit = Visit::of_or_new(&headers)?;
    let shown = page(&Page {
        shell: Shell::visit(&visit, "Set up your sign-in"),
        faults: Faults::default(),
        invitation: String::new(),
        name: String::new(),
        totp: None,
    })?;
    Ok(visit.keep(&front, shown))
}

/// An invitation is good: shows a fresh key for the authenticator app.
pub(crate) async fn invited(State(front): Ready, posted: PostedBy) -> Reply {
    let PostedBy { visit, form } = posted;
    let invitation = form.one("invitation").to_owned();
    match front.service.sign_in(&invitation).await {
        Ok(_) => {
            let totp = Some(totp::show(&totp::fresh()?, "strongroom")?);
            page(&Page {
                shell: Shell::visit(&visit, "Set up your sign-in"),
                faults: Faults::default(),
                invitation,
                name: String::new(),
                totp,
            })
        }
        Err(ServiceError::NotSignedIn) => {
            let mut faults = Faults::default();
            faults.add(
                "invitation",
                "This invitation is not known, was used or has ended; ask an administrator for a new one",
            );
            let shell = Shell::visit(&visit, "Set up your sign-in").fault(&faults);
            again(&Page {
                shell,
                faults,
                invitation: String::new(),
                name: String::new(),
                totp: None,
            })
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn finish(State(front): Ready, posted: PostedBy) -> Reply {
    let PostedBy { visit, form } = posted;
    let invitation = form.one("invitation").to_owned();
    let caller = front.service.sign_in(&invitation).await?;
    let name = form.one("name").to_lowercase();
    let secret = totp::read(form.one("secret"))?;
    let password = form.raw("password");
    let mut faults = Faults::default();
    let fit = (3..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b));
    faults.unless(
        fit,
        "name",
        "A sign-in name has 3 to 64 small letters, digits, dots, hyphens, underscores or @",
    );
    let length = password.chars().count();
    faults.unless(
        (PASSWORD_MIN..=PASSWORD_MAX).contains(&length),
        "password",
        "A password has 12 to 128 characters",
    );
    faults.unless(
        password == form.raw("again"),
        "again",
        "Both passwords must be the same",
    );
    faults.unless(
        name.is_empty() || !password.to_lowercase().contains(&name),
        "password",
        "A password does not hold the sign-in name",
    );
    let step = totp::step(&secret, form.one("code"), front.service.time()?);
    faults.unless(
        step.is_some(),
        "code",
        "The code is not the one that the app shows now",
    );
    if let Some(totp_step) = step
        && faults.is_empty()
    {
        let phc = hash(&front, password.to_owned()).await?;
        let new = NewCredential {
            name: name.clone(),
            phc,
            totp: secret.clone(),
            // The session below takes the step itself.
            totp_step: totp_step - 1,
        };
        match front.service.set_credential(&caller, new).await {
            Ok(()) => {
                let secret = front
                    .service
                    .begin_session(&caller.person.id, totp_step)
                    .await?;
                return Ok(welcome(&front, &secret, "/"));
            }
            // A name that somebody else has, above all.
            Err(error) => faults = Faults::at("name", error)?,
        }
    }
    again(&Page {
        shell: Shell::visit(&visit, "Set up your sign-in").fault(&faults),
        faults,
        invitation,
        name,
        totp: Some(totp::show(&secret, "strongroom")?),
    })
}
