//! Linking files of one's own: read, link, write, and compare with a truth where one is given.
//!
//! Cells go from the file into the engine's codes row by row; of what was read only the ids are kept.

mod apart;
mod encode;
mod ids;
mod review;
mod spine;
mod told;
mod truth;

use std::path::Path;
use std::time::Instant;

use frames::{Cells, FrameError, Strings, Table, Values};
use linkage::{
    ColumnReport, FileSpec, Intake, LinkError, Linkage, Observer, Resources, Spec, SpineSpec, Stage,
};
use protocol::frame::Hatch;
use protocol::job::{Format, LinkFiles, LinkedFile};
use protocol::limits::Limits;
use protocol::linked::StageCost;
use protocol::report::{Failure, FailureCode, Report};

use super::{Rooms, bad_input, file_limits, internal, of_frame, refusal};
use ids::Ids;
use truth::Truth;

const LINKS: &str = "links.parquet";
const CLUSTERS: &str = "clusters.parquet";
const MODEL: &str = "model.json";

/// From so many records on, a column with one value throughout is taken for a mistake of the specification.
const CONSTANT_FROM: u64 = 10;

pub(super) fn run(
    rooms: &Rooms,
    job: &LinkFiles,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let spec: Spec = serde_json::from_str(&job.spec)
        .map_err(|_| bad_input("the specification is not what the engine knows"))?;
    if spec.files.len() != job.files.len() {
        return Err(bad_input(
            "the specification names other files than the job",
        ));
    }
    if let Some(asked) = &spec.encode {
        return encode::run(rooms, job, &spec, asked, limits, hatch);
    }
    match spec.spine {
        Some(SpineSpec::Deliver { time_ms }) => {
            spine::deliver(rooms, job, &spec, time_ms, limits, hatch)
        }
        Some(SpineSpec::AsOf { time_ms }) => spine::as_of(rooms, &spec, time_ms, hatch),
        Some(SpineSpec::Keep { .. }) | None => link(rooms, job, &spec, limits, hatch),
    }
}

/// Links the files, and keeps them if the specification says so.
fn link(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let mut costs = Costs::new();
    let mut intake = Intake::new(spec.clone()).map_err(|error| of_engine(&error, spec))?;
    costs.begin("read");
    let ids = apart::read_all(rooms, job, spec, limits, &mut intake, hatch)?;
    let truth = match &job.truth {
        None => None,
        Some(file) => {
            costs.begin("read truth");
            let path = rooms.input(&file.file)?;
            Some(Truth::read(&path, file.format, spec, &ids, limits)?)
        }
    };
    costs.begin("read judged pairs and frequencies");
    let agreement = told::take(rooms, job, spec, &ids, limits, &mut intake)?;
    let resources = resources(limits, &ids);
    let mut heard = Heard {
        costs: &mut costs,
        hatch: &mut *hatch,
    };
    let (linkage, kept) = if let Some(SpineSpec::Keep { time_ms }) = spec.spine {
        let kept = intake.link_and_keep(&id_of(&ids), resources, &mut heard);
        kept.map(|(linkage, kept)| (linkage, Some((kept, time_ms))))
    } else {
        intake.link(resources, &mut heard).map(|done| (done, None))
    }
    .map_err(|error| of_engine(&error, spec))?;
    for file in &linkage.report.files {
        readable(&file.name, &file.columns)?;
    }
    costs.begin("write");
    hatch.progress(0, 0, "writing")?;
    write(rooms, &linkage, spec, &ids, hatch)?;
    if job.review > 0 {
        review::write(rooms, job, spec, &ids, &linkage, limits, hatch)?;
    }
    drop(ids);
    if let Some((kept, time_ms)) = kept {
        spine::keep(&kept, &linkage, time_ms, hatch)?;
    }
    let scores = truth.map(|truth| {
        costs.begin("compare with truth");
        Box::new(truth.scores(&linkage, spec))
    });
    let report = serde_json::to_string(&linkage.report)
        .map_err(|_| internal("the report could not be written"))?;
    Ok(Report::LinkFiles {
        linkage: report,
        stages: costs.end(),
        scores,
        agreement,
    })
}

/// The id of a record of the files that were read.
fn id_of(ids: &[Ids]) -> impl Fn(linkage::Record) -> Option<String> {
    |(file, row)| Some(ids.get(usize::from(file))?.get(row)?.to_owned())
}

