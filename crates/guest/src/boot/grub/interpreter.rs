//! Runs a GRUB script as far as the menu needs it: nothing is drawn, nothing is written.

use std::collections::BTreeMap;

use super::lexer::{Part, Word};
use super::parser::{Script, Statement};
use crate::boot::bls::BlsEntry;
use crate::boot::model::FileRef;
use crate::error::InspectError;
use crate::facts::Place;
use crate::volumes::Volumes;

/// Commands run; a menu of twenty kernels takes some hundred.
const MAX_STEPS: u32 = 100_000;
/// Bytes read and expanded, with [`FILE_COST`] for each look at a file system.
const MAX_WORK_BYTES: usize = 8 * 1024 * 1024;
/// What a look at a file system counts.
pub(super) const FILE_COST: usize = 4096;
/// Calls inside calls, files inside files.
const MAX_DEPTH: u32 = 24;

/// Why a script, or a part of it, ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return`, or a `configfile` that took over.
    Return,
    /// It wants more than we grant.
    Exhausted(&'static str),
    /// A read failed.
    Read(Box<InspectError>),
}

impl From<InspectError> for Stop {
    fn from(error: InspectError) -> Self {
        Self::Read(Box::new(error))
    }
}

/// An item of a menu, not yet run.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) id: Option<String>,
    pub(super) title: String,
    pub(super) body: Body,
}

/// What choosing an item runs.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Entry(Script, Vec<String>),
    Submenu(Script, Vec<String>),
    Bls(Box<BlsEntry>, String),
}

/// What the commands of an entry have loaded.
#[derive(Debug, Clone, Default)]
pub(super) struct Loaded {
    pub(super) kernel: Option<FileRef>,
    pub(super) arguments: Vec<String>,
    pub(super) initramfs: Vec<FileRef>,
    /// The command that starts something else.
    pub(super) other: Option<String>,
}

/// The state of GRUB's shell.
pub(super) struct Interpreter<'v> {
    pub(super) volumes: &'v Volumes,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) functions: BTreeMap<String, Script>,
    pub(super) positional: Vec<String>,
    pub(super) menu: Vec<Item>,
    pub(super) loaded: Loaded,
    /// What `load_env` brought in, as it was then.
    pub(super) environment: BTreeMap<String, String>,
    /// The file that made the menu.
    pub(super) config: Option<Place>,
    pub(super) notes: Vec<String>,
    /// Whether the last command succeeded.
    pub(super) ok: bool,
    steps: u32,
    work_bytes: usize,
    depth: u32,
}

impl<'v> Interpreter<'v> {
    pub(super) fn new(volumes: &'v Volumes, efi: bool) -> Self {
        let mut variables = BTreeMap::new();
        let platform = if efi {
            ("efi", "x86_64")
        } else {
            ("pc", "i386")
        };
        // [GRUB] normal.mod sets the features that grub-mkconfig asks for.
        for (name, value) in [
            ("grub_platform", platform.0),
            ("grub_cpu", platform.1),
            ("feature_menuentry_id", "y"),
            ("feature_platform_search_hint", "y"),
            ("feature_timeout_style", "y"),
            ("feature_all_video_module", "y"),
            ("feature_default_font_path", "y"),
            ("feature_chainloader_bpb", "y"),
            ("feature_ntldr", "y"),
            ("feature_nativedisk_cmd", "y"),
            ("feature_200_final", "y"),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        Self {
            volumes,
            variables,
            functions: BTreeMap::new(),
            positional: Vec::new(),
            menu: Vec::new(),
            loaded: Loaded::default(),
            environment: BTreeMap::new(),
            config: None,
            notes: Vec::new(),
            ok: true,
            steps: 0,
            work_bytes: 0,
            depth: 0,
        }
    }

    /// The value of a variable; unset is empty.
    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// Counts work, so that no script keeps us for long.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Stop> {
        self.work_bytes = self.work_bytes.saturating_add(bytes);
        if self.work_bytes > MAX_WORK_BYTES {
            return Err(Stop::Exhausted("it reads and expands too much"));
        }
        Ok(())
    }

