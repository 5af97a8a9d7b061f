//! Row-level subqueries whose rows stay one person's each although they aggregate, merge or stack rows: grouped
//! by the person, distinct with the person, unions.

use serde_json::{Value, json};

use super::expr::{self, no_order, own_name};
use super::group;
use super::items::{Unfolded, row};
use super::keys;
use super::measure;
use super::node::{self, child, list, refuse_used, text, unused};
use super::scope::{Column, Scope};
use super::subquery::{Env, Reader, Rows};
use super::{Stop, untraceable};

/// Aggregates that show single rows, and may of one person's.
const OF_ONE_PERSON: [&str; 10] = [
    "any_value",
    "arbitrary",
    "arg_max",
    "arg_min",
    "max_by",
    "min_by",
    "bool_and",
    "bool_or",
    "product",
    "string_agg",
];

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OF_ONE_PERSON.into_iter()
}

impl Reader<'_> {
    /// Reads a select that groups by the person: each of its rows is one person's.
    pub(super) fn per_person(&mut self, select: &Value, env: &Env) -> Result<Rows, Stop> {
        refuse_used(select, &["sample", "qualify"], "a subquery")?;
        let env = self.with(select, env)?;
        let Some(from) = child(select, "from_table") else {
            return untraceable("the statement reads no table");
        };
        let condition = child(select, "where_clause");
        let scope = self.from(from, condition, &env)?;
        let Some(unit) = scope.unit.clone().filter(|_| scope.two_people.is_empty()) else {
            return untraceable("a subquery aggregates rows that are nobody's own");
        };
        let kept = condition
            .map(|c| self.condition(c, &scope, &env))
            .transpose()?;
        let items = list(select, "select_list");
        let (keys, sets) = keys::keys(select, items, &scope)?;
        if sets.len() != 1 || !keys.contains(&unit) {
            return untraceable(
                "a subquery aggregates rows of several people, so its rows are no longer one person's each",
            );
        }
        if keys.iter().any(|key| text(key, "class") == "CONSTANT") {
            return untraceable("a subquery groups by a constant");
        }
        let (mut columns, mut values): (Vec<Column>, Vec<Value>) = (Vec::new(), Vec::new());
        let mut unfolded = Unfolded::default();
        for item in items {
            let outputs = outputs(&columns, &values);
            let value = of_person(item, &scope, &keys, &outputs, &mut unfolded)?;
            let alias = text(item, "alias");
            let name = match alias.is_empty() && text(item, "class") == "COLUMN_REF" {
                true => list(item, "column_names")
                    .last()
                    .and_then(Value::as_str)
                    .unwrap_or(""),
                false => alias,
            };
            columns.push(Column {
                name: name.to_ascii_lowercase(),
                out: format!("c{}", columns.len()),
                of_the_data: scope.is_of_the_data(&value),
            });
            values.push(value);
        }
        let outputs = outputs(&columns, &values);
        let having = child(select, "having")
            .map(|condition| of_person(condition, &scope, &keys, &outputs, &mut unfolded))
            .transpose()?;
        let mut rows = Rows::of(columns, values, &unit, scope.from, kept, None);
        node::set(
            &mut rows.select,
            "group_expressions",
            Value::Array(keys.clone()),
        );
        let set: Vec<usize> = (0..keys.len()).collect();
        node::set(&mut rows.select, "group_sets", json!([set]));
        node::set(&mut rows.select, "having", having.unwrap_or(Value::Null));
        Ok(rows)
    }

    /// Reads `union`, `except` and `intersect` of row-level selects.
    pub(super) fn stacked(&mut self, select: &Value, env: &Env) -> Result<Rows, Stop> {
        let env = self.with(select, env)?;
        if list(select, "modifiers")
            .iter()
            .any(|one| text(one, "type") != "ORDER_MODIFIER")
        {
            return untraceable("a limit inside a subquery picks rows that cannot be traced");
        }
        let all = select.get("setop_all") == Some(&Value::Bool(true));
        let kind = text(select, "setop_type");
        if !matches!(kind, "UNION" | "EXCEPT" | "INTERSECT") {
            return untraceable("union by name cannot be traced");
        }
        let (Some(left), Some(right)) = (child(select, "left"), child(select, "right")) else {
            return untraceable("a union is incomplete");
        };
        let (left, right) = (self.subquery(left, &env)?, self.subquery(right, &env)?);
        if left.columns.len() != right.columns.len() {
            return untraceable("the selects of a union have different numbers of columns");
        }
        let mut units = left.units;
        units.retain(|unit| right.units.contains(unit));
        let compares = !(all && kind == "UNION");
        if compares && !units.iter().any(|unit| unit != "u") {
            return untraceable(format!(
                "{} merges rows of several people; select the person too",
                kind.to_ascii_lowercase()
            ));
        }
        let columns = left.columns.into_iter().zip(right.columns);
        let columns = columns.map(|(one, other)| Column {
            of_the_data: one.of_the_data && other.of_the_data,
            ..one
        });
        Ok(Rows {
            select: json!({"type": "SET_OPERATION_NODE", "modifiers": [], "cte_map": {"map": []},
                "setop_type": kind, "left": left.select, "right": right.select, "setop_all": all}),
            columns: columns.collect(),
            units,
        })
    }

    /// The modifiers of a row-level select that may stay: `distinct` with the person, and `distinct on` the
    /// person, which picks one of their rows.
    pub(super) fn distinct(
        &self,
        select: &Value,
        scope: &Scope,
        unit: &Value,
        values: &[Value],
    ) -> Result<Vec<Value>, Stop> {
        let mut kept = Vec::new();
        for modifier in list(select, "modifiers") {
            match text(modifier, "type") {
                // Without a limit the order of rows changes nothing.
                "ORDER_MODIFIER" => {}
                "DISTINCT_MODIFIER" => {
                    let targets = list(modifier, "distinct_on_targets");
                    let targets: Vec<Value> = targets
                        .iter()
                        .map(|one| row(one, scope))
                        .collect::<Result<_, _>>()?;
                    let tells = if targets.is_empty() { values } else { &targets };
                    if !tells.contains(unit) {
                        return untraceable("distinct merges rows of several people");
                    }
                    kept.push(json!({"type": "DISTINCT_MODIFIER", "distinct_on_targets": targets}));
                    if !targets.is_empty() {
                        kept.extend(orders(select, scope)?);
                    }
                }
                _ => {
                    return untraceable(
                        "a limit inside a subquery picks rows that cannot be traced",
                    );
                }
            }
        }
        Ok(kept)
    }

    /// Copies a condition whose conjuncts may be `in` and `exists` with a subquery.
    pub(super) fn condition(
        &mut self,
        condition: &Value,
        scope: &Scope,
        env: &Env,
    ) -> Result<Value, Stop> {
        let mut all = Vec::new();
        for conjunct in node::conjuncts(Some(condition)) {
            all.push(self.conjunct(conjunct, scope, env)?);
        }
        match node::all(all) {
            Some(condition) => Ok(condition),
            None => untraceable("a condition is incomplete"),
        }
    }

    fn conjunct(&mut self, node: &Value, scope: &Scope, env: &Env) -> Result<Value, Stop> {
        let negated = text(node, "type") == "OPERATOR_NOT";
        let inner = match (negated, list(node, "children")) {
            (true, [inner]) => inner,
            _ => node,
        };
        if text(inner, "class") != "SUBQUERY" {
            return super::items::condition_of(node, scope);
        }
        let Some(select) = inner.get("subquery").and_then(|query| query.get("node")) else {
            return untraceable("a subquery is incomplete");
        };
        let made = match text(inner, "subquery_type") {
            "ANY" if text(inner, "comparison_type") == "COMPARE_EQUAL" => {
                self.is_in(inner, select, scope, env)?
            }
            "EXISTS" => self.exists(select, scope, env)?,
            _ => return untraceable("a subquery inside an expression cannot be traced"),
        };
        Ok(match negated {
            true => node::operator("OPERATOR_NOT", vec![made]),
            false => made,
        })
    }

    /// `x in (select …)`: of a list that names nobody, or the person among their own rows.
    fn is_in(
        &mut self,
        node: &Value,
        select: &Value,
        scope: &Scope,
        env: &Env,
    ) -> Result<Value, Stop> {
        let Some(tested) = child(node, "child") else {
            return untraceable("in is incomplete");
        };
        let tested = row(tested, scope)?;
        let list = match self.code_list(select, env)? {
            Some(list) => list,
            None => {
                let rows = self.subquery(select, env)?;
                let is_person =
                    rows.columns.len() == 1 && rows.units.iter().any(|unit| unit == "c0");
                if scope.unit.as_ref() != Some(&tested) || !is_person {
                    return untraceable(
                        "a subquery inside an expression looks at other people's rows; compare the person with it",
                    );
                }
                let alias = format!("t{}", self.catalog.next()?);
                let list = vec![node::column(&alias, "c0")];
                node::select(list, node::derived(rows.select, &alias), None, None, 0)
            }
        };
        Ok(subquery("ANY", list, Some(tested), "COMPARE_EQUAL"))
    }

    /// A select of one column of a table that names nobody; `None` if it is another.
    fn code_list(&mut self, select: &Value, env: &Env) -> Result<Option<Value>, Stop> {
        let Some(from) = child(select, "from_table") else {
            return Ok(None);
        };
        let plain = text(select, "type") == "SELECT_NODE"
            && text(from, "type") == "BASE_TABLE"
            && !group::is_grouped(select)
            && child(select, "cte_map").is_none_or(|with| list(with, "map").is_empty());
        if !plain {
            return Ok(None);
        }
        let scope = self.from(from, None, env)?;
        if scope.unit.is_some() {
            return Ok(None);
        }
        refuse_used(select, &["sample", "qualify"], "a subquery")?;
        if list(select, "modifiers")
            .iter()
            .any(|one| text(one, "type") == "LIMIT_MODIFIER")
        {
            return untraceable("a limit inside a subquery picks rows that cannot be traced");
        }
        let [item] = list(select, "select_list") else {
            return untraceable("in compares one column");
        };
        let kept = child(select, "where_clause")
            .map(|condition| super::items::condition_of(condition, &scope))
            .transpose()?;
        let item = row(item, &scope)?;
        Ok(Some(node::select(vec![item], scope.from, kept, None, 0)))
    }

    /// `exists (select … where inner person = outer person and …)`.
    fn exists(&mut self, select: &Value, outer: &Scope, env: &Env) -> Result<Value, Stop> {
        if text(select, "type") != "SELECT_NODE" || group::is_grouped(select) {
            return untraceable("exists of a statement that aggregates cannot be traced");
        }
        refuse_used(select, &["sample", "qualify"], "a subquery")?;
        let env = self.with(select, env)?;
        let Some(from) = child(select, "from_table") else {
            return untraceable("the statement reads no table");
        };
        let inner = self.from(from, None, &env)?;
        let (mut same, mut kept) = (false, Vec::new());
        for conjunct in node::conjuncts(child(select, "where_clause")) {
            // A bare name that both sides know is the inner one's, as in the engine.
            let copied = expr::copy(conjunct, &mut |part| match text(part, "class") {
                "COLUMN_REF" => match inner.resolve_person(part) {
                    Ok(found) => Ok(Some(found)),
                    Err(super::scope::Unknown::Absent(_)) => outer
                        .resolve_person(part)
                        .map(Some)
                        .map_err(super::scope::Unknown::stop),
                    Err(unknown) => Err(unknown.stop()),
                },
                _ => Ok(None),
            })?;
            let (left, right) = (copied.get("left"), copied.get("right"));
            let (one, other) = (inner.unit.as_ref(), outer.unit.as_ref());
            same |= text(&copied, "type") == "COMPARE_EQUAL"
                && one.is_some()
                && other.is_some()
                && ((left == one && right == other) || (left == other && right == one));
            kept.push(copied);
        }
        if !same || !inner.two_people.is_empty() {
            return untraceable(
                "exists does not equate the person inside with the person outside, so it looks at other people's rows",
            );
        }
        let select = node::select(vec![node::number(1)], inner.from, node::all(kept), None, 0);
        Ok(subquery("EXISTS", select, None, "INVALID"))
    }
}

