//! YAML as a tree with lines, bounded: [`MAX_NODES`] nodes, [`MAX_DEPTH`] levels, aliases included.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, Span, StrInput};

use crate::facts::{Evidence, Setting};

/// More than any configuration has.
const MAX_NODES: usize = 8192;
/// Deeper than any configuration is nested.
const MAX_DEPTH: usize = 32;
/// A longer text is not parsed.
const MAX_BYTES: usize = 256 * 1024;

/// A node of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    path: Arc<str>,
    line: u32,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Any scalar, as text; an absent one is empty.
    Scalar(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in order.
    Map(Vec<(String, Node)>),
}

/// Why a text has no tree.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum YamlError {
    /// It is no YAML.
    #[error("line {line} is no YAML")]
    Syntax { line: u32 },
    /// It is larger or deeper than what is read.
    #[error("it is larger than what is read")]
    TooLarge,
}

impl Node {
    /// Where it is written.
    pub(crate) fn at(&self) -> Evidence {
        Evidence::line(&*self.path, self.line)
    }

    /// A member of a mapping.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .find_map(|(own, node)| (own == name).then_some(node))
    }

    /// The members of a mapping.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let all = match &self.value {
            Value::Map(all) => all.as_slice(),
            Value::Scalar(_) | Value::List(_) => &[],
        };
        all.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// The items of a sequence.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(all) => all,
            Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The text of a member.
    pub(crate) fn member_text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::text)
    }

    /// A scalar as a setting of this name.
    pub(crate) fn setting(&self, name: &str) -> Option<Setting> {
        Some(Setting::new(name, self.text()?, self.at()))
    }

    /// The scalars of a sequence, or the one scalar that it is, as settings of this name.
    pub(crate) fn settings(&self, name: &str) -> Vec<Setting> {
        let own = self.setting(name).into_iter();
        own.chain(self.items().iter().filter_map(|item| item.setting(name)))
            .collect()
    }

    /// Lays a later file over this one: mappings are joined, sequences appended, scalars replaced.
    pub(crate) fn merge(&mut self, later: Self) {
        match (&mut self.value, later.value) {
            (Value::Map(own), Value::Map(new)) => {
                for (name, node) in new {
                    match own.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => known.merge(node),
                        None => own.push((name, node)),
                    }
                }
            }
            (Value::List(own), Value::List(new)) => own.extend(new),
            (own, new) => {
                *own = new;
                self.path = later.path;
                self.line = later.line;
            }
        }
    }
}

/// The tree of the first document; `None` if there is none.
pub(crate) fn parse(path: &str, text: &str) -> Result<Option<Node>, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError::TooLarge);
    }
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        path: path.into(),
        left: MAX_NODES,
        anchors: BTreeMap::new(),
    };
    loop {
        match builder.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => (),
            (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(None),
            (event, line) => return builder.node(event, line, MAX_DEPTH).map(Some),
        }
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    path: Arc<str>,
    left: usize,
    anchors: BTreeMap<usize, Node>,
}

fn line(span: &Span) -> u32 {
    u32::try_from(span.start.line()).unwrap_or(u32::MAX)
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, u32), YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, line(&span))),
            Some(Err(error)) => Err(YamlError::Syntax {
                line: u32::try_from(error.marker().line()).unwrap_or(u32::MAX),
            }),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: u32, depth: usize) -> Result<Node, YamlError> {
        let depth = depth.checked_sub(1).ok_or(YamlError::TooLarge)?;
        self.spend(1)?;
        let (value, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (Value::Scalar(text.into_owned()), anchor),
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(YamlError::Syntax { line }),
        };
        let node = Node {
            value,
            path: Arc::clone(&self.path),
            line,
        };
        // 0: no anchor.
        if anchor != 0 {
            self.spend(size(&node))?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut all = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(all)),
                (event, line) => all.push(self.node(event, line, depth)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut all = Vec::new();
        loop {
            let (name, line) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(all)),
                (event, line) => (self.node(event, line, depth)?, line),
            };
            let (event, at) = self.next()?;
            let mut node = self.node(event, at, depth)?;
            // What stands in a mapping is found by the line of its name.
            node.line = line;
            if let Value::Scalar(name) = name.value {
                all.push((name, node));
            }
        }
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<Node, YamlError> {
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or(YamlError::Syntax { line })?;
        self.spend(size(&node))?;
        Ok(node)
    }

    fn spend(&mut self, nodes: usize) -> Result<(), YamlError> {
        self.left = self.left.checked_sub(nodes).ok_or(YamlError::TooLarge)?;
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::Scalar(text) => text.len() / 64,
        Value::List(all) => all.iter().map(size).sum(),
        Value::Map(all) => all.iter().map(|(_, node)| size(node)).sum(),
    };
    inner.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_with_lines() {
        let text = "# c\na:\n  b: [1, two]\n  c: &x {d: yes}\ne: *x\nf:\n- g\n";
        let tree = parse("/y", text).unwrap().unwrap();
        let b = tree.get("a").unwrap().get("b").unwrap();
        let said: Vec<_> = b.settings("b").into_iter().map(|own| own.value).collect();
        assert_eq!(said, ["1", "two"]);
        assert_eq!(b.at(), Evidence::line("/y", 3));
        assert_eq!(tree.get("e").unwrap().member_text("d"), Some("yes"));
        assert_eq!(
            tree.get("f").unwrap().items()[0].at(),
            Evidence::line("/y", 7)
        );
        assert!(parse("/y", "").unwrap().is_none());
        assert!(parse("/y", "# only\n").unwrap().is_none());
    }

    #[test]
    fn a_later_file_lays_itself_over() {
        let mut tree = parse("/1", "a: {b: 1, c: [1]}").unwrap().unwrap();
        tree.merge(parse("/2", "a: {b: 2, c: [2], d: 3}").unwrap().unwrap());
        let a = tree.get("a").unwrap();
        assert_eq!(a.member_text("b"), Some("2"));
        assert_eq!(a.get("b").unwrap().at(), Evidence::line("/2", 1));
        assert_eq!(a.get("c").unwrap().items().len(), 2);
        assert_eq!(a.member_text("d"), Some("3"));
    }

    #[test]
    fn what_grows_without_bound_is_refused() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, before) in ('b'..='i').zip('a'..) {
            let aliases = vec![format!("*{before}"); 8].join(",");
            bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
        }
        assert_eq!(parse("/y", &bomb).unwrap_err(), YamlError::TooLarge);
        let deep = "[".repeat(100);
        assert!(parse("/y", &deep).is_err());
        let deep = (0..60).map(|depth| format!("{}a:\n", " ".repeat(depth)));
        let deep: String = deep.collect();
        assert_eq!(parse("/y", &deep).unwrap_err(), YamlError::TooLarge);
        assert_eq!(
            parse("/y", "a: b\nc: [\n").unwrap_err(),
            YamlError::Syntax { line: 3 }
        );
    }
}
