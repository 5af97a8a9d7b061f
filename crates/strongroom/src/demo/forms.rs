//! Steps that both stories share: datasets, deliveries, an application through to a workspace, an output
//! through to its release.

use serde_json::{Value, json};

use super::cast::{Cast, number, text};
use super::teller::Teller;
use crate::problem::Problem;

/// A dataset of the story.
pub(crate) struct Dataset {
    pub(crate) id: String,
    pub(crate) controller: &'static str,
}

/// Registers a dataset and has its controller instruct.
pub(crate) async fn register(
    cast: &Cast,
    controller: &'static str,
    dictionary: Value,
) -> Result<Dataset, Problem> {
    let ask = json!({
        "controller": cast.id(controller)?,
        "identifiers_from": cast.id("identifiers")?,
        "payload_from": cast.id("payload")?,
        "dictionary": dictionary,
    });
    let answer = cast.of("steward")?.post("/v1/datasets", &ask).await?;
    let id = text(&answer, "/dataset")?;
    cast.of(controller)?
        .post(
            &format!("/v1/datasets/{id}/instruction"),
            &json!({ "until": "2030-12-31" }),
        )
        .await?;
    Ok(Dataset { id, controller })
}

/// Delivers identifiers from CSV text; gives the delivery.
pub(crate) async fn identifiers(
    cast: &Cast,
    teller: &mut Teller,
    dataset: &Dataset,
    csv: String,
) -> Result<String, Problem> {
    let path = format!("/v1/datasets/{}/deliveries?format=csv", dataset.id);
    let answer = cast
        .of("identifiers")?
        .post_as_is(&path, csv.into_bytes())
        .await?;
    teller.cost(&answer);
    text(&answer, "/delivery")
}

/// Delivers payload from CSV text.
pub(crate) async fn payload(
    cast: &Cast,
    teller: &mut Teller,
    delivery: &str,
    csv: String,
) -> Result<Value, Problem> {
    let path = format!("/v1/deliveries/{delivery}/payload?format=csv");
    let answer = cast
        .of("payload")?
        .post_as_is(&path, csv.into_bytes())
        .await?;
    teller.cost(&answer);
    Ok(answer)
}

/// Takes an application to a signed manifest. Gives the project.
pub(crate) async fn approve(
    cast: &Cast,
    teller: &mut Teller,
    form: &Value,
    datasets: &[&Dataset],
    conditions: &Value,
) -> Result<String, Problem> {
    teller.step(
        "The application",
        "frozen, hashed, signed for by each controller, voted on by three people",
    )?;
    let researcher = cast.of("researcher")?;
    let answer = researcher.post("/v1/projects", &json!({})).await?;
    let project = text(&answer, "/project")?;
    let at = |act: &str| format!("/v1/projects/{project}/{act}");
    let answer = researcher
        .post_as_is(&at("submit"), form.to_string().into_bytes())
        .await?;
    let version = text(&answer, "/version")?;
    teller.say(&format!("{project} submitted; its version is {version}"))?;
    cast.must_refuse(
        teller,
        "the chair approves before anybody signed or voted",
        cast.of("chair")?.post(&at("approve"), &json!({})).await,
    )?;
    for dataset in datasets {
        let ask = json!({ "dataset": dataset.id, "version": version, "verdict": "signed" });
        cast.of(dataset.controller)?.post(&at("sign"), &ask).await?;
    }
    teller.say(&format!("{} controllers' signatures", datasets.len()))?;
    for (n, member) in ["panel_1", "panel_2", "panel_3"].into_iter().enumerate() {
        let conditions = if n == 0 { conditions } else { &json!([]) };
        let ask = json!({ "version": version, "verdict": "approve", "conditions": conditions });
        cast.of(member)?.post(&at("votes"), &ask).await?;
        if n == 0 {
            cast.must_refuse(
                teller,
                "the chair approves after one vote",
                cast.of("chair")?.post(&at("approve"), &json!({})).await,
            )?;
        }
    }
    cast.of("chair")?.post(&at("approve"), &json!({})).await?;
    teller.say("approved with three votes; conditions bind the machine")?;

    teller.step(
        "Commencement",
        "in force only with papers on file and people who are accredited and trained today",
    )?;
    let paper = |reference: &str| json!({ "reference": reference, "until": "2030-12-31" });
    let papers = json!({
        "ethics": paper("REC 26/ES/0042"),
        "impact_assessment": paper("DPIA 26-117"),
        "sharing_agreement": paper("DSA 26-093"),
        "funding": paper("CSO HIPS/26/11"),
    });
    cast.vouch("researcher", "2029-06-30").await?;
    cast.vouch("colleague", "2025-12-31").await?;
    let coordinator = cast.of("coordinator")?;
    cast.must_refuse(
        teller,
        "commence while a member's accreditation has lapsed",
        coordinator.post(&at("commence"), &papers).await,
    )?;
    cast.vouch("colleague", "2029-06-30").await?;
    let answer = coordinator.post(&at("commence"), &papers).await?;
    teller.say(&format!(
        "in force under manifest {}, signed by the keeper",
        text(&answer, "/manifest")?
    ))?;
    teller.done()?;
    Ok(project)
}

