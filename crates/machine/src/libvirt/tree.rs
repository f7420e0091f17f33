//! Taking an element apart, putting one together, writing it down.
//!
//! The reader takes out of the tree what it understands; what is left is what nobody understood.

use crate::xml::Element;

impl Element {
    /// An element without anything in it.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: String::new(),
            attributes: Vec::new(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// The same with an attribute more.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// The same with these characters.
    pub(super) fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with an element more in it.
    pub(super) fn holding(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Adds an element to it.
    pub(super) fn push(&mut self, child: Self) {
        self.children.push(child);
    }

    /// Takes an attribute out of it.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.attributes.iter().position(|(own, _)| own == name)?;
        Some(self.attributes.remove(index).1)
    }

    /// Takes an attribute out of it if it has this value.
    pub(super) fn take_if(&mut self, name: &str, value: &str) -> bool {
        let found = self.attribute(name) == Some(value);
        if found {
            self.take(name);
        }
        found
    }

    /// Takes the first element of a name out of it.
    pub(super) fn take_child(&mut self, name: &str) -> Option<Self> {
        let index = self.children.iter().position(|own| own.name == name)?;
        Some(self.children.remove(index))
    }

    /// Takes all elements of a name out of it.
    pub(super) fn take_children(&mut self, name: &str) -> Vec<Self> {
        let (taken, left) = std::mem::take(&mut self.children)
            .into_iter()
            .partition(|own| own.name == name);
        self.children = left;
        taken
    }

    /// Takes the characters of the first element of a name; what is left of it stays.
    pub(super) fn take_text(&mut self, name: &str) -> Option<String> {
        self.edit(name, |own| std::mem::take(&mut own.text))
            .filter(|text| !text.is_empty())
    }

    /// Takes an attribute of the first element of a name; what is left of it stays.
    pub(super) fn take_of(&mut self, name: &str, attribute: &str) -> Option<String> {
        self.edit(name, |own| own.take(attribute)).flatten()
    }

    /// Changes the first element of a name, and lets it go once nothing is left of it.
    pub(super) fn edit<T>(&mut self, name: &str, change: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let index = self.children.iter().position(|own| own.name == name)?;
        let own = self.children.get_mut(index)?;
        let result = change(own);
        if own.is_spent() {
            self.children.remove(index);
        }
        Some(result)
    }

    /// Whether nothing is left of it.
    pub(super) fn is_spent(&self) -> bool {
        self.attributes.is_empty() && self.children.is_empty() && self.text.is_empty()
    }

    /// Adds what another element has and this one has not. Elements go into that of their name
    /// where this one had it before, and beside it otherwise.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, value) in other.attributes {
            if self.attribute(&name).is_none() {
                self.attributes.push((name, value));
            }
        }
        if self.text.is_empty() {
            self.text = other.text;
        }
        let mut open: Vec<usize> = (0..self.children.len()).collect();
        for child in other.children {
            let place = open.iter().position(|&index| {
                let own = self.children.get(index);
                own.is_some_and(|own| own.name == child.name)
            });
            match place {
                Some(place) => {
                    let index = open.remove(place);
                    if let Some(own) = self.children.get_mut(index) {
                        own.merge(child);
                    }
                }
                None => self.children.push(child),
            }
        }
    }

    /// The element as it is kept: in an order that does not hang on who wrote it. Elements of one
    /// name stay in theirs.
    pub(super) fn kept(mut self) -> String {
        self.sort();
        self.write()
    }

    fn sort(&mut self) {
        self.attributes.sort();
        self.children.sort_by(|a, b| a.name.cmp(&b.name));
        for child in &mut self.children {
            child.sort();
        }
    }

    /// The element in lines of its own, indented.
    pub(super) fn write(&self) -> String {
        let mut text = String::new();
        self.write_into(&mut text, 0, "");
        text
    }

    fn write_into(&self, out: &mut String, depth: usize, outer: &str) {
        let margin = "  ".repeat(depth);
        out.push_str(&margin);
        out.push('<');
        out.push_str(&self.name);
        if self.namespace != outer {
            attribute_into(out, "xmlns", &self.namespace);
        }
        for (name, value) in &self.attributes {
            attribute_into(out, name, value);
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push('>');
        escape_into(out, &self.text);
        if !self.children.is_empty() {
            out.push('\n');
            for child in &self.children {
                child.write_into(out, depth.saturating_add(1), &self.namespace);
            }
            out.push_str(&margin);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push_str(">\n");
    }
}

fn attribute_into(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    escape_into(out, value);
    out.push('\'');
}

/// Escapes what means something in XML, in text and in attributes alike.
fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::xml::parse;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = "<a x='1 &lt; 2' y='&quot;&apos;'>\n  <b>t &amp; t</b>\n  <c xmlns='urn:q'>\n    \
                    <d/>\n  </c>\n</a>\n";
        let element = parse(text.as_bytes()).unwrap();
        assert_eq!(element.write(), text);
    }

    #[test]
    fn merging_fills_in_and_never_overwrites() {
        let mut own = parse(b"<disk><driver type='raw'/><target dev='vda'/></disk>").unwrap();
        let left = parse(
            b"<disk snapshot='no'><driver type='qcow2' cache='none'/><host n='1'/><host n='2'/></disk>",
        );
        own.merge(left.unwrap());
        let expected = parse(
            b"<disk snapshot='no'><driver type='raw' cache='none'/><target dev='vda'/><host n='1'/><host n='2'/></disk>",
        );
        assert_eq!(own, expected.unwrap());
    }

    #[test]
    fn what_is_taken_out_is_gone() {
        let mut own = parse(b"<a x='1'><b y='2'/><c/></a>").unwrap();
        assert_eq!(own.take("x").as_deref(), Some("1"));
        assert_eq!(own.take_of("b", "y").as_deref(), Some("2"));
        assert!(own.child("b").is_none());
        assert!(own.take_child("c").is_some());
        assert!(own.is_spent());
    }
}
