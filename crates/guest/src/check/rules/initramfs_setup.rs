//! How initramfs files come to be: the next one may lack what this one has.

use super::ALL;
use super::lookups::absent;
use crate::check::entry::{self, Reach};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{Builder, BuilderSetting, DriverState, InitramfsImage, InitramfsRole, Scope};

const BOTH_WORLDS: &str = "Name the modules of both worlds in the configuration of the initramfs, \
                           so that whichever machine rebuilds it puts them in.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.initramfs.host-only",
        aspect: Aspect::BootStorage,
        severity: Severity::Note,
        profiles: ALL,
        title: "the initramfs was made for one machine",
        consequence: "It holds the drivers of the machine that it was made on; the next one, made \
                      over there, lacks those of the way back.",
        remedy: BOTH_WORLDS,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "dracut.conf(5), hostonly; dracut's module `qemu` is taken only on QEMU",
        look: host_only,
    },
    Rule {
        id: "linux.initramfs.modules-dep",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "initramfs-tools is told to take the drivers of this machine alone",
        consequence: "The next kernel's initramfs lacks the drivers of every other hardware.",
        remedy: "Set MODULES=most, or name the modules in /etc/initramfs-tools/modules.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "initramfs.conf(5), MODULES",
        look: modules_dep,
    },
    Rule {
        id: "linux.initramfs.driver-omitted",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "dracut is told to leave out a driver of this hardware",
        consequence: "The next initramfs does not find the disk.",
        remedy: "Take the driver out of omit_drivers.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "dracut.conf(5), omit_drivers",
        look: driver_omitted,
    },
    Rule {
        id: "linux.initramfs.kdump-drivers-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the initramfs of kdump has no driver of this hardware's disk",
        consequence: "After a crash no dump is written, until kdump makes its initramfs anew.",
        remedy: "Rebuild it on the new machine (`kdumpctl rebuild`), or remove it before the move \
                 so that it is made anew.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "kexec-tools, kdumpctl: a host-only initramfs of its own",
        look: kdump_drivers,
    },
    Rule {
        id: "linux.initramfs.damaged",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "an initramfs of the boot menu cannot be read to its end",
        consequence: "The kernel may unpack it or not: what comes behind the damage is lost.",
        remedy: "Rebuild it where the guest last ran.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, init/initramfs.c",
        look: damaged,
    },
];

/// The initramfs files that the menu loads.
fn bootable<'a>(view: &View<'a>) -> impl Iterator<Item = &'a InitramfsImage> {
    let images = view.facts.initramfs_images.iter();
    images.filter(|image| !image.entries.is_empty() && image.role == InitramfsRole::Boot)
}

/// Whether the guest's own configuration puts this profile's drivers into every initramfs.
fn is_provided(view: &View<'_>) -> bool {
    let settings = &view.facts.module_settings.builders;
    let adds = |own: &&BuilderSetting| {
        matches!(
            own.name.as_str(),
            "add_drivers" | "force_drivers" | "drivers" | "modules" | "MODULES" | "INITRD_MODULES"
        )
    };
    let named = |module: &&&str| {
        settings
            .iter()
            .filter(adds)
            .flat_map(|own| &own.values)
            .any(|value| value.replace('-', "_") == **module)
    };
    // What every kernel has built in is in no initramfs.
    let kernels = &view.facts.kernels;
    let is_builtin = |module: &str| {
        let mut kernels = kernels.iter();
        !kernels.as_slice().is_empty()
            && kernels.all(|own| matches!(own.driver(module), DriverState::Builtin { .. }))
    };
    let needed = view.profile.disk_modules().iter();
    needed
        .filter(|module| **module != "sd_mod" && !is_builtin(module))
        .all(|module| named(&module))
}

fn host_only(view: &View<'_>) -> Looked {
    if is_provided(view) {
        return Looked::fine();
    }
    let made = bootable(view).filter_map(|image| {
        let contents = image.contents.as_ref()?;
        let said = contents.scope_evidence.as_deref().unwrap_or("host-only");
        let text = format!("{} is made for one machine: {said}", image.place);
        (contents.scope == Scope::HostOnly).then(|| Proof::words(text).on(&image.place))
    });
    Looked::found(made)
}

fn modules_dep(view: &View<'_>) -> Looked {
    let mut settings = view.facts.module_settings.builders.iter();
    let last =
        settings.rfind(|own| own.builder == Builder::InitramfsTools && own.name == "MODULES");
    let dep = last.filter(|own| own.values.iter().any(|value| value == "dep"));
    Looked::found(dep.filter(|_| !is_provided(view)).map(builder_proof))
}

fn driver_omitted(view: &View<'_>) -> Looked {
    let settings = view.facts.module_settings.builders.iter();
    let omitted = settings.filter(|own| {
        let names = own.values.iter().map(|value| value.replace('-', "_"));
        own.name == "omit_drivers"
            && names
                .into_iter()
                .any(|name| view.profile.disk_modules().contains(&name.as_str()))
    });
    Looked::found(omitted.map(builder_proof))
}

fn builder_proof(setting: &BuilderSetting) -> Proof {
    let value = setting.values.join(" ");
    Proof::words(format!("{}={value}", setting.name))
        .at(&setting.at)
        .pair(&setting.name, &value)
}

/// The dump's initramfs, as if an entry of the menu loaded it with its kernel.
fn kdump_drivers(view: &View<'_>) -> Looked {
    let images = view.facts.initramfs_images.iter();
    let mut looked = Looked::fine();
    for image in images.filter(|image| image.role == InitramfsRole::Kdump) {
        let Some(entry) = entry::of_image(view.facts, image) else {
            continue;
        };
        for module in view.profile.disk_modules() {
            if !matches!(entry.reach(module), Reach::Unknown(_)) {
                looked = looked.and(absent(&entry, module));
            }
        }
    }
    looked
}

fn damaged(view: &View<'_>) -> Looked {
    let damaged = bootable(view).filter_map(|image| {
        let damage = image.damage.as_ref()?;
        Some(Proof::words(format!("{}: {damage}", image.place)).on(&image.place))
    });
    Looked::found(damaged)
}
