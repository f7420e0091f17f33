//! Host name, agents and kernels: what stands at known places of a root.

use std::collections::BTreeMap;

use detente_initramfs::kernel;

use crate::error::InspectError;
use crate::facts::{Agent, Kernel, KernelKind, Place};
use crate::fstab::Tree;
use crate::volumes::Volumes;

/// A host name has at most 64 bytes; there may be comments.
const MAX_HOSTNAME_BYTES: u64 = 4096;
/// More kernels than any system keeps.
const MAX_KERNELS: usize = 64;

/// Agents, and the files by which they are known in the distributions.
const AGENTS: [(&str, &[&str]); 4] = [
    (
        "qemu-guest-agent",
        &[
            "/usr/sbin/qemu-ga",
            "/usr/bin/qemu-ga",
            "/usr/lib/systemd/system/qemu-guest-agent.service",
        ],
    ),
    (
        "hyperv-daemons",
        &[
            "/usr/sbin/hv_kvp_daemon",
            "/usr/sbin/hv_vss_daemon",
            "/usr/sbin/hypervkvpd",
            "/usr/sbin/hypervvssd",
            "/usr/lib/hyper-v/bin/hv_kvp_daemon",
        ],
    ),
    ("open-vm-tools", &["/usr/bin/vmtoolsd"]),
    ("cloud-init", &["/usr/bin/cloud-init"]),
];

/// `/etc/hostname`: the first line that is no comment.
pub(crate) fn hostname(volumes: &Volumes, tree: &Tree) -> Result<Option<String>, InspectError> {
    let place = tree.place("/etc/hostname");
    let text = volumes
        .text(place.volume, &place.path, MAX_HOSTNAME_BYTES)?
        .unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    Ok(lines
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned))
}

/// The agents whose files are there.
pub(crate) fn agents(volumes: &Volumes, tree: &Tree) -> Result<Vec<Agent>, InspectError> {
    let mut agents = Vec::new();
    for (name, paths) in AGENTS {
        let mut files = Vec::new();
        for path in paths {
            if volumes.is_file(&tree.place(path))? {
                files.push((*path).to_owned());
            }
        }
        if !files.is_empty() {
            agents.push(Agent {
                name: name.to_owned(),
                files,
            });
        }
    }
    Ok(agents)
}

/// Kernels by release: images in `/boot`, folders in `/lib/modules`; newest first.
pub(crate) fn kernels(volumes: &Volumes, tree: &Tree) -> Result<Vec<Kernel>, InspectError> {
    let mut found: BTreeMap<String, Kernel> = BTreeMap::new();
    let boot = tree.place("/boot");
    let images = volumes.list(boot.volume, &boot.path)?;
    let is_kernel = |name: &&String| {
        ["vmlinuz", "bzImage", "kernel-"]
            .iter()
            .any(|kind| name.starts_with(kind))
    };
    for name in images.iter().filter(is_kernel).take(MAX_KERNELS) {
        let place = tree.place(&format!("/boot/{name}"));
        let Some(release) = release(volumes, &place)? else {
            continue;
        };
        let kernel = Kernel {
            release: release.clone(),
            image: Some(place),
            ..blank()
        };
        found.entry(release).or_insert(kernel);
    }
    let mut folders = Vec::new();
    for path in ["/lib/modules", "/usr/lib/modules"] {
        let place = tree.place(path);
        folders.extend(volumes.list(place.volume, &place.path)?);
    }
    for release in folders.into_iter().take(MAX_KERNELS.saturating_mul(2)) {
        if !release.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let kernel = Kernel {
            release: release.clone(),
            ..blank()
        };
        let kernel = found.entry(release.clone()).or_insert(kernel);
        kernel.modules = true;
        // SUSE, Fedora and Arch keep the image beside the modules.
        let place = tree.place(&format!("/usr/lib/modules/{release}/vmlinuz"));
        if kernel.image.is_none() && volumes.is_file(&place)? {
            kernel.image = Some(place);
        }
    }
    let mut kernels: Vec<Kernel> = found.into_values().collect();
    kernels.sort_by(|left, right| crate::boot::compare_versions(&right.release, &left.release));
    Ok(kernels)
}

/// The release in a kernel image's header; `None` if it is no x86 kernel.
pub(crate) fn release(volumes: &Volumes, place: &Place) -> Result<Option<String>, InspectError> {
    let head = volumes.head(place.volume, &place.path, kernel::HEAD_BYTES)?;
    let parsed = head.and_then(|head| kernel::parse(&head).ok());
    let release = parsed.map(|kernel| kernel.release().to_owned());
    Ok(release.filter(|release| !release.is_empty()))
}

fn blank() -> Kernel {
    Kernel {
        release: String::new(),
        image: None,
        modules: false,
        kind: KernelKind::default(),
        image_release: None,
        modules_folder: None,
        config: None,
        entries: Vec::new(),
        drivers: Vec::new(),
    }
}
