//! Workers that mount nothing: no snapshot and no key is opened for them.

use protocol::job::{Job, Order};
use protocol::keeper::Refused;
use sandbox::{Launch, Profile, Running};

use crate::error::{by_sandbox, internal};
use crate::server::Keeper;

impl Keeper {
    /// What a sealed worker says of a job that mounts nothing.
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
        self.in_place_of_a_query(move || hear(&mut sandbox::spawn(launch).map_err(by_sandbox)?))
            .await
    }

    /// Something that starts workers for no job. It takes the place of a query, so that asking often does not start
    /// workers without end.
    ///
    /// # Errors
    /// Those of `work`; if it breaks off, or the keeper closes.
    pub(crate) async fn in_place_of_a_query<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        self.unless_closing(async {
            let _place = self.query_places.enter(None, |_| {}).await;
            let working = tokio::task::spawn_blocking(work);
            working.await.map_err(|_| internal("the worker was lost"))?
        })
        .await
    }
}
