use proptest::prelude::*;

use super::super::release::Labels;
use super::*;

fn any_release() -> impl Strategy<Value = Release> {
    let cell = (
        ".{0,12}",
        proptest::option::of(-1e6..1e6),
        proptest::collection::vec(0_u32..50, 0..40),
    );
    proptest::collection::vec(cell, 0..9).prop_map(|cells| {
        let cells = cells
            .into_iter()
            .map(|(key, value, people)| CellPeople { key, value, people })
            .collect();
        Release::new(about("t"), 50, cells).unwrap()
    })
}

proptest! {
    #[test]
    fn a_release_is_read_back_as_it_was(release in any_release()) {
        prop_assert_eq!(&Release::from_bytes(&release.to_bytes()).unwrap(), &release);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_and_never_panic(
        release in any_release(),
        at in 0_usize..400,
        byte in any::<u8>(),
        end in 0_usize..400,
    ) {
        let mut bytes = release.to_bytes();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        if let Ok(read) = Release::from_bytes(&bytes) {
            let _ = compare(&read, std::slice::from_ref(&release), 3);
        }
        let mut cut = release.to_bytes();
        cut.truncate(end.min(cut.len().saturating_sub(1)));
        prop_assert!(Release::from_bytes(&cut).is_err());
    }
}

/// A table of `across` rows of cells by `down` columns of them, each person in one of both; the last is in none.
fn crossed(across: u32, down: u32) -> Release {
    let count = across * down;
    let cell = |key: String, of: &dyn Fn(u32) -> bool| CellPeople {
        key,
        value: None,
        people: (0..count).filter(|person| of(*person)).collect(),
    };
    let rows = (0..across).map(|row| cell(format!("row {row}"), &|person| person / down == row));
    let columns = (0..down).map(|column| {
        cell(format!("column {column}"), &|person| {
            person % down == column
        })
    });
    Release::new(
        about("t"),
        count as usize + 1,
        rows.chain(columns).collect(),
    )
    .unwrap()
}

#[test]
fn labels_of_every_width_are_read_back_and_none_past_the_last() {
    let mut widths = std::collections::BTreeSet::new();
    for (across, down) in [
        (1, 1),
        (1, 3),
        (2, 3),
        (3, 4),
        (5, 6),
        (7, 9),
        (8, 15),
        (11, 23),
        (15, 17),
        (16, 16),
        (20, 25),
        (31, 33),
        (40, 50),
        (50, 80),
        (80, 100),
        (100, 160),
        (150, 210),
        (240, 270),
    ] {
        let release = crossed(across, down);
        let labels = release.within.len();
        assert_eq!(labels, (across * down) as usize + 1);
        let bits = (labels as f64).log2().ceil() as usize;
        widths.insert(bits);
        assert_eq!(
            matches!(release.labels, Labels::Narrow(_)),
            labels <= 1 << 8,
            "{labels} labels"
        );
        let mut bytes = release.to_bytes();
        assert!(
            Release::from_bytes(&bytes).unwrap() == release,
            "{bits} bits"
        );
        // The first person's label, all ones: no label unless there are as many as bits can tell apart.
        let packed = (release.population() * bits).div_ceil(8);
        let first = bytes.len() - packed;
        for bit in 0..bits {
            bytes[first + bit / 8] |= 1 << (bit % 8);
        }
        assert_eq!(
            Release::from_bytes(&bytes).is_err(),
            labels < 1 << bits,
            "{labels} labels"
        );
    }
    assert!(widths.into_iter().eq(1..=16));
}

#[test]
fn labels_take_as_many_bits_as_they_need() {
    let two = release(
        "t",
        8_000,
        &[("a", people(0..4_000)), ("b", people(4_000..8_000))],
    );
    assert!(two.to_bytes().len() < 2_300, "two bits each");
}

#[test]
fn its_debug_shows_no_person() {
    let shown = format!("{:?}", release("t", 30, &[("women in R2", people(0..17))]));
    assert_eq!(shown, "Release { name: \"t\", cells: 1, .. }");
}
