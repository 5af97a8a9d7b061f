//! The measuring lane audited by itself, again and again: what was found last, for auditors.

use std::sync::{Mutex, MutexGuard, PoisonError};

use governance::{Action, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Time between two audits, and from the start to the first.
const EVERY_S: i64 = 24 * 3_600;
const FIRST_AFTER_S: i64 = 600;
/// Draws over each neighbour of each case.
const DRAWS: u32 = 20_000;

/// What an audit found.
#[derive(Debug, Clone, Serialize)]
pub struct SelfAuditView {
    /// When.
    pub at: Timestamp,
    /// Whether no claim was contradicted.
    pub holds: bool,
    /// Each case with its claim and what was seen.
    pub findings: Value,
}

/// What is kept between audits.
#[derive(Debug, Default)]
pub(crate) struct Audits {
    kept: Mutex<Kept>,
    // One at a time: whoever comes meanwhile waits and audits again.
    running: tokio::sync::Mutex<()>,
}

/// The last audit, and when the next is due.
#[derive(Debug, Default)]
struct Kept {
    last: Option<SelfAuditView>,
    due: Option<Timestamp>,
}

impl Audits {
    /// Nothing is half made under the lock.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an audit is due. The first is, some time after the start.
    fn is_due(&self, now: Timestamp) -> bool {
        let after = |seconds: i64| {
            Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now)
        };
        let mut kept = self.kept();
        let due = *kept.due.get_or_insert(after(FIRST_AFTER_S));
        if now < due {
            return false;
        }
        kept.due = Some(after(EVERY_S));
        true
    }
}

impl Service {
    /// What the last audit of the measuring lane found, since this front started.
    ///
    /// # Errors
    /// If the caller may not read the log.
    pub async fn last_self_audit(
        &self,
        caller: &Caller,
    ) -> Result<Option<SelfAuditView>, ServiceError> {
        self.authorise(caller, Action::ViewLog, &Object::new("log"), self.now()?)?;
        Ok(self.audits.kept().last.clone())
    }

    /// Audits the measuring lane now: made-up neighbours go the way of every measurement, and what thousands of
    /// draws show is held against what is claimed. No data is opened and nothing is charged.
    ///
    /// # Errors
    /// If the caller may not read the log, or no worker can be sealed.
    pub async fn self_audit(&self, caller: &Caller) -> Result<SelfAuditView, ServiceError> {
        self.authorise(caller, Action::ViewLog, &Object::new("log"), self.now()?)?;
        self.audit_lane().await
    }

    async fn audit_lane(&self) -> Result<SelfAuditView, ServiceError> {
        let _one = self.audits.running.lock().await;
        let (holds, findings) = self.keeper.self_audit(DRAWS).await?;
        if !holds {
            tracing::error!("the self-audit contradicts a claim of differential privacy");
        }
        let view = SelfAuditView {
            at: self.now()?,
            holds,
            findings: serde_json::from_str(&findings)?,
        };
        self.audits.kept().last = Some(view.clone());
        Ok(view)
    }

    /// Audits the lane in the background when a day has passed since the last time. Asked every ten seconds.
    pub(crate) fn self_audit_if_due(&self, now: Timestamp) {
        if !self.audits.is_due(now) {
            return;
        }
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(error) = service.audit_lane().await {
                tracing::warn!(error = %error, "the self-audit could not be run");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_is_due_ten_minutes_after_the_start_and_then_daily() {
        let audits = Audits::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!audits.is_due(at(0)));
        assert!(!audits.is_due(at(FIRST_AFTER_S - 1)));
        assert!(audits.is_due(at(FIRST_AFTER_S)));
        assert!(!audits.is_due(at(FIRST_AFTER_S + 10)));
        assert!(audits.is_due(at(FIRST_AFTER_S + EVERY_S)));
    }
}
