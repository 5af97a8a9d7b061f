//! Stops a job from another thread, at whatever point it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sandbox::Killer;

/// One for each job. Cloning gives another handle on the same job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Halt(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stopped: AtomicBool,
    killer: Mutex<Option<Killer>>,
}

impl Halt {
    /// Ends the worker, if there is one, and lets no further byte be opened.
    pub(crate) fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        if let Some(killer) = self.lock().as_ref() {
            killer.kill();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Puts a worker under it; one that comes after the stop is ended at once.
    pub(crate) fn over(&self, killer: Killer) {
        let mut held = self.lock();
        if self.is_stopped() {
            killer.kill();
        }
        *held = Some(killer);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Killer>> {
        self.0.killer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops a job when nobody waits for it any more; after its end that does nothing.
#[derive(Debug)]
pub(crate) struct StopOnDrop(pub(crate) Halt);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
