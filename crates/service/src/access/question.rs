//! One person before one object: the entities are made once, and any action can be asked about.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Context, Decision, Entities, Entity, EntityUid, Request, RestrictedExpression};
use governance::person::{Activity, Person};
use governance::{Action, PersonId, Timestamp};

use super::names::Names;
use super::{Access, Object};
use crate::error::ServiceError;

/// A person before an object at a moment, as the policies see them.
#[derive(Debug)]
pub struct Question<'a> {
    access: &'a Access,
    person: &'a Person,
    principal: EntityUid,
    resource: EntityUid,
    /// None where they could not be made: then every answer is no.
    entities: Option<Entities>,
}

impl<'a> Question<'a> {
    pub(super) fn new(
        access: &'a Access,
        person: &'a Person,
        object: &Object,
        at: Timestamp,
    ) -> Self {
        Self {
            access,
            person,
            principal: access.names.person(&person.id),
            resource: access.names.object(object),
            entities: access.entities(person, object, at).ok(),
        }
    }

    /// Whether the person may do this to the object.
    ///
    /// # Errors
    /// As [`Access::authorise`].
    pub fn may(&self, action: Action) -> Result<(), ServiceError> {
        let deny = |reason: String| ServiceError::Denied {
            person: self.person.id.to_string(),
            action: action.word(),
            reason,
        };
        let unevaluated = || deny("the access policies could not be evaluated".into());
        let entities = self.entities.as_ref().ok_or_else(unevaluated)?;
        let policies = self.access.by_action.get(&action).ok_or_else(unevaluated)?;
        let request = self.request(action).map_err(|_| unevaluated())?;
        let response = self
            .access
            .authorizer
            .is_authorized(&request, policies, entities);
        if response.diagnostics().errors().next().is_some() {
            return Err(unevaluated());
        }
        if response.decision() == Decision::Allow {
            return Ok(());
        }
        let mut reasons: Vec<String> = response
            .diagnostics()
            .reason()
            .map(ToString::to_string)
            .collect();
        if reasons.is_empty() {
            let who = titles(self.person);
            return Err(deny(format!("no access policy permits it to {who} here")));
        }
        reasons.sort();
        Err(deny(format!("forbidden by {}", reasons.join(", "))))
    }

    /// The request, which the schema allows only for an action on its own kind of thing.
    pub(super) fn request(&self, action: Action) -> Result<Request, String> {
        Request::new(
            self.principal.clone(),
            self.access.names.action(action),
            self.resource.clone(),
            Context::empty(),
            Some(&self.access.schema),
        )
        .map_err(|e| e.to_string())
    }
}

impl Access {
    /// The complete slice: the person with roles, the object with every attribute, everybody it names.
    pub(super) fn entities(
        &self,
        person: &Person,
        object: &Object,
        at: Timestamp,
    ) -> Result<Entities, String> {
        let names = &self.names;
        let mut entities = Vec::new();
        let mut roles = HashSet::new();
        for role in &person.roles {
            let role = names.role(*role);
            entities.push(Entity::new_no_attrs(role.clone(), HashSet::new()));
            roles.insert(role);
        }
        let active = person.activity == Activity::Active;
        let fit = person.fit_on(governance::day_of(at)).is_ok();
        entities.push(person_entity(names, &person.id, roles, active, fit)?);
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
            entities.push(person_entity(names, id, HashSet::new(), false, false)?);
        }
        let set = |people: &BTreeSet<PersonId>| {
            let people = people.iter().map(|id| names.person(id));
            RestrictedExpression::new_set(people.map(RestrictedExpression::new_entity_uid))
        };
        let state = RestrictedExpression::new_string(object.state.clone());
        let attributes = HashMap::from([
            ("state".to_owned(), state),
            ("author".to_owned(), set(&object.author)),
            ("people".to_owned(), set(&object.people)),
            ("controllers".to_owned(), set(&object.controllers)),
            ("providers".to_owned(), set(&object.providers)),
            ("interests".to_owned(), set(&object.interests)),
        ]);
        let thing = names.object(object);
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

fn person_entity(
    names: &Names,
    id: &PersonId,
    roles: HashSet<EntityUid>,
    active: bool,
    fit: bool,
) -> Result<Entity, String> {
    let attributes = HashMap::from([
        ("active".to_owned(), RestrictedExpression::new_bool(active)),
        ("fit".to_owned(), RestrictedExpression::new_bool(fit)),
    ]);
    Entity::new(names.person(id), attributes, roles).map_err(|e| e.to_string())
}
