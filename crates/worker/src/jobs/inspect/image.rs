//! PNG and JPEG: what they hold beside the picture.

use disclosure::inspect::Seen;

use super::text::{Found, printable};
use super::{closed, count};

const PICTURE: &str = "what a picture shows is for people";

pub(super) fn png(bytes: &[u8]) -> Seen {
    let mut seen = Seen {
        kind: "png".into(),
        ..super::empty()
    };
    let mut found = Found::default();
    let mut at = 8;
    let mut is_ended = false;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = head
            .get(..4)
            .and_then(|l| l.try_into().ok())
            .map_or(0, u32::from_be_bytes);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let data = bytes.get(at + 8..).unwrap_or_default();
        let data = data.get(..length.min(data.len())).unwrap_or_default();
        match head.get(4..).unwrap_or_default() {
            b"tEXt" | b"iTXt" | b"zTXt" | b"eXIf" => {
                count(&mut seen, "texts beside the picture (metadata)", 1);
                found.text(&printable(data));
            }
            b"IEND" => is_ended = true,
            _ => {}
        }
        at = at.saturating_add(12).saturating_add(length);
        if is_ended {
            break;
        }
    }
    let behind = bytes.get(at..).unwrap_or_default();
    after(&mut seen, &mut found, behind);
    finished(seen, found)
}

pub(super) fn jpeg(bytes: &[u8]) -> Seen {
    let mut seen = Seen {
        kind: "jpeg".into(),
        ..super::empty()
    };
    let mut found = Found::default();
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let data = bytes.get(at + 4..at + 2 + length).unwrap_or_default();
        // Application segments but JFIF's own, and comments.
        if matches!(marker, 0xe1..=0xef | 0xfe) {
            count(&mut seen, "texts beside the picture (metadata)", 1);
            found.text(&printable(data));
        }
        if *marker == 0xda {
            break;
        }
        at += 2 + length.max(2);
    }
    let end = bytes.windows(2).rposition(|two| two == [0xff, 0xd9]);
    let behind = end.and_then(|end| bytes.get(end + 2..)).unwrap_or_default();
    after(&mut seen, &mut found, behind);
    finished(seen, found)
}

/// What stands behind the end of the picture.
fn after(seen: &mut Seen, found: &mut Found, behind: &[u8]) {
    count(
        seen,
        "bytes behind the end of the picture",
        behind.len() as u64,
    );
    found.text(&printable(behind));
}

fn finished(mut seen: Seen, found: Found) -> Seen {
    closed(&mut seen, PICTURE);
    seen.identifiers = found.hits();
    seen
}
