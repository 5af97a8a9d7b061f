//! Audits that run by themselves once a day: what the last one found, and when the next is due.

use std::sync::{Mutex, MutexGuard, PoisonError};

use governance::Timestamp;

/// Seconds between two audits.
const EVERY_S: i64 = 24 * 3_600;

/// An audit that is due some time after the start of this front and then daily.
#[derive(Debug)]
pub(crate) struct Daily<T> {
    first_after_s: i64,
    kept: Mutex<Kept<T>>,
    // One at a time: whoever comes meanwhile waits and audits again.
    running: tokio::sync::Mutex<()>,
}

/// What the last audit found, and when the next is due.
#[derive(Debug)]
struct Kept<T> {
    last: Option<T>,
    due: Option<Timestamp>,
}

impl<T: Clone> Daily<T> {
    /// An audit whose first run is due so many seconds after it is first asked.
    pub(crate) fn first_after(seconds: i64) -> Self {
        let kept = Kept {
            last: None,
            due: None,
        };
        Self {
            first_after_s: seconds,
            kept: Mutex::new(kept),
            running: tokio::sync::Mutex::new(()),
        }
    }

    /// Nothing is half made under the lock.
    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the last audit found, since this front started.
    pub(crate) fn last(&self) -> Option<T> {
        self.kept().last.clone()
    }

    /// Whether an audit is due. If so the next is a day later.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let after = |seconds: i64| {
            Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now)
        };
        let mut kept = self.kept();
        let due = *kept.due.get_or_insert(after(self.first_after_s));
        if now < due {
            return false;
        }
        kept.due = Some(after(EVERY_S));
        true
    }

    /// Runs an audit once no other runs, and keeps what it finds.
    pub(crate) async fn run<E>(&self, audit: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let _one = self.running.lock().await;
        let found = audit.await?;
        self.kept().last = Some(found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_some_time_after_the_start_and_then_daily() {
        let audits = Daily::<u32>::first_after(600);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!audits.is_due(at(0)));
        assert!(!audits.is_due(at(599)));
        assert!(audits.is_due(at(600)));
        assert!(!audits.is_due(at(610)));
        assert!(!audits.is_due(at(600 + EVERY_S - 1)));
        assert!(audits.is_due(at(600 + EVERY_S)));
    }

    #[tokio::test]
    async fn what_the_last_one_found_stays_when_the_next_fails() {
        let audits = Daily::first_after(600);
        assert_eq!(audits.last(), None);
        assert_eq!(audits.run(async { Ok::<_, ()>(7) }).await, Ok(7));
        assert_eq!(audits.run(async { Err(()) }).await, Err(()));
        assert_eq!(audits.last(), Some(7));
    }
}
