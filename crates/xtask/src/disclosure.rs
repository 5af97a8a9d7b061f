//! `bench disclosure`: `strongroom check` and acro on the same tables, in one run, against a truth that knows
//! neither; then what a table over many rows takes.
//!
//! acro goes into a virtual environment under the target folder; the scripts are in `tests/peers/disclosure/`.

use std::process::{Command, ExitCode};

use crate::fault::Fault;
use crate::linkage::{environment, scripts};
use crate::place::Place;
use crate::{run, tasks};

pub(crate) fn bench(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    tasks::build(place)?;
    let python = environment(place, "disclosure")?;
    let status = run::status(
        Command::new(python)
            .arg(scripts(place, "disclosure").join("bench.py"))
            .arg(place.program("strongroom"))
            .arg(place.built.join("bench-disclosure"))
            .args(args)
            .env_remove("LD_LIBRARY_PATH"),
    )?;
    Ok(tasks::exit(status))
}
