//! The part of SQL that Splink's comparison and blocking libraries write, read into expressions.
//!
//! What is not known is refused by its name; nothing is guessed.

use regex::bytes::RegexBuilder;

use super::expr::{Expr, Extract, Function, Layout, Order, Side};

/// Most bytes of one condition.
const CONDITION_MAX: usize = 20_000;
/// Deepest nesting of a condition.
const DEPTH_MAX: usize = 50;

/// A word of SQL.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    /// A name, in quotation marks or not.
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

/// Signs, longer ones first.
const SIGNS: [&str; 12] = [
    "<=", ">=", "<>", "!=", "(", ")", ",", "=", "<", ">", "-", ".",
];

fn words(text: &str) -> Result<Vec<Word>, String> {
    if text.len() > CONDITION_MAX {
        return Err(format!("a condition is longer than {CONDITION_MAX} bytes"));
    }
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if first == '"' || first == '\'' {
            let (text, after) = quoted(rest, first)?;
            let word = if first == '"' {
                Word::Name(text)
            } else {
                Word::Text(text)
            };
            (word, after)
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let number = number.parse().map_err(|_| format!("the number {number}"))?;
            (Word::Number(number), after)
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            (Word::Name(name.to_owned()), after)
        } else {
            let sign = SIGNS
                .into_iter()
                .find(|sign| rest.starts_with(sign))
                .ok_or_else(|| format!("the sign {first}"))?;
            (Word::Sign(sign), rest.split_at(sign.len()).1)
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// What stands between two marks, a mark written twice being one of the text; and what follows.
fn quoted(text: &str, mark: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text.strip_prefix(mark).unwrap_or(text);
    loop {
        let Some((before, after)) = rest.split_once(mark) else {
            return Err("a quotation mark that is not closed".into());
        };
        out.push_str(before);
        match after.strip_prefix(mark) {
            Some(after) => {
                out.push(mark);
                rest = after;
            }
            None => return Ok((out, after)),
        }
    }
}

/// Reads one condition. `columns` gets the names of columns that it did not have.
///
/// # Errors
/// What it does not know, in words that follow "it has".
pub(super) fn read(text: &str, columns: &mut Vec<String>) -> Result<Expr, String> {
    let words = words(text)?;
    let mut reader = Reader {
        words: &words,
        columns,
        depth: 0,
    };
    let read = reader.either()?;
    match reader.words.first() {
        None if is_condition(&read) => Ok(read),
        None => Err("a value that is not one that is true or false".into()),
        Some(word) => Err(shown(word)),
    }
}

/// True if it is true, false or unknown, and nothing else.
const fn is_condition(of: &Expr) -> bool {
    matches!(
        of,
        Expr::Bool(_)
            | Expr::Not(_)
            | Expr::And(_, _)
            | Expr::Or(_, _)
            | Expr::IsNull(_)
            | Expr::Compare(_, _, _)
    )
}

fn shown(word: &Word) -> String {
    match word {
        Word::Name(name) => format!("the word {name}"),
        Word::Text(_) => "a text out of place".into(),
        Word::Number(number) => format!("the number {number} out of place"),
        Word::Sign(sign) => format!("the sign {sign} out of place"),
    }
}

struct Reader<'a> {
    words: &'a [Word],
    columns: &'a mut Vec<String>,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first.clone())
    }

    /// Takes a key word if it comes next.
    fn key(&mut self, key: &str) -> bool {
        let next =
            matches!(self.words.first(), Some(Word::Name(name)) if name.eq_ignore_ascii_case(key));
        if next {
            self.take();
        }
        next
    }

    fn sign(&mut self, sign: &str) -> bool {
        let next = matches!(self.words.first(), Some(Word::Sign(found)) if *found == sign);
        if next {
            self.take();
        }
        next
    }

    fn want(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) {
            return Ok(());
        }
        Err(self
            .words
            .first()
            .map_or_else(|| format!("no {sign} where one is due"), shown))
    }

    fn either(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} levels of nesting"));
        }
        let mut left = self.both()?;
        while self.key("or") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut left = self.not()?;
        while self.key("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, String> {
        let mut turned = false;
        while self.key("not") {
            turned = !turned;
        }
        let of = self.compared()?;
        Ok(if turned { Expr::Not(Box::new(of)) } else { of })
    }

    fn compared(&mut self) -> Result<Expr, String> {
        let left = self.difference()?;
        if self.key("is") {
            let turned = self.key("not");
            if !self.key("null") {
                return Err("the word IS before something other than NULL".into());
            }
            let null = Expr::IsNull(Box::new(left));
            return Ok(if turned {
                Expr::Not(Box::new(null))
            } else {
                null
            });
        }
        let orders = [
            ("=", Order::Equal),
            ("<>", Order::Differs),
            ("!=", Order::Differs),
            ("<=", Order::LessOrEqual),
            (">=", Order::MoreOrEqual),
            ("<", Order::Less),
            (">", Order::More),
        ];
        for (sign, order) in orders {
            if self.sign(sign) {
                let right = self.difference()?;
                return Ok(Expr::Compare(order, Box::new(left), Box::new(right)));
            }
        }
        Ok(left)
    }

    fn difference(&mut self) -> Result<Expr, String> {
        let mut left = self.single()?;
        while self.sign("-") {
            left = Expr::Minus(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expr, String> {
        match self.take() {
            Some(Word::Number(number)) => Ok(Expr::Number(number)),
            Some(Word::Text(text)) => Ok(Expr::Text(text.into_bytes())),
            Some(Word::Sign("(")) => {
                let of = self.either()?;
                self.want(")")?;
                Ok(of)
            }
            Some(Word::Name(name)) => self.named(name),
            Some(word @ Word::Sign(_)) => Err(shown(&word)),
            None => Err("an end where something is due".into()),
        }
    }

    fn named(&mut self, name: String) -> Result<Expr, String> {
        if self.sign("(") {
            let mut of = Vec::new();
            while !self.sign(")") {
                if !of.is_empty() {
                    self.want(",")?;
                }
                of.push(self.either()?);
            }
            return function(&name, of);
        }
        if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") {
            return Ok(Expr::Bool(name.eq_ignore_ascii_case("true")));
        }
        if self.sign(".") {
            let side = match name.as_str() {
                "l" => Side::Left,
                "r" => Side::Right,
                _ => return Err(format!("the table {name}")),
            };
            return match self.take() {
                Some(Word::Name(column)) => Ok(self.column(&column, side)),
                Some(word) => Err(shown(&word)),
                None => Err("an end where a column is due".into()),
            };
        }
        if let Some(column) = name.strip_suffix("_l") {
            return Ok(self.column(column, Side::Left));
        }
        if let Some(column) = name.strip_suffix("_r") {
            return Ok(self.column(column, Side::Right));
        }
        Err(format!("the word {name}"))
    }

    fn column(&mut self, name: &str, side: Side) -> Expr {
        Expr::Column(place(self.columns, name), side)
    }
}

/// The place of a column among those of the model, a new one if need be.
pub(super) fn place(columns: &mut Vec<String>, name: &str) -> usize {
    columns
        .iter()
        .position(|known| known == name)
        .unwrap_or_else(|| {
            columns.push(name.to_owned());
            columns.len() - 1
        })
}

/// A call by DuckDB's name of the function.
fn function(name: &str, of: Vec<Expr>) -> Result<Expr, String> {
    let small = name.to_ascii_lowercase();
    let (function, fewest, most) = match small.as_str() {
        "regexp_extract" => return extract(of),
        "try_strptime" | "strptime" => return date(&small, of),
        "abs" => (Function::Abs, 1, 1),
        "epoch" => (Function::Epoch, 1, 1),
        "lower" | "lcase" => (Function::Lower, 1, 1),
        "upper" | "ucase" => (Function::Upper, 1, 1),
        "trim" => (Function::Trim, 1, 1),
        "length" | "len" => (Function::Length, 1, 1),
        "substr" | "substring" => (Function::Substring, 3, 3),
        "nullif" => (Function::NullIf, 2, 2),
        "coalesce" => (Function::Coalesce, 1, 16),
        "levenshtein" | "editdist3" => (Function::Levenshtein, 2, 2),
        "damerau_levenshtein" => (Function::DamerauLevenshtein, 2, 2),
        "jaro_similarity" => (Function::Jaro, 2, 2),
        "jaro_winkler_similarity" => (Function::JaroWinkler, 2, 2),
        "jaccard" => (Function::Jaccard, 2, 2),
        _ => return Err(format!("the function {name}")),
    };
    if !(fewest..=most).contains(&of.len()) {
        return Err(format!("the function {name} with {} arguments", of.len()));
    }
    let dated = matches!(of.first(), Some(Expr::Date(_, _)));
    if function == Function::Epoch && !dated {
        return Err("the function epoch of something other than a date that strptime reads".into());
    }
    Ok(Expr::Call(function, of))
}

fn extract(of: Vec<Expr>) -> Result<Expr, String> {
    let mut of = of.into_iter();
    let (Some(text), Some(Expr::Text(pattern)), group, None) =
        (of.next(), of.next(), of.next(), of.next())
    else {
        return Err(
            "the function regexp_extract with something other than a text, a pattern and a group"
                .into(),
        );
    };
    let group = match group {
        None => 0,
        Some(Expr::Number(group)) if (0.0..=9.0).contains(&group) => group as usize,
        Some(_) => {
            return Err(
                "the function regexp_extract with a group that is no number under 10".into(),
            );
        }
    };
    let pattern = String::from_utf8_lossy(&pattern).into_owned();
    // Bytes and ASCII classes, as DuckDB's RE2 has them.
    let pattern = RegexBuilder::new(&pattern)
        .unicode(false)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| format!("the pattern {pattern}"))?;
    Ok(Expr::Extract(Box::new(Extract {
        of: text,
        pattern,
        group,
    })))
}

fn date(name: &str, of: Vec<Expr>) -> Result<Expr, String> {
    let mut of = of.into_iter();
    let (Some(text), Some(Expr::Text(layout)), None) = (of.next(), of.next(), of.next()) else {
        return Err(format!(
            "the function {name} with something other than a text and a layout"
        ));
    };
    let layout = match layout.as_slice() {
        b"%Y-%m-%d" => Layout::YearMonthDay,
        b"%d/%m/%Y" => Layout::DayMonthYear,
        b"%Y%m%d" => Layout::Digits,
        other => {
            return Err(format!(
                "the date layout {}",
                String::from_utf8_lossy(other)
            ));
        }
    };
    Ok(Expr::Date(layout, Box::new(text)))
}
