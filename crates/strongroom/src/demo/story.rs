//! The story on made-up people: a register, hospital episodes, prescribing, deaths.

use serde_json::{Value, json};
use testkit::people::episodes::{self, RARE_CONDITION};
use testkit::people::{Delivery, ErrorProfile, People, Population};

use super::cast::{Cast, number, text};
use super::forms::{self, Dataset};
use super::teller::Teller;
use crate::problem::Problem;

/// Cases of the rare condition by hospital: natural to ask, and one hospital has four of them.
fn small_cell_sql() -> String {
    format!(
        "select hospital, count(distinct person) as people from hospital_episodes \
         where main_condition = '{RARE_CONDITION}' group by hospital order by hospital"
    )
}

/// Tells the story. Its project stays in force if `goes_on`.
pub(crate) async fn tell(
    mut cast: Cast,
    teller: &mut Teller,
    people: usize,
    seed: u64,
    goes_on: bool,
) -> Result<Cast, Problem> {
    teller.step(
        "The population",
        "made up from a seed, with households, twins and namesakes",
    )?;
    let population = People::generate(people, seed);
    teller.say(&format!("{} people", population.people.len()))?;
    let sets = deliver(&cast, teller, &population, seed).await?;
    let form = application(&cast, &sets)?;
    let project = forms::approve(
        &cast,
        teller,
        &form,
        &[&sets.hospital, &sets.prescribing, &sets.deaths],
        &json!([
            { "condition": "minimum_cell", "people": 10 },
            { "condition": "exclude_variable", "dataset": sets.hospital.id, "variable": "specialty" },
            { "condition": "end_by", "day": "2029-12-31" },
        ]),
    )
    .await?;
    let [hospital, prescribing, deaths] = &sets.deliveries;
    let workspace = forms::build(
        &cast,
        teller,
        &project,
        &[
            ("hospital episodes", hospital.as_str()),
            ("prescribing", prescribing.as_str()),
            ("deaths", deaths.as_str()),
        ],
        &sets.spine,
        Some(&sets.objections),
    )
    .await?;
    query(&cast, teller, &workspace).await?;
    // Somebody outside takes a copy of the checkpoint: a witness, or a newspaper.
    let answer = cast
        .of("auditor")?
        .post("/v1/log/publish", &json!({}))
        .await?;
    cast.remember(text(&answer, "/checkpoint")?);
    output(&cast, teller, &workspace).await?;
    if !goes_on {
        end(&cast, teller, &project, &workspace, &sets).await?;
    }
    Ok(cast)
}

struct Sets {
    hospital: Dataset,
    prescribing: Dataset,
    deaths: Dataset,
    spine: String,
    objections: String,
    deliveries: [String; 3],
}

fn identifiers() -> Value {
    json!({
        "chi": "chi", "forename": "forename", "surname": "surname",
        "date_of_birth": "date_of_birth", "sex": "sex", "postcode": "postcode",
        "address_1": "address_1",
    })
}

