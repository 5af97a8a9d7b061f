//! Decisions for lists: a policy asked once for every kind of case instead of once for every row. Whoever
//! acts on a row is authorised again for that very thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use governance::person::{Activity, Role};
use governance::{Action, PersonId, Timestamp};

use crate::access::Object;
use crate::{Caller, Service};

/// How the caller stands to the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Not at all.
    Apart,
    /// Is on its project.
    Member,
    /// Made it.
    Author,
    /// Answers for a dataset in it.
    Controller,
}

/// Everybody whose decisions are remembered at once; when there are more, remembering begins again.
const CALLERS_MAX: usize = 4_096;

/// All that a policy can see of a caller.
type Seen = (PersonId, BTreeSet<Role>, IsActive, IsFit);
type IsActive = bool;
type IsFit = bool;
/// Decisions on one caller by action, state and standing: with [`Seen`], all that they depend on.
type Known = Arc<Mutex<BTreeMap<(Action, String, Standing), bool>>>;

/// Decisions for lists, remembered from page to page. The policies do not change while the front runs, and
/// the same question has the same answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions(Arc<Mutex<HashMap<Seen, Known>>>);

impl Decisions {
    fn on(&self, caller: &Caller, now: Timestamp) -> Known {
        let person = &caller.person;
        let fit = person.fit_on(governance::day_of(now)).is_ok();
        let seen = (
            person.id.clone(),
            person.roles.clone(),
            person.activity == Activity::Active,
            fit,
        );
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS_MAX && !callers.contains_key(&seen) {
            callers.clear();
        }
        callers.entry(seen).or_default().clone()
    }
}

/// What one caller may do in each kind of case.
pub(crate) struct Cases<'a> {
    service: &'a Service,
    caller: &'a Caller,
    now: Timestamp,
    known: Known,
}

impl<'a> Cases<'a> {
    pub(crate) fn new(service: &'a Service, caller: &'a Caller, now: Timestamp) -> Self {
        Self {
            service,
            caller,
            now,
            known: service.decisions.on(caller, now),
        }
    }

    /// Whether the policies let the caller do this to a thing in this state to which they stand so.
    pub(crate) fn may(&self, action: Action, state: &str, standing: Standing) -> bool {
        let key = (action, state.to_owned(), standing);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known
            .entry(key)
            .or_insert_with(|| self.decide(action, state, standing))
    }

    fn decide(&self, action: Action, state: &str, standing: Standing) -> bool {
        let me = self.caller.id();
        let object = Object::new(action.row().kind).in_state(state);
        let object = match standing {
            Standing::Apart => object,
            Standing::Member => object.people([me.clone()]),
            Standing::Author => object.author(me).people([me.clone()]),
            Standing::Controller => object.controllers([me.clone()]),
        };
        self.service
            .authorise(self.caller, action, &object, self.now)
            .is_ok()
    }

    /// The states among these in which the caller may do it.
    pub(crate) fn states<'s>(
        &self,
        action: Action,
        states: &[&'s str],
        standing: Standing,
    ) -> Vec<&'s str> {
        let states = states.iter().copied();
        states
            .filter(|state| self.may(action, state, standing))
            .collect()
    }
}
