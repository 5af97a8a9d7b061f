//! Tells the story: numbered steps with what they are for, what came of them and what they cost.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::cost::{cpu_s, forget_peak, peak_mb};
use crate::problem::Problem;

pub(crate) struct Teller {
    keeper: Option<String>,
    steps: Vec<Value>,
    current: Option<Step>,
    /// Of any process so far.
    peak_mb: f64,
    begun: Instant,
}

struct Step {
    name: String,
    begun: Instant,
    cpu_s: f64,
    worker_peak_mb: f64,
    /// What each screen took, from the question to the answer: seconds, CPU seconds.
    screens: Vec<(f64, f64)>,
}

/// When a screen was asked for, and what had been used by then.
pub(crate) struct Asked(Instant, f64);

impl Teller {
    pub(crate) fn new() -> Self {
        Self {
            keeper: None,
            steps: Vec::new(),
            current: None,
            peak_mb: 0.0,
            begun: Instant::now(),
        }
    }

    /// Counts the keeper and its workers too, while it runs.
    pub(crate) fn watch(&mut self, keeper: Option<u32>) {
        self.keeper = keeper.map(|pid| pid.to_string());
    }

    pub(crate) fn opening(&self, args: &super::Args) -> Result<(), Problem> {
        let who = match &args.strack {
            Some(_) => {
                "Real hospital encounters go through the whole safe haven. Names, birth dates and CHI\n\
                 numbers are made up around them."
                    .to_owned()
            }
            None => format!(
                "{} people who do not exist go through the whole safe haven.",
                args.people
            ),
        };
        line(&format!(
            "STRONGROOM DEMO\n\n{who}\nEvery act below is a call of the same API that a site uses, by a person with one\n\
             role. Why so many people: whoever asks for data must not decide on it, whoever sees\n\
             names must not see diagnoses, and nobody lets out their own results.\n"
        ))
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, name: &str, about: &str) -> Result<(), Problem> {
        self.done()?;
        let number = self.steps.len() + 1;
        line(&format!("{number:>2}. {name}: {about}"))?;
        // What came before the first step, such as the walls being tried, is part of it.
        let (begun, cpu_s) = match number {
            1 => (self.begun, 0.0),
            _ => (Instant::now(), self.cpu()),
        };
        self.current = Some(Step {
            name: name.to_owned(),
            begun,
            cpu_s,
            worker_peak_mb: 0.0,
            screens: Vec::new(),
        });
        Ok(())
    }

    /// One line of what came of it.
    pub(crate) fn say(&self, text: &str) -> Result<(), Problem> {
        for part in text.lines() {
            line(&format!("      {part}"))?;
        }
        Ok(())
    }

    /// Something that must have been refused was.
    pub(crate) fn refused(&self, what: &str, why: &str) -> Result<(), Problem> {
        self.say(&format!("NO  {what}"))?;
        self.say(&format!("    -> {why}"))
    }

    /// Takes a worker's peak from an answer of the API.
    pub(crate) fn cost(&mut self, answer: &Value) {
        let kib = answer.pointer("/cost/peak_kib").and_then(Value::as_f64);
        let mb = kib.unwrap_or(0.0) * 1024.0 / 1e6;
        if let Some(step) = &mut self.current {
            step.worker_peak_mb = step.worker_peak_mb.max(mb);
        }
    }

    /// A screen is asked for.
    pub(crate) fn ask(&self) -> Asked {
        Asked(Instant::now(), self.cpu())
    }

    /// The screen has its answer.
    pub(crate) fn answered(&mut self, asked: &Asked, answer: &Value) {
        let cpu = (self.cpu() - asked.1).max(0.0);
        if let Some(step) = &mut self.current {
            step.screens.push((asked.0.elapsed().as_secs_f64(), cpu));
        }
        self.cost(answer);
    }

    /// Ends the current step.
    pub(crate) fn done(&mut self) -> Result<(), Problem> {
        let Some(step) = self.current.take() else {
            return Ok(());
        };
        let wall = step.begun.elapsed().as_secs_f64();
        let cpu = (self.cpu() - step.cpu_s).max(0.0);
        let peak = self.peak().max(step.worker_peak_mb);
        self.peak_mb = self.peak_mb.max(peak);
        forget_peak("self");
        if let Some(keeper) = &self.keeper {
            forget_peak(keeper);
        }
        line(&format!("      ({wall:.1} s, {cpu:.1} CPU s)\n"))?;
        self.steps.push(json!({
            "name": step.name, "cpu_s": cpu, "wall_s": wall, "peak_mb": peak,
            "screens": step.screens,
        }));
        Ok(())
    }

    /// The end: what everything cost.
    pub(crate) fn closing(&mut self, report: Option<&Path>) -> Result<(), Problem> {
        self.done()?;
        line(&format!(
            "Done in {:.1} s, {:.1} CPU seconds; the largest process used {:.0} MB.",
            self.begun.elapsed().as_secs_f64(),
            self.cpu(),
            self.peak_mb.max(self.peak())
        ))?;
        if let Some(path) = report {
            let text = json!({ "steps": self.steps }).to_string();
            std::fs::write(path, text)
                .map_err(|_| Problem::could_not("the report cannot be written"))?;
        }
        Ok(())
    }

    fn cpu(&self) -> f64 {
        cpu_s("self") + self.keeper.as_deref().map_or(0.0, cpu_s)
    }

    fn peak(&self) -> f64 {
        peak_mb("self").max(self.keeper.as_deref().map_or(0.0, peak_mb))
    }
}

/// One line on standard output.
pub(super) fn line(text: &str) -> Result<(), Problem> {
    writeln!(std::io::stdout().lock(), "{text}")
        .map_err(|_| Problem::could_not("standard output is closed"))
}