async fn deliver(
    cast: &Cast,
    teller: &mut Teller,
    population: &Population,
    seed: u64,
) -> Result<Sets, Problem> {
    teller.step(
        "The catalogue",
        "a data steward registers datasets; each controller gives a standing instruction",
    )?;
    let register = forms::register(
        cast,
        "controller_1",
        json!({ "title": "Population register", "table": "register", "purpose": "spine",
                "record": "record", "identifiers": identifiers() }),
    )
    .await?;
    let objected = forms::register(
        cast,
        "controller_1",
        json!({ "title": "Objections", "table": "objections", "purpose": "objections",
                "record": "record", "identifiers": { "chi": "chi" } }),
    )
    .await?;
    let hospital = forms::register(cast, "controller_1", hospital()).await?;
    let prescribing = forms::register(cast, "controller_1", prescribing()).await?;
    let deaths = forms::register(cast, "controller_2", deaths()).await?;
    teller.say("5 datasets of two controllers; nothing can be delivered before they instruct")?;

    teller.step(
        "Deliveries",
        "identifiers and payload in two flows by two people, sealed as they arrive",
    )?;
    let spine = forms::identifiers(cast, teller, &register, population.register_rows()).await?;
    teller.say(&format!(
        "register: {} people, the spine",
        population.people.len()
    ))?;
    let objections = forms::identifiers(cast, teller, &objected, objections(population)).await?;
    bad_files(cast, teller, &hospital, population, seed).await?;
    let typical = ErrorProfile::typical();
    let everybody: Vec<usize> = (0..population.people.len()).collect();
    let mut deliveries = Vec::new();
    for (n, dataset, name) in [
        (0, &hospital, "hospital episodes"),
        (1, &prescribing, "prescribing"),
        (2, &deaths, "deaths"),
    ] {
        let Delivery { csv, held } =
            population.identifier_rows(&everybody, seed.wrapping_add(n), &typical);
        let rows = match n {
            0 => episodes::hospital_episodes(population, &held, seed),
            1 => episodes::prescribing(population, &held, seed),
            _ => episodes::deaths(population, &held, seed),
        };
        let delivery = forms::identifiers(cast, teller, dataset, csv).await?;
        if n == 0 {
            let path = format!("/v1/deliveries/{delivery}/payload?format=csv");
            cast.must_refuse(
                teller,
                "whoever delivered the identifiers delivers the payload too",
                cast.of("identifiers")?
                    .post_bytes(&path, rows.clone().into_bytes())
                    .await,
            )?;
        }
        let answer = forms::payload(cast, teller, &delivery, rows).await?;
        teller.say(&format!(
            "{name}: {} rows of {} records",
            number(&answer, "/rows"),
            number(&answer, "/records")
        ))?;
        deliveries.push(delivery);
    }
    teller.done()?;
    let [a, b, c] = deliveries.as_slice() else {
        return Err(Problem::could_not("three deliveries were expected"));
    };
    Ok(Sets {
        hospital,
        prescribing,
        deaths,
        spine,
        objections,
        deliveries: [a.clone(), b.clone(), c.clone()],
    })
}

/// Files that must be refused whole, with the place and never the value.
async fn bad_files(
    cast: &Cast,
    teller: &Teller,
    hospital: &Dataset,
    population: &Population,
    seed: u64,
) -> Result<(), Problem> {
    let first: Vec<usize> = (0..population.people.len().min(50)).collect();
    let good = population.identifier_rows(&first, seed.wrapping_add(9), &ErrorProfile::clean());
    let path = format!("/v1/datasets/{}/deliveries?format=csv", hospital.id);
    let mut lines: Vec<&str> = good.csv.lines().collect();
    if let Some(second) = lines.get(2).copied() {
        lines.push(second);
    }
    let twice = format!("{}\n", lines.join("\n"));
    cast.must_refuse(
        teller,
        "a file of identifiers in which a record number stands twice",
        cast.of("identifiers")?
            .post_bytes(&path, twice.into_bytes())
            .await,
    )?;
    let chi = population
        .people
        .first()
        .map(|p| p.chi.clone())
        .unwrap_or_default();
    let with_chi = format!("{}{chi},,,,,,,\n", testkit::people::IDENTIFIER_HEADER);
    cast.must_refuse(
        teller,
        "a record number that is a valid CHI number",
        cast.of("identifiers")?
            .post_bytes(&path, with_chi.into_bytes())
            .await,
    )
}

/// One person in four hundred objects.
fn objections(population: &Population) -> String {
    let mut csv = String::from("record,chi\n");
    for (n, person) in population.people.iter().enumerate().step_by(400) {
        csv.push_str(&format!("objection-{n},{}\n", person.chi));
    }
    csv
}

fn variable(name: &str, kind: &str, description: &str) -> Value {
    json!({ "name": name, "kind": kind, "required": true, "description": description })
}

