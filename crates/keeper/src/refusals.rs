//! What was asked for although the store holds no decision for it. The front, which alone writes the log, asks
//! for this list and gives each entry its leaf; a front that does not is found by this keeper's own log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use protocol::keeper::{NotedRefusal, Refused, RefusedCode, Reply};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::KeeperError;
use crate::server::Keeper;

/// Refusals that are kept; the oldest go first.
const KEPT: usize = 1_000;

/// The list, from the start of this keeper on.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// Another word for each start: numbers begin at 1 each time.
    keeper: String,
    list: Mutex<(u64, VecDeque<NotedRefusal>)>,
}

impl Refusals {
    pub(crate) fn new() -> Result<Self, KeeperError> {
        let mut word = [0; 6];
        SystemRandom::new()
            .fill(&mut word)
            .map_err(|_| KeeperError::NoRandomness)?;
        Ok(Self {
            keeper: hex::encode(word),
            list: Mutex::default(),
        })
    }

    fn add(&self, ask: &str, about: &str) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, kept) = &mut *list;
        *last = last.saturating_add(1);
        kept.push_back(NotedRefusal {
            number: *last,
            ask: ask.to_owned(),
            about: about.to_owned(),
        });
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }

    /// Those after a number.
    pub(crate) fn after(&self, number: u64) -> Reply {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        Reply::Refusals {
            keeper: self.keeper.clone(),
            refusals: list
                .1
                .iter()
                .filter(|refusal| refusal.number > number)
                .cloned()
                .collect(),
        }
    }
}

impl Keeper {
    /// Notes a refusal of something that the store does not permit. What was begun and stopped, or did not
    /// work, is the job's own story.
    pub(crate) fn note_refusal(&self, refused: &Refused, ask: &str, about: &str) {
        // Whoever asks for what was destroyed asks for what the store says is gone.
        if matches!(
            refused.code,
            RefusedCode::NotPermitted | RefusedCode::Destroyed
        ) {
            tracing::warn!(ask, about, "refused: the store holds no decision for it");
            self.refusals.add(ask, about);
        }
    }
}
