//! Looking through finished files: by their bytes, never by their names, and never believed.

mod acro;
mod image;
mod markup;
mod office;
mod pdf;
mod table;
mod text;
mod zip;

use disclosure::inspect::{Hidden, Seen};
use flate2::read::GzDecoder;
use protocol::frame::Hatch;
use protocol::job::Inspect;
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use serde_json::Value;

use super::{Rooms, bad_input, internal};

use markup::{Piece, attribute, pieces, unescaped};
use table::Rows;
use text::{Found, printable};
use zip::{Closed, Member, unpacked};

/// How deep archives may lie in archives.
const DEPTH_MAX: usize = 2;
/// Most members of one archive that are looked through.
const MEMBERS_MAX: usize = 1_000;

/// Looks through each file.
pub(super) fn run(
    rooms: &Rooms,
    job: &Inspect,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let mib = 1_usize << 20;
    let memory = (limits.memory_mib as usize).saturating_mul(mib);
    let mut files = Vec::new();
    for (done, name) in (0..).zip(&job.files) {
        hatch.progress(done, job.files.len() as u64, "looking through files")?;
        let path = rooms.input(name)?;
        let unreadable = |_| bad_input("a file cannot be read");
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > memory as u64 / 4 {
            files.push(vec![shut(
                "file",
                "it is larger than a quarter of the limit memory_mib",
            )]);
            continue;
        }
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        let mut bounds = Bounds {
            left: memory / 2,
            columns: limits.columns as usize,
        };
        files.push(look(&bytes, &mut bounds));
    }
    let seen = serde_json::to_string(&files)
        .map_err(|_| internal("what was seen of the files could not be written"))?;
    Ok(Report::Inspect { seen })
}

/// What one look may still take.
pub(super) struct Bounds {
    /// Bytes that may still be unpacked.
    pub(super) left: usize,
    /// Most columns of a table.
    pub(super) columns: usize,
}

impl Bounds {
    fn member(&mut self, member: &Member<'_>) -> Result<Vec<u8>, Closed> {
        let bytes = member.bytes(self.left)?;
        self.left -= bytes.len();
        Ok(bytes)
    }
}

/// Nothing seen yet.
fn empty() -> Seen {
    Seen {
        part: String::new(),
        kind: String::new(),
        table: None,
        identifiers: Vec::new(),
        hidden: Vec::new(),
        closed: None,
    }
}

/// Adds to what is there and not seen.
fn count(seen: &mut Seen, what: &str, times: u64) {
    if times == 0 {
        return;
    }
    match seen.hidden.iter_mut().find(|one| one.what == what) {
        Some(known) => known.times += times,
        None => seen.hidden.push(Hidden {
            what: what.to_owned(),
            times,
        }),
    }
}

/// Says why something was not looked through; the first reason stays.
fn closed(seen: &mut Seen, why: &str) {
    seen.closed.get_or_insert_with(|| why.to_owned());
}

/// Looks through the bytes of a file.
fn look(bytes: &[u8], bounds: &mut Bounds) -> Vec<Seen> {
    look_in(bytes, bounds, 0)
}

/// Kinds that are not looked through, by how they begin.
const CLOSED: [(&[u8], &str, &str); 14] = [
    (b"\x80\x02", "pickle", OBJECT),
    (b"\x80\x03", "pickle", OBJECT),
    (b"\x80\x04", "pickle", OBJECT),
    (b"\x80\x05", "pickle", OBJECT),
    (b"RDX", "rdata", OBJECT),
    (b"\x93NUMPY", "npy", ROWS),
    (b"\x89HDF", "hdf5", ROWS),
    (b"PAR1", "parquet", ROWS),
    (b"ARROW1", "arrow", ROWS),
    (b"SQLite format 3", "sqlite", ROWS),
    (
        b"\xd0\xcf\x11\xe0",
        "old office file",
        "files of this kind are not looked through; save it anew as xlsx or docx",
    ),
    (b"7z\xbc\xaf", "7z", PACKED),
    (b"\xfd7zXZ", "xz", PACKED),
    (b"BZh", "bzip2", PACKED),
];
const OBJECT: &str = "a stored object can run a program when it is opened, and a model can hold the rows that it was made from";
const ROWS: &str =
    "a file of data, which holds rows; check the statement that makes a table of them";
