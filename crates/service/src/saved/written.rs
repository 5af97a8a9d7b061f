//! Workspace tables written into the statements that name them.

use std::collections::BTreeSet;

use super::Saved;

/// Writes the saved statements that each statement of a text names, and those that they name, in front of it. Own ones
/// come first in `all` and win over shared ones of the same name.
pub(super) fn expand(sql: &str, all: &[Saved], bytes_max: usize) -> Result<String, String> {
    let statements: Result<Vec<String>, String> =
        statements(sql).map(|one| in_front_of(one, all)).collect();
    let whole = statements?.concat();
    if whole != sql && whole.len() > bytes_max {
        return Err(format!(
            "with the workspace tables that it names the statement is larger than {bytes_max} bytes (statement_bytes in policies/limits.toml)"
        ));
    }
    Ok(whole)
}

/// The statements of a text, each with the semicolon behind it.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    let ends = pieces(sql).filter_map(|((at, end), piece)| {
        let is_end = piece == Piece::Other && sql.get(at..end) == Some(";");
        is_end.then_some(end)
    });
    let mut start = 0;
    ends.chain([sql.len()])
        .filter_map(move |end| sql.get(std::mem::replace(&mut start, end)..end))
}

/// A statement with the saved ones that it names.
fn in_front_of(sql: &str, all: &[Saved]) -> Result<String, String> {
    let mut wanted = Vec::new();
    let mut open = Vec::new();
    visit(sql, all, &mut open, &mut wanted)?;
    if wanted.is_empty() {
        return Ok(sql.to_owned());
    }
    let (space, sql) = sql.split_at(sql.len() - sql.trim_start().len());
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
    Ok(format!("{space}{whole}"))
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
        '$' if let Some(tag) = dollars(rest) => (to(tag, tag.len()), Piece::Other),
        _ if rest.starts_with("e'") || rest.starts_with("E'") => (escaped(rest), Piece::Other),
        '\'' => (to("'", 1), Piece::Other),
        '"' => (to("\"", 1), Piece::Quoted),
        c if c.is_whitespace() => (run(&char::is_whitespace), Piece::Space),
        c if is_word(c) => (run(&is_word), Piece::Word),
        c => (c.len_utf8(), Piece::Other),
    }
}

/// The dollars that begin a quoted text, with the tag between them.
fn dollars(rest: &str) -> Option<&str> {
    let (tag, _) = rest.strip_prefix('$')?.split_once('$')?;
    let is_tag = |c: char| c.is_alphanumeric() || c == '_';
    (tag.chars().all(is_tag) && !tag.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| rest.get(..tag.len() + 2))?
}

/// How long a text is in which a backslash escapes what follows.
fn escaped(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(2).find(|(_, c)| {
        let ends = *c == '\'' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use governance::Timestamp;
    use store::Seen;

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
    fn each_statement_of_a_text_has_the_tables_that_it_names() {
        check(
            "select 1;\nselect * from old ;\n\nwith a as (select 2) from a, OLD;",
            &format!(
                "select 1;\nwith {OLD}\nselect * from old ;\n\nwith {OLD},\na as (select 2) from a, OLD;"
            ),
        );
        // A table of one statement's own hides nothing in the next.
        check(
            "with old as (select 1) from old; from old",
            &format!("with old as (select 1) from old; with {OLD}\nfrom old"),
        );
        // A semicolon in a text, a name or a comment ends nothing.
        for sql in [
            "select '; from old'",
            "select \"; from old\" from t",
            "select 1 -- ; from old",
            "select $a$ ; from old $$ ; from old $a$",
            "select e'it\\'s; from old', E'\\\\'",
            "select $1; select $2",
        ] {
            check(sql, sql);
        }
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
}
