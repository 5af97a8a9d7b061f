//! Tries every wall on this machine, now: starts a worker that attacks its own walls.

use std::path::Path;

use protocol::frame::Up;
use protocol::job::{Job, Order};
use protocol::limits::Limits;
use protocol::posture::{Layer, LayerState, Outcome, Posture, Probe, Requirement};
use protocol::report::Report;
use serde::{Deserialize, Serialize};

use crate::launch::{Input, start};
use crate::{Profile, SandboxError};

/// One wall as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Which one.
    pub layer: Layer,
    /// Whether the profile requires it.
    pub requirement: Requirement,
    /// Whether it stands. A layer whose attack worked counts as missing.
    pub state: LayerState,
    /// The attacks on it, each with what happened. Empty if no worker could be sealed.
    pub proof: Vec<Probe>,
}

/// Tries every layer by starting a worker under `profile` that attacks itself. The limits are those of
/// the profile, but never more than 64 MiB of memory and 16 MiB of scratch.
///
/// # Errors
/// If the worker cannot be started at all or dies of its own attacks. A missing layer is no error: it
/// is in the report.
pub fn doctor(worker: &Path, profile: &Profile) -> Result<Vec<LayerReport>, SandboxError> {
    let limits = Limits {
        memory_mib: profile.limits.memory_mib.min(64),
        scratch_mib: profile.limits.scratch_mib.min(16),
        time_s: profile.limits.time_s.min(30),
        cpu_s: profile.limits.cpu_s.min(30),
        ..profile.limits.clone()
    };
    let input = Input::Stream {
        name: "probe".into(),
        reader: Box::new(&b"probe"[..]),
    };
    // What may be missing is not asked for, so that everything else is tried too.
    let relaxed = profile.relaxed();
    match start(worker, &relaxed, &limits, vec![input]) {
        Ok(standing) => {
            let posture = standing.posture().clone();
            let order = Order {
                job: Job::SelfTest,
                limits,
            };
            let mut running = standing.begin(order, &relaxed)?;
            let mut probes = None;
            while let Some(frame) = running.next()? {
                match frame {
                    Up::Report(Report::SelfTest { probes: found }) => probes = Some(found),
                    Up::Failed(failure) => return Err(SandboxError::Crashed(failure.message)),
                    Up::MountReady { .. }
                    | Up::Ready(_)
                    | Up::Refused(_)
                    | Up::Progress(_)
                    | Up::Statement(_)
                    | Up::FileStart { .. }
                    | Up::FileBytes(_)
                    | Up::FileEnd { .. }
                    | Up::Report(_) => {}
                }
            }
            let probes =
                probes.ok_or_else(|| SandboxError::Crashed("it reported no attack".into()))?;
            Ok(report(profile, &posture, &probes))
        }
        Err(SandboxError::MissingLayer { posture, .. }) => Ok(report(profile, &posture, &[])),
        Err(error) => Err(error),
    }
}

fn report(profile: &Profile, posture: &Posture, probes: &[Probe]) -> Vec<LayerReport> {
    Layer::ALL
        .into_iter()
        .map(|layer| {
            let proof: Vec<Probe> = probes
                .iter()
                .filter(|probe| probe.layer == layer)
                .cloned()
                .collect();
            LayerReport {
                layer,
                requirement: profile
                    .layers
                    .get(&layer)
                    .copied()
                    .unwrap_or(Requirement::Required),
                state: judge(posture.state(layer), &proof),
                proof,
            }
        })
        .collect()
}

/// A wall that did not hold is missing, whatever the worker said of it.
fn judge(state: LayerState, proof: &[Probe]) -> LayerState {
    match (
        state,
        proof.iter().find(|probe| probe.outcome == Outcome::Broken),
    ) {
        (LayerState::Present { .. }, Some(broken)) => LayerState::Missing {
            why: format!(
                "an attack got through: {} ({})",
                broken.attempt, broken.happened
            ),
            remedy: "do not run workers on this machine; report it with the output of this command"
                .into(),
        },
        (state, _) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_did_not_hold_is_missing() {
        let stands = LayerState::Present {
            detail: String::new(),
        };
        let probe = |outcome| Probe {
            layer: Layer::Seccomp,
            attempt: "run a program".into(),
            outcome,
            happened: "it worked".into(),
        };
        assert_eq!(judge(stands.clone(), &[probe(Outcome::Held)]), stands);
        let judged = judge(stands, &[probe(Outcome::Held), probe(Outcome::Broken)]);
        assert!(
            matches!(judged, LayerState::Missing { why, .. } if why == "an attack got through: run a program (it worked)")
        );
    }
}
