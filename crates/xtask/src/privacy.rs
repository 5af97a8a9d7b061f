//! `bench privacy`: counts, sums, means and standard deviations by group, ours beside smartnoise-sql (PyPI) in
//! one run, over the same file and at the same whole budget (epsilon 1 at delta 10^-6).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::fault::Fault;
use crate::json::Json;
use crate::place::Place;
use crate::{machine, run, tasks};

const ROWS: [u64; 2] = [100_000, 1_000_000];
/// The peer, at the version that the figures are of.
const PEER: &str = "smartnoise-sql==1.0.10";
const SCRIPT: &str = include_str!("privacy/peer.py");

pub(crate) fn bench(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    if !args.is_empty() {
        return Err(Fault::Usage(format!("bench privacy {}", args.join(" "))));
    }
    tasks::build(place)?;
    let folder = place.built.join("bench-privacy");
    fs::create_dir_all(&folder).map_err(|why| Fault::file(&folder, why))?;
    let python = peer(&folder)?;
    let script = folder.join("peer.py");
    fs::write(&script, SCRIPT).map_err(|why| Fault::file(&script, why))?;
    for rows in ROWS {
        let data = folder.join(format!("visits-{rows}.csv"));
        let program = place.program("examples/privacy");
        let make = |command: &mut Command| {
            command
                .args(["make", &rows.to_string()])
                .arg(&data)
                .env_remove("LD_LIBRARY_PATH");
        };
        let mut making = Command::new(&program);
        make(&mut making);
        run::said(&mut making)?;
        let ours = run::said(Command::new(&program).arg("run").arg(&data))?;
        let theirs = run::said(Command::new(&python).arg(&script).arg(&data))?;
        let read = |text: &str, whose: &str| {
            Json::parse(text)
                .ok()
                .ok_or_else(|| Fault::Plain(format!("{whose} figures cannot be read")))
        };
        let (ours, theirs) = (read(&ours, "our")?, read(&theirs, "the peer's")?);
        let table = table(rows, &ours, &theirs)
            .ok_or_else(|| Fault::Plain("a figure is missing".into()))?;
        print!("{table}");
    }
    Ok(ExitCode::SUCCESS)
}

/// A Python with the peer: that of `STRONGROOM_SMARTNOISE`, else an environment made here once.
fn peer(folder: &Path) -> Result<PathBuf, Fault> {
    if let Some(python) = std::env::var_os("STRONGROOM_SMARTNOISE") {
        return Ok(PathBuf::from(python));
    }
    let python = folder.join("peer/bin/python");
    if python.exists() {
        return Ok(python);
    }
    if !machine::has("python3") {
        return Err(Fault::Lacks(vec![
            "`python3` with venv (runs the peer); on Debian: apt-get install python3-venv".into(),
        ]));
    }
    run::must(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(folder.join("peer")),
    )?;
    run::must(Command::new(folder.join("peer/bin/pip")).args(["install", "--quiet", PEER]))?;
    Ok(python)
}

/// Both sides in one table, with what they come to.
fn table(rows: u64, ours: &Json, theirs: &Json) -> Option<String> {
    let preparation = ours.get("preparation_cpu_s")?.number()?;
    let mut text = format!(
        "\n{rows} rows, 12 groups, 4 of them a person; epsilon 1 at delta 1e-6 for each statistic alone, and for all four together\n\
         CPU seconds over prepared cells; mean absolute errors; ratios are the peer's over ours\n\
         {:<8} {:>9} {:>11} {:>11} {:>7} {:>11} {:>11} {:>6} {:>11} {:>11} {:>6}\n",
        "",
        "noise",
        "ours CPU s",
        "peer CPU s",
        "ratio",
        "alone err",
        "peer err",
        "ratio",
        "four err",
        "peer err",
        "ratio"
    );
    let (mut own, mut whole, mut haven, mut peer) = (0.0, 0.0, 0.0, 0.0);
    for (at, our) in ours.get("statistics")?.items()?.iter().enumerate() {
        let their = theirs.get("statistics")?.items()?.get(at)?;
        let ours = |name: &str| our.get(name)?.number();
        let theirs = |name: &str| their.get(name)?.number();
        let (a, b) = (ours("cpu_s")?, theirs("cpu_s")?);
        own += a;
        whole += ours("cpu_whole_s")?;
        haven += ours("cpu_haven_s")?;
        peer += b;
        text.push_str(&format!(
            "{:<8} {:>9} {a:>11.4} {b:>11.4} {:>7.1} {:>11.4} {:>11.4} {:>6.2} {:>11.4} {:>11.4} {:>6.2}\n",
            our.get("statistic")?.text()?,
            our.get("noise")?.text()?,
            b / a.max(1e-9),
            ours("error_alone")?,
            theirs("error_alone")?,
            theirs("error_alone")? / ours("error_alone")?,
            ours("error_together")?,
            theirs("error_together")?,
            theirs("error_together")? / ours("error_together")?,
        ));
    }
    text.push_str(&format!(
        "all four over the prepared cells: ours {own:.4}, peer {peer:.4}: {:.1} times less\n\
         preparing the cells, once: {preparation:.4}; with it {:.4}: {:.1} times less\n\
         each statistic from the rows, nothing prepared: {whole:.4}: {:.1} times less\n\
         each as a safe haven's worker answers it, the extract opened, nothing prepared: {haven:.4}: {:.1} times less\n",
        peer / own.max(1e-9),
        own + preparation,
        peer / (own + preparation),
        peer / whole.max(1e-9),
        peer / haven.max(1e-9),
    ));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_stand_in_one_table_with_their_ratios() {
        let ours = Json::parse(
            r#"{"preparation_cpu_s": 0.5, "statistics": [{"statistic": "mean", "noise": "laplace", "cpu_s": 0.01, "cpu_whole_s": 0.4, "cpu_haven_s": 0.5, "error_alone": 0.1, "error_together": 0.2}]}"#,
        );
        let theirs = Json::parse(
            r#"{"statistics": [{"cpu_s": 2.0, "error_alone": 0.3, "error_together": 1.0}]}"#,
        );
        let table = table(1000, &ours.unwrap(), &theirs.unwrap()).unwrap();
        assert!(table.contains("200.0"), "{table}");
        assert!(table.contains("3.00") && table.contains("5.00"), "{table}");
        assert!(table.contains("with it 0.5100: 3.9 times less"), "{table}");
        assert!(table.contains("opened, nothing prepared: 0.5000: 4.0 times less"));
    }
}
