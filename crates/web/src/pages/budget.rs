//! The controller's console: how much may be learnt of a dataset's people, who has learnt what, and what a
//! question would bring.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use governance::DatasetId;
use governance::measure::{Caps, Level, Loss, PRICE_NANO_RHO_MIN};
use serde::Deserialize;
use service::{AccountView, BudgetView, ServiceError};

use super::form::{Faults, Form, Posted};
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, again, page, see};
use super::words;
use crate::{Front, Ready};

/// What `?done=` and the what-if may say.
#[derive(Deserialize)]
pub(crate) struct Ask {
    done: Option<String>,
    #[serde(default)]
    what_if: String,
    #[serde(default)]
    cap: String,
}

#[derive(Template)]
#[template(path = "budget.html")]
struct Page {
    shell: Shell,
    id: DatasetId,
    title: String,
    /// Whether the visitor answers for it.
    controls: bool,
    budget: Option<BudgetView>,
    rows: Vec<Row>,
    sizes: Vec<Size>,
    typed: Typed,
    what_if: String,
    answer: Option<Size>,
    cap: String,
    moved: Option<Moved>,
    faults: Faults,
}

/// An account in the table.
struct Row {
    whose: String,
    cap: String,
    held: String,
    spent: String,
    left: String,
    /// Of the cap, in whole percent, held and spent together.
    used: u64,
}

/// What a question of one price brings.
struct Size {
    price: String,
    epsilon: String,
    within: String,
    questions: u64,
}

/// What another cap of the people would mean.
#[derive(Debug, PartialEq, Eq)]
struct Moved {
    cap: String,
    /// What all answers together would give away of one person at most.
    epsilon: String,
    used: String,
    left: String,
    /// Counts at the price that most questions have.
    questions: u64,
    /// Nothing more could be asked.
    stops: bool,
}

/// Price of an ordinary question.
const ORDINARY_NANO_RHO: u64 = 1_000_000;

fn moved(cap: u64, used: u64) -> Moved {
    let left = cap.saturating_sub(used);
    Moved {
        cap: decimal(cap, 9),
        epsilon: epsilon(cap.max(used)),
        used: decimal(used, 9),
        left: decimal(left, 9),
        questions: left / ORDINARY_NANO_RHO,
        stops: left < PRICE_NANO_RHO_MIN,
    }
}

/// Caps as they were typed.
#[derive(Default)]
struct Typed {
    people: String,
    people_delta: String,
    project: String,
    project_delta: String,
    researcher: String,
    researcher_delta: String,
}

impl Typed {
    fn of(caps: &Caps) -> Self {
        let delta = |loss: Loss| decimal(loss.atto_delta, 18);
        Self {
            people: rho(caps.people),
            people_delta: delta(caps.people),
            project: rho(caps.project),
            project_delta: delta(caps.project),
            researcher: rho(caps.researcher),
            researcher_delta: delta(caps.researcher),
        }
    }

    /// What the fields start with: a family of rho 0.5, a project of a tenth of it, a researcher likewise.
    fn start() -> Self {
        let delta = || "0.00000001".to_owned();
        Self {
            people: "0.5".into(),
            people_delta: delta(),
            project: "0.05".into(),
            project_delta: delta(),
            researcher: "0.05".into(),
            researcher_delta: delta(),
        }
    }
}

/// Routes of budgets.
pub(crate) fn routes() -> Router<Front> {
    Router::new().route("/catalogue/{id}/budget", get(show).post(set))
}

/// Decimal text of a whole number of units, without trailing zeros.
fn decimal(units: u64, digits: usize) -> String {
    let padded = format!("{units:0>width$}", width = digits + 1);
    let (whole, rest) = padded.split_at(padded.len() - digits);
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}

/// Units of a decimal number; none for anything else, or for more digits than there are units.
pub(crate) fn units(text: &str, digits: usize) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(rest) || rest.len() > digits {
        return None;
    }
    format!("{whole}{rest:0<digits$}").parse().ok()
}

/// Rho of a loss, in decimals.
pub(crate) fn rho(loss: Loss) -> String {
    decimal(loss.nano_rho, 9)
}

/// Delta of a loss, in decimals; none where it costs none.
pub(crate) fn delta(loss: Loss) -> Option<String> {
    (loss.atto_delta > 0).then(|| decimal(loss.atto_delta, 18))
}

/// A price in one line: rho, and delta where it costs any.
pub(crate) fn spent(loss: Loss) -> String {
    match delta(loss) {
        None => rho(loss),
        Some(delta) => format!("{} and delta {delta}", rho(loss)),
    }
}

