//! A plan that is being made: edits of files add up until each file is one step.

use std::collections::BTreeMap;

use detente_volume::FsError;

use super::guest_tree::{self, MAX_EDIT_BYTES};
use super::{Change, Content, FileState, Left, Options, PLAN_SCHEMA, Plan, Step, Tool, Touched};
use crate::check::{By, Finding, Profile};
use crate::facts::Facts;
use crate::files::Files;

/// What planners look at.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) files: Files<'a>,
    pub(crate) options: &'a Options,
    /// The findings of the planner's own rules.
    pub(crate) findings: &'a [&'a Finding],
}

impl<'a> Ask<'a> {
    /// The findings of one rule.
    pub(crate) fn of(&self, rule: &'a str) -> impl Iterator<Item = &'a Finding> {
        self.findings
            .iter()
            .copied()
            .filter(move |own| own.rule == rule)
    }

    /// The hardware that the guest is to run on.
    pub(crate) fn profiles(&self) -> &'a [Profile] {
        &self.options.profiles
    }
}

/// A plan that is being made.
pub(crate) struct Draft<'a> {
    files: Files<'a>,
    edits: BTreeMap<String, Edit>,
    tools: Vec<Run>,
    left: Vec<Left>,
    /// What lies in initramfs files was changed: all of them are to be made anew.
    pub(crate) rebuild: Option<Reason>,
}

/// Why something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) rules: Vec<String>,
    pub(crate) why: String,
}

impl Reason {
    pub(crate) fn new(rule: &str, why: impl Into<String>) -> Self {
        Self {
            rules: vec![rule.to_owned()],
            why: why.into(),
        }
    }

    /// Both together, each sentence once.
    pub(crate) fn add(&mut self, other: &Self) {
        for rule in &other.rules {
            if !self.rules.contains(rule) {
                self.rules.push(rule.clone());
            }
        }
        if !self.why.contains(&other.why) {
            self.why = format!("{} {}", self.why, other.why);
        }
    }
}

/// What becomes of a file.
struct Edit {
    before: FileState,
    now: Now,
    mode: Option<u32>,
    reason: Reason,
}

enum Now {
    Bytes(Vec<u8>),
    Copy(Content),
    Gone,
}

struct Run {
    tool: Tool,
    touches: Vec<String>,
    reason: Reason,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(files: Files<'a>) -> Self {
        Self {
            files,
            edits: BTreeMap::new(),
            tools: Vec::new(),
            left: Vec::new(),
            rebuild: None,
        }
    }

