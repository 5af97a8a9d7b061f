//! As much JSON reading as two small reports need.

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// `null`, `true`, `false`: nothing here asks which.
    Word,
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// Not JSON, or nested too deeply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

const DEPTH_MAX: u32 = 64;

impl Json {
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let mut reader = Reader {
            rest: text.trim_start(),
        };
        let value = reader.value(0)?;
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(Malformed)
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(key),
            Self::Word | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Word | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Word | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Word | Self::Number(_) | Self::Text(_) | Self::Object(_) => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Takes `token` and the white space after it.
    fn take(&mut self, token: &str) -> Result<(), Malformed> {
        let rest = self.rest.strip_prefix(token).ok_or(Malformed)?;
        self.rest = rest.trim_start();
        Ok(())
    }

    fn value(&mut self, depth: u32) -> Result<Json, Malformed> {
        if depth > DEPTH_MAX {
            return Err(Malformed);
        }
        match self.rest.chars().next().ok_or(Malformed)? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            '"' => self.text().map(Json::Text),
            '-' | '0'..='9' => self.number(),
            _ => ["null", "true", "false"]
                .iter()
                .find(|word| self.take(word).is_ok())
                .map(|_| Json::Word)
                .ok_or(Malformed),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Json, Malformed> {
        let mut fields = BTreeMap::new();
        self.take("{")?;
        if self.take("}").is_ok() {
            return Ok(Json::Object(fields));
        }
        loop {
            let key = self.text()?;
            self.take(":")?;
            fields.insert(key, self.value(depth + 1)?);
            if self.take(",").is_err() {
                self.take("}")?;
                return Ok(Json::Object(fields));
            }
        }
    }

    fn list(&mut self, depth: u32) -> Result<Json, Malformed> {
        let mut items = Vec::new();
        self.take("[")?;
        if self.take("]").is_ok() {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(",").is_err() {
                self.take("]")?;
                return Ok(Json::List(items));
            }
        }
    }

    fn number(&mut self) -> Result<Json, Malformed> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        let number = number.parse().map_err(|_| Malformed)?;
        self.rest = rest.trim_start();
        Ok(Json::Number(number))
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"').ok_or(Malformed)?.chars();
        loop {
            match chars.next().ok_or(Malformed)? {
                '"' => break,
                '\\' => text.push(match chars.next().ok_or(Malformed)? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    same @ ('"' | '\\' | '/') => same,
                    'u' => {
                        let code: String = chars.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&code, 16).map_err(|_| Malformed)?;
                        // Half of a pair: no path or name that we read has one.
                        char::from_u32(code).ok_or(Malformed)?
                    }
                    _ => return Err(Malformed),
                }),
                plain => text.push(plain),
            }
        }
        self.rest = chars.as_str().trim_start();
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_read() {
        let json =
            Json::parse(r#" {"a": [1, -2.5e1, "x\"\u0041\n"], "b": {}, "c": [], "d": null} "#);
        let json = json.unwrap();
        let list = json.get("a").unwrap().items().unwrap();
        assert_eq!(list[0].number(), Some(1.0));
        assert_eq!(list[1].number(), Some(-25.0));
        assert_eq!(list[2].text(), Some("x\"A\n"));
        assert_eq!(json.get("d"), Some(&Json::Word));
        assert_eq!(json.get("e"), None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "1 2",
            "nul",
            "\"a",
            "\"\\x\"",
            &deep,
        ] {
            let short: String = text.chars().take(10).collect();
            assert_eq!(Json::parse(text), Err(Malformed), "{short}");
        }
    }
}
