//! `pivot … on … in (…) using … group by …`: the engine gives no tree of it, so it is written as a select with
//! filters first.
//!
//! Reading the text wrongly can give another table than was meant, never one that is not judged: what is written
//! here is parsed by the engine and traced like any select, and what runs is made from that.

use super::{Stop, untraceable};

/// The most declared values.
const VALUES_MAX: usize = 200;

/// The select that a pivot over declared values stands for; `None` if the text is no pivot.
pub(super) fn as_select(sql: &str) -> Result<Option<String>, Stop> {
    let words = words(sql);
    let Some(first) = words.first() else {
        return Ok(None);
    };
    if !["pivot", "pivot_wider"].contains(&first.lower.as_str()) {
        return Ok(None);
    }
    let place = |name: &str| {
        words
            .iter()
            .position(|word| word.depth == 0 && word.lower == name)
    };
    let by = |name: &str| {
        let pairs = words.iter().zip(words.iter().skip(1));
        let mut pairs = pairs.enumerate();
        pairs.find_map(|(place, (one, two))| {
            (one.depth == 0 && one.lower == name && two.lower == "by").then_some(place)
        })
    };
    let (Some(on), Some(using), Some(group)) = (place("on"), place("using"), by("group")) else {
        return untraceable(
            "only a select, or a pivot on a column in declared values with a group by, can be traced",
        );
    };
    let order = by("order").or_else(|| place("limit"));
    let inside = place("in").filter(|inside| (on..using).contains(inside));
    let (Some(inside), true) = (inside, on < using && using < group) else {
        return untraceable(
            "only a select, or a pivot on a column in declared values with a group by, can be traced",
        );
    };
    let text = |from: usize, to: usize| between(sql, &words, from, to);
    let source = text(1, on);
    let column = text(on + 1, inside);
    let list = text(inside + 1, using);
    let keys = text(group + 2, order.unwrap_or(words.len()));
    let rest = order.map_or(String::new(), |order| text(order, words.len()));
    let Some(values) = values(&list) else {
        return untraceable("a pivot's values must be listed in parentheses");
    };
    if values.len() > VALUES_MAX {
        return untraceable(format!("a pivot has more than {VALUES_MAX} values"));
    }
    let aggregates = aggregates(&text(using + 1, group));
    let mut columns = vec![keys.clone()];
    for value in &values {
        for (call, name) in &aggregates {
            let shown = value.trim_matches('\'').replace("''", "'");
            let name = match name {
                Some(name) => format!("{shown}_{name}"),
                None if aggregates.len() > 1 => format!("{shown}_{call}"),
                None => shown,
            };
            columns.push(format!(
                "{call} filter (where {column} = {value}) as {}",
                crate::quote::name(&name)
            ));
        }
    }
    Ok(Some(format!(
        "select {} from {source} group by {keys} {rest}",
        columns.join(", ")
    )))
}

/// A word of the statement: names, numbers and quoted text as they are, every other sign by itself.
struct Word {
    lower: String,
    start: usize,
    end: usize,
    /// Parentheses around it.
    depth: usize,
}

fn words(sql: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = sql.char_indices().peekable();
    while let Some((start, sign)) = rest.next() {
        let mut end = start + sign.len_utf8();
        let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
        if sign.is_whitespace() || sign == ';' {
            continue;
        }
        if sign == '\'' || sign == '"' {
            while let Some((at, other)) = rest.next() {
                end = at + other.len_utf8();
                // Doubled, it is part of the text.
                if other == sign && rest.next_if(|(_, next)| *next == sign).is_none() {
                    break;
                }
            }
        } else if is_name(sign) {
            while let Some((at, other)) = rest.next_if(|(_, other)| is_name(*other)) {
                end = at + other.len_utf8();
            }
        }
        depth = if sign == ')' {
            depth.saturating_sub(1)
        } else {
            depth
        };
        words.push(Word {
            lower: sql.get(start..end).unwrap_or_default().to_lowercase(),
            start,
            end,
            depth,
        });
        depth += usize::from(sign == '(');
    }
    words
}

/// The text of the words from one place up to another.
fn between(sql: &str, words: &[Word], from: usize, to: usize) -> String {
    let (first, last) = (
        words.get(from),
        to.checked_sub(1).and_then(|to| words.get(to)),
    );
    match (first, last) {
        (Some(first), Some(last)) if from < to => sql
            .get(first.start..last.end)
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}

/// The parts of a list between commas outside parentheses.
fn parts(list: &str) -> Vec<String> {
    let words = words(list);
    let commas = words.iter().enumerate();
    let commas = commas.filter(|(_, word)| word.depth == 0 && word.lower == ",");
    let mut ends: Vec<usize> = commas.map(|(place, _)| place).collect();
    ends.push(words.len());
    let mut from = 0;
    let mut found = Vec::new();
    for end in ends {
        found.push(between(list, &words, from, end));
        from = end + 1;
    }
    found
}

/// The constants in parentheses; `None` for anything else.
fn values(list: &str) -> Option<Vec<String>> {
    let inside = list.strip_prefix('(')?.strip_suffix(')')?;
    let values = parts(inside);
    let is_constant = |value: &String| match words(value).as_slice() {
        [one] => one.lower.starts_with('\'') || one.lower.parse::<i64>().is_ok(),
        _ => false,
    };
    values.iter().all(is_constant).then_some(values)
}

/// Each aggregate with its name, where it has one.
fn aggregates(list: &str) -> Vec<(String, Option<String>)> {
    let one = |part: String| {
        let words = words(&part);
        let named = words
            .iter()
            .position(|word| word.depth == 0 && word.lower == "as");
        match named {
            Some(named) => (
                between(&part, &words, 0, named),
                Some(between(&part, &words, named + 1, words.len())),
            ),
            None => (part, None),
        }
    };
    parts(list).into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        match as_select(sql) {
            Ok(Some(select)) => assert_eq!(select.trim(), expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn declared_values_become_filters() {
        check(
            "PIVOT admissions ON race IN ('A', 'B, it''s') USING count(*) GROUP BY ward ORDER BY ward;",
            "select ward, count(*) filter (where race = 'A') as \"A\", \
             count(*) filter (where race = 'B, it''s') as \"B, it's\" \
             from admissions group by ward ORDER BY ward",
        );
        check(
            "pivot (select * from a) on year in (1, 2) using sum(x) as s, count(*) as n group by k, l",
            "select k, l, sum(x) filter (where year = 1) as \"1_s\", count(*) filter (where year = 1) as \"1_n\", \
             sum(x) filter (where year = 2) as \"2_s\", count(*) filter (where year = 2) as \"2_n\" \
             from (select * from a) group by k, l",
        );
    }

    #[test]
    fn values_that_the_data_would_declare_are_not_guessed() {
        for sql in [
            "pivot admissions on race using count(*) group by ward",
            "pivot admissions on race in ('A') using count(*)",
            "pivot admissions on race in (select 'A') using count(*) group by ward",
            "pivot",
        ] {
            assert!(as_select(sql).is_err(), "{sql}");
        }
        for sql in ["", "select 1", "pivoted"] {
            assert!(matches!(as_select(sql), Ok(None)), "{sql}");
        }
    }
}
