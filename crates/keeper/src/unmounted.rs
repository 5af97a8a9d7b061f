//! Jobs that mount nothing: no snapshot and no key is opened for them.

use protocol::job::{Job, Order};
use protocol::keeper::Refused;
use sandbox::{Launch, Profile, Running};

use crate::error::{by_sandbox, internal};
use crate::server::Keeper;

impl Keeper {
    /// What a sealed worker says of a job that mounts nothing. It takes the place of a query, so that asking often
    /// does not start workers without end.
    ///
    /// # Errors
    /// What `hear` makes of the worker; if no worker can be sealed, or the keeper closes.
    pub(crate) async fn unmounted<T: Send + 'static>(
        &self,
        job: Job,
        profile: &Profile,
        hear: fn(&mut Running) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let launch = Launch {
            worker: self.worker.clone(),
            order: Order {
                job,
                limits: profile.limits.clone(),
            },
            inputs: Vec::new(),
            profile: profile.clone(),
        };
        self.unless_closing(async {
            let _place = self.query_places.enter(None, |_| {}).await;
            let hearing = tokio::task::spawn_blocking(move || {
                hear(&mut sandbox::spawn(launch).map_err(by_sandbox)?)
            });
            hearing.await.map_err(|_| internal("the worker was lost"))?
        })
        .await
    }
}
