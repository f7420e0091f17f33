//! Boot menus: the entry that starts first, then the older kernel's.

use detente_samples::ROOT;

use crate::machine::Machine;

/// What every kernel gets.
const ARGUMENTS: &str = "ro console=ttyS0,115200 console=tty0 quiet";

/// GRUB's, as grub-mkconfig writes it, and what that makes it from.
pub(crate) fn grub(own: &mut Machine, path: &'static str, more: &str) {
    let mut text = "set default=\"0\"\n".to_owned();
    for (index, release) in own.releases.into_iter().enumerate() {
        text.push_str(&entry(release, &own.initramfs[index], more));
    }
    own.put(path, text);
    own.put(
        "etc/default/grub",
        "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX=\"console=ttyS0,115200 console=tty0\"\n",
    );
    own.menu = path;
}

/// An entry of GRUB's.
pub(crate) fn entry(release: &str, initramfs: &str, more: &str) -> String {
    format!(
        "menuentry 'Linux {release}' $menuentry_id_option 'linux-{release}' {{\n\
         \tsearch --no-floppy --fs-uuid --set=root {ROOT}\n\
         \tlinux\t/boot/vmlinuz-{release} root=UUID={ROOT} {more} {ARGUMENTS}\n\
         \tinitrd\t/{initramfs}\n}}\n"
    )
}

/// Where the entries of the Boot Loader Specification are.
pub(crate) fn bls_paths(own: &Machine) -> [String; 2] {
    own.releases.map(|release| {
        format!("boot/loader/entries/5d1f0c0b9f4e4e7c8a10de7e0000de01-{release}.conf")
    })
}

/// Red Hat's: a GRUB that reads entries of the Boot Loader Specification.
pub(crate) fn bls(own: &mut Machine) {
    own.put("etc/machine-id", "5d1f0c0b9f4e4e7c8a10de7e0000de01\n");
    own.put(
        "boot/grub2/grub.cfg",
        format!(
            "load_env -f ${{config_directory}}/grubenv\n\
             if [ \"${{next_entry}}\" ] ; then\n   set default=\"${{next_entry}}\"\n\
             else\n   set default=\"${{saved_entry}}\"\nfi\n\
             search --no-floppy --fs-uuid --set=root {ROOT}\nset boot=$root\n\
             insmod blscfg\nblscfg\n"
        ),
    );
    for (index, path) in bls_paths(own).into_iter().enumerate() {
        let (release, initramfs) = (own.releases[index], own.initramfs[index].clone());
        own.put(
            &path,
            format!(
                "title Linux ({release})\nversion {release}\nlinux /boot/vmlinuz-{release}\n\
                 initrd /{initramfs}\noptions root=UUID={ROOT} {ARGUMENTS}\n"
            ),
        );
    }
    grubenv(own, "");
    own.put(
        "etc/default/grub",
        "GRUB_DEFAULT=saved\nGRUB_CMDLINE_LINUX=\"console=tty0\"\n",
    );
    own.menu = "boot/grub2/grub.cfg";
}

/// GRUB's environment, of 1024 bytes, with the newest kernel as what was saved.
pub(crate) fn grubenv(own: &mut Machine, more: &str) {
    let newest = id(own, 0);
    let text = format!("# GRUB Environment Block\nsaved_entry={newest}\n{more}");
    own.put("boot/grub2/grubenv", format!("{text:#<1024}"));
}

/// The name of an entry.
pub(crate) fn id(own: &Machine, index: usize) -> String {
    let path = bls_paths(own)[index].clone();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".conf").to_owned()
}

/// Alpine's, as update-extlinux writes it.
pub(crate) fn extlinux(own: &mut Machine) {
    let mut text = "DEFAULT one\nPROMPT 0\nTIMEOUT 30\n".to_owned();
    for (label, index) in [("one", 0), ("two", 1)] {
        let (release, initramfs) = (own.releases[index], own.initramfs[index].clone());
        let initramfs = initramfs.trim_start_matches("boot/");
        text.push_str(&format!(
            "LABEL {label}\n  LINUX vmlinuz-{release}\n  INITRD {initramfs}\n  \
             APPEND root=UUID={ROOT} {ARGUMENTS}\n"
        ));
    }
    own.put("boot/extlinux.conf", text);
    own.menu = "boot/extlinux.conf";
}
