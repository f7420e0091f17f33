//! Drivers that come with the agent, for a boot on hardware whose drivers the guest's initramfs
//! lacks: one more archive behind it, and an order that names them.

use detente_guest::{BootFiles, Rescue};
use detente_initramfs::{CpioWriter, append};
use detente_plan::protocol::Order;

/// Appends the modules to the initramfs and has the agent load them before the guest's init runs.
/// A guest without an initramfs of its own stays as it is: its kernel has its drivers, or nothing
/// of it would ever have started.
pub(crate) fn bring(rescue: &Rescue, files: &mut BootFiles, order: &mut Order) {
    if order.root.is_some() || rescue.modules.is_empty() {
        return;
    }
    let mut writer = CpioWriter::new();
    writer.directory(".detente", 0o700);
    writer.directory(".detente/modules", 0o700);
    for module in &rescue.modules {
        let name = format!(".detente/modules/{}.ko", module.name);
        writer.file(&name, 0o600, &module.bytes);
    }
    let initramfs = std::mem::take(&mut files.initramfs);
    files.initramfs = append(initramfs, &writer.finish());
    let names = rescue.modules.iter().map(|module| module.name.clone());
    order.modules = names.collect();
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use detente_guest::RescueModule;
    use detente_initramfs::{Limits, walk};
    use detente_plan::protocol::PROTOCOL;

    use super::*;

    fn order() -> Order {
        Order {
            protocol: PROTOCOL,
            run_id: "run-7".to_owned(),
            plan_digest: String::new(),
            original_init: "/init".to_owned(),
            root: None,
            modules: Vec::new(),
        }
    }

    fn files() -> BootFiles {
        let mut own = CpioWriter::new();
        own.file("init", 0o755, b"#!/bin/sh");
        BootFiles {
            kernel: Vec::new(),
            initramfs: own.finish(),
            cmdline: String::new(),
            kernel_release: "6.1".to_owned(),
            original_init: "/init".to_owned(),
        }
    }

    fn rescue() -> Rescue {
        let module = |name: &str| RescueModule {
            name: name.to_owned(),
            path: format!("/lib/modules/6.1/{name}.ko"),
            bytes: format!("\x7fELF {name}").into_bytes(),
        };
        Rescue {
            kernel: "6.1".to_owned(),
            modules: ["virtio", "virtio_blk"].map(module).into(),
        }
    }

    #[test]
    fn modules_lie_behind_the_guests_own_files_and_are_named_in_order() {
        let (mut files, mut order) = (files(), order());
        bring(&rescue(), &mut files, &mut order);
        assert_eq!(order.modules, ["virtio", "virtio_blk"]);
        let mut found = Vec::new();
        let walked = walk(
            files.initramfs.as_slice(),
            &Limits::default(),
            &mut |entry, data| {
                let mut text = String::new();
                data.read_to_string(&mut text).unwrap();
                found.push((entry.name.clone(), text));
                ControlFlow::Continue(())
            },
        );
        walked.unwrap();
        assert_eq!(found[0].0, "init");
        let last = (".detente/modules/virtio_blk.ko", "\x7fELF virtio_blk");
        let (name, text) = found.last().unwrap();
        assert_eq!((&**name, &**text), last);
    }

    #[test]
    fn nothing_to_bring_changes_nothing() {
        let (mut found, mut order) = (files(), order());
        let none = Rescue {
            modules: Vec::new(),
            ..rescue()
        };
        bring(&none, &mut found, &mut order);
        assert_eq!(found, files());
        assert_eq!(order.modules.len(), 0);
    }
}
