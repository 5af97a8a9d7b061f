//! Decisions for lists: a policy asked once for every kind of case instead of once for every row. Whoever
//! acts on a row is authorised again for that very thing.

use std::collections::BTreeMap;

use governance::{Action, Timestamp};

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

/// What one caller may do in each kind of case, as far as it was asked.
pub(crate) struct Cases<'a> {
    service: &'a Service,
    caller: &'a Caller,
    now: Timestamp,
    known: BTreeMap<(Action, String, Standing), bool>,
}

impl<'a> Cases<'a> {
    pub(crate) fn new(service: &'a Service, caller: &'a Caller, now: Timestamp) -> Self {
        Self {
            service,
            caller,
            now,
            known: BTreeMap::new(),
        }
    }

    /// Whether the policies let the caller do this to a thing in this state to which they stand so.
    pub(crate) fn may(&mut self, action: Action, state: &str, standing: Standing) -> bool {
        let key = (action, state.to_owned(), standing);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let me = self.caller.id();
        let object = Object::new(action.row().kind).in_state(state);
        let object = match standing {
            Standing::Apart => object,
            Standing::Member => object.people([me.clone()]),
            Standing::Author => object.author(me).people([me.clone()]),
            Standing::Controller => object.controllers([me.clone()]),
        };
        let may = self
            .service
            .authorise(self.caller, action, &object, self.now)
            .is_ok();
        self.known.insert(key, may);
        may
    }

    /// The states among these in which the caller may do it.
    pub(crate) fn states<'s>(
        &mut self,
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
