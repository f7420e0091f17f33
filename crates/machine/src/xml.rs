//! XML as a tree of bounded size: what OVF envelopes and configurations of old Hyper-V are read from.
//!
//! Names are compared without their prefix: writers differ in prefixes, and none of the documents
//! that are read here means two things by one local name in one place. Document types are refused,
//! so no entity is expanded but the five that XML itself has.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::encoding::{NotText, decode};

/// A longer document is no description of a machine.
const MAX_BYTES: usize = 16 << 20;
/// Elements within elements.
const MAX_DEPTH: usize = 64;
/// Elements and attributes in all.
const MAX_NODES: usize = 200_000;

/// Why bytes are no XML that is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is longer than any description of a machine.
    #[error("{len} bytes are too many for a description of a machine")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// The bytes are no characters in the encoding that they begin like.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// It is not well-formed.
    #[error("not well-formed at byte {offset}: {what}")]
    Malformed {
        /// Where, in the text as UTF-8.
        offset: u64,
        /// What the parser says.
        what: String,
    },
    /// It declares a document type, through which documents can grow without bound.
    #[error("the document declares a document type")]
    Doctype,
    /// It names an entity that XML itself does not have.
    #[error("the entity `{name}` is not known")]
    Entity {
        /// Its name.
        name: String,
    },
    /// Elements are nested too deeply.
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// There are too many elements.
    #[error("there are more than {MAX_NODES} elements and attributes")]
    TooMany,
    /// There is no element, or more than one.
    #[error("there must be one element that holds all others")]
    NoRoot,
}

/// An element and all that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name without a prefix.
    pub(crate) name: String,
    /// The namespace of its name; empty without one.
    pub(crate) namespace: String,
    /// Names without prefixes, and values; declarations of namespaces are not among them.
    pub(crate) attributes: Vec<(String, String)>,
    /// The characters that are directly in it, without white space around them.
    pub(crate) text: String,
    /// Elements in it, in their order.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first element of a name in it.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements of a name in it.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element that names lead to, one within the other.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// The text of an element that names lead to, if it has any.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Self::text)
    }

    /// The value of an attribute, by its name without a prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Its characters, if it has any.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// Reads a document; UTF-8, and UTF-16 with a byte order mark.
///
/// # Errors
/// [`XmlError`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    if bytes.len() > MAX_BYTES {
        return Err(XmlError::TooLong { len: bytes.len() });
    }
    let text = decode(bytes)?;
    Tree::default().read(&text)
}

/// A document that is being read.
#[derive(Default)]
struct Tree {
    /// Elements that are open, the outermost first.
    open: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
}

