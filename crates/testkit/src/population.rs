//! Synthetic people with truth, at the size of a nation: a register, a delivery and who is who.
//!
//! Names follow the time of birth, households share name and home, twins the birth date too, a son may be
//! called after his father, strangers share a name, households move, and clerks write what they hear. Names
//! are real, their weights and everything else invented; nobody here exists. The linkage engine shares no
//! table with this module. The same plan gives the same bytes.
//!
//! About forty bytes a person are held while writing, so that ten million people take half a gigabyte.

mod clerk;
mod household;
mod name;
mod number;
mod place;
mod profile;
mod tables;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::people::Sex;
pub use profile::{Profile, Rates};

use name::{Forename, Names, Surname};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// People of the register. The delivery has 2 % more records.
    pub people: usize,
    /// The same seed gives the same files.
    pub seed: u64,
    /// How the delivery's clerks write.
    pub rates: Rates,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// Records of the register, each of another person.
    pub register: usize,
    /// Records of the delivery.
    pub delivery: usize,
    /// Pairs of a register record and a delivery record of one person.
    pub pairs: usize,
}

/// Where the files go.
#[derive(Debug)]
pub struct Sheets<W> {
    /// CSV with [`HEADER`].
    pub register: W,
    /// CSV with [`HEADER`].
    pub delivery: W,
    /// CSV of source (`register` or `delivery`), id and person.
    pub truth: W,
}

/// Columns of both files.
pub const HEADER: &str = "id,chi,forename,surname,date_of_birth,sex,postcode,address_1\n";
/// Columns of the truth.
pub const TRUTH_HEADER: &str = "source,id,person\n";

/// People outside the register, for each 10 within.
const OUTSIDE_PER_TEN: usize = 1;
/// Records of the delivery for each 100 of the register.
const DELIVERY_PER_HUNDRED: usize = 102;
/// Of 100 people, those who are in the delivery at least once; its other records are their second or later.
const KNOWN_PER_HUNDRED: usize = 84;

/// One person.
#[derive(Debug, Clone, Copy)]
struct Person {
    forename: Forename,
    surname: Surname,
    /// Surname before marriage, or the same.
    born_as: Surname,
    /// Days since 1970.
    born: i32,
    sex: Sex,
    /// The last four digits of the CHI number; over 9999 means none.
    serial: u16,
    home: u32,
    /// Home before the last move, or the same.
    old_home: u32,
}

/// Writes the three files.
///
/// # Errors
/// If one of them cannot be written.
pub fn write<W: Write>(plan: &Plan, sheets: &mut Sheets<W>) -> io::Result<Made> {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let names = Names::new();
    let total = plan.people + plan.people.div_ceil(10) * OUTSIDE_PER_TEN;
    let people = household::populate(total, &names, &mut rng);
    let mut order: Vec<u32> = (0..people.len() as u32).collect();
    shuffle(&mut order, &mut rng);
    sheets.truth.write_all(TRUTH_HEADER.as_bytes())?;

    let mut row = Vec::with_capacity(256);
    let mut line = Vec::with_capacity(64);
    let mut write_one = |sheet: &mut W, truth: &mut W, source, at, who: u32, row: &Vec<u8>| {
        let prefix = if source == "register" { 'R' } else { 'D' };
        line.clear();
        write!(line, "{prefix}{at:09}")?;
        sheet.write_all(&line)?;
        sheet.write_all(row)?;
        writeln!(truth, "{source},{prefix}{at:09},P{:09}", who + 1)
    };

    let mut clerk = clerk::Clerk::new(&names, plan.seed);
    let in_register = order.get(..plan.people).unwrap_or(&order).to_vec();
    sheets.register.write_all(HEADER.as_bytes())?;
    for (at, who) in in_register.iter().enumerate() {
        if let Some(person) = people.get(*who as usize) {
            clerk.register(person, &mut row);
            write_one(
                &mut sheets.register,
                &mut sheets.truth,
                "register",
                at + 1,
                *who,
                &row,
            )?;
        }
    }
    let seen = delivered(&mut order, plan.people, &mut rng);
    sheets.delivery.write_all(HEADER.as_bytes())?;
    for (at, who) in seen.iter().enumerate() {
        if let Some(person) = people.get(*who as usize) {
            clerk.delivery(person, &plan.rates, &mut row);
            write_one(
                &mut sheets.delivery,
                &mut sheets.truth,
                "delivery",
                at + 1,
                *who,
                &row,
            )?;
        }
    }
    for sheet in [
        &mut sheets.register,
        &mut sheets.delivery,
        &mut sheets.truth,
    ] {
        sheet.flush()?;
    }
    Ok(Made {
        register: in_register.len(),
        delivery: seen.len(),
        pairs: pairs(&in_register, &seen, people.len()),
    })
}

/// Whose records the delivery holds, in its order: most people once, some more often.
fn delivered(order: &mut [u32], register: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let records = register * DELIVERY_PER_HUNDRED / 100;
    shuffle(order, rng);
    let once = (order.len() * KNOWN_PER_HUNDRED / 100).min(records);
    let known = order.get(..once).unwrap_or(order);
    let mut seen = known.to_vec();
    while seen.len() < records && !known.is_empty() {
        let again = rng.random_range(0..known.len());
        seen.extend(known.get(again));
    }
    shuffle(&mut seen, rng);
    seen
}

fn pairs(register: &[u32], delivery: &[u32], people: usize) -> usize {
    let mut registered = vec![false; people];
    for who in register {
        if let Some(mark) = registered.get_mut(*who as usize) {
            *mark = true;
        }
    }
    let is_registered = |who: &&u32| registered.get(**who as usize) == Some(&true);
    delivery.iter().filter(is_registered).count()
}

/// Fisher and Yates.
fn shuffle<T>(list: &mut [T], rng: &mut ChaCha8Rng) {
    for place in (1..list.len()).rev() {
        list.swap(place, rng.random_range(0..=place));
    }
}
