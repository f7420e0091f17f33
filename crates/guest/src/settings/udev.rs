//! Rules of udev: [udev(7)].

use super::joined_lines;
use crate::facts::Evidence;

/// More keys than a rule has.
const MAX_KEYS: usize = 64;

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) keys: Vec<Key>,
    pub(crate) text: String,
    pub(crate) at: Evidence,
}

/// `KEY{attribute}operator"value"`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) attribute: Option<String>,
    pub(crate) operator: Operator,
    pub(crate) value: String,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `=`, `+=`, `-=`, `:=`
    Assign,
}

impl Rule {
    /// The first key of this name that is compared for equality.
    pub(crate) fn compared(&self, name: &str) -> Option<&str> {
        self.find(name, Operator::Equal)
    }

    /// The first key of this name that is assigned.
    pub(crate) fn assigned(&self, name: &str) -> Option<&str> {
        self.find(name, Operator::Assign)
    }

    fn find(&self, name: &str, operator: Operator) -> Option<&str> {
        let wanted = |key: &&Key| key.name == name && key.operator == operator;
        self.keys.iter().find(wanted).map(|key| key.value.as_str())
    }
}

/// The rules of a file. A rule that cannot be read is passed over, as udev does.
pub(crate) fn parse(path: &str, text: &str) -> Vec<Rule> {
    let rule = |(number, line): (u32, String)| {
        let keys = keys(&line)?;
        Some(Rule {
            keys,
            text: line,
            at: Evidence::line(path, number),
        })
    };
    joined_lines(text, &['#'])
        .into_iter()
        .filter_map(rule)
        .collect()
}

fn keys(line: &str) -> Option<Vec<Key>> {
    let (mut keys, mut rest) = (Vec::new(), line);
    while keys.len() < MAX_KEYS {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            break;
        }
        let (key, after) = key(rest)?;
        keys.push(key);
        rest = after;
    }
    Some(keys)
}

fn key(text: &str) -> Option<(Key, &str)> {
    let end = text.find(['=', '!', '+', '-', ':', '{', ' ', '\t'])?;
    let (name, mut rest) = text.split_at(end);
    let mut attribute = None;
    if let Some(inside) = rest.strip_prefix('{') {
        let (own, after) = inside.split_once('}')?;
        attribute = Some(own.to_owned());
        rest = after;
    }
    let (operator, rest) = operator(rest.trim_start())?;
    let (value, rest) = quoted(rest.trim_start())?;
    let key = Key {
        name: name.to_owned(),
        attribute,
        operator,
        value,
    };
    (!name.is_empty()).then_some((key, rest))
}

fn operator(text: &str) -> Option<(Operator, &str)> {
    let all = [
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("+=", Operator::Assign),
        ("-=", Operator::Assign),
        (":=", Operator::Assign),
        ("=", Operator::Assign),
    ];
    all.into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))
}

/// `"value"`, where `\"` stands for a quote; `i"…"` and `e"…"` are the later forms.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix(['e', 'i']).unwrap_or(text);
    let inside = text.strip_prefix('"')?;
    let mut before = ' ';
    for (index, c) in inside.char_indices() {
        if c == '"' && before != '\\' {
            let (value, rest) = inside.split_at(index);
            return Some((value.replace("\\\"", "\""), rest.strip_prefix('"')?));
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_rule() {
        let text = "# c\nSUBSYSTEM==\"net\", ACTION==\"add\", ATTR{address}==\"52:54:00:12:34:56\", \\\n  \
                    KERNEL!=\"lo\", NAME=\"eth0\"\nbroken\nENV{a}+=\"x\\\"y\" NAME:=e\"z\"\n";
        let rules = parse("/r", text);
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[0].at, Evidence::line("/r", 2));
        assert_eq!(rules[0].compared("SUBSYSTEM"), Some("net"));
        assert_eq!(rules[0].assigned("NAME"), Some("eth0"));
        assert_eq!(rules[0].compared("NAME"), None);
        assert_eq!(rules[0].keys[2].attribute.as_deref(), Some("address"));
        assert_eq!(rules[0].keys[3].operator, Operator::Unequal);
        assert_eq!(rules[1].keys[0].value, "x\"y");
        assert_eq!(rules[1].assigned("NAME"), Some("z"));
    }
}
