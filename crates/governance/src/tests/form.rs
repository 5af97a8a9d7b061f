//! The application form and the data dictionary: what cannot be asked for or declared at all.

use std::collections::BTreeSet;

use super::samples::*;
use crate::Refusal;
use crate::dataset::{ColumnKind, Dictionary, Purpose};
use crate::request::{EventPseudonym, PEOPLE_MAX, Request, RowFilter, SUMMARY_MAX, Transform};

fn form(change: impl FnOnce(&mut Request)) -> Result<(), Refusal> {
    let mut asked = request();
    change(&mut asked);
    asked.validate(&who(AUTHOR), &datasets())
}

/// A request for one variable under a transform.
fn asking(name: &str, transform: Transform) -> Result<(), Refusal> {
    form(|r| r.datasets[0].variables = vec![ask(name, transform)])
}

fn age_at(date: &str) -> Transform {
    Transform::AgeAt { date: date.into() }
}

#[test]
fn the_sample_can_be_submitted() {
    assert_eq!(form(|_| {}), Ok(()));
}

#[test]
fn a_date_of_birth_and_a_postcode_leave_coarsened_or_not_at_all() {
    use Transform::{Keep, Order, PostcodeArea, PostcodeDistrict, Year, YearMonth};
    for (name, fit, unfit) in [
        (
            "born",
            vec![Year, YearMonth, age_at("admitted")],
            vec![
                Keep,
                Order,
                PostcodeArea,
                PostcodeDistrict,
                age_at("born"),
                age_at("ward"),
                age_at("nowhere"),
            ],
        ),
        (
            "home",
            vec![PostcodeArea, PostcodeDistrict],
            vec![Keep, Order, Year, YearMonth, age_at("admitted")],
        ),
        (
            "admitted",
            vec![Keep, Year, YearMonth, Order],
            vec![PostcodeArea, PostcodeDistrict, age_at("admitted")],
        ),
        (
            "ward",
            vec![Keep],
            vec![Order, Year, YearMonth, PostcodeArea, age_at("admitted")],
        ),
        ("days", vec![Keep, Order], vec![Year, PostcodeDistrict]),
    ] {
        for transform in fit {
            assert_eq!(asking(name, transform.clone()), Ok(()), "{transform:?}");
        }
        for transform in unfit {
            let asked = asking(name, transform.clone());
            assert!(
                matches!(asked, Err(Refusal::Form(_))),
                "{name} {transform:?}"
            );
        }
    }
}

#[test]
fn another_name_in_the_extract_does_not_lift_the_rule() {
    let asked = form(|r| {
        let mut disguised = ask("ward2", Transform::Keep);
        disguised.source = Some("born".into());
        r.datasets[0].variables = vec![disguised];
    });
    assert!(matches!(asked, Err(Refusal::Form(_))));
}

#[test]
fn identifiers_of_the_dictionary_cannot_be_asked_for() {
    for name in ["chi", "record_no", "stay"] {
        assert!(
            matches!(asking(name, Transform::Keep), Err(Refusal::Form(_))),
            "{name}"
        );
    }
}

#[test]
fn rows_cannot_be_chosen_by_an_identifier_or_by_nothing() {
    let chosen = |filter: RowFilter| form(|r| r.datasets[0].rows = vec![filter]);
    let one_of = |column: &str, values: Vec<String>| RowFilter::In {
        column: column.into(),
        values,
    };
    let between = |column: &str| RowFilter::Between {
        column: column.into(),
        from: "1950-01-01".into(),
        to: "1950-01-01".into(),
    };
    assert_eq!(chosen(one_of("ward", vec!["A".into()])), Ok(()));
    assert_eq!(chosen(between("admitted")), Ok(()));
    for filter in [
        between("born"),
        one_of("home", vec!["EH1 1AA".into()]),
        one_of("chi", vec!["1".into()]),
        one_of("ward", Vec::new()),
        one_of("ward", vec![String::new(); 10_001]),
    ] {
        let column = filter.column().to_owned();
        assert!(matches!(chosen(filter), Err(Refusal::Form(_))), "{column}");
    }
}

