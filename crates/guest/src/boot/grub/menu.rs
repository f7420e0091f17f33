//! From the items of a menu to entries: each item's commands are run as if it were chosen.

use super::interpreter::{Body, Interpreter, Item, Loaded, Stop};
use super::parser::parse;
use crate::boot::bls::BlsEntry;
use crate::boot::model::{Candidate, LinuxStart, Start};
use crate::facts::DefaultReason;

/// More than any menu shows, submenus included.
const MAX_ENTRIES: usize = 256;

/// The menu with its submenus laid out one after another.
#[derive(Default)]
pub(super) struct Menu {
    pub(super) entries: Vec<Candidate>,
    nodes: Vec<Node>,
}

/// A line of the menu.
struct Node {
    id: Option<String>,
    title: String,
    kind: Kind,
}

enum Kind {
    /// Its index among the entries.
    Entry(usize),
    Submenu(Vec<Node>),
}

/// Runs every item of the menu that the configuration has made.
pub(super) fn read(shell: &mut Interpreter<'_>) -> Result<Menu, Stop> {
    let mut menu = Menu::default();
    if shell.menu.is_empty() && shell.loaded.kernel.is_some() {
        // A configuration without a menu that boots right away.
        let start = started(std::mem::take(&mut shell.loaded));
        let title = "(no menu)".to_owned();
        menu.entries.push(Candidate {
            id: "0".to_owned(),
            title: title.clone(),
            start,
        });
        menu.nodes.push(Node {
            id: None,
            title,
            kind: Kind::Entry(0),
        });
        return Ok(menu);
    }
    let items = std::mem::take(&mut shell.menu);
    menu.nodes = lay_out(shell, items, &Parent::default(), &mut menu.entries)?;
    Ok(menu)
}

/// The submenus around an item.
#[derive(Default)]
struct Parent {
    id: String,
    title: String,
}

impl Parent {
    fn join(&self, id: &str, title: &str) -> Self {
        if self.id.is_empty() {
            return Self {
                id: id.to_owned(),
                title: title.to_owned(),
            };
        }
        Self {
            id: format!("{}>{id}", self.id),
            title: format!("{} > {title}", self.title),
        }
    }
}

fn lay_out(
    shell: &mut Interpreter<'_>,
    items: Vec<Item>,
    parent: &Parent,
    entries: &mut Vec<Candidate>,
) -> Result<Vec<Node>, Stop> {
    let mut nodes = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        if entries.len() >= MAX_ENTRIES {
            return Err(Stop::Exhausted("its menu has too many entries"));
        }
        let Item { id, title, body } = item;
        let own = parent.join(id.as_deref().unwrap_or(&index.to_string()), &title);
        let variables = shell.variables.clone();
        shell.charge(1024)?;
        shell.set("chosen", own.id.clone());
        let kind = match body {
            Body::Submenu(body, arguments) => {
                shell.call(&body, arguments)?;
                let inner = std::mem::take(&mut shell.menu);
                Kind::Submenu(shell.nested(|shell| lay_out(shell, inner, &own, entries))?)
            }
            Body::Entry(body, arguments) => {
                shell.loaded = Loaded::default();
                shell.call(&body, arguments)?;
                leaf(shell, own, entries)
            }
            Body::Bls(entry, device) => {
                shell.loaded = Loaded::default();
                let (script, _) = parse(&commands(&entry, &device));
                shell.run(&script)?;
                leaf(shell, own, entries)
            }
        };
        shell.variables = variables;
        // An entry that makes a menu of its own does not change this one.
        shell.menu.clear();
        nodes.push(Node { id, title, kind });
    }
    Ok(nodes)
}

fn leaf(shell: &mut Interpreter<'_>, own: Parent, entries: &mut Vec<Candidate>) -> Kind {
    let start = started(std::mem::take(&mut shell.loaded));
    entries.push(Candidate {
        id: own.id,
        title: own.title,
        start,
    });
    Kind::Entry(entries.len().saturating_sub(1))
}

