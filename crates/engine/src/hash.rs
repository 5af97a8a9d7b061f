//! The engine's hash of a text, by which evidence lists people ([`crate::evidence::gather_listed`]). It is computed
//! here as well, so that whoever knows pseudonyms finds them without opening an engine.

const FIRST: u64 = 0xe17a_1465;
const LENGTH: u64 = 0xc6a4_a793_5bd1_e995;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// What the engine's `hash` gives for a text in UTF-8: 8 bytes at a time, little endian, the last ones padded with zeros
/// (`HashBytes` in DuckDB 1.5). Another version may do otherwise; a test compares the two.
#[must_use]
pub fn hash(text: &[u8]) -> u64 {
    let length = (text.len() as u64).wrapping_mul(LENGTH);
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let rest = (!rest.is_empty()).then_some(&last);
    let mixed = words.iter().chain(rest).fold(FIRST ^ length, |hash, word| {
        (hash ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR)
    });
    let spread = |hash: u64| (hash ^ (hash >> 32)).wrapping_mul(FACTOR);
    let mixed = spread(spread(mixed));
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::settings;
    use crate::connection::unlocked;

    #[test]
    fn it_is_the_engines_own() {
        let folder = tempfile::tempdir().unwrap();
        let engine = unlocked(&settings(folder.path())).unwrap();
        let pseudonyms = (0..3_000_u128).map(|n| {
            let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            format!("{spread:032x}")
        });
        let of_any_length =
            (0..200).map(|length| "abcdefghijklm".chars().cycle().take(length).collect());
        let odd = [
            "æøå",
            "日本語のテキスト",
            "\u{1f9ea}\u{1f9ea}\u{1f9ea}\u{1f9ea}",
            "a\0b",
            " ' \" \\ ",
        ];
        let texts: Vec<String> = pseudonyms
            .chain(of_any_length)
            .chain(odd.map(String::from))
            .collect();
        let mut told = engine.prepare("select hash(?)").unwrap();
        for text in &texts {
            let its: u64 = told.query_row([text], |row| row.get(0)).unwrap();
            assert_eq!(hash(text.as_bytes()), its, "{text:?}");
        }
    }
}
