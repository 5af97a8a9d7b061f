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
    "XX",
    "XXX",
    "XXXX",
    "ZZ",
    "ZZZ",
];

/// Words before a name that are no part of it.
const TITLES: &[&str] = &[
    "MR", "MRS", "MISS", "MS", "MASTER", "DR", "PROF", "REV", "SIR", "DAME",
];

/// Dates that systems write when the birth date is not known, packed.
const DATE_DEFAULTS: &[u32] = &[
    17530101, 18000101, 18991230, 18991231, 19000101, 19010101, 99991231,
];

/// Earliest and latest year a birth date may have. No clock is read here, so a future date passes.
const YEARS: std::ops::RangeInclusive<u32> = 1880..=2099;

/// Long and short forms of the last words of a street.
const STREET_WORDS: &[(&str, &str)] = &[
    ("STREET", "ST"),
    ("ROAD", "RD"),
    ("AVENUE", "AVE"),
    ("AV", "AVE"),
    ("DRIVE", "DR"),
    ("CRESCENT", "CRES"),
    ("PLACE", "PL"),
    ("COURT", "CT"),
    ("LANE", "LN"),
    ("TERRACE", "TERR"),
    ("TER", "TERR"),
    ("GARDENS", "GDNS"),
    ("SQUARE", "SQ"),
    ("GROVE", "GR"),
    ("APARTMENT", "FLAT"),
    ("APT", "FLAT"),
];

/// A forename or surname: letters only, upper case, without accents, titles or separators.
pub(crate) fn name(raw: &str) -> Standard<String> {
    let folded = fold(raw);
    let mut words = folded
        .split(|character: char| !character.is_alphanumeric() && character != '\'')
        .filter(|word| !word.is_empty())
        .peekable();
    let mut joined = String::with_capacity(folded.len());
    let mut first = true;
    while let Some(word) = words.next() {
        // "MR" alone may be somebody's initials; before another word it is a title.
        let title = first && words.peek().is_some() && TITLES.contains(&word);
        first = false;
        if !title {
            joined.extend(word.chars().filter(|character| character.is_alphabetic()));
        }
    }
    if joined.is_empty() {
        return match raw.trim() {
            "" => Standard::Missing,
            _ => Standard::Invalid,
        };
    }
    if NAME_DEFAULTS.contains(&joined.as_str()) {
        return Standard::Default;
    }
    Standard::Value(joined)
}

/// A date as `year * 10000 + month * 100 + day`, from `YYYY-MM-DD`, `DD/MM/YYYY` (also with `-` or `.`)
/// or `YYYYMMDD`; a time of day after it is passed over.
pub(crate) fn date(raw: &str) -> Standard<u32> {
    let text = raw.trim();
    let text = text.split(['T', ' ']).next().unwrap_or(text);
    if text.is_empty() {
        return Standard::Missing;
    }
    match split_date(text) {
        Some((year, month, day)) => {
            let packed = year * 10_000 + month * 100 + day;
            if DATE_DEFAULTS.contains(&packed) {
                Standard::Default
            } else if YEARS.contains(&year) && is_real_date(year, month, day) {
                Standard::Value(packed)
            } else {
                Standard::Invalid
            }
        }
        None => Standard::Invalid,
    }
}

fn split_date(text: &str) -> Option<(u32, u32, u32)> {
    let number = |part: &str| -> Option<u32> {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        (digits && (1..=4).contains(&part.len())).then(|| part.parse().ok())?
    };
    if text.len() == 8 && text.is_ascii() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((
            number(text.get(..4)?)?,
            number(text.get(4..6)?)?,
            number(text.get(6..)?)?,
        ));
    }
    let mut parts = text.split(['-', '/', '.']);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || second.len() > 2 {
        return None;
    }
    match (first.len(), third.len()) {
        (4, 1 | 2) => Some((number(first)?, number(second)?, number(third)?)),
        (1 | 2, 4) => Some((number(third)?, number(second)?, number(first)?)),
        _ => None,
    }
}

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

/// A postcode without its space: outward code, then digit, letter, letter.
pub(crate) fn postcode(raw: &str) -> Standard<String> {
    let text: String = raw
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '-')
        .map(|character| character.to_ascii_uppercase())
        .collect();
    if text.is_empty() {
        return Standard::Missing;
    }
    if text.starts_with("ZZ99") || text.starts_with("NK") || text == "UNKNOWN" {
        return Standard::Default;
    }
    let bytes = text.as_bytes();
    let inward = bytes.len().saturating_sub(3);
    let shape = text.is_ascii()
        && (5..=7).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.get(inward).is_some_and(u8::is_ascii_digit)
        && bytes.iter().skip(inward + 1).all(u8::is_ascii_alphabetic)
        && bytes.iter().take(inward).any(u8::is_ascii_digit);
    if shape {
        Standard::Value(text)
    } else {
        Standard::Invalid
    }
}

/// An address line: upper case words with one space between, street words shortened.
pub(crate) fn address(raw: &str) -> Standard<String> {
    let folded = fold(raw);
    let mut line = String::with_capacity(folded.len());
    for word in folded
        .replace('\'', "")
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        let short = STREET_WORDS.iter().find(|(long, _)| *long == word);
        line.push_str(short.map_or(word, |(_, short)| short));
    }
    match line.as_str() {
        "" => Standard::Missing,
        "UNKNOWN" | "NOT KNOWN" | "NFA" | "NO FIXED ABODE" | "NK" | "NA" | "N A" | "NONE" => {
            Standard::Default
        }
        _ => Standard::Value(line),
    }
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
