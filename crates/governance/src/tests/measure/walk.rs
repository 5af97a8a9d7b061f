//! Random researchers asking random questions: the accounts against a table of a few lines, and the log against
//! both.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::samples::*;
use super::permit;
use crate::measure::{
    Account, Balance, Budget, Family, Fault, Level, Loss, Lost, Measurement, Posting, Replay, Step,
};
use crate::{Action, Change, Event};

/// A table of accounts of a few lines, as the store's is: what a posting does and when it is refused.
#[derive(Default, Clone)]
struct Table(BTreeMap<Account, Balance>);

impl Table {
    fn post(&mut self, postings: &[Posting]) -> Option<()> {
        let mut next = self.0.clone();
        for posting in postings {
            let entry = next.entry(posting.account().clone()).or_default();
            match posting.step() {
                Step::Hold { cap, .. } => {
                    entry.held = entry.held.plus(posting.loss())?;
                    if !entry.used()?.within(cap) {
                        return None;
                    }
                }
                Step::Spend => {
                    entry.held = entry.held.minus(posting.loss())?;
                    entry.spent = entry.spent.plus(posting.loss())?;
                }
                Step::Free => entry.held = entry.held.minus(posting.loss())?,
            }
        }
        self.0 = next;
        Some(())
    }
}

const QUESTIONS: [char; 6] = ['1', '2', '3', '4', '5', '6'];

/// Which question, which act, by whom, how dear.
type Move = (usize, u8, u8, u64);

fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec((0..QUESTIONS.len(), 0_u8..8, 0_u8..2, 1_u64..40), 1..80)
}

fn act(
    held: Option<&Measurement>,
    family: &Family,
    (question_, act, by, price): Move,
) -> Option<Change<Measurement>> {
    let name = [AUTHOR, MEMBER][usize::from(by)];
    let permit = permit(name);
    let (open, sealed) = (open(), sealed());
    let place = place(&permit, &open, &sealed);
    let mut ask = question(QUESTIONS[question_]);
    // Every third question finds its groups in the data, which costs delta too.
    ask.price = match price % 3 {
        0 => loss(price * 500_000),
        _ => Loss::of_rho(price * 500_000),
    };
    let families = std::slice::from_ref(family);
    let (by, at, job, none) = (who(name), now(), id("job_9"), [].into());
    let checker = who("checker-1");
    let change = match (held.cloned(), act) {
        (None, 0..=2) => Measurement::reserve(&ask, place, families, &by, at),
        (Some(m), 0..=2) => m.reserve_again(&ask, place, families, &by, at),
        (Some(m), 3..=4) => m.run(job, &permit, &sealed, &by, at),
        (Some(m), 5) if m.core().finds_labels() => m.hold(&job, hash('9'), &none, at),
        (Some(m), 5) => m.release(&job, hash('9'), &none, at),
        (Some(m @ Measurement::UnderReview { .. }), 6) if price % 2 == 0 => {
            m.withhold_labels(&in_force(), hash('8'), &checker, at)
        }
        (Some(m @ Measurement::UnderReview { .. }), 6) => {
            m.release_labels(&in_force(), &hash('9'), &none, &checker, at)
        }
        (Some(m), 6) => m.forfeit(Lost::Failed, at),
        (Some(m), _) if price % 2 == 0 => m.withdraw(&by, at),
        (Some(m), _) => m.expire(after_the_end()),
        (None, _) => return None,
    };
    change.ok()
}

/// Plays moves against the table of a few lines; gives the leaves, and what was ever charged by hand.
fn play(moves: &[Move]) -> (Vec<Event>, Table, u64) {
    let opened = Budget::open(&dataset("a"), caps(), &who("controller-a"), now()).unwrap();
    let family = family();
    let mut leaves = vec![opened.event().clone()];
    let mut questions: BTreeMap<usize, Measurement> = BTreeMap::new();
    let (mut table, mut charged) = (Table::default(), 0);
    for step in moves {
        let held = questions.get(&step.0);
        let Some(change) = act(held, &family, *step) else {
            continue;
        };
        if table.post(change.postings()).is_none() {
            continue;
        }
        if let (Some(Measurement::Running { core, .. }), false) =
            (held, matches!(change.to(), Measurement::Running { .. }))
        {
            // Whatever becomes of one that ran, its price is gone.
            charged += core.price.nano_rho;
        }
        leaves.push(change.event().clone());
        questions.insert(step.0, change.to().clone());
    }
    (leaves, table, charged)
}

