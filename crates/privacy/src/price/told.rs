//! A price for people and programs.

use serde_json::{Map, Value, json};

use super::{Charge, Priced, Scales, error_95};
use crate::component::Part;
use crate::request::Statistic;
use crate::spread::Shape;
use crate::words;

/// Numbers of rows for which the error of a mean is told when none is given.
const TOLD_AT: [u64; 3] = [100, 1_000, 10_000];

impl Priced {
    pub(crate) fn scales(&self) -> Scales {
        Scales {
            shape: self.shape,
            parts: self
                .components
                .iter()
                .map(|priced| (priced.part.clone(), priced.scale))
                .collect(),
            people: self.keys.as_ref().map(|keys| keys.scale),
        }
    }

    /// The price for people and programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let scales = self.scales();
        let statistics: Vec<Value> = self
            .request
            .statistics
            .iter()
            .map(|statistic| told(statistic, &scales))
            .collect();
        let components: Vec<Value> = self
            .components
            .iter()
            .map(|priced| {
                let mut told = json!({
                    "measured": priced.part.name(),
                    "mechanism": match (&priced.part, self.shape) {
                        (Part::Candidates { .. }, _) => "exponential",
                        (_, Shape::Gaussian) => "discrete Gaussian",
                        (_, Shape::Laplace) => "discrete Laplace",
                    },
                    "rho": priced.nano_rho as f64 / 1e9,
                    "scale": priced.scale,
                });
                let sensitivity = match priced.charge {
                    Charge::Rho { l2 } => ("l2_sensitivity", json!(l2)),
                    Charge::Epsilon { l1, .. } => ("l1_sensitivity", json!(l1)),
                };
                if let Value::Object(told) = &mut told {
                    told.insert(sensitivity.0.into(), sensitivity.1);
                }
                told
            })
            .collect();
        let mut all = json!({
            "noise": self.shape,
            "request_sha256": hex::encode(self.sha256),
            "words": words::words(self),
            "rho": self.nano_rho as f64 / 1e9,
            "nano_rho": self.nano_rho,
            "delta": self.atto_delta as f64 / 1e18,
            "atto_delta": self.atto_delta,
            "epsilon": self.epsilon,
            "epsilon_delta": self.epsilon_delta,
            "groups": if self.request.finds_keys() { Value::Null } else { json!(self.request.groups().len()) },
            "l0": self.request.l0,
            "linf": self.request.linf,
            "statistics": statistics,
            "components": components,
        });
        if let (Some(keys), Value::Object(all)) = (&self.keys, &mut all) {
            let keys = json!({
                "mechanism": "Gaussian threshold",
                "rho": keys.nano_rho as f64 / 1e9,
                "delta": keys.atto_delta as f64 / 1e18,
                "scale": keys.scale,
                "threshold": keys.threshold,
            });
            all.insert("unknown_keys".into(), keys);
        }
        all
    }
}

/// What a statistic's error will be.
fn told(statistic: &Statistic, scales: &Scales) -> Value {
    let mut told = Map::new();
    told.insert("name".into(), json!(statistic.name()));
    match statistic {
        Statistic::Mean { .. }
        | Statistic::Variance { .. }
        | Statistic::StandardDeviation { .. } => {
            let at: Map<String, Value> = TOLD_AT
                .iter()
                .map(|n| (n.to_string(), json!(error_95(statistic, scales, *n))))
                .collect();
            told.insert("error_95_by_rows".into(), Value::Object(at));
        }
        Statistic::Quantiles { .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("rows out of rank"));
        }
        Statistic::Count { .. } | Statistic::Histogram { .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("rows"));
        }
        Statistic::People => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!("people"));
        }
        Statistic::Sum { column, .. } => {
            told.insert("error_95".into(), json!(error_95(statistic, scales, 0)));
            told.insert("unit".into(), json!(format!("unit of {column}")));
        }
    }
    Value::Object(told)
}
