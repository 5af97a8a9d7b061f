use super::*;
use crate::limits::roomy;
use crate::{Request, price};

fn priced(text: &str) -> Priced {
    price(Request::parse(text, &roomy()).unwrap(), &roomy()).unwrap()
}

const TABLE: &str = r#"{"table": "t", "group_by": [{"column": "g", "values": ["a", "b"]}, {"column": "s", "values": ["F", "M"]}],
    "l0": 1, "linf": 1, "rho": 0.5, "totals": true,
    "statistics": ["count", "people", {"statistic": "mean", "column": "x", "bounds": [0, 8]}, {"statistic": "variance", "column": "x", "bounds": [0, 8]},
      {"statistic": "sd", "column": "x", "bounds": [0, 8]}, {"statistic": "sum", "column": "x", "bounds": [0, 8]}]}"#;

/// Cells without noise for groups that each hold these values.
fn exact(priced: &Priced, groups: &[Vec<f64>]) -> Noisy {
    let cells = priced
        .components
        .iter()
        .map(|component| {
            groups
                .iter()
                .map(|values| {
                    let centred = |grid: &Grid| -> Vec<i64> {
                        values
                            .iter()
                            .map(|v| (v / grid.step) as i64 - grid.centre)
                            .collect()
                    };
                    match &component.part {
                        Part::Rows | Part::People | Part::Numbers { .. } => values.len() as i64,
                        Part::Centred { grid, .. } => centred(grid).iter().sum(),
                        Part::Sum { grid, .. } => {
                            values.iter().map(|v| (v / grid.step) as i64).sum()
                        }
                        Part::Squares { grid, .. } => centred(grid)
                            .iter()
                            .map(|c| grid.square(*c) - grid.square_centre)
                            .sum(),
                        other => panic!("{other:?}"),
                    }
                })
                .collect()
        })
        .collect();
    Noisy {
        cells,
        people: None,
    }
}

fn near(value: &Value, wanted: f64) {
    let value = value["value"].as_f64().unwrap();
    assert!((value - wanted).abs() < 1e-4, "{value} {wanted}");
}

#[test]
fn without_noise_the_statistics_are_those_of_the_values() {
    let priced = priced(TABLE);
    let values: Vec<f64> = (0..80).map(|at| f64::from(at % 9)).collect();
    let few: Vec<f64> = vec![1.0; 40];
    let groups = vec![values.clone(), few.clone(), values.clone(), vec![]];
    let all = release(&priced, &priced.request.groups(), &exact(&priced, &groups)).unwrap();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let first = &all["rows"][0];
    assert_eq!(first["group"], json!({"g": "a", "s": "F"}));
    assert_eq!(first["values"]["count"]["value"], 80);
    near(&first["values"]["mean_x"], mean);
    near(&first["values"]["variance_x"], variance);
    near(&first["values"]["standard_deviation_x"], variance.sqrt());
    near(&first["values"]["sum_x"], mean * n);
    near(&all["rows"][1]["values"]["variance_x"], 0.0);
    // Nobody is there: a mean is no number, and the answer says why.
    assert_eq!(all["rows"][3]["values"]["mean_x"]["value"], Value::Null);
    assert!(all["rows"][3]["values"]["mean_x"]["why"].is_string());
}

#[test]
fn each_statistic_of_a_column_keeps_its_own_bounds() {
    let priced = priced(
        r#"{"table": "t", "linf": 1, "rho": 0.5, "statistics": [
            {"statistic": "sum", "column": "x", "bounds": [0, 32]}, {"statistic": "mean", "column": "x", "bounds": [0, 8]},
            {"statistic": "variance", "column": "x", "bounds": [-8, 16]}, {"statistic": "sd", "column": "x", "bounds": [0, 64]}]}"#,
    );
    let values: Vec<f64> = (0..80).map(|at| f64::from(at % 9)).collect();
    let exact = exact(&priced, std::slice::from_ref(&values));
    let all = release(&priced, &priced.request.groups(), &exact).unwrap();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let released = &all["rows"][0]["values"];
    near(&released["sum_x"], mean * n);
    near(&released["mean_x"], mean);
    // Squares are rounded to a part of their own range.
    let told = |name: &str| released[name]["value"].as_f64().unwrap();
    assert!((told("variance_x") - variance).abs() < 1e-2);
    assert!((told("standard_deviation_x") - variance.sqrt()).abs() < 1e-2);
    // The errors that are told before are of the same bounds: eight times wider is eight times more.
    let price = |bounds: &str| {
        let text = format!(
            r#"{{"table": "t", "linf": 1, "rho": 0.5, "statistics": [{{"statistic": "mean", "column": "x", "bounds": [0, 8]}}, {{"statistic": "sd", "column": "x", "bounds": {bounds}}}]}}"#
        );
        self::priced(&text).to_json()["statistics"][1]["error_95_by_rows"]["1000"]
            .as_f64()
            .unwrap()
    };
    let ratio = price("[0, 128]") / price("[0, 16]");
    assert!((7.9..8.1).contains(&ratio), "{ratio}");
}

