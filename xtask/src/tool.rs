//! Running other programs: one builder that says which one failed, and how.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};

/// A program that is about to run.
pub(crate) struct Tool {
    name: String,
    command: Command,
}

impl Tool {
    /// A program by its name in `PATH`; administrators' folders are searched too.
    pub(crate) fn new(name: &str) -> Self {
        let mut command = Command::new(name);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .stdin(Stdio::null());
        Self {
            name: name.to_owned(),
            command,
        }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds several arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in the workspace's folder and shows what the program prints.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        self.command.current_dir(crate::workspace::root());
        let status = self
            .command
            .status()
            .with_context(|| not_started(&self.name))?;
        if !status.success() {
            bail!("{} failed: {status}", self.name);
        }
        Ok(())
    }

    /// Runs and shows what the program printed only when it fails.
    pub(crate) fn run_quietly(self, input: &str) -> anyhow::Result<()> {
        let name = self.name.clone();
        let output = self.output(input)?;
        if output.status.success() {
            return Ok(());
        }
        let printed = [
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        ]
        .concat();
        let lines: Vec<&str> = printed.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(30)..)
            .unwrap_or_default()
            .join("\n");
        bail!("{name} failed: {}\n{tail}", output.status);
    }

    /// What the program writes to its standard output.
    pub(crate) fn capture(self) -> anyhow::Result<String> {
        let name = self.name.clone();
        let output = self.output("")?;
        if !output.status.success() {
            bail!(
                "{name} failed: {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        String::from_utf8(output.stdout).with_context(|| format!("{name} did not write UTF-8"))
    }

    /// What the program writes to its standard output, where it ends with one of these codes.
    pub(crate) fn output_with(self, codes: &[i32]) -> anyhow::Result<String> {
        let name = self.name.clone();
        let output = self.output("")?;
        if !output
            .status
            .code()
            .is_some_and(|code| codes.contains(&code))
        {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{name} failed: {}: {}", output.status, said.trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("{name} did not write UTF-8"))
    }

    fn output(mut self, input: &str) -> anyhow::Result<Output> {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .with_context(|| not_started(&self.name))?;
        let mut stdin = child.stdin.take().expect("stdin was asked for above");
        stdin
            .write_all(input.as_bytes())
            .with_context(|| format!("{} does not read its input", self.name))?;
        drop(stdin);
        child
            .wait_with_output()
            .with_context(|| format!("{} cannot be waited for", self.name))
    }
}

fn not_started(name: &str) -> String {
    format!("{name} cannot be started; `scripts/bootstrap` installs what is missing")
}

/// Whether a program of this name can be found.
pub(crate) fn exists(name: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/sbin")
        .split(':')
        .any(|folder| std::path::Path::new(folder).join(name).is_file())
}
