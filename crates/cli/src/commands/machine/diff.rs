//! `detente machine diff`: where two definitions differ.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::compare::{Difference, differences};
use super::{Which, source};
use crate::args::Format;
use crate::output::Output;
use crate::page::clean;

/// Say where two definitions differ, whatever they are written in.
///
/// Both are put into the neutral definition first, so that a domain of libvirt's can be compared
/// with a kit.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente machine diff before.xml after.xml\n  \
    detente machine diff web.xml web-kit\n\n\
    Exit codes: 0 they say the same, 1 they differ, 2 could not tell, 64 wrong usage."
)]
pub(crate) struct Arguments {
    /// One definition.
    #[arg(value_name = "A")]
    left: PathBuf,
    /// The other one.
    #[arg(value_name = "B")]
    right: PathBuf,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The answer for programs.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    left: String,
    right: String,
    differences: Vec<Difference>,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let which = Which::default();
    let left = source::read(&arguments.left, &which)?;
    let right = source::read(&arguments.right, &which)?;
    let value = |definition: &source::Definition| serde_json::to_value(&definition.spec);
    let differences = differences(&value(&left)?, &value(&right)?);
    let code = if differences.is_empty() {
        crate::FINE
    } else {
        crate::BAD
    };
    match arguments.format {
        Format::Json => out.json(&Document {
            schema: "detente/machine-diff/1",
            left: arguments.left.display().to_string(),
            right: arguments.right.display().to_string(),
            differences,
        })?,
        Format::Text if differences.is_empty() => out.line("They say the same.")?,
        Format::Text => {
            for own in &differences {
                let line = format!("{}: {} | {}", own.field, said(&own.left), said(&own.right));
                out.line(&clean(&line))?;
            }
        }
    }
    Ok(ExitCode::from(code))
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
