//! What has to be changed in a guest so that it runs on the asked hardware: a plan, and the journal
//! of what was done.
//!
//! [`plan`] is pure: it reads the guest's files, and changes nothing. Each [`Step`] says which rules
//! of [`check`](crate::check) it mends and why; what it does not mend is in [`Plan::left`], with the
//! reason. Who carries a plan out boots the guest and has the steps done inside it, one after
//! another: the old bytes of every file that a step names come from the image, so that they are
//! known before anything is changed.
//!
//! Only what a rule found is changed. A file that is edited keeps every byte that the edit is not
//! about: comments, order, white space.

mod agents;
mod arguments;
mod change;
mod command_lines;
mod content;
mod diff;
mod digest;
mod disk_names;
mod draft;
mod edit;
mod error;
mod file_state;
mod firmware;
mod guest_tree;
mod initramfs;
mod journal;
mod logins;
mod modprobe;
mod mounts;
mod network;
mod options;
#[path = "prepare/plan.rs"]
mod plan_document;
mod planners;
mod running_path;
mod stable_name;
mod step_diff;
mod tool;
mod whose;

pub use change::{Change, Content, Touched};
pub use error::PlanError;
pub use file_state::{FileFacts, FileState, Owner};
pub use journal::{
    BLOB_FOLDER, ChangedFile, DiskImage, JOURNAL_FILE, JOURNAL_SCHEMA, Journal, StepOutcome,
    StepResult, TREE_FILE,
};
pub use options::{KnownMac, MacAddress, NoMacAddress, Options};
pub use plan_document::{Left, PLAN_SCHEMA, Plan, Step};
pub use planners::plan;
pub use tool::{PACKAGE_FOLDER, PackageFile, PackageManager, SEARCH_PATH, Tool};
pub use whose::Whose;

/// For the exerciser.
pub(crate) fn exercise(bytes: &[u8]) {
    edit::exercise(bytes);
    command_lines::exercise(bytes);
    diff::exercise(bytes);
}