/// The commands that Fedora's `blscfg` makes of an entry; GRUB's shell expands variables in them.
fn commands(entry: &BlsEntry, device: &str) -> String {
    let kernel = entry.linux.as_deref().unwrap_or_default();
    let on_device = |path: &str| match path.chars().next() {
        Some('/') => format!("({device}){path}"),
        _ => path.to_owned(),
    };
    let initrds: Vec<String> = entry
        .initrd
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(on_device)
        .collect();
    let mut script = format!("linux {} {}\n", on_device(kernel), entry.options);
    if !initrds.is_empty() {
        script.push_str(&format!("initrd {}\n", initrds.join(" ")));
    }
    script
}

fn started(loaded: Loaded) -> Start {
    let Loaded {
        kernel,
        arguments,
        initramfs,
        other,
    } = loaded;
    match (kernel, other) {
        (Some(kernel), _) => {
            let arguments: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
            let boot_image = Some(kernel.spelled.clone());
            let command_line = arguments.join(" ");
            Start::Linux(LinuxStart {
                kernel,
                initramfs,
                command_line,
                boot_image,
            })
        }
        (None, Some(other)) => Start::Other(other),
        (None, None) => Start::Other("nothing".to_owned()),
    }
}

/// \[GRUB\] lib/cmdline.c: quotes and backslashes are escaped, a word with a blank is quoted.
fn quoted(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '\\' | '\'' | '"') {
            text.push('\\');
        }
        text.push(c);
    }
    if text.contains(' ') {
        format!("\"{text}\"")
    } else {
        text
    }
}

impl Menu {
    /// The entry that GRUB starts when nobody presses a key.
    pub(super) fn preset(&self, shell: &Interpreter<'_>) -> Option<(usize, DefaultReason)> {
        let value = shell.variable("default").to_owned();
        let first = first(&self.nodes)?;
        if value.is_empty() {
            return Some((first, DefaultReason::First));
        }
        let from = |name: &str| shell.environment.get(name) == Some(&value);
        Some(match choose(&self.nodes, &split(&value)) {
            None => (first, DefaultReason::NoSuchEntry { value }),
            Some(index) if from("next_entry") => (index, DefaultReason::NextEntry { value }),
            Some(index) if from("saved_entry") => (index, DefaultReason::SavedEntry { value }),
            Some(index) => (index, DefaultReason::Configured { value }),
        })
    }
}

/// The parts of `a>b`; `>>` stands for a `>` in a name.
fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '>' && chars.next_if_eq(&'>').is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn choose(nodes: &[Node], path: &[String]) -> Option<usize> {
    let Some((name, rest)) = path.split_first() else {
        return first(nodes);
    };
    let node = match name.parse::<usize>() {
        Ok(index) => nodes.get(index),
        Err(_) => nodes
            .iter()
            .find(|node| node.title == *name || node.id.as_ref() == Some(name)),
    }?;
    match &node.kind {
        Kind::Entry(index) => Some(*index),
        Kind::Submenu(nodes) => choose(nodes, rest),
    }
}

fn first(nodes: &[Node]) -> Option<usize> {
    nodes.iter().find_map(|node| match &node.kind {
        Kind::Entry(index) => Some(*index),
        Kind::Submenu(nodes) => first(nodes),
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_path_through_submenus_is_split_and_a_doubled_sign_is_text() {
        assert_eq!(split("1>2"), ["1", "2"]);
        assert_eq!(split("a >> b>c"), ["a > b", "c"]);
        assert_eq!(split("0"), ["0"]);
    }

    #[test]
    fn words_with_blanks_and_quotes_reach_the_kernel_as_grub_writes_them() {
        assert_eq!(quoted("quiet"), "quiet");
        assert_eq!(quoted("a=b c"), "\"a=b c\"");
        assert_eq!(quoted("a=\"b\""), "a=\\\"b\\\"");
    }
}
