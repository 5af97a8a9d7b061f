//! From rows to cells: each person's share of each group, bounded, then summed.

use super::columns::{Columns, double};
use super::source::{Source, source};
use super::{Grid, LABEL_MAX, Literal, MeasureError, Part, Plan};
use crate::Connection;

/// Largest cell; a sum beyond it is cut off there, which changes nothing about what one person can do.
const CELL_MAX: i64 = 1 << 60;
/// The engine's temporary tables of a measurement.
const ROWS: &str = "strongroom_rows";
const KEYS: &str = "strongroom_keys";
const PEOPLE: &str = "strongroom_people";

/// Each person's bounded share of each group, kept in the engine. It holds no person.
pub struct Prepared<'a> {
    connection: &'a duckdb::Connection,
    parts: Vec<Part>,
    groups: usize,
    labels: Option<Vec<String>>,
}

fn failed(_: duckdb::Error) -> MeasureError {
    // The engine's words may hold values, and which error it was may too.
    MeasureError::Failed
}

/// Prepares; every statement goes through `rewrite`, which tests use to break it.
pub(super) fn prepare_as<'a>(
    connection: &'a Connection,
    plan: &Plan,
    rewrite: &dyn Fn(String) -> String,
) -> Result<Prepared<'a>, MeasureError> {
    let connection = connection.raw();
    let source = source(connection, plan)?;
    let run = |sql: &str| {
        connection
            .execute_batch(&rewrite(sql.to_owned()))
            .map_err(failed)
    };
    let labels = if plan.finds_keys() {
        run(&rows_with_labels(plan, &source)?)?;
        run(&format!(
            "create or replace temp table {KEYS} as select label as cut, cast(row_number() over (order by label) - 1 as bigint) as cell from (select distinct label from {ROWS})"
        ))?;
        Some(texts(
            connection,
            &format!("select cut from {KEYS} order by cell"),
        )?)
    } else {
        run(&known_keys(plan))?;
        None
    };
    let rows = match &labels {
        Some(_) => {
            format!("(select r.*, k.cell, k.cut from {ROWS} r join {KEYS} k on k.cut = r.label)")
        }
        None => {
            let rows = rows_with_cells(plan, &source)?;
            // Bins read the rows once more.
            if plan.parts.iter().any(is_binned) {
                run(&format!("create or replace temp table {ROWS} as {rows}"))?;
                ROWS.to_owned()
            } else {
                format!("({rows})")
            }
        }
    };
    let groups = labels
        .as_ref()
        .map_or_else(|| plan.groups().len(), Vec::len);
    run(&people(plan, &rows, groups))?;
    for (at, part) in plan.parts.iter().enumerate() {
        if is_binned(part) {
            run(&bins(plan, &rows, groups, at))?;
        }
    }
    Ok(Prepared {
        connection,
        parts: plan.parts.clone(),
        groups,
        labels,
    })
}

fn is_binned(part: &Part) -> bool {
    matches!(part, Part::Bins(..) | Part::Candidates(..))
}

/// The combinations of codebook values, with their place.
fn known_keys(plan: &Plan) -> String {
    let mut columns = vec!["cast(w0 as bigint) as cell".to_owned()];
    for (at, key) in plan.keys.iter().enumerate() {
        let values = key.values.as_deref().unwrap_or_default();
        let kind = match values.iter().find(|value| **value != Literal::Missing) {
            Some(Literal::Number(_) | Literal::Date(_)) => "double",
            Some(Literal::Boolean(_)) => "boolean",
            Some(Literal::Text(_) | Literal::Missing) | None => "varchar",
        };
        columns.push(format!("cast(w{} as {kind}) as k{at}", at + 1));
    }
    let names: Vec<String> = (0..=plan.keys.len()).map(|at| format!("w{at}")).collect();
    let rows: Vec<String> = plan
        .groups()
        .iter()
        .enumerate()
        .map(|(place, group)| {
            let mut row = vec![place.to_string()];
            row.extend(group.iter().map(Literal::sql));
            format!("({})", row.join(", "))
        })
        .collect();
    format!(
        "create or replace temp table {KEYS} as select {}, cast(w0 as varchar) as cut from (values {}) k({})",
        columns.join(", "),
        rows.join(", "),
        names.join(", ")
    )
}

/// A row's inputs (`x0` …) and what the parts make of them (`v0` …): whole numbers, or missing.
struct Values {
    inputs: Vec<String>,
    values: Vec<String>,
}

