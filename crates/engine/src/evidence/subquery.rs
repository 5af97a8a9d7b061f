//! Reading `from`, `with` and row-level subqueries.

use std::rc::Rc;

use serde_json::Value;

use super::catalog::Catalog;
use super::items::{items, qualified};
use super::node::{self, child, list, refuse_used, text};
use super::scope::{Column, Person, Relation, Scope, Source};
use super::{Stop, untraceable, written};

/// A `with` query and the ones it can see.
pub(super) struct Named {
    name: String,
    aliases: Vec<String>,
    query: Value,
    before: Env,
}

/// The `with` queries in sight, the nearest last.
pub(super) type Env = Vec<Rc<Named>>;

/// Reads statements against a catalog.
pub(super) struct Reader<'a> {
    pub(super) catalog: &'a Catalog<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(catalog: &'a Catalog<'a>) -> Self {
        Self { catalog }
    }

    /// Reads a whole statement as a listing of rows, to say whether each is one person's.
    pub(super) fn listing(&mut self, select: &Value) -> Result<(), Stop> {
        let mut plain = select.clone();
        if let Some(modifiers) = plain.get_mut("modifiers").and_then(Value::as_array_mut) {
            modifiers.retain(|modifier| text(modifier, "type") != "LIMIT_MODIFIER");
        }
        self.subquery(&plain, &Vec::new()).map(|_| ())
    }

    /// The `with` queries of a select, added to those in sight. A query sees only those
    /// before it: inside `with admissions as (select … from admissions)` the table is meant.
    pub(super) fn with(&self, select: &Value, env: &Env) -> Result<Env, Stop> {
        let mut env = env.clone();
        let Some(map) = child(select, "cte_map") else {
            return Ok(env);
        };
        for entry in list(map, "map") {
            let (Some(value), name) = (entry.get("value"), text(entry, "key")) else {
                return untraceable("a with clause is incomplete");
            };
            refuse_used(value, &["key_targets"], "with")?;
            let Some(query) = value.get("query").and_then(|query| query.get("node")) else {
                return untraceable("a with clause is incomplete");
            };
            let aliases = list(value, "aliases").iter().filter_map(Value::as_str);
            env.push(Rc::new(Named {
                name: name.to_ascii_lowercase(),
                aliases: aliases.map(str::to_ascii_lowercase).collect(),
                query: query.clone(),
                before: env.clone(),
            }));
        }
        Ok(env)
    }

    /// Reads a `from`. `condition` is the select's where clause: an inner join may equate
    /// its people there.
    pub(super) fn from(
        &mut self,
        from: &Value,
        condition: Option<&Value>,
        env: &Env,
    ) -> Result<Scope, Stop> {
        match text(from, "type") {
            "BASE_TABLE" => self.table(from, env),
            "SUBQUERY" => {
                refuse_used(from, &["sample"], "a subquery")?;
                let Some(inner) = from.get("subquery").and_then(|query| query.get("node")) else {
                    return untraceable("a subquery is incomplete");
                };
                let renamed: Vec<String> = list(from, "column_name_alias")
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_ascii_lowercase)
                    .collect();
                self.derived(inner, env, text(from, "alias"), &renamed)
            }
            "JOIN" => self.join(from, condition, env),
            "EMPTY" => untraceable("the statement reads no table"),
            "TABLE_FUNCTION" => untraceable("a table function cannot be traced"),
            "SHOW_REF" => untraceable("describe, show and summarize cannot be traced"),
            "EXPRESSION_LIST" => untraceable("a list of values cannot be traced"),
            "PIVOT" => untraceable("pivot cannot be traced; write one filtered count a column"),
            other => untraceable(format!(
                "{} in from cannot be traced",
                other.to_ascii_lowercase()
            )),
        }
    }

    /// The query behind one subquery or one `with` name in a `from`, what it sees, and its name.
    pub(super) fn query_of(&self, from: &Value, env: &Env) -> Option<(Value, Env, String)> {
        let alias = text(from, "alias").to_ascii_lowercase();
        if !list(from, "column_name_alias").is_empty() || !node::unused(from, "sample") {
            return None;
        }
        match text(from, "type") {
            "SUBQUERY" => {
                let inner = from.get("subquery")?.get("node")?;
                Some((inner.clone(), env.clone(), alias))
            }
            "BASE_TABLE" if text(from, "schema_name").is_empty() => {
                let name = text(from, "table_name").to_ascii_lowercase();
                let named = env.iter().rev().find(|named| named.name == name)?;
                let alias = if alias.is_empty() { name } else { alias };
                let plain = named.aliases.is_empty();
                plain.then(|| (named.query.clone(), named.before.clone(), alias))
            }
            _ => None,
        }
    }

    /// Whether a name is that of a `with` query.
    pub(super) fn is_named(&self, name: &str, env: &Env) -> bool {
        env.iter()
            .any(|named| named.name.eq_ignore_ascii_case(name))
    }

    /// Whether a query can be read as rows of one person each.
    pub(super) fn is_per_person(&mut self, select: &Value, env: &Env) -> bool {
        let mark = self.catalog.mark();
        let is_one = self.subquery(select, env).is_ok();
        self.catalog.reset(mark);
        is_one
    }

    fn table(&mut self, from: &Value, env: &Env) -> Result<Scope, Stop> {
        refuse_used(
            from,
            &["sample", "at_clause", "column_name_alias", "catalog_name"],
            "a table",
        )?;
        let name = text(from, "table_name");
        let schema = text(from, "schema_name").to_ascii_lowercase();
        let alias = text(from, "alias");
        let visible = if alias.is_empty() { name } else { alias };
        let lower = name.to_ascii_lowercase();
        if schema.is_empty()
            && let Some(named) = env.iter().rev().find(|named| named.name == lower)
        {
            let named = Rc::clone(named);
            return self.derived(&named.query, &named.before, visible, &named.aliases);
        }
        if !matches!(schema.as_str(), "" | "main") {
            return untraceable(format!("the schema {schema} cannot be traced"));
        }
        let table = self.catalog.table(name)?;
        let alias = format!("t{}", self.catalog.next()?);
        let units: Vec<String> = table
            .columns
            .iter()
            .filter(|column| column.to_ascii_lowercase() == self.catalog.unit)
            .cloned()
            .collect();
        Ok(Scope {
            from: node::table(&table.database, &table.name, &alias),
            unit: units.first().map(|unit| node::column(&alias, unit)),
            relations: vec![Relation {
                visible: visible.to_ascii_lowercase(),
                columns: table
                    .columns
                    .iter()
                    .map(|out| Column {
                        name: out.to_ascii_lowercase(),
                        out: out.clone(),
                        of_the_data: true,
                    })
                    .collect(),
                alias,
                units,
                source: Source::Table(table),
                person: Person::Same,
            }],
            merged: Vec::new(),
            two_people: Vec::new(),
        })
    }

    fn derived(
        &mut self,
        inner: &Value,
        env: &Env,
        visible: &str,
        renamed: &[String],
    ) -> Result<Scope, Stop> {
        if let Some(list) = written::list_of(inner) {
            let alias = format!("t{}", self.catalog.next()?);
            return written::read(list, (&alias, visible), renamed);
        }
        let mut relation = self.subquery(inner, env)?;
        let alias = format!("t{}", self.catalog.next()?);
        if renamed.len() > relation.columns.len() {
            return untraceable("more column names are given than there are columns");
        }
        for (column, name) in relation.columns.iter_mut().zip(renamed) {
            column.name.clone_from(name);
        }
        Ok(Scope {
            from: node::derived(relation.select, &alias),
            unit: Some(node::column(&alias, "u")),
            relations: vec![Relation {
                visible: visible.to_ascii_lowercase(),
                columns: relation.columns,
                alias,
                units: relation.units,
                source: Source::Query,
                person: Person::Same,
            }],
            merged: Vec::new(),
            two_people: Vec::new(),
        })
    }

    /// Reads a row-level select: each of its rows is one person's.
    pub(super) fn subquery(&mut self, select: &Value, env: &Env) -> Result<Rows, Stop> {
        match text(select, "type") {
            "SELECT_NODE" => {}
            "SET_OPERATION_NODE" => return self.stacked(select, env),
            _ => return untraceable("recursion cannot be traced"),
        }
        if super::group::is_grouped(select) {
            if !list(select, "modifiers")
                .iter()
                .all(|one| text(one, "type") == "ORDER_MODIFIER")
            {
                return untraceable("a limit inside a subquery picks rows that cannot be traced");
            }
            return self.per_person(select, env);
        }
        refuse_used(
            select,
            &["sample", "having", "group_expressions"],
            "a subquery",
        )?;
        let env = self.with(select, env)?;
        let Some(from) = child(select, "from_table") else {
            return untraceable("the statement reads no table");
        };
        let condition = child(select, "where_clause");
        let scope = self.from(from, condition, &env)?;
        if !scope.two_people.is_empty() {
            return untraceable(
                "a join inside a subquery does not equate the people of its two sides",
            );
        }
        let Some(unit) = scope.unit.clone() else {
            return untraceable(format!(
                "no table in from has the column {}",
                self.catalog.unit
            ));
        };
        let kept = condition
            .map(|c| self.condition(c, &scope, &env))
            .transpose()?;
        let (columns, values) = items(select, &scope, &unit)?;
        let modifiers = self.distinct(select, &scope, &unit, &values)?;
        let qualify = child(select, "qualify")
            .map(|c| qualified(c, &scope, &unit, &columns, &values))
            .transpose()?;
        let mut rows = Rows::of(columns, values, &unit, scope.from, kept, qualify);
        node::set(&mut rows.select, "modifiers", Value::Array(modifiers));
        Ok(rows)
    }
}

/// A row-level select, read.
pub(super) struct Rows {
    pub(super) select: Value,
    pub(super) columns: Vec<Column>,
    pub(super) units: Vec<String>,
}

impl Rows {
    /// A select of these columns with the person beside them as `u`.
    pub(super) fn of(
        columns: Vec<Column>,
        values: Vec<Value>,
        unit: &Value,
        from: Value,
        kept: Option<Value>,
        qualify: Option<Value>,
    ) -> Self {
        let of_unit = columns
            .iter()
            .zip(&values)
            .filter(|(_, value)| *value == unit);
        let units = of_unit
            .map(|(column, _)| column.out.clone())
            .chain(["u".to_owned()])
            .collect();
        let mut list: Vec<Value> = columns
            .iter()
            .zip(values)
            .map(|(column, value)| node::alias(value, &column.out))
            .collect();
        list.push(node::alias(unit.clone(), "u"));
        Self {
            select: node::select(list, from, kept, qualify, 0),
            columns,
            units,
        }
    }
}
