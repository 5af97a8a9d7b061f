//! Statements that are kept under a name, what was run before, and workspace tables: a saved statement is a table
//! that other statements of the workspace select from.
//!
//! A workspace table is no copy of rows. It goes into the statement that names it as a common table expression,
//! so that what is checked, counted and entered in the log is the whole statement down to the extract.

use std::collections::BTreeSet;

use governance::job::{Job, Task};
use governance::{Action, By, JobId, PersonId, Sha256, Timestamp, WorkspaceId};
use serde::Serialize;
use store::{EventFilter, Order, SAVED_MAX, Saved, Seen};

use crate::error::ServiceError;
use crate::jobs::state_told;
use crate::views::Named;
use crate::{Caller, Service};

/// Longest name of a saved statement, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// Statements that are shown of those run before.
const HISTORY: usize = 20;
/// Events that are looked through for them.
const HISTORY_EVENTS: u32 = 400;

/// A saved statement as those may see it who work in its workspace.
#[derive(Debug, Clone, Serialize)]
pub struct SavedView {
    /// Its name: a table that other statements select from.
    pub name: String,
    /// Who saved it.
    pub author: Named,
    /// Whether it is the caller's own.
    pub own: bool,
    /// Whether everybody in the workspace sees it.
    pub shared: bool,
    /// The statement.
    pub sql: String,
    /// When it was saved last.
    pub at: Timestamp,
}

/// A statement that was run before.
#[derive(Debug, Clone, Serialize)]
pub struct Before {
    /// The job that ran it.
    pub job: JobId,
    /// When it was asked for.
    pub at: Timestamp,
    /// `queued`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// `pass`, `treat`, `review` or `fail`, once it is done.
    pub verdict: Option<String>,
    /// The statement as it was run, with the workspace tables that it named; none if its text was erased.
    pub sql: Option<String>,
}

