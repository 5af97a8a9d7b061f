//! Skewness beside means: its own margins are hidden, and the means have their pattern.

use super::spreads::{Inner, KEYS, LEVELS, cube, inside, mean, rules};
use super::*;

/// The third central moment over the third power of the standard deviation.
fn skewness(values: &[f64]) -> f64 {
    let middle = mean(values);
    let moment = |power| values.iter().map(|v| (v - middle).powi(power)).sum::<f64>();
    let n = values.len() as f64;
    moment(3) / n / (moment(2) / n).powf(1.5)
}

/// Ten people in one group, too few for its skewness and enough for its mean, and four in another.
fn few_in_two_groups() -> Evidence {
    let mut inner = Inner::new();
    for (number, (k, l)) in KEYS
        .iter()
        .flat_map(|k| LEVELS.map(|l| (*k, l)))
        .enumerate()
    {
        let people = match number {
            1 => 10,
            6 => 4,
            _ => 30,
        };
        let values = (0..people).map(|v| 40.0 + f64::from((v * v + number as i32) % 17));
        inner.insert((k, l), values.collect());
    }
    let mut evidence = cube(&inner, true);
    for group in &mut evidence.groups {
        let values = inside(&inner, group.key[0].text(), group.key[1].text());
        group.values[2] = Datum::Number(skewness(&values).to_string());
    }
    assert_eq!(evidence.validate(), Ok(()));
    evidence
}

#[test]
fn skewness_is_hidden_wherever_it_shares_people_and_means_are_not() {
    let report = check(&few_in_two_groups(), &rules());
    assert_eq!(report.verdict, Verdict::Treat);
    let output = &report.outputs[0];
    let place = |key: &Key| -> Vec<Option<String>> {
        let values = key.0.iter();
        values
            .map(|(_, value)| value.text().map(str::to_owned))
            .collect()
    };
    let primary = output
        .cells
        .iter()
        .filter(|cell| cell.status == Status::Primary);
    let few: Vec<Vec<Option<String>>> = primary
        .filter(|cell| cell.column == "spread")
        .map(|cell| place(&cell.key))
        .collect();
    assert_eq!(few.len(), 2);
    for row in &output.treated_rows {
        let own: Vec<Option<String>> = row[..2]
            .iter()
            .map(|value| value.text().map(str::to_owned))
            .collect();
        let shares = few.iter().any(|other| {
            let mut keys = own.iter().zip(other);
            keys.all(|(one, other)| one.is_none() || other.is_none() || one == other)
        });
        assert!(!shares || row[2] == Datum::Missing, "{}", picture(&report));
    }
    // The total mean and all margins of means stay: only a pattern within is hidden.
    let margins = output
        .treated_rows
        .iter()
        .filter(|row| row[..2].contains(&Datum::Missing) && row[3] != Datum::Missing);
    assert_eq!(
        margins.count(),
        KEYS.len() + LEVELS.len() + 1,
        "{}",
        picture(&report)
    );
    let means = output.cells.iter().filter(|cell| cell.column == "mean");
    let hidden = means.filter(|cell| cell.status != Status::Ok).count();
    assert!((2..=4).contains(&hidden), "{}", picture(&report));
}