/// Epsilon at a delta of a millionth that rho implies (Bun and Steinke 2016, proposition 1.3), for reading.
#[allow(
    clippy::cast_precision_loss,
    reason = "a number for reading, to two digits"
)]
fn epsilon(nano_rho: u64) -> String {
    let rho = nano_rho as f64 * 1e-9;
    format!("{:.2}", rho + 2.0 * (rho * 1e6_f64.ln()).sqrt())
}

/// Half the width of the range that holds 95 of 100 noisy counts of that price, one row a person.
#[allow(
    clippy::cast_precision_loss,
    reason = "a number for reading, to whole people"
)]
fn within(nano_rho: u64) -> String {
    let sigma = (1.0 / (2.0 * nano_rho as f64 * 1e-9)).sqrt();
    format!("{:.0}", (1.96 * sigma).ceil())
}

fn size(nano_rho: u64, left: Option<Loss>) -> Size {
    Size {
        price: decimal(nano_rho, 9),
        epsilon: epsilon(nano_rho),
        within: within(nano_rho),
        questions: left.map_or(0, |left| left.nano_rho / nano_rho.max(1)),
    }
}

fn row(account: &AccountView) -> Row {
    let level = match account.level {
        Level::People => "The people, for life",
        Level::Project => "Project",
        Level::Researcher => "Researcher",
    };
    let used = account.cap.nano_rho.saturating_sub(account.left.nano_rho);
    Row {
        whose: match &account.whose {
            Some(id) => format!("{level} {id}"),
            None => level.to_owned(),
        },
        cap: rho(account.cap),
        held: rho(account.held),
        spent: rho(account.spent),
        left: rho(account.left),
        used: used.saturating_mul(100) / account.cap.nano_rho.max(1),
    }
}

async fn budget(front: &Front, visitor: &Visitor, id: &DatasetId) -> Result<Page, Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let dataset = service.dataset(caller, id).await?;
    let controls = dataset.controller == caller.person.id;
    let budget = match service.budget(caller, id).await {
        Ok(budget) => Some(budget),
        // To its controller the page offers to open one.
        Err(ServiceError::Refused(governance::Refusal::NoBudget(_))) if controls => None,
        Err(error) => return Err(error.into()),
    };
    let people = budget
        .iter()
        .flat_map(|b| &b.accounts)
        .find(|a| a.level == Level::People);
    let left = people
        .map(|a| a.left)
        .or_else(|| budget.as_ref().map(|b| b.caps.people));
    let typed = budget.as_ref().map(|b| Typed::of(&b.caps));
    Ok(Page {
        shell: Shell::of(
            visitor,
            format!("Privacy budget of {}", dataset.dictionary.title),
        ),
        id: id.clone(),
        title: dataset.dictionary.title,
        controls,
        rows: budget
            .iter()
            .flat_map(|b| b.accounts.iter().map(row))
            .collect(),
        sizes: [100_000, 1_000_000, 10_000_000]
            .map(|price| size(price, left))
            .into(),
        typed: typed.unwrap_or_else(Typed::start),
        budget,
        what_if: String::new(),
        answer: None,
        cap: String::new(),
        moved: None,
        faults: Faults::default(),
    })
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<DatasetId>,
    Query(ask): Query<Ask>,
) -> Reply {
    let mut shown = budget(&front, &visitor, &id).await?;
    shown.shell = shown.shell.done(ask.done.as_deref());
    if !ask.what_if.is_empty() {
        let price = units(ask.what_if.trim(), 9).filter(|price| *price >= PRICE_NANO_RHO_MIN);
        let left = shown.budget.as_ref().map(|b| {
            let people = b.accounts.iter().find(|a| a.level == Level::People);
            people.map_or(b.caps.people, |a| a.left)
        });
        match price {
            Some(price) => shown.answer = Some(size(price, left)),
            None => shown.faults.add(
                "what_if",
                "Give a price in rho, at least 0.000001, such as 0.001",
            ),
        }
        shown.what_if = ask.what_if;
    }
    if !ask.cap.is_empty() {
        let used = shown.budget.as_ref().map_or(0, |b| {
            let people = b.accounts.iter().find(|a| a.level == Level::People);
            people.map_or(0, |a| a.held.nano_rho.saturating_add(a.spent.nano_rho))
        });
        match units(ask.cap.trim(), 9) {
            Some(cap) => shown.moved = Some(moved(cap, used)),
            None => shown.faults.add("cap", "Give a cap in rho, such as 0.5"),
        }
        shown.cap = ask.cap;
    }
    page(&shown)
}

