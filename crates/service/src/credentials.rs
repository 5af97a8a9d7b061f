//! How people sign in to the pages: a name, a password and a time-based code, then a session. The front keeps
//! what they are checked against and hashes of sessions; the pages check the password and the code.

use governance::person::{Activity, Person};
use governance::{Action, Batch, PersonId, Timestamp};
use ring::hmac;
use store::{Beside, Held};

use crate::access::Object;
use crate::error::ServiceError;
use crate::people::{new_secret, session_id, token_hash};
use crate::{Caller, Service, SignedInBy};

pub use store::{Credential, NewCredential};

/// Shortest and longest sign-in name, in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=64;
/// Shortest secret of a second factor, in bytes (RFC 4226 section 4: at least 128 bits).
const TOTP_BYTES_MIN: usize = 16;
/// A session that is used is noted as seen this many times within its idle time: less would write at every
/// request, more would end it early by that share.
const SEEN_WITHIN_IDLE: i64 = 10;

impl Service {
    /// What is kept under a sign-in name. For checking a password: who asks is not known yet.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn credential(&self, name: &str) -> Result<Option<Credential>, ServiceError> {
        Ok(self.store.credential(name).await?)
    }

    /// Sets how the caller signs in from now on. Only with the token from [`Service::add_person`], which is
    /// used up; every session of theirs ends.
    ///
    /// # Errors
    /// If the caller signed in otherwise, the name is taken, or a part is not acceptable.
    pub async fn set_credential(
        &self,
        caller: &Caller,
        new: NewCredential,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let id = caller.id().clone();
        let held = self.load::<Person>(id.as_str()).await?;
        let object = Object::of(&held.value).people([id.clone()]);
        self.authorise(caller, Action::SetCredential, &object, now)?;
        if caller.by != SignedInBy::Token {
            return Err(ServiceError::BadInput(
                "a password is set with a one-time token; ask an administrator for one".into(),
            ));
        }
        must_be_fit(&new)?;
        let change = held.value.set_credential(&id, now)?;
        let batch = Batch::new().change(held.version, change)?;
        let beside = vec![
            Beside::credential(&id, new)?,
            Beside::end_sessions(&id),
            Beside::revoke_tokens(&id),
        ];
        self.record_beside(Some(caller), batch, Vec::new(), beside)
            .await?;
        Ok(())
    }

    /// Counts a failed attempt to sign in; after `sign_in_failures` the name is locked for `sign_in_lock_s`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn note_failed_sign_in(&self, person: &PersonId) -> Result<(), ServiceError> {
        let limits = &self.policies.limits;
        let until = self.deadline(limits.sign_in_lock_s)?;
        let most = limits.sign_in_failures;
        Ok(self.store.note_failed_sign_in(person, most, until).await?)
    }

    /// Begins a session of somebody whose password and code were right, and gives its secret: 256 bits, in
    /// hex. The code's time step is used up.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] if the step was used before, the name is locked, or the person is retired
    /// or has no credential.
    pub async fn begin_session(
        &self,
        person: &PersonId,
        totp_step: i64,
    ) -> Result<String, ServiceError> {
        let now = self.now()?;
        active(self.store.load::<Person>(person.as_str()).await?)?;
        let ends = self.deadline(self.policies.limits.session_s)?;
        let secret = new_secret()?;
        let hash = token_hash(&secret);
        let begun = self
            .store
            .begin_session(person, totp_step, hash, now, ends)
            .await?;
        if begun {
            Ok(secret)
        } else {
            Err(ServiceError::NotSignedIn)
        }
    }

    /// Whose session this is, while it lasts.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] if there is none, or it ended, or the person is retired.
    pub async fn session(&self, secret: &str) -> Result<Caller, ServiceError> {
        let now = self.now()?;
        let hash = token_hash(secret);
        let held = self.store.session(hash).await?;
        let session = held.ok_or(ServiceError::NotSignedIn)?;
        let idle_s = self.policies.limits.session_idle_s;
        let unseen_s = now.duration_since(session.seen).as_secs();
        if now >= session.ends || unseen_s >= idle_s {
            return Err(ServiceError::NotSignedIn);
        }
        let person = active(session.holder)?;
        if unseen_s.saturating_mul(SEEN_WITHIN_IDLE) >= idle_s {
            self.seen(hash, now).await;
        }
        Ok(Caller {
            person,
            session: Some(session_id(hash)),
            by: SignedInBy::Session,
        })
    }

    /// Ends a session; nothing happens if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_session(&self, secret: &str) -> Result<(), ServiceError> {
        Ok(self.store.end_session(token_hash(secret)).await?)
    }

    /// A session that cannot be noted as seen ends earlier; what was asked is done all the same.
    async fn seen(&self, hash: [u8; 32], now: Timestamp) {
        if let Err(error) = self.store.note_session_seen(hash, now).await {
            tracing::warn!(error = %error, "a session was not noted as seen");
        }
    }
}

/// Somebody who may sign in.
fn active(held: Option<Held<Person>>) -> Result<Person, ServiceError> {
    match held.map(|held| held.value) {
        Some(person) if person.activity == Activity::Active => Ok(person),
        Some(_) | None => Err(ServiceError::NotSignedIn),
    }
}

/// Token of the forms of a session: nobody makes it who does not hold the session's secret.
#[must_use]
pub fn session_csrf(secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, b"csrf"))
}

fn must_be_fit(new: &NewCredential) -> Result<(), ServiceError> {
    let plain = |b: u8| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'@' | b'-')
    };
    if !NAME.contains(&new.name.len()) || !new.name.bytes().all(plain) {
        return Err(ServiceError::BadInput(
            "a sign-in name has 3 to 64 lower-case letters, digits or . _ @ -".into(),
        ));
    }
    if !new.phc.starts_with("$argon2id$") {
        return Err(ServiceError::BadInput(
            "a password is kept as its Argon2id hash only".into(),
        ));
    }
    if new.totp.len() < TOTP_BYTES_MIN {
        return Err(ServiceError::BadInput(format!(
            "the secret of a second factor has at least {TOTP_BYTES_MIN} bytes"
        )));
    }
    Ok(())
}