impl Service {
    /// Keeps a statement under a name, in place of the caller's one of that name.
    ///
    /// # Errors
    /// If the caller may not query the workspace, the name is no plain one or the name of a table of the extract,
    /// or there are too many.
    pub async fn save_query(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        name: &str,
        sql: &str,
        shared: bool,
    ) -> Result<(), ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        self.statement(sql)?;
        if !is_plain(name) {
            return Err(ServiceError::BadInput(format!(
                "a name begins with a letter and has lower-case letters, digits and '_', at most {NAME_BYTES_MAX}"
            )));
        }
        let tables = self.workspace(caller, workspace).await?.tables;
        if tables.iter().any(|t| t.name.eq_ignore_ascii_case(name)) {
            return Err(ServiceError::BadInput(
                "a table of the extract has this name already".into(),
            ));
        }
        let saved = Saved {
            person: caller.id().clone(),
            name: name.to_owned(),
            seen: if shared { Seen::ByAll } else { Seen::ByAuthor },
            sql: sql.to_owned(),
            at: self.now()?,
        };
        match self.store.save_query(workspace, saved).await {
            Err(store::StoreError::TooMuch { .. }) => Err(ServiceError::BadInput(format!(
                "there are {SAVED_MAX} saved statements already; remove one first"
            ))),
            other => Ok(other?),
        }
    }

    /// Removes a saved statement of the caller's own.
    ///
    /// # Errors
    /// If the caller may not query the workspace, or there is none of that name.
    pub async fn forget_query(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        name: &str,
    ) -> Result<(), ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        match self
            .store
            .forget_query(workspace, caller.id(), name)
            .await?
        {
            true => Ok(()),
            false => Err(ServiceError::NotFound("saved statement")),
        }
    }

    /// The caller's saved statements in a workspace, then what others share.
    ///
    /// # Errors
    /// If the caller may not query the workspace.
    pub async fn saved_queries(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<SavedView>, ServiceError> {
        self.enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let all = self.store.saved_queries(workspace, caller.id()).await?;
        let people: BTreeSet<PersonId> = all.iter().map(|saved| saved.person.clone()).collect();
        let names = self.names(caller, people).await?;
        let view = |saved: Saved| SavedView {
            own: saved.person == *caller.id(),
            author: Named::of(&names, &saved.person),
            shared: saved.seen == Seen::ByAll,
            name: saved.name,
            sql: saved.sql,
            at: saved.at,
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// What the caller ran in a workspace, newest first.
    ///
    /// # Errors
    /// If the caller may not query the workspace.
    pub async fn history(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<Before>, ServiceError> {
        let (place, ..) = self
            .enter(caller, workspace, Action::RunQuery, "workspace")
            .await?;
        let filter = EventFilter {
            project: Some(&place.core().project),
            actions: &[Action::QueueJob],
            order: Order::NewestFirst,
            limit: HISTORY_EVENTS,
            ..EventFilter::default()
        };
        let mine = By::Person(caller.id().clone());
        let mut before = Vec::new();
        for told in self.store.events(filter).await? {
            if told.by != mine || before.len() == HISTORY {
                continue;
            }
            let job = self.load::<Job>(&told.object).await?.value;
            let Task::Query {
                workspace: its,
                statement,
                ..
            } = &job.core().task
            else {
                continue;
            };
            if its == workspace {
                let sql = self.text_of(statement).await?;
                before.push(Before {
                    job: job.core().id.clone(),
                    at: told.at,
                    state: state_told(&job),
                    verdict: job.outcome().and_then(|outcome| outcome.verdict.clone()),
                    sql,
                });
            }
        }
        Ok(before)
    }

    async fn text_of(&self, sha256: &Sha256) -> Result<Option<String>, ServiceError> {
        let bytes = self.store.document(sha256).await?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// A statement with the workspace tables that it names written into it.
    pub(crate) async fn with_tables(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
    ) -> Result<String, ServiceError> {
        let all = self.store.saved_queries(workspace, caller.id()).await?;
        expand(sql, &all, self.policies.limits.statement_bytes).map_err(ServiceError::BadInput)
    }
}

/// Whether a name is one that needs no quotes in SQL.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// Writes the saved statements that a statement names, and those that they name, in front of it. Own ones come
/// first in `all` and win over shared ones of the same name.
fn expand(sql: &str, all: &[Saved], bytes_max: usize) -> Result<String, String> {
    let mut wanted = Vec::new();
    let mut open = Vec::new();
    visit(sql, all, &mut open, &mut wanted)?;
    if wanted.is_empty() {
        return Ok(sql.to_owned());
    }
    let tables: Vec<String> = wanted
        .iter()
        .map(|saved| format!("{} as (\n{}\n)", saved.name, bare(&saved.sql)))
        .collect();
    let tables = tables.join(",\n");
    let rest = after_word(sql, "with");
    let whole = match rest {
        Some(rest) => match after_word(rest, "recursive") {
            Some(rest) => format!("with recursive {tables},\n{}", rest.trim_start()),
            None => format!("with {tables},\n{}", rest.trim_start()),
        },
        None => format!("with {tables}\n{sql}"),
    };
    if whole.len() > bytes_max {
        return Err(format!(
            "with the workspace tables that it names the statement is larger than {bytes_max} bytes (statement_bytes in policies/limits.toml)"
        ));
    }
    Ok(whole)
}

/// Adds what a text names, deepest first.
fn visit<'a>(
    sql: &str,
    all: &'a [Saved],
    open: &mut Vec<&'a str>,
    wanted: &mut Vec<&'a Saved>,
) -> Result<(), String> {
    let own = declared(sql);
    for word in words(sql).filter(|word| !own.contains(word)) {
        let Some(saved) = all.iter().find(|saved| saved.name == word) else {
            continue;
        };
        if open.contains(&saved.name.as_str()) {
            return Err(format!(
                "the workspace table {} selects from itself",
                saved.name
            ));
        }
        if wanted.iter().any(|known| known.name == saved.name) {
            continue;
        }
        open.push(&saved.name);
        visit(&saved.sql, all, open, wanted)?;
        open.pop();
        wanted.push(saved);
    }
    Ok(())
}

/// A statement without white space and semicolons at its end.
fn bare(sql: &str) -> &str {
    sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';')
}

/// What follows a first word, past comments.
fn after_word<'a>(sql: &'a str, word: &str) -> Option<&'a str> {
    let start = pieces(sql).find(|(_, piece)| *piece != Piece::Space)?;
    let ((at, end), Piece::Word) = start else {
        return None;
    };
    let found = sql.get(at..end)?;
    found.eq_ignore_ascii_case(word).then(|| sql.get(end..))?
}

/// The words of a text outside of literals and comments, in lower case, with those in double quotes.
fn words(sql: &str) -> impl Iterator<Item = String> {
    pieces(sql).filter_map(|((at, end), piece)| match piece {
        Piece::Word => Some(sql.get(at..end)?.to_ascii_lowercase()),
        Piece::Quoted => Some(sql.get(at + 1..end.saturating_sub(1))?.to_ascii_lowercase()),
        Piece::Space | Piece::Other => None,
    })
}

/// Names that a text gives to tables of its own, as in `with NAME [(COLUMNS)] as [[not] materialized] (`: they
/// hide workspace tables of the same name.
fn declared(sql: &str) -> BTreeSet<String> {
    let tokens: Vec<(&str, Piece)> = pieces(sql)
        .filter(|(_, piece)| *piece != Piece::Space)
        .filter_map(|((at, end), piece)| Some((sql.get(at..end)?, piece)))
        .collect();
    let is = |token: Option<&(&str, Piece)>, word: &str| {
        token.is_some_and(|(text, _)| text.eq_ignore_ascii_case(word))
    };
    let mut names = BTreeSet::new();
    for (at, _) in tokens.iter().enumerate() {
        let mut after = tokens.iter().skip(at + 1).peekable();
        if !is(tokens.get(at), "as") {
            continue;
        }
        for word in ["not", "materialized"] {
            after.next_if(|token| is(Some(token), word));
        }
        if !is(after.next(), "(") {
            continue;
        }
        let mut before = tokens.iter().take(at).rev().peekable();
        if before.next_if(|token| token.0 == ")").is_some() {
            // Its columns hold no brackets.
            while before.next_if(|token| token.0 != "(").is_some() {}
            before.next();
        }
        if let Some((text, Piece::Word | Piece::Quoted)) = before.next() {
            names.insert(text.trim_matches('"').to_ascii_lowercase());
        }
    }
    names
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// White space or a comment.
    Space,
    Word,
    /// A name in double quotes.
    Quoted,
    /// Text in single quotes or between dollars, and signs.
    Other,
}

