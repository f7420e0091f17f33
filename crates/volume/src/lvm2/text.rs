//! LVM's configuration language: `name = value` and `name { … }`. \[LVM2\] `lvm.conf(5)` describes
//! it: numbers, strings, lists, sections, comments.

/// Deeper than any metadata: group, volumes, volume, segment.
const MAX_DEPTH: u32 = 8;
/// A thousand volumes have a quarter of it.
const MAX_NODES: usize = 100_000;

/// The value of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'t> {
    Number(i64),
    /// As written, escapes and all.
    Text(&'t str),
    List(Vec<Value<'t>>),
    Section(Section<'t>),
}

impl Value<'_> {
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Text(_) | Self::List(_) | Self::Section(_) => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Section(_) => None,
        }
    }
}

/// Names with their values, in the order of the text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Section<'t>(pub(super) Vec<(&'t str, Value<'t>)>);

impl<'t> Section<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&Value<'t>> {
        let found = self.0.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.number()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    pub(super) fn list(&self, name: &str) -> &[Value<'t>] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            Some(Value::Number(_) | Value::Text(_) | Value::Section(_)) | None => &[],
        }
    }

    /// The sections inside the section `name`.
    pub(super) fn sections(&self, name: &str) -> Vec<(&'t str, &Section<'t>)> {
        match self.get(name) {
            Some(Value::Section(section)) => section.all(),
            Some(Value::Number(_) | Value::Text(_) | Value::List(_)) | None => Vec::new(),
        }
    }

    /// The sections inside this one.
    pub(super) fn all(&self) -> Vec<(&'t str, &Section<'t>)> {
        let sections = self.0.iter().filter_map(|(name, value)| match value {
            Value::Section(section) => Some((*name, section)),
            Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        });
        sections.collect()
    }
}

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Section<'_>, &'static str> {
    let mut reader = Reader {
        rest: text,
        nodes: 0,
    };
    let section = reader.section(0)?;
    if reader.rest.is_empty() {
        Ok(section)
    } else {
        Err("a section ends that did not start")
    }
}

struct Reader<'t> {
    rest: &'t str,
    nodes: usize,
}

impl<'t> Reader<'t> {
    /// Names and values up to a closing brace or the end.
    fn section(&mut self, depth: u32) -> Result<Section<'t>, &'static str> {
        if depth > MAX_DEPTH {
            return Err("sections lie too deep in each other");
        }
        let mut section = Section::default();
        loop {
            self.skip();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Ok(section);
            }
            let name = self.word()?;
            self.skip();
            let value = if self.take('{') {
                let inner = self.section(depth.saturating_add(1))?;
                if !self.take('}') {
                    return Err("a section does not end");
                }
                Value::Section(inner)
            } else if self.take('=') {
                self.skip();
                self.value()?
            } else {
                return Err("a name has neither value nor section");
            };
            self.count()?;
            section.0.push((name, value));
        }
    }

    fn value(&mut self) -> Result<Value<'t>, &'static str> {
        if !self.take('[') {
            return self.item();
        }
        let mut items = Vec::new();
        loop {
            self.skip();
            if self.take(']') {
                return Ok(Value::List(items));
            }
            items.push(self.item()?);
            self.count()?;
            self.skip();
            // The last comma may be missing, and be there too.
            if !self.take(',') && !self.rest.starts_with(']') {
                return Err("a list does not end");
            }
        }
    }

    /// A number or a string.
    fn item(&mut self) -> Result<Value<'t>, &'static str> {
        if self.take('"') {
            return self.string();
        }
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '.'));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        // Of a fraction (none is in metadata that matters) the whole part is kept.
        let whole = number.split('.').next().unwrap_or_default();
        let number = whole.parse().map_err(|_| "a value is no number")?;
        Ok(Value::Number(number))
    }

    /// Up to the next quotation mark that is not escaped.
    fn string(&mut self) -> Result<Value<'t>, &'static str> {
        let mut escaped = false;
        for (at, letter) in self.rest.char_indices() {
            match letter {
                '"' if !escaped => {
                    let (text, rest) = self.rest.split_at(at);
                    self.rest = rest.strip_prefix('"').unwrap_or_default();
                    return Ok(Value::Text(text));
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        Err("a string does not end")
    }

    fn word(&mut self) -> Result<&'t str, &'static str> {
        let is_part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() {
            return Err("a name is missing");
        }
        Ok(word)
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('#') else {
                return;
            };
            self.rest = comment
                .find('\n')
                .map_or("", |end| comment.get(end..).unwrap_or_default());
        }
    }

    fn take(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn count(&mut self) -> Result<(), &'static str> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err("there is more of it than we read");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_lists_and_comments() {
        let text = "# c }\nvg-0 {\n id = \"a\\\"b}\" # x\n n = -3\n f = 1.5\n l = [\"p\", 7]\n e = []\n s { }\n}\n";
        let all = parse(text).unwrap();
        let (name, section) = all.all()[0];
        assert_eq!(name, "vg-0");
        assert_eq!(section.text("id"), Some("a\\\"b}"));
        assert_eq!(section.get("n"), Some(&Value::Number(-3)));
        assert_eq!((section.number("n"), section.number("f")), (None, Some(1)));
        assert_eq!(section.list("l"), [Value::Text("p"), Value::Number(7)]);
        assert_eq!(section.list("e"), []);
        assert_eq!(section.sections("s"), []);
    }

    #[test]
    fn text_that_breaks_a_rule_is_refused() {
        let check = |text: &str, rule: &str| assert_eq!(parse(text), Err(rule), "{text}");
        check("a {", "a section does not end");
        check("}", "a section ends that did not start");
        check("a = \"x", "a string does not end");
        check("a = [1 2]", "a list does not end");
        check("a = x", "a value is no number");
        check("a", "a name has neither value nor section");
        check("= 1", "a name is missing");
        check(&"a {".repeat(20), "sections lie too deep in each other");
        check(&"a=1 ".repeat(100_001), "there is more of it than we read");
    }
}
