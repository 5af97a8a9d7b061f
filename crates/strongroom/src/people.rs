//! `strongroom people`: synthetic people with truth, for trying and measuring linkage.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use testkit::population::{self, Plan, Sheets};

use crate::form::FormArgs;
use crate::problem::Problem;

/// Most people; ten times Scotland's, in two gigabytes of memory.
const PEOPLE_MAX: usize = 50_000_000;

/// Makes synthetic people up, as two files and the truth about them.
///
/// Writes into the folder DIR:
///
///   register.csv   one record for each of N people: id, chi, forename, surname, date_of_birth, sex,
///                  postcode, address_1
///   delivery.csv   the same columns, 2 % more records, as a service's clerks wrote them; some people come
///                  twice, some are not in the register
///   truth.csv      source (register or delivery), id, person
///   link.toml      a specification for `strongroom link`
///   link-no-chi.toml  the same without CHI numbers
///
/// Nobody in them exists. Names follow the decade of birth; there are households, twins, children called
/// after a parent, namesakes, moves, marriages, short forms, slips, missing values and stand-ins. The same
/// N, seed and profile give the same bytes.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// People of the register.
    #[arg(long, value_name = "N")]
    n: usize,
    /// Seed; another one makes other people.
    #[arg(long, value_name = "S")]
    seed: u64,
    /// How careful the delivery's clerks are: a clinic, a hospital, a service that writes by hand.
    #[arg(long, value_enum)]
    profile: Profile,
    /// Share of the delivery without a CHI number, 0 to 1. Default: clean 0.1, typical 0.4, hard 0.85.
    #[arg(long, value_name = "SHARE")]
    chi_missing: Option<f64>,
    /// Folder for the files; files of these names there are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Clean,
    Typical,
    Hard,
}

/// Writes the files.
///
/// # Errors
/// If a number has no meaning or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    if !(1..=PEOPLE_MAX).contains(&args.n) {
        return Err(Problem::could_not(format!("--n is from 1 to {PEOPLE_MAX}")));
    }
    let mut rates = match args.profile {
        Profile::Clean => population::Profile::Clean,
        Profile::Typical => population::Profile::Typical,
        Profile::Hard => population::Profile::Hard,
    }
    .rates();
    if let Some(share) = args.chi_missing {
        if !(0.0..=1.0).contains(&share) {
            return Err(Problem::could_not("--chi-missing is from 0 to 1"));
        }
        rates.chi_missing = share;
    }
    let plan = Plan {
        people: args.n,
        seed: args.seed,
        rates,
    };
    let unwritten = |path: &Path, error: &std::io::Error| {
        Problem::could_not(format!("{} cannot be written: {error}", path.display()))
    };
    fs::create_dir_all(&args.out).map_err(|error| unwritten(&args.out, &error))?;
    let make = |name: &str| {
        let path = args.out.join(name);
        let file = File::create(&path).map_err(|error| unwritten(&path, &error))?;
        Ok::<_, Problem>(BufWriter::with_capacity(1 << 20, file))
    };
    let mut sheets = Sheets {
        register: make("register.csv")?,
        delivery: make("delivery.csv")?,
        truth: make("truth.csv")?,
    };
    let made =
        population::write(&plan, &mut sheets).map_err(|error| unwritten(&args.out, &error))?;
    for (name, chi) in [("link.toml", "chi = \"chi\"\n"), ("link-no-chi.toml", "")] {
        let path = args.out.join(name);
        fs::write(&path, specification(chi)).map_err(|error| unwritten(&path, &error))?;
    }
    let [link, truth, linked] =
        ["link.toml", "truth.csv", "linked"].map(|name| args.out.join(name).display().to_string());
    let text = format!(
        "{}: {} records in register.csv, {} in delivery.csv, {} pairs of one person; try `strongroom link {link} --truth {truth} --out {linked}`\n",
        args.out.display(),
        made.register,
        made.delivery,
        made.pairs,
    );
    let value = json!({"register": made.register, "delivery": made.delivery, "pairs": made.pairs});
    args.form.print(&text, &value)?;
    Ok(ExitCode::SUCCESS)
}

fn specification(chi: &str) -> String {
    let input = |name: &str| {
        format!(
            "\n[[input]]\nname = \"{name}\"\npath = \"{name}.csv\"\nid = \"id\"\n\n[input.columns]\n{chi}forename = \"forename\"\nsurname = \"surname\"\ndate_of_birth = \"date_of_birth\"\nsex = \"sex\"\npostcode = \"postcode\"\naddress_1 = \"address_1\"\n"
        )
    };
    format!(
        "link_type = \"link\"\n{}{}",
        input("register"),
        input("delivery")
    )
}
