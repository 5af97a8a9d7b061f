//! The clerical review of a link job: the pairs that people judge, and linking with what they settled.

use std::collections::BTreeSet;

use linkage::{Decided, Linked, Records, Settings, agreement};
use protocol::job::Said;
use protocol::linked::Reviewed;
use protocol::pairs::{self, Head, Pair};
use protocol::report::{Failure, FailureCode};

use super::{Rooms, bad_input, of_engine};
use crate::jobs::refusal;

/// What comes of a review of nothing.
pub(super) const NOTHING: Reviewed = Reviewed {
    pairs: 0,
    both: 0,
    alike: 0,
    kappa_milli: None,
    undecided: 0,
    joined: 0,
    parted: 0,
};

/// What there is to judge.
pub(super) enum Choice {
    /// Pairs, as they are sent.
    Pairs { bytes: Vec<u8>, pairs: u32 },
    /// Nothing: the records are linked already.
    Nothing { linked: Box<Linked> },
}

/// Chooses at most so many pairs, none of them with somebody who objected: their links are withheld anyhow.
pub(super) fn choose(
    [file, spine]: [&Records; 2],
    text: &str,
    settings: &Settings,
    most: u32,
    objected: &BTreeSet<u64>,
) -> Result<Choice, Failure> {
    let (linked, chosen) = linkage::link_for_review(file, spine, settings, most as usize, objected)
        .map_err(of_engine)?;
    if chosen.is_empty() {
        let linked = Box::new(linked);
        return Ok(Choice::Nothing { linked });
    }
    let roles: Vec<_> = file.columns.keys().chain(spine.columns.keys()).collect();
    let roles: BTreeSet<_> = roles.into_iter().collect();
    let value = |records: &Records, role, row| -> Option<String> {
        let column = records.columns.get(role)?;
        column.get(row).map(str::to_owned)
    };
    let broken = || bad_input("the engine chose a pair that is not there");
    let mut shown = Vec::with_capacity(chosen.len());
    for pair in chosen {
        shown.push(Pair {
            record: *file.ids.get(pair.left).ok_or_else(broken)?,
            spine: *spine.ids.get(pair.spine).ok_or_else(broken)?,
            values: roles
                .iter()
                .map(|role| [value(file, role, pair.left), value(spine, role, pair.spine)])
                .collect(),
        });
    }
    let head = Head {
        settings: text.to_owned(),
        fields: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        pairs: u32::try_from(shown.len()).map_err(|_| broken())?,
    };
    let bytes = pairs::write(&head, &shown).map_err(|_| {
        let most = pairs::BYTES_MAX;
        let message = format!("the pairs to review are more than {most} bytes: order fewer");
        refusal(FailureCode::Limit, message)
    })?;
    Ok(Choice::Pairs {
        bytes,
        pairs: head.pairs,
    })
}

/// Links with what people settled, under the settings that the pairs were chosen with.
pub(super) fn settled(
    rooms: &Rooms,
    [file, spine]: [&Records; 2],
    said: &[Said],
) -> Result<(Linked, Reviewed), Failure> {
    let unread = || bad_input("the pairs of the review are not what a link job chose");
    let bytes = std::fs::read(rooms.input(pairs::NAME)?).map_err(|_| unread())?;
    let (head, shown) = pairs::read(&bytes).map_err(|_| unread())?;
    if shown.len() != said.len() {
        return Err(bad_input(
            "there are not as many answers as there are pairs",
        ));
    }
    let settings: Settings = serde_json::from_str(&head.settings).map_err(|_| unread())?;
    let decided: Vec<Decided> = shown
        .iter()
        .zip(said)
        .filter_map(|(pair, said)| {
            Some(Decided {
                left: pair.record,
                spine: pair.spine,
                same: said.decided?,
            })
        })
        .collect();
    let (linked, moves) =
        linkage::link_decided(file, spine, &settings, &decided).map_err(of_engine)?;
    let two = said.iter().filter_map(|said| said.first.zip(said.second));
    let agreement = agreement(two);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let reviewed = Reviewed {
        pairs: count(shown.len()),
        both: small(agreement.both),
        alike: small(agreement.alike),
        kappa_milli: agreement.kappa.map(milli),
        undecided: count(shown.len() - decided.len()).saturating_add(moves.contradicting),
        joined: moves.joined,
        parted: moves.parted,
    };
    Ok((linked, reviewed))
}

/// In thousandths: a kappa is from -1 to 1.
fn milli(kappa: f64) -> i32 {
    (kappa.clamp(-1.0, 1.0) * 1000.0).round() as i32
}
