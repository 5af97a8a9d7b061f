//! The JSON forms of a request: strict (no unknown and no doubled field), with a few accepted spellings.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{
    BoolDeserializer, F64Deserializer, I64Deserializer, MapAccessDeserializer, StrDeserializer,
    U64Deserializer,
};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use crate::PrivacyError;

/// Reads the text.
pub(super) fn form(text: &str) -> Result<Form, PrivacyError> {
    // The words of serde quote the request at most.
    serde_json::from_str(text).map_err(|error| PrivacyError::Form(error.to_string()))
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(alias = "from")]
    pub(super) table: String,
    #[serde(default, alias = "joins")]
    pub(super) join: Several<Table>,
    #[serde(default, alias = "where", alias = "filters")]
    pub(super) filter: Several<ConditionForm>,
    #[serde(default)]
    pub(super) windows: Several<WindowForm>,
    #[serde(default)]
    pub(super) features: Several<FeatureForm>,
    #[serde(default)]
    pub(super) having: Several<ConditionForm>,
    #[serde(
        default,
        alias = "group_keys",
        alias = "keys",
        alias = "groups",
        alias = "by"
    )]
    pub(super) group_by: Several<KeyForm>,
    #[serde(alias = "statistic")]
    pub(super) statistics: Several<StatisticForm>,
    #[serde(
        default,
        alias = "contributions",
        alias = "contribution_bounds",
        alias = "contribution_limits"
    )]
    pub(super) contribution: ContributionForm,
    pub(super) l0: Option<u32>,
    pub(super) linf: Option<u32>,
    pub(super) rho: Option<f64>,
    pub(super) epsilon: Option<f64>,
    pub(super) accuracy: Option<AccuracyForm>,
    pub(super) delta: Option<f64>,
    #[serde(default)]
    pub(super) totals: bool,
    pub(super) minimum: Option<u32>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContributionForm {
    #[serde(alias = "groups", alias = "max_groups")]
    pub(super) l0: Option<u32>,
    #[serde(alias = "rows", alias = "rows_per_group", alias = "max_rows_per_group")]
    pub(super) linf: Option<u32>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionForm {
    pub(super) column: String,
    #[serde(alias = "operator")]
    pub(super) op: String,
    #[serde(default, alias = "values")]
    pub(super) value: Option<Several<Scalar>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowForm {
    pub(super) name: String,
    #[serde(alias = "kind")]
    pub(super) window: String,
    #[serde(alias = "order_by")]
    pub(super) column: String,
    #[serde(rename = "as")]
    pub(super) kind: Option<OrderKind>,
    #[serde(alias = "days")]
    pub(super) within: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderKind {
    Date,
    Number,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeatureForm {
    pub(super) name: String,
    #[serde(alias = "kind")]
    pub(super) feature: String,
    pub(super) column: Option<String>,
    pub(super) order_by: Option<String>,
    #[serde(rename = "as")]
    pub(super) kind: Option<OrderKind>,
    #[serde(default, rename = "where", alias = "filter")]
    pub(super) conditions: Several<ConditionForm>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFields {
    column: String,
    #[serde(default, alias = "codebook")]
    values: Option<Vec<Scalar>>,
}

/// `{"column": …, "values": […]}`, or only the column's name.
#[derive(Debug)]
pub(super) struct KeyForm {
    pub(super) column: String,
    pub(super) values: Option<Vec<Scalar>>,
}

/// `{"statistic": …}`, or only its name.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticFields {
    #[serde(
        alias = "kind",
        alias = "type",
        alias = "stat",
        alias = "name",
        alias = "function"
    )]
    pub(super) statistic: String,
    #[serde(alias = "of", alias = "variable")]
    pub(super) column: Option<String>,
    #[serde(alias = "min", alias = "low")]
    pub(super) lower: Option<f64>,
    #[serde(alias = "max", alias = "high")]
    pub(super) upper: Option<f64>,
    pub(super) bounds: Option<BoundsForm>,
    #[serde(
        alias = "quantile",
        alias = "q",
        alias = "probabilities",
        alias = "alpha"
    )]
    pub(super) quantiles: Option<Several<f64>>,
    pub(super) candidates: Option<Vec<f64>>,
    #[serde(alias = "width", alias = "bin_width")]
    pub(super) step: Option<f64>,
    pub(super) edges: Option<Vec<f64>>,
    pub(super) bins: Option<u32>,
}

#[derive(Debug)]
pub(super) struct StatisticForm(pub(super) StatisticFields);