/// The order of a select, over its rows.
fn orders(select: &Value, scope: &Scope) -> Result<Vec<Value>, Stop> {
    let mut kept = Vec::new();
    for modifier in list(select, "modifiers") {
        if text(modifier, "type") != "ORDER_MODIFIER" {
            continue;
        }
        let mut orders = Vec::new();
        for order in list(modifier, "orders") {
            let Some(expression) = order.get("expression") else {
                return untraceable("the order is incomplete");
            };
            orders.push(
                json!({"type": order.get("type"), "null_order": order.get("null_order"),
                "expression": row(expression, scope)?}),
            );
        }
        kept.push(json!({"type": "ORDER_MODIFIER", "orders": orders}));
    }
    Ok(kept)
}

fn subquery(kind: &str, select: Value, tested: Option<Value>, comparison: &str) -> Value {
    json!({"class": "SUBQUERY", "type": "SUBQUERY", "alias": "", "subquery_type": kind,
        "subquery": {"node": select, "named_param_map": []}, "child": tested,
        "comparison_type": comparison})
}

/// What the names of columns stand for.
fn outputs<'a>(columns: &'a [Column], values: &'a [Value]) -> Vec<(&'a str, &'a Value)> {
    let names = columns.iter().map(|column| column.name.as_str());
    names.zip(values).collect()
}

