//! The rows that are measured, in layers: joined and filtered rows, windows, features.

use std::collections::BTreeSet;

use super::columns::{Column, Columns};
use super::{Condition, Feature, FeatureKind, MeasureError, Plan, Window, WindowKind};
use crate::quote;

/// Scale of a summed feature: six decimals.
const SUM_SCALE: &str = "1000000.0";
/// Largest number that is summed: with the scale it stays within 64 bits.
const SUM_MAX: &str = "1e12";

/// A select with a column `u`, the person, and the columns that can be named after it.
pub(super) struct Source {
    pub(super) sql: String,
    pub(super) columns: Columns,
}

pub(super) fn source(connection: &duckdb::Connection, plan: &Plan) -> Result<Source, MeasureError> {
    let (tables, units) = Columns::of_tables(connection, plan)?;
    let names: BTreeSet<String> = plan.windows.iter().map(|w| w.name.clone()).collect();
    for name in names.iter().chain(plan.features.iter().map(|f| &f.name)) {
        if tables.find(name).is_ok() {
            return Err(MeasureError::TakenName(name.clone()));
        }
    }
    // Conditions on windows come after them, the others before.
    let (late, early): (Vec<Condition>, Vec<Condition>) = plan
        .filter
        .iter()
        .cloned()
        .partition(|condition| names.contains(&condition.column));
    let mut source = rows(plan, &tables, &units, &early)?;
    if !plan.windows.is_empty() {
        source = windows(source, &plan.windows, &late)?;
    }
    if !plan.features.is_empty() {
        source = features(&source, &plan.features, &plan.having)?;
    }
    Ok(source)
}

/// Rows of the table, joined on the person, that satisfy the conditions.
fn rows(
    plan: &Plan,
    tables: &Columns,
    units: &[String],
    conditions: &[Condition],
) -> Result<Source, MeasureError> {
    let first = units.first().ok_or(MeasureError::Failed)?;
    let mut from = format!("{} t0", quote::name(&plan.table));
    for (at, (table, unit)) in plan.joins.iter().zip(units.iter().skip(1)).enumerate() {
        from.push_str(&format!(
            " join {} t{} on {unit} = {first}",
            quote::name(table),
            at + 1
        ));
    }
    let mut all = vec![format!("{first} is not null")];
    all.extend(tables.conditions(conditions)?);
    let used = used(plan);
    let mut select = vec![format!("{first} as u")];
    let mut columns = Vec::new();
    for column in &tables.0 {
        let whole = column
            .table
            .as_ref()
            .map(|table| format!("{table}.{}", column.name).to_lowercase());
        let is_used = used.contains(&column.name.to_lowercase())
            || whole.is_some_and(|whole| used.contains(&whole));
        if !is_used {
            continue;
        }
        let alias = format!("c{}", columns.len());
        select.push(format!("{} as {alias}", column.sql));
        columns.push(Column {
            sql: alias,
            ..column.clone()
        });
    }
    Ok(Source {
        sql: format!(
            "select {} from {from} where {}",
            select.join(", "),
            all.join(" and ")
        ),
        columns: Columns(columns),
    })
}

/// The names that the plan uses anywhere, in lower case.
fn used(plan: &Plan) -> BTreeSet<String> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    used.extend(plan.windows.iter().map(|w| w.column.as_str()));
    used.extend(plan.keys.iter().map(|k| k.column.as_str()));
    for feature in &plan.features {
        used.extend(feature.conditions.iter().map(|c| c.column.as_str()));
        match &feature.kind {
            FeatureKind::Any | FeatureKind::Count(None) => {}
            FeatureKind::First(column, order, _) | FeatureKind::Last(column, order, _) => {
                used.extend([column.as_str(), order.as_str()]);
            }
            FeatureKind::Min(column)
            | FeatureKind::Max(column)
            | FeatureKind::Count(Some(column))
            | FeatureKind::Sum(column)
            | FeatureKind::Duration(column) => {
                used.insert(column);
            }
        }
    }
    used.extend(plan.parts.iter().filter_map(super::Part::column));
    used.iter().map(|name| name.to_lowercase()).collect()
}

impl super::Part {
    /// The column that it reads.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Self::Rows | Self::People => None,
            Self::Present(column)
            | Self::Numbers(column)
            | Self::Sum(column, _)
            | Self::Centred(column, _)
            | Self::Squares(column, _)
            | Self::Bins(column, _)
            | Self::Candidates(column, _) => Some(column),
        }
    }
}

