//! The second lock: the site's Cedar policies. Validated strictly when they are loaded; any error while
//! one is evaluated is a Deny (Cedar itself skips a policy that errors, and a `forbid` with it).

mod names;
mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use cedar_policy::{ActionConstraint, Authorizer, PolicySet, Schema, ValidationMode, Validator};
use governance::person::Person;
use governance::{Action, Lifecycle, PersonId, Timestamp};

use self::names::Names;
pub use self::question::Question;
use crate::error::ServiceError;

/// What is acted on, as the policies see it.
#[derive(Debug, Clone)]
pub struct Object {
    kind: &'static str,
    id: String,
    state: String,
    author: BTreeSet<PersonId>,
    people: BTreeSet<PersonId>,
    controllers: BTreeSet<PersonId>,
    providers: BTreeSet<PersonId>,
    interests: BTreeSet<PersonId>,
}

impl Object {
    /// Something that does not exist yet, or has no lifecycle (the log, the catalogue).
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            id: "-".into(),
            state: "-".into(),
            author: BTreeSet::new(),
            people: BTreeSet::new(),
            controllers: BTreeSet::new(),
            providers: BTreeSet::new(),
            interests: BTreeSet::new(),
        }
    }

    /// Something with a lifecycle.
    #[must_use]
    pub fn of<S: Lifecycle>(value: &S) -> Self {
        let mut object = Self::new(S::KIND);
        value.id().clone_into(&mut object.id);
        value.state().clone_into(&mut object.state);
        object
    }

    /// Who made it.
    #[must_use]
    pub fn author(mut self, author: &PersonId) -> Self {
        self.author.insert(author.clone());
        self
    }

    /// Who is on its project.
    #[must_use]
    pub fn people(mut self, people: impl IntoIterator<Item = PersonId>) -> Self {
        self.people.extend(people);
        self
    }

    /// Who answers for its datasets.
    #[must_use]
    pub fn controllers(mut self, people: impl IntoIterator<Item = PersonId>) -> Self {
        self.controllers.extend(people);
        self
    }

    /// Who delivers it.
    #[must_use]
    pub fn providers(mut self, people: impl IntoIterator<Item = PersonId>) -> Self {
        self.providers.extend(people);
        self
    }

    /// Who declared an interest in it.
    #[must_use]
    pub fn interests(mut self, people: impl IntoIterator<Item = PersonId>) -> Self {
        self.interests.extend(people);
        self
    }

    /// Something like it in this state.
    #[must_use]
    pub(crate) fn in_state(mut self, state: &str) -> Self {
        state.clone_into(&mut self.state);
        self
    }

    /// The same people around another kind of thing, such as a delivery of a dataset.
    #[must_use]
    pub fn as_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }
}

/// Loaded and validated access policies.
#[derive(Debug)]
pub struct Access {
    schema: Schema,
    authorizer: Authorizer,
    names: Names,
    #[cfg(test)]
    policies: PolicySet,
    /// The policies that can have a say in each action.
    by_action: BTreeMap<Action, PolicySet>,
}

impl Access {
    /// Reads schema and policies and validates them strictly.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn load(schema: &str, policies: &str) -> Result<Self, ServiceError> {
        let bad = |what: &str, why: String| {
            ServiceError::Policy(format!("policies/access/{what} cannot be used: {why}"))
        };
        let (schema, _) = Schema::from_cedarschema_str(schema)
            .map_err(|e| bad("schema.cedarschema", e.to_string()))?;
        let policies =
            PolicySet::from_str(policies).map_err(|e| bad("policies.cedar", e.to_string()))?;
        let policies = named(&policies).map_err(|e| bad("policies.cedar", e))?;
        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = result.validation_errors().next() {
            return Err(bad("policies.cedar", error.to_string()));
        }
        if let Some(warning) = result.validation_warnings().next() {
            return Err(bad("policies.cedar", warning.to_string()));
        }
        let names = Names::new().map_err(|e| bad("schema.cedarschema", e))?;
        let by_action =
            by_action(&schema, &policies, &names).map_err(|e| bad("policies.cedar", e))?;
        Ok(Self {
            schema,
            authorizer: Authorizer::new(),
            names,
            #[cfg(test)]
            policies,
            by_action,
        })
    }

    /// What the policies need to know of a person before an object, put together once for every action that
    /// is asked about.
    #[must_use]
    pub fn question<'a>(
        &'a self,
        person: &'a Person,
        object: &Object,
        at: Timestamp,
    ) -> Question<'a> {
        Question::new(self, person, object, at)
    }

    /// Whether a person may do an action on an object.
    ///
    /// # Errors
    /// With the reason, when not: the policy that forbids it, or that none permits it, or that a policy
    /// could not be evaluated.
    pub fn authorise(
        &self,
        person: &Person,
        action: Action,
        object: &Object,
        at: Timestamp,
    ) -> Result<(), ServiceError> {
        self.question(person, object, at).may(action)
    }
}

/// Policies under the names of their `@id`, so that a refusal can cite them.
fn named(policies: &PolicySet) -> Result<PolicySet, String> {
    let mut renamed = PolicySet::new();
    for policy in policies.policies() {
        let Some(id) = policy.annotation("id").filter(|id| !id.is_empty()) else {
            return Err("every policy needs an @id".into());
        };
        let id = cedar_policy::PolicyId::new(id);
        renamed
            .add(policy.new_id(id))
            .map_err(|_| "two policies have the same @id".to_owned())?;
    }
    Ok(renamed)
}

/// For each action the policies whose scope it is in, itself or through a group of actions. What a policy's
/// scope rules out it neither permits nor forbids, and its conditions are not looked at, so that the others
/// decide as all of them together would.
fn by_action(
    schema: &Schema,
    policies: &PolicySet,
    names: &Names,
) -> Result<BTreeMap<Action, PolicySet>, String> {
    let actions = schema.action_entities().map_err(|e| e.to_string())?;
    let mut by_action = BTreeMap::new();
    for row in Action::TABLE {
        let action = names.action(row.action);
        let groups: BTreeSet<_> = actions.ancestors(&action).into_iter().flatten().collect();
        let mut some = PolicySet::new();
        for policy in policies.policies() {
            let within = match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(only) => only == action,
                ActionConstraint::In(any) => {
                    any.iter().any(|one| *one == action || groups.contains(one))
                }
            };
            if within {
                some.add(policy.clone()).map_err(|e| e.to_string())?;
            }
        }
        by_action.insert(row.action, some);
    }
    Ok(by_action)
}

#[cfg(test)]
mod tests;
