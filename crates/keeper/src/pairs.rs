//! Pairs of records for somebody who judges them: identifiers, given out at the indexing desk alone.

use governance::{IndexingId, PersonId};
use protocol::keeper::Refused;
use protocol::pairs::BYTES_MAX;

use crate::error::{internal, not_permitted};
use crate::halt::Halt;
use crate::outputs::whole;
use crate::server::Keeper;

impl Keeper {
    /// The pairs of an indexing, if the store says that this person judges them now. The log holds who began to.
    pub(crate) async fn pairs(&self, indexing: &str, person: &str) -> Result<Vec<u8>, Refused> {
        let indexing: IndexingId = indexing
            .parse()
            .map_err(|_| not_permitted("not a valid indexing id"))?;
        let person: PersonId = person
            .parse()
            .map_err(|_| not_permitted("not a valid person id"))?;
        let sealed = self.desk()?.pairs(indexing.as_str(), &person).await?;
        let reader = sealed.open(
            &self.custody,
            &self.rooms.uploads,
            &self.rooms.sealed,
            &Halt::default(),
        )?;
        tokio::task::spawn_blocking(move || whole(reader, BYTES_MAX as u64))
            .await
            .map_err(|_| internal("the file could not be opened"))?
    }
}