impl Tree {
    fn read(mut self, text: &str) -> Result<Element, XmlError> {
        let mut reader = NsReader::from_str(text);
        loop {
            let offset = reader.buffer_position();
            let malformed = |what: String| XmlError::Malformed { offset, what };
            let (namespace, event) = reader
                .read_resolved_event()
                .map_err(|error| malformed(error.to_string()))?;
            match event {
                Event::Start(start) => self.open(&start, &namespace, offset)?,
                Event::Empty(start) => {
                    self.open(&start, &namespace, offset)?;
                    self.close()?;
                }
                Event::End(_) => self.close()?,
                Event::Text(text) => self.say(&text.xml10_content(), offset)?,
                Event::CData(data) => self.say(&data.xml10_content(), offset)?,
                Event::GeneralRef(name) => {
                    let character = entity(&name.xml10_content())?;
                    self.say(character.encode_utf8(&mut [0; 4]), offset)?;
                }
                Event::DocType(_) => return Err(XmlError::Doctype),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            Some(_) | None => Err(XmlError::NoRoot),
        }
    }

    fn open(
        &mut self,
        start: &BytesStart<'_>,
        namespace: &ResolveResult<'_>,
        offset: u64,
    ) -> Result<(), XmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(XmlError::NoRoot);
        }
        self.count()?;
        let mut element = Element {
            name: start.local_name().as_ref().to_owned(),
            namespace: match namespace {
                ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
                ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
            },
            attributes: Vec::new(),
            text: String::new(),
            children: Vec::new(),
        };
        for attribute in start.attributes() {
            self.count()?;
            let malformed = |what: String| XmlError::Malformed { offset, what };
            let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| malformed(error.to_string()))?;
            let name = attribute.key.local_name().as_ref().to_owned();
            element.attributes.push((name, value.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn count(&mut self) -> Result<(), XmlError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(XmlError::TooMany);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let mut element = self.open.pop().ok_or(XmlError::NoRoot)?;
        element.text = element.text.trim().to_owned();
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn say(&mut self, text: &str, offset: u64) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => {
                return Err(XmlError::Malformed {
                    offset,
                    what: "characters outside of the element that holds all others".to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The character that a reference stands for.
fn entity(name: &str) -> Result<char, XmlError> {
    let unknown = || XmlError::Entity {
        name: name.to_owned(),
    };
    let number = name.strip_prefix('#');
    match (name, number) {
        ("lt", _) => Ok('<'),
        ("gt", _) => Ok('>'),
        ("amp", _) => Ok('&'),
        ("apos", _) => Ok('\''),
        ("quot", _) => Ok('"'),
        (_, Some(number)) => {
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            let character = code.ok().and_then(char::from_u32);
            character.filter(|&c| c != '\0').ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expect: Result<&str, XmlError>) {
        let text = parse(bytes).map(|root| root.text_at(&["b"]).unwrap_or_default().to_owned());
        assert_eq!(text, expect.map(str::to_owned));
    }

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let text = format!("\u{feff}{text}");
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn text_is_the_same_in_every_encoding() {
        let text = "<a xmlns='urn:x'><p:b xmlns:p='urn:y'> caf\u{e9} &lt;&#x26;&#33; </p:b></a>";
        check(text.as_bytes(), Ok("caf\u{e9} <&!"));
        check(&wide(text, u16::to_le_bytes), Ok("caf\u{e9} <&!"));
        check(&wide(text, u16::to_be_bytes), Ok("caf\u{e9} <&!"));
        check(b"\xef\xbb\xbf<a><b><![CDATA[<&]]></b></a>", Ok("<&"));
        let root = parse(text.as_bytes()).unwrap();
        assert_eq!(root.namespace, "urn:x");
        assert_eq!(root.child("b").unwrap().namespace, "urn:y");
    }

    #[test]
    fn what_can_grow_or_loop_is_refused() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>";
        check(bomb, Err(XmlError::Doctype));
        let name = "b".to_owned();
        check(b"<a>&b;</a>", Err(XmlError::Entity { name }));
        let deep = "<a>".repeat(100_000);
        check(deep.as_bytes(), Err(XmlError::TooDeep));
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_NODES));
        check(many.as_bytes(), Err(XmlError::TooMany));
        let len = MAX_BYTES + 1;
        check(&vec![b' '; len], Err(XmlError::TooLong { len }));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        check(b"", Err(XmlError::NoRoot));
        check(b"<a><b>", Err(XmlError::NoRoot));
        check(b"<a/><a/>", Err(XmlError::NoRoot));
        let encoding = "UTF-8";
        check(b"<a>\xff</a>", Err(NotText { encoding }.into()));
        let encoding = "UTF-16, low byte first";
        check(b"\xff\xfe<\0a", Err(NotText { encoding }.into()));
        for bytes in [
            &b"<a></b>"[..],
            b"<a b='1' b='2'/>",
            b"<a",
            b"a<a/>",
            b"<a b=1/>",
        ] {
            assert!(
                matches!(parse(bytes), Err(XmlError::Malformed { .. })),
                "{}",
                bytes.escape_ascii()
            );
        }
    }
}
