//! Tables as bytes: reading what is under review.

/// The fields of a line.
pub(super) type Line = Vec<Option<String>>;

/// The lines of a table in the form that `disclosure::to_csv` gives (RFC 4180, `\n`): nothing if it is another.
/// An empty field is a missing value, `""` an empty text.
pub(super) fn lines(bytes: &[u8]) -> Option<Vec<Line>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = quoted_field(quoted)?;
                (Some(text), after)
            }
            None => {
                let end = rest.find([',', '\n'])?;
                let (text, after) = rest.split_at_checked(end)?;
                if text.contains('"') {
                    return None;
                }
                ((!text.is_empty()).then(|| text.to_owned()), after)
            }
        };
        line.push(field);
        rest = match after.strip_prefix(',') {
            // A line that ends in a comma has one more, empty field: it is read in the next round.
            Some(more) if !more.is_empty() => more,
            Some(_) => return None,
            None => {
                lines.push(std::mem::take(&mut line));
                after.strip_prefix('\n')?
            }
        };
    }
    line.is_empty().then_some(lines)
}

/// A quoted field after its first quote, and what follows it.
fn quoted_field(mut rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        text.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => return Some((text, after)),
        }
    }
}
