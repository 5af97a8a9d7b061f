//! How often somebody may ask in a minute. Counts are in memory: a restart forgets them, which is no way in,
//! because wrong passwords are counted in the store.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};

/// Most people that are counted apart in one window. Only whose session is known is among them; one more is refused,
/// so that nobody's count begins again.
const VISITORS_MAX: usize = 10_000;
/// Everybody who is not signed in shares so many times what one visitor may ask.
const STRANGERS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts of one window.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    sign_ins: u32,
    strangers: u32,
    visitors: HashMap<[u8; 32], u32>,
}

impl Limits {
    /// Whether requests of this session were counted in this window already.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        let key = key(secret);
        self.with(|window| window.visitors.contains_key(&key)) == Some(true)
    }

    /// Counts a request of somebody whose session is known.
    ///
    /// # Errors
    /// The name of the limit that was met.
    pub(crate) fn visitor(&self, secret: &str, max: u32) -> Result<(), &'static str> {
        let key = key(secret);
        let within = |window: &mut Window| {
            if !window.visitors.contains_key(&key) && window.visitors.len() >= VISITORS_MAX {
                return false;
            }
            one_more(window.visitors.entry(key).or_default(), max)
        };
        allowed(self.with(within), "requests_per_minute")
    }

    /// Counts a request of somebody who is not signed in, with those of all others who are not.
    ///
    /// # Errors
    /// The name of the limit that was met.
    pub(crate) fn stranger(&self, max: u32) -> Result<(), &'static str> {
        let max = max.saturating_mul(STRANGERS);
        let within = self.with(|window| one_more(&mut window.strangers, max));
        allowed(within, "requests_per_minute")
    }

    /// Counts an attempt to sign in.
    ///
    /// # Errors
    /// The name of the limit that was met.
    pub(crate) fn sign_in(&self, max: u32) -> Result<(), &'static str> {
        let within = self.with(|window| one_more(&mut window.sign_ins, max));
        allowed(within, "sign_ins_per_minute")
    }

    /// The window of now; none when a count broke off, and then nobody is let in.
    fn with<T>(&self, act: impl FnOnce(&mut Window) -> T) -> Option<T> {
        let mut window = self.0.lock().ok()?;
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
        Some(act(&mut window))
    }
}

fn allowed(within: Option<bool>, limit: &'static str) -> Result<(), &'static str> {
    match within {
        Some(true) => Ok(()),
        Some(false) | None => Err(limit),
    }
}

/// Whether one more is within a limit.
fn one_more(count: &mut u32, max: u32) -> bool {
    *count = count.saturating_add(1);
    *count <= max
}

/// Secrets of sessions are not kept, not even here.
fn key(secret: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let hash = digest(&SHA256, secret.as_bytes());
    for (to, from) in key.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const MET: Result<(), &str> = Err("requests_per_minute");

    #[test]
    fn the_next_one_over_the_limit_is_refused_by_name() {
        let limits = Limits::default();
        assert!(!limits.knows("a"));
        for _ in 0..3 {
            assert_eq!(limits.visitor("a", 3), Ok(()));
        }
        assert!(limits.knows("a"));
        assert_eq!(limits.visitor("a", 3), MET);
        assert_eq!(
            limits.visitor("b", 3),
            Ok(()),
            "another visitor has its own count"
        );
        assert_eq!(limits.sign_in(0), Err("sign_ins_per_minute"));
    }

    #[test]
    fn those_who_are_not_signed_in_share_a_count_and_take_nothing_from_those_who_are() {
        let limits = Limits::default();
        for _ in 0..3 * STRANGERS {
            assert_eq!(limits.stranger(3), Ok(()));
        }
        assert_eq!(limits.stranger(3), MET);
        assert_eq!(limits.visitor("a", 3), Ok(()));
    }

    #[test]
    fn a_full_house_lets_nobody_begin_anew() {
        let limits = Limits::default();
        for n in 0..VISITORS_MAX {
            assert_eq!(limits.visitor(&n.to_string(), 1), Ok(()));
        }
        assert_eq!(limits.visitor("one more", 1), MET);
        assert_eq!(limits.visitor("0", 1), MET, "counts go on");
    }
}
