//! Initramfs files, with the signs of who made them and for whom.

use crate::archive::newc;

/// Makes one for a kernel, of these modules.
pub(crate) type Maker = fn(&str, &[&str]) -> Vec<u8>;

fn files(release: &str, modules: &[&str], signs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    let module = |name: &&str| {
        let path = format!("usr/lib/modules/{release}/kernel/x/{name}.ko");
        (path, Vec::new())
    };
    let signs = signs
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    signs.chain(modules.iter().map(module)).collect()
}

/// Debian's, for any machine.
pub(crate) fn initramfs_tools(release: &str, modules: &[&str]) -> Vec<u8> {
    newc(&files(
        release,
        modules,
        &[("init", ""), ("conf/initramfs.conf", "MODULES=most\n")],
    ))
}

/// Debian's, for the machine that makes it.
pub(crate) fn initramfs_tools_for_one(release: &str, modules: &[&str]) -> Vec<u8> {
    newc(&files(
        release,
        modules,
        &[("init", ""), ("conf/initramfs.conf", "MODULES=dep\n")],
    ))
}

/// Dracut's, for any machine, packed.
pub(crate) fn dracut(release: &str, modules: &[&str]) -> Vec<u8> {
    let signs = [
        ("init", ""),
        ("usr/lib/dracut-lib.sh", ""),
        ("usr/lib/dracut/build-parameter.txt", "--no-hostonly\n"),
    ];
    zstd::encode_all(&newc(&files(release, modules, &signs))[..], 1).unwrap()
}

/// Alpine's.
pub(crate) fn mkinitfs(release: &str, modules: &[&str]) -> Vec<u8> {
    newc(&files(
        release,
        modules,
        &[("init", ""), ("sbin/nlplug-findfs", "")],
    ))
}

/// Arch's.
pub(crate) fn mkinitcpio(release: &str, modules: &[&str]) -> Vec<u8> {
    newc(&files(
        release,
        modules,
        &[("init", ""), ("init_functions", ""), ("config", "")],
    ))
}
