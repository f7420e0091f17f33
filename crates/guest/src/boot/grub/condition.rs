//! `[ … ]`, `search` and `probe`: what a script asks the machine.

use super::device;
use super::interpreter::{FILE_COST, Interpreter, Stop};
use crate::device_spec::DeviceSpec;
use crate::facts::VolumeId;

impl Interpreter<'_> {
    /// [GRUB manual] `test`: `-o` binds weakest, then `-a`, then `!`.
    pub(super) fn test(&mut self, arguments: &[String]) -> Result<bool, Stop> {
        let arguments: Vec<&str> = arguments
            .iter()
            .map(String::as_str)
            .take_while(|&word| word != "]")
            .collect();
        for any in arguments.split(|&word| word == "-o") {
            let mut all = true;
            for one in any.split(|&word| word == "-a") {
                all = all && self.primary(one)?;
            }
            if all {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn primary(&mut self, words: &[&str]) -> Result<bool, Stop> {
        // A loop: a list of `!` must not use up our stack.
        let negations = words.iter().take_while(|&&word| word == "!").count();
        let words = words.get(negations..).unwrap_or_default();
        let value = match words {
            [] => false,
            [text] => !text.is_empty(),
            ["-n", text] => !text.is_empty(),
            ["-z", text] => text.is_empty(),
            [kind @ ("-e" | "-f" | "-d" | "-s"), path] => self.file_test(kind, path)?,
            [left, operator, right] => compare(left, operator, right),
            _ => false,
        };
        Ok(value != (negations % 2 == 1))
    }

    fn file_test(&mut self, kind: &str, path: &str) -> Result<bool, Stop> {
        use detente_volume::FileKind;
        self.charge(FILE_COST)?;
        let Some(place) = self.file(path).place else {
            return Ok(false);
        };
        let found = self.volumes.kind(place.volume, &place.path)?;
        Ok(match kind {
            "-d" => found == Some(FileKind::Directory),
            "-f" => found == Some(FileKind::File),
            "-s" => self
                .volumes
                .head(place.volume, &place.path, 1)?
                .is_some_and(|b| !b.is_empty()),
            _ => found.is_some(),
        })
    }

    /// `search [--file|--label|--fs-uuid] [--set[=VAR]] [--hint…=…] NAME`.
    pub(super) fn search(&mut self, command: &str, arguments: &[String]) -> Result<(), Stop> {
        let short = command.strip_prefix("search.");
        let mut kind = short.unwrap_or("file").to_owned();
        let mut variable = "root".to_owned();
        let mut words = Vec::new();
        let mut rest = arguments.iter().map(String::as_str).peekable();
        while let Some(word) = rest.next() {
            match word {
                "-u" | "--fs-uuid" => "fs_uuid".clone_into(&mut kind),
                "-l" | "--label" => "fs_label".clone_into(&mut kind),
                "-f" | "--file" => "file".clone_into(&mut kind),
                "-s" | "--set" => {
                    // The name may follow, unless the thing searched for is all that is left.
                    if let Some(next) = rest.peek().copied()
                        && !next.starts_with('-')
                        && rest
                            .clone()
                            .any(|word| word != next && !word.starts_with('-'))
                    {
                        rest.next().unwrap_or_default().clone_into(&mut variable);
                    }
                }
                "--hint" | "-h" => {
                    rest.next();
                }
                word => match word.strip_prefix("--set=") {
                    Some(name) => name.clone_into(&mut variable),
                    None if word.starts_with('-') => {}
                    None => words.push(word),
                },
            }
        }
        // `search.fs_uuid UUID VAR HINT…`.
        if short.is_some()
            && let Some(name) = words.get(1)
        {
            (*name).clone_into(&mut variable);
        }
        let wanted = (if short.is_some() {
            words.first()
        } else {
            words.last()
        })
        .copied();
        let found = self.find(&kind, wanted.unwrap_or_default())?;
        self.ok = found.is_some();
        if let Some(id) = found {
            self.set(&variable, device::name(self.volumes, id));
        }
        Ok(())
    }

    fn find(&mut self, kind: &str, wanted: &str) -> Result<Option<VolumeId>, Stop> {
        if wanted.is_empty() {
            return Ok(None);
        }
        match kind {
            "fs_uuid" => Ok(self.volumes.resolve(&DeviceSpec::Uuid(wanted.to_owned()))),
            "fs_label" => Ok(self.volumes.resolve(&DeviceSpec::Label(wanted.to_owned()))),
            _ => {
                let volumes = self.volumes;
                for held in volumes.readable() {
                    self.charge(FILE_COST)?;
                    if volumes.kind(held.id, wanted)?.is_some() {
                        return Ok(Some(held.id));
                    }
                }
                Ok(None)
            }
        }
    }

    /// `probe --set=VAR --fs-uuid DEVICE`.
    pub(super) fn probe(&mut self, arguments: &[String]) {
        let mut variable = None;
        let mut words = Vec::new();
        let mut rest = arguments.iter().map(String::as_str);
        let mut uuid = false;
        while let Some(word) = rest.next() {
            match word {
                "-u" | "--fs-uuid" => uuid = true,
                "-s" | "--set" => variable = rest.next(),
                word => match word.strip_prefix("--set=") {
                    Some(name) => variable = Some(name),
                    None => words.push(word),
                },
            }
        }
        let device = words.last().map(|word| word.trim_matches(['(', ')']));
        let id = device.and_then(|device| device::find(self.volumes, device));
        let value = id.and_then(|id| self.volumes.get(id)?.uuid().map(str::to_owned));
        match (uuid, variable, value) {
            (true, Some(variable), Some(value)) => self.set(variable, value),
            _ => self.ok = false,
        }
    }
}

fn compare(left: &str, operator: &str, right: &str) -> bool {
    let numbers = || Some((left.parse::<i64>().ok()?, right.parse::<i64>().ok()?));
    let numeric = |holds: fn(&i64, &i64) -> bool| numbers().is_some_and(|(l, r)| holds(&l, &r));
    match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => numeric(i64::eq),
        "-ne" => numeric(i64::ne),
        "-lt" => numeric(i64::lt),
        "-le" => numeric(i64::le),
        "-gt" => numeric(i64::gt),
        "-ge" => numeric(i64::ge),
        _ => false,
    }
}
