//! The blocking part of a job: open, spawn, seal what the worker sends, and for an indexing key the links.

mod judged;
mod linked;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use governance::job::Task;
use protocol::frame::Up;
use protocol::job::{Job, Order, Reserved};
use protocol::keeper::{Cost, File, Outcome, Refused, RefusedCode};
use protocol::report::{Report, StatementResult};
use sandbox::{Input, Launch, Profile, Running, Spare};

use crate::authority::Warrant;
use crate::checks::Judging;
use crate::custody::Custody;
use crate::error::{by_sandbox, by_worker, no};
use crate::halt::Halt;
use crate::hear::{seal, strange};
use crate::plan::{Plan, plan};
use crate::progress::Teller;
use crate::rooms::{Rooms, made_name};
use crate::seal::Made;

/// What a job needs beside its warrant.
pub(crate) struct Tools<'a> {
    pub(crate) custody: &'a Custody,
    pub(crate) rooms: &'a Rooms,
    pub(crate) worker: PathBuf,
    /// The program in which what it gathers is judged.
    pub(crate) judge: PathBuf,
    /// How that is judged, asked when it was gathered: what left or was shown meanwhile counts.
    pub(crate) judging: &'a dyn Fn() -> Result<Judging, Refused>,
    pub(crate) profile: Profile,
    pub(crate) tell: Teller,
    /// A worker that waits for this job, if there is one.
    pub(crate) spare: Option<Spare>,
}

/// A finished job. Its files are deleted unless [`Made::keep`] is called.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) cost: Cost,
    pub(crate) made: Made,
}

/// The file of a measurement's answer, and most bytes of it: what the store keeps as a document.
const ANSWER: &str = "release.jsonl";
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Does the job. Blocks until the worker has left.
pub(crate) fn work(
    mut tools: Tools<'_>,
    warrant: &Warrant,
    halt: &Halt,
) -> Result<Finished, Refused> {
    let plan = plan(warrant)?;
    let begun = Instant::now();
    // A spare that died while it waited costs its start and nothing else.
    let spare = tools.spare.take();
    let spare = spare.and_then(|spare| spare.begin(warrant.order.clone()).ok());
    let mut running = match spare {
        Some(running) => running,
        None => start(&tools, warrant, halt)?,
    };
    halt.over(running.killer());
    tools.tell.stage("working");
    let mut desk = Receiving {
        tools: &tools,
        warrant,
        plan,
        files: BTreeMap::new(),
        statement: None,
        answer: None,
        made: Made::new(&tools.rooms.sealed),
    };
    let report = desk.listen(&mut running)?;
    let mut cost = cost(begun, &running);
    drop(running);
    let outcome = match report {
        Report::Check { evidence } => desk.judged(evidence, halt, &mut cost)?,
        report => desk.outcome(report, halt)?,
    };
    Ok(Finished {
        outcome,
        cost,
        made: desk.made,
    })
}

/// Starts a worker for the job.
fn start(tools: &Tools<'_>, warrant: &Warrant, halt: &Halt) -> Result<Running, Refused> {
    tools.tell.stage("opening the inputs");
    let inputs = warrant.mounts.open(tools.custody, tools.rooms, halt)?;
    start_over(tools, &tools.worker, warrant.order.clone(), inputs)
}

/// Starts a worker of a program for a job over these inputs.
fn start_over(
    tools: &Tools<'_>,
    worker: &Path,
    job: Job,
    inputs: Vec<Input>,
) -> Result<Running, Refused> {
    let order = Order {
        job,
        limits: tools.profile.limits.clone(),
    };
    sandbox::spawn(Launch {
        worker: worker.to_owned(),
        order,
        inputs,
        profile: tools.profile.clone(),
    })
    .map_err(by_sandbox)
}

/// What a worker that has ended cost.
fn cost(begun: Instant, running: &Running) -> Cost {
    let usage = running.usage().unwrap_or_default();
    Cost {
        wall_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        cpu_ms: usage.cpu_ms,
        peak_kib: usage.peak_kib,
    }
}

struct Receiving<'a> {
    tools: &'a Tools<'a>,
    warrant: &'a Warrant,
    plan: Plan,
    /// By the word in their names.
    files: BTreeMap<&'static str, File>,
    /// What came of the statement of a screen that shows rows.
    statement: Option<StatementResult>,
    /// What a measurement sends: noisy numbers that may be published, and so are not sealed.
    answer: Option<Vec<u8>>,
    made: Made,
}