/// A text in pieces, with where each begins and ends. The engine reads it for itself: a piece that is taken
/// wrongly can only add a table that is not used, or miss one, which the engine then does not find.
fn pieces(sql: &str) -> impl Iterator<Item = ((usize, usize), Piece)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = sql.get(at..).filter(|rest| !rest.is_empty())?;
        let (length, piece) = piece(rest);
        let place = (at, at + length);
        at += length;
        Some((place, piece))
    })
}

fn piece(rest: &str) -> (usize, Piece) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let run = |is: &dyn Fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
    let to = |mark: &str, from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(mark)
            .map_or(rest.len(), |found| from + found + mark.len())
    };
    match rest.chars().next().unwrap_or(' ') {
        _ if rest.starts_with("--") => (to("\n", 2), Piece::Space),
        _ if rest.starts_with("/*") => (to("*/", 2), Piece::Space),
        _ if rest.starts_with("$$") => (to("$$", 2), Piece::Other),
        '\'' => (to("'", 1), Piece::Other),
        '"' => (to("\"", 1), Piece::Quoted),
        c if c.is_whitespace() => (run(&char::is_whitespace), Piece::Space),
        c if is_word(c) => (run(&is_word), Piece::Word),
        c => (c.len_utf8(), Piece::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(name: &str, sql: &str) -> Saved {
        Saved {
            person: "per_a".parse().unwrap(),
            name: name.into(),
            seen: Seen::ByAuthor,
            sql: sql.into(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn check(sql: &str, want: &str) {
        let all = [
            saved("old", "select person from people where age > 60;\n"),
            saved(
                "stays",
                "select * from old join visits using (person) -- all",
            ),
            saved("old", "shared by somebody else"),
        ];
        assert_eq!(expand(sql, &all, 1000).unwrap(), want);
    }

    const OLD: &str = "old as (\nselect person from people where age > 60\n)";

    #[test]
    fn a_statement_that_names_no_table_is_as_it_was() {
        for sql in [
            "select 1",
            "select 'old' from t -- stays\n",
            "select /* old */ older, $$ stays $$ from t",
            "select 'it''s old'",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn a_table_of_the_statements_own_hides_the_one_of_the_workspace() {
        for sql in [
            "with old as (select 1) select * from old",
            "WITH OLD AS MATERIALIZED (select 1) from old",
            "with a as (select 2), \"old\"(x, y) as not materialized (select 1, 2) from a, old",
        ] {
            check(sql, sql);
        }
        check(
            "with a(old) as (select 1) from a, old",
            &format!("with {OLD},\na(old) as (select 1) from a, old"),
        );
    }

    #[test]
    fn a_table_is_written_in_front_with_what_it_names_itself() {
        check(
            "select * from old",
            &format!("with {OLD}\nselect * from old"),
        );
        check("from \"old\"", &format!("with {OLD}\nfrom \"old\""));
        check(
            "-- how many\nWITH a AS (select 1) select * from a, OLD",
            &format!("with {OLD},\na AS (select 1) select * from a, OLD"),
        );
        check(
            "with recursive a as (select 1) from a, old",
            &format!("with recursive {OLD},\na as (select 1) from a, old"),
        );
        check(
            "select * from stays",
            &format!(
                "with {OLD},\nstays as (\nselect * from old join visits using (person) -- all\n)\nselect * from stays"
            ),
        );
    }

    #[test]
    fn a_table_that_selects_from_itself_or_grows_too_large_is_refused() {
        let loops = [
            saved("a", "from b"),
            saved("b", "from c"),
            saved("c", "from a"),
        ];
        let error = expand("from a", &loops, 1000).unwrap_err();
        assert!(error.contains("selects from itself"), "{error}");
        let long = [saved("a", &" ".repeat(990))];
        assert!(expand("from a", &long, 1000).is_ok(), "its end is cut");
        let long = [saved("a", &"x".repeat(990))];
        assert!(
            expand("from a", &long, 1000)
                .unwrap_err()
                .contains("statement_bytes")
        );
    }

    #[test]
    fn names_are_plain() {
        for (name, plain) in [
            ("over_60", true),
            ("a", true),
            ("", false),
            ("1a", false),
            ("_a", false),
            ("A", false),
            ("a b", false),
            ("a\"b", false),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(is_plain(name), plain, "{name}");
        }
    }
}
