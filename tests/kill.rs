//! Kills: front, keeper and worker, at every step of the journey. Nothing that was acknowledged is lost, no act
//! is without its leaf, nothing half-done is shown as done, and the journey can be finished.

mod disk;
mod journey;
mod memory;
mod oracle;
pub(crate) mod processes;
mod refusals;
mod screen;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::journeys::haven::{Haven, files};
use crate::journeys::leaks::Needles;
use crate::support::{long, program};
use journey::{Files, Not, Step, Walk, store};
use memory::Memory;
use oracle::Books;
use processes::Victim;

/// Kills of a long run.
const KILLS_LONG: usize = 500;

/// One kill at nearly every step, each victim several times.
const SAMPLE: [(Step, Victim); 15] = [
    (Step::Register, Victim::Front),
    (Step::Spine, Victim::Keeper),
    (Step::Identifiers, Victim::Worker),
    (Step::Payload, Victim::Front),
    (Step::Apply, Victim::Front),
    (Step::Approve, Victim::Front),
    (Step::Commence, Victim::Keeper),
    (Step::Index, Victim::Keeper),
    (Step::Extract, Victim::Front),
    (Step::Query, Victim::Worker),
    (Step::Recover, Victim::Front),
    (Step::Stage, Victim::Front),
    (Step::Review, Victim::Keeper),
    (Step::Release, Victim::Keeper),
    (Step::Download, Victim::Front),
];

/// SplitMix64 (Steele, Lea, Flood 2014): a seed tells the whole run.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

