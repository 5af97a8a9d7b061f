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
            review: ReviewStage::None,
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
        review: None,
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
            review: ReviewStage::None,
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

/// The pairs of the first forty people, of whom five are spelt another way and have no number.
fn to_review() -> (Desk, Vec<String>) {
    let people = population();
    let mut delivered = people[..40].to_vec();
    for row in delivered.iter_mut().step_by(8) {
        let mut cells: Vec<&str> = row.split(',').collect();
        (cells[1], cells[3], cells[4]) = ("Zander", "", "ZE1 1ZZ");
        *row = cells.join(",");
    }
    let desk = Desk::with("identifiers.parquet", loaded(&delivered, "d"))
        .and("spine.parquet", loaded(&people, "s"))
        .and("objections.parquet", loaded(&people[5..8], "o"));
    (desk, delivered)
}

fn link_job(review: ReviewStage) -> Job {
    Job::Link(Link {
        settings: text("{}"),
        objections: Objections::Listed,
        review,
    })
}

fn chosen(desk: &Desk, most: u32) -> (Vec<u8>, protocol::pairs::Head, Vec<protocol::pairs::Pair>) {
    let done = desk.run(link_job(ReviewStage::Choose { pairs: most }));
    let Ok(Report::Pairs { pairs, records: 40 }) = done.report else {
        panic!("{:?}", done.report)
    };
    assert_eq!(
        done.files.keys().collect::<Vec<_>>(),
        ["pairs.jsonl"],
        "no link"
    );
    let bytes = done.files["pairs.jsonl"].clone();
    let (head, shown) = protocol::pairs::read(&bytes).unwrap();
    assert_eq!((head.pairs, shown.len() as u32), (pairs, pairs));
    (bytes, head, shown)
}

#[test]
fn pairs_to_judge_are_records_side_by_side_and_no_word_of_the_model() {
    let (desk, delivered) = to_review();
    let (bytes, head, shown) = chosen(&desk, 25);
    assert_eq!(shown.len(), 25);
    let fields: Vec<&str> = head.fields.iter().map(String::as_str).collect();
    for role in ["forename", "surname", "date_of_birth", "chi", "postcode"] {
        assert!(fields.contains(&role), "{fields:?}");
    }
    let surname = fields.iter().position(|field| *field == "surname").unwrap();
    let people = population();
    for pair in &shown {
        let [record, spine] = &pair.values[surname];
        let of = |rows: &[String], n: u64| {
            let row = &rows[usize::try_from(n).unwrap()];
            Some(row.split(',').nth(1).unwrap().to_owned())
        };
        assert!(*record == of(&delivered, pair.record) && *spine == of(&people, pair.spine));
        assert!(!(5..8).contains(&pair.spine), "who objected is not shown");
    }
    let told = String::from_utf8(bytes.clone()).unwrap();
    for word in ["weight", "probability", "step", "band"] {
        assert!(!told.contains(word), "{word}");
    }
    assert_eq!(chosen(&desk, 25).0, bytes, "the same every time");
    assert_eq!(chosen(&desk, 3).2.len(), 3);
}

#[test]
fn what_is_settled_is_linked_under_the_settings_of_the_pairs() {
    let (desk, _) = to_review();
    let (bytes, _, shown) = chosen(&desk, 25);
    // What a job makes lies in its folder: another job has another.
    let plain = to_review().0.run(link_job(ReviewStage::None));
    let before = links_of(&plain.files["links"]);
    let pair = |n: usize| (shown[n].record, shown[n].spine);
    let is_link = |n: &usize| before.contains(&pair(*n));
    let parted = (0..shown.len()).find(is_link).unwrap();
    let other = (0..shown.len()).find(|n| !is_link(n));
    let said = |n: usize| match n {
        n if n == parted => [Some(false), Some(false), Some(false)],
        n if Some(n) == other => [Some(true), Some(true), Some(true)],
        0..4 => [Some(true), Some(false), None],
        _ => [None, None, None],
    };
    let said = (0..shown.len())
        .map(said)
        .map(|[first, second, decided]| Said {
            first,
            second,
            decided,
        });
    let said: Vec<Said> = said.collect();
    let desk = desk.and(protocol::pairs::NAME, &bytes);
    // The job's own settings are another site's by now: those of the pairs hold.
    let job = Job::Link(Link {
        settings: text("{\"threshold_probability\": 0.5}"),
        objections: Objections::Listed,
        review: ReviewStage::Settled { said: said.clone() },
    });
    let done = desk.run(job);
    let Ok(Report::Link {
        review: Some(review),
        linked,
        ..
    }) = &done.report
    else {
        panic!("{:?}", done.report)
    };
    let after = links_of(&done.files["links"]);
    let mut expected = before.clone();
    expected.remove(&pair(parted));
    if let Some(other) = other {
        expected.retain(|(record, _)| *record != pair(other).0);
        expected.insert(pair(other));
        assert_eq!(linked["reviewed"], 1);
    }
    assert_eq!(after, expected);
    let decided = said.iter().filter(|one| one.decided.is_some()).count();
    assert_eq!((review.pairs, review.undecided), (25, 25 - decided as u32));
    assert_eq!(review.joined, after.difference(&before).count() as u64);
    assert_eq!(review.parted, before.difference(&after).count() as u64);
    let both = said.iter().filter(|one| one.first.is_some()).count() as u32;
    let alike = said
        .iter()
        .filter(|one| one.first.is_some() && one.first == one.second);
    assert_eq!((review.both, review.alike), (both, alike.count() as u32));

    let (desk, _) = to_review();
    let desk = desk.and(protocol::pairs::NAME, &bytes);
    let few = desk.run(link_job(ReviewStage::Settled {
        said: said[1..].to_vec(),
    }));
    assert!(few.report.unwrap_err().message.contains("as many answers"));
}

/// Record and spine of each link.
fn links_of(bytes: &[u8]) -> std::collections::BTreeSet<(u64, u64)> {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    bytes
        .chunks(17)
        .map(|entry| (number(&entry[..8]), number(&entry[8..16])))
        .collect()
}

#[test]
fn nothing_to_judge_is_linked_at_once_and_broken_pairs_are_refused() {
    let people = population();
    let desk = Desk::with("identifiers.parquet", loaded(&people[5..8], "d"))
        .and("spine.parquet", loaded(&people, "s"))
        .and("objections.parquet", loaded(&people[5..8], "o"));
    let done = desk.run(link_job(ReviewStage::Choose { pairs: 5 }));
    let Ok(Report::Link {
        review: Some(review),
        withheld: 3,
        ..
    }) = done.report
    else {
        panic!("{:?}", done.report)
    };
    assert_eq!(review.pairs, 0);
    let desk = desk.and(protocol::pairs::NAME, "{\"SECRET\": 1}\n");
    let refused = desk.run(link_job(ReviewStage::Settled { said: Vec::new() }));
    let message = refused.report.unwrap_err().message;
    assert_eq!(
        message,
        "the pairs of the review are not what a link job chose"
    );
}