/// Links deliveries to the spine, cuts the extract, opens the workspace.
pub(crate) async fn build(
    cast: &Cast,
    teller: &mut Teller,
    project: &str,
    deliveries: &[(&str, &str)],
    spine: &str,
    objections: Option<&str>,
) -> Result<String, Problem> {
    teller.step(
        "Linkage",
        "identifiers only, by an indexer who never sees payload",
    )?;
    let mut indexings = Vec::new();
    for (name, delivery) in deliveries {
        let mut ask = json!({ "delivery": delivery, "spine": spine });
        if let (Some(objections), Some(map)) = (objections, ask.as_object_mut()) {
            map.insert("objections".into(), json!(objections));
        }
        let answer = cast
            .of("indexer")?
            .post(&format!("/v1/projects/{project}/indexings"), &ask)
            .await?;
        teller.cost(&answer);
        teller.say(&format!(
            "{name}: {} records; {} by verified CHI, {} by probability; {} withheld by objection; {} people objected",
            number(&answer, "/records"),
            number(&answer, "/linked/chi_verified"),
            number(&answer, "/linked/probabilistic"),
            number(&answer, "/withheld"),
            number(&answer, "/objected"),
        ))?;
        indexings.push(text(&answer, "/indexing")?);
    }
    teller.step(
        "The extract",
        "exactly the approved columns and rows, under pseudonyms of this project alone",
    )?;
    let answer = cast
        .of("steward")?
        .post(
            &format!("/v1/projects/{project}/extracts"),
            &json!({ "indexings": indexings }),
        )
        .await?;
    teller.cost(&answer);
    for table in answer
        .pointer("/tables")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let columns: Vec<&str> = table
            .pointer("/columns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        teller.say(&format!(
            "{}: {} rows of {} people; left out: {} without a link, {} outside the approved rows\n  {}",
            text(table, "/name")?,
            number(table, "/rows"),
            number(table, "/people"),
            number(table, "/unlinked"),
            number(table, "/filtered"),
            columns.join(", "),
        ))?;
    }
    let extract = text(&answer, "/extract")?;
    teller.say(&format!(
        "{extract} sealed, sha256 {}",
        text(&answer, "/sha256")?
    ))?;
    let answer = cast
        .of("steward")?
        .post(
            &format!("/v1/projects/{project}/workspaces"),
            &json!({ "extract": extract }),
        )
        .await?;
    let workspace = text(&answer, "/workspace")?;
    teller.say(&format!("{workspace} is open"))?;
    teller.done()?;
    Ok(workspace)
}

