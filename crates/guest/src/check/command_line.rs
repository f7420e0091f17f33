//! Kernel arguments, as rules ask for them.

use super::Proof;
use super::View;
use crate::command_line::parameters;

/// An argument of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: String,
    /// What stands behind `=`.
    pub(crate) value: Option<String>,
}

impl Argument {
    /// The value; empty where there is none.
    pub(crate) fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    /// As the command line spells it.
    pub(crate) fn text(&self) -> String {
        match &self.value {
            Some(value) => format!("{}={value}", self.name),
            None => self.name.clone(),
        }
    }

    /// What shows it.
    pub(crate) fn proof(&self, view: &View<'_>) -> Proof {
        let text = format!("the kernel that starts gets `{}`", self.text());
        let proof = Proof::words(text).file(view.menu());
        proof.pair(&self.name, self.value())
    }
}

/// The arguments of a command line. `-` and `_` in names are the same to the kernel.
pub(crate) fn arguments(line: &str) -> Vec<Argument> {
    let pairs = parameters(line).into_iter();
    pairs
        .map(|(name, value)| Argument { name, value })
        .collect()
}
