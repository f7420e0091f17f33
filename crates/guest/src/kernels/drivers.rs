//! Which of the drivers that matter a kernel has: `modules.dep`, `modules.builtin`, its
//! configuration. Each is read once, line by line, with a buffer of [`LINE_BYTES`].

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use detente_block::ReadError;
use detente_initramfs::BlockReader;
use detente_volume::FsError;

use crate::facts::{DRIVERS, Driver, DriverState, Evidence, KnownDriver};
use crate::files::{Files, absent};

/// The part of a line that is looked at: a path, or a setting.
const LINE_BYTES: u64 = 64 * 1024;
/// Ten times the longest list of modules.
const MAX_LIST_BYTES: u64 = 16 << 20;

/// What is known of each driver, in the order of [`DRIVERS`]; empty where nothing is known at all.
pub(super) fn find(
    files: Files<'_>,
    folder: Option<&str>,
    config: Option<&str>,
) -> Result<Vec<Driver>, FsError> {
    let mut search = Search::new();
    if let Some(folder) = folder {
        let has_list = search.read(files, &format!("{folder}/modules.dep"), List::Modules)?;
        if !has_list {
            // Before depmod ran: what the build of the kernel wrote.
            search.read(files, &format!("{folder}/modules.order"), List::Modules)?;
        }
        search.read(files, &format!("{folder}/modules.builtin"), List::Builtin)?;
    }
    if let Some(config) = config {
        search.read(files, config, List::Config)?;
    }
    Ok(search.drivers())
}

/// What kind of list a file is.
#[derive(Clone, Copy)]
enum List {
    /// A path a line, behind which others may follow.
    Modules,
    /// A path a line, for what is part of the image.
    Builtin,
    /// `CONFIG_NAME=y`.
    Config,
}

struct Search {
    by_name: HashMap<&'static str, usize>,
    states: Vec<Option<DriverState>>,
    searched: Vec<String>,
}

impl Search {
    fn new() -> Self {
        let numbered = DRIVERS.iter().enumerate();
        Self {
            by_name: numbered.map(|(index, known)| (known.name, index)).collect(),
            states: vec![None; DRIVERS.len()],
            searched: Vec::new(),
        }
    }

    /// Reads a list; `false` if it is not there, or has nothing in it.
    fn read(&mut self, files: Files<'_>, path: &str, list: List) -> Result<bool, FsError> {
        let Some(file) = absent(files.system().open(path))? else {
            return Ok(false);
        };
        let any = file.len_bytes() > 0;
        self.lines(BlockReader::new(file), path, list)
            .map_err(failed)?;
        self.searched.push(path.to_owned());
        Ok(any)
    }

    fn lines(&mut self, file: impl Read, path: &str, list: List) -> io::Result<()> {
        let mut file = BufReader::with_capacity(64 * 1024, file.take(MAX_LIST_BYTES));
        let mut line = Vec::new();
        let mut number = 0_u32;
        loop {
            line.clear();
            // The rest of a longer line counts as the next one, which spoils numbers only.
            if (&mut file).take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            number = number.saturating_add(1);
            let Ok(text) = std::str::from_utf8(&line) else {
                continue;
            };
            let at = || Evidence::line(path, number);
            match list {
                List::Modules => self.module(text, at),
                List::Builtin => self.builtin(text, at),
                List::Config => self.config(text, at),
            }
        }
    }

    fn slot(&mut self, path: &str) -> Option<&mut Option<DriverState>> {
        let name = crate::modules::module_name(path)?;
        let index = self.by_name.get(name.as_str())?;
        self.states.get_mut(*index)
    }

    fn module(&mut self, line: &str, at: impl Fn() -> Evidence) {
        let path = line.split(':').next().unwrap_or_default().trim();
        if let Some(slot) = self.slot(path) {
            slot.get_or_insert_with(|| DriverState::Module {
                path: path.to_owned(),
                at: at(),
            });
        }
    }

    fn builtin(&mut self, line: &str, at: impl Fn() -> Evidence) {
        if let Some(slot) = self.slot(line.trim()) {
            slot.get_or_insert_with(|| DriverState::Builtin { at: at() });
        }
    }

    fn config(&mut self, line: &str, at: impl Fn() -> Evidence) {
        let Some(name) = line.trim().strip_suffix("=y") else {
            return;
        };
        let known = |known: &KnownDriver| known.config == name;
        for (state, _) in self
            .states
            .iter_mut()
            .zip(DRIVERS)
            .filter(|(state, driver)| state.is_none() && known(driver))
        {
            *state = Some(DriverState::Builtin { at: at() });
        }
    }

    fn drivers(self) -> Vec<Driver> {
        if self.searched.is_empty() {
            return Vec::new();
        }
        let searched = self.searched;
        let driver = |(known, state): (&KnownDriver, Option<DriverState>)| Driver {
            name: known.name.to_owned(),
            state: state.unwrap_or_else(|| DriverState::Missing {
                searched: searched.clone(),
            }),
        };
        DRIVERS.iter().zip(self.states).map(driver).collect()
    }
}

/// A failed read, as the layer below reported it.
fn failed(error: io::Error) -> FsError {
    FsError::Read(match error.downcast::<ReadError>() {
        Ok(error) => error,
        Err(source) => ReadError::Io { offset: 0, source },
    })
}

pub(super) fn exercise(bytes: &[u8]) {
    for list in [List::Modules, List::Builtin, List::Config] {
        let mut search = Search::new();
        // A slice is read without failure.
        let _ = search.lines(bytes, "/x", list);
        search.drivers();
    }
}
