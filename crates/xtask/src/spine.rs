//! `bench spine`: what new records cost against a kept spine, beside a linkage of everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use crate::fault::Fault;
use crate::json::Json;
use crate::place::Place;
use crate::{run, tasks};

/// What is measured.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    people: usize,
    new: usize,
    seed: u64,
}

pub(crate) fn bench(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    let plan = plan(args)?;
    tasks::build(place)?;
    let town = Town::make(place, &plan)?;
    println!(
        "{} people; a delivery about them of which the last {} records come later",
        plan.people, plan.new
    );
    println!("{:<34} {:>9} {:>8} {:>8}", "", "CPU s", "wall s", "MB");
    let spine = town.folder.join("spine");
    let spine = spine.to_string_lossy();
    town.link("all records, nothing kept", "link.toml", &[])?;
    town.link(
        "the first, kept",
        "link-first.toml",
        &["--keep-spine", &spine],
    )?;
    for (number, part) in town.parts.iter().enumerate() {
        let what = format!("{part} new records");
        let spec = format!("link-{number}.toml");
        town.link(&what, &spec, &["--spine", &spine])?;
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(args: &[String]) -> Result<Plan, Fault> {
    let mut plan = Plan {
        people: 1_000_000,
        new: 10_000,
        seed: 1,
    };
    let usage = || Fault::Usage(format!("bench spine {}", args.join(" ")));
    for pair in args.chunks(2) {
        let [flag, value] = pair else {
            return Err(usage());
        };
        let number: usize = value.parse().map_err(|_| usage())?;
        match flag.as_str() {
            "--people" => plan.people = number,
            "--new" => plan.new = number,
            "--seed" => plan.seed = number as u64,
            _ => return Err(usage()),
        }
    }
    // Three deliveries, and something to keep.
    if plan.new < 100 || plan.new > plan.people / 2 {
        return Err(usage());
    }
    Ok(plan)
}

/// Made-up people in a folder of their own, the delivery in parts.
struct Town<'a> {
    place: &'a Place,
    folder: PathBuf,
    /// Records of each part that comes later.
    parts: [usize; 3],
}

impl<'a> Town<'a> {
    fn make(place: &'a Place, plan: &Plan) -> Result<Self, Fault> {
        let folder = place.built.join("bench-spine");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|why| Fault::file(&folder, why))?;
        }
        let mut people = tasks::product(place);
        people
            .args(["people", "--profile", "typical", "--n"])
            .arg(plan.people.to_string())
            .args(["--seed", &plan.seed.to_string(), "--out"])
            .arg(&folder)
            .stdout(Stdio::null());
        run::must(&mut people)?;
        // A hundredth, a tenth and the rest, so that one sees what each record costs.
        let (tiny, small) = (plan.new / 100, plan.new / 10);
        let town = Self {
            place,
            folder,
            parts: [tiny, small, plan.new - tiny - small],
        };
        town.split()?;
        Ok(town)
    }

    /// Cuts the parts off the end of the delivery, and writes a specification for each.
    fn split(&self) -> Result<(), Fault> {
        let text = self.read("delivery.csv")?;
        let lines: Vec<&str> = text.lines().collect();
        let Some((header, rows)) = lines.split_first() else {
            return Err(Fault::Plain("the delivery is empty".into()));
        };
        let spec = self.read("link.toml")?;
        let later: usize = self.parts.iter().sum();
        let (first, mut rest) = rows.split_at(rows.len().saturating_sub(later));
        let csv = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
        self.write("first.csv", &csv(first))?;
        self.write(
            "link-first.toml",
            &spec.replace("delivery.csv", "first.csv"),
        )?;
        // The delivery's table is the last of two.
        let (_, delivery) = spec.rsplit_once("[[input]]").unwrap_or_default();
        for (number, part) in self.parts.iter().enumerate() {
            let (now, after) = rest.split_at(*part);
            rest = after;
            let name = format!("part-{number}.csv");
            self.write(&name, &csv(now))?;
            let spec = format!("link_type = \"link\"\n[[input]]{delivery}");
            let spec = spec.replace("delivery.csv", &name);
            self.write(&format!("link-{number}.toml"), &spec)?;
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<String, Fault> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).map_err(|why| Fault::file(&path, why))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Fault> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|why| Fault::file(&path, why))
    }

    /// Runs a linkage and prints what its report says that it cost.
    fn link(&self, what: &str, spec: &str, more: &[&str]) -> Result<(), Fault> {
        let out = self.folder.join("out");
        let mut link = tasks::product(self.place);
        link.arg("link")
            .arg(self.folder.join(spec))
            .arg("--out")
            .arg(&out)
            .args(more)
            .stdout(Stdio::null());
        run::must(&mut link)?;
        let report = costs(&out.join("report.json"))?;
        let [cpu, wall, mb] = report;
        println!("{what:<34} {cpu:>9.2} {wall:>8.2} {mb:>8.0}");
        Ok(())
    }
}

fn costs(path: &Path) -> Result<[f64; 3], Fault> {
    let text = fs::read_to_string(path).map_err(|why| Fault::file(path, why))?;
    let report = Json::parse(&text).map_err(|_| Fault::file(path, "is not JSON"))?;
    let of = |key: &str| {
        let number = report.get(key).and_then(Json::number);
        number.ok_or_else(|| Fault::file(path, format!("has no {key}")))
    };
    Ok([of("cpu_s")?, of("wall_s")?, of("peak_mb")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Plan, Fault> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        plan(&words)
    }

    #[test]
    fn sizes_are_read_and_others_refused() {
        assert_eq!(of("").unwrap().people, 1_000_000);
        assert_eq!(
            of("--people 5000 --new 200 --seed 3").unwrap(),
            Plan {
                people: 5_000,
                new: 200,
                seed: 3
            }
        );
        for line in [
            "--people",
            "--people x",
            "--new 10",
            "--people 100 --new 90",
            "--fast 1",
        ] {
            let told = of(line).unwrap_err().to_string();
            assert!(told.contains(&format!("bench spine {line}")), "{told}");
        }
    }
}