fn hospital() -> Value {
    json!({
        "title": "Hospital episodes", "table": "hospital_episodes", "purpose": "payload",
        "record": "record", "identifiers": identifiers(),
        "variables": [
            variable("episode", "integer", "Number of the episode of this record, in order of admission"),
            variable("admission_date", "date", "Day of admission"),
            variable("discharge_date", "date", "Day of discharge"),
            variable("specialty", "text", "Specialty"),
            variable("main_condition", "text", "Main condition, ICD-10, three characters"),
            variable("hospital", "text", "Hospital"),
            variable("age", "integer", "Age at admission"),
            variable("length_of_stay", "integer", "Nights"),
            variable("date_of_birth", "date_of_birth", "Date of birth"),
            variable("postcode", "postcode", "Postcode at admission"),
        ],
    })
}

fn prescribing() -> Value {
    json!({
        "title": "Prescribing", "table": "prescribing", "purpose": "payload",
        "record": "record", "identifiers": identifiers(),
        "variables": [
            { "name": "dispensed_month", "kind": "text", "required": true, "description": "Month" },
            variable("bnf_chapter", "integer", "Chapter of the British National Formulary"),
            variable("items", "integer", "Items"),
        ],
    })
}

fn deaths() -> Value {
    json!({
        "title": "Deaths", "table": "deaths", "purpose": "payload",
        "record": "record", "identifiers": identifiers(),
        "variables": [
            variable("death_date", "date", "Day of death"),
            variable("underlying_cause", "text", "Underlying cause, ICD-10"),
        ],
    })
}

fn application(cast: &Cast, sets: &Sets) -> Result<Value, Problem> {
    let why = "Needed to describe who is admitted and what follows.";
    let asked = |name: &str| json!({ "name": name, "why": why });
    Ok(json!({
        "title": "Admissions for neurological and other conditions, and what follows them",
        "lay_summary": "We ask which hospitals look after people with certain conditions, and how they fare.",
        "public_benefit": "Services can be placed where people need them.",
        "people": [cast.id("researcher")?, cast.id("colleague")?],
        "datasets": [
            { "dataset": sets.hospital.id, "variables": [
                asked("main_condition"), asked("hospital"), asked("specialty"), asked("length_of_stay"),
                { "name": "admission_month", "source": "admission_date", "transform": { "to": "year_month" }, "why": why },
                { "name": "age_at_admission", "source": "date_of_birth", "transform": { "to": "age_at", "date": "admission_date" }, "why": why },
                { "name": "area", "source": "postcode", "transform": { "to": "postcode_area" }, "why": why },
                { "name": "episode_order", "source": "admission_date", "transform": { "to": "order" }, "why": why },
              ],
              "rows": [{ "is": "between", "column": "admission_date", "from": "2022-01-01", "to": "2026-12-31" }] },
            { "dataset": sets.prescribing.id, "variables": [asked("bnf_chapter"), asked("items")] },
            { "dataset": sets.deaths.id, "variables": [
                { "name": "death_year", "source": "death_date", "transform": { "to": "year" }, "why": why } ] },
        ],
        "start": "2026-01-01", "end": "2030-12-31", "minimum_cell": 5, "commercial": "none",
    }))
}

