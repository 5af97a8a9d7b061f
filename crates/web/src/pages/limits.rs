//! How often somebody may ask in a minute. Counts are in memory: a restart forgets them, which is no way in,
//! because wrong passwords are counted in the store.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most visitors that are counted at once; when there are more, the count begins again for all.
const VISITORS_MAX: usize = 10_000;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts of one window.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    sign_ins: u32,
    requests: HashMap<u64, u32>,
}

impl Limits {
    /// Counts a request of a visitor, known by the cookies that it sends.
    ///
    /// # Errors
    /// The name of the limit that was met.
    pub(crate) fn request(&self, visitor: &[u8], max: u32) -> Result<(), &'static str> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        visitor.hash(&mut hasher);
        let key = hasher.finish();
        self.count(
            |window| {
                if window.requests.len() >= VISITORS_MAX {
                    window.requests.clear();
                }
                let count = window.requests.entry(key).or_default();
                *count = count.saturating_add(1);
                *count
            },
            max,
        )
        .then_some(())
        .ok_or("requests_per_minute")
    }

    /// Counts an attempt to sign in.
    ///
    /// # Errors
    /// The name of the limit that was met.
    pub(crate) fn sign_in(&self, max: u32) -> Result<(), &'static str> {
        self.count(
            |window| {
                window.sign_ins = window.sign_ins.saturating_add(1);
                window.sign_ins
            },
            max,
        )
        .then_some(())
        .ok_or("sign_ins_per_minute")
    }

    fn count(&self, add: impl FnOnce(&mut Window) -> u32, max: u32) -> bool {
        let Ok(mut window) = self.0.lock() else {
            return false;
        };
        let now = Instant::now();
        if window
            .began
            .is_none_or(|began| now.duration_since(began) >= WINDOW)
        {
            *window = Window {
                began: Some(now),
                ..Window::default()
            };
        }
        add(&mut window) <= max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_over_the_limit_is_refused_by_name() {
        let limits = Limits::default();
        for _ in 0..3 {
            assert_eq!(limits.request(b"a", 3), Ok(()));
        }
        assert_eq!(limits.request(b"a", 3), Err("requests_per_minute"));
        assert_eq!(
            limits.request(b"b", 3),
            Ok(()),
            "another visitor has its own count"
        );
        assert_eq!(limits.sign_in(0), Err("sign_ins_per_minute"));
    }
}
