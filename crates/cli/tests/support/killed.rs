//! `detente prepare`, killed at any moment: the source is as it was, nothing looks finished, nothing
//! goes on, and the next run clears up.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::prepare::{CARD, SIDES, b2sum, journal_of};
use super::{await_some, detente, names, processes_naming};

/// How long a machine may outlive its owner.
const AFTERLIFE: Duration = Duration::from_secs(5);

/// How long a run may take to begin.
const BEGIN: Duration = Duration::from_secs(120);

/// Where a run is killed.
pub(crate) struct Place {
    folder: PathBuf,
    image: PathBuf,
    digest: String,
}

impl Place {
    /// Prepares `image`, below `folder`.
    pub(crate) fn new(folder: &Path, image: &Path) -> Self {
        for name in ["tmp", "home", "out"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        Self {
            folder: folder.to_owned(),
            image: image.to_owned(),
            digest: b2sum(image),
        }
    }

    /// What is made.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.join("out/both.qcow2")
    }

    /// The command; every folder of its user is our own.
    pub(crate) fn command(&self) -> Command {
        let mut command = detente();
        command
            .args(["prepare", "--mac", CARD])
            .args(SIDES)
            .arg(&self.image)
            .arg("-o")
            .arg(self.out())
            .env("TMPDIR", self.folder.join("tmp"))
            .env("HOME", self.folder.join("home"))
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null());
        command
    }

    /// Starts it, kills it that long after its folder is there (it may have ended before), and looks
    /// at what is left.
    #[track_caller]
    pub(crate) fn kill_after(&self, moment: Duration) {
        let mut command = self.command();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        await_some("the run's folder", BEGIN, || self.work_folder());
        wait_until(Instant::now() + moment, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        await_some("the machine's end", AFTERLIFE, || {
            processes_naming(&self.folder, 0).is_empty().then_some(())
        });
        self.expect_untouched(moment);
    }

    /// The hidden folder in which it works.
    fn work_folder(&self) -> Option<PathBuf> {
        let out = self.folder.join("out");
        let mut all = names(&out).into_iter();
        let name = all.find(|name| name.contains(".detente-prepare-"))?;
        Some(out.join(name))
    }

    /// The source has its bytes; what is there is hidden, or whole.
    #[track_caller]
    fn expect_untouched(&self, moment: Duration) {
        assert_eq!(b2sum(&self.image), self.digest, "{moment:?}");
        assert_eq!(names(&self.folder.join("tmp")), [""; 0], "{moment:?}");
        let out = self.out();
        if out.exists() {
            // Its journal gets its name first, and it is the disk that the journal tells of.
            self.expect_whole();
            std::fs::remove_file(&out).unwrap();
        }
        let journal = journal_of(&out);
        if journal.exists() {
            std::fs::remove_dir_all(journal).unwrap();
        }
        let left = names(&self.folder.join("out"));
        let is_hidden = |name: &String| name.starts_with(".both.qcow2.detente-prepare-");
        assert!(left.iter().all(is_hidden), "{moment:?}: {left:?}");
    }

    /// The disk has the digest that its journal gives it.
    #[track_caller]
    pub(crate) fn expect_whole(&self) {
        let journal = std::fs::read(journal_of(&self.out()).join("journal.json")).unwrap();
        let journal: serde_json::Value = serde_json::from_slice(&journal).unwrap();
        let mut command = detente();
        command.args(["image", "digest"]).arg(self.out());
        let digest = super::stdout(&command.output().unwrap());
        let told = journal["output"][0]["content_digest"].as_str().unwrap();
        assert!(digest.contains(told), "{digest}: {told}");
    }

    /// A run after all kills comes to its end, and leaves what it is asked for and nothing else.
    #[track_caller]
    pub(crate) fn comes_to_its_end(&self) {
        super::expect_code(&self.command().output().unwrap(), 0);
        let left = names(&self.folder.join("out"));
        assert_eq!(left, ["both.qcow2", "both.qcow2.journal"]);
        self.expect_whole();
    }
}

/// Waits for a moment, or for the child's end.
fn wait_until(moment: Instant, child: &mut Child) {
    while Instant::now() < moment && child.try_wait().unwrap().is_none() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
