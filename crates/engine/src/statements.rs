//! Cutting a text into statements.
//!
//! The engine's own splitter is out of reach of safe code, so its lexical rules are followed here:
//! quotes, escape strings, dollar quotes, comments (the block kind nests). A mistake here costs a
//! researcher a confusing message and nothing else: every piece runs behind the same walls.

#[cfg(test)]
mod tests;

/// The statements of a text, without empty ones, trimmed of (Unicode) space. An unclosed quote or comment runs to
/// the end; the engine says so in its own words.
#[must_use]
pub fn split(sql: &str) -> Vec<&str> {
    let bytes = sql.as_bytes();
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut holds_code = false;
    while let Some(&byte) = bytes.get(at) {
        if byte == b';' {
            if holds_code {
                pieces.extend(piece(sql, start, at));
            }
            at += 1;
            start = at;
            holds_code = false;
            continue;
        }
        match skip_comment(bytes, at) {
            Some(after) => at = after,
            None => {
                holds_code |= !byte.is_ascii_whitespace();
                at = skip_token(bytes, at);
            }
        }
    }
    if holds_code {
        pieces.extend(piece(sql, start, bytes.len()));
    }
    pieces
}

/// Space that is not ASCII was taken for code.
fn piece(sql: &str, start: usize, end: usize) -> Option<&str> {
    sql.get(start..end)
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
}

fn skip_comment(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"--") {
        let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
        return Some(length.map_or(bytes.len(), |length| at + length));
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let (mut depth, mut at) = (1, at + 2);
    while depth > 0 {
        match bytes.get(at..)? {
            [] => return Some(bytes.len()),
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
            }
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [_, ..] => at += 1,
        }
    }
    Some(at)
}

/// The index after the quoted text, word or single byte that begins at `at`.
fn skip_token(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [b'\'', ..] => skip_quoted(bytes, at + 1, b'\'', Escapes::None),
        [b'"', ..] => skip_quoted(bytes, at + 1, b'"', Escapes::None),
        [b'e' | b'E', b'\'', ..] => skip_quoted(bytes, at + 2, b'\'', Escapes::Backslash),
        [b'$', ..] => skip_dollar(bytes, at),
        [first, rest @ ..] if is_word(*first) => {
            // A `$` inside a word belongs to it and opens no quote.
            let length = rest.iter().position(|b| !is_word(*b) && *b != b'$');
            length.map_or(bytes.len(), |length| at + 1 + length)
        }
        _ => at + 1,
    }
}

enum Escapes {
    None,
    Backslash,
}

fn skip_quoted(bytes: &[u8], mut at: usize, quote: u8, escapes: Escapes) -> usize {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'\\' && matches!(escapes, Escapes::Backslash) {
            at += 1;
        } else if byte == quote {
            if bytes.get(at) != Some(&quote) {
                return at;
            }
            at += 1;
        }
    }
    bytes.len()
}

fn skip_dollar(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    let length = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
    let tagged = rest.first().is_none_or(|b| !b.is_ascii_digit());
    if rest.get(length) != Some(&b'$') || !tagged {
        return at + 1;
    }
    let tag_length = length + 2;
    let Some(tag) = bytes.get(at..at + tag_length) else {
        return bytes.len();
    };
    let body = bytes.get(at + tag_length..).unwrap_or_default();
    match body.windows(tag_length).position(|window| window == tag) {
        Some(end) => at + tag_length + end + tag_length,
        None => bytes.len(),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
