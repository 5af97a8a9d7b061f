//! Work on several threads. What comes of it is in the order of the work, so that it does not depend on how many
//! threads there were, nor on which of them did what.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What comes of each item, in the order of the items. Each thread has a state of its own, for memories that save work;
/// no outcome may depend on it. The caller's thread is one of them, and a thread that the system refuses is done
/// without.
///
/// # Panics
/// If the work does, on whatever thread.
pub(crate) fn map<I: Send, S, O: Send>(
    threads: NonZeroUsize,
    items: Vec<I>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I) -> O + Sync,
) -> Vec<O> {
    let workers = threads.get().min(items.len());
    if workers <= 1 {
        let mut state = state();
        let outcomes = items.into_iter().map(|item| work(&mut state, item));
        return outcomes.collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.next()
    };
    let run = || {
        let mut state = state();
        let mut done = Vec::new();
        while let Some((place, item)) = next() {
            done.push((place, work(&mut state, item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, run).ok();
        let helpers: Vec<_> = (1..workers).filter_map(start).collect();
        let mut done = run();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// As [`map`], of work that remembers nothing.
pub(crate) fn each<I: Send, O: Send>(
    threads: NonZeroUsize,
    items: Vec<I>,
    work: impl Fn(I) -> O + Sync,
) -> Vec<O> {
    map(threads, items, || (), |(), item| work(item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn outcomes_keep_the_order_of_the_items_and_each_item_is_worked_on_once() {
        for threads in [1, 2, 3, 7, 64] {
            for items in [0, 1, 2, 50] {
                let calls = AtomicUsize::new(0);
                let outcomes = each(
                    NonZeroUsize::new(threads).unwrap(),
                    (0..items).collect(),
                    |item: usize| {
                        calls.fetch_add(1, Ordering::Relaxed);
                        // Later items are done sooner.
                        thread::sleep(std::time::Duration::from_micros((items - item) as u64 * 20));
                        item * 3
                    },
                );
                assert_eq!(outcomes, (0..items).map(|i| i * 3).collect::<Vec<_>>());
                assert_eq!(calls.into_inner(), items);
            }
        }
    }

    #[test]
    fn a_panic_of_a_helper_is_the_callers() {
        let caught = std::panic::catch_unwind(|| {
            each(NonZeroUsize::new(3).unwrap(), vec![1, 2, 3, 4], |item| {
                assert!(item != 2, "the work went wrong");
            })
        });
        assert!(caught.is_err());
    }
}
