//! Started as root with `[users]`: a process that serves nothing, holds no store and parses nothing, but starts keeper
//! and desks each as its own Unix user, and ends with them.

use protocol::keeper::Door;

use crate::config::Settings;
use crate::files::load_policies;
use crate::house::ChildDesk;
use crate::keeping::{KeeperOrder, Keeping, Logs};
use crate::problem::Problem;
use crate::users::Users;

/// Keeper and both desks, running.
pub(crate) struct Supervisor {
    keeping: Keeping,
    research: ChildDesk,
    indexing: ChildDesk,
}

impl Supervisor {
    /// Makes the folders with their owners, then starts everybody.
    ///
    /// # Errors
    /// In one sentence, what could not be made or started.
    pub(crate) async fn start(
        settings: &Settings,
        users: &Users,
        logs: Logs,
    ) -> Result<Self, Problem> {
        if !nix::unistd::geteuid().is_root() {
            return Err(Problem::could_not(
                "[users] gives each process a user of its own, which only root can do: start it as root, or leave [users] out for a rehearsal under one user",
            ));
        }
        let policies = load_policies(settings.policies.as_deref())?;
        let order = KeeperOrder {
            settings: settings.clone(),
            key: settings.root_key.source(Some(users))?,
            logs,
            starts_per_minute: policies.limits.keeper_starts,
        };
        settings.places.make_for(users)?;
        // The desk first: it makes the tables that the keeper reads. It waits for the keeper before it serves.
        let mut research = ChildDesk::start(settings, Door::Research, logs)?;
        let keeping = Keeping::start(order).await?;
        research.opened(&settings.places).await?;
        let mut indexing = ChildDesk::start(settings, Door::Indexing, logs)?;
        indexing.opened(&settings.places).await?;
        Ok(Self {
            keeping,
            research,
            indexing,
        })
    }

    /// Ready with the reason when a desk ends by itself.
    pub(crate) async fn broken(&mut self) -> Problem {
        tokio::select! {
            () = self.research.ended() => Problem::could_not("the research desk ended"),
            () = self.indexing.ended() => Problem::could_not("the indexing desk ended"),
        }
    }

    /// Stops the desks, then the keeper.
    pub(crate) async fn stop(self) {
        self.indexing.stop().await;
        self.research.stop().await;
        self.keeping.stop().await;
    }
}