const PACKED: &str = "archives of this kind are not opened";

fn look_in(bytes: &[u8], bounds: &mut Bounds, depth: usize) -> Vec<Seen> {
    if bytes.starts_with(b"PK\x03\x04") {
        return archive(bytes, bounds, depth);
    }
    if bytes.starts_with(b"\x1f\x8b") {
        let inside = match depth < DEPTH_MAX {
            true => unpacked(GzDecoder::new(bytes), bounds.left),
            false => Err(Closed::TooLarge),
        };
        return match inside {
            Ok(inside) => {
                bounds.left -= inside.len();
                within("what is packed", look_in(&inside, bounds, depth + 1))
            }
            Err(why) => vec![shut("gzip", why.in_words())],
        };
    }
    if bytes.starts_with(b"%PDF-") {
        return vec![pdf::look(bytes, bounds)];
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return vec![image::png(bytes)];
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return vec![image::jpeg(bytes)];
    }
    if let Some((_, kind, why)) = CLOSED.iter().find(|(start, _, _)| bytes.starts_with(start)) {
        let mut seen = shut(kind, why);
        let mut found = Found::default();
        found.text(&printable(bytes));
        seen.identifiers = found.hits();
        return vec![seen];
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => {
            vec![plain(text.trim_start_matches('\u{feff}'), bounds)]
        }
        Ok(_) | Err(_) => {
            let mut seen = shut("unknown", "its kind is not known");
            let mut found = Found::default();
            found.text(&printable(bytes));
            seen.identifiers = found.hits();
            vec![seen]
        }
    }
}

fn shut(kind: &str, why: &str) -> Seen {
    Seen {
        kind: kind.to_owned(),
        closed: Some(why.to_owned()),
        ..empty()
    }
}

/// The parts of a part, under its name.
fn within(name: &str, parts: Vec<Seen>) -> Vec<Seen> {
    let inside = |part: Seen| Seen {
        part: match part.part.is_empty() {
            true => name.to_owned(),
            false => format!("{name}: {}", part.part),
        },
        ..part
    };
    parts.into_iter().map(inside).collect()
}

fn archive(bytes: &[u8], bounds: &mut Bounds, depth: usize) -> Vec<Seen> {
    let Some(members) = zip::members(bytes) else {
        return vec![shut("zip", Closed::Damaged.in_words())];
    };
    let has = |name: &str| members.iter().any(|member| member.name == name);
    if has("xl/workbook.xml") {
        return office::workbook(&members, bounds);
    }
    if has("word/document.xml") {
        return office::document(&members, "docx", bounds);
    }
    if has("ppt/presentation.xml") {
        return office::document(&members, "pptx", bounds);
    }
    if depth >= DEPTH_MAX || members.len() > MEMBERS_MAX {
        let why = format!(
            "it has more than {MEMBERS_MAX} members, or lies more than {DEPTH_MAX} archives deep"
        );
        return vec![shut("zip", &why)];
    }
    let mut parts = vec![Seen {
        kind: "zip".into(),
        ..empty()
    }];
    for (number, member) in (1..).zip(&members) {
        if member.name.ends_with('/') {
            continue;
        }
        // Its name may be somebody's.
        let name = format!("member {number}");
        parts.extend(within(
            &name,
            match bounds.member(member) {
                Ok(inside) => look_in(&inside, bounds, depth + 1),
                Err(why) => vec![shut("member", why.in_words())],
            },
        ));
    }
    parts
}

/// Text of any kind.
fn plain(text: &str, bounds: &Bounds) -> Seen {
    let start: String = text.trim_start().chars().take(400).collect();
    let start = start.to_ascii_lowercase();
    if start.starts_with('<') && start.contains("<svg") {
        return drawn(text);
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return page(text, bounds);
    }
    if start.starts_with('{')
        && let Ok(object @ Value::Object(_)) = serde_json::from_str::<Value>(text)
    {
        if object.get("cells").is_some_and(Value::is_array) {
            return cells(&object);
        }
        if let Some(session) = acro::session(&object, text) {
            return session;
        }
    }
    let mut found = Found::default();
    let mut seen = Seen {
        kind: "text".into(),
        ..empty()
    };
    match table::separator(text) {
        Some(separator) => {
            let mut rows = Rows::new(bounds.columns);
            table::read(text, separator, &mut rows);
            seen.kind = "csv".into();
            seen.table = Some(rows.finish(&mut found));
        }
        None => found.text(text),
    }
    seen.identifiers = found.hits();
    seen
}

