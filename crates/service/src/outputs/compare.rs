//! Differencing in the safe haven: what is to leave beside everything that left and was shown, and the attack on all of
//! it.

use governance::job::Job;
use governance::output::{Compared, Output, Recomparison};
use governance::{Action, Batch, InRegister, Lifecycle, OutputId, ProjectId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Filter, Held, LIST_MAX};

use crate::access::Object;
use crate::deliveries::sealed;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Outputs that left the safe haven.
const LEFT: Filter<'_> = Filter {
    project: None,
    states: &["released", "recalled"],
    limit: LIST_MAX,
    after: None,
};

/// Seconds from the start to the first attack.
pub(crate) const FIRST_AFTER_S: i64 = 900;

/// What an attack on everything that left, and on what screens showed, recovered.
#[derive(Debug, Clone, Serialize)]
pub struct AttackView {
    /// When.
    pub at: Timestamp,
    /// Whether nothing was.
    pub holds: bool,
    /// Counts for each spine, and in it for each project whose screens showed something; and how many outputs could not
    /// be attacked.
    pub found: Value,
}

impl Service {
    /// Has an output compared with what has left and was shown, if anything was added since it was compared last, and
    /// records what came of it.
    ///
    /// # Errors
    /// If it cannot be compared: then it does not leave.
    pub(crate) async fn compare_with_what_left(&self, id: &OutputId) -> Result<(), ServiceError> {
        let held = self.load::<Output>(id.as_str()).await?;
        let compared = held.value.checked().and_then(|c| c.compared.as_ref());
        if compared.map(Compared::with) == Some(self.in_register(None).await?) {
            return Ok(());
        }
        let found = self.keeper.compare(id.as_str()).await?;
        let found = match found.report {
            None => Recomparison::Clear {
                with: found.with,
                unknown: found.unknown,
            },
            Some(report) => Recomparison::Isolates {
                with: found.with,
                report: sealed(report)?,
            },
        };
        let change = held.value.compare(found, self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(None, batch, Vec::new()).await?;
        Ok(())
    }

    /// How many outputs have left the safe haven, those called back among them, and how many screens have shown
    /// something: of one project, or of all.
    pub(crate) async fn in_register(
        &self,
        screens_of: Option<&ProjectId>,
    ) -> Result<InRegister, ServiceError> {
        let screens = Filter {
            project: screens_of,
            states: &["shown"],
            ..Filter::default()
        };
        Ok(InRegister {
            outputs: self.store.count::<Output>(LEFT).await?,
            screens: self.store.count::<Job>(screens).await?,
        })
    }

    pub(super) async fn all_that_left(&self) -> Result<Vec<Held<Output>>, ServiceError> {
        self.every::<Output>(LEFT).await
    }

    /// What the last attack recovered, since this front started.
    ///
    /// # Errors
    /// If the caller may not read the log.
    pub async fn last_attack(&self, caller: &Caller) -> Result<Option<AttackView>, ServiceError> {
        self.authorise(caller, Action::ViewLog, &Object::new("log"), self.now()?)?;
        Ok(self.attacks.last())
    }

    /// Attacks everything that left now, as a reader of all of it could.
    ///
    /// # Errors
    /// If the caller may not read the log, or no worker can be sealed.
    pub async fn attack(&self, caller: &Caller) -> Result<AttackView, ServiceError> {
        self.authorise(caller, Action::ViewLog, &Object::new("log"), self.now()?)?;
        self.attack_what_left().await
    }

    async fn attack_what_left(&self) -> Result<AttackView, ServiceError> {
        let attack = async {
            let found: Value = serde_json::from_str(&self.keeper.attack().await?)?;
            let holds = holds(&found).ok_or_else(ServiceError::strange)?;
            if !holds {
                tracing::error!(
                    "an attack on what left and was shown recovers groups of few people"
                );
            }
            Ok(AttackView {
                at: self.now()?,
                holds,
                found,
            })
        };
        self.attacks.run(attack).await
    }

    /// Attacks in the background when a day has passed since the last time. Asked every ten seconds.
    pub(crate) fn attack_if_due(&self, now: Timestamp) {
        if !self.attacks.is_due(now) {
            return;
        }
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(error) = service.attack_what_left().await {
                tracing::warn!(
                    kind = error.kind().word(),
                    "what left could not be attacked"
                );
            }
        });
    }
}

/// Whether nothing was recovered of any spine, by anybody.
fn holds(found: &Value) -> Option<bool> {
    let mut holds = true;
    for spine in found.get("spines")?.as_array()? {
        let projects = spine.get("projects")?.as_array()?;
        for reader in std::iter::once(spine).chain(projects) {
            for what in ["isolated", "averaged", "reconstructed"] {
                holds &= reader.get("recovered")?.get(what)?.as_u64()? == 0;
            }
        }
    }
    Some(holds)
}

/// An output of which the machine cannot say whether few people lie between it and another.
pub(super) fn is_by_hand(output: &Output, other: &Output) -> bool {
    match (output.kept_people(), other.kept_people()) {
        (Some(one), Some(other)) => one.spine != other.spine,
        (None, _) | (_, None) => output.id() != other.id(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attack_holds_only_where_nothing_is_recovered_and_all_of_it_is_told() {
        let spine = |isolated: u64, averaged: u64, reconstructed: u64| {
            let recovered = json!({ "isolated": isolated, "averaged": averaged, "reconstructed": reconstructed });
            json!({ "spine": "del_a", "recovered": recovered, "projects": [] })
        };
        let clean = spine(0, 0, 0);
        let seen = |project: Value| {
            let mut spine = spine(0, 0, 0);
            spine["projects"] = json!([project]);
            spine
        };
        for (spines, said) in [
            (json!([]), Some(true)),
            (json!([clean]), Some(true)),
            (json!([clean, spine(1, 0, 0)]), Some(false)),
            (json!([spine(0, 1, 0)]), Some(false)),
            (json!([spine(0, 0, 1)]), Some(false)),
            (json!([seen(spine(0, 0, 0))]), Some(true)),
            (json!([seen(spine(1, 0, 0))]), Some(false)),
            (json!([seen(json!({}))]), None),
            (
                json!([{ "spine": "del_a", "recovered": clean["recovered"] }]),
                None,
            ),
            (
                json!([{ "spine": "del_a", "recovered": { "isolated": 0 } }]),
                None,
            ),
        ] {
            assert_eq!(holds(&json!({ "spines": spines })), said, "{spines}");
        }
        assert_eq!(holds(&json!({})), None);
    }
}
