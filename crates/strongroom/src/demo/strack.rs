//! Real input: 101,766 hospital encounters of 71,518 patients (Strack et al. 2014, UCI Machine Learning
//! Repository, CC BY 4.0) through the whole product. People around them are made up; the table is theirs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use testkit::people::{Date, Delivery, ErrorProfile, People, PersonHint, Population, Sex};
use testkit::table::Table;

use super::cast::{Cast, number, text};
use super::forms::{self, Dataset};
use super::story::must_be;
use super::teller::Teller;
use crate::problem::Problem;

/// Group, people, readmitted within 30 days: known from the unlinked file.
const KNOWN: [(&str, i64, i64); 4] = [
    ("a. not measured", 57_128, 5_199),
    ("b. high, changed", 4_058, 348),
    ("c. high, not changed", 2_181, 161),
    ("d. other", 6_606, 569),
];

/// Each patient's first encounter, then without those who died or went to a hospice.
const TABLE: &str = "with first as (
  select * from admissions
  qualify row_number() over (partition by person order by encounter_order) = 1
)
select case when o.a1cresult = 'None' then 'a. not measured'
            when o.a1cresult = '>8' and o.change = 'Ch' then 'b. high, changed'
            when o.a1cresult = '>8' then 'c. high, not changed'
            else 'd. other' end as hba1c,
       count(*) as people,
       count(*) filter (where o.readmitted = '<30') as readmitted
from first f join outcomes o on o.event = f.event and o.person = f.person
where f.discharge_disposition_id not in (11, 13, 14, 19, 20, 21)
group by 1 order by 1";

/// The same with the exclusion applied before each patient's first encounter is taken: another table by a handful
/// of people, each cell of it large.
const BEFORE: &str = "with left_alive as (
  select * from admissions where discharge_disposition_id not in (11, 13, 14, 19, 20, 21)
), first as (
  select * from left_alive
  qualify row_number() over (partition by person order by encounter_order) = 1
)
select case when o.a1cresult = 'None' then 'a. not measured'
            when o.a1cresult = '>8' and o.change = 'Ch' then 'b. high, changed'
            when o.a1cresult = '>8' then 'c. high, not changed'
            else 'd. other' end as hba1c,
       count(*) as people,
       count(*) filter (where o.readmitted = '<30') as readmitted
from first f join outcomes o on o.event = f.event and o.person = f.person
group by 1 order by 1";

/// The same, finer: by race, sex and age band.
const FINER: &str = "with first as (
  select * from admissions
  qualify row_number() over (partition by person order by encounter_order) = 1
)
select f.race as race, f.gender as sex, f.age as age_band, count(*) as people,
       count(*) filter (where o.readmitted = '<30') as readmitted
from first f join outcomes o on o.event = f.event and o.person = f.person
where f.discharge_disposition_id not in (11, 13, 14, 19, 20, 21)
group by 1, 2, 3 order by 1, 2, 3";

/// Columns of the admissions delivery after its record number.
const ADMISSIONS: [(&str, &str); 9] = [
    ("encounter_id", "integer"),
    ("race", "text"),
    ("gender", "text"),
    ("age", "text"),
    ("admission_type_id", "integer"),
    ("discharge_disposition_id", "integer"),
    ("admission_source_id", "integer"),
    ("time_in_hospital", "integer"),
    ("number_diagnoses", "integer"),
];

/// Columns of the outcomes delivery after its record number, as the file names them and as we do.
const OUTCOMES: [(&str, &str, &str); 8] = [
    ("encounter_id", "encounter_id", "integer"),
    ("A1Cresult", "a1cresult", "text"),
    ("max_glu_serum", "max_glu_serum", "text"),
    ("metformin", "metformin", "text"),
    ("insulin", "insulin", "text"),
    ("change", "change", "text"),
    ("diabetesMed", "diabetes_med", "text"),
    ("readmitted", "readmitted", "text"),
];