fn replay(leaves: &[Event]) -> Replay {
    let mut replay = Replay::default();
    for (leaf, event) in (0..).zip(leaves) {
        replay.read(leaf, event.action(), event.object(), event.facts());
    }
    replay
}

fn runner() -> TestRunner {
    let cases = if std::env::var_os("STRONGROOM_LONG").is_some() {
        20_000
    } else {
        300
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn from_the_leaves_alone_the_accounts_come_out_as_they_were_kept() {
    let walk = |moves: Vec<Move>| {
        let (leaves, table, charged) = play(&moves);
        let replay = replay(&leaves);
        prop_assert_eq!(replay.against(&table.0), Vec::<Fault>::new());
        prop_assert_eq!(replay.balances(), &table.0);
        let people = Account::People {
            budget: id("bud_a"),
        };
        let kept = table.0.get(&people).copied().unwrap_or_default();
        prop_assert_eq!(kept.spent.nano_rho, charged);
        for (account, balance) in &table.0 {
            prop_assert!(balance.used().unwrap().within(caps().of(account)));
        }
        // What two researchers spend, the people's account has in full.
        let by_person: u64 = table
            .0
            .iter()
            .filter(|(a, _)| a.level() == Level::Researcher)
            .map(|(_, b)| b.spent.nano_rho)
            .sum();
        prop_assert_eq!(by_person, charged);
        Ok(())
    };
    runner().run(&moves(), walk).unwrap();
}

/// A checker that cannot fail checks nothing: each kind of damage to the leaves or the table is told.
#[test]
fn every_damage_to_leaves_or_table_is_found() {
    let walk = |(moves, at, kind): (Vec<Move>, prop::sample::Index, u8)| {
        let (mut leaves, mut table, _) = play(&moves);
        let booking = |e: &Event| {
            !matches!(
                e.action(),
                Action::RunMeasurement
                    | Action::OpenBudget
                    | Action::ReleaseLabels
                    | Action::WithholdLabels
            )
        };
        let booked: Vec<usize> = (0..leaves.len()).filter(|n| booking(&leaves[*n])).collect();
        if booked.is_empty() {
            return Ok(());
        }
        let n = booked[at.index(booked.len())];
        match kind {
            0 => drop(leaves.remove(n)),
            1 => leaves.insert(n, leaves[n].clone()),
            2 => {
                let json = serde_json::to_string(&leaves[n]).unwrap();
                let json = json.replacen("\"nano_rho\":", "\"nano_rho\":1", 1);
                leaves[n] = serde_json::from_str(&json).unwrap();
            }
            3 => drop(leaves.remove(0)),
            _ => {
                let account = table.0.keys().nth(at.index(table.0.len())).unwrap().clone();
                table.0.get_mut(&account).unwrap().spent.nano_rho += 1;
            }
        }
        prop_assert_ne!(replay(&leaves).against(&table.0), Vec::<Fault>::new());
        Ok(())
    };
    runner()
        .run(&(moves(), any::<prop::sample::Index>(), 0_u8..5), walk)
        .unwrap();
}

/// Many small questions come to the cap and not past it, exactly.
#[test]
fn many_small_questions_come_to_the_cap_and_no_further() {
    let family = family();
    let mut table = Table::default();
    let mut taken = 0;
    for n in 0..400_u32 {
        let mut ask = question('5');
        ask.request = id(&format!("{n:064x}"));
        ask.price = loss(100_000);
        let (open, sealed, permit) = (open(), sealed(), permit(AUTHOR));
        let place = place(&permit, &open, &sealed);
        let change = Measurement::reserve(
            &ask,
            place,
            std::slice::from_ref(&family),
            &who(AUTHOR),
            now(),
        )
        .unwrap();
        taken += u32::from(table.post(change.postings()).is_some());
    }
    // The researcher's cap of 0.02 holds two hundred questions of 0.0001.
    assert_eq!(taken, 200);
}
