use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_goes_in_comes_out(values in proptest::collection::vec(proptest::option::of(".{0,6}"), 0..200)) {
        let column: Column = values.iter().map(|value| value.as_deref()).collect();
        prop_assert_eq!(column.len(), values.len());
        let back: Vec<Option<String>> = column.iter().map(|value| value.map(str::to_owned)).collect();
        prop_assert_eq!(back, values);
        prop_assert_eq!(column.get(column.len()), None);
    }
}

#[test]
fn an_empty_text_is_not_a_null() {
    let column = Column::from_iter([Some(""), None, Some("x")]);
    assert_eq!(column.get(0), Some(""));
    assert_eq!(column.get(1), None);
    assert_eq!(column.get(2), Some("x"));
}

#[test]
fn roles_have_one_spelling() {
    for role in Role::ALL {
        let json = serde_json::to_string(&role).unwrap();
        assert_eq!(json, format!("\"{role}\""));
        assert_eq!(serde_json::from_str::<Role>(&json).unwrap(), role);
    }
}
