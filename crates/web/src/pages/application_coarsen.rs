//! How a variable may be coarsened: the words of the form's select, the names that follow from them, and
//! what the catalogue says of it.

use governance::dataset::{ColumnKind, Dictionary, Variable};
use governance::request::Transform;

/// What the select sends before the date of an age.
const AGE_AT: &str = "age_at:";

/// A transform as the select sends it.
pub(crate) fn how(transform: &Transform) -> String {
    match transform {
        Transform::Keep => "keep".into(),
        Transform::AgeAt { date } => format!("{AGE_AT}{date}"),
        Transform::YearMonth => "year_month".into(),
        Transform::Year => "year".into(),
        Transform::PostcodeDistrict => "postcode_district".into(),
        Transform::PostcodeArea => "postcode_area".into(),
        Transform::Order => "order".into(),
    }
}

/// The transform that the select sent.
pub(crate) fn transform(how: &str) -> Option<Transform> {
    if let Some(date) = how.strip_prefix(AGE_AT) {
        return Some(Transform::AgeAt { date: date.into() });
    }
    Some(match how {
        "keep" => Transform::Keep,
        "year_month" => Transform::YearMonth,
        "year" => Transform::Year,
        "postcode_district" => Transform::PostcodeDistrict,
        "postcode_area" => Transform::PostcodeArea,
        "order" => Transform::Order,
        _ => return None,
    })
}

/// The usual name in an extract.
pub(crate) fn name_for(source: &str, transform: &Transform) -> String {
    match transform {
        Transform::Keep => source.to_owned(),
        Transform::AgeAt { date } => format!("{source}_age_at_{date}"),
        Transform::YearMonth => format!("{source}_month"),
        Transform::Year => format!("{source}_year"),
        Transform::PostcodeDistrict => format!("{source}_district"),
        Transform::PostcodeArea => format!("{source}_area"),
        Transform::Order => format!("{source}_order"),
    }
}

/// Ways in which a variable can be asked for, with their words; of a day or a place the coarsest first, which
/// is what somebody gets who does not choose. What is offered here is judged again when
/// the application is submitted.
pub(crate) fn ways(variable: &Variable, dictionary: &Dictionary) -> Vec<(String, String)> {
    let way = |transform: Transform, text: &str| (how(&transform), text.to_owned());
    let order = way(
        Transform::Order,
        "its order among the person's rows, from 1",
    );
    if dictionary.event.as_deref() == Some(variable.name.as_str()) {
        return vec![order];
    }
    let keep = way(Transform::Keep, "as delivered");
    let month = way(Transform::YearMonth, "first day of the month");
    let year = way(Transform::Year, "calendar year");
    match variable.kind {
        ColumnKind::Text => vec![keep],
        ColumnKind::Integer | ColumnKind::Number => vec![keep, order],
        ColumnKind::Date => vec![year, month, keep, order],
        ColumnKind::DateOfBirth => {
            let dates = dictionary.variables.iter();
            let ages = dates.filter(|v| v.kind == ColumnKind::Date).map(|date| {
                let date = &date.name;
                let text = format!("age in completed years at {date}, 90 and over as 90");
                way(Transform::AgeAt { date: date.clone() }, &text)
            });
            ages.chain([year, month]).collect()
        }
        ColumnKind::Postcode => vec![
            way(Transform::PostcodeArea, "postcode area, such as EH"),
            way(
                Transform::PostcodeDistrict,
                "postcode district, such as EH1",
            ),
        ],
    }
}

/// What the values of a variable are.
pub(crate) fn values(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "Text",
        ColumnKind::Integer => "Whole number",
        ColumnKind::Number => "Number",
        ColumnKind::Date => "Day (year-month-day)",
        ColumnKind::DateOfBirth => "Date of birth",
        ColumnKind::Postcode => "Postcode",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn dictionary() -> Dictionary {
        serde_json::from_str(
            r#"{ "title": "Stays", "table": "stays", "purpose": "payload", "record": "record",
                 "identifiers": { "chi": "chi" }, "event": "stay",
                 "variables": [ { "name": "ward", "kind": "text" }, { "name": "days", "kind": "integer" },
                   { "name": "cost", "kind": "number" }, { "name": "admitted", "kind": "date" },
                   { "name": "born", "kind": "date_of_birth" }, { "name": "postcode", "kind": "postcode" },
                   { "name": "stay", "kind": "integer" } ] }"#,
        )
        .unwrap()
    }

    #[test]
    fn every_way_that_is_offered_is_one_that_may_be_asked_for() {
        let expected = [
            ("ward", "keep"),
            ("days", "keep order"),
            ("cost", "keep order"),
            ("admitted", "year year_month keep order"),
            ("born", "age_at:admitted year year_month"),
            ("postcode", "postcode_area postcode_district"),
            // The provider's own number would lead back to its records.
            ("stay", "order"),
        ];
        let dictionary = dictionary();
        for (name, ways_expected) in expected {
            let variable = dictionary.variable(name).unwrap();
            let offered: Vec<String> = ways(variable, &dictionary)
                .into_iter()
                .map(|(w, _)| w)
                .collect();
            assert_eq!(offered.join(" "), ways_expected, "{name}");
            for word in offered {
                let transform = transform(&word).unwrap();
                assert_eq!(how(&transform), word);
                let mut request = super::super::application_draft::tests::request();
                request.datasets.truncate(1);
                request.datasets[0].rows.clear();
                request.datasets[0].variables.truncate(1);
                let asked = &mut request.datasets[0].variables[0];
                asked.name = name_for(name, &transform);
                asked.source = Some(name.into());
                asked.transform = transform;
                let dataset = governance::dataset::Dataset {
                    id: "dst_stays".parse().unwrap(),
                    controller: "per_c".parse().unwrap(),
                    identifiers_from: "per_i".parse().unwrap(),
                    payload_from: "per_p".parse().unwrap(),
                    dictionary: dictionary.clone(),
                    instruction: None,
                };
                let author = "per_rowan".parse().unwrap();
                let datasets = [(dataset.id.clone(), dataset)].into();
                assert_eq!(
                    request.validate(&author, &datasets),
                    Ok(()),
                    "{name} {word}"
                );
            }
        }
    }
}