#[test]
fn a_form_with_a_fault_is_not_submitted() {
    type Fault = fn(&mut Request);
    let faults: [(&str, Fault); 18] = [
        ("no title", |r| r.title = "  ".into()),
        ("a long title", |r| r.title = "x".repeat(201)),
        ("a long summary", |r| {
            r.lay_summary = "x".repeat(SUMMARY_MAX + 1);
        }),
        ("no benefit", |r| r.public_benefit = String::new()),
        ("the author is not on it", |r| {
            r.people = BTreeSet::from([who(MEMBER)]);
        }),
        ("a crowd", |r| {
            r.people
                .extend((0..PEOPLE_MAX).map(|n| who(&format!("x{n}"))));
        }),
        ("ends before it begins", |r| r.end = day("2026-02-28")),
        ("a cell for a nation", |r| r.minimum_cell = 10_001),
        ("no dataset", |r| r.datasets.clear()),
        ("a dataset twice", |r| {
            r.datasets[1].dataset = id("dst_a");
        }),
        ("an unknown dataset", |r| {
            r.datasets[1].dataset = id("dst_c");
        }),
        ("no variable", |r| r.datasets[0].variables.clear()),
        ("a variable twice", |r| {
            let again = r.datasets[0].variables[1].clone();
            r.datasets[0].variables.push(again);
        }),
        ("no reason", |r| {
            r.datasets[0].variables[1].why = " ".into();
        }),
        ("an unknown variable", |r| {
            r.datasets[0].variables[1].name = "height".into();
        }),
        ("a reserved name", |r| {
            r.datasets[0].variables[1].source = Some("ward".into());
            r.datasets[0].variables[1].name = "person".into();
        }),
        ("a name that is code", |r| {
            r.datasets[0].variables[1].source = Some("ward".into());
            r.datasets[0].variables[1].name = "x\" ; drop".into();
        }),
        ("an unknown filter", |r| {
            r.datasets[0].rows = vec![RowFilter::In {
                column: "height".into(),
                values: vec!["1".into()],
            }];
        }),
    ];
    for (what, fault) in faults {
        assert!(matches!(form(fault), Err(Refusal::Form(_))), "{what}");
    }
}

#[test]
fn an_event_pseudonym_needs_a_dataset_that_numbers_events() {
    let with_events = |r: &mut Request| r.datasets[0].event = EventPseudonym::Present;
    assert_eq!(form(with_events), Ok(()));
    let mut asked = request();
    with_events(&mut asked);
    let mut without = datasets();
    let of = without.get_mut(&asked.datasets[0].dataset).unwrap();
    of.dictionary.event = None;
    assert!(matches!(
        asked.validate(&who(AUTHOR), &without),
        Err(Refusal::Form(_))
    ));
}

#[test]
fn a_spine_and_an_objection_list_cannot_be_asked_for() {
    for purpose in [Purpose::Spine, Purpose::Objections] {
        let mut catalogue = datasets();
        catalogue.insert(id("dst_a"), instructed("a", purpose));
        let asked = request().validate(&who(AUTHOR), &catalogue);
        assert!(matches!(asked, Err(Refusal::Form(_))), "{purpose:?}");
    }
}

/// An extract names its tables by the dictionaries: two of one name could be approved and never be cut.
#[test]
fn two_datasets_of_one_table_are_not_asked_for_together() {
    let mut catalogue = datasets();
    for dataset in catalogue.values_mut() {
        dataset.dictionary.table = "stays".into();
    }
    let both = request().validate(&who(AUTHOR), &catalogue);
    assert!(
        matches!(&both, Err(Refusal::Form(why)) if why.contains("the table stays")),
        "{both:?}"
    );
    let mut one = request();
    one.datasets.truncate(1);
    assert_eq!(one.validate(&who(AUTHOR), &catalogue), Ok(()));
}

fn declared(change: impl FnOnce(&mut Dictionary)) -> Result<(), Refusal> {
    let mut dictionary = dictionary(Purpose::Payload);
    change(&mut dictionary);
    dictionary.validate()
}