/// Stages a statement's result. Gives the output and the verdict.
pub(crate) async fn stage(
    cast: &Cast,
    teller: &mut Teller,
    workspace: &str,
    sql: &str,
    context: &str,
) -> Result<(String, Value), Problem> {
    let answer = cast
        .of("researcher")?
        .post(
            &format!("/v1/workspaces/{workspace}/outputs"),
            &json!({ "sql": sql, "context": context }),
        )
        .await?;
    teller.cost(&answer);
    Ok((text(&answer, "/output")?, answer))
}

/// Two blind votes, release, single download. Gives the released bytes.
pub(crate) async fn release(
    cast: &Cast,
    teller: &mut Teller,
    output: &str,
    rendering: &str,
) -> Result<String, Problem> {
    teller.step(
        "Review and release",
        "two output checkers who are not on the project and do not see each other's vote",
    )?;
    let at = |act: &str| format!("/v1/outputs/{output}/{act}");
    cast.of("researcher")?
        .post(&at("submit"), &json!({ "rendering": rendering }))
        .await?;
    let view = cast
        .of("checker_1")?
        .get(&format!("/v1/outputs/{output}"))
        .await?;
    let bytes = text(&view, "/bytes")?;
    let vote = json!({ "verdict": "approve", "bytes": bytes });
    cast.must_refuse(
        teller,
        "the researcher votes on their own output",
        cast.of("researcher")?.post(&at("votes"), &vote).await,
    )?;
    cast.of("checker_1")?.post(&at("votes"), &vote).await?;
    cast.must_refuse(
        teller,
        "the same checker votes twice",
        cast.of("checker_1")?.post(&at("votes"), &vote).await,
    )?;
    let seen = cast
        .of("checker_2")?
        .get(&format!("/v1/outputs/{output}"))
        .await?;
    let visible = seen
        .pointer("/votes")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if visible != 0 {
        return Err(Problem::refused("the second checker saw the first vote"));
    }
    cast.must_refuse(
        teller,
        "release after one vote",
        cast.of("checker_1")?.post(&at("release"), &json!({})).await,
    )?;
    cast.of("checker_2")?.post(&at("votes"), &vote).await?;
    let answer = cast
        .of("checker_2")?
        .post(&at("release"), &json!({}))
        .await?;
    let released = text(&answer, "/bytes")?;
    if released != bytes {
        return Err(Problem::refused(
            "other bytes were released than were reviewed",
        ));
    }
    teller.say(&format!(
        "released: {released}, the bytes that both checkers saw"
    ))?;
    let table = cast
        .of("researcher")?
        .post_bytes(&at("download"), Vec::new())
        .await?;
    cast.must_refuse(
        teller,
        "the researcher downloads it again",
        cast.of("researcher")?
            .post_bytes(&at("download"), Vec::new())
            .await,
    )?;
    let table = String::from_utf8(table.to_vec())
        .map_err(|_| Problem::could_not("the released table is not text"))?;
    teller.say("the table as downloaded:")?;
    teller.say(&table)?;
    teller.done()?;
    Ok(table)
}

/// The cells that a check found unsafe, a line each, as the researcher is told.
pub(crate) fn findings(teller: &Teller, answer: &Value, most: usize) -> Result<(), Problem> {
    let cells: Vec<&Value> = answer
        .pointer("/report/outputs/0/cells")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    for cell in cells.iter().take(most) {
        let key = cell.pointer("/key").cloned().unwrap_or_default();
        let column = text(cell, "/column")?;
        let people = text(cell, "/people").unwrap_or_default();
        let rule = text(cell, "/findings/0/rule").unwrap_or_default();
        let remedy = text(cell, "/findings/0/remedy").unwrap_or_default();
        teller.say(&format!("{key} {column}: {rule}, {people}; {remedy}"))?;
    }
    if cells.len() > most {
        teller.say(&format!("and {} more cells", cells.len() - most))?;
    }
    for finding in answer
        .pointer("/report/findings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(3)
    {
        let remedy = text(finding, "/remedy").unwrap_or_default();
        teller.say(&format!("{}: {remedy}", text(finding, "/rule")?))?;
    }
    Ok(())
}