pub(crate) async fn tell(
    mut cast: Cast,
    teller: &mut Teller,
    file: &Path,
    seed: u64,
) -> Result<Cast, Problem> {
    teller.step("The file", "read in place; the project holds no copy of it")?;
    let encounters = Encounters::read(file)?;
    teller.say(&format!(
        "{} encounters of {} patients",
        encounters.table.rows(),
        encounters.patients
    ))?;
    let population = encounters.people(seed);
    let (sets, deliveries, spine) = deliver(&cast, teller, &encounters, &population, seed).await?;
    let form = application(&cast, &sets)?;
    let [admissions, outcomes] = &sets;
    let project = forms::approve(
        &cast,
        teller,
        &form,
        &[admissions, outcomes],
        &json!([{ "condition": "minimum_cell", "people": 10 }]),
    )
    .await?;
    let workspace = forms::build(
        &cast,
        teller,
        &project,
        &[
            ("admissions", deliveries[0].as_str()),
            ("outcomes", deliveries[1].as_str()),
        ],
        &spine,
        None,
    )
    .await?;
    let answer = cast
        .of("auditor")?
        .post("/v1/log/publish", &json!({}))
        .await?;
    cast.remember(text(&answer, "/checkpoint")?);

    teller.step(
        "The first table of Strack et al. 2014",
        "from the linked extract",
    )?;
    teller.say(TABLE)?;
    let context = "HbA1c measurement and early readmission, table 1 of the paper repeated.";
    let (output, answer) = forms::stage(&cast, teller, &workspace, TABLE, context).await?;
    must_be(&answer, &["pass"])?;
    teller.say("verdict: pass")?;
    let table = forms::release(&cast, teller, &output, "exact").await?;
    compare(teller, &table)?;

    differencing(&cast, teller, &workspace, (&output, context)).await?;
    teller.step(
        "A finer table",
        "by race, sex and age band: it must not pass as it stands",
    )?;
    let (_, answer) = forms::stage(&cast, teller, &workspace, FINER, context).await?;
    must_be(&answer, &["treat", "review", "fail"])?;
    teller.say(&format!("verdict: {}", text(&answer, "/verdict")?))?;
    forms::findings(teller, &answer, 5)?;
    teller.done()?;
    Ok(cast)
}

/// The same table over another selection, safe by itself, is refused for the people between it and the first.
async fn differencing(
    cast: &Cast,
    teller: &mut Teller,
    workspace: &str,
    (first, context): (&str, &str),
) -> Result<(), Problem> {
    teller.step(
        "The same table, the exclusion first",
        "compared by itself with everything that left: few people lie between the two",
    )?;
    let (_, answer) = forms::stage(cast, teller, workspace, BEFORE, context).await?;
    must_be(&answer, &["fail"])?;
    teller.say("verdict: fail")?;
    forms::findings(teller, &answer, 5)?;
    let told = answer.pointer("/report/findings").map(Value::to_string);
    if told.is_none_or(|told| told.contains(first) || !told.contains("differencing")) {
        return Err(Problem::refused(
            "the researcher is told of differencing, and not of which output",
        ));
    }
    teller.done()
}

struct Encounters {
    table: Table,
    /// Index of the patient of each row.
    patient: Vec<usize>,
    patients: usize,
}

impl Encounters {
    fn read(file: &Path) -> Result<Self, Problem> {
        let table = Table::read(file)
            .map_err(|_| Problem::could_not("the file of encounters cannot be read"))?;
        for name in ADMISSIONS
            .iter()
            .map(|(name, _)| *name)
            .chain(OUTCOMES.iter().map(|(name, _, _)| *name))
            .chain(["patient_nbr"])
        {
            if !table.has(name) {
                return Err(Problem::could_not(format!(
                    "the file of encounters has no column {name}"
                )));
            }
        }
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut patient = Vec::with_capacity(table.rows());
        for row in 0..table.rows() {
            let next = known.len();
            let number = table.value(row, "patient_nbr").to_owned();
            patient.push(*known.entry(number).or_insert(next));
        }
        let patients = known.len();
        Ok(Self {
            table,
            patient,
            patients,
        })
    }

