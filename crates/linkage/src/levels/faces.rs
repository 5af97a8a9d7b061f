//! What can be seen of a text at a glance: whether two may be alike at all. Most pairs of names that a blocking key
//! brings together are not, and need not be fetched and compared letter by letter.

use crate::coded::Coded;

/// Length, letters and beginning of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Face {
    /// A bit for each letter that occurs; others share bits.
    letters: u32,
    /// The first four bytes.
    start: u32,
    /// 0 for one too long to tell.
    len: u8,
    /// It is a form of some name.
    pub(crate) varies: bool,
}

/// Longer texts are always compared.
const LEN_MAX: usize = 64;

impl Face {
    pub(crate) fn of(text: &[u8]) -> Self {
        if text.len() > LEN_MAX {
            return Self::default();
        }
        let mut start = [0; 4];
        for (into, byte) in start.iter_mut().zip(text) {
            *into = *byte;
        }
        Self {
            letters: text.iter().fold(0, |all, byte| all | 1 << (byte & 31)),
            start: u32::from_le_bytes(start),
            len: text.len() as u8,
            varies: false,
        }
    }

    /// True only if the Jaro-Winkler similarity of two texts is under a threshold, neither begins with the other, and
    /// they are more than one edit apart; false where that cannot be seen, and for texts of less than two letters.
    ///
    /// A letter that the other text lacks matches nothing, which bounds the matches m of the similarity
    /// (m/|a| + m/|b| + (m - t)/m)/3; a common beginning raises it as it would.
    pub(crate) fn differs(self, other: Self, threshold: &Threshold) -> bool {
        if self.len < 2 || other.len < 2 {
            return false;
        }
        let lacking = (self.letters & !other.letters).count_ones();
        let lacked = (other.letters & !self.letters).count_ones();
        // Of the shorter one every letter may be in the longer one; of one edit apart each may have a letter of its own.
        let short = if self.len < other.len {
            lacking
        } else {
            lacked
        };
        let neighbours = lacking <= 1 && lacked <= 1 && self.len.abs_diff(other.len) <= 1;
        if short == 0 || neighbours {
            return false;
        }
        let (a, b) = (u32::from(self.len), u32::from(other.len));
        let matches = (a - lacking).min(b - lacked);
        let common = (self.start ^ other.start).trailing_zeros() / 8;
        let wanted = threshold.0.get(common as usize).copied().unwrap_or(0.0);
        f64::from(matches * (a + b)) < wanted * f64::from(a * b)
    }
}

/// What m/|a| + m/|b| must reach for a similarity, by the length of the common beginning.
pub(crate) struct Threshold([f64; 5]);

impl Threshold {
    /// For a similarity above 0.7 and under 1.
    pub(crate) const fn of(similarity: f64) -> Self {
        // Less than rounding could add.
        const SLACK: f64 = 1e-9;
        let mut wanted = [0.0; 5];
        let mut common = 0;
        while common < 5 {
            let boost = 0.1 * common as f64;
            let jaro = (similarity - boost) / (1.0 - boost);
            // At 0.7 and below nothing is boosted.
            let jaro = if jaro < 0.7 { 0.7 } else { jaro };
            #[allow(clippy::indexing_slicing, reason = "under the length of the table")]
            {
                wanted[common] = 3.0 * jaro - 1.0 - SLACK;
            }
            common += 1;
        }
        Self(wanted)
    }
}

/// Names from this similarity on are alike.
pub(super) const ALIKE: f64 = 0.82;
/// Streets and towns from this similarity on are nearly equal.
pub(super) const NEARLY: f64 = 0.9;
pub(super) const SIMILAR: Threshold = Threshold::of(ALIKE);
pub(super) const NEARLY_EQUAL: Threshold = Threshold::of(NEARLY);

/// True if it can be seen at a glance that two texts are not alike. Where nothing was looked at, false.
pub(super) fn differ(faces: &[Face], left: u32, right: u32, threshold: &Threshold) -> bool {
    match (faces.get(left as usize), faces.get(right as usize)) {
        (Some(left), Some(right)) => left.differs(*right, threshold),
        _ => false,
    }
}

/// True if it can be seen that two forenames are neither alike nor forms of one name.
pub(super) fn forenames_differ(coded: &Coded, left: u32, right: u32) -> bool {
    if !differ(&coded.name_faces, left, right, &SIMILAR) {
        return false;
    }
    let varies = |code: u32| {
        let face = coded.name_faces.get(code as usize);
        face.is_some_and(|face| face.varies)
    };
    let sets = |code: u32| coded.variants.get(code as usize).copied();
    if !varies(left) || !varies(right) {
        return true;
    }
    match (sets(left), sets(right)) {
        (Some(left), Some(right)) => !left.meet(right),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jaro_winkler::jaro_winkler;
    use crate::levels::one_edit;
    use proptest::prelude::*;

    const ONES: [f64; 4] = [0.82, 0.88, 0.9, 0.92];

    fn differ(left: &str, right: &str, similarity: f64) -> bool {
        let faces = (Face::of(left.as_bytes()), Face::of(right.as_bytes()));
        faces.0.differs(faces.1, &Threshold::of(similarity))
    }

    #[test]
    fn most_names_that_have_nothing_in_common_are_told_apart() {
        for (left, right) in [
            ("MARGARET", "JOHN"),
            ("SMITH", "MACDONALD"),
            ("IAN", "OLIVIA"),
        ] {
            assert!(differ(left, right, 0.82), "{left} {right}");
        }
    }

    proptest! {
        /// Never said of two that are alike in any of the ways that a level is given for.
        #[test]
        fn what_is_said_to_differ_does(
            left in "[A-F]{0,9}|[A-Z]{0,12}|[A-Z]{60,70}",
            right in "[A-F]{0,9}|[A-Z]{0,12}|[A-Z]{60,70}",
            edit in (0_usize..9, "[A-Z]?"),
            of_left in 0_u8..3,
        ) {
            // Often a text with an edit, or one with more after it.
            let right = match of_left {
                0 => {
                    let mut changed = left.clone();
                    let at = edit.0.min(left.len());
                    changed.replace_range(at..(at + 1).min(left.len()), &edit.1);
                    changed
                }
                1 => format!("{left}{right}"),
                _ => right,
            };
            let (a, b) = (left.as_bytes(), right.as_bytes());
            for similarity in ONES {
                if differ(&left, &right, similarity) {
                    prop_assert!(jaro_winkler(a, b) < similarity);
                    prop_assert!(!one_edit(a, b));
                    prop_assert!(!a.starts_with(b) && !b.starts_with(a));
                    prop_assert!(a.len().min(b.len()) > 1);
                }
            }
        }
    }
}
