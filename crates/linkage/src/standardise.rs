//! One spelling for each value: case, accents, punctuation, dates, codes; and stand-ins for "not known".

/// What a raw value turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standard<T> {
    /// A usable value.
    Value(T),
    /// Nothing was recorded.
    Missing,
    /// A stand-in such as BABY, 1900-01-01 or ZZ99: treated as missing and counted.
    Default,
    /// Not a value of its kind: treated as missing and counted.
    Invalid,
}

/// Names that mean that no name was known.
const NAME_DEFAULTS: &[&str] = &[
    "BABY",
    "BABYBOY",
    "BABYGIRL",
    "BABYOF",
    "TWIN",
    "TWINONE",
    "TWINTWO",
    "INFANT",
    "NEWBORN",
    "UNKNOWN",
    "NOTKNOWN",
    "NOTSTATED",
    "NOTGIVEN",
    "NOTRECORDED",
    "UNNAMED",
    "NONAME",
    "NONE",
    "NIL",
    "NK",
    "NA",
    "TEST",
    "TESTPATIENT",
    "PATIENT",
    "ANON",
    "ANONYMOUS",
    "MALE",
    "FEMALE",
];

/// Whether a name is no name but what systems and people write in its place: a word of these, or two and more of X
/// or Z.
fn is_stand_in(name: &str) -> bool {
    let filled = |letter: char| name.len() > 1 && name.chars().all(|one| one == letter);
    NAME_DEFAULTS.contains(&name) || filled('X') || filled('Z')
}

/// Words before a name that are no part of it.
const TITLES: &[&str] = &[
    "MR", "MRS", "MISS", "MS", "MASTER", "DR", "PROF", "REV", "SIR", "DAME",
];

/// Dates that systems write when the birth date is not known, packed.
pub(crate) const DATE_DEFAULTS: &[u32] = &[
    17530101, 18000101, 18991230, 18991231, 19000101, 19010101, 99991231,
];

/// The short form of a word of a street that has one.
const fn short_street_word(word: &[u8]) -> Option<&'static [u8]> {
    Some(match word {
        b"STREET" => b"ST",
        b"ROAD" => b"RD",
        b"AVENUE" | b"AV" => b"AVE",
        b"DRIVE" => b"DR",
        b"CRESCENT" => b"CRES",
        b"PLACE" => b"PL",
        b"COURT" => b"CT",
        b"LANE" => b"LN",
        b"TERRACE" | b"TER" => b"TERR",
        b"GARDENS" => b"GDNS",
        b"SQUARE" => b"SQ",
        b"GROVE" => b"GR",
        b"APARTMENT" | b"APT" => b"FLAT",
        _ => return None,
    })
}

/// A forename or surname: letters only, upper case, without accents, titles or separators. The whole, joined,
/// and its first and last word, empty where it has one word. In surnames, Mc is spelt Mac.
pub(crate) fn name_parts(raw: &str, surname: bool) -> Standard<(String, String, String)> {
    let folded = fold(raw);
    let mut words: Vec<String> = folded
        .split(|character: char| !character.is_alphanumeric() && character != '\'')
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphabetic())
                .collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect();
    // "MR" alone may be somebody's initials; before another word it is a title.
    if words.len() > 1
        && words
            .first()
            .is_some_and(|word| TITLES.contains(&word.as_str()))
    {
        words.remove(0);
    }
    let mut whole = words.concat();
    if whole.is_empty() {
        return match raw.trim() {
            "" => Standard::Missing,
            _ => Standard::Invalid,
        };
    }
    if is_stand_in(&whole) {
        return Standard::Default;
    }
    if surname {
        if let Some(rest) = whole.strip_prefix("MC").filter(|rest| rest.len() > 2) {
            whole = format!("MAC{rest}");
        }
        // Particles are no names of their own: MAC DONALD, O NEIL, VAN DYK, DE SILVA.
        words.retain(|word| !PARTICLES.contains(&word.as_str()));
    }
    let mut ends = words.into_iter();
    match (ends.next(), ends.next_back()) {
        (Some(first), Some(last)) => Standard::Value((whole, first, last)),
        _ => Standard::Value((whole, String::new(), String::new())),
    }
}

/// Words within a surname that are shared by many surnames.
const PARTICLES: &[&str] = &[
    "MAC", "MC", "O", "VAN", "VON", "DER", "DEN", "DE", "DA", "DI", "DU", "LA", "LE", "ST", "AL",
    "EL", "BIN", "IBN", "TEN", "TER", "DEL", "DOS",
];

/// True if the calendar has the day. Years as they are written, 1900 being no leap year.
pub(crate) const fn is_real_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    day >= 1 && day <= days
}

