//! What the agent is asked for: a plan's steps, or those that take them back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use detente_guest::Guest;
use detente_guest::prepare::{
    BLOB_FOLDER, Change, ChangedFile, Content, FileFacts, FileState, Journal, PackageFile,
    PlanError, Step, Tool,
};
use detente_plan::protocol::{
    self, Before, Bytes, GuestPath, INLINE_LIMIT_BYTES, Moment, RemoveFile, RunTool, Task,
    WriteFile, Xattr,
};

use super::error::PrepareError;
use super::initramfs_environment;
use crate::payload::PayloadWriter;

/// How much of the end of each output of a program is kept.
const TAIL_BYTES: u32 = 16 * 1024;

/// Something that is done in the guest: all of its tasks, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// The step's name.
    pub(crate) name: String,
    /// Why it is done.
    pub(crate) why: String,
    /// What the agent is told.
    pub(crate) tasks: Vec<Task>,
}

/// Makes jobs; what is too long for a message goes to the payload disk.
pub(crate) struct JobMaker<'a> {
    pub(crate) guest: &'a Guest,
    /// Files on this machine.
    pub(crate) packages: &'a [PathBuf],
    pub(crate) payload: PayloadWriter,
}

impl JobMaker<'_> {
    /// The jobs of a plan's steps.
    pub(crate) fn steps(&mut self, steps: &[Step]) -> Result<Vec<Job>, PrepareError> {
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Step) -> Result<Job, PrepareError> {
        let tasks = match &step.change {
            Change::Write {
                path,
                content,
                mode,
                before,
            } => vec![Task::WriteFile(WriteFile {
                path: guest_path(path)?,
                content: self.content(content)?,
                before: demand(before),
                mode: *mode,
                owner: None,
                modified: None,
                xattrs: None,
            })],
            Change::Remove { path, before } => vec![remove(path, demand(before), Vec::new())?],
            Change::Run { tool, .. } => self.tool(tool)?,
        };
        Ok(Job {
            name: step.id.clone(),
            why: step.why.clone(),
            tasks,
        })
    }

    fn tool(&mut self, tool: &Tool) -> Result<Vec<Task>, PrepareError> {
        let mut tasks = Vec::new();
        if let Tool::InstallPackages { files, .. } = tool {
            for file in files {
                tasks.push(self.package(file)?);
            }
        }
        let own = tool.environment().iter().copied();
        let environment = own.chain(initramfs_environment::settings(tool, self.guest.facts()));
        tasks.push(Task::RunTool(RunTool {
            argv: tool.argv(),
            env: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            folder: None,
            tail_bytes: TAIL_BYTES,
        }));
        Ok(tasks)
    }

    /// Puts a package where it is installed from.
    fn package(&mut self, file: &PackageFile) -> Result<Task, PrepareError> {
        let named = |path: &&PathBuf| path.file_name().is_some_and(|name| *name == *file.name);
        let found = self.packages.iter().find(named);
        let path = found.ok_or_else(|| PrepareError::NotAsPlanned { path: file.path() })?;
        let span = self.payload.add(open(path)?)?;
        if span.sha256 != file.sha256 {
            let path = path.clone();
            let source = std::io::Error::other("it changed since the plan was made");
            return Err(PrepareError::Read { path, source });
        }
        Ok(Task::WriteFile(WriteFile {
            path: guest_path(&file.path())?,
            content: protocol::Content::Payload(span),
            before: Before::Anything,
            mode: Some(0o600),
            owner: None,
            modified: None,
            xattrs: None,
        }))
    }

    fn content(&mut self, content: &Content) -> Result<protocol::Content, PrepareError> {
        let bytes = self.guest.content(content).map_err(|error| match error {
            PlanError::Read(source) => PrepareError::GuestFile {
                path: copied(content).to_owned(),
                source,
            },
            // Every other reason is about what the plan says of the file.
            _ => PrepareError::NotAsPlanned {
                path: copied(content).to_owned(),
            },
        })?;
        if bytes.len() <= INLINE_LIMIT_BYTES {
            let bytes = Bytes(bytes);
            return Ok(protocol::Content::Message { bytes });
        }
        Ok(protocol::Content::Payload(self.payload.add(&*bytes)?))
    }

    /// The jobs that put back what a journal says; `folders` are those that were there before, if
    /// that is known.
    pub(crate) fn undo(
        &mut self,
        journal: &Journal,
        folder: &Path,
        folders: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Job>, PrepareError> {
        let files = journal.files.iter().rev();
        let changed = files.filter(|file| !file.before.is_same(&file.after));
        let job = |file| self.put_back(file, folder, folders);
        changed.map(job).collect()
    }

    fn put_back(
        &mut self,
        file: &ChangedFile,
        folder: &Path,
        folders: Option<&BTreeSet<String>>,
    ) -> Result<Job, PrepareError> {
        let before = demand(&file.after);
        let (name, task) = match &file.before {
            FileState::Absent => {
                let empty = new_folders(&file.path, folders)?;
                let task = remove(&file.path, before, empty)?;
                (format!("remove {}", file.path), task)
            }
            FileState::File(facts) => {
                let task = self.restore(file, facts, before, folder)?;
                (format!("put back {}", file.path), task)
            }
            FileState::Link { target } => {
                let content = protocol::Content::Link {
                    target: target.clone(),
                };
                let task = Task::WriteFile(WriteFile {
                    path: guest_path(&file.path)?,
                    content,
                    before,
                    mode: None,
                    owner: None,
                    modified: None,
                    xattrs: None,
                });
                (format!("put back {}", file.path), task)
            }
            FileState::Other => {
                return Err(PrepareError::Journal {
                    path: folder.to_owned(),
                    why: format!("{} was no file before", file.path),
                });
            }
        };
        Ok(Job {
            name,
            why: "As it was before the guest was prepared.".to_owned(),
            tasks: vec![task],
        })
    }

    fn restore(
        &mut self,
        file: &ChangedFile,
        facts: &FileFacts,
        before: Before,
        folder: &Path,
    ) -> Result<Task, PrepareError> {
        let wrong = |why: String| PrepareError::Journal {
            path: folder.to_owned(),
            why,
        };
        let is_hex = |blob: &&String| blob.bytes().all(|byte| byte.is_ascii_hexdigit());
        let blob = file.blob.as_ref().filter(is_hex);
        let blob =
            blob.ok_or_else(|| wrong(format!("the old bytes of {} are not in it", file.path)))?;
        let span = self
            .payload
            .add(open(&folder.join(BLOB_FOLDER).join(blob))?)?;
        if span.sha256 != facts.sha256 {
            return Err(wrong(format!("the old bytes of {} are damaged", file.path)));
        }
        let xattrs = facts.xattrs.as_ref().map(xattrs).transpose();
        Ok(Task::WriteFile(WriteFile {
            path: guest_path(&file.path)?,
            content: protocol::Content::Payload(span),
            before,
            mode: Some(facts.mode),
            owner: facts.owner.map(|owner| protocol::Owner {
                uid: owner.uid,
                gid: owner.gid,
            }),
            modified: Some(Moment {
                seconds: facts.modified_s,
                nanoseconds: 0,
            }),
            xattrs: xattrs.map_err(|_| wrong(format!("the attributes of {}", file.path)))?,
        }))
    }
}