#[test]
fn no_variable_is_an_identifier_under_its_own_name() {
    let with = |column: &str, role: &str, kind: ColumnKind| {
        declared(|d| {
            d.identifiers.insert(column.into(), role.into());
            d.variables.push(variable(column, kind));
        })
    };
    for role in [
        "forename",
        "surname",
        "address_1",
        "chi",
        "nhs_number",
        "telephone",
        "email",
        "field",
        "a role yet to come",
    ] {
        assert!(
            matches!(
                with("column", role, ColumnKind::Text),
                Err(Refusal::Invalid(_))
            ),
            "{role}"
        );
    }
    // The same column to every reader that folds letters, as SQL does.
    for record in ["CHI", "Chi"] {
        let shouted = declared(|d| {
            d.identifiers = [(record.into(), "chi".into())].into();
            d.variables.push(variable("chi", ColumnKind::Text));
        });
        assert!(matches!(shouted, Err(Refusal::Invalid(_))), "{record}");
        let numbered = declared(|d| {
            d.record = record.into();
            d.identifiers = [("name".into(), "surname".into())].into();
            d.variables.push(variable("chi", ColumnKind::Text));
        });
        assert!(matches!(numbered, Err(Refusal::Invalid(_))), "{record}");
    }
    assert!(with("dob", "date_of_birth", ColumnKind::Date).is_err());
    assert!(with("dob", "date_of_birth", ColumnKind::Text).is_err());
    assert!(with("postcode", "postcode", ColumnKind::Text).is_err());
    assert_eq!(
        with("dob", "date_of_birth", ColumnKind::DateOfBirth),
        Ok(())
    );
    assert_eq!(with("postcode", "postcode", ColumnKind::Postcode), Ok(()));
    for role in ["sex", "locality", "region"] {
        assert_eq!(with("column", role, ColumnKind::Text), Ok(()), "{role}");
    }
    let record = declared(|d| {
        d.variables.push(variable("record_no", ColumnKind::Integer));
    });
    assert!(matches!(record, Err(Refusal::Invalid(_))));
}

/// The number itself would lead back to the provider's records.
#[test]
fn of_an_event_number_only_the_order_can_be_asked_for() {
    let asked = |transform: Transform, rows: Vec<RowFilter>| {
        let mut catalogue = datasets();
        let of = catalogue.get_mut(&id("dst_a")).unwrap();
        of.dictionary
            .variables
            .push(variable("stay", ColumnKind::Integer));
        of.dictionary.validate().unwrap();
        let mut asked = request();
        let mut renamed = ask("position", transform);
        renamed.source = Some("stay".into());
        asked.datasets[0].variables.push(renamed);
        asked.datasets[0].rows = rows;
        asked.validate(&who(AUTHOR), &catalogue)
    };
    assert_eq!(asked(Transform::Order, Vec::new()), Ok(()));
    assert!(matches!(
        asked(Transform::Keep, Vec::new()),
        Err(Refusal::Form(_))
    ));
    let one = RowFilter::Between {
        column: "stay".into(),
        from: "7".into(),
        to: "7".into(),
    };
    assert!(matches!(
        asked(Transform::Order, vec![one]),
        Err(Refusal::Form(_))
    ));
}

#[test]
fn a_dictionary_with_a_fault_is_not_registered() {
    type Fault = fn(&mut Dictionary);
    let faults: [(&str, Fault); 9] = [
        ("no title", |d| d.title = " ".into()),
        ("a table that is code", |d| d.table = "a; drop".into()),
        ("no identifier", |d| d.identifiers.clear()),
        ("a variable twice", |d| {
            d.variables.push(variable("ward", ColumnKind::Text));
        }),
        ("a reserved name", |d| {
            d.variables.push(variable("person", ColumnKind::Text));
        }),
        ("a capital", |d| {
            d.variables.push(variable("Ward", ColumnKind::Text));
        }),
        ("no variable", |d| d.variables.clear()),
        ("a spine with variables", |d| d.purpose = Purpose::Spine),
        ("too many", |d| {
            for n in 0..=crate::dataset::COLUMNS_MAX {
                d.variables
                    .push(variable(&format!("x{n}"), ColumnKind::Integer));
            }
        }),
    ];
    assert_eq!(declared(|_| {}), Ok(()));
    for (what, fault) in faults {
        assert!(
            matches!(declared(fault), Err(Refusal::Invalid(_))),
            "{what}"
        );
    }
}