/// An SVG: its marks are numbers that can be read back.
fn drawn(text: &str) -> Seen {
    let mut seen = Seen {
        kind: "svg".into(),
        ..empty()
    };
    let mut found = Found::default();
    for piece in pieces(text) {
        match piece {
            Piece::Open(name, _) => match name.as_str() {
                "circle" | "ellipse" | "path" | "rect" | "line" | "polyline" | "polygon"
                | "use" => count(
                    &mut seen,
                    "marks drawn as numbers, which can be read back",
                    1,
                ),
                "script" => count(&mut seen, "programs", 1),
                "metadata" | "desc" => count(&mut seen, "descriptions that are not drawn", 1),
                "image" => count(&mut seen, "pictures inside", 1),
                _ => {}
            },
            Piece::Text(text) => found.text(&unescaped(text)),
            Piece::Comment(text) => {
                count(&mut seen, "comments", 1);
                found.text(text);
            }
            Piece::Close(_) => {}
        }
    }
    closed(&mut seen, "what a picture shows is for people");
    seen.identifiers = found.hits();
    seen
}

/// An HTML page: its tables, and what a browser does not show.
fn page(text: &str, bounds: &Bounds) -> Seen {
    let mut seen = Seen {
        kind: "html".into(),
        ..empty()
    };
    let mut found = Found::default();
    let mut rows = Rows::new(bounds.columns);
    let (mut row, mut value) = (Vec::new(), None::<String>);
    for piece in pieces(text) {
        match piece {
            Piece::Open(name, attributes) => {
                match name.as_str() {
                    "script" => count(&mut seen, "programs, which can hold data", 1),
                    "td" | "th" => value = Some(String::new()),
                    _ => {}
                }
                let style = attribute(attributes, "style").unwrap_or_default();
                let is_hidden = attributes.split_whitespace().any(|word| word == "hidden")
                    || style.replace(' ', "").contains("display:none");
                count(&mut seen, "hidden elements", u64::from(is_hidden));
                count(
                    &mut seen,
                    "data inside links",
                    u64::from(attributes.contains("data:")),
                );
            }
            Piece::Text(text) => {
                let text = unescaped(text);
                found.text(&text);
                if let Some(value) = &mut value {
                    value.push_str(&text);
                }
            }
            Piece::Comment(text) => {
                count(&mut seen, "comments", 1);
                found.text(text);
            }
            Piece::Close(name) => match name.as_str() {
                "td" | "th" => row.extend(value.take()),
                "tr" => rows.add(&std::mem::take(&mut row)),
                _ => {}
            },
        }
    }
    seen.table = (!rows.is_empty()).then(|| rows.finish(&mut Found::default()));
    seen.identifiers = found.hits();
    seen
}

/// A notebook: what its cells gave stays in it.
fn cells(notebook: &Value) -> Seen {
    let mut seen = Seen {
        kind: "notebook".into(),
        ..empty()
    };
    let mut found = Found::default();
    let cells = notebook.get("cells").and_then(Value::as_array);
    for cell in cells.into_iter().flatten() {
        let outputs = cell.get("outputs").and_then(Value::as_array);
        let outputs = outputs.map_or(0, Vec::len);
        count(
            &mut seen,
            "outputs of cells, each a result of its own",
            outputs as u64,
        );
    }
    strings(notebook, &mut found);
    seen.identifiers = found.hits();
    seen
}

/// Every text of a JSON value.
fn strings(value: &Value, found: &mut Found) {
    match value {
        Value::String(text) => found.text(text),
        Value::Array(list) => list.iter().for_each(|one| strings(one, found)),
        Value::Object(fields) => fields.values().for_each(|one| strings(one, found)),
        Value::Number(number) => {
            found.value(&number.to_string());
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests;