/// Caps as they were typed; the caps of single projects stay as they are.
fn caps(typed: &Typed, held: Option<&Caps>, faults: &mut Faults) -> Option<Caps> {
    let mut loss = |field: &str, text: &str, delta: &str| {
        let (nano_rho, atto_delta) = (units(text, 9), units(delta, 18));
        faults.unless(
            nano_rho.is_some(),
            field,
            "Give rho as a decimal number with at most nine digits after the point, such as 0.05",
        );
        faults.unless(
            atto_delta.is_some(),
            &format!("{field}_delta"),
            "Give delta as a decimal number, such as 0.00000001",
        );
        Some(Loss {
            nano_rho: nano_rho?,
            atto_delta: atto_delta?,
        })
    };
    let (people, project, researcher) = (
        loss("people", &typed.people, &typed.people_delta),
        loss("project", &typed.project, &typed.project_delta),
        loss("researcher", &typed.researcher, &typed.researcher_delta),
    );
    Some(Caps {
        people: people?,
        project: project?,
        researcher: researcher?,
        projects: held.map(|caps| caps.projects.clone()).unwrap_or_default(),
    })
}

fn typed(form: &Form) -> Typed {
    let one = |name: &str| form.one(name).to_owned();
    Typed {
        people: one("people"),
        people_delta: one("people_delta"),
        project: one("project"),
        project_delta: one("project_delta"),
        researcher: one("researcher"),
        researcher_delta: one("researcher_delta"),
    }
}

pub(crate) async fn set(State(front): Ready, Path(id): Path<DatasetId>, posted: Posted) -> Reply {
    let Posted { visitor, form } = posted;
    let mut shown = budget(&front, &visitor, &id).await?;
    let typed = typed(&form);
    let mut faults = Faults::default();
    let held = shown.budget.as_ref().map(|b| &b.caps);
    if let Some(caps) = caps(&typed, held, &mut faults) {
        let (service, caller) = (&front.service, &visitor.caller);
        let (set, done) = match &shown.budget {
            None => (
                service.open_budget(caller, &id, caps).await,
                "budget_opened",
            ),
            // A copy's page shows the budget that it shares; its caps are set there.
            Some(budget) => (service.set_caps(caller, &budget.of, caps).await, "caps_set"),
        };
        match set {
            Ok(_) => return Ok(see(&format!("/catalogue/{id}/budget"), done)),
            Err(error) => faults = Faults::at("people", error)?,
        }
    }
    shown.shell = shown.shell.fault(&faults);
    (shown.typed, shown.faults) = (typed, faults);
    again(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("0.5", Some(500_000_000)),
            ("0", Some(0)),
            ("12", Some(12_000_000_000)),
            ("0.000000001", Some(1)),
            ("0.0000000001", None),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e-3", None),
            ("0,5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(units(text, 9), expected, "{text}");
            if let Some(n) = expected {
                assert_eq!(units(&decimal(n, 9), 9), Some(n));
            }
        }
        assert_eq!(decimal(10_000_000_000, 18), "0.00000001");
    }

    #[test]
    fn caps_that_nobody_changed_come_back_as_they_were() {
        let loss = |nano_rho, atto_delta| Loss {
            nano_rho,
            atto_delta,
        };
        let held = Caps {
            people: loss(500_000_000, 10_000_000_000),
            project: loss(50_000_000, 2_000_000_000),
            researcher: loss(20_000_000, 0),
            projects: [("prj_1".parse().unwrap(), loss(1, 1))].into(),
        };
        let mut faults = Faults::default();
        let read = caps(&Typed::of(&held), Some(&held), &mut faults);
        assert_eq!(read, Some(held));
        let mut typed = Typed::start();
        typed.project_delta = "little".into();
        assert_eq!(caps(&typed, None, &mut faults), None);
        assert!(faults.of("project_delta").is_some());
    }

    #[test]
    fn another_cap_says_what_is_left_and_never_takes_back_what_is_spent() {
        let more = moved(500_000_000, 120_000_000);
        assert_eq!(
            (more.left.as_str(), more.questions, more.stops),
            ("0.38", 380, false)
        );
        let less = moved(100_000_000, 120_000_000);
        assert_eq!(
            (less.left.as_str(), less.questions, less.stops),
            ("0", 0, true)
        );
        // What was learnt stays learnt: epsilon is that of what is spent.
        assert_eq!(less.epsilon, epsilon(120_000_000));
    }

    /// Published pairs: epsilon at a delta of 10⁻⁶ by the simple bound, and the range of a count at rho 0.01.
    #[test]
    fn a_price_reads_as_an_epsilon_and_a_range() {
        assert_eq!(epsilon(500_000_000), "5.76");
        assert_eq!(within(10_000_000), "14");
        assert_eq!(within(1_000_000), "44");
    }
}