/// Adds columns over the person's own rows. Frames go by values, never by rows: among equal rows the file's
/// order must not decide.
fn windows(
    source: Source,
    windows: &[Window],
    conditions: &[Condition],
) -> Result<Source, MeasureError> {
    let mut orders = vec!["*".to_owned()];
    let mut select = vec!["*".to_owned()];
    let mut columns = source.columns.clone();
    for (at, window) in windows.iter().enumerate() {
        let order = source.columns.find(&window.column)?.ordered(window.order);
        orders.push(format!("{order} as o{at}"));
        let over = format!("partition by u order by o{at} nulls last");
        let value = match window.kind {
            WindowKind::Position => format!("cast(rank() over ({over}) as double)"),
            WindowKind::SincePrevious => format!(
                "o{at} - max(o{at}) over ({over} groups between unbounded preceding and 1 preceding)"
            ),
            WindowKind::CountWithin(within) => format!(
                "cast(count(o{at}) over ({over} range between {} preceding and current row) as double)",
                super::columns::double(within)
            ),
        };
        select.push(format!(
            "case when o{at} is not null then {value} end as w{at}"
        ));
        columns.0.push(Column {
            name: window.name.clone(),
            table: None,
            sql: format!("w{at}"),
            numeric: true,
        });
    }
    let sql = format!(
        "select {} from (select {} from ({}))",
        select.join(", "),
        orders.join(", "),
        source.sql
    );
    let conditions = columns.conditions(conditions)?;
    Ok(Source {
        sql: match conditions.is_empty() {
            true => sql,
            false => format!("select * from ({sql}) where {}", conditions.join(" and ")),
        },
        columns,
    })
}

/// One row a person.
fn features(
    source: &Source,
    features: &[Feature],
    having: &[Condition],
) -> Result<Source, MeasureError> {
    let mut select = vec!["u".to_owned()];
    let mut columns = Vec::new();
    for (at, feature) in features.iter().enumerate() {
        let (sql, numeric) = feature_sql(&source.columns, feature)?;
        select.push(format!("{sql} as f{at}"));
        columns.push(Column {
            name: feature.name.clone(),
            table: None,
            sql: format!("f{at}"),
            numeric,
        });
    }
    let columns = Columns(columns);
    let sql = format!(
        "select {} from ({}) group by u",
        select.join(", "),
        source.sql
    );
    let having = columns.conditions(having)?;
    Ok(Source {
        sql: match having.is_empty() {
            true => sql,
            false => format!("select * from ({sql}) where {}", having.join(" and ")),
        },
        columns,
    })
}

/// The expression over one person's rows, and whether it is a number or boolean.
fn feature_sql(columns: &Columns, feature: &Feature) -> Result<(String, bool), MeasureError> {
    let mut conditions = columns.conditions(&feature.conditions)?;
    let mut over = |more: Vec<String>| {
        conditions.extend(more);
        match conditions.is_empty() {
            true => String::new(),
            false => format!(" filter (where {})", conditions.join(" and ")),
        }
    };
    // Text and order packed together: among rows of one order the value decides, not the file.
    let picked = |pick: &str, column: &str, order: &str, kind| -> Result<_, MeasureError> {
        let value = columns.find(column)?;
        let order = columns.find(order)?.ordered(kind);
        let both = vec![format!("({order}) is not null"), value.present()];
        Ok((
            format!("{pick}(struct_pack(o := {order}, v := {}))", value.text()),
            both,
        ))
    };
    Ok(match &feature.kind {
        FeatureKind::Any => (format!("count(*){} > 0", over(vec![])), true),
        FeatureKind::First(column, order, kind) => {
            let (sql, both) = picked("min", column, order, *kind)?;
            (format!("struct_extract({sql}{}, 'v')", over(both)), false)
        }
        FeatureKind::Last(column, order, kind) => {
            let (sql, both) = picked("max", column, order, *kind)?;
            (format!("struct_extract({sql}{}, 'v')", over(both)), false)
        }
        FeatureKind::Min(column) => {
            let number = columns.find(column)?.number();
            (format!("min({number}){}", over(vec![])), true)
        }
        FeatureKind::Max(column) => {
            let number = columns.find(column)?.number();
            (format!("max({number}){}", over(vec![])), true)
        }
        FeatureKind::Count(None) => (format!("cast(count(*){} as double)", over(vec![])), true),
        FeatureKind::Count(Some(column)) => {
            let present = columns.find(column)?.present();
            let sql = format!("cast(count(*){} as double)", over(vec![present]));
            (sql, true)
        }
        FeatureKind::Sum(column) => {
            let number = columns.find(column)?.number();
            let fixed = format!("try_cast(round(({number}) * {SUM_SCALE}) as bigint)");
            let small = format!("coalesce(abs({number}) <= {SUM_MAX}, false)");
            let sql = format!(
                "cast(sum({fixed}){} as double) / {SUM_SCALE}",
                over(vec![small])
            );
            (sql, true)
        }
        FeatureKind::Duration(column) => {
            let day = columns.find(column)?.ordered(super::OrderKind::Date);
            let over = over(vec![]);
            (format!("max({day}){over} - min({day}){over}"), true)
        }
    })
}
