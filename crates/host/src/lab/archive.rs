//! The lab's initramfs: its first process, the machine, the kernel's modules.

use std::borrow::Cow;

use detente_initramfs::CpioWriter;
use sha2::{Digest as _, Sha256};

use super::modules::Module;

/// The two static programs that run in the lab.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The first process.
    pub init: Cow<'static, [u8]>,
    /// The Hyper-V-compatible machine.
    pub machine: Cow<'static, [u8]>,
}

impl Programs {
    /// SHA-256 of both, one behind the other, hex.
    pub(crate) fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(&self.init);
        hasher.update(&self.machine);
        let digest = hasher.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Parameters of modules: a processor that waits for its guest's next interrupt sleeps at once,
/// since what it would save by waiting awake is nothing beside what translation costs.
const PARAMETERS: [(&str, &str); 1] = [("kvm", "halt_poll_ns=0")];

/// The archive, not compressed: it would be unpacked by a translated processor.
pub(crate) fn archive(programs: &Programs, modules: &[Module]) -> Vec<u8> {
    let mut writer = CpioWriter::new();
    for folder in ["dev", "proc", "sys", "modules", "disks"] {
        writer.directory(folder, 0o755);
    }
    // The console, for the time before devtmpfs is mounted (Linux, devices.txt: 5, 1).
    writer.node("dev/console", 0o020_600, 5, 1);
    writer.file("init", 0o755, &programs.init);
    writer.file("detente-hyperv", 0o755, &programs.machine);
    let mut list = String::new();
    for (number, module) in modules.iter().enumerate() {
        let path = format!("modules/{number:02}-{}.ko", module.name);
        writer.file(&path, 0o644, &module.bytes);
        list.push_str(&format!("/{path}{}\n", parameters(&module.name)));
    }
    writer.file("modules.list", 0o644, list.as_bytes());
    writer.finish()
}

/// What follows a module's path in the list.
fn parameters(name: &str) -> String {
    let own = PARAMETERS.iter().filter(|(module, _)| *module == name);
    own.map(|(_, parameters)| format!(" {parameters}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use detente_initramfs::{Limits, walk};

    use super::*;

    #[test]
    fn the_list_names_the_modules_in_loading_order() {
        let programs = Programs {
            init: Cow::Borrowed(b"init"),
            machine: Cow::Borrowed(b"machine"),
        };
        let module = |name: &str| Module {
            name: name.to_owned(),
            bytes: name.into(),
        };
        let bytes = archive(&programs, &[module("kvm"), module("kvm_amd")]);
        let (mut names, mut list) = (Vec::new(), String::new());
        walk(bytes.as_slice(), &Limits::default(), &mut |entry, data| {
            names.push(entry.name.clone());
            if entry.name == "modules.list" {
                data.read_to_string(&mut list).unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(
            list,
            "/modules/00-kvm.ko halt_poll_ns=0\n/modules/01-kvm_amd.ko\n"
        );
        for line in list.lines() {
            let path = line.split(' ').next().unwrap();
            assert!(names.iter().any(|name| name == &path[1..]), "{line}");
        }
    }
}