fn xattrs(own: &BTreeMap<String, String>) -> Result<Vec<Xattr>, protocol::NotHex> {
    let one = |(name, value): (&String, &String)| {
        Ok(Xattr {
            name: name.clone(),
            value: Bytes::try_from(value.clone())?,
        })
    };
    own.iter().map(one).collect()
}

fn remove(path: &str, before: Before, empty_folders: Vec<GuestPath>) -> Result<Task, PrepareError> {
    Ok(Task::RemoveFile(RemoveFile {
        path: guest_path(path)?,
        before,
        empty_folders,
    }))
}

/// The folders above a file that were not there before, the deepest first.
fn new_folders(
    path: &str,
    folders: Option<&BTreeSet<String>>,
) -> Result<Vec<GuestPath>, PrepareError> {
    let Some(known) = folders else {
        return Ok(Vec::new());
    };
    let above = path
        .rmatch_indices('/')
        .filter_map(|(at, _)| path.get(..at));
    let new = above.filter(|folder| !folder.is_empty() && !known.contains(*folder));
    new.map(guest_path).collect()
}

/// What has to be there for a change to be made.
fn demand(state: &FileState) -> Before {
    match state {
        FileState::Absent => Before::Absent,
        FileState::File(facts) => Before::File {
            sha256: facts.sha256.clone(),
        },
        FileState::Link { target } => Before::Link {
            target: target.clone(),
        },
        FileState::Other => Before::Anything,
    }
}

pub(crate) fn guest_path(path: &str) -> Result<GuestPath, PrepareError> {
    GuestPath::try_from(path).map_err(|_| PrepareError::NotAsPlanned {
        path: path.to_owned(),
    })
}

fn copied(content: &Content) -> &str {
    match content {
        Content::Copy { path, .. } => path,
        Content::Text { .. } | Content::Bytes { .. } => "a file",
    }
}

fn open(path: &Path) -> Result<File, PrepareError> {
    File::open(path).map_err(|source| PrepareError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_were_made_go_too() {
        let known = BTreeSet::from(["/etc".to_owned()]);
        let new = new_folders("/etc/a/b/c", Some(&known)).unwrap();
        let names: Vec<_> = new.iter().map(GuestPath::as_str).collect();
        assert_eq!(names, ["/etc/a/b", "/etc/a"]);
        assert!(new_folders("/etc/a/b/c", None).unwrap().is_empty());
    }
}
