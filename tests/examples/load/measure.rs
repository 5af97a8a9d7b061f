//! Times at a steady rate, and durable acts beside what the disk can do.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use governance::person::Role;

use crate::http::Line;

/// Clients that take turns; each waits for its answer before it asks again.
const CLIENTS: usize = 32;
const ACTORS: usize = 64;

/// A page and whose session asks for it.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) session: String,
    pub(crate) role: Role,
}

/// Times of one kind of page, shortest first.
pub(crate) struct Times(Vec<(Duration, Role)>);

impl Times {
    /// The times of each role by itself.
    pub(crate) fn by_role(&self) -> BTreeMap<Role, Times> {
        let mut by_role = BTreeMap::new();
        for (time, role) in &self.0 {
            let times = by_role.entry(*role).or_insert_with(|| Times(Vec::new()));
            times.0.push((*time, *role));
        }
        by_role
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |share: f64| {
            let index = ((self.0.len() - 1) as f64 * share).round() as usize;
            self.0[index].0.as_secs_f64() * 1_000.0
        };
        write!(
            f,
            "{} answers; median {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
            self.0.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        )
    }
}

/// Asks for pages at a steady rate.
pub(crate) fn steady(port: u16, pages: &[Asked], rate: u32, seconds: u32) -> Times {
    let gap = Duration::from_secs(1) / rate;
    let total = (rate * seconds) as usize;
    let times = Mutex::new(Vec::with_capacity(total));
    let begin = Instant::now() + Duration::from_millis(200);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let times = &times;
            scope.spawn(move || {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut line = Line::new(stream);
                let mut mine = Vec::new();
                for turn in (client..total).step_by(CLIENTS) {
                    let due = begin + gap * turn as u32;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let page = &pages[turn % pages.len()];
                    let cookie = format!("cookie: strongroom_session={}\r\n", page.session);
                    let (status, _) = line.ask("GET", &page.path, &cookie);
                    assert_eq!(status, 200, "{}", page.path);
                    mine.push((due.elapsed(), page.role));
                }
                times.lock().unwrap().extend(mine);
            });
        }
    });
    let mut times = times.into_inner().unwrap();
    times.sort();
    Times(times)
}

/// Applications begun a second over the API: each is a state, an event and a leaf, on the disk before its answer.
pub(crate) fn acts(socket: &Path, tokens: &[String], time: Duration) -> f64 {
    let done = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for actor in 0..ACTORS {
            let (done, token) = (&done, &tokens[actor % tokens.len()]);
            scope.spawn(move || {
                let mut line = Line::new(UnixStream::connect(socket).unwrap());
                let bearer = format!("authorization: Bearer {token}\r\n");
                while begun.elapsed() < time {
                    let (status, _) = line.ask("POST", "/v1/projects", &bearer);
                    assert_eq!(status, 200, "an application is begun");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// Writes of 4 KiB a second that are on the disk before the next one begins.
pub(crate) fn fsyncs(folder: &Path, time: Duration) -> f64 {
    let mut file = File::create(folder.join("fsync")).unwrap();
    let page = [7_u8; 4096];
    file.write_all(&page).unwrap();
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < time {
        file.write_all_at(&page, u64::from(count % 256) * 4096)
            .unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// CPU time of a process and of everything that it started and that still runs.
pub(crate) fn cpu(process: u32) -> Duration {
    // proc(5): fields 4, 14 and 15 of stat are the parent and the ticks in user and system mode.
    let stat = |process: u32| -> Option<(u32, u64)> {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some((u32::try_from(number(1)?).ok()?, number(11)? + number(12)?))
    };
    let all = std::fs::read_dir("/proc").unwrap();
    let all = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, u32, u64)> = all
        .filter_map(|one| stat(one).map(|(parent, ticks)| (one, parent, ticks)))
        .collect();
    let (mut family, mut ticks) = (vec![process], 0);
    while let Some(one) = family.pop() {
        ticks += all
            .iter()
            .find(|(id, ..)| *id == one)
            .map_or(0, |(.., t)| *t);
        family.extend(all.iter().filter(|(_, p, _)| *p == one).map(|(id, ..)| *id));
    }
    // USER_HZ, which Linux shows as 100 a second on every architecture that we run on.
    Duration::from_millis(ticks * 10)
}
