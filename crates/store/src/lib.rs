//! The filing room: what the safe haven knows, and the log of how it came to be so.
//!
//! Two doors lead in. [`Store::record`] takes a [`governance::Batch`], which only a rule can fill, and
//! writes state, event and log leaf in one transaction. The note door (drafts, sign-in tokens, progress,
//! checkpoints) writes rows that grant nothing and have no leaf. There is no third.
//!
//! Invariants, each held by a test:
//!
//! 1. **No act without its leaf, no leaf without its act.** State, event, leaf, tree nodes and documents
//!    of a batch are in one savepoint of one transaction: all of them are there after a crash, or none.
//! 2. **One writer at a time.** In each process one task owns the only writing connection. It takes several
//!    requests into one commit, a savepoint each, and acknowledges after the commit; a refused request takes
//!    only its own savepoint back. Another process (the other desk) waits for the lock that every commit
//!    begins with, and reads the tree's right edge anew when the log has grown meanwhile.
//! 3. **Leaves are dense from 0**, numbered by whoever holds that lock, and never changed (triggers refuse it).
//! 4. **Nothing is lost by overwriting.** Every change names the version it saw; another version is
//!    [`StoreError::Stale`]. A version is the number of events of its object.
//! 5. **A state is what its leaf says.** The leaf commits to the state's JSON with a salt; reading checks
//!    the commitment and that no later event exists, else [`StoreError::Unlogged`]. This finds edits of
//!    the state table. Who rewrites the log too is found with a remembered checkpoint, not here.
//!    Names, ages and ties by which lists find objects are derived beside it and vouch for nothing.
//! 6. **What must be erasable is not in the log.** Documents and states lie beside it; without their
//!    bytes and salts the tree verifies as before.
//! 7. **Privacy loss is booked with its leaf.** The accounts of a measurement move in the transaction that
//!    writes its leaf, within caps of a budget that is still the one that was read, or not at all; the leaves
//!    alone give every balance ([`Store::check_accounts`]).
//! 8. **Roots and proofs of any earlier size** come from stored nodes, without hashing entries again.
//!
//! Times come in with events and calls; the only randomness drawn here is the salt of a commitment.
//!
//! ```ignore
//! let store = Store::open(dir).await?;
//! let held = store.load::<Person>("per_1").await?;
//! let batch = Batch::new().change(held.version, held.value.retire(&by, now)?)?;
//! let receipt = store.record(Record { batch, ..Record::default() }).await?;
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod answers;
mod beside;
mod error;
mod leases;
mod ledger;
mod note;
mod proof;
mod read;
mod record;
mod room;
mod saved;
mod schema;
mod sign_in;
#[cfg(test)]
mod tests;
mod ties;
mod tree;
mod writer;

pub use answers::ANSWERS_BYTES_MAX;
pub use beside::Beside;
pub use error::StoreError;
pub use leases::{Lease, Over};
pub use ledger::Accounts;
pub use note::{
    CHECKPOINT_BYTES_MAX, DRAFT_BYTES_MAX, Progress, TOKENS_PER_PERSON_MAX, Token, WORD_BYTES_MAX,
};
pub use proof::LEAVES_MAX;
pub use read::{EventFilter, Filter, Held, LIST_MAX, Told};
pub use record::{
    BESIDE_MAX, CHANGES_MAX, DOCUMENT_BYTES_MAX, DOCUMENTS_MAX, Document, Receipt, Record,
    STATE_BYTES_MAX,
};
pub use room::{FILE_NAME, Store};
pub use saved::{SAVED_BYTES_MAX, SAVED_MAX, Saved, Seen};
pub use sign_in::{Credential, NewCredential, SESSIONS_PER_PERSON_MAX, Session, TOTP_BYTES_MAX};
pub use ties::{Brief, List, Next, Order, Search};
