//! The measuring lane audited by itself, again and again: what was found last, for auditors.

use governance::{Action, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Seconds from the start to the first audit.
pub(crate) const FIRST_AFTER_S: i64 = 600;
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
        Ok(self.audits.last())
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
        let audit = async {
            let (holds, findings) = self.keeper.self_audit(DRAWS).await?;
            if !holds {
                tracing::error!("the self-audit contradicts a claim of differential privacy");
            }
            Ok(SelfAuditView {
                at: self.now()?,
                holds,
                findings: serde_json::from_str(&findings)?,
            })
        };
        self.audits.run(audit).await
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