/// 1 for male, 2 for female.
pub(crate) fn sex(raw: &str) -> Standard<u8> {
    let text = raw.trim();
    let is = |forms: &[&str]| forms.iter().any(|form| text.eq_ignore_ascii_case(form));
    if text.is_empty() {
        Standard::Missing
    } else if is(&["M", "MALE", "1", "BOY", "MAN"]) {
        Standard::Value(1)
    } else if is(&["F", "FEMALE", "2", "GIRL", "WOMAN"]) {
        Standard::Value(2)
    } else if is(&[
        "0",
        "9",
        "U",
        "X",
        "I",
        "UNKNOWN",
        "NOT KNOWN",
        "NOT SPECIFIED",
        "NK",
        "N",
        "O",
        "OTHER",
    ]) {
        Standard::Default
    } else {
        Standard::Invalid
    }
}

/// Text as upper case words with one space between, street words shortened; written to `line`.
pub(crate) fn words(raw: &str, line: &mut Vec<u8>) -> Standard<()> {
    line.clear();
    line.reserve(raw.len() + 1);
    let folded;
    let bytes = if raw.is_ascii() {
        raw.as_bytes()
    } else {
        folded = fold(raw);
        folded.as_bytes()
    };
    let mut start = 0;
    for byte in bytes {
        match byte {
            b'\'' => {}
            // Letters outside ASCII that folding left.
            byte if byte.is_ascii_alphanumeric() || *byte >= 0x80 => {
                line.push(byte.to_ascii_uppercase());
            }
            _ => start = end_word(line, start),
        }
    }
    end_word(line, start);
    while line.last() == Some(&b' ') {
        line.pop();
    }
    match line.as_slice() {
        b"" if raw.trim().is_empty() => Standard::Missing,
        b"" => Standard::Invalid,
        b"UNKNOWN" | b"NOT KNOWN" | b"NFA" | b"NO FIXED ABODE" | b"NK" | b"NA" | b"N A"
        | b"NONE" => Standard::Default,
        _ => Standard::Value(()),
    }
}

/// Shortens the word that began at `start`, if it is a street word, and begins the next.
fn end_word(line: &mut Vec<u8>, start: usize) -> usize {
    let Some(word) = line.get(start..).filter(|word| !word.is_empty()) else {
        return start;
    };
    if let Some(short) = short_street_word(word) {
        line.truncate(start);
        line.extend_from_slice(short);
    }
    line.push(b' ');
    line.len()
}

/// Mark of a postcode with the shape of a British one.
const BRITISH: u64 = 1 << 63;

/// A postcode, six bits a character from the end: outward code, then digit, letter, letter; or any other code
/// of up to ten letters and digits with a digit in it.
pub(crate) fn pack_postcode(raw: &str) -> Standard<u64> {
    let mut text = [0_u8; 10];
    let mut len = 0;
    for byte in raw.bytes() {
        if matches!(byte, b' ' | b'-' | b'\t' | b'.') {
            continue;
        }
        let (true, Some(slot)) = (byte.is_ascii_alphanumeric(), text.get_mut(len)) else {
            return Standard::Invalid;
        };
        *slot = byte.to_ascii_uppercase();
        len += 1;
    }
    let text = text.get(..len).unwrap_or_default();
    if text.is_empty() {
        return Standard::Missing;
    }
    if text.starts_with(b"ZZ99") || text.starts_with(b"NK") || text == b"UNKNOWN" {
        return Standard::Default;
    }
    if text.iter().all(|byte| *byte == b'0' || *byte == b'9') && len > 2 {
        return Standard::Default;
    }
    let packed = text.iter().fold(0_u64, |packed, byte| {
        packed << 6 | u64::from(byte.wrapping_sub(b'0') + 1)
    });
    let inward = len.saturating_sub(3);
    let british = (5..=7).contains(&len)
        && text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(inward).is_some_and(u8::is_ascii_digit)
        && text.iter().skip(inward + 1).all(u8::is_ascii_alphabetic)
        && text.iter().take(inward).any(u8::is_ascii_digit);
    if british {
        Standard::Value(packed | BRITISH)
    } else if text.iter().any(u8::is_ascii_digit) && len >= 3 {
        Standard::Value(packed)
    } else {
        Standard::Invalid
    }
}

/// A packed postcode without its last two letters (a sector), or its last character where it is not British.
pub(crate) const fn sector(postcode: u64) -> u64 {
    if postcode & BRITISH == 0 {
        postcode >> 6
    } else {
        (postcode & !BRITISH) >> 12 | BRITISH
    }
}