/// Reads one file into `push`, and keeps its ids.
fn read(
    path: &Path,
    file: &LinkedFile,
    told: &FileSpec,
    limits: &Limits,
    mut push: impl FnMut(&str, &[Option<&str>]) -> Result<(), LinkError>,
) -> Result<Taken, Unread> {
    // The id may have a role too; a column is read once.
    let mut wanted = vec![file.id.as_str()];
    let mut place = Vec::with_capacity(told.columns.len());
    for column in &told.columns {
        let at = wanted.iter().position(|name| *name == column.name);
        place.push(at.unwrap_or(wanted.len()));
        if at.is_none() {
            wanted.push(&column.name);
        }
    }
    let mut ids = Strings::new();
    let mut seen: Vec<Seen> = told.columns.iter().map(|_| Seen::Nothing).collect();
    let mut refused = None;
    let mut row = 0_u64;
    let mut take = |cells: &[&str]| {
        row += 1;
        let cell = |at: usize| cells.get(at).copied().unwrap_or("");
        let id = cell(0);
        if id.is_empty() {
            return Err(FrameError::cell(row, &file.id, "the id is missing"));
        }
        ids.push(id)?;
        let mut values = [None; VALUES];
        let values = values.get_mut(..place.len()).unwrap_or_default();
        for ((value, at), seen) in values.iter_mut().zip(&place).zip(&mut seen) {
            let text = cell(*at);
            if !text.is_empty() {
                seen.take(text);
                *value = Some(text);
            }
        }
        push(id, values).map_err(|error| {
            refused = Some(error);
            FrameError::file("")
        })
    };
    let limits = file_limits(limits);
    let read = match file.format {
        Format::Csv => frames::csv::rows(path, &wanted, &limits, &mut take),
        Format::Parquet => frames::parquet::rows(path, &wanted, &limits, &mut take),
    };
    if let Some(error) = refused {
        return Err(Unread::Engine(error));
    }
    let rows = read.map_err(Unread::File)?;
    Ok(Taken { ids, seen, rows })
}

/// A file that was read.
struct Taken {
    ids: Strings,
    seen: Vec<Seen>,
    rows: u64,
}

impl Taken {
    /// Refuses a column that cannot tell anybody apart, and an id that comes twice.
    fn judged(self, told: &FileSpec) -> Result<Ids, Unread> {
        for (column, seen) in told.columns.iter().zip(&self.seen) {
            seen.judge(&column.name, self.rows).map_err(Unread::File)?;
        }
        self.ids()
    }

    /// Refuses an id that comes twice.
    fn ids(self) -> Result<Ids, Unread> {
        Ids::of(self.ids).map_err(|(first, second)| {
            Unread::File(FrameError::row(
                second,
                &format!("has the id of row {first}: an id names one record"),
            ))
        })
    }
}

/// Columns that a specification may give a role to; the engine refuses more.
const VALUES: usize = 64;

/// Why a file was not read.
enum Unread {
    File(FrameError),
    Engine(LinkError),
}

impl Unread {
    fn of_input(self, name: &str, spec: &Spec) -> Failure {
        match self {
            Self::File(error) => {
                let mut failure = of_frame(error);
                failure.message = format!("input {name}: {}", failure.message);
                failure
            }
            Self::Engine(error) => of_engine(&error, spec),
        }
    }
}

/// What was met in a column so far.
enum Seen {
    Nothing,
    /// One value, again and again.
    One(Box<str>),
    Several,
}

impl Seen {
    fn take(&mut self, text: &str) {
        match self {
            Self::Nothing => *self = Self::One(text.into()),
            Self::One(one) if **one != *text => *self = Self::Several,
            Self::One(_) | Self::Several => {}
        }
    }

    /// Refuses a column that cannot tell anybody apart.
    fn judge(&self, column: &str, rows: u64) -> Result<(), FrameError> {
        match self {
            Self::Nothing => Err(FrameError::column(
                column,
                "has no value in any record: leave it out of the specification",
            )),
            Self::One(_) if rows >= CONSTANT_FROM => Err(FrameError::column(
                column,
                "has the same value in every record and tells nobody apart: leave it out of the specification",
            )),
            Self::One(_) | Self::Several => Ok(()),
        }
    }
}

/// A birth date column most of whose values could not be read as dates is written in another layout.
fn readable(input: &str, columns: &[ColumnReport]) -> Result<(), Failure> {
    for column in columns {
        let date = column.role == linkage::Role::DateOfBirth.as_str();
        if date && column.invalid > column.usable {
            return Err(bad_input(format!(
                "input {input}: column {}: {} of {} values are not dates of birth as YYYY-MM-DD, DD/MM/YYYY or YYYYMMDD",
                column.name,
                column.invalid,
                column.invalid + column.usable
            )));
        }
    }
    Ok(())
}

/// What the process may hold by its limits (see `Limits::memory_mib`), less what is held already.
fn resources(limits: &Limits, ids: &[Ids]) -> Resources {
    let held: u64 = ids.iter().map(Ids::bytes).sum();
    Resources {
        threads: std::num::NonZeroUsize::new(limits.threads as usize)
            .unwrap_or(std::num::NonZeroUsize::MIN),
        memory_bytes: (u64::from(limits.memory_mib) << 21).saturating_sub(held),
    }
}

fn of_engine(error: &LinkError, spec: &Spec) -> Failure {
    let mut message = error.to_string();
    // The engine knows files by their place.
    for (at, file) in spec.files.iter().enumerate().rev() {
        message = message.replace(&format!("file {}", at + 1), &format!("input {}", file.name));
    }
    match error {
        LinkError::PairBudget { .. } | LinkError::TooManyRecords { .. } | LinkError::Cancelled => {
            refusal(FailureCode::Limit, message)
        }
        _ => bad_input(message),
    }
}

