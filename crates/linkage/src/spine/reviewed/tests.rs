use super::*;
use crate::column::Role;
use crate::spine::{Step, link};

const ROLES: [Role; 4] = [
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Postcode,
];

fn file(rows: &[[&str; 4]]) -> Records {
    Records {
        ids: (0..rows.len() as u64).map(|row| row + 100).collect(),
        columns: ROLES
            .iter()
            .enumerate()
            .map(|(place, role)| (*role, rows.iter().map(|row| Some(row[place])).collect()))
            .collect(),
    }
}

/// A hundred people of whom the file has the first sixty, every tenth with another surname and home.
fn people() -> (Records, Records) {
    let forenames = [
        "Una", "Bran", "Senga", "Keir", "Iona", "Gus", "Effie", "Rory", "Ailsa", "Ewan",
    ];
    let surnames = [
        "Gow", "Mair", "Orr", "Tait", "Weir", "Lyle", "Hay", "Dow", "Reid", "Bain", "Muir",
    ];
    let rows: Vec<[String; 4]> = (0..100_usize)
        .map(|i| {
            [
                forenames[i * 7 % 10].to_owned(),
                surnames[i * 3 % 11].to_owned(),
                format!(
                    "{}-{:02}-{:02}",
                    1930 + i * 13 % 70,
                    1 + i * 5 % 12,
                    1 + i * 11 % 28
                ),
                format!("EH{} {}AB", 1 + i % 16, i % 9 + 1),
            ]
        })
        .collect();
    let mut left: Vec<[String; 4]> = rows[..60].to_vec();
    for row in left.iter_mut().step_by(10) {
        row[1] = "Zander".into();
        row[3] = "ZE1 1ZZ".into();
    }
    let of = |rows: &[[String; 4]]| {
        let rows: Vec<[&str; 4]> = rows
            .iter()
            .map(|r| [&*r[0], &*r[1], &*r[2], &*r[3]])
            .collect();
        file(&rows)
    };
    (of(&left), of(&rows))
}

fn pairs(linked: &Linked) -> BTreeSet<(u64, u64)> {
    linked.links.iter().map(|l| (l.left, l.spine)).collect()
}

#[test]
fn pairs_to_judge_are_the_same_every_time_and_none_of_whom_objected() {
    let (left, spine) = people();
    let settings = Settings::standard();
    let plain = link(&left, &spine, &settings).unwrap();
    let choose = |withheld: &[u64]| {
        let withheld = withheld.iter().copied().collect();
        link_for_review(&left, &spine, &settings, 25, &withheld).unwrap()
    };
    let (linked, chosen) = choose(&[]);
    assert_eq!(linked, plain, "choosing changes no link");
    assert_eq!(chosen.len(), 25);
    assert_eq!(choose(&[]).1, chosen);
    let objected: Vec<u64> = chosen
        .iter()
        .map(|pair| spine.ids[pair.spine])
        .take(5)
        .collect();
    let (_, others) = choose(&objected);
    assert!(
        others
            .iter()
            .all(|pair| !objected.contains(&spine.ids[pair.spine]))
    );
}

#[test]
fn what_people_settled_stands_whatever_the_model_says() {
    let (left, spine) = people();
    let settings = Settings::standard();
    let before = pairs(&link(&left, &spine, &settings).unwrap());
    let mut those = before.iter().copied();
    let (parted, moved) = (those.next().unwrap(), those.next().unwrap());
    // Somebody of the spine whom nobody is linked to.
    let free = spine
        .ids
        .iter()
        .copied()
        .find(|id| before.iter().all(|(_, s)| s != id))
        .unwrap();
    let decided = [
        Decided {
            left: parted.0,
            spine: parted.1,
            same: false,
        },
        Decided {
            left: moved.0,
            spine: free,
            same: true,
        },
    ];
    let (linked, moves) = link_decided(&left, &spine, &settings, &decided).unwrap();
    let after = pairs(&linked);
    assert!(
        !after.contains(&parted) && !after.contains(&moved) && after.contains(&(moved.0, free))
    );
    let mut expected = before.clone();
    expected.remove(&parted);
    expected.remove(&moved);
    expected.insert((moved.0, free));
    assert_eq!(after, expected);
    assert_eq!(
        moves,
        Moves {
            joined: 1,
            parted: 2,
            contradicting: 0
        }
    );
    let reviewed: Vec<_> = linked
        .links
        .iter()
        .filter(|l| l.step == Step::Reviewed)
        .collect();
    assert_eq!(reviewed.len(), 1);
    assert_eq!(linked.report.links[&Step::Reviewed], 1);
    // What the model says anyhow moves nothing.
    let same = [Decided {
        left: moved.0,
        spine: moved.1,
        same: true,
    }];
    let (_, moves) = link_decided(&left, &spine, &settings, &same).unwrap();
    assert_eq!(moves, Moves::default());
}

#[test]
fn no_decision_is_no_change() {
    let (left, spine) = people();
    let settings = Settings::standard();
    let (linked, moves) = link_decided(&left, &spine, &settings, &[]).unwrap();
    assert_eq!(linked, link(&left, &spine, &settings).unwrap());
    assert_eq!(moves, Moves::default());
}

#[test]
fn a_record_that_would_be_two_people_is_left_to_the_model() {
    let (left, spine) = people();
    let settings = Settings::standard();
    let before = pairs(&link(&left, &spine, &settings).unwrap());
    let one = *before.first().unwrap();
    let other = *spine.ids.iter().find(|id| **id != one.1).unwrap();
    let decided = [one.1, other].map(|spine| Decided {
        left: one.0,
        spine,
        same: true,
    });
    let (linked, moves) = link_decided(&left, &spine, &settings, &decided).unwrap();
    assert_eq!(moves.contradicting, 2);
    assert_eq!(pairs(&linked), before);
}

#[test]
fn a_pair_of_records_that_are_not_there_is_refused() {
    let (left, spine) = people();
    let settings = Settings::standard();
    let nowhere = [Decided {
        left: 100,
        spine: 9,
        same: true,
    }];
    let refused = link_decided(&left, &spine, &settings, &nowhere);
    assert_eq!(refused.unwrap_err(), LinkError::UnknownPair);
    let empty = file(&[]);
    let (linked, pairs) = link_for_review(&empty, &spine, &settings, 5, &BTreeSet::new()).unwrap();
    assert!(linked.links.is_empty() && pairs.is_empty());
    assert!(link_decided(&empty, &spine, &settings, &nowhere).is_err());
}
