//! The engine's own blocking rules, in families from loose to narrow.

use crate::coded::Coded;
use crate::column::Role;
use crate::keys::Part::{
    self, Address, Birth, BirthDay, BirthYear, Chi, District, Extra, Forename, ForenameInitial,
    ForenameRoot, Names, Postcode, Sector, Street, Surname, SurnameInitial, SurnameSound, Town,
};

/// Pairs that any family may make, however small the files.
pub(super) const SMALL: u64 = 80_000;

/// Ways to find the same matches, loosest first.
pub(super) struct Family {
    /// Pairs allowed for each record of both files.
    pub(super) share: f64,
    pub(super) variants: Vec<Vec<Vec<Part>>>,
}

impl Family {
    fn new(share: f64, variants: &[&[&[Part]]]) -> Self {
        Self {
            share,
            variants: variants
                .iter()
                .map(|rules| rules.iter().map(|rule| rule.to_vec()).collect())
                .collect(),
        }
    }
}

/// The families that the columns of a linkage allow: numbers first, then names, dates and homes, then what is left.
pub(super) fn families(coded: &Coded) -> Vec<Family> {
    let mut families = numbers(coded);
    families.extend(names_and_dates());
    families.extend(homes());
    families.extend(mixed());
    families
}

/// Numbers and other columns, each equal by itself.
fn numbers(coded: &Coded) -> Vec<Family> {
    let mut families = vec![Family::new(1.0, &[&[&[Chi]]])];
    for (extra, spec) in coded.extras.iter().enumerate() {
        let one = Extra(extra);
        families.push(match spec.role {
            Role::NhsNumber | Role::Telephone | Role::Email => {
                Family::new(0.5, &[&[&[one]], &[&[one, ForenameInitial]]])
            }
            _ => Family::new(
                0.3,
                &[&[&[one]], &[&[one, ForenameInitial, SurnameInitial]]],
            ),
        });
    }
    families
}

/// Surname, then birth date.
fn names_and_dates() -> [Family; 2] {
    [
        Family::new(
            1.2,
            &[
                &[&[Surname]],
                &[&[Surname, ForenameInitial]],
                &[&[Surname, ForenameRoot]],
                &[
                    &[Surname, ForenameRoot, BirthYear],
                    &[Surname, ForenameRoot, BirthDay],
                    &[Surname, ForenameRoot, District],
                ],
                &[
                    &[Surname, ForenameRoot, BirthYear],
                    &[Surname, ForenameRoot, District],
                ],
                &[&[Surname, ForenameRoot, BirthYear]],
                &[&[Surname, ForenameRoot, BirthDay]],
                &[&[Surname, ForenameRoot, Birth]],
            ],
        ),
        Family::new(
            2.5,
            &[
                &[&[Birth]],
                &[
                    &[Birth, ForenameInitial],
                    &[Birth, SurnameInitial],
                    &[Birth, District],
                ],
                &[
                    &[Birth, ForenameRoot],
                    &[Birth, SurnameSound],
                    &[Birth, District],
                ],
                &[
                    &[Birth, ForenameRoot, SurnameInitial],
                    &[Birth, SurnameSound, ForenameInitial],
                    &[Birth, Sector],
                ],
                &[&[Birth, ForenameRoot, SurnameInitial]],
            ],
        ),
    ]
}

/// Postcode, then address line. The narrowest keep to any budget: were they left out, only a birth date would
/// bring a record to its own, and those without one would stay alone.
fn homes() -> [Family; 2] {
    [
        Family::new(
            1.0,
            &[
                &[&[Postcode]],
                &[
                    &[Postcode, BirthYear],
                    &[Postcode, ForenameInitial],
                    &[Postcode, Surname],
                ],
                &[
                    &[Postcode, ForenameRoot],
                    &[Postcode, Surname, ForenameInitial],
                ],
                &[&[Postcode, Surname, ForenameInitial]],
            ],
        ),
        Family::new(
            0.6,
            &[
                &[&[Address]],
                &[&[Address, ForenameInitial], &[Address, BirthYear]],
                &[&[Address, Town, ForenameInitial]],
                &[&[Address, ForenameRoot, SurnameInitial]],
            ],
        ),
    ]
}

/// Names in either order, forename, and parts of several fields for records with errors in most.
fn mixed() -> [Family; 5] {
    [
        Family::new(0.6, &[&[&[Names]], &[&[Names, BirthYear]]]),
        Family::new(
            1.0,
            &[
                &[&[ForenameRoot]],
                &[&[ForenameRoot, SurnameInitial]],
                &[
                    &[ForenameRoot, SurnameSound, BirthYear],
                    &[ForenameRoot, SurnameSound, BirthDay],
                    &[ForenameRoot, SurnameSound, District],
                ],
                &[&[ForenameRoot, SurnameSound, BirthYear]],
            ],
        ),
        Family::new(
            0.6,
            &[
                &[
                    &[Forename, BirthYear],
                    &[Forename, BirthDay],
                    &[SurnameSound, BirthYear],
                    &[SurnameSound, BirthDay],
                ],
                &[
                    &[ForenameRoot, BirthDay, SurnameInitial],
                    &[SurnameSound, BirthDay, ForenameInitial],
                ],
                &[&[ForenameRoot, BirthDay, District]],
            ],
        ),
        Family::new(0.4, &[&[&[Street, BirthYear]], &[&[Street, Surname]]]),
        Family::new(
            0.4,
            &[
                &[&[Town, ForenameInitial, BirthYear]],
                &[&[Town, ForenameRoot, SurnameSound]],
            ],
        ),
    ]
}
