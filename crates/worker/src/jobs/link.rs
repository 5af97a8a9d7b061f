//! Linking the records of one delivery to the population spine.
//!
//! Objections: the file is linked against the whole spine, and links to people who objected are then
//! withheld. Were those people taken off the spine first, their records could link to somebody else.

mod review;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::Path;

use frames::{Cells, Strings, Table, Values};
use linkage::{Column, Link, LinkError, Linked, Records, Role, Settings, Step};
use protocol::frame::Hatch;
use protocol::job::{Link as LinkJob, Objections, ReviewStage};
use protocol::limits::Limits;
use protocol::linked::Reviewed;
use protocol::report::{Failure, Report};

use super::{Rooms, bad_input, file_limits, internal, of_frame};

const LINKS: &str = "links";
const LINKS_TABLE: &str = "links.parquet";
const MODEL: &str = "model.json";

pub(super) fn run(
    rooms: &Rooms,
    job: &LinkJob,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let settings: Settings = serde_json::from_str(&job.settings)
        .map_err(|_| bad_input("the linkage settings are not what the engine knows"))?;
    hatch.progress(0, 0, "reading")?;
    let file = records(
        &rooms.input("identifiers.parquet")?,
        limits,
        "the identifiers",
    )?;
    let spine = records(&rooms.input("spine.parquet")?, limits, "the spine")?;
    let objected = match job.objections {
        Objections::None => Objected::default(),
        Objections::Listed => {
            let listed = records(
                &rooms.input("objections.parquet")?,
                limits,
                "the objections",
            )?;
            Objected::find(&listed, &spine)?
        }
    };
    hatch.progress(0, 0, "linking")?;
    let (linked, reviewed) = match &job.review {
        ReviewStage::None => {
            let linked = linkage::link(&file, &spine, &settings).map_err(of_engine)?;
            (linked, None)
        }
        ReviewStage::Choose { pairs } => {
            let of = [&file, &spine];
            match review::choose(of, &job.settings, &settings, *pairs, &objected.spine)? {
                review::Choice::Pairs { bytes, pairs } => {
                    hatch.send_file(protocol::pairs::NAME, &mut bytes.as_slice())?;
                    let records = file.ids.len() as u64;
                    return Ok(Report::Pairs { pairs, records });
                }
                review::Choice::Nothing { linked } => (*linked, Some(review::NOTHING)),
            }
        }
        ReviewStage::Settled { said } => {
            let (linked, reviewed) = review::settled(rooms, [&file, &spine], said)?;
            (linked, Some(reviewed))
        }
    };
    let (withheld, mut links): (Vec<Link>, Vec<Link>) = linked
        .links
        .iter()
        .copied()
        .partition(|link| objected.spine.contains(&link.spine));
    links.sort_by_key(|link| link.left);
    hatch.progress(0, 0, "writing")?;
    write_links(&rooms.made(LINKS), &links)
        .map_err(|_| internal("the links could not be written"))?;
    frames::parquet::write(&rooms.made(LINKS_TABLE), table(&links).map_err(of_frame)?)
        .map_err(of_frame)?;
    let model = serde_json::to_vec_pretty(&linked.model)
        .map_err(|_| internal("the model could not be written"))?;
    std::fs::write(rooms.made(MODEL), model)
        .map_err(|_| internal("the model could not be written"))?;
    for name in [LINKS, LINKS_TABLE, MODEL] {
        hatch.send_path(name, &rooms.made(name))?;
    }
    report(&linked, &links, withheld.len() as u64, &objected, reviewed)
}

fn of_engine(error: LinkError) -> Failure {
    bad_input(error.to_string())
}

fn report(
    linked: &Linked,
    links: &[Link],
    withheld: u64,
    objected: &Objected,
    review: Option<Reviewed>,
) -> Result<Report, Failure> {
    let mut steps: BTreeMap<String, u64> = BTreeMap::new();
    for link in links {
        *steps.entry(step_name(link.step).to_owned()).or_default() += 1;
    }
    let records = linked.report.left_records;
    let detail = serde_json::json!({
        "linkage": linked.report,
        "objections": {
            "listed": objected.listed,
            "without_chi": objected.without_chi,
            "not_on_spine": objected.not_on_spine,
        },
    });
    Ok(Report::Link {
        records,
        linked: steps,
        unlinked: records.saturating_sub(links.len() as u64 + withheld),
        spine: linked.report.spine_records,
        objected: objected.spine.len() as u64,
        withheld,
        detail: detail.to_string(),
        review,
    })
}

