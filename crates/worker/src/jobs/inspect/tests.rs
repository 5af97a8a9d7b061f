use disclosure::inspect::{Hits, Identifier};

use super::*;

const NHS_NUMBER: &str = "943 476 5919";

fn seen(bytes: &[u8]) -> Vec<Seen> {
    let mut bounds = Bounds {
        left: 1 << 20,
        columns: 50,
    };
    look(bytes, &mut bounds)
}

fn only(bytes: &[u8]) -> Seen {
    let mut parts = seen(bytes);
    assert_eq!(parts.len(), 1, "{parts:?}");
    parts.remove(0)
}

fn hidden(seen: &Seen, what: &str) -> u64 {
    let mut of = seen.hidden.iter().filter(|one| one.what.contains(what));
    of.next().map_or(0, |one| one.times)
}

fn has(hits: &[Hits], what: Identifier) -> bool {
    hits.iter().any(|one| one.what == what)
}

/// An archive of members as they are, without packing.
fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let at = u32::try_from(bytes.len()).unwrap();
        let size = u32::try_from(data.len()).unwrap();
        let length = u16::try_from(name.len()).unwrap();
        bytes.extend(b"PK\x03\x04");
        bytes.extend([0; 14]);
        bytes.extend(size.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
        directory.extend(b"PK\x01\x02");
        directory.extend([0; 16]);
        directory.extend(size.to_le_bytes());
        directory.extend(size.to_le_bytes());
        directory.extend(length.to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(bytes.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    let count = u16::try_from(members.len()).unwrap();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn a_table_is_known_by_its_bytes_and_its_columns_are_counted() {
    let csv = only(b"region,n\nNorth,12\nSouth,4\n");
    assert_eq!(csv.kind, "csv");
    let table = csv.table.unwrap();
    assert_eq!(table.rows, 2);
    assert_eq!(table.columns[1].small[3], 1);
    let people = only(format!("id,contact\n1,{NHS_NUMBER}\n2,ann@nhs.scot\n").as_bytes());
    let found = &people.table.unwrap().columns[1].identifiers;
    assert!(has(found, Identifier::HealthNumber) && has(found, Identifier::Email));
}

#[test]
fn hidden_sheets_rows_and_copies_of_a_workbook_are_found() {
    let strings = "<sst><si><t>region</t></si><si><t>ann@nhs.scot</t></si></sst>";
    let sheet = r#"<worksheet><cols><col min="1" hidden="1"/></cols><sheetData>
        <row r="1"><c r="A1" t="s"><v>0</v></c></row>
        <row r="2" hidden="1"><c r="A2" t="s"><v>1</v></c></row></sheetData></worksheet>"#;
    let book = r#"<workbook><sheets><sheet name="a" sheetId="1"/>
        <sheet name="b" sheetId="2" state="veryHidden"/></sheets></workbook>"#;
    let parts = seen(&zipped(&[
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        (
            "xl/pivotCache/pivotCacheRecords1.xml",
            format!("<r><s v=\"{NHS_NUMBER}\"/></r>").as_bytes(),
        ),
        ("docProps/core.xml", b"<dc:creator>Ann</dc:creator>"),
    ]));
    let [book, sheet] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    assert_eq!(
        (book.kind.as_str(), hidden(book, "hidden sheets")),
        ("xlsx", 1)
    );
    assert_eq!(hidden(book, "pivot table"), 1);
    assert_eq!(hidden(book, "authors"), 1);
    assert!(has(&book.identifiers, Identifier::HealthNumber), "{book:?}");
    assert_eq!(
        (
            hidden(sheet, "hidden rows"),
            hidden(sheet, "hidden columns")
        ),
        (1, 1)
    );
    let column = &sheet.table.as_ref().unwrap().columns[0];
    assert!(has(&column.identifiers, Identifier::Email), "{sheet:?}");
}

#[test]
fn drawings_pages_and_notebooks_show_what_is_not_seen() {
    let svg = only(b"<svg><!-- c --><circle cx='1'/><path d='M0'/><text>ann@nhs.scot</text></svg>");
    assert_eq!((svg.kind.as_str(), hidden(&svg, "marks")), ("svg", 2));
    assert!(has(&svg.identifiers, Identifier::Email));
    let html = b"<!DOCTYPE html><html><script>x</script><p style='display: none'>EH1 3EG</p>\
        <table><tr><th>k</th></tr><tr><td>a</td></tr></table></html>";
    let html = only(html);
    assert_eq!(
        (hidden(&html, "programs"), hidden(&html, "hidden elements")),
        (1, 1)
    );
    assert!(has(&html.identifiers, Identifier::Postcode));
    assert_eq!(html.table.unwrap().rows, 1);
    let notebook = br#"{"cells": [{"outputs": [{"text": ["ann@nhs.scot"]}]}], "nbformat": 4}"#;
    let notebook = only(notebook);
    assert_eq!(
        (notebook.kind.as_str(), hidden(&notebook, "outputs")),
        ("notebook", 1)
    );
    assert!(has(&notebook.identifiers, Identifier::Email));
}

#[test]
fn a_pdf_is_read_as_far_as_it_is_in_letters() {
    let mut page = Vec::new();
    for x in 0..60 {
        page.extend(format!("{x} 10 m {x} 20 l\n").bytes());
    }
    page.extend(b"BT [(ann)3(@nhs)(.scot)] TJ (943 476 5919) Tj ET");
    let mut pdf = b"%PDF-1.7\n1 0 obj << /Length 9 >> stream\n".to_vec();
    pdf.extend(page);
    pdf.extend(b"\nendstream endobj /Author (x)");
    let pdf = only(&pdf);
    assert_eq!((hidden(&pdf, "drawn"), hidden(&pdf, "authors")), (120, 1));
    assert!(has(&pdf.identifiers, Identifier::Email), "{pdf:?}");
    assert!(has(&pdf.identifiers, Identifier::HealthNumber), "{pdf:?}");
    assert!(pdf.closed.is_some());
}

#[test]
fn pictures_show_their_metadata_and_what_stands_behind_them() {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"tEXt", &b"by ann@nhs.scot"[..]), (b"IEND", b"")] {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(kind);
        png.extend(data);
        png.extend([0; 4]);
    }
    png.extend(b"tail");
    let png = only(&png);
    assert_eq!(
        (hidden(&png, "metadata"), hidden(&png, "behind the end")),
        (1, 4)
    );
    assert!(has(&png.identifiers, Identifier::Email));
    let jpeg = only(b"\xff\xd8\xff\xe1\x00\x0cann@x.org\xff\xda\x00\x02\xff\xd9zz");
    assert_eq!((jpeg.kind.as_str(), hidden(&jpeg, "metadata")), ("jpeg", 1));
    assert_eq!(hidden(&jpeg, "behind the end"), 2);
}

#[test]
fn archives_are_opened_so_deep_and_so_far() {
    let inner = zipped(&[("a.csv", b"k,n\na,3\n"), ("b.pkl", b"\x80\x04ann@nhs.scot")]);
    let parts = seen(&zipped(&[("inner.zip", &inner)]));
    let kinds: Vec<&str> = parts.iter().map(|part| part.kind.as_str()).collect();
    assert_eq!(kinds, ["zip", "zip", "csv", "pickle"]);
    assert!(parts[3].closed.as_ref().unwrap().contains("run a program"));
    assert!(has(&parts[3].identifiers, Identifier::Email));
    let deep = zipped(&[("c.zip", &zipped(&[("d.zip", &inner)]))]);
    assert!(
        seen(&deep)
            .iter()
            .any(|part| part.closed.as_ref().is_some_and(|why| why.contains("deep")))
    );
    let large = zipped(&[("big.txt", &vec![b'a'; 2 << 20])]);
    assert!(seen(&large).iter().any(|part| {
        part.closed
            .as_ref()
            .is_some_and(|why| why.contains("memory_mib"))
    }));
}

/// Whatever the bytes, there is an answer, and what is not known is not taken for looked through.
#[test]
fn damaged_and_unknown_bytes_are_answered() {
    let whole = zipped(&[
        ("xl/workbook.xml", b"<sheet state='hidden'"),
        ("xl/worksheets/a.xml", b"<row><c><v>1"),
    ]);
    for end in 0..whole.len() {
        assert!(!seen(&whole[..end]).is_empty());
    }
    assert_eq!(
        only(b"\x00\x01\x02\x03").closed.as_deref(),
        Some("its kind is not known")
    );
    for start in [
        &b"PK\x03\x04"[..],
        b"\x1f\x8b",
        b"%PDF-",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
    ] {
        for tail in [
            &b""[..],
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"stream (((( << /FlateDecode",
        ] {
            assert!(!seen(&[start, tail].concat()).is_empty());
        }
    }
}
