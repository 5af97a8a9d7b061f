//! PDF: the text and the drawing that its pages hold, as far as it is in letters and in known packing.

use disclosure::inspect::Seen;
use flate2::read::ZlibDecoder;

use super::text::Found;
use super::zip::unpacked;
use super::{Bounds, closed, count};

/// From so many drawn points on, a plot can show people one by one.
const POINTS_MIN: u64 = 50;

pub(super) fn look(bytes: &[u8], bounds: &mut Bounds) -> Seen {
    let mut seen = Seen {
        kind: "pdf".into(),
        ..super::empty()
    };
    for (mark, words) in [
        ("/EmbeddedFile", "embedded files"),
        ("/JavaScript", "programs"),
        ("/Author", "names of authors"),
        ("/Annot", "annotations"),
    ] {
        count(&mut seen, words, times(bytes, mark.as_bytes()));
    }
    if times(bytes, b"/Encrypt") > 0 {
        closed(&mut seen, "it is encrypted");
    }
    let mut found = Found::default();
    let (mut points, mut own_code) = (0, 0);
    for (dictionary, stream) in streams(bytes) {
        let is = |name: &[u8]| times(dictionary, name) > 0;
        // Pictures and fonts are no text.
        if is(b"/Image") || is(b"/FontFile") || is(b"/Length1") {
            continue;
        }
        let content = match is(b"/FlateDecode") {
            true => match unpacked(ZlibDecoder::new(stream), bounds.left) {
                Ok(content) => content,
                Err(why) => {
                    closed(&mut seen, why.in_words());
                    continue;
                }
            },
            false => stream.to_vec(),
        };
        bounds.left = bounds.left.saturating_sub(content.len());
        points += operators(&content);
        own_code += strings(&content, &mut found);
    }
    if points >= POINTS_MIN {
        count(
            &mut seen,
            "points and lines drawn as numbers, which can be read back",
            points,
        );
    }
    count(
        &mut seen,
        "texts in a font's own code, which cannot be read",
        own_code,
    );
    closed(&mut seen, "what its pages look like is for people");
    seen.identifiers = found.hits();
    seen
}

fn times(bytes: &[u8], word: &[u8]) -> u64 {
    bytes
        .windows(word.len())
        .filter(|part| *part == word)
        .count() as u64
}

/// Each stream with the dictionary before it.
fn streams(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let find = |from: usize, word: &[u8]| {
        let rest = bytes.get(from..)?;
        let at = rest.windows(word.len()).position(|part| part == word)?;
        Some(from + at)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = find(at, b"stream") {
        let before = bytes.get(at..start).unwrap_or_default();
        let dictionary = before.windows(3).rposition(|part| part == b"obj");
        let dictionary = dictionary
            .and_then(|from| before.get(from..))
            .unwrap_or(before);
        let mut data = start + b"stream".len();
        data += usize::from(bytes.get(data) == Some(&b'\r'));
        data += usize::from(bytes.get(data) == Some(&b'\n'));
        let end = find(data, b"endstream").unwrap_or(bytes.len());
        found.push((dictionary, bytes.get(data..end).unwrap_or_default()));
        at = end + b"endstream".len();
    }
    found
}

/// How often a content stream draws: lines, curves and rectangles.
fn operators(content: &[u8]) -> u64 {
    let words = content.split(|b| b.is_ascii_whitespace());
    let draws = |word: &&[u8]| matches!(*word, b"l" | b"c" | b"v" | b"y" | b"re" | b"m");
    words.filter(draws).count() as u64
}

/// Reads the strings that a content stream shows; how many were in a font's own code.
fn strings(content: &[u8], found: &mut Found) -> u64 {
    let mut text = String::new();
    let mut own_code = 0;
    let mut at = 0;
    while let Some(byte) = content.get(at) {
        at += 1;
        match byte {
            b'(' => at = literal(content, at, &mut text),
            b'<' if content.get(at) != Some(&b'<') => {
                own_code += 1;
                let length = content
                    .get(at..)
                    .and_then(|rest| rest.iter().position(|b| *b == b'>'));
                at += length.unwrap_or(0);
            }
            // Parts of one word stand in one array; what shows a string ends it.
            b'T' if matches!(content.get(at), Some(b'j' | b'J' | b'd' | b'*')) => text.push(' '),
            _ => {}
        }
    }
    found.text(&text);
    own_code
}

/// A string in parentheses, from behind the first; where it ends.
fn literal(content: &[u8], mut at: usize, text: &mut String) -> usize {
    let mut depth = 1;
    while let Some(byte) = content.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let next = content.get(at).copied().unwrap_or(b' ');
                text.push(if next.is_ascii_alphanumeric() {
                    ' '
                } else {
                    char::from(next)
                });
                at += 1;
            }
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            other => text.push(char::from(*other)),
        }
    }
    at
}