struct Run {
    haven: Haven,
    files: Files,
    memory: Memory,
    chance: Seeded,
    kills: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            haven: Haven::start(),
            files: Files::new(),
            memory: Memory::default(),
            chance: Seeded(seed),
            kills: 0,
        }
    }

    /// Takes a step to its end, with a kill in the middle of the first try.
    fn step(&mut self, step: Step, victim: Option<Victim>) {
        let mut victim = victim;
        let mut said = Vec::new();
        for _ in 0..8 {
            let before = Books::read(&store(&self.haven));
            let kill = victim.take();
            let ended = match kill {
                Some(victim) => self.take_and_kill(step, victim),
                None => self.walk().take(step),
            };
            self.haven.start_again();
            let after = self.settled();
            after.extend(&before);
            self.memory.is_kept(&after);
            if kill.is_some() {
                self.nothing_is_left_over(&after);
                self.log_verifies();
            }
            match ended {
                Ok(()) => return,
                Err(Not::Done(403 | 404 | 422, why)) => panic!("{step:?}: {why}"),
                // What was cut off, or met a keeper that was being started again, is done anew.
                Err(not) => said.push(not),
            }
        }
        panic!(
            "{step:?} cannot be finished: {said:?}\n{}",
            self.haven.log()
        );
    }

    fn walk(&mut self) -> Walk<'_> {
        Walk {
            haven: &self.haven,
            files: &self.files,
            memory: &mut self.memory,
        }
    }

    fn take_and_kill(&mut self, step: Step, victim: Victim) -> Result<(), Not> {
        let wait = self.chance.below(if step.works() { 400 } else { 40 });
        let (haven, files, memory) = (&self.haven, &self.files, &mut self.memory);
        let front = haven.pid();
        let over = AtomicBool::new(false);
        let (ended, killed) = std::thread::scope(|scope| {
            let walking = scope.spawn(|| {
                let mut walk = Walk {
                    haven,
                    files,
                    memory,
                };
                let ended = walk.take(step);
                over.store(true, Ordering::SeqCst);
                ended
            });
            let begun = Instant::now();
            let mut found = None;
            while !over.load(Ordering::SeqCst) {
                found = processes::find(front, victim);
                // A worker is killed a while after it began; the others a while after the step did.
                let long_enough = begun.elapsed() >= Duration::from_millis(wait);
                if found.is_some() && (long_enough || victim == Victim::Worker) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            if victim == Victim::Worker && found.is_some() {
                std::thread::sleep(Duration::from_millis(wait / 8));
            }
            // A step that was too quick is followed by the kill: then nothing of it may be lost.
            let found = found.or_else(|| processes::find(front, victim));
            if let Some(pid) = found {
                processes::kill(pid);
            }
            (
                walking.join().expect("the step does not panic"),
                found.is_some(),
            )
        });
        if victim == Victim::Front {
            self.haven.was_killed();
        }
        self.kills += usize::from(killed);
        println!("{step:?}: {victim:?} killed after {wait} ms: {killed}, {ended:?}");
        ended
    }

    /// Waits until what was interrupted has been taken up again and has ended.
    fn settled(&self) -> Books {
        let begun = Instant::now();
        loop {
            let books = Books::read(&store(&self.haven));
            books.hold();
            books.nothing_is_stuck();
            if books.queued() == 0 {
                return books;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(100),
                "a job stays queued: {}",
                self.haven.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What states cite is there; no half-written file is.
    fn nothing_is_left_over(&self, books: &Books) {
        let name = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.into_owned()
        };
        let sealed: BTreeSet<String> = files(&self.haven.at("keeper/sealed"))
            .iter()
            .map(name)
            .collect();
        for cited in books.sealed() {
            assert!(sealed.contains(&cited), "{cited} is cited and not there");
        }
        let uploads = files(&self.haven.at("keeper/uploads"));
        for file in sealed
            .iter()
            .chain(&uploads.iter().map(name).collect::<Vec<_>>())
        {
            assert!(!file.starts_with("staging-"), "{file} is half-written");
        }
    }

    fn log_verifies(&self) {
        let published = self
            .haven
            .of("auditor")
            .post("/v1/log/publish", &Value::Null);
        published.ok();
        let output = Command::new(program("strongroom"))
            .args(["audit", "verify", "--log"])
            .arg(self.haven.at("log"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("\"verdict\":\"ok\"") || said.contains("\"verdict\": \"ok\""),
            "{said}"
        );
    }

    /// After the last step: the table is out, and nothing of the files lies open anywhere.
    fn finished(&self) {
        let books = Books::read(&store(&self.haven));
        let released = books.find("output", "released");
        assert!(released.is_some(), "the table was released");
        assert_eq!(
            books.actions().filter(|a| *a == "download_output").count(),
            1,
            "it was downloaded once"
        );
        assert_eq!(
            books.of("keeper_refusal").count(),
            0,
            "an honest front asks for nothing that it may not have"
        );
        let delivered = [
            self.files.register.clone(),
            self.files.identifiers.clone(),
            self.files.payload.clone(),
        ];
        let needles = Needles::of_files(&delivered);
        for folder in ["keeper", "front", "log"] {
            for file in files(&self.haven.at(folder)) {
                let found = needles.count(&fs::read(&file).unwrap_or_default());
                assert_eq!(found, 0, "values of a delivery in {}", file.display());
            }
        }
    }
}

#[test]
fn a_journey_with_a_kill_at_every_step_is_finished_and_nothing_is_lost() {
    let mut run = Run::new(20_260_302);
    for step in Step::ALL {
        let victim = SAMPLE.iter().find(|(at, _)| *at == step);
        run.step(step, victim.map(|(_, victim)| *victim));
    }
    run.finished();
    assert!(run.kills >= 12, "{} kills", run.kills);
}

/// The worker is frozen first, so that the job cannot end before its keeper or its front does.
fn index_and_kill(victim: Victim) {
    let mut run = Run::new(1);
    for step in Step::ALL.into_iter().take_while(|s| *s != Step::Index) {
        run.step(step, None);
    }
    let front = run.haven.pid();
    let (haven, files, memory) = (&run.haven, &run.files, &mut run.memory);
    let ended = std::thread::scope(|scope| {
        let walking = scope.spawn(|| {
            let mut walk = Walk {
                haven,
                files,
                memory,
            };
            walk.take(Step::Index)
        });
        let begun = Instant::now();
        let worker = loop {
            if let Some(worker) = processes::find(front, Victim::Worker) {
                break worker;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no worker runs");
        };
        processes::freeze(worker);
        processes::kill(processes::find(front, victim).expect("it runs"));
        walking.join().expect("the step does not panic")
    });
    match victim {
        // The front waits for the next keeper and has it done again: whoever asked sees nothing of it.
        Victim::Keeper => ended.expect("the indexing is done"),
        Victim::Front | Victim::Worker => {
            ended.expect_err("nobody answers");
            run.haven.was_killed();
        }
    }
    run.haven.start_again();
    let books = run.settled();
    assert!(books.find("indexing", "indexed").is_some());
    assert_eq!(books.of("indexing").count(), 1, "it was ordered once");
    let mut tries: Vec<(u64, &str)> = books
        .of("job")
        .filter(|(_, row)| row.json["core"]["task"]["task"] == "index")
        .map(|(_, row)| (row.json["core"]["attempt"].as_u64().unwrap(), &*row.state))
        .collect();
    tries.sort_unstable();
    // The next front may meet the keeper of the last one while it ends; that is a try, too.
    let as_it_should_be = matches!(
        tries.as_slice(),
        [(1, "failed"), (2, "done")] | [(1, "failed"), (2, "failed"), (3, "done")]
    );
    assert!(as_it_should_be, "{tries:?}");
    let mut walk = run.walk();
    for step in [Step::Extract, Step::Workspace, Step::Query] {
        walk.take(step).expect("what came of it can be used");
    }
}

#[test]
fn an_indexing_whose_keeper_is_killed_is_done_by_the_next_one() {
    index_and_kill(Victim::Keeper);
}

#[test]
fn an_indexing_whose_front_is_killed_is_taken_up_by_the_next_one() {
    index_and_kill(Victim::Front);
}

#[test]
fn many_journeys_with_kills_at_random_are_finished() {
    if !long() {
        println!("left out: the long run of kills (cargo xtask test --long)");
        return;
    }
    let mut kills = 0;
    let mut seed = 1;
    while kills < KILLS_LONG {
        println!("seed {seed}, {kills} kills so far");
        let mut run = Run::new(seed);
        for step in Step::ALL {
            let victim = match run.chance.below(if step.works() { 3 } else { 2 }) {
                0 => Victim::Front,
                1 => Victim::Keeper,
                _ => Victim::Worker,
            };
            run.step(step, Some(victim));
        }
        run.finished();
        kills += run.kills;
        seed += 1;
    }
}
