//! A dummy extract: a worker that mounts nothing makes it up from a plan.

use protocol::dummy::{Dummy, FILE};
use protocol::frame::Up;
use protocol::job::{Job, Order};
use protocol::keeper::Refused;
use protocol::report::Report;
use sandbox::{Launch, Running};

use crate::error::{by_sandbox, by_worker, internal};
use crate::server::Keeper;

impl Keeper {
    /// Has a dummy extract made. It takes the place of a query, so that asking often does not start workers
    /// without end.
    ///
    /// # Errors
    /// If the plan is not fit, or no worker can be sealed.
    pub(crate) async fn dummy(&self, plan: Dummy) -> Result<Vec<u8>, Refused> {
        let _place = self.query_places.enter(None, |_| {}).await;
        let launch = Launch {
            worker: self.worker.clone(),
            order: Order {
                job: Job::Dummy(plan),
                limits: self.query_profile.limits.clone(),
            },
            inputs: Vec::new(),
            profile: self.query_profile.clone(),
        };
        let making = tokio::task::spawn_blocking(move || {
            hear(&mut sandbox::spawn(launch).map_err(by_sandbox)?)
        });
        tokio::select! {
            made = making => made.map_err(|_| internal("the dummy extract could not be made"))?,
            () = self.closing() => Err(internal("the keeper is closing")),
        }
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