impl Values {
    fn of(plan: &Plan, columns: &Columns) -> Result<Self, MeasureError> {
        let (mut inputs, mut values) = (Vec::new(), Vec::new());
        for (at, part) in plan.parts.iter().enumerate() {
            let Some(column) = part.column() else {
                continue;
            };
            let column = columns.find(column)?;
            let x = format!("x{at}");
            let input = match part {
                Part::Present(_) => format!("case when {} then 1.0 end", column.present()),
                _ => column.number(),
            };
            let value = match part {
                Part::Rows | Part::People => continue,
                Part::Present(_) | Part::Numbers(_) => "1".to_owned(),
                Part::Sum(_, grid) => steps(&x, grid, 0),
                Part::Centred(_, grid) | Part::Squares(_, grid) => steps(&x, grid, grid.centre),
                Part::Bins(_, edges) => bin(&x, edges),
                Part::Candidates(_, candidates) => place(&x, candidates, 0, candidates.len()),
            };
            inputs.push(format!("{input} as {x}"));
            // Whatever is missing stays so before anything is compared with it.
            values.push(format!(
                "cast(case when {x} is not null then {value} end as bigint) as v{at}"
            ));
        }
        Ok(Self { inputs, values })
    }
}

/// A finite number in steps from `from`, clamped as a number and again as an integer.
fn steps(x: &str, grid: &Grid, from: i64) -> String {
    let Grid {
        lower,
        upper,
        step,
        low,
        high,
        ..
    } = grid;
    let clamped = format!(
        "greatest({}, least({}, {x}))",
        double(*lower),
        double(*upper)
    );
    let steps = format!("try_cast(round({clamped} / {}) as bigint)", double(*step));
    format!("greatest({low}, least({high}, coalesce({steps}, {low}))) - ({from})")
}

/// The bin of a number between edges, as a tree of comparisons; none outside.
fn bin(x: &str, edges: &[f64]) -> String {
    fn tree(x: &str, inner: &[f64], before: usize) -> String {
        let middle = inner.len() / 2;
        let (below, above) = inner.split_at(middle);
        match above {
            [] => before.to_string(),
            [edge, above @ ..] => format!(
                "case when {x} < {} then {} else {} end",
                double(*edge),
                tree(x, below, before),
                tree(x, above, before + middle + 1)
            ),
        }
    }
    let [first, inner @ .., last] = edges else {
        return "null".to_owned();
    };
    format!(
        "case when {x} >= {} and {x} <= {} then {} end",
        double(*first),
        double(*last),
        tree(x, inner, 0)
    )
}

/// The place of a number among candidates, as a tree of comparisons: odd at one, even between.
fn place(x: &str, candidates: &[f64], from: usize, to: usize) -> String {
    let middle = from + (to - from) / 2;
    match candidates.get(middle) {
        Some(candidate) if from < to => {
            let candidate = double(*candidate);
            format!(
                "case when {x} < {candidate} then {} when {x} > {candidate} then {} else {} end",
                place(x, candidates, from, middle),
                place(x, candidates, middle + 1, to),
                2 * middle + 1
            )
        }
        Some(_) | None => (2 * from).to_string(),
    }
}

/// Rows with the place of their group among the codebook's; others are left out.
fn rows_with_cells(plan: &Plan, source: &Source) -> Result<String, MeasureError> {
    let values = Values::of(plan, &source.columns)?;
    let mut inner = vec!["u".to_owned()];
    let mut on = Vec::new();
    for (at, key) in plan.keys.iter().enumerate() {
        let known = key.values.as_deref().unwrap_or_default();
        let column = source.columns.find(&key.column)?;
        inner.push(format!("{} as g{at}", column.as_kind(known)));
        let same = match known.contains(&Literal::Missing) {
            true => "is not distinct from",
            false => "=",
        };
        on.push(format!("s.g{at} {same} k.k{at}"));
    }
    inner.extend(values.inputs);
    let mut outer = vec!["u".to_owned()];
    let join = match on.is_empty() {
        true => {
            outer.extend([
                "cast(0 as bigint) as cell".to_owned(),
                "'0' as cut".to_owned(),
            ]);
            String::new()
        }
        false => {
            outer.extend(["k.cell".to_owned(), "k.cut".to_owned()]);
            format!("join {KEYS} k on {}", on.join(" and "))
        }
    };
    outer.extend(values.values);
    Ok(format!(
        "select {} from (select {} from ({})) s {join}",
        outer.join(", "),
        inner.join(", "),
        source.sql
    ))
}