impl Receiving<'_> {
    /// Hears the worker out. A file that is not expected, or comes twice, ends the job.
    fn listen(&mut self, running: &mut Running) -> Result<Report, Refused> {
        let mut report = None;
        loop {
            match running.next().map_err(by_sandbox)? {
                Some(Up::Progress(progress)) => self.tools.tell.worker(&progress),
                Some(Up::FileStart { name }) => self.receive(&name, running)?,
                Some(Up::Report(found)) => report = Some(found),
                Some(Up::Statement(result)) => self.look(result)?,
                Some(Up::Failed(failure)) => return Err(by_worker(failure)),
                Some(
                    Up::MountReady { .. }
                    | Up::Ready(_)
                    | Up::Refused(_)
                    | Up::FileBytes(_)
                    | Up::FileEnd { .. },
                ) => return Err(strange()),
                None => return report.ok_or_else(strange),
            }
        }
    }

    fn receive(&mut self, name: &str, running: &mut Running) -> Result<(), Refused> {
        if let Task::Measure { .. } = &self.warrant.core.task {
            return self.receive_answer(name, running);
        }
        let expected = self.plan.must.iter().chain(self.plan.may);
        let (_, word) = expected
            .copied()
            .find(|(sent, _)| *sent == name)
            .ok_or_else(strange)?;
        if self.files.contains_key(word) {
            return Err(strange());
        }
        self.tools.tell.stage("sealing what was made");
        let sealed = self.name(word);
        let secret = self
            .tools
            .custody
            .make(&self.plan.owner, self.plan.purpose)?;
        let kept = seal(running, &self.tools.rooms.sealed, &sealed, &secret)?;
        self.made.add(&sealed);
        self.files.insert(word, kept);
        Ok(())
    }

    /// The one result of a screen that shows rows.
    fn look(&mut self, result: StatementResult) -> Result<(), Refused> {
        let Job::Query(_) = &self.warrant.order else {
            return Err(strange());
        };
        match self.statement.replace(result) {
            None => Ok(()),
            Some(_) => Err(no(
                RefusedCode::BadInput,
                "a screen shows one statement at a time: run them one by one",
            )),
        }
    }

    fn looked(&mut self) -> Result<Outcome, Refused> {
        let result = self.statement.take().ok_or_else(strange)?;
        Ok(Outcome::Statement { result })
    }

    /// The one line that a measurement sends.
    fn receive_answer(&mut self, name: &str, running: &mut Running) -> Result<(), Refused> {
        if name != ANSWER || self.answer.is_some() {
            return Err(strange());
        }
        let mut answer = Vec::new();
        loop {
            match running.next().map_err(by_sandbox)? {
                Some(Up::FileBytes(bytes)) if answer.len() + bytes.len() <= ANSWER_BYTES_MAX => {
                    answer.extend_from_slice(&bytes);
                }
                Some(Up::FileEnd { .. }) => break,
                Some(Up::Progress(_)) => {}
                Some(
                    Up::MountReady { .. }
                    | Up::Ready(_)
                    | Up::Refused(_)
                    | Up::Statement(_)
                    | Up::FileStart { .. }
                    | Up::FileBytes(_)
                    | Up::Failed(_)
                    | Up::Report(_),
                )
                | None => return Err(strange()),
            }
        }
        self.answer = Some(answer);
        Ok(())
    }

    /// The answer, if it is the one draw of what was reserved.
    fn measured(&mut self, report: Report) -> Result<Outcome, Refused> {
        let Report::Measure {
            request_sha256,
            nano_rho,
            atto_delta,
            draws: 1,
        } = report
        else {
            return Err(strange());
        };
        let said = Reserved {
            request_sha256,
            nano_rho,
            atto_delta,
        };
        let Job::Measure(order) = &self.warrant.order else {
            return Err(strange());
        };
        if order.reserved != Some(said) {
            return Err(strange());
        }
        let answer = self.answer.take().ok_or_else(strange)?;
        let answer = String::from_utf8(answer).map_err(|_| strange())?;
        Ok(Outcome::Measured { answer })
    }

    fn name(&self, word: &str) -> String {
        made_name(
            self.warrant.core.task.object(),
            word,
            self.warrant.job.as_str(),
        )
    }

    fn take(&mut self, word: &str) -> Result<File, Refused> {
        self.files.remove(word).ok_or_else(strange)
    }

    /// The outcome of the report, which must be one of this task and come with all its files.
    fn outcome(&mut self, report: Report, halt: &Halt) -> Result<Outcome, Refused> {
        for (_, word) in self.plan.must {
            if !self.files.contains_key(word) {
                return Err(strange());
            }
        }
        match (&self.warrant.core.task, report) {
            (Task::LoadIdentifiers { .. }, Report::LoadIdentifiers { records, missing }) => {
                Ok(Outcome::LoadIdentifiers {
                    file: self.take("identifiers")?,
                    records_file: self.take("records")?,
                    records,
                    missing,
                })
            }
            (
                Task::LoadPayload { .. },
                Report::LoadPayload {
                    rows,
                    unmatched,
                    records,
                    missing,
                },
            ) if self.files.contains_key("events") == self.numbers_events() => {
                Ok(Outcome::LoadPayload {
                    file: self.take("payload")?,
                    events_file: self.files.remove("events"),
                    rows,
                    unmatched,
                    records,
                    missing,
                })
            }
            (Task::Index { .. }, report @ (Report::Link { .. } | Report::Pairs { .. })) => {
                self.indexed(report, halt)
            }
            (Task::Extract { .. }, Report::Extract { tables }) => Ok(Outcome::Extract {
                file: self.take("extract")?,
                tables,
            }),
            (Task::Query { .. }, Report::Query { statements: 1 }) => self.looked(),
            (Task::Measure { .. }, report @ Report::Measure { .. }) => self.measured(report),
            (
                Task::LoadIdentifiers { .. }
                | Task::LoadPayload { .. }
                | Task::Index { .. }
                | Task::Extract { .. }
                | Task::Query { .. }
                | Task::Check { .. }
                | Task::Measure { .. },
                Report::LoadIdentifiers { .. }
                | Report::LoadPayload { .. }
                | Report::Link { .. }
                | Report::Pairs { .. }
                | Report::LinkFiles { .. }
                | Report::Extract { .. }
                | Report::Query { .. }
                | Report::Check { .. }
                | Report::Inspect { .. }
                | Report::Price { .. }
                | Report::Measure { .. }
                | Report::Dummy
                | Report::Practice { .. }
                | Report::SelfAudit { .. }
                | Report::Judge { .. }
                | Report::Again { .. }
                | Report::Attack { .. }
                | Report::SelfTest { .. },
            ) => Err(strange()),
        }
    }

    /// Whether the order numbers events, and so must give their file.
    fn numbers_events(&self) -> bool {
        matches!(&self.warrant.order, Job::LoadPayload(load) if load.event.is_some())
    }
}