/// `[lower, upper]` or `{"lower": …, "upper": …}`.
#[derive(Debug)]
pub(super) struct BoundsForm {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsFields {
    #[serde(alias = "min", alias = "low")]
    lower: f64,
    #[serde(alias = "max", alias = "high")]
    upper: f64,
}

/// A number, or `{"error": …, "n": …}`.
#[derive(Debug)]
pub(super) struct AccuracyForm {
    pub(super) error: f64,
    pub(super) n: Option<u64>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AccuracyFields {
    #[serde(
        alias = "plus_minus",
        alias = "within",
        alias = "half_width",
        alias = "error_95"
    )]
    error: f64,
    #[serde(default, alias = "rows", alias = "people")]
    n: Option<u64>,
}

/// A literal as JSON has it.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
}

/// A table's name, or `{"table": …}`.
#[derive(Debug)]
pub(super) struct Table(pub(super) String);

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFields {
    table: String,
}

/// A list, or one element that stands for a list of one.
#[derive(Debug)]
pub(super) struct Several<T>(pub(super) Vec<T>);

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeveralVisitor(PhantomData))
    }
}

struct SeveralVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SeveralVisitor<T> {
    type Value = Several<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or one element of it")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Several(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        one(MapAccessDeserializer::new(map))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        one::<T, StrDeserializer<'_, E>>(value.into_deserializer())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        one::<T, BoolDeserializer<E>>(value.into_deserializer())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        one::<T, F64Deserializer<E>>(value.into_deserializer())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        one::<T, U64Deserializer<E>>(value.into_deserializer())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        one::<T, I64Deserializer<E>>(value.into_deserializer())
    }
}

fn one<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Several<T>, D::Error> {
    Ok(Several(vec![T::deserialize(from)?]))
}

/// A type that is written as an object with fields, or shorter as something else.
macro_rules! fields_or {
    ($form:ident, $fields:ident, $expecting:literal, $of:expr, { $($short:item)* }) => {
        impl<'de> Deserialize<'de> for $form {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = $form;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$form, A::Error> {
                        let fields = $fields::deserialize(MapAccessDeserializer::new(map))?;
                        Ok($of(fields))
                    }
                    $($short)*
                }
                deserializer.deserialize_any(Form)
            }
        }
    };
}

fields_or!(
    Table,
    TableFields,
    "a table's name",
    |fields: TableFields| Table(fields.table),
    {
        fn visit_str<E: Error>(self, name: &str) -> Result<Table, E> {
            Ok(Table(name.into()))
        }
    }
);

fields_or!(
    KeyForm,
    KeyFields,
    "a group key: {\"column\": …, \"values\": […]}",
    |fields: KeyFields| KeyForm {
        column: fields.column,
        values: fields.values
    },
    {
        fn visit_str<E: Error>(self, name: &str) -> Result<KeyForm, E> {
            Ok(KeyForm {
                column: name.into(),
                values: None,
            })
        }
    }
);

fields_or!(
    StatisticForm,
    StatisticFields,
    "a statistic: {\"statistic\": …}, or its name",
    StatisticForm,
    {
        fn visit_str<E: Error>(self, name: &str) -> Result<StatisticForm, E> {
            Ok(StatisticForm(StatisticFields {
                statistic: name.into(),
                column: None,
                lower: None,
                upper: None,
                bounds: None,
                quantiles: None,
                candidates: None,
                step: None,
                edges: None,
                bins: None,
            }))
        }
    }
);

fields_or!(
    BoundsForm,
    BoundsFields,
    "[lower, upper]",
    |fields: BoundsFields| BoundsForm {
        lower: fields.lower,
        upper: fields.upper
    },
    {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BoundsForm, A::Error> {
            let two = (
                list.next_element()?,
                list.next_element()?,
                list.next_element::<f64>()?,
            );
            match two {
                (Some(lower), Some(upper), None) => Ok(BoundsForm { lower, upper }),
                _ => Err(A::Error::custom("bounds are two numbers: [lower, upper]")),
            }
        }
    }
);

fields_or!(
    AccuracyForm,
    AccuracyFields,
    "a number, or {\"error\": …, \"n\": …}",
    |fields: AccuracyFields| AccuracyForm {
        error: fields.error,
        n: fields.n
    },
    {
        fn visit_f64<E: Error>(self, error: f64) -> Result<AccuracyForm, E> {
            Ok(AccuracyForm { error, n: None })
        }

        fn visit_u64<E: Error>(self, error: u64) -> Result<AccuracyForm, E> {
            Ok(AccuracyForm {
                error: error as f64,
                n: None,
            })
        }
    }
);
