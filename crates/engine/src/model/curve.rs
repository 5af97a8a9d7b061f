//! Survival curves: who leaves in which band of time, and the statements of the tables behind the curve.

use disclosure::survival::{Band, Curve, Rules, Spec, Step, Stratum, steps};

use super::design::{Known, group, is_number, number, present};
use super::{Floor, ModelError, column, invalid, strange};
use crate::{Connection, quote};

/// A curve's people by when they leave, and the statements whose evidence decides about it.
#[derive(Debug)]
pub struct Drawn {
    /// Who leaves when.
    pub curve: Curve,
    /// The tables behind the steps that may be shown.
    pub tables: Vec<String>,
}

/// Counts who leaves when, over the people who have a value everywhere.
///
/// # Errors
/// If a column is not there or not of a kind that a curve takes, a person has several rows, a time is below nought,
/// or there are more bands or strata than the rules allow.
pub fn draw(
    conn: &Connection,
    unit: &str,
    spec: &Spec,
    rules: &Rules,
) -> Result<Drawn, ModelError> {
    draw_raw(conn.raw(), unit, spec, rules)
}

pub(super) fn draw_raw(
    conn: &duckdb::Connection,
    unit: &str,
    spec: &Spec,
    rules: &Rules,
) -> Result<Drawn, ModelError> {
    let spec = spec
        .clone()
        .checked()
        .map_err(|why| ModelError::Invalid(why.to_string()))?;
    let floor = Floor { conn };
    let columns = Columns::of(&floor, unit, &spec)?;
    let strata = columns.how_many_strata(&floor, rules)?;
    let every = columns.every(&floor, &spec, rules, strata)?;
    let curve = Curve {
        strata: columns.counted(&floor, every)?,
        every,
        spec,
    };
    let tables = curve.strata.iter();
    let tables = tables.flat_map(|stratum| columns.tables(stratum, every, rules));
    Ok(Drawn {
        tables: tables.collect(),
        curve,
    })
}

/// The columns of a curve, as its table spells them.
struct Columns {
    /// The protected unit, quoted.
    unit: String,
    /// The table, quoted.
    table: String,
    /// The time as a double.
    time: String,
    /// The event as a double: 1 or 0.
    event: String,
    /// The columns of the strata.
    strata: Vec<String>,
    /// What a row with a value everywhere satisfies.
    complete: String,
}

impl Columns {
    fn of(floor: &Floor<'_>, unit: &str, spec: &Spec) -> Result<Self, ModelError> {
        let known = Known::of(floor, &spec.table)?;
        let (unit, _) = known.find(unit)?;
        let (time, kind) = known.find(&spec.time)?;
        if !is_number(kind) {
            return invalid(format!(
                "{time} is no number, and the time of a curve is one"
            ));
        }
        let (event, kind) = known.find(&spec.event)?;
        if kind != "BOOLEAN" && !is_number(kind) {
            return invalid(format!(
                "{event} is neither true or false nor 0 or 1, and the event of a curve is"
            ));
        }
        let mut strata = Vec::new();
        for name in &spec.strata {
            strata.push(known.find(name)?.0.to_owned());
        }
        for name in [time, event]
            .into_iter()
            .chain(strata.iter().map(String::as_str))
        {
            if name.eq_ignore_ascii_case(unit) {
                return invalid("the column that tells people apart is no part of a curve");
            }
        }
        let mut complete = vec![format!("isfinite({})", number(time))];
        let names = [unit, time, event].into_iter();
        let names = names.chain(strata.iter().map(String::as_str));
        complete.extend(names.map(|name| present(&column(name))));
        Ok(Self {
            unit: column(unit),
            table: quote::name(&spec.table),
            time: number(time),
            event: number(event),
            strata,
            complete: complete.join(" and "),
        })
    }

    /// A select over the complete rows of which more holds.
    fn over(&self, items: &str, more: &[String]) -> String {
        let conditions = std::iter::once(&self.complete).chain(more);
        let conditions: Vec<&str> = conditions.map(String::as_str).collect();
        format!(
            "select {items} from {} where {}",
            self.table,
            conditions.join(" and ")
        )
    }

    fn how_many_strata(&self, floor: &Floor<'_>, rules: &Rules) -> Result<u64, ModelError> {
        if self.strata.is_empty() {
            return Ok(1);
        }
        let values: Vec<String> = self.strata.iter().map(|name| group(name)).collect();
        let each = self.over(&format!("distinct {}", values.join(", ")), &[]);
        let most = rules.strata.saturating_add(1);
        let sql = format!("select count(*)::double from (select * from ({each}) limit {most})");
        match floor.numbers(&sql)?.as_slice() {
            [strata] if *strata as u64 > rules.strata => invalid(format!(
                "there are more strata than the limit curve_strata of the disclosure policy, {}",
                rules.strata
            )),
            [strata] => Ok(*strata as u64),
            _ => Err(strange().into()),
        }
    }

