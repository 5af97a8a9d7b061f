//! A process that books at full speed and is killed with signal 9 at random moments, again and again over the
//! same store. What it acknowledged is there, what it did not is there whole or not at all, and no budget is
//! lost or gained. `STRONGROOM_LONG=1` makes it 10,000 operations.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use governance::measure::{Fault, Loss, Lost, Measurement};
use governance::{Action, Batch, Change, Fact, Lifecycle, MeasurementId, Refusal, Timestamp};

use super::super::{at, just};
use super::scene::{PEOPLE_CAP, Scene, WORKERS, hash, loss, request, the_people};
use crate::{EventFilter, Filter, Store, StoreError};

const DIR: &str = "STORE_TEST_LEDGER_DIR";
const SEED: &str = "STORE_TEST_LEDGER_SEED";
const WINDOW: &str = "STORE_TEST_LEDGER_WINDOW";
/// Different questions that one researcher has in hand at a time. An answered one is done with, so the window
/// moves on now and then; what is left behind stays reserved or running.
const QUESTIONS: u64 = 40;
/// Kills after which it does.
const KILLS_A_WINDOW: usize = 4;

/// Xorshift (Marsaglia 2003): the same moves for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn change(
    scene: &Scene,
    held: Option<Measurement>,
    who: usize,
    question: u64,
    (version, dice): (i64, &mut Dice),
) -> Result<Change<Measurement>, Refusal> {
    // The clock jumps within an hour, forwards and back.
    let now: Timestamp = at(dice.roll(3_600) as i64);
    let price = loss(1 + dice.roll(3));
    // Every other question names its groups, and costs no delta.
    let price = match question % 2 {
        0 => Loss::of_rho(price.nano_rho),
        _ => price,
    };
    let act = dice.roll(8);
    match held {
        None | Some(Measurement::Freed { .. } | Measurement::Forfeited { .. }) => {
            scene.reservation_over(held, (who, question, price), version, now)
        }
        Some(held @ Measurement::Reserved { .. }) => match (act, &held) {
            (0..=1, _) => held.withdraw_any(now),
            // In time, or the walk would stand still.
            (_, Measurement::Reserved { since, .. }) => {
                let since = *since;
                scene.running(held, who, since)
            }
            (_, _) => Err(Refusal::Lapsed),
        },
        Some(held @ Measurement::Running { .. }) if act < 4 => held.forfeit(Lost::Failed, now),
        Some(held @ Measurement::UnderReview { .. }) => scene.looked_at(held, who, act < 4, now),
        Some(held) => scene.drawn(held, now),
    }
}

trait WithdrawAny: Sized {
    fn withdraw_any(self, now: Timestamp) -> Result<Change<Self>, Refusal>;
}

