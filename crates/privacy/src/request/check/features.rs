//! Windows and features: what is computed of a person's own rows.

use std::collections::BTreeSet;

use super::super::read::{FeatureForm, OrderKind, WindowForm};
use super::super::{Feature, FeatureKind, Window, WindowKind};
use super::{conditions, name, number, refuse};
use crate::PrivacyError;

pub(super) fn windows(forms: Vec<WindowForm>) -> Result<Vec<Window>, PrivacyError> {
    let mut all = Vec::with_capacity(forms.len());
    for form in forms {
        own_name(&form.name)?;
        name("column", &form.column)?;
        let window = match form.window.as_str() {
            "position" => WindowKind::Position,
            "since_previous" => WindowKind::SincePrevious,
            "count_within" => WindowKind::CountWithin,
            _ => return refuse("a window is position, since_previous or count_within"),
        };
        let within = match (window, form.within) {
            (WindowKind::CountWithin, Some(within)) if within >= 0.0 => number(&form.name, within)?,
            (WindowKind::CountWithin, _) => {
                return refuse(format!("the window {} needs within, 0 or more", form.name));
            }
            (WindowKind::Position | WindowKind::SincePrevious, None) => 0.0,
            (WindowKind::Position | WindowKind::SincePrevious, Some(_)) => {
                return refuse(format!("the window {} takes no within", form.name));
            }
        };
        all.push(Window {
            name: form.name,
            window,
            column: form.column,
            dates: form.kind != Some(OrderKind::Number),
            within,
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

pub(super) fn features(forms: Vec<FeatureForm>) -> Result<Vec<Feature>, PrivacyError> {
    let mut all = forms
        .into_iter()
        .map(feature)
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn feature(form: FeatureForm) -> Result<Feature, PrivacyError> {
    own_name(&form.name)?;
    let kind = match form.feature.as_str() {
        "any" => FeatureKind::Any,
        "first" => FeatureKind::First,
        "last" => FeatureKind::Last,
        "min" => FeatureKind::Min,
        "max" => FeatureKind::Max,
        "count" => FeatureKind::Count,
        "sum" => FeatureKind::Sum,
        "duration" => FeatureKind::Duration,
        _ => {
            return refuse("a feature is any, first, last, min, max, count, sum or duration");
        }
    };
    let conditions = conditions(form.conditions.0)?;
    let (column, order_by) = (
        form.column.unwrap_or_default(),
        form.order_by.unwrap_or_default(),
    );
    let (of, by) = (!column.is_empty(), !order_by.is_empty());
    let fits = match kind {
        FeatureKind::Any => !of && !by && !conditions.is_empty(),
        FeatureKind::First | FeatureKind::Last => of && by,
        FeatureKind::Min | FeatureKind::Max | FeatureKind::Sum | FeatureKind::Duration => of && !by,
        FeatureKind::Count => !by,
    };
    if !fits {
        return refuse(format!(
            "the feature {} does not fit its kind: any takes where, first and last take column and order_by, the others a column",
            form.name
        ));
    }
    for used in [&column, &order_by].into_iter().filter(|c| !c.is_empty()) {
        name("column", used)?;
    }
    Ok(Feature {
        name: form.name,
        feature: kind,
        column,
        order_by,
        dates: form.kind != Some(OrderKind::Number),
        conditions,
    })
}

/// Names of windows and features are told apart by more than case.
pub(super) fn names(windows: &[Window], features: &[Feature]) -> Result<(), PrivacyError> {
    let mut seen = BTreeSet::new();
    let all = windows
        .iter()
        .map(|w| &w.name)
        .chain(features.iter().map(|f| &f.name));
    for name in all {
        if !seen.insert(name.as_str()) {
            return refuse(format!("two windows or features are called {name}"));
        }
    }
    Ok(())
}

/// A name that the request gives: small letters, digits and `_`.
fn own_name(text: &str) -> Result<(), PrivacyError> {
    let plain = text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        return Ok(());
    }
    refuse(
        "a window's or feature's name begins with a small letter and has small letters, digits and _, at most 63",
    )
}