/// Rows with the label of their group, into a table of their own.
fn rows_with_labels(plan: &Plan, source: &Source) -> Result<String, MeasureError> {
    let values = Values::of(plan, &source.columns)?;
    let separator = "chr(31)";
    let mut inner = vec!["u".to_owned()];
    let (mut labels, mut conditions) = (Vec::new(), Vec::new());
    for (at, key) in plan.keys.iter().enumerate() {
        let column = source.columns.find(&key.column)?;
        inner.push(format!("{} as g{at}", column.text()));
        labels.push(format!("g{at}"));
        conditions.push(format!("g{at} is not null"));
        match &key.values {
            None => conditions.push(format!(
                "length(g{at}) <= {LABEL_MAX} and not contains(g{at}, {separator})"
            )),
            Some(known) => {
                inner.push(format!("{} as h{at}", column.as_kind(known)));
                let list: Vec<String> = known
                    .iter()
                    .filter(|value| **value != Literal::Missing)
                    .map(Literal::sql)
                    .collect();
                conditions.push(match list.is_empty() {
                    true => "false".to_owned(),
                    false => format!("coalesce(h{at} in ({}), false)", list.join(", ")),
                });
            }
        }
    }
    inner.extend(values.inputs);
    let mut outer = vec![
        "u".to_owned(),
        format!("concat_ws({separator}, {}) as label", labels.join(", ")),
    ];
    outer.extend(values.values);
    Ok(format!(
        "create or replace temp table {ROWS} as select {} from (select {} from ({})) where {}",
        outer.join(", "),
        inner.join(", "),
        source.sql,
        conditions.join(" and ")
    ))
}

/// The order in which a person's groups are kept: keyed, so that no value is preferred and nobody can foresee
/// it; a function of the person alone. The key comes first and has one length.
fn keyed(plan: &Plan, of: &[&str]) -> String {
    let secret: String = plan
        .secret
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256(concat('{secret}', {}))", of.join(", chr(31), "))
}

/// Each person's bounded share of each group.
fn people(plan: &Plan, rows: &str, groups: usize) -> String {
    let linf = plan.linf;
    let mut sums = vec![
        "u".to_owned(),
        "cell".into(),
        "cut".into(),
        "count(*) as n".into(),
    ];
    let mut bounded = vec!["cell".to_owned()];
    for (at, part) in plan.parts.iter().enumerate() {
        let (sum, most) = match part {
            Part::Bins(..) | Part::Candidates(..) => continue,
            Part::Rows => {
                bounded.push(format!("least(n, {linf}) as b{at}"));
                continue;
            }
            Part::People => {
                bounded.push(format!("1 as b{at}"));
                continue;
            }
            Part::Present(_) | Part::Numbers(_) => {
                sums.push(format!("count(v{at}) as n{at}"));
                bounded.push(format!("least(n{at}, {linf}) as b{at}"));
                continue;
            }
            Part::Sum(_, grid) => (format!("v{at}"), grid.low.abs().max(grid.high.abs())),
            Part::Centred(_, grid) => (format!("v{at}"), half(grid)),
            Part::Squares(_, grid) => (
                format!(
                    "(v{at} * v{at} + {}) // {} - {}",
                    1_i64 << (grid.square_shift - 1),
                    1_i64 << grid.square_shift,
                    grid.square_centre
                ),
                square_half(grid),
            ),
        };
        sums.push(format!("count(v{at}) as n{at}"));
        sums.push(format!("sum({sum}) as s{at}"));
        let most = i64::from(linf).saturating_mul(most);
        // The division goes towards zero, so the share stays within what so many rows can bring.
        bounded.push(format!(
            "cast(greatest(-{most}, least({most}, coalesce(case when n{at} > {linf} then s{at} * {linf} // n{at} else s{at} end, 0))) as bigint) as b{at}"
        ));
    }
    format!(
        "create or replace temp table {PEOPLE} as with p as materialized (select {} from {rows} group by u, cell, cut), {} select {} from kept",
        sums.join(", "),
        kept(plan, "p", groups),
        bounded.join(", ")
    )
}

