//! Differentially private statistics: priced without data; measured over cells that the engine cut.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use engine::measure::{LABEL_SEPARATOR, MeasureError, Plan, Prepared, prepare};
use engine::{Connection, FileFormat};
use privacy::{Found, Literal, Noisy, Priced, PrivacyError, Request, release};
use protocol::frame::Hatch;
use protocol::job::{Measure, Price, RequestLimits, Reserved};
use protocol::limits::Limits;
use protocol::report::{Failure, FailureCode, Report};
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};

use super::source::{Watch, open_as};
use super::{Rooms, bad_input, internal, refusal};

mod plan;
pub(super) mod practice;
pub(super) mod self_audit;
#[cfg(test)]
mod tests;

/// The file of releases.
const RELEASE: &str = "release.jsonl";
/// What is said of anything that goes wrong after the data were touched: which it was could tell of a row.
const FAILED: &str = "the request could not be measured";

/// Prices a request. Reads no data.
pub(super) fn price(job: &Price) -> Result<Report, Failure> {
    let priced = priced(&job.request, &job.limits)?;
    let mut tables = vec![priced.request.table.clone()];
    tables.extend(priced.request.join.iter().cloned());
    Ok(Report::Price {
        request_sha256: hex::encode(priced.sha256),
        tables,
        nano_rho: priced.nano_rho,
        atto_delta: priced.atto_delta,
        price: priced.to_json().to_string(),
    })
}

/// Measures a request. Whatever it ends with comes at a multiple of a fixed time.
pub(super) fn run(
    rooms: &Rooms,
    job: &Measure,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    // Before any data: what is refused here is refused for every data.
    let began = Instant::now();
    let priced = priced(&job.request, &job.limits)?;
    reserved(job, &priced)?;
    permitted(job, &priced.request)?;
    privacy::ready().map_err(|error| internal(error.to_string()))?;
    if job.draws == 0 || job.draws > job.limits.draws {
        return Err(refusal(
            FailureCode::Limit,
            format!(
                "the noise is drawn at least once and at most as the limit draws says, {} times",
                job.limits.draws
            ),
        ));
    }
    let plan = plan::plan(&priced, &job.unit, order_key(job, &priced)?);
    let done = measured(rooms, job, limits, hatch, &priced, &plan);
    wait(began, job.limits.reply_ms);
    done?;
    hatch.send_path(RELEASE, &rooms.made(RELEASE))?;
    Ok(Report::Measure {
        request_sha256: hex::encode(priced.sha256),
        nano_rho: priced.nano_rho,
        atto_delta: priced.atto_delta,
        draws: job.draws,
    })
}

fn measured(
    rooms: &Rooms,
    job: &Measure,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
    priced: &Priced,
    plan: &Plan,
) -> Result<(), Failure> {
    let connection = open_as(rooms, &job.source, limits, FileFormat::CsvText)?;
    hatch.progress(0, 0, "measuring")?;
    let watch = Watch::over(&connection, hatch.cancel_flag());
    let (written, _) = watch.guard(limits.time_s, || {
        write(rooms, job, &connection, priced, plan)
    });
    written
}

/// Cuts the cells, draws and writes the releases.
fn write(
    rooms: &Rooms,
    job: &Measure,
    connection: &Connection,
    priced: &Priced,
    plan: &Plan,
) -> Result<(), Failure> {
    let failed = |_| internal(FAILED);
    let prepared = prepare(connection, plan).map_err(|error| match error {
        MeasureError::Failed => internal(FAILED),
        of_the_tables => bad_input(of_the_tables.to_string()),
    })?;
    let draw = Draw::of(&prepared, priced, job.limits.groups).map_err(|()| internal(FAILED))?;
    let file = File::create(rooms.made(RELEASE)).map_err(|_| internal(FAILED))?;
    let mut out = BufWriter::new(file);
    draw.each(job.draws, |at, released| {
        let mut line = match job.draws {
            1 => head(priced, &job.unit),
            _ => Map::from_iter([("draw".to_owned(), json!(at))]),
        };
        if let Value::Object(released) = released {
            line.extend(released);
        }
        serde_json::to_writer(&mut out, &line).map_err(|_| PrivacyError::Cells)?;
        out.write_all(b"\n").map_err(|_| PrivacyError::Cells)
    })
    .map_err(failed)?;
    out.flush().map_err(|_| internal(FAILED))
}

/// What stands before the rows of a single release.
fn head(priced: &Priced, unit: &str) -> Map<String, Value> {
    let mut head = match priced.to_json() {
        Value::Object(price) => price,
        _ => Map::new(),
    };
    // Told with each number instead.
    head.remove("statistics");
    head.insert("unit".into(), json!(unit));
    let keys = match priced.request.finds_keys() {
        true => "found by threshold: labels come from the data and wait for a person's eye",
        false => "from the request",
    };
    head.insert("keys".into(), json!(keys));
    head
}

/// The cells of one request, from which the noise is drawn as often as wanted.
struct Draw<'a> {
    priced: &'a Priced,
    /// For each component its cells, group by group.
    cells: Vec<Vec<i64>>,
    /// The groups with their labels; those that were found wait for the threshold.
    groups: Vec<Vec<Literal>>,
    /// People of each group, where keys are found.
    people: Option<Vec<i64>>,
    groups_max: usize,
}

