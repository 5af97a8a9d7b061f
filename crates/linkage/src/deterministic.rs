//! The first step: a valid CHI number that both files use once, verified by other fields.

#![allow(clippy::indexing_slicing, reason = "rows come from the files compared")]

use crate::blocking::{keyed, merge};
use crate::chi;
use crate::compare::{Comparer, Comparison, Pattern, birth, forename, surname};
use crate::prepared::{Prepared, Side};

/// A pair joined by a verified number.
pub(crate) struct Verified {
    pub(crate) left: u32,
    pub(crate) spine: u32,
    pub(crate) pattern: Pattern,
}

/// Pairs with one valid CHI, unique in both files, where two of birth date, sex and a name agree as well,
/// by left row.
pub(crate) fn chi_verified(prepared: &Prepared, comparer: &mut Comparer<'_>) -> Vec<Verified> {
    let (left, spine) = (&prepared.left, &prepared.spine);
    let mut found = Vec::new();
    merge(&valid_numbers(left), &valid_numbers(spine), |l, r| {
        if let ([(_, l)], [(_, r)]) = (l, r) {
            let pattern = comparer.pattern(left, *l as usize, spine, *r as usize);
            if verifies(pattern) {
                found.push(Verified {
                    left: *l,
                    spine: *r,
                    pattern,
                });
            }
        }
    });
    found.sort_unstable_by_key(|pair| (pair.left, pair.spine));
    found
}

fn valid_numbers(side: &Side) -> Vec<(u64, u32)> {
    let rows: Vec<u32> = (0..side.rows as u32).collect();
    keyed(&rows, |row| {
        let number = side.chi[row];
        chi::is_valid_chi_number(number).then_some(number)
    })
}

/// A newborn is often entered under its mother's number, with her surname and perhaps her sex: birth
/// dates with nothing in common therefore never verify.
fn verifies(pattern: Pattern) -> bool {
    let born = pattern.level(Comparison::DateOfBirth);
    if born == Some(birth::DIFFERS) {
        return false;
    }
    let forename = pattern
        .level(Comparison::Forename)
        .is_some_and(|level| level >= forename::JW_88);
    let surname = pattern
        .level(Comparison::Surname)
        .is_some_and(|level| level >= surname::JW_88);
    let agreeing = u8::from(born == Some(birth::EXACT))
        + u8::from(pattern.level(Comparison::Sex) == Some(1))
        + u8::from(forename || surname);
    agreeing >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(levels: &[(Comparison, u8)], expected: bool) {
        let pattern = levels
            .iter()
            .fold(Pattern::default(), |pattern, (comparison, level)| {
                pattern.with(*comparison, Some(*level))
            });
        assert_eq!(verifies(pattern), expected, "{levels:?}");
    }

    #[test]
    fn two_of_three_verify() {
        use Comparison::{DateOfBirth, Forename, Sex, Surname};
        check(&[(DateOfBirth, birth::EXACT), (Sex, 1)], true);
        check(
            &[(DateOfBirth, birth::EXACT), (Surname, surname::JW_88)],
            true,
        );
        check(
            &[
                (DateOfBirth, birth::ONE_EDIT),
                (Sex, 1),
                (Forename, forename::VARIANT),
            ],
            true,
        );
        check(&[(DateOfBirth, birth::ONE_EDIT), (Sex, 1)], false);
        check(&[(DateOfBirth, birth::EXACT)], false);
        check(
            &[(Forename, forename::EXACT), (Surname, surname::EXACT)],
            false,
        );
        check(&[(Forename, forename::EXCHANGED), (Sex, 1)], true);
        check(&[], false);
    }

    #[test]
    fn a_newborn_under_the_mothers_number_is_not_verified() {
        use Comparison::{DateOfBirth, Sex, Surname};
        check(
            &[
                (DateOfBirth, birth::DIFFERS),
                (Sex, 1),
                (Surname, surname::EXACT),
            ],
            false,
        );
    }
}
