//! A code list beside a table of groups: it adds descriptions to keys, and nobody's data.

use disclosure::Role;
use serde_json::{Value, json};

use super::catalog::{IsKey, Table};
use super::inside::{Inside, Relation};
use super::node::{self, child, conjuncts, refuse_used, text};
use super::plan::{GROUPED, Item, Lookup, Whose};
use super::subquery::{Env, Reader};
use super::{Stop, untraceable};

/// Reads a join of a table of groups with a table that names nobody, on columns that are unique in it; `None` if
/// the right side is another.
pub(super) fn read(
    reader: &Reader<'_>,
    from: &Value,
    (main, right): (Inside, &Value),
    env: &Env,
) -> Result<Option<Inside>, Stop> {
    let plain = text(right, "type") == "BASE_TABLE"
        && matches!(text(right, "schema_name"), "" | "main")
        && !reader.is_named(text(right, "table_name"), env);
    let kind = text(from, "join_type");
    if !plain || !matches!(kind, "INNER" | "LEFT") || text(from, "ref_type") != "REGULAR" {
        return Ok(None);
    }
    refuse_used(
        right,
        &["sample", "at_clause", "column_name_alias"],
        "a table",
    )?;
    refuse_used(from, &["sample", "alias"], "a join")?;
    let table = reader.catalog.table(text(right, "table_name"))?;
    let is_unit = |column: &String| column.to_ascii_lowercase() == reader.catalog.unit;
    if table.columns.iter().any(is_unit) {
        return Ok(None);
    }
    let visible = match text(right, "alias") {
        "" => text(right, "table_name"),
        alias => alias,
    };
    let list = List {
        visible: visible.to_ascii_lowercase(),
        table,
    };
    let mut pairs = Vec::new();
    for name in node::list(from, "using_columns") {
        let reference = json!({"column_names": [name]});
        match (main.key(&reference), list.column(&reference)) {
            (Some(key), Some(column)) => pairs.push((key, column)),
            _ => return untraceable("using names a column that is no group key"),
        }
    }
    for conjunct in conjuncts(child(from, "condition")) {
        match list.equated(conjunct, &main) {
            Some(pair) => pairs.push(pair),
            None => {
                return untraceable(
                    "a join of a table of groups with a code list may only equate a key with a column of it",
                );
            }
        }
    }
    let columns: Vec<String> = pairs.iter().map(|(_, column)| column.clone()).collect();
    let is_unique =
        !columns.is_empty() && reader.catalog.is_key(&list.table, &columns)? == IsKey::Unique;
    if !is_unique {
        return untraceable(format!(
            "{} names nobody and the columns that join it are not unique in it",
            list.table.name
        ));
    }
    let name = format!("t{}", reader.catalog.next()?);
    let used = node::list(from, "using_columns")
        .iter()
        .filter_map(Value::as_str);
    let merged: Vec<String> = used.map(str::to_ascii_lowercase).collect();
    Ok(Some(list.beside(main, &pairs, kind, &name, merged)))
}

struct List {
    visible: String,
    table: Table,
}

impl List {
    fn column(&self, reference: &Value) -> Option<String> {
        let (table, name) = node::named(reference)?;
        let of_it = table.is_none_or(|table| table == self.visible);
        let mut columns = self.table.columns.iter().filter(|_| of_it);
        columns.find(|one| one.eq_ignore_ascii_case(&name)).cloned()
    }

    fn equated(&self, conjunct: &Value, main: &Inside) -> Option<(usize, String)> {
        let (one, other) = (conjunct.get("left")?, conjunct.get("right")?);
        let is_equal = text(conjunct, "type") == "COMPARE_EQUAL";
        let pair = |key: &Value, column: &Value| Some((main.key(key)?, self.column(column)?));
        pair(one, other)
            .or_else(|| pair(other, one))
            .filter(|_| is_equal)
    }

    fn beside(
        self,
        mut main: Inside,
        pairs: &[(usize, String)],
        kind: &str,
        name: &str,
        merged: Vec<String>,
    ) -> Inside {
        let own = |column: &String| node::column("l", column);
        let keys = pairs.iter().enumerate();
        let keys = keys.map(|(i, (_, column))| node::alias(own(column), &format!("k{i}")));
        let columns = self.table.columns.iter().enumerate();
        let columns = columns.map(|(i, column)| node::alias(own(column), &format!("i{i}")));
        let there = node::alias(node::number(1), "p");
        let from = node::table(&self.table.database, &self.table.name, "l");
        let select = node::select(
            keys.chain(columns).chain([there]).collect(),
            from,
            None,
            None,
            0,
        );
        let on = pairs.iter().enumerate().map(|(i, (key, _))| {
            let key = node::column(GROUPED, &format!("k{key}"));
            node::compare("COMPARE_EQUAL", key, node::column(name, &format!("k{i}")))
        });
        if kind == "INNER" {
            let found = node::present(node::column(name, "p"));
            let both = main.plan.matched.take().into_iter().chain([found]);
            main.plan.matched = node::all(both.collect());
        }
        main.plan.lookups.push(Lookup {
            name: name.to_owned(),
            select: Some(select),
            on: on.collect(),
            of: Whose::Nobody,
        });
        let columns = self.table.columns.iter().enumerate();
        let items = columns.map(|(i, column)| Item {
            name: column.clone(),
            role: Role::Label,
            value: node::column(name, &format!("i{i}")),
            aggregates: Vec::new(),
            across: false,
        });
        main.relations.push(Relation {
            name: self.visible,
            items: items.collect(),
        });
        main.merged.extend(merged);
        main
    }
}