impl WithdrawAny for Measurement {
    fn withdraw_any(self, now: Timestamp) -> Result<Change<Self>, Refusal> {
        let author = self.core().author.clone();
        self.withdraw(&author, now)
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

/// One researcher at work: each acknowledged booking is a line on the standard output.
async fn work(
    store: Store,
    (scene, version): (Arc<Scene>, i64),
    who: usize,
    (seed, window): (u64, u64),
) {
    let mut dice = Dice(seed | 1);
    let first = (who as u64) * 1_000_000 + window * QUESTIONS;
    loop {
        let question = first + dice.roll(QUESTIONS);
        let id = MeasurementId::of(&request(question), &hash([8, 9][who / 2]));
        let held = store.load::<Measurement>(id.as_str()).await.unwrap();
        let value = held.as_ref().map(|h| h.value.clone());
        let Ok(change) = change(&scene, value, who, question, (version, &mut dice)) else {
            continue;
        };
        let word = change.event().action().word();
        let batch = match held {
            None => Batch::new().begin(change).unwrap(),
            Some(held) => Batch::new().change(held.version, change).unwrap(),
        };
        match store.record(just(batch)).await {
            Ok(receipt) => {
                say(&format!("acked {} {id} {word}", receipt.first_leaf));
            }
            // Then others settle what they hold.
            Err(StoreError::OverBudget(_)) => say("full"),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Not a test: what the test below starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_books() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let given = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (seed, window) = (given(SEED), given(WINDOW));
    let store = Store::open(&PathBuf::from(dir)).await.unwrap();
    let (scene, version) = Scene::again(&store).await;
    let scene = Arc::new(scene);
    let mut tasks = tokio::task::JoinSet::new();
    for who in 0..WORKERS {
        tasks.spawn(work(
            store.clone(),
            (scene.clone(), version),
            who,
            (seed ^ ((who as u64) << 40), window),
        ));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

type Acked = (u64, String, String);

/// Starts a child, kills it once it has acknowledged so much, and gives what it said until it was dead.
fn until_killed(dir: &Path, (seed, window): (u64, usize), acknowledged: usize) -> Vec<Acked> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::ledger::kill::child_that_books",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(SEED, seed.to_string())
        .env(WINDOW, window.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut acked, mut full) = (Vec::new(), 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        full += usize::from(line == "full");
        if full == 64 {
            child.kill().unwrap();
        }
        let Some(words) = line.strip_prefix("acked ") else {
            continue;
        };
        let words: Vec<&str> = words.split(' ').collect();
        let [leaf, id, action] = words.as_slice() else {
            continue;
        };
        acked.push((
            leaf.parse().unwrap(),
            (*id).to_owned(),
            (*action).to_owned(),
        ));
        if acked.len() == acknowledged {
            // Signal 9, while four researchers are in the middle of something. What it still said is read too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        acked.len() >= acknowledged || full >= 64,
        "the child ended by itself"
    );
    acked
}

/// A reference of a few lines, over the events as they are told: what is held, what was spent, in rho of the
/// people's account. Events are never changed, so each is read once, and all once more at the end.
#[derive(Default, Debug, PartialEq, Eq)]
struct Reckoning {
    open: BTreeMap<String, u64>,
    spent: u64,
    after: Option<u64>,
}

type Told = BTreeMap<u64, (String, &'static str)>;

impl Reckoning {
    /// Reads on to the end, and gives what was told since.
    async fn read_on(&mut self, store: &Store) -> Told {
        let mut told = Told::new();
        loop {
            let filter = EventFilter {
                after_leaf: self.after,
                ..EventFilter::default()
            };
            let page = store.events(filter).await.unwrap();
            let Some(last) = page.last() else { return told };
            self.after = Some(last.leaf);
            for event in page {
                self.take(&event.object, event.action, &event.facts);
                told.insert(event.leaf, (event.object, event.action.word()));
            }
        }
    }

    fn take(&mut self, object: &str, action: Action, facts: &BTreeMap<String, Fact>) {
        let price = match facts.get("nano_rho") {
            Some(Fact::Count(n)) => *n,
            _ => 0,
        };
        match action {
            Action::ReserveMeasurement | Action::ReserveMeasurementAgain => {
                let held = self.open.insert(object.to_owned(), price);
                assert!(held.is_none(), "held twice");
            }
            Action::ReleaseMeasurement | Action::HoldMeasurement | Action::ForfeitMeasurement => {
                assert_eq!(self.open.remove(object), Some(price));
                self.spent += price;
            }
            Action::WithdrawMeasurement | Action::ExpireMeasurement => {
                assert_eq!(self.open.remove(object), Some(price));
            }
            _ => {}
        }
    }

    fn held(&self) -> u64 {
        self.open.values().sum()
    }
}

/// Sum of the prices of what the states say is reserved or runs.
async fn open_by_state(store: &Store) -> u64 {
    let (mut sum, mut after) = (0, None::<String>);
    loop {
        let filter = Filter {
            states: &["reserved", "running"],
            after: after.as_deref(),
            ..Filter::default()
        };
        let page = store.list::<Measurement>(filter).await.unwrap();
        let Some(last) = page.last() else { return sum };
        after = Some(last.value.id().to_owned());
        sum += page
            .iter()
            .map(|held| held.value.core().price.nano_rho)
            .sum::<u64>();
    }
}

#[tokio::test]
async fn no_budget_is_lost_or_gained_whenever_the_process_is_killed() {
    let operations = if std::env::var_os("STRONGROOM_LONG").is_some() {
        10_000
    } else {
        240
    };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    Scene::open(&store).await;
    store.close().await;
    let (mut done, mut kills) = (0_usize, 0_usize);
    let (mut dice, mut cap) = (Dice(20_261_128), PEOPLE_CAP);
    let mut reckoned = Reckoning::default();
    while done < operations && kills < 2_000 {
        let acknowledged = 1 + dice.roll(24) as usize;
        let with = (dice.roll(u64::MAX), kills / KILLS_A_WINDOW);
        let acked = until_killed(dir.path(), with, acknowledged);
        (done, kills) = (done + acked.len(), kills + 1);
        let store = Store::open(dir.path()).await.unwrap();
        let check = store.check_accounts().await.unwrap();
        assert_eq!(
            check.faults,
            Vec::<Fault>::new(),
            "after {done} operations and {kills} kills"
        );
        let told = reckoned.read_on(&store).await;
        let (held, spent) = (reckoned.held(), reckoned.spent);
        for (leaf, id, action) in acked {
            let (object, word) = told.get(&leaf).expect("acknowledged and lost");
            assert_eq!((object.as_str(), *word), (id.as_str(), action.as_str()));
        }
        let people = store.balance(&the_people()).await.unwrap();
        assert_eq!((people.held.nano_rho, people.spent.nano_rho), (held, spent));
        assert_eq!(open_by_state(&store).await, held);
        assert!(held + spent <= loss(cap).nano_rho);
        // What a check finds whole has nothing to mend; that is tried now and then.
        if kills % 10 == 1 {
            assert_eq!(store.mend_accounts().await.unwrap(), 0);
        }
        // The controller gives a little more, so that the walk goes on and still meets its caps.
        cap = cap.max((held + spent) / 1_000 + 200);
        Scene::again(&store).await.0.set_caps(&store, cap).await;
        store.close().await;
    }
    assert!(kills > 5, "{kills} kills");
    let store = Store::open(dir.path()).await.unwrap();
    // The last caps that were set are not read yet.
    reckoned.read_on(&store).await;
    let mut whole = Reckoning::default();
    whole.read_on(&store).await;
    assert_eq!(store.mend_accounts().await.unwrap(), 0);
    assert!(whole == reckoned, "what was told once is told so for ever");
    eprintln!("{done} operations, {kills} kills");
}
