//! Workbooks and documents of office programs (Office Open XML): what is on their pages and what is not.

use disclosure::inspect::Seen;

use super::markup::{Piece, attribute, pieces, unescaped};
use super::table::Rows;
use super::text::Found;
use super::zip::Member;
use super::{Bounds, closed, count};

/// A workbook: each sheet is a part, and one more for what is beside the sheets.
pub(super) fn workbook(members: &[Member<'_>], bounds: &mut Bounds) -> Vec<Seen> {
    let mut beside = Seen {
        kind: "xlsx".into(),
        ..super::empty()
    };
    let mut found = Found::default();
    let strings = text_of(members, "xl/sharedstrings.xml", bounds).unwrap_or_default();
    let strings = shared(&strings);
    let book = text_of(members, "xl/workbook.xml", bounds).unwrap_or_default();
    let mut hidden_sheets = 0;
    for piece in pieces(&book) {
        if let Piece::Open(name, attributes) = piece
            && name == "sheet"
        {
            let state = attribute(attributes, "state").unwrap_or("visible");
            hidden_sheets += u64::from(state != "visible");
            found.text(&unescaped(
                attribute(attributes, "name").unwrap_or_default(),
            ));
        }
    }
    count(&mut beside, "hidden sheets", hidden_sheets);
    let mut parts = Vec::new();
    for member in members {
        let name = member.name.to_ascii_lowercase();
        if name.starts_with("xl/worksheets/") && name.ends_with(".xml") {
            parts.push(sheet(member, &strings, bounds));
        }
    }
    extras(members, &mut beside, &mut found, bounds);
    beside.identifiers = found.hits();
    parts.insert(0, beside);
    parts
}

/// A document or a presentation: its text as one.
pub(super) fn document(members: &[Member<'_>], kind: &str, bounds: &mut Bounds) -> Vec<Seen> {
    let mut seen = Seen {
        kind: kind.into(),
        ..super::empty()
    };
    let mut found = Found::default();
    let (mut tracked, mut notes) = (0, 0);
    for member in members {
        let name = member.name.to_ascii_lowercase();
        if !name.ends_with(".xml") || name.contains("theme") {
            continue;
        }
        notes += u64::from(name.contains("notesslide"));
        let Some(text) = text(member, &mut seen, bounds) else {
            continue;
        };
        for piece in pieces(&text) {
            match piece {
                Piece::Text(text) => found.text(&unescaped(text)),
                Piece::Open(name, _) => tracked += u64::from(name == "del" || name == "ins"),
                Piece::Close(_) | Piece::Comment(_) => {}
            }
        }
    }
    count(&mut seen, "tracked changes", tracked);
    count(&mut seen, "pages of notes", notes);
    extras(members, &mut seen, &mut found, bounds);
    seen.identifiers = found.hits();
    vec![seen]
}

/// What office files hold beside their pages.
fn extras(members: &[Member<'_>], seen: &mut Seen, found: &mut Found, bounds: &mut Bounds) {
    for (part, words) in [
        ("comments", "files of comments"),
        (
            "pivotcache/pivotcacherecords",
            "copies of the rows behind a pivot table",
        ),
        (
            "externallinks/externallink",
            "copies of values of other workbooks",
        ),
        ("vbaproject", "programs (macros)"),
        ("embeddings/", "embedded files"),
        ("media/", "pictures, which are for people"),
    ] {
        let with = members
            .iter()
            .filter(|member| member.name.to_ascii_lowercase().contains(part));
        count(seen, words, with.count() as u64);
    }
    for member in members {
        let name = member.name.to_ascii_lowercase();
        if !["docprops/", "comments", "pivotcache/"]
            .iter()
            .any(|part| name.contains(part))
        {
            continue;
        }
        let Some(text) = text(member, seen, bounds) else {
            continue;
        };
        let mut is_author = false;
        for piece in pieces(&text) {
            match piece {
                Piece::Text(text) => {
                    found.text(&unescaped(text));
                    count(
                        seen,
                        "names of authors",
                        u64::from(is_author && !text.trim().is_empty()),
                    );
                }
                Piece::Open(name, attributes) => {
                    is_author = ["creator", "lastmodifiedby", "author"].contains(&name.as_str());
                    // A pivot table's copy keeps its values in attributes.
                    found.text(&unescaped(attribute(attributes, "v").unwrap_or_default()));
                }
                Piece::Close(_) | Piece::Comment(_) => {}
            }
        }
    }
}

/// The strings that cells name by number.
fn shared(text: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut current = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => current.push_str(&unescaped(text)),
            Piece::Close(name) if name == "si" => strings.push(std::mem::take(&mut current)),
            Piece::Open(name, _) if name == "si" => current.clear(),
            Piece::Open(..) | Piece::Close(_) | Piece::Comment(_) => {}
        }
    }
    strings
}

fn sheet(member: &Member<'_>, strings: &[String], bounds: &mut Bounds) -> Seen {
    let mut seen = Seen {
        part: member.name.clone(),
        kind: "sheet".into(),
        ..super::empty()
    };
    let Some(text) = text(member, &mut seen, bounds) else {
        return seen;
    };
    let mut rows = Rows::new(bounds.columns);
    let (mut row, mut value) = (Vec::new(), String::new());
    let (mut is_value, mut is_shared) = (false, false);
    for piece in pieces(&text) {
        match piece {
            Piece::Open(name, attributes) => {
                let is_hidden =
                    ["1", "true"].contains(&attribute(attributes, "hidden").unwrap_or(""));
                match name.as_str() {
                    "row" => count(&mut seen, "hidden rows", u64::from(is_hidden)),
                    "col" => count(&mut seen, "hidden columns", u64::from(is_hidden)),
                    "c" => is_shared = attribute(attributes, "t") == Some("s"),
                    "f" => count(&mut seen, "formulas", 1),
                    _ => {}
                }
                is_value = name == "v" || name == "t";
            }
            Piece::Text(text) if is_value => value.push_str(&unescaped(text)),
            Piece::Text(_) | Piece::Comment(_) => {}
            Piece::Close(name) => {
                is_value = false;
                if name == "c" {
                    let own = std::mem::take(&mut value);
                    let named = own.parse::<usize>().ok().filter(|_| is_shared);
                    let named = named.and_then(|number| strings.get(number).cloned());
                    row.push(named.unwrap_or(own));
                } else if name == "row" {
                    rows.add(&std::mem::take(&mut row));
                }
            }
        }
    }
    let mut found = Found::default();
    seen.table = (!rows.is_empty()).then(|| rows.finish(&mut found));
    seen.identifiers = found.hits();
    seen
}

fn text_of(members: &[Member<'_>], name: &str, bounds: &mut Bounds) -> Option<String> {
    let member = members
        .iter()
        .find(|member| member.name.eq_ignore_ascii_case(name))?;
    text(member, &mut super::empty(), bounds)
}

/// A member's text; where there is none, the reason stands in `seen`.
fn text(member: &Member<'_>, seen: &mut Seen, bounds: &mut Bounds) -> Option<String> {
    match bounds.member(member) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(why) => {
            closed(seen, why.in_words());
            None
        }
    }
}
