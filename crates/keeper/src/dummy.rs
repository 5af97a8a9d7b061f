//! A dummy extract: a worker that mounts nothing makes it up from a plan.

use protocol::dummy::{Dummy, FILE};
use protocol::frame::Up;
use protocol::job::Job;
use protocol::keeper::Refused;
use protocol::report::Report;
use sandbox::Running;

use crate::error::{by_sandbox, by_worker, internal};
use crate::server::Keeper;

impl Keeper {
    /// Has a dummy extract made.
    ///
    /// # Errors
    /// If the plan is not fit, or no worker can be sealed.
    pub(crate) async fn dummy(&self, plan: Dummy) -> Result<Vec<u8>, Refused> {
        self.unmounted(Job::Dummy(plan), &self.query_profile, hear)
            .await
    }
}

/// The one file of the worker. How large it may be, the limits of its job say.
fn hear(running: &mut Running) -> Result<Vec<u8>, Refused> {
    let strange = || internal("the worker did not send what its job makes");
    let (mut file, mut whole, mut done) = (None, false, false);
    while let Some(up) = running.next().map_err(by_sandbox)? {
        match (up, &mut file) {
            (Up::Progress(_), _) => {}
            (Up::FileStart { name }, None) if name == FILE => file = Some(Vec::new()),
            (Up::FileBytes(bytes), Some(held)) if !whole => held.extend_from_slice(&bytes),
            (Up::FileEnd { .. }, Some(_)) => whole = true,
            (Up::Report(Report::Dummy), Some(_)) => done = whole,
            (Up::Failed(failure), _) => return Err(by_worker(failure)),
            _ => return Err(strange()),
        }
    }
    file.filter(|_| done).ok_or_else(strange)
}
