//! The second lock: the site's Cedar policies. Validated strictly when they are loaded; any error while
//! one is evaluated is a Deny (Cedar itself skips a policy that errors, and a `forbid` with it).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use governance::person::{Activity, Person};
use governance::{Action, Lifecycle, PersonId, Timestamp};

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

    /// The entity type of the schema.
    fn type_name(&self) -> &'static str {
        match self.kind {
            "person" => "Subject",
            "dataset" => "Dataset",
            "delivery" => "Delivery",
            "project" => "Project",
            "indexing" => "Indexing",
            "extract" => "Extract",
            "workspace" => "Workspace",
            "output" => "Output",
            "job" => "Job",
            "catalogue" => "Catalogue",
            "people" => "People",
            _ => "Log",
        }
    }
}

/// Loaded and validated access policies.
#[derive(Debug)]
pub struct Access {
    schema: Schema,
    policies: PolicySet,
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
        Ok(Self { schema, policies })
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
        let deny = |reason: String| ServiceError::Denied {
            person: person.id.to_string(),
            action: action.word(),
            reason,
        };
        let unevaluated = |_| deny("the access policies could not be evaluated".into());
        let request = self.request(person, action, object).map_err(unevaluated)?;
        let entities = self.entities(person, object, at).map_err(unevaluated)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &entities);
        if response.diagnostics().errors().next().is_some() {
            return Err(deny("the access policies could not be evaluated".into()));
        }
        let mut reasons: Vec<String> = response
            .diagnostics()
            .reason()
            .map(ToString::to_string)
            .collect();
        reasons.sort();
        match response.decision() {
            Decision::Allow => Ok(()),
            Decision::Deny if reasons.is_empty() => Err(deny(format!(
                "no access policy permits it to {} here",
                titles(person)
            ))),
            Decision::Deny => Err(deny(format!("forbidden by {}", reasons.join(", ")))),
        }
    }

    fn request(&self, person: &Person, action: Action, object: &Object) -> Result<Request, String> {
        Request::new(
            uid("Person", person.id.as_str())?,
            uid("Action", action.word())?,
            uid(object.type_name(), &object.id)?,
            Context::empty(),
            Some(&self.schema),
        )
        .map_err(|e| e.to_string())
    }

    /// The complete slice: the person with roles, the object with every attribute, everybody it names.
    fn entities(
        &self,
        person: &Person,
        object: &Object,
        at: Timestamp,
    ) -> Result<Entities, String> {
        let mut entities = Vec::new();
        let mut roles = HashSet::new();
        for role in &person.roles {
            let role = uid("Role", role.word())?;
            entities.push(Entity::new_no_attrs(role.clone(), HashSet::new()));
            roles.insert(role);
        }
        let active = person.activity == Activity::Active;
        let fit = person.fit_on(governance::day_of(at)).is_ok();
        entities.push(person_entity(&person.id, roles, active, fit)?);
        let named: BTreeSet<&PersonId> = object
            .author
            .iter()
            .chain(&object.people)
            .chain(&object.controllers)
            .chain(&object.providers)
            .chain(&object.interests)
            .filter(|id| **id != person.id)
            .collect();
        for id in named {
            entities.push(person_entity(id, HashSet::new(), false, false)?);
        }
        let attributes = HashMap::from([
            (
                "state".to_owned(),
                RestrictedExpression::new_string(object.state.clone()),
            ),
            ("author".to_owned(), set(&object.author)?),
            ("people".to_owned(), set(&object.people)?),
            ("controllers".to_owned(), set(&object.controllers)?),
            ("providers".to_owned(), set(&object.providers)?),
            ("interests".to_owned(), set(&object.interests)?),
        ]);
        let thing = uid(object.type_name(), &object.id)?;
        entities.push(Entity::new(thing, attributes, HashSet::new()).map_err(|e| e.to_string())?);
        Entities::from_entities(entities, Some(&self.schema)).map_err(|e| e.to_string())
    }
}

/// What somebody is, in words with their article.
fn titles(person: &Person) -> String {
    let titles: Vec<String> = person
        .roles
        .iter()
        .map(|role| {
            let title = role.word().replace('_', " ");
            let article = if title.starts_with(['a', 'e', 'i', 'o', 'u']) {
                "an"
            } else {
                "a"
            };
            format!("{article} {title}")
        })
        .collect();
    if titles.is_empty() {
        return "somebody without a role".into();
    }
    titles.join(" or ")
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

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|e| e.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn set(people: &BTreeSet<PersonId>) -> Result<RestrictedExpression, String> {
    let people = people
        .iter()
        .map(|id| uid("Person", id.as_str()).map(RestrictedExpression::new_entity_uid))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RestrictedExpression::new_set(people))
}

fn person_entity(
    id: &PersonId,
    roles: HashSet<EntityUid>,
    active: bool,
    fit: bool,
) -> Result<Entity, String> {
    let attributes = HashMap::from([
        ("active".to_owned(), RestrictedExpression::new_bool(active)),
        ("fit".to_owned(), RestrictedExpression::new_bool(fit)),
    ]);
    Entity::new(uid("Person", id.as_str())?, attributes, roles).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests;
