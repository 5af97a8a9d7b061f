//! The last attacks: they use up scratch space, files and threads.

use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use protocol::limits::Limits;
use protocol::posture::Layer;

use super::Attacks;
use crate::inside::fence::{OPEN_FILES, THREADS};
use crate::inside::worlds::SCRATCH_FILES;

pub(super) fn exhaust(attacks: &mut Attacks, limits: &Limits) {
    use Layer::{ResourceLimits, Scratch};
    attacks.must_fail(Scratch, "fill more than the scratch space", fill(limits));
    let mut made = Ok(());
    let mut count = 0;
    for at in 0..=SCRATCH_FILES {
        made = File::create(format!("/spill/f{at}")).map(drop);
        if made.is_err() {
            break;
        }
        count = at;
    }
    attacks.must_fail(Scratch, "make more files than allowed", made);
    for at in 0..=count {
        let _ = fs::remove_file(format!("/spill/f{at}"));
    }
    let mut files = Vec::new();
    let mut opened = Ok(());
    for _ in 0..=OPEN_FILES {
        match File::open(protocol::INPUTS) {
            Ok(file) => files.push(file),
            Err(error) => {
                opened = Err(error);
                break;
            }
        }
    }
    attacks.must_fail(ResourceLimits, "open more files than allowed", opened);
    drop(files);
    attacks.must_fail(ResourceLimits, "start more threads than allowed", crowd());
}

fn fill(limits: &Limits) -> io::Result<()> {
    let piece = vec![1_u8; 1 << 20];
    let mut answer = Ok(());
    // Two files: the cap on one file must not be what holds the cap on all.
    for name in ["/spill/a", "/spill/b"] {
        let mut file = File::create(name)?;
        for _ in 0..=limits.scratch_mib / 2 {
            answer = file.write_all(&piece);
            if answer.is_err() {
                break;
            }
        }
    }
    for name in ["/spill/a", "/spill/b"] {
        let _ = fs::remove_file(name);
    }
    answer
}

fn crowd() -> io::Result<()> {
    let hold = Arc::new(Mutex::new(()));
    let held = hold.lock();
    let mut threads = Vec::new();
    let mut answer = Ok(());
    for _ in 0..=THREADS {
        let hold = Arc::clone(&hold);
        let started = thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(move || drop(hold.lock()));
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                answer = Err(error);
                break;
            }
        }
    }
    drop(held);
    for thread in threads {
        let _ = thread.join();
    }
    answer
}