/// A packed postcode without its inward half (a district), or its last two characters.
pub(crate) const fn district(postcode: u64) -> u64 {
    if postcode & BRITISH == 0 {
        postcode >> 12
    } else {
        (postcode & !BRITISH) >> 18 | BRITISH
    }
}

/// True if two packed postcodes differ in one character, or in two neighbours that changed places.
pub(crate) fn one_edit_postcode(left: u64, right: u64) -> bool {
    let different = (left ^ right) & !BRITISH;
    let low = different.trailing_zeros() / 6 * 6;
    if different >> low < 64 {
        return different != 0;
    }
    let pair = |code: u64| (code >> low & 63, code >> (low + 6) & 63);
    let ((a, b), (c, d)) = (pair(left & !BRITISH), pair(right & !BRITISH));
    different >> low < 4096 && a == d && b == c
}

/// The letters in front of a packed British postcode (its area), A being 1; 0 for no letter.
pub(crate) const fn area(postcode: u64) -> [u8; 2] {
    if postcode & BRITISH == 0 {
        return [0, 0];
    }
    let code = postcode & !BRITISH;
    let digits = (63 - code.leading_zeros()) / 6;
    let first = (code >> (6 * digits) & 63) as u8;
    let second = (code >> (6 * (digits - 1)) & 63) as u8;
    // Letters follow the digits by seventeen in ASCII.
    [first.saturating_sub(17), second.saturating_sub(17)]
}

/// A telephone number: digits, with +44, 0044 and +44 (0) written as 0.
pub(crate) fn telephone(raw: &str) -> Standard<String> {
    let mut digits: String = raw.chars().filter(char::is_ascii_digit).collect();
    if raw.trim().is_empty() {
        return Standard::Missing;
    }
    for prefix in ["0044", "44"] {
        if digits.len() > 10 && digits.starts_with(prefix) {
            let national = digits.split_off(prefix.len());
            digits = format!("0{}", national.trim_start_matches('0'));
        }
    }
    let first = digits.chars().nth(1);
    if !(9..=15).contains(&digits.len()) {
        Standard::Invalid
    } else if digits.chars().skip(1).all(|digit| Some(digit) == first) {
        Standard::Default
    } else {
        Standard::Value(digits)
    }
}

/// An electronic mail address in lower case.
pub(crate) fn email(raw: &str) -> Standard<String> {
    let text = raw.trim().to_lowercase();
    if text.is_empty() {
        return Standard::Missing;
    }
    let mut parts = text.split('@');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(user), Some(host), None) if !user.is_empty() && host.contains('.') => {
            Standard::Value(text)
        }
        _ => Standard::Invalid,
    }
}

/// A CHI or NHS number as it stands, right or wrong check digit, if it has ten digits (or nine, a leading
/// zero lost) and is no stand-in.
pub(crate) fn identity_number(raw: &str) -> Standard<u64> {
    if raw.trim().is_empty() {
        return Standard::Missing;
    }
    match crate::chi::number(raw) {
        Some(number) if is_filler(number) => Standard::Default,
        Some(number) => Standard::Value(number),
        None => Standard::Invalid,
    }
}

/// Ten times one digit.
const fn is_filler(number: u64) -> bool {
    number.is_multiple_of(1_111_111_111)
}

/// Upper case, with accents taken off the letters of western and central European languages.
fn fold(raw: &str) -> String {
    if raw.is_ascii() {
        return raw.to_ascii_uppercase();
    }
    let mut folded = String::with_capacity(raw.len());
    for character in raw.chars().flat_map(char::to_uppercase) {
        match character {
            'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => folded.push('A'),
            'Æ' => folded.push_str("AE"),
            'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => folded.push('C'),
            'Ð' | 'Ď' | 'Đ' => folded.push('D'),
            'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => folded.push('E'),
            'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => folded.push('G'),
            'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => folded.push('I'),
            'Ł' | 'Ĺ' | 'Ľ' => folded.push('L'),
            'Ñ' | 'Ń' | 'Ņ' | 'Ň' => folded.push('N'),
            'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => folded.push('O'),
            'Œ' => folded.push_str("OE"),
            'Ŕ' | 'Ř' => folded.push('R'),
            'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => folded.push('S'),
            'Ţ' | 'Ť' | 'Ț' => folded.push('T'),
            'Þ' => folded.push_str("TH"),
            'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => folded.push('U'),
            'Ý' | 'Ÿ' => folded.push('Y'),
            'Ź' | 'Ż' | 'Ž' => folded.push('Z'),
            // Combining accents, and the typographic apostrophe.
            '\u{300}'..='\u{36f}' => {}
            '\u{2019}' => folded.push('\''),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests;
