//! Which module needs which, and so the order in which they are loaded: `modules.dep`, and
//! `modules.softdep` with the aliases that it names.

use std::collections::{BTreeMap, BTreeSet};

use detente_volume::FsError;

use super::list;
use crate::files::Files;
use crate::modules::module_name;

/// More modules than any kernel has.
const MAX_KNOWN: usize = 20_000;
/// More than one module is ever said to need.
const MAX_NEEDS: usize = 256;
/// More providers of one alias than there are.
const MAX_PROVIDERS: usize = 16;
/// As deep as one module rests on another; a list that goes round ends before.
const MAX_DEPTH: u32 = 64;

/// What depmod says.
#[derive(Debug, Default)]
pub(super) struct Depends {
    /// By name: its path in the folder, and the names of what it needs.
    modules: BTreeMap<String, (String, Vec<String>)>,
    /// By name: what is to be loaded first if it can be.
    before: BTreeMap<String, Vec<String>>,
    /// By an alias that some module wants: who provides it.
    providers: BTreeMap<String, Vec<String>>,
}

impl Depends {
    /// Reads the lists of a folder; what is not there says nothing.
    pub(super) fn read(files: Files<'_>, folder: &str) -> Result<Self, FsError> {
        let mut depends = Self::default();
        let path = |name: &str| format!("{folder}/{name}");
        list::read(files, &path("modules.dep"), &mut |line| {
            depends.module(folder, line);
        })?;
        list::read(files, &path("modules.softdep"), &mut |line| {
            depends.soft(line);
        })?;
        list::read(files, &path("modules.alias"), &mut |line| {
            depends.alias(line);
        })?;
        Ok(depends)
    }

    /// `kernel/a.ko.xz: kernel/b.ko.xz kernel/c.ko.xz`; old ones have whole paths.
    fn module(&mut self, folder: &str, line: &str) {
        let Some((path, needs)) = line.split_once(':') else {
            return;
        };
        let path = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .trim_start_matches('/');
        // What leads out of the folder is no module of this kernel.
        if path.split('/').any(|part| part == "..") || self.modules.len() >= MAX_KNOWN {
            return;
        }
        if let Some(name) = module_name(path) {
            let needs = needs.split_ascii_whitespace().filter_map(module_name);
            let needs = needs.take(MAX_NEEDS).collect();
            self.modules
                .entry(name)
                .or_insert_with(|| (path.to_owned(), needs));
        }
    }

    /// `softdep ext4 pre: crc32c post: x`.
    fn soft(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let (Some("softdep"), Some(name)) = (words.next(), words.next()) else {
            return;
        };
        let before = words
            .skip_while(|word| *word != "pre:")
            .skip(1)
            .take_while(|word| *word != "post:");
        let before: Vec<String> = before.take(MAX_NEEDS).map(plain).collect();
        if self.before.len() >= MAX_KNOWN {
            return;
        }
        for wanted in &before {
            self.providers.entry(wanted.clone()).or_default();
        }
        self.before.insert(plain(name), before);
    }

    /// `alias crypto-crc32c crc32c_generic`, of those that somebody wants.
    fn alias(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let (Some("alias"), Some(alias), Some(module)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        let alias = plain(alias);
        let bare = alias.strip_prefix("crypto_").unwrap_or(&alias);
        if let Some(providers) = self.providers.get_mut(bare) {
            let module = plain(module);
            if providers.len() < MAX_PROVIDERS && !providers.contains(&module) {
                providers.push(module);
            }
        }
    }
}

/// The kernel takes `-` and `_` for the same.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// A module in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    pub(super) name: String,
    /// In the folder of modules.
    pub(super) path: String,
}

/// An order that is being made: what is needed stands before who needs it.
pub(super) struct Order<'a> {
    depends: &'a Depends,
    seen: BTreeSet<&'a str>,
    order: Vec<Ordered>,
}

impl<'a> Order<'a> {
    pub(super) fn new(depends: &'a Depends) -> Self {
        Self {
            depends,
            seen: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    /// Adds a module and all that it rests on; one that is not listed adds nothing, since it is
    /// part of the kernel or of no kernel.
    pub(super) fn add(&mut self, name: &str) {
        self.visit(name, 0);
    }

    pub(super) fn finish(self) -> Vec<Ordered> {
        self.order
    }

    fn visit(&mut self, name: &str, depth: u32) {
        let depends = self.depends;
        let Some((name, (path, needs))) = depends.modules.get_key_value(name) else {
            return;
        };
        if depth >= MAX_DEPTH || !self.seen.insert(name) {
            return;
        }
        let deeper = depth.saturating_add(1);
        for wanted in depends.before.get(name).into_iter().flatten() {
            self.visit(wanted, deeper);
            for provider in depends.providers.get(wanted).into_iter().flatten() {
                self.visit(provider, deeper);
            }
        }
        for need in needs {
            self.visit(need, deeper);
        }
        self.order.push(Ordered {
            name: name.clone(),
            path: path.clone(),
        });
    }
}

/// For the exerciser.
pub(super) fn exercise(bytes: &[u8]) {
    let mut depends = Depends::default();
    // A slice is read without failure.
    let _ = list::lines(bytes, &mut |line| {
        depends.module("/lib/modules/6.1", line);
        depends.soft(line);
        depends.alias(line);
    });
    let names: Vec<&String> = depends.modules.keys().take(64).collect();
    let mut order = Order::new(&depends);
    for name in names {
        order.add(name);
    }
    let order = order.finish();
    assert!(order.len() <= depends.modules.len(), "each at most once");
}