    /// To multiples of what times are rounded up.
    fn every(
        &self,
        floor: &Floor<'_>,
        spec: &Spec,
        rules: &Rules,
        strata: u64,
    ) -> Result<f64, ModelError> {
        let Self {
            unit, time, event, ..
        } = self;
        let sql = self.over(
            &format!(
                "count(*)::double, count(distinct {unit})::double, \
                 (count(*) filter (where {event} not in (0, 1)))::double, \
                 (count(*) filter (where {event} = 1))::double, \
                 (count(*) filter (where {time} <> floor({time})))::double, min({time}), max({time})"
            ),
            &[],
        );
        let found = floor.numbers(&sql)?;
        let [rows, people, odd, events, parts, least, longest] = found.as_slice() else {
            return Err(strange().into());
        };
        if *rows < 1.0 {
            return invalid("nobody has a value everywhere");
        }
        if people < rows {
            return invalid(
                "a person has several rows, and a survival curve takes one row a person",
            );
        }
        if *odd > 0.0 {
            return invalid("the event of a curve is 0 and 1, or false and true");
        }
        if *least < 0.0 {
            return invalid("a time is below nought, and the time of a curve is not");
        }
        let chosen = || rules.every(*longest, *parts < 1.0, *events as u64, strata);
        let every = spec.every.unwrap_or_else(chosen);
        match longest / every > rules.bands as f64 {
            true => invalid(format!(
                "the longest time has more than {} bands of {every}, the limit curve_bands of the disclosure policy: name a larger `every`",
                rules.bands
            )),
            false => Ok(every),
        }
    }

    /// The number of the band of a row. A time at its end is in it, also where the quotient of doubles is a little more.
    fn band(&self, every: f64) -> String {
        // No exponents: the engine would print them in another way than it reads them.
        format!(
            "ceil({} / cast('{every}' as double) - 0.000000001)",
            self.time
        )
    }

    fn counted(&self, floor: &Floor<'_>, every: f64) -> Result<Vec<Stratum>, ModelError> {
        let Self { event, .. } = self;
        let mut items: Vec<String> = self.strata.iter().map(|name| group(name)).collect();
        let keys = items.len() + 1;
        items.push(format!("greatest({}, 0)::bigint", self.band(every)));
        let keyed: Vec<String> = (1..=keys).map(|at| at.to_string()).collect();
        items.push(format!("count(*) filter (where {event} = 1)"));
        items.push(format!("count(*) filter (where {event} = 0)"));
        let by = keyed.join(", ");
        let sql = self.over(&items.join(", "), &[]);
        // As text once they are in the order of numbers.
        let rows = floor.texts(&format!(
            "select columns(*)::varchar from ({sql} group by {by} order by {by})"
        ))?;
        let mut strata: Vec<Stratum> = Vec::new();
        for row in rows {
            let mut cells: Vec<String> = row.into_iter().flatten().collect();
            let numbers: Vec<u64> = cells
                .drain(cells.len().saturating_sub(3)..)
                .filter_map(|cell| cell.parse().ok())
                .collect();
            let [number, events, censored] = numbers.as_slice() else {
                return Err(strange().into());
            };
            let band = Band {
                number: *number,
                events: *events,
                censored: *censored,
            };
            match strata.last_mut().filter(|last| last.values == cells) {
                Some(last) => last.bands.push(band),
                None => strata.push(Stratum {
                    values: cells,
                    bands: vec![band],
                }),
            }
        }
        Ok(strata)
    }

    /// The tables behind the steps of a stratum: who is at risk at the first events, who leaves in each step but the
    /// last, if there are several, and who has the event in each.
    fn tables(&self, stratum: &Stratum, every: f64, rules: &Rules) -> Vec<String> {
        let steps = steps(stratum, rules);
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
            return Vec::new();
        };
        let band = self.band(every);
        let mut own: Vec<String> = self
            .strata
            .iter()
            .zip(&stratum.values)
            .map(|(name, value)| format!("{} = {}", group(name), quote::text(value)))
            .collect();
        if first.first > 0 {
            own.push(format!("{band} >= {}", first.first));
        }
        let with = |more: String| [own.clone(), vec![more]].concat();
        let step = format!("{} as step, count(*) as people", numbered(&steps, &band));
        let mut tables = vec![self.over("count(*) as people", &own)];
        if steps.len() > 1 {
            let leaving = self.over(&step, &with(format!("{band} < {}", last.first)));
            tables.push(format!("{leaving} group by 1 order by 1"));
        }
        let mut had = with(format!("{band} <= {}", last.last));
        had.push(format!("{} = 1", self.event));
        tables.push(format!("{} group by 1 order by 1", self.over(&step, &had)));
        tables
    }
}

/// The number of the step of a row.
fn numbered(steps: &[Step], band: &str) -> String {
    let nexts = (1..).zip(steps.iter().skip(1));
    let whens: Vec<String> = nexts
        .map(|(number, next)| format!("when {band} < {} then {number}", next.first))
        .collect();
    match whens.is_empty() {
        true => format!("case when {band} >= 0 then 1 else 1 end"),
        false => format!("case {} else {} end", whens.join(" "), steps.len()),
    }
}

#[cfg(test)]
mod tests;