    /// A made-up person for each patient, of the same sex and age band.
    fn people(&self, seed: u64) -> Population {
        let mut hints = vec![
            PersonHint {
                sex: None,
                age_band: None,
            };
            self.patients
        ];
        for (row, patient) in self.patient.iter().enumerate() {
            let Some(hint) = hints.get_mut(*patient) else {
                continue;
            };
            hint.sex = match self.table.value(row, "gender") {
                "Female" => Some(Sex::Female),
                "Male" => Some(Sex::Male),
                _ => hint.sex,
            };
            hint.age_band = hint.age_band.or(band(self.table.value(row, "age")));
        }
        let reference = Date {
            year: 2008,
            month: 12,
            day: 31,
        };
        People::generate_for(&hints, reference, seed)
    }

    /// Payload rows under a delivery's record numbers.
    fn payload(&self, names: &[(&str, &str)], delivery: &Delivery) -> String {
        let mut record = vec![""; self.patients];
        for held in &delivery.held {
            if let Some(place) = record.get_mut(held.person) {
                *place = &held.record;
            }
        }
        let titles: Vec<&str> = names.iter().map(|(_, ours)| *ours).collect();
        let mut text = format!("record,{}\n", titles.join(","));
        for (row, patient) in self.patient.iter().enumerate() {
            text.push_str(record.get(*patient).copied().unwrap_or_default());
            for (theirs, _) in names {
                text.push(',');
                let value = self.table.value(row, theirs);
                // `?` means missing in this file.
                text.push_str(if value == "?" { "" } else { value });
            }
            text.push('\n');
        }
        text
    }
}

/// `[70-80)` to 70 and 79.
fn band(text: &str) -> Option<(u8, u8)> {
    let (from, to) = text
        .trim_start_matches('[')
        .trim_end_matches(')')
        .split_once('-')?;
    Some((from.parse().ok()?, to.parse::<u8>().ok()?.checked_sub(1)?))
}

async fn deliver(
    cast: &Cast,
    teller: &mut Teller,
    encounters: &Encounters,
    population: &Population,
    seed: u64,
) -> Result<([Dataset; 2], [String; 2], String), Problem> {
    teller.step(
        "Deliveries",
        "a register of the patients, their admissions, and their medicines and outcomes",
    )?;
    let identifiers = json!({
        "chi": "chi", "forename": "forename", "surname": "surname",
        "date_of_birth": "date_of_birth", "sex": "sex", "postcode": "postcode",
        "address_1": "address_1",
    });
    let register = forms::register(
        cast,
        "controller_1",
        json!({ "title": "Register of patients", "table": "register", "purpose": "spine",
                "record": "record", "identifiers": identifiers }),
    )
    .await?;
    let dictionary = |title: &str, table: &str, columns: Vec<(&str, &str)>| {
        let variables: Vec<Value> = columns
            .into_iter()
            .map(|(name, kind)| json!({ "name": name, "kind": kind }))
            .collect();
        json!({ "title": title, "table": table, "purpose": "payload", "record": "record",
                "identifiers": identifiers, "event": "encounter_id", "variables": variables })
    };
    let admissions = forms::register(
        cast,
        "controller_1",
        dictionary("Diabetic admissions", "admissions", ADMISSIONS.to_vec()),
    )
    .await?;
    let columns = OUTCOMES
        .iter()
        .map(|(_, name, kind)| (*name, *kind))
        .collect();
    let outcomes = forms::register(
        cast,
        "controller_2",
        dictionary("Medicines, HbA1c and outcomes", "outcomes", columns),
    )
    .await?;
    let spine = forms::identifiers(cast, teller, &register, population.register_rows()).await?;
    teller.say(&format!(
        "register: {} people, the spine",
        population.people.len()
    ))?;
    let everybody: Vec<usize> = (0..population.people.len()).collect();
    let typical = ErrorProfile::typical();
    let mut deliveries = Vec::new();
    let own: Vec<(&str, &str)> = ADMISSIONS.iter().map(|(name, _)| (*name, *name)).collect();
    let renamed: Vec<(&str, &str)> = OUTCOMES.iter().map(|(a, b, _)| (*a, *b)).collect();
    for (n, dataset, names) in [(1, &admissions, own), (2, &outcomes, renamed)] {
        let delivery = population.identifier_rows(&everybody, seed.wrapping_add(n), &typical);
        let payload = encounters.payload(&names, &delivery);
        let id = forms::identifiers(cast, teller, dataset, delivery.csv).await?;
        let answer = forms::payload(cast, teller, &id, payload).await?;
        teller.say(&format!(
            "{} rows of {} records, {} without identifiers",
            number(&answer, "/rows"),
            number(&answer, "/records"),
            number(&answer, "/unmatched")
        ))?;
        deliveries.push(id);
    }
    let [a, b] = deliveries.as_slice() else {
        return Err(Problem::could_not("two deliveries were expected"));
    };
    Ok(([admissions, outcomes], [a.clone(), b.clone()], spine))
}