async fn query(cast: &Cast, teller: &mut Teller, workspace: &str) -> Result<(), Problem> {
    teller.step(
        "The workspace",
        "SQL in a sealed worker; the screen shows checked results only",
    )?;
    let researcher = cast.of("researcher")?;
    let path = format!("/v1/workspaces/{workspace}/queries");
    let sql = "select case when age_at_admission < 65 then 'under 65' else '65 and over' end as age_band, \
               count(*) as episodes, count(distinct person) as people \
               from hospital_episodes group by 1 order by 1";
    teller.say(sql)?;
    let asked = teller.ask();
    let answer = researcher.post(&path, &json!({ "sql": sql })).await?;
    teller.answered(&asked, &answer);
    must_be(&answer, &["pass"])?;
    rows(teller, &answer)?;
    let sql = "select person, area, main_condition from hospital_episodes limit 5";
    teller.say(sql)?;
    let asked = teller.ask();
    let answer = researcher.post(&path, &json!({ "sql": sql })).await?;
    teller.answered(&asked, &answer);
    must_be(&answer, &["fail", "review"])?;
    teller.refused("rows of people on the screen", &text(&answer, "/verdict")?)?;
    cast.must_refuse(
        teller,
        "an output checker queries the workspace",
        cast.of("checker_1")?
            .post(&path, &json!({ "sql": "select 1" }))
            .await,
    )?;
    let sql = "select specialty, count(*) as n from hospital_episodes group by 1";
    teller.say(sql)?;
    let asked = teller.ask();
    let answer = researcher.post(&path, &json!({ "sql": sql })).await?;
    teller.answered(&asked, &answer);
    must_be(&answer, &["review"])?;
    teller.refused(
        "a variable that a condition took out of the manifest",
        &text(&answer, "/report/findings/0/remedy")?,
    )?;
    teller.done()
}

async fn output(cast: &Cast, teller: &mut Teller, workspace: &str) -> Result<(), Problem> {
    teller.step(
        "The check",
        "the people behind every cell are counted from the data, never read off the table",
    )?;
    let sql = small_cell_sql();
    teller.say(&sql)?;
    let context = "People with multiple sclerosis by hospital of admission, for table 1.";
    let (output, answer) = forms::stage(cast, teller, workspace, &sql, context).await?;
    must_be(&answer, &["treat"])?;
    // Which hospital it is would tell that somebody with the condition was there.
    teller.say("verdict: treat. A small cell was caught:")?;
    forms::findings(teller, &answer, 6)?;
    cast.must_refuse(
        teller,
        "the researcher submits the table as it is",
        cast.of("researcher")?
            .post(
                &format!("/v1/outputs/{output}/submit"),
                &json!({ "rendering": "exact" }),
            )
            .await,
    )?;
    teller.say("the researcher submits the treated table instead")?;
    forms::release(cast, teller, &output, "treated").await?;
    Ok(())
}

async fn end(
    cast: &Cast,
    teller: &mut Teller,
    project: &str,
    workspace: &str,
    sets: &Sets,
) -> Result<(), Problem> {
    teller.step(
        "The approval ends",
        "a controller revokes; access ends with it, without anybody switching anything off",
    )?;
    cast.of(sets.deaths.controller)?
        .post(
            &format!("/v1/projects/{project}/revoke"),
            &json!({ "dataset": sets.deaths.id }),
        )
        .await?;
    cast.must_refuse(
        teller,
        "the researcher's next query",
        cast.of("researcher")?
            .post(
                &format!("/v1/workspaces/{workspace}/queries"),
                &json!({ "sql": "select count(*) as n from deaths" }),
            )
            .await,
    )?;
    teller.done()
}

/// The verdict must be one of these, or the demo has failed.
pub(crate) fn must_be(answer: &Value, verdicts: &[&str]) -> Result<(), Problem> {
    let verdict = text(answer, "/verdict")?;
    if verdicts.contains(&verdict.as_str()) {
        return Ok(());
    }
    let why = answer
        .pointer("/report/findings")
        .map(ToString::to_string)
        .unwrap_or_default();
    Err(Problem::refused(format!(
        "the verdict is {verdict} and should be {}: {why}",
        verdicts.join(" or ")
    )))
}

/// The rows that the screen shows.
pub(crate) fn rows(teller: &Teller, answer: &Value) -> Result<(), Problem> {
    let list = |pointer: &str| {
        answer
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let names: Vec<String> = list("/report/outputs/0/columns")
        .iter()
        .map(plain)
        .collect();
    teller.say(&format!("  {}", names.join(" | ")))?;
    for row in list("/report/outputs/0/rows") {
        let cells: Vec<String> = row.as_array().into_iter().flatten().map(plain).collect();
        teller.say(&format!("  {}", cells.join(" | ")))?;
    }
    Ok(())
}
