//! From a priced request to the engine's plan: the same words on both sides of the border.

use engine::measure as cut;
use privacy::{
    Condition, Feature, FeatureKind, Literal, Operator, Part, Priced, Window, WindowKind,
};

/// The limits as the noise office takes them.
pub(super) fn limits(of: &protocol::job::RequestLimits) -> privacy::Limits {
    privacy::Limits {
        statistics: of.statistics,
        keys: of.keys,
        groups: of.groups,
        conditions: of.conditions,
        features: of.features,
        joins: of.joins,
        bins: of.bins,
        cells: of.cells,
        rows: of.rows,
        nano_rho_max: units(of.rho_max, 1e9),
        nano_rho_min: units(of.rho_min, 1e9).max(1),
        atto_delta_max: units(of.delta_max, 1e18),
        report_delta: of.report_delta,
    }
}

/// A decimal of the policy in whole units; negative and not a number are zero.
fn units(decimal: f64, per: f64) -> u64 {
    (decimal * per).round() as u64
}

/// The engine's plan of a priced request.
pub(super) fn plan(priced: &Priced, unit: &str, secret: [u8; 32]) -> cut::Plan {
    let request = &priced.request;
    cut::Plan {
        unit: unit.to_owned(),
        table: request.table.clone(),
        joins: request.join.clone(),
        filter: request.filter.iter().map(condition).collect(),
        windows: request.windows.iter().map(window).collect(),
        features: request.features.iter().map(feature).collect(),
        having: request.having.iter().map(condition).collect(),
        keys: request
            .group_by
            .iter()
            .map(|key| cut::Key {
                column: key.column.clone(),
                values: key
                    .values
                    .as_ref()
                    .map(|values| values.iter().map(literal).collect()),
            })
            .collect(),
        l0: request.l0,
        linf: request.linf,
        parts: priced
            .components
            .iter()
            .map(|component| part(&component.part))
            .collect(),
        secret,
    }
}

fn literal(of: &Literal) -> cut::Literal {
    match of {
        Literal::Missing => cut::Literal::Missing,
        Literal::Boolean(value) => cut::Literal::Boolean(*value),
        Literal::Number(value) => cut::Literal::Number(*value),
        Literal::Date(value) => cut::Literal::Date(value.clone()),
        Literal::Text(value) => cut::Literal::Text(value.clone()),
    }
}

fn condition(of: &Condition) -> cut::Condition {
    cut::Condition {
        column: of.column.clone(),
        op: match of.op {
            Operator::Equal => cut::Operator::Equal,
            Operator::NotEqual => cut::Operator::NotEqual,
            Operator::Less => cut::Operator::Less,
            Operator::AtMost => cut::Operator::AtMost,
            Operator::Greater => cut::Operator::Greater,
            Operator::AtLeast => cut::Operator::AtLeast,
            Operator::In => cut::Operator::In,
            Operator::NotIn => cut::Operator::NotIn,
            Operator::Between => cut::Operator::Between,
            Operator::IsNull => cut::Operator::IsNull,
            Operator::IsNotNull => cut::Operator::IsNotNull,
        },
        values: of.values.iter().map(literal).collect(),
    }
}

fn order(dates: bool) -> cut::OrderKind {
    match dates {
        true => cut::OrderKind::Date,
        false => cut::OrderKind::Number,
    }
}

fn window(of: &Window) -> cut::Window {
    cut::Window {
        name: of.name.clone(),
        kind: match of.window {
            WindowKind::Position => cut::WindowKind::Position,
            WindowKind::SincePrevious => cut::WindowKind::SincePrevious,
            WindowKind::CountWithin => cut::WindowKind::CountWithin(of.within),
        },
        column: of.column.clone(),
        order: order(of.dates),
    }
}

fn feature(of: &Feature) -> cut::Feature {
    let column = of.column.clone();
    let by = || (of.order_by.clone(), order(of.dates));
    cut::Feature {
        name: of.name.clone(),
        kind: match of.feature {
            FeatureKind::Any => cut::FeatureKind::Any,
            FeatureKind::First => {
                let (order, kind) = by();
                cut::FeatureKind::First(column, order, kind)
            }
            FeatureKind::Last => {
                let (order, kind) = by();
                cut::FeatureKind::Last(column, order, kind)
            }
            FeatureKind::Min => cut::FeatureKind::Min(column),
            FeatureKind::Max => cut::FeatureKind::Max(column),
            FeatureKind::Count if column.is_empty() => cut::FeatureKind::Count(None),
            FeatureKind::Count => cut::FeatureKind::Count(Some(column)),
            FeatureKind::Sum => cut::FeatureKind::Sum(column),
            FeatureKind::Duration => cut::FeatureKind::Duration(column),
        },
        conditions: of.conditions.iter().map(condition).collect(),
    }
}

fn part(of: &Part) -> cut::Part {
    match of {
        Part::Rows => cut::Part::Rows,
        Part::People => cut::Part::People,
        Part::Present { column } => cut::Part::Present(column.clone()),
        Part::Numbers { column } => cut::Part::Numbers(column.clone()),
        Part::Sum { column, grid } => cut::Part::Sum(column.clone(), self::grid(grid)),
        Part::Centred { column, grid } => cut::Part::Centred(column.clone(), self::grid(grid)),
        Part::Squares { column, grid } => cut::Part::Squares(column.clone(), self::grid(grid)),
        Part::Bins { column, edges } => cut::Part::Bins(column.clone(), edges.clone()),
        Part::Candidates {
            column, candidates, ..
        } => cut::Part::Candidates(column.clone(), candidates.clone()),
    }
}

fn grid(of: &privacy::Grid) -> cut::Grid {
    cut::Grid {
        lower: of.lower,
        upper: of.upper,
        step: of.step,
        low: of.low,
        high: of.high,
        centre: of.centre,
        square_shift: of.square_shift,
        square_centre: of.square_centre,
    }
}
