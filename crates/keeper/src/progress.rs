//! How far a job is, from the thread that works to the task that answers.

use protocol::frame::{Progress, STAGE_MAX};
use protocol::keeper::Reply;
use tokio::sync::watch;

/// Tells how far a job is; only the newest word is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Teller(watch::Sender<Option<Reply>>);

impl Teller {
    /// A stage of the keeper's own.
    pub(crate) fn stage(&self, stage: &'static str) {
        self.say(0, 0, stage);
    }

    /// That it waits for a place, and its number in the queue.
    pub(crate) fn waiting(&self, position: u64) {
        self.0.send_replace(Some(Reply::Waiting { position }));
    }

    /// What a worker says, which may be anything: its stage becomes plain words of bounded length.
    pub(crate) fn worker(&self, progress: &Progress) {
        let stage: String = progress
            .stage
            .chars()
            .filter(|c| c.is_ascii_alphabetic() || *c == ' ')
            .take(STAGE_MAX)
            .collect();
        self.say(progress.done, progress.total, &stage);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Option<Reply>> {
        self.0.subscribe()
    }

    fn say(&self, done: u64, total: u64, stage: &str) {
        // The database counts to 2^63.
        let most = i64::MAX.unsigned_abs();
        self.0.send_replace(Some(Reply::Progress {
            done: done.min(most),
            total: total.min(most),
            stage: stage.to_owned(),
        }));
    }
}
