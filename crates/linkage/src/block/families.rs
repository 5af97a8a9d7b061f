//! The engine's own blocking rules, in families from loose to narrow.

use crate::coded::Coded;
use crate::keys::Part;

/// Pairs that any family may make, however small the files.
pub(super) const SMALL: u64 = 80_000;

/// Ways to find the same matches, loosest first.
pub(super) struct Family {
    /// Pairs allowed for each record of both files.
    pub(super) share: f64,
    pub(super) variants: Vec<Vec<Vec<Part>>>,
}

/// The families that the columns of a linkage allow.
pub(super) fn families(coded: &Coded) -> Vec<Family> {
    use Part::{
        Address, Birth, BirthDay, BirthYear, Chi, District, Extra, Forename, ForenameInitial,
        ForenameRoot, Names, Postcode, Sector, Street, Surname, SurnameInitial, SurnameSound, Town,
    };
    let family = |share: f64, variants: &[&[&[Part]]]| Family {
        share,
        variants: variants
            .iter()
            .map(|rules| rules.iter().map(|rule| rule.to_vec()).collect())
            .collect(),
    };
    let mut families = vec![family(1.0, &[&[&[Chi]]])];
    for (extra, spec) in coded.extras.iter().enumerate() {
        let one = Extra(extra);
        families.push(match spec.role {
            crate::Role::NhsNumber | crate::Role::Telephone | crate::Role::Email => {
                family(0.5, &[&[&[one]], &[&[one, ForenameInitial]]])
            }
            _ => family(
                0.3,
                &[&[&[one]], &[&[one, ForenameInitial, SurnameInitial]]],
            ),
        });
    }
    families.extend([
        family(
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
                &[&[Surname, ForenameRoot, BirthYear]],
            ],
        ),
        family(
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
            ],
        ),
        family(
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
            ],
        ),
        family(
            0.6,
            &[
                &[&[Address]],
                &[&[Address, ForenameInitial], &[Address, BirthYear]],
                &[&[Address, Town, ForenameInitial]],
            ],
        ),
        family(0.6, &[&[&[Names]], &[&[Names, BirthYear]]]),
        family(
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
        family(
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
        family(0.4, &[&[&[Street, BirthYear]], &[&[Street, Surname]]]),
        family(
            0.4,
            &[
                &[&[Town, ForenameInitial, BirthYear]],
                &[&[Town, ForenameRoot, SurnameSound]],
            ],
        ),
    ]);
    families
}
