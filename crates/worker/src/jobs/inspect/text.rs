//! Identifiers of people in text.

use std::collections::BTreeMap;

use disclosure::inspect::{Hits, Identifier};
use linkage::{is_valid_chi, is_valid_nhs_number};

/// The shapes that are looked for, counted.
#[derive(Default)]
pub(super) struct Found(BTreeMap<Identifier, (u64, u64)>);

impl Found {
    fn add(&mut self, what: Identifier, is_one: bool) {
        let (times, of) = self.0.entry(what).or_default();
        *times += u64::from(is_one);
        *of += 1;
    }

    pub(super) fn hits(self) -> Vec<Hits> {
        let hits = self.0.into_iter();
        hits.filter(|(_, (times, _))| *times > 0)
            .map(|(what, (times, of))| Hits { what, times, of })
            .collect()
    }

    /// Looks through a text, word by word.
    pub(super) fn text(&mut self, text: &str) {
        let is_part =
            |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '%' | '+' | '-');
        let words: Vec<&str> = text
            .split(|c: char| !is_part(c))
            .map(|word| word.trim_matches(['.', '-', '%', '_']))
            .filter(|word| !word.is_empty())
            .collect();
        let mut at = 0;
        while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
            // Numbers and postcodes are often written in parts: the longest that is one counts.
            let mut parts = (1..=4).rev().filter_map(|parts| rest.get(..parts));
            let taken = parts.find(|parts| self.value(&parts.join(" ")));
            at += taken.map_or(1, <[&str]>::len);
        }
    }

    /// Looks at one whole value; whether it can be an identifier.
    pub(super) fn value(&mut self, value: &str) -> bool {
        let value = value.trim();
        if value.len() > 254 {
            return false;
        }
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let is_number = value
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-'));
        if is_number && digits == 10 {
            let is_health = is_valid_nhs_number(value) || is_valid_chi(value);
            self.add(Identifier::HealthNumber, is_health);
            if is_health {
                return true;
            }
        }
        let what = if is_email(value) {
            Identifier::Email
        } else if is_postcode(value) {
            Identifier::Postcode
        } else if is_telephone(value, digits) {
            Identifier::Telephone
        } else if (24..=128).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit())
        {
            Identifier::Pseudonym
        } else {
            return is_number && digits == 10;
        };
        self.add(what, true);
        true
    }
}

fn is_email(value: &str) -> bool {
    let Some((name, domain)) = value.split_once('@') else {
        return false;
    };
    let end = domain.rsplit_once('.').map_or("", |(_, end)| end);
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(&b))
    };
    is_plain(name)
        && is_plain(domain)
        && end.len() >= 2
        && end.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Outward part (area, district), inward part (a digit, two letters).
fn is_postcode(value: &str) -> bool {
    let Some((outward, inward)) = value
        .len()
        .checked_sub(3)
        .and_then(|at| value.split_at_checked(at))
    else {
        return false;
    };
    let [digit, a, b] = inward.as_bytes() else {
        return false;
    };
    let outward = outward.trim_end().as_bytes();
    let letters = outward
        .iter()
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let district = outward.get(letters..).unwrap_or_default();
    digit.is_ascii_digit()
        && a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic()
        && (1..=2).contains(&letters)
        && match district {
            [one] => one.is_ascii_digit(),
            [one, two] => one.is_ascii_digit() && two.is_ascii_alphanumeric(),
            _ => false,
        }
}

/// `0` or `+44` and nine or ten digits more, in parts or not.
fn is_telephone(value: &str, digits: usize) -> bool {
    let is_plain = value
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'+'));
    let national = value.starts_with('0') && !value.starts_with("00") && matches!(digits, 10 | 11);
    let abroad = value.starts_with("+44") && matches!(digits, 11 | 12);
    is_plain && (national || abroad)
}

/// What can be read of bytes that are no text: runs of at least six printable characters.
pub(super) fn printable(bytes: &[u8]) -> String {
    let is_shown = |b: &u8| (0x20..0x7f).contains(b);
    let runs = bytes.split(|b| !is_shown(b)).filter(|run| run.len() >= 6);
    let mut text = String::new();
    for run in runs {
        text.extend(run.iter().map(|b| char::from(*b)));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Identifier, u64)> {
        let mut found = Found::default();
        found.text(text);
        found
            .hits()
            .into_iter()
            .map(|h| (h.what, h.times))
            .collect()
    }

    #[test]
    fn each_shape_is_found_and_its_neighbour_is_not() {
        use Identifier::{Email, HealthNumber, Postcode, Pseudonym, Telephone};
        for (text, what) in [
            // The NHS Data Dictionary's example number.
            ("seen 943 476 5919 today", HealthNumber),
            ("9434765919", HealthNumber),
            ("write to ann.smith@nhs.scot, please", Email),
            ("lives at EH1 3EG.", Postcode),
            ("SW1A 1AA", Postcode),
            ("call 0131 496 0000", Telephone),
            ("+44 131 496 0000", Telephone),
            ("id 3f4962cdd266eab2b479a5b5", Pseudonym),
        ] {
            assert_eq!(found(text), [(what, 1)], "{text}");
        }
        for text in [
            "9434765918",
            "mean 12.5, n 340",
            "2026-05-03 to 2027-01-01",
            "ann@home",
            "EH1",
            "deadbeef",
            "table 3 of 12",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn printable_runs_of_bytes_are_read() {
        assert_eq!(
            printable(b"\x80\x04ann@nhs.scot\x00\x01ab\xff"),
            "ann@nhs.scot\n"
        );
    }
}
