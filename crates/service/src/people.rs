//! People: added by an administrator, let near data by a coordinator.

use std::collections::BTreeSet;

use governance::person::{Person, Role};
use governance::{Action, Batch, By, Change, Date, PersonId, Refusal, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use store::Beside;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service, SignedInBy};

/// A person to be added.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Name as shown on pages.
    pub name: String,
    /// Organisation.
    pub organisation: String,
    /// Roles.
    pub roles: BTreeSet<Role>,
}

impl Service {
    /// Who holds a token, if it is known and not expired.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] otherwise.
    pub async fn sign_in(&self, token: &str) -> Result<Caller, ServiceError> {
        let hash = token_hash(token);
        let now = self.now()?;
        let token = self.store.token(hash, now).await?;
        let held = token.and_then(|token| token.holder);
        let held = held.ok_or(ServiceError::NotSignedIn)?;
        Ok(Caller {
            person: held.value,
            session: Some(session_id(hash)),
            by: SignedInBy::Token,
        })
    }

    /// Adds a person and gives them a token, which is shown once. The store keeps only its hash.
    ///
    /// # Errors
    /// If the caller may not, or the roles do not go together.
    pub async fn add_person(
        &self,
        caller: &Caller,
        new: NewPerson,
    ) -> Result<(PersonId, String), ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::AddPerson, &Object::new("person"), now)?;
        self.begin_person(new, &By::Person(caller.id().clone()), Some(caller))
            .await
    }

    /// Adds the first administrator of an empty safe haven.
    ///
    /// # Errors
    /// If anybody is there already.
    pub async fn add_first_administrator(
        &self,
        name: &str,
    ) -> Result<(PersonId, String), ServiceError> {
        if self.store.log_size().await? != 0 {
            return Err(ServiceError::BadInput(
                "this safe haven has people already; ask its administrator".into(),
            ));
        }
        let new = NewPerson {
            name: name.to_owned(),
            organisation: "Safe haven".into(),
            roles: BTreeSet::from([Role::Administrator]),
        };
        self.begin_person(new, &By::System, None).await
    }

    async fn begin_person(
        &self,
        new: NewPerson,
        by: &By,
        caller: Option<&Caller>,
    ) -> Result<(PersonId, String), ServiceError> {
        let now = self.now()?;
        let id: PersonId = self.fresh(PersonId::PREFIX)?;
        let change = Person::add(id.clone(), new.name, new.organisation, new.roles, by, now)?;
        let (token, beside) = self.invitation(&id)?;
        let batch = Batch::new().begin(change)?;
        self.record_beside(caller, batch, Vec::new(), vec![beside])
            .await?;
        Ok((id, token))
    }

    /// A one-time token for a person, and the row that knows its hash.
    fn invitation(&self, person: &PersonId) -> Result<(String, Beside), ServiceError> {
        let token = format!("srt_{}", new_secret()?);
        let until = self.deadline(self.policies.limits.invitation_s)?;
        let beside = Beside::token(token_hash(&token), person, "invitation", until)?;
        Ok((token, beside))
    }

    /// Invites a person again who lost their password or second factor, and gives the invitation, which is
    /// shown once. Whatever they signed in with until now ends at once.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn invite_person(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<String, ServiceError> {
        let (token, invitation) = self.invitation(person)?;
        let after = vec![Beside::forget_credential(person), invitation];
        self.shut_out(caller, person, Action::InvitePerson, Person::invite, after)
            .await?;
        Ok(token)
    }

    /// Ends every session and token of a person: their own, or as an administrator anybody's.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn end_sessions(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<(), ServiceError> {
        let (action, none) = (Action::EndSessions, Vec::new());
        self.shut_out(caller, person, action, Person::end_sessions, none)
            .await
    }

    /// Ends every right of a person, with what they signed in with.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn retire_person(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<(), ServiceError> {
        // The password and the second factor go too: nothing is left that could be asked for.
        let after = vec![Beside::forget_credential(person)];
        self.shut_out(caller, person, Action::RetirePerson, Person::retire, after)
            .await
    }

    /// An act on a person that ends every session and token of theirs, before what is written after that.
    async fn shut_out(
        &self,
        caller: &Caller,
        person: &PersonId,
        action: Action,
        rule: impl FnOnce(Person, &PersonId, Timestamp) -> Result<Change<Person>, Refusal>,
        after: Vec<Beside>,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Person>(person.as_str()).await?;
        let object = Object::of(&held.value).people([person.clone()]);
        self.authorise(caller, action, &object, now)?;
        let change = rule(held.value, caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        let mut beside = vec![Beside::end_sessions(person), Beside::revoke_tokens(person)];
        beside.extend(after);
        self.record_beside(Some(caller), batch, Vec::new(), beside)
            .await?;
        Ok(())
    }

    /// Records a person's accreditation, training and undertaking.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn record_standing(
        &self,
        caller: &Caller,
        person: &PersonId,
        accreditation_until: Date,
        training_until: Date,
        undertaking_on: Date,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Person>(person.as_str()).await?;
        let object = Object::of(&held.value).people([person.clone()]);
        self.authorise(caller, Action::RecordStanding, &object, now)?;
        let change = held.value.record_standing(
            accreditation_until,
            training_until,
            undertaking_on,
            caller.id(),
            now,
        )?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }
}

/// How the log names a session or token.
pub(crate) fn session_id(hash: [u8; 32]) -> String {
    hex::encode(hash.get(..8).unwrap_or_default())
}

pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

/// 256 random bits in hex: such a secret needs no slow hash.
pub(crate) fn new_secret() -> Result<String, ServiceError> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| ServiceError::NoRandomness)?;
    Ok(hex::encode(bytes))
}