/// A file of identifiers as the linkage engine takes it.
fn records(path: &Path, limits: &Limits, what: &str) -> Result<Records, Failure> {
    let table = frames::parquet::read(path, &file_limits(limits)).map_err(of_frame)?;
    let wrong = || bad_input(format!("{what} have not the columns of a loaded delivery"));
    let ids = table
        .ordinals("record")
        .ok_or_else(wrong)?
        .iter()
        .collect::<Option<Vec<u64>>>()
        .ok_or_else(wrong)?;
    let mut columns = BTreeMap::new();
    for role in Role::ALL {
        if let Some(cells) = table.text(role.as_str()) {
            columns.insert(role, cells.iter().collect::<Column>());
        }
    }
    if columns.len() + 1 != table.columns.len() {
        return Err(wrong());
    }
    Ok(Records { ids, columns })
}

/// People of the spine who objected, and objections that could not be placed.
#[derive(Default)]
struct Objected {
    spine: BTreeSet<u64>,
    listed: u64,
    without_chi: u64,
    not_on_spine: u64,
}

impl Objected {
    fn find(listed: &Records, spine: &Records) -> Result<Self, Failure> {
        let chi = |records: &'static str, of: &Records| {
            of.columns
                .get(&Role::Chi)
                .map(|column| {
                    column
                        .iter()
                        .map(|cell| cell.and_then(digits))
                        .collect::<Vec<_>>()
                })
                .ok_or_else(|| bad_input(format!("{records} have no column with the role chi")))
        };
        let wanted = chi("the objections", listed)?;
        let present = chi("the spine's records", spine)?;
        let mut out = Self {
            listed: wanted.len() as u64,
            without_chi: wanted.iter().filter(|number| number.is_none()).count() as u64,
            ..Self::default()
        };
        let wanted: BTreeSet<&str> = wanted.iter().flatten().map(String::as_str).collect();
        let mut met: BTreeSet<&str> = BTreeSet::new();
        for (number, ordinal) in present.iter().zip(&spine.ids) {
            if let Some(number) = number.as_deref().filter(|number| wanted.contains(number)) {
                out.spine.insert(*ordinal);
                met.insert(number);
            }
        }
        out.not_on_spine = (wanted.len() - met.len()) as u64;
        Ok(out)
    }
}

/// The digits of a CHI number; a leading zero that a spreadsheet ate is given back.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        10 => Some(digits),
        9 => Some(format!("0{digits}")),
        _ => None,
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::ChiVerified => "chi_verified",
        Step::ExactKeys => "exact_keys",
        Step::Probabilistic => "probabilistic",
        Step::Reviewed => "reviewed",
    }
}

/// How sure a link is, in bands wide enough to tell nothing of the person: 4 a verified CHI number; by
/// people who looked at both records, or by the model, 3 at least 0.99, 2 at least 0.95, 1 below that.
fn band(link: &Link) -> u8 {
    match link.step {
        Step::ChiVerified => 4,
        Step::Reviewed => 3,
        Step::ExactKeys | Step::Probabilistic if link.match_probability >= 0.99 => 3,
        Step::ExactKeys | Step::Probabilistic if link.match_probability >= 0.95 => 2,
        Step::ExactKeys | Step::Probabilistic => 1,
    }
}

/// 17 bytes a link, by record: record ordinal and spine ordinal (u64, little endian), band (u8).
fn write_links(path: &Path, links: &[Link]) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create_new(path)?);
    for link in links {
        out.write_all(&link.left.to_le_bytes())?;
        out.write_all(&link.spine.to_le_bytes())?;
        out.write_all(&[band(link)])?;
    }
    out.flush()
}

/// The same for the indexing desk, with step, weight and probability.
fn table(links: &[Link]) -> Result<Table, frames::FrameError> {
    let ordinals =
        |of: fn(&Link) -> u64| Values::Ordinal(links.iter().map(|l| Some(of(l))).collect());
    let numbers = |of: fn(&Link) -> f64| -> Values {
        let cells: Cells<f64> = links.iter().map(|l| Some(of(l))).collect();
        Values::Number(cells)
    };
    let steps = Strings::of(links.iter().map(|l| Some(step_name(l.step))))?;
    Ok(Table {
        columns: vec![
            ("record".into(), ordinals(|l| l.left)),
            ("spine".into(), ordinals(|l| l.spine)),
            ("step".into(), Values::Text(steps)),
            ("match_weight".into(), numbers(|l| l.match_weight)),
            ("match_probability".into(), numbers(|l| l.match_probability)),
        ],
        notes: Vec::new(),
    })
}
