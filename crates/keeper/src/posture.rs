//! The walls around workers, tried now: what an auditor reads is what stands on this machine, not what a
//! file promises.

use protocol::keeper::Refused;
use protocol::posture::{Tried, Wall};
use sandbox::{LayerReport, Profile};

use crate::error::by_sandbox;
use crate::server::Keeper;

impl Keeper {
    /// Starts a worker under each profile that attacks its own walls.
    ///
    /// # Errors
    /// If no worker can be started at all. A missing wall is no error: it is in the answer.
    pub(crate) async fn posture(&self) -> Result<Vec<Tried>, Refused> {
        let both = [
            (self.worker.clone(), self.job_profile.clone()),
            (self.query_worker.clone(), self.query_profile.clone()),
        ];
        self.in_place_of_a_query(move || {
            let tried = both.iter().map(|(worker, profile)| {
                let walls = sandbox::doctor(worker, profile).map_err(by_sandbox)?;
                Ok(tried(profile, walls))
            });
            tried.collect()
        })
        .await
    }
}

fn tried(profile: &Profile, walls: Vec<LayerReport>) -> Tried {
    Tried {
        profile: profile.name.clone(),
        walls: walls
            .into_iter()
            .map(|report| Wall {
                layer: report.layer,
                requirement: report.requirement,
                state: report.state,
                proof: report.proof,
            })
            .collect(),
    }
}