/// From shares `p` to those that are `kept`: of a person in more than `l0` groups (`shares` names each once) the
/// first `l0` in the keyed order. Nobody else is put in an order, which would be most of the work.
fn kept(plan: &Plan, shares: &str, groups: usize) -> String {
    let l0 = plan.l0;
    if usize::try_from(l0).is_ok_and(|l0| l0 >= groups) && !plan.finds_keys() {
        return "kept as (select * from p)".to_owned();
    }
    let order = keyed(plan, &["u", "cut"]);
    format!(
        "many as materialized (select u from {shares} group by u having count(*) > {l0}), \
         chosen as (select u, unnest(min_by(cell, {order}, {l0})) as cell from {shares} semi join many using (u) group by u), \
         kept as materialized (select p.* from p anti join many using (u) union all select p.* from p join chosen using (u, cell))"
    )
}

fn half(grid: &Grid) -> i64 {
    (grid.high - grid.centre).max(grid.centre - grid.low)
}

fn square_half(grid: &Grid) -> i64 {
    let half = half(grid);
    let most = (half * half + (1 << (grid.square_shift - 1))) >> grid.square_shift;
    (most - grid.square_centre).max(grid.square_centre)
}

/// Each person's bounded rows in each bin of each group: of a person with more than `linf` rows in a group those
/// in the first bins in a keyed order.
fn bins(plan: &Plan, rows: &str, groups: usize, at: usize) -> String {
    let linf = plan.linf;
    format!(
        "create or replace temp table {} as \
         with p as materialized (select u, cell, cut, v{at} as bin, count(*) as n from {rows} where v{at} is not null group by u, cell, cut, v{at}), \
         shares as (select distinct u, cell, cut from p), {}, \
         crowded as materialized (select u, cell from kept group by u, cell having sum(n) > {linf}), \
         counted as (select k.*, coalesce(sum(n) over (partition by u, cell order by {}, bin rows between unbounded preceding and 1 preceding), 0) as earlier from kept k semi join crowded using (u, cell)) \
         select cell, bin, cast(n as bigint) as n from kept anti join crowded using (u, cell) \
         union all select cell, bin, cast(greatest(0, least(n, {linf} - earlier)) as bigint) as n from counted",
        bins_table(at),
        kept(plan, "shares", groups),
        keyed(plan, &["u", "cut", "bin"]),
    )
}

fn bins_table(at: usize) -> String {
    format!("strongroom_bins_{at}")
}

fn texts(connection: &duckdb::Connection, sql: &str) -> Result<Vec<String>, MeasureError> {
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement
        .query_map([], |row| row.get::<_, String>(0))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

impl Prepared<'_> {
    /// The labels of the groups that were found, each with its columns' values between separators; none
    /// where the groups were known.
    #[must_use]
    pub fn labels(&self) -> Option<&[String]> {
        self.labels.as_deref()
    }

    /// People of each group.
    ///
    /// # Errors
    /// [`MeasureError::Failed`].
    pub fn people(&self) -> Result<Vec<i64>, MeasureError> {
        self.sums(
            &format!("select cell, 0, count(*) from {PEOPLE} group by cell"),
            1,
        )
    }

    /// The cells of one part: its cells of the first group, of the second, and so on.
    ///
    /// # Errors
    /// [`MeasureError::Failed`].
    pub fn cells(&self, part: usize) -> Result<Vec<i64>, MeasureError> {
        let of = self.parts.get(part).ok_or(MeasureError::Failed)?;
        let sum = |of: &str| {
            format!(
                "cast(greatest(-{CELL_MAX}, least({CELL_MAX}, coalesce(sum({of}), 0))) as bigint)"
            )
        };
        let sql = match is_binned(of) {
            true => format!(
                "select cell, bin, {} from {} group by cell, bin",
                sum("n"),
                bins_table(part)
            ),
            false => format!(
                "select cell, 0, {} from {PEOPLE} group by cell",
                sum(&format!("b{part}"))
            ),
        };
        self.sums(&sql, of.width())
    }

    /// Sums by group and place, in order; what has no row is zero.
    fn sums(&self, sql: &str, width: usize) -> Result<Vec<i64>, MeasureError> {
        let mut cells = vec![0_i64; self.groups * width];
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement
            .query_map([], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            })
            .map_err(failed)?;
        for row in rows {
            let (group, place, sum) = row.map_err(failed)?;
            let at = usize::try_from(group).ok().zip(usize::try_from(place).ok());
            let cell = at
                .filter(|(_, place)| *place < width)
                .and_then(|(group, place)| cells.get_mut(group * width + place))
                .ok_or(MeasureError::Failed)?;
            *cell = sum;
        }
        Ok(cells)
    }
}