impl<'a> Draw<'a> {
    fn of(prepared: &Prepared<'_>, priced: &'a Priced, groups_max: u32) -> Result<Self, ()> {
        let cells = (0..priced.components.len())
            .map(|part| prepared.cells(part))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ())?;
        let (groups, people) = match prepared.labels() {
            None => (priced.request.groups(), None),
            Some(labels) => {
                let text = |label: &String| {
                    label
                        .split(LABEL_SEPARATOR)
                        .map(|value| Literal::Text(value.to_owned()))
                        .collect()
                };
                let people = prepared.people().map_err(|_| ())?;
                (labels.iter().map(text).collect(), Some(people))
            }
        };
        Ok(Self {
            priced,
            cells,
            groups,
            people,
            groups_max: groups_max as usize,
        })
    }

    /// Draws and hands each release on with its number.
    fn each(
        &self,
        draws: u32,
        mut with: impl FnMut(u32, Value) -> Result<(), PrivacyError>,
    ) -> Result<(), PrivacyError> {
        match &self.people {
            None => {
                for (at, cells) in (0..).zip(self.priced.draw(&self.cells, draws)?) {
                    let noisy = Noisy {
                        cells,
                        people: None,
                    };
                    with(at, release(self.priced, &self.groups, &noisy)?)?;
                }
            }
            Some(people) => {
                for at in 0..draws {
                    with(at, self.found(people)?)?;
                }
            }
        }
        Ok(())
    }

    /// One release over keys that pass the threshold in this draw.
    fn found(&self, people: &[i64]) -> Result<Value, PrivacyError> {
        let mut found = self.priced.find(people)?;
        if found.len() > self.groups_max {
            // Post-processing: by noisy numbers, then in order again.
            found.sort_by_key(|key| std::cmp::Reverse(key.people));
            found.truncate(self.groups_max);
            found.sort_by_key(|key| key.place);
        }
        let mut cells = Vec::with_capacity(self.cells.len());
        for (component, all) in self.priced.components.iter().zip(&self.cells) {
            let width = component.part.width();
            let mut own = Vec::with_capacity(found.len() * width);
            for Found { place, .. } in &found {
                let group = all.get(place * width..(place + 1) * width);
                own.extend_from_slice(group.ok_or(PrivacyError::Cells)?);
            }
            cells.push(own);
        }
        let cells = self
            .priced
            .draw(&cells, 1)?
            .pop()
            .ok_or(PrivacyError::Cells)?;
        let groups: Vec<Vec<Literal>> = found
            .iter()
            .map(|key| self.groups.get(key.place).cloned().unwrap_or_default())
            .collect();
        let noisy = Noisy {
            cells,
            people: Some(found.iter().map(|key| key.people).collect()),
        };
        release(self.priced, &groups, &noisy)
    }
}

fn priced(request: &str, limits: &RequestLimits) -> Result<Priced, Failure> {
    let limits = plan::limits(limits);
    Request::parse(request, &limits)
        .and_then(|request| privacy::price(request, &limits))
        .map_err(|error| {
            let code = match &error {
                PrivacyError::Limit { .. } => FailureCode::Limit,
                PrivacyError::Form(_) | PrivacyError::Request(_) | PrivacyError::Budget(_) => {
                    FailureCode::BadInput
                }
                PrivacyError::Cells | PrivacyError::Randomness | PrivacyError::Mechanism => {
                    FailureCode::Internal
                }
            };
            refusal(code, error.to_string())
        })
}

/// What was reserved is what it costs, to the last unit.
fn reserved(job: &Measure, priced: &Priced) -> Result<(), Failure> {
    let Some(reserved) = &job.reserved else {
        return Ok(());
    };
    let price = Reserved {
        request_sha256: hex::encode(priced.sha256),
        nano_rho: priced.nano_rho,
        atto_delta: priced.atto_delta,
    };
    if *reserved == price && job.draws == 1 {
        return Ok(());
    }
    Err(bad_input(
        "what was reserved is not the price of this request",
    ))
}

/// Whether the request asks for no more than it may.
fn permitted(job: &Measure, request: &Request) -> Result<(), Failure> {
    match &job.counts_people_of {
        Some(table) if request.counts_people_of() != Some(table) => Err(bad_input(
            "only the people of one table may be counted here",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Keys the order in which a person's groups are kept. In a safe haven nobody can foresee it. On files of one's
/// own it follows from the request, so that the same people are cut alike whoever else is in the file: an auditor
/// who draws often over two neighbours compares the noise, and not two orders.
fn order_key(job: &Measure, priced: &Priced) -> Result<[u8; 32], Failure> {
    if job.reserved.is_none() {
        let mut context = Context::new(&SHA256);
        context.update(b"strongroom order of groups 1\n");
        context.update(&priced.sha256);
        return <[u8; 32]>::try_from(context.finish().as_ref())
            .map_err(|_| internal("the order of groups could not be keyed"));
    }
    let mut secret = [0; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| internal("the source of randomness cannot be used"))?;
    Ok(secret)
}

/// Waits for the next multiple of a fixed time: how long the work took depends on data and noise.
fn wait(began: Instant, step_ms: u32) {
    let step = u128::from(step_ms.max(1));
    let steps = began.elapsed().as_millis() / step + 1;
    let until = u64::try_from(steps * step).unwrap_or(u64::MAX);
    std::thread::sleep(Duration::from_millis(until).saturating_sub(began.elapsed()));
}