/// Copies an expression over one person's group: keys, and aggregates of their own rows. `outputs` are names that may
/// be used besides columns.
fn of_person(
    expression: &Value,
    scope: &Scope,
    keys: &[Value],
    outputs: &[(&str, &Value)],
    unfolded: &mut Unfolded,
) -> Result<Value, Stop> {
    expr::copy(expression, &mut |part| {
        if let Ok(over_row) = row(part, scope)
            && keys.contains(&over_row)
        {
            return Ok(Some(over_row));
        }
        if text(part, "class") == "FUNCTION" {
            let name = text(part, "function_name").to_ascii_lowercase();
            if measure::names().chain(names()).any(|known| known == name) {
                return aggregate(part, scope).map(Some);
            }
        }
        if text(part, "class") == "COLUMN_REF" {
            let names = list(part, "column_names");
            let name = names
                .last()
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_ascii_lowercase();
            let mut named = outputs.iter().filter(|(output, _)| *output == name);
            return match (named.next(), named.next(), row(part, scope)) {
                (Some((_, value)), None, Err(_)) => unfolded.use_again(value).map(Some),
                (_, _, Ok(_)) => untraceable(format!("{name} is neither grouped nor aggregated")),
                (_, _, Err(stop)) => Err(stop),
            };
        }
        Ok(None)
    })
}

/// An aggregate of one person's rows.
fn aggregate(part: &Value, scope: &Scope) -> Result<Value, Stop> {
    let name = own_name(part)?;
    no_order(part, &name)?;
    refuse_used(part, &["export_state"], &name)?;
    let filter = child(part, "filter")
        .map(|filter| row(filter, scope))
        .transpose()?;
    let arguments = list(part, "children").iter().map(|one| row(one, scope));
    let call = node::call(&name, arguments.collect::<Result<_, _>>()?, filter);
    Ok(match unused(part, "distinct") {
        true => call,
        false => node::distinct(call),
    })
}