    pub(super) fn nested<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Exhausted("its calls never end"));
        }
        self.depth = self.depth.saturating_add(1);
        let result = run(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Runs statements in order.
    pub(super) fn run(&mut self, script: &Script) -> Result<(), Stop> {
        for statement in script.iter() {
            self.steps = self.steps.saturating_add(1);
            if self.steps > MAX_STEPS {
                return Err(Stop::Exhausted("it runs too many commands"));
            }
            self.statement(statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Stop> {
        match statement {
            Statement::Command { words, block } => {
                let words = self.expand(words)?;
                self.command(&words, block.as_ref())
            }
            Statement::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.run(condition)?;
                    if self.ok {
                        return self.run(body);
                    }
                }
                self.ok = true;
                self.run(otherwise)
            }
            Statement::For { name, items, body } => {
                for item in self.expand(items)? {
                    self.set(name, item);
                    if !self.iteration(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Statement::While {
                until,
                condition,
                body,
            } => loop {
                self.run(condition)?;
                self.steps = self.steps.saturating_add(1);
                if self.steps > MAX_STEPS {
                    return Err(Stop::Exhausted("it runs too many commands"));
                }
                if self.ok == *until || !self.iteration(body)? {
                    return Ok(());
                }
            },
            Statement::Function { name, body } => {
                self.functions.insert(name.clone(), body.clone());
                self.ok = true;
                Ok(())
            }
        }
    }

    /// One turn of a loop; false when the loop is left.
    fn iteration(&mut self, body: &Script) -> Result<bool, Stop> {
        match self.run(body) {
            Ok(()) | Err(Stop::Continue) => Ok(true),
            Err(Stop::Break) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Runs a body with its own `$1`, `$2`, ….
    pub(super) fn call(&mut self, body: &Script, arguments: Vec<String>) -> Result<(), Stop> {
        let outer = std::mem::replace(&mut self.positional, arguments);
        let result = self.nested(|shell| shell.run(body));
        self.positional = outer;
        match result {
            Err(Stop::Return) => Ok(()),
            result => result,
        }
    }

    /// Words to arguments: unquoted variables are split at blanks, and vanish if empty.
    pub(super) fn expand(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut fields = Vec::new();
        for word in words {
            let mut field = word.quoted.then(String::new);
            for part in &word.parts {
                match part {
                    Part::Text(text) => {
                        self.charge(text.len())?;
                        field.get_or_insert_default().push_str(text);
                    }
                    Part::Variable { name, quoted } => {
                        let value = self.value(name);
                        self.charge(value.len())?;
                        if *quoted {
                            field.get_or_insert_default().push_str(&value);
                        } else {
                            split_into(&value, &mut field, &mut fields);
                        }
                    }
                }
            }
            fields.extend(field);
        }
        Ok(fields)
    }

    fn value(&self, name: &str) -> String {
        let positional = |number: usize| {
            number
                .checked_sub(1)
                .and_then(|index| self.positional.get(index))
                .cloned()
        };
        match name {
            "?" => if self.ok { "0" } else { "1" }.to_owned(),
            "#" => self.positional.len().to_string(),
            "@" | "*" => self.positional.join(" "),
            name => match name.parse::<usize>() {
                Ok(number) => positional(number).unwrap_or_default(),
                Err(_) => self.variable(name).to_owned(),
            },
        }
    }
}

/// Adds a value that is not quoted to the word that is being made.
fn split_into(value: &str, field: &mut Option<String>, fields: &mut Vec<String>) {
    let mut pieces = value.split(char::is_whitespace);
    if let Some(first) = pieces.next()
        && !first.is_empty()
    {
        field.get_or_insert_default().push_str(first);
    }
    for piece in pieces {
        fields.extend(field.take());
        if !piece.is_empty() {
            *field = Some(piece.to_owned());
        }
    }
}
