//! Rows of people on a locked desktop: shown once, kept nowhere.

use protocol::report::StatementResult;

use super::workspace_report::Table;

/// What a statement gave.
pub(super) struct Rows {
    /// Names and values.
    pub(super) table: Table,
    /// Whether there were more than are shown.
    pub(super) truncated: bool,
}

impl Rows {
    /// The rows, or in a sentence for the statement's author why there are none. The engine's own words may hold a
    /// value of a row, so they go to this screen and nowhere else.
    pub(super) fn of(result: StatementResult) -> Result<Self, String> {
        match result {
            StatementResult {
                result: Some(rows),
                error: None,
                killed: None,
                ..
            } => Ok(Self {
                table: Table::plain(rows.columns, rows.rows),
                truncated: rows.truncated,
            }),
            StatementResult {
                error: Some(words), ..
            } => Err(words),
            StatementResult {
                killed: Some(limit),
                ..
            } => Err(format!(
                "The statement met the limit {} of policies/sandbox/sql.toml: {}",
                limit.name(),
                limit.remedy()
            )),
            StatementResult {
                result: None,
                error: None,
                killed: None,
                ..
            } => Err("The statement gave nothing.".into()),
        }
    }

    /// How many there are, in words.
    pub(super) fn count(&self) -> String {
        match (self.table.lines().len(), self.truncated) {
            (1, false) => "1 row.".into(),
            (n, false) => format!("{n} rows."),
            (n, true) => {
                format!("The first {n} rows; there are more (rows in policies/sandbox/sql.toml).")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::limits::Limit;
    use protocol::report::Rows as Sent;
    use serde_json::json;

    use super::*;

    fn sent() -> StatementResult {
        StatementResult {
            statement: 0,
            result: None,
            error: None,
            killed: None,
            ms: 1,
        }
    }

    fn rows(n: usize, truncated: bool) -> StatementResult {
        StatementResult {
            result: Some(Sent {
                columns: vec!["ward".into()],
                types: vec!["VARCHAR".into()],
                rows: vec![vec![json!("A1")]; n],
                truncated,
            }),
            ..sent()
        }
    }

    #[test]
    fn the_screen_says_how_many_rows_it_shows() {
        for (n, truncated, says) in [
            (0, false, "0 rows."),
            (1, false, "1 row."),
            (2, false, "2 rows."),
            (
                2,
                true,
                "The first 2 rows; there are more (rows in policies/sandbox/sql.toml).",
            ),
        ] {
            assert_eq!(Rows::of(rows(n, truncated)).ok().unwrap().count(), says);
        }
    }

    #[test]
    fn a_statement_that_gave_no_rows_says_why() {
        let error = StatementResult {
            error: Some("Binder Error: no such column".into()),
            ..sent()
        };
        let killed = StatementResult {
            killed: Some(Limit::TimeS),
            ..sent()
        };
        // Never both: then the rows are not shown.
        let both = StatementResult {
            error: Some("Binder Error: no such column".into()),
            ..rows(1, false)
        };
        let why = |result| Rows::of(result).err().unwrap();
        assert_eq!(why(error), "Binder Error: no such column");
        assert_eq!(why(both), "Binder Error: no such column");
        assert!(why(killed).starts_with("The statement met the limit time_s"));
        assert_eq!(why(sent()), "The statement gave nothing.");
    }
}