fn application(cast: &Cast, sets: &[Dataset; 2]) -> Result<Value, Problem> {
    let [admissions, outcomes] = sets;
    let why = "Needed to repeat the published table.";
    let asked = |name: &str| json!({ "name": name, "why": why });
    let columns = ["race", "gender", "age", "discharge_disposition_id"].map(asked);
    let mut first = columns.to_vec();
    first.push(json!({
        "name": "encounter_order", "source": "encounter_id", "transform": { "to": "order" }, "why": why,
    }));
    let answers = ["a1cresult", "change", "readmitted"].map(asked).to_vec();
    Ok(json!({
        "title": "HbA1c measurement and readmission of people with diabetes",
        "lay_summary": "We ask whether measuring blood sugar in hospital goes with fewer early readmissions.",
        "public_benefit": "Hospitals learn whether a simple test is worth its cost.",
        "people": [cast.id("researcher")?, cast.id("colleague")?],
        "datasets": [
            { "dataset": admissions.id, "variables": first, "event": "present" },
            { "dataset": outcomes.id, "variables": answers, "event": "present" },
        ],
        "start": "2026-01-01", "end": "2030-12-31", "minimum_cell": 10, "commercial": "none",
    }))
}

/// Known answers beside ours, with the difference that linkage makes.
fn compare(teller: &mut Teller, released: &str) -> Result<(), Problem> {
    teller.step(
        "Beside the unlinked file",
        "what linkage error does to the published table",
    )?;
    teller.say(&format!(
        "{:<22} {:>8} {:>8} {:>6}   {:>10} {:>8} {:>6}",
        "group", "unlinked", "linked", "diff", "readmitted", "linked", "diff"
    ))?;
    let table = Table::parse(released.as_bytes())
        .map_err(|_| Problem::could_not("the released table is not CSV"))?;
    for (group, people, readmitted) in KNOWN {
        let row = (0..table.rows())
            .find(|row| table.value(*row, "hba1c") == group)
            .ok_or_else(|| Problem::refused(format!("the released table has no group {group}")))?;
        let ours = |column| table.value(row, column).parse::<i64>().unwrap_or(-1);
        let (p, r) = (ours("people"), ours("readmitted"));
        teller.say(&format!(
            "{group:<22} {people:>8} {p:>8} {:>6}   {readmitted:>10} {r:>8} {:>6}",
            p - people,
            r - readmitted
        ))?;
        // Linkage error is small; a wrong table is not.
        if (p - people).abs() * 20 > people || (r - readmitted).abs() * 20 > readmitted {
            return Err(Problem::refused(format!(
                "group {group} is further from the unlinked file than linkage error explains"
            )));
        }
    }
    teller.done()
}