#[test]
fn totals_add_up_to_the_released_cells() {
    let priced = priced(TABLE);
    let mut noisy = exact(
        &priced,
        &[vec![1.0; 50], vec![2.0; 60], vec![3.0; 70], vec![4.0; 80]],
    );
    for (at, cell) in noisy.cells[0].iter_mut().enumerate() {
        *cell += [-3, 5, -60, 2][at];
    }
    let all = release(&priced, &priced.request.groups(), &noisy).unwrap();
    let count = |row: &Value| row["values"]["count"]["value"].as_i64().unwrap();
    let rows: Vec<i64> = all["rows"].as_array().unwrap().iter().map(count).collect();
    let totals = all["totals"].as_array().unwrap();
    // All, by g, by s.
    assert_eq!(totals.len(), 1 + 2 + 2);
    assert_eq!(count(&totals[0]), rows.iter().sum::<i64>());
    let total = json!({"total": true});
    let find = |g: Value, s: Value| {
        let group = json!({"g": g, "s": s});
        count(totals.iter().find(|row| row["group"] == group).unwrap())
    };
    assert_eq!(find(json!("a"), total.clone()), rows[0] + rows[1]);
    assert_eq!(find(total.clone(), json!("M")), rows[1] + rows[3]);
    let error = |row: &Value| row["values"]["count"]["error_95"].as_f64().unwrap();
    let ratio = error(&totals[0]) / error(&all["rows"][0]);
    assert!((1.5..2.5).contains(&ratio), "{ratio}");
}

#[test]
fn a_count_stays_signed_and_its_display_says_that_it_was_clamped() {
    let priced = priced(r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 0.01}"#);
    let noisy = Noisy {
        cells: vec![vec![-7]],
        people: None,
    };
    let all = release(&priced, &priced.request.groups(), &noisy).unwrap();
    let count = &all["rows"][0]["values"]["count"];
    assert_eq!(
        (count["value"].as_i64(), count["display"].as_i64()),
        (Some(-7), Some(0))
    );
    assert_eq!(count["display_clamped"], true);
    assert_eq!(all["rows"][0]["group"], json!({}));
    assert!(all.get("totals").is_none());
}

#[test]
fn a_mean_out_of_its_bounds_is_moved_there_and_says_so() {
    let priced = priced(
        r#"{"table": "t", "statistics": [{"statistic": "mean", "column": "x", "bounds": [0, 8]}], "linf": 1, "rho": 0.5}"#,
    );
    let grid = Grid::between(Bounds {
        lower: 0.0,
        upper: 8.0,
    });
    let noisy = Noisy {
        cells: vec![vec![100], vec![-101 * grid.half()]],
        people: None,
    };
    let all = release(&priced, &priced.request.groups(), &noisy).unwrap();
    let mean = &all["rows"][0]["values"]["mean_x"];
    assert_eq!(
        (mean["value"].as_f64(), &mean["clamped"]),
        (Some(0.0), &json!(true))
    );
}

#[test]
fn quantiles_rise_and_histograms_name_their_bins() {
    let priced = priced(
        r#"{"table": "t", "linf": 1, "rho": 1, "statistics": [
            {"statistic": "quantiles", "column": "x", "quantiles": [0.25, 0.5, 0.75], "candidates": [0, 1, 2, 3]},
            {"statistic": "histogram", "column": "x", "edges": [0, 1, 5]}]}"#,
    );
    let noisy = Noisy {
        cells: vec![vec![2], vec![1], vec![3], vec![7, -1]],
        people: None,
    };
    let all = release(&priced, &priced.request.groups(), &noisy).unwrap();
    let values = &all["rows"][0]["values"];
    let chosen: Vec<f64> = values["quantiles_x"]["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|q| q["value"].as_f64().unwrap())
        .collect();
    assert_eq!(chosen, [1.0, 2.0, 3.0]);
    assert_eq!(
        values["histogram_x"]["value"],
        json!([{"lower": 0.0, "upper": 1.0, "value": 7, "display": 7}, {"lower": 1.0, "upper": 5.0, "value": -1, "display": 0}])
    );
}

#[test]
fn people_in_several_groups_have_no_total() {
    let text = TABLE.replace("\"l0\": 1", "\"l0\": 2");
    let priced = priced(&text);
    let groups = vec![vec![1.0; 50]; 4];
    let all = release(&priced, &priced.request.groups(), &exact(&priced, &groups)).unwrap();
    assert_eq!(all["totals"][0]["values"]["people"]["value"], Value::Null);
    assert_eq!(all["totals"][0]["values"]["count"]["value"], 200);
}

#[test]
fn cells_that_do_not_fit_release_nothing() {
    let priced = priced(r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 0.01}"#);
    let noisy = Noisy {
        cells: vec![vec![]],
        people: None,
    };
    assert_eq!(
        release(&priced, &priced.request.groups(), &noisy),
        Err(PrivacyError::Cells)
    );
}

#[test]
fn groups_below_a_minimum_after_noise_are_left_empty() {
    let text = TABLE.replace("\"totals\": true", "\"totals\": true, \"minimum\": 10");
    let priced = priced(&text);
    let mut noisy = exact(
        &priced,
        &[vec![1.0; 50], vec![2.0; 9], vec![3.0; 12], vec![]],
    );
    // The noise decides, not the truth: nine that came out as eleven are shown, twelve that came out as four not.
    let rows = |part: &Part| matches!(part, Part::Rows | Part::People);
    for (component, cells) in priced.components.iter().zip(&mut noisy.cells) {
        if rows(&component.part) {
            cells[1] = 11;
            cells[2] = 4;
        }
    }
    let all = release(&priced, &priced.request.groups(), &noisy).unwrap();
    let shown = |at: usize| !all["rows"][at]["values"]["count"]["value"].is_null();
    assert_eq!([0, 1, 2, 3].map(shown), [true, true, false, false]);
    for value in all["rows"][2]["values"].as_object().unwrap().values() {
        assert_eq!(
            value,
            &json!({"value": null, "why": "fewer than 10 after noise"})
        );
    }
    let none = r#"{"table": "t", "linf": 1, "rho": 0.5, "minimum": 10, "statistics": [{"statistic": "sum", "column": "x", "bounds": [0, 8]}]}"#;
    assert!(Request::parse(none, &roomy()).is_err());
}