    /// A file's bytes as the edits so far leave it; `None` if there is none, or it is too long to
    /// be configuration.
    pub(crate) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, FsError> {
        let Some(path) = guest_tree::real_path(self.files, path)? else {
            return Ok(None);
        };
        match self.edits.get(&path).map(|edit| &edit.now) {
            Some(Now::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(Now::Gone) => Ok(None),
            Some(Now::Copy(Content::Copy { path, .. })) => self.files.read(path, MAX_EDIT_BYTES),
            Some(Now::Copy(content)) => Ok(content.inline().map(<[u8]>::to_vec)),
            None => self.files.read(&path, MAX_EDIT_BYTES),
        }
    }

    /// Has a file written with these bytes.
    pub(crate) fn write(
        &mut self,
        path: &str,
        bytes: Vec<u8>,
        why: &Reason,
    ) -> Result<(), FsError> {
        self.set(path, Now::Bytes(bytes), None, why)
    }

    /// Has another file's bytes written into a file.
    pub(crate) fn copy(&mut self, from: &str, to: &str, why: &Reason) -> Result<(), FsError> {
        let Some(real) = guest_tree::real_path(self.files, from)? else {
            return Ok(());
        };
        let FileState::File(file) = guest_tree::state(self.files, &real)? else {
            return Ok(());
        };
        let content = Content::Copy {
            path: real,
            sha256: file.sha256,
            len_bytes: file.len_bytes,
        };
        self.set(to, Now::Copy(content), Some(file.mode), why)
    }

    /// Has a file removed.
    pub(crate) fn remove(&mut self, path: &str, why: &Reason) -> Result<(), FsError> {
        self.set(path, Now::Gone, None, why)
    }

    /// Changes the lines of a file, if it is there and the change changes it. Says whether it did.
    pub(crate) fn edit(
        &mut self,
        path: &str,
        why: &Reason,
        change: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Result<bool, FsError> {
        let Some(old) = self.bytes(path)? else {
            return Ok(false);
        };
        let new = change(&old);
        let changes = new != old;
        if changes {
            self.write(path, new, why)?;
        }
        Ok(changes)
    }

    fn set(
        &mut self,
        path: &str,
        now: Now,
        mode: Option<u32>,
        why: &Reason,
    ) -> Result<(), FsError> {
        let Some(path) = guest_tree::real_path(self.files, path)? else {
            return Ok(());
        };
        if let Some(edit) = self.edits.get_mut(&path) {
            edit.now = now;
            edit.mode = mode.or(edit.mode);
            edit.reason.add(why);
            return Ok(());
        }
        let edit = Edit {
            before: guest_tree::state(self.files, &path)?,
            now,
            mode,
            reason: why.clone(),
        };
        self.edits.insert(path, edit);
        Ok(())
    }

    /// Has one of the guest's programs run, once for all that ask for it.
    pub(crate) fn run(&mut self, tool: Tool, touches: &[String], why: &Reason) {
        match self.tools.iter_mut().find(|run| run.tool == tool) {
            Some(run) => run.reason.add(why),
            None => self.tools.push(Run {
                tool,
                touches: touches.to_vec(),
                reason: why.clone(),
            }),
        }
    }

    /// Says that something is left to others.
    pub(crate) fn leave(&mut self, rule: &str, by: By, why: impl Into<String>) {
        self.leave_packages(rule, by, why, Vec::new());
    }

    /// The same, with the packages that would help.
    pub(crate) fn leave_packages(
        &mut self,
        rule: &str,
        by: By,
        why: impl Into<String>,
        packages: Vec<String>,
    ) {
        let left = Left {
            rule: rule.to_owned(),
            why: why.into(),
            by,
            packages,
        };
        if !self.left.contains(&left) {
            self.left.push(left);
        }
    }

    /// All that the initramfs files are to be made anew for.
    pub(crate) fn rebuild_all(&mut self, why: &Reason) {
        match &mut self.rebuild {
            Some(reason) => reason.add(why),
            None => self.rebuild = Some(why.clone()),
        }
    }

    /// Whether a rule has a step, or a reason why not.
    pub(crate) fn answers(&self, rule: &str) -> bool {
        let reasons = self.edits.values().map(|own| &own.reason);
        let mut reasons = reasons.chain(self.tools.iter().map(|own| &own.reason));
        reasons.any(|own| own.rules.iter().any(|own| own == rule))
            || self.left.iter().any(|own| own.rule == rule)
    }

    /// Has new files, and those that programs make, labelled as the guest's policy says.
    pub(crate) fn relabel(&mut self) {
        let new = self
            .edits
            .iter()
            .filter(|(_, own)| own.before == FileState::Absent && !matches!(own.now, Now::Gone));
        let mut paths: Vec<String> = new.map(|(path, _)| path.clone()).collect();
        paths.extend(
            self.tools
                .iter()
                .flat_map(|own| own.touches.iter().cloned()),
        );
        // FAT has no labels.
        paths.retain(|path| !path.starts_with("/boot/efi/") && !path.starts_with("/efi/"));
        paths.sort();
        paths.dedup();
        let edits = self.edits.values().map(|own| &own.reason);
        let reasons = edits.chain(self.tools.iter().map(|own| &own.reason));
        let mut why = Reason {
            rules: reasons.flat_map(|own| own.rules.iter().cloned()).collect(),
            why: "SELinux is on: what is new gets the labels of the guest's policy.".to_owned(),
        };
        why.rules.sort();
        why.rules.dedup();
        if !paths.is_empty() {
            self.run(Tool::Relabel { paths }, &[], &why);
        }
    }

    /// The plan.
    pub(crate) fn finish(self, profiles: &[Profile]) -> Result<Plan, FsError> {
        let files = self.files;
        let writes = self
            .edits
            .into_iter()
            .filter_map(|(path, edit)| edit.step(path));
        let mut steps: Vec<Step> = writes.collect();
        let mut runs = self.tools;
        runs.sort_by_key(|run| order(&run.tool));
        for run in runs {
            steps.push(run.step(files)?);
        }
        let mut left = self.left;
        left.sort_by(|one, other| one.rule.cmp(&other.rule));
        Ok(Plan {
            schema: PLAN_SCHEMA.to_owned(),
            profiles: profiles.to_vec(),
            steps,
            left,
        })
    }
}

impl Edit {
    /// The step; `None` where nothing is changed in the end.
    fn step(self, path: String) -> Option<Step> {
        let before = self.before;
        let (id, change) = match self.now {
            Now::Gone if before == FileState::Absent => return None,
            Now::Gone => (format!("remove {path}"), Change::Remove { path, before }),
            Now::Bytes(bytes) if guest_tree::is_of(&before, &bytes) => return None,
            Now::Bytes(bytes) => write(path, Content::new(bytes), self.mode, before),
            Now::Copy(content) => write(path, content, self.mode, before),
        };
        Some(self.reason.step(id, change))
    }
}

fn write(path: String, content: Content, mode: Option<u32>, before: FileState) -> (String, Change) {
    let id = format!("write {path}");
    let change = Change::Write {
        path,
        content,
        mode,
        before,
    };
    (id, change)
}

impl Run {
    fn step(self, files: Files<'_>) -> Result<Step, FsError> {
        let mut touches = Vec::new();
        for path in self.touches {
            let path = guest_tree::real_path(files, &path)?.unwrap_or(path);
            let before = guest_tree::state(files, &path)?;
            touches.push(Touched { path, before });
        }
        let id = name(&self.tool);
        let change = Change::Run {
            tool: self.tool,
            touches,
        };
        Ok(self.reason.step(id, change))
    }
}

impl Reason {
    fn step(mut self, id: String, change: Change) -> Step {
        self.rules.sort();
        self.rules.dedup();
        Step {
            id,
            rules: self.rules,
            why: self.why,
            change,
        }
    }
}

/// Packages first: an initramfs may hold what they bring. Labels last.
fn order(tool: &Tool) -> u8 {
    match tool {
        Tool::InstallPackages { .. } => 0,
        Tool::UnmaskUnit { .. } => 1,
        Tool::EnableUnit { .. } | Tool::OpenRcAdd { .. } => 2,
        Tool::Dracut { .. }
        | Tool::UpdateInitramfs { .. }
        | Tool::NewInitramfs { .. }
        | Tool::Mkinitcpio { .. }
        | Tool::MkinitcpioPreset { .. }
        | Tool::Mkinitfs { .. }
        | Tool::SuseMkinitrd { .. }
        | Tool::Mkinitrd { .. } => 3,
        Tool::GrubMkconfig { .. } => 4,
        Tool::Kdump | Tool::KdumpTools { .. } => 5,
        Tool::Relabel { .. } => 6,
    }
}

/// The name of a step that runs this.
fn name(tool: &Tool) -> String {
    match tool {
        Tool::Dracut { image, .. } => format!("dracut {image}"),
        Tool::UpdateInitramfs { kernel } | Tool::NewInitramfs { kernel } => {
            format!("update-initramfs {kernel}")
        }
        Tool::Mkinitcpio { image, .. } => format!("mkinitcpio {image}"),
        Tool::MkinitcpioPreset { preset } => format!("mkinitcpio {preset}"),
        Tool::Mkinitfs { image, .. } => format!("mkinitfs {image}"),
        Tool::SuseMkinitrd { image, .. } | Tool::Mkinitrd { image, .. } => {
            format!("mkinitrd {image}")
        }
        Tool::Kdump => "kdump".to_owned(),
        Tool::KdumpTools { kernel } => format!("kdump {kernel}"),
        Tool::GrubMkconfig { output, .. } => format!("grub-mkconfig {output}"),
        Tool::EnableUnit { unit } => format!("enable {unit}"),
        Tool::UnmaskUnit { unit } => format!("unmask {unit}"),
        Tool::OpenRcAdd { service } => format!("enable {service}"),
        Tool::InstallPackages { .. } => "install packages".to_owned(),
        Tool::Relabel { .. } => "relabel".to_owned(),
    }
}
