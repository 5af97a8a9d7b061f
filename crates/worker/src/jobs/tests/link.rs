//! Linkage jobs.

use super::*;

/// 300 invented people with CHI numbers, as a CSV of the roles of `PEOPLE` and a postcode.
pub(super) fn population() -> Vec<String> {
    let forenames = [
        "Ann", "Ewan", "Morag", "Iain", "Kirsty", "Callum", "Isla", "Rory", "Fiona", "Angus",
    ];
    let surnames = [
        "Reid", "Bain", "Muir", "Ross", "Kerr", "Innes", "Munro", "Boyd", "Gunn", "Lamont", "Fyfe",
    ];
    (0..300_usize)
        .map(|i| {
            let (y, m, d) = (1930 + i * 7 % 70, 1 + i * 5 % 12, 1 + i * 11 % 28);
            let from = ((d * 100 + m) * 100 + y % 100) as u64 * 10_000 + (i as u64 * 31) % 9_000;
            let chi = (from..)
                .map(|n| format!("{n:010}"))
                .find(|n| linkage::is_valid_chi(n))
                .unwrap();
            format!(
                "{},{},{y}-{m:02}-{d:02},{chi},EH{} {}AB",
                forenames[i * 3 % 10],
                surnames[i * 7 % 11],
                1 + i % 16,
                i % 9 + 1
            )
        })
        .collect()
}

fn loaded(rows: &[String], prefix: &str) -> Vec<u8> {
    let mut file = text("rec,first,last,born,chi,home\n");
    for (index, row) in rows.iter().enumerate() {
        file.push_str(&format!("{prefix}{index:04},{row}\n"));
    }
    let mut roles = PEOPLE.to_vec();
    roles.push(("home", "postcode"));
    let done = Desk::with("delivery", file).run(identifiers_job(&roles));
    assert!(done.report.is_ok(), "{:?}", done.report);
    done.files["identifiers.parquet"].clone()
}

#[test]
fn links_to_people_who_objected_are_withheld_and_counted() {
    let people = population();
    let desk = Desk::with("identifiers.parquet", loaded(&people[..40], "d"))
        .and("spine.parquet", loaded(&people, "s"))
        .and("objections.parquet", loaded(&people[5..8], "o"));
    let link = |objections| {
        Job::Link(Link {
            settings: text("{}"),
            objections,
        })
    };
    let done = desk.run(link(Objections::Listed));
    let Ok(Report::Link {
        records,
        linked,
        unlinked,
        spine,
        objected,
        withheld,
        detail,
    }) = done.report
    else {
        panic!("{:?}", done.report)
    };
    let total: u64 = linked.values().sum();
    assert_eq!((records, spine, objected, withheld), (40, 300, 3, 3));
    assert_eq!(total + unlinked + withheld, 40);
    assert_eq!(linked["chi_verified"], 37);
    assert!(!detail.contains("Reid"));
    let links = &done.files["links"];
    assert_eq!(links.len(), 37 * 17);
    for entry in links.chunks(17) {
        let left = u64::from_le_bytes(entry[..8].try_into().unwrap());
        assert_eq!(entry[..8], entry[8..16], "record n is person n");
        assert!(!(5..8).contains(&left));
        assert_eq!(entry[16], 4);
    }
    assert!(serde_json::from_slice::<serde_json::Value>(&done.files["model.json"]).is_ok());
    assert!(done.files.contains_key("links.parquet"));
}

#[test]
fn a_link_job_without_its_columns_is_refused() {
    let people = population();
    let desk =
        Desk::with("identifiers.parquet", loaded(&people[..5], "d")).and("spine.parquet", "SECRET");
    let job = |settings| {
        Job::Link(Link {
            settings: text(settings),
            objections: Objections::None,
        })
    };
    assert_eq!(
        desk.run(job("{}")).report.unwrap_err().message,
        "the file is not Parquet"
    );
    let failure = desk.run(job("{\"seed\": 1, \"x\": 2}")).report.unwrap_err();
    assert_eq!(
        failure.message,
        "the linkage settings are not what the engine knows"
    );
}