/// Takes the time of each part of the work.
struct Costs {
    done: Vec<StageCost>,
    running: Option<(&'static str, Instant, f64)>,
}

impl Costs {
    fn new() -> Self {
        Self {
            done: Vec::new(),
            running: None,
        }
    }

    fn begin(&mut self, stage: &'static str) {
        let cpu = sandbox::inside::cpu_used().as_secs_f64();
        if let Some((stage, since, before)) = self.running.replace((stage, Instant::now(), cpu)) {
            let (wall_s, cpu_s) = (since.elapsed().as_secs_f64(), cpu - before);
            match self.done.iter_mut().find(|done| done.stage == stage) {
                Some(again) => {
                    again.wall_s += wall_s;
                    again.cpu_s += cpu_s;
                }
                None => self.done.push(StageCost {
                    stage: stage.to_owned(),
                    wall_s,
                    cpu_s,
                }),
            }
        }
    }

    fn end(mut self) -> Vec<StageCost> {
        self.begin("");
        self.done
    }
}

/// Passes on what the engine says.
struct Heard<'a, 'b> {
    costs: &'a mut Costs,
    hatch: &'a mut Hatch<'b>,
}

impl Observer for Heard<'_, '_> {
    fn stage(&mut self, stage: Stage) {
        self.costs.begin(stage.as_str());
        // A keeper that is gone or asks to stop is met at the next question.
        let _ = self.hatch.progress(0, 0, stage.as_str());
    }

    fn cancelled(&mut self) -> bool {
        self.hatch.cancelled()
    }
}

fn write(
    rooms: &Rooms,
    linkage: &Linkage,
    spec: &Spec,
    ids: &[Ids],
    hatch: &mut Hatch<'_>,
) -> Result<(), Failure> {
    let links = links(linkage, spec, ids).map_err(of_frame)?;
    send(rooms, LINKS, links, hatch)?;
    let clusters = clusters(linkage, spec, ids).map_err(of_frame)?;
    send(rooms, CLUSTERS, clusters, hatch)?;
    let model = serde_json::to_vec_pretty(&linkage.model)
        .map_err(|_| internal("the model could not be written"))?;
    hatch.send_file(MODEL, &mut model.as_slice())?;
    Ok(())
}

fn send(rooms: &Rooms, name: &str, table: Table, hatch: &mut Hatch<'_>) -> Result<(), Failure> {
    let path = rooms.made(name);
    frames::parquet::write(&path, table).map_err(of_frame)?;
    hatch.send_path(name, &path)?;
    // Scratch space is memory.
    std::fs::remove_file(&path).map_err(|_| internal("a file could not be removed"))
}

fn links(linkage: &Linkage, spec: &Spec, ids: &[Ids]) -> Result<Table, FrameError> {
    let joins = &linkage.joins;
    let source = |file: u16| Some(spec.files.get(file as usize)?.name.as_str());
    let id = |file: u16, row: u32| ids.get(file as usize)?.get(row);
    let numbers = |of: fn(&linkage::Join) -> f64| {
        Values::Number(
            joins
                .iter()
                .map(|join| Some(of(join)))
                .collect::<Cells<f64>>(),
        )
    };
    let columns = vec![
        ("source_l", text(joins.iter().map(|j| source(j.file_l)))?),
        ("id_l", text(joins.iter().map(|j| id(j.file_l, j.row_l)))?),
        ("source_r", text(joins.iter().map(|j| source(j.file_r)))?),
        ("id_r", text(joins.iter().map(|j| id(j.file_r, j.row_r)))?),
        ("match_weight", numbers(|join| join.match_weight)),
        ("match_probability", numbers(|join| join.match_probability)),
        (
            "step",
            text(joins.iter().map(|join| Some(join.step.as_str())))?,
        ),
    ];
    Ok(named(columns))
}

fn text<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Result<Values, FrameError> {
    Strings::of(cells).map(Values::Text)
}

fn clusters(linkage: &Linkage, spec: &Spec, ids: &[Ids]) -> Result<Table, FrameError> {
    let (mut source, mut id) = (Strings::new(), Strings::new());
    let mut person = Vec::new();
    for ((file, ids), persons) in spec.files.iter().zip(ids).zip(&linkage.persons) {
        for (row, number) in persons.iter().enumerate() {
            source.push(&file.name)?;
            id.push(ids.get(row as u32).unwrap_or(""))?;
            person.push(*number);
        }
    }
    let person = person.into_iter().map(|number| Some(i64::from(number)));
    Ok(named(vec![
        ("source", Values::Text(source)),
        ("id", Values::Text(id)),
        ("person", Values::Integer(person.collect())),
    ]))
}

fn named(columns: Vec<(&str, Values)>) -> Table {
    Table {
        columns: columns
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values))
            .collect(),
        notes: Vec::new(),
    }
}
