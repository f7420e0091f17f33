//! Flatcar as its image is delivered: the root is empty, and the system is on `/usr`, of which
//! there are two.

use detente_samples::{kernel, program};
use detente_volume::Content;

use super::machine::{ESP, LINUX, Machine};
use crate::boot::FLATCAR_USR;
use crate::facts::{Loader, VolumeId};
use crate::guest::{Options, look};

/// flatcar/scripts, `disk_layout.json`: the names, and the order of the partitions.
#[test]
fn a_flatcar_that_was_never_started_is_known_by_its_usr() {
    let (kernel, program) = (kernel("6.6.0-flatcar"), program(62));
    let release: &[u8] = b"ID=flatcar\nVERSION_ID=3975.2.0\nPRETTY_NAME=\"Flatcar\"\n";
    let usr = |uuid: &str| Content::Ext4 {
        uuid: uuid.to_owned(),
        label: String::new(),
    };
    let root = Content::Ext4 {
        uuid: "R".to_owned(),
        label: "ROOT".to_owned(),
    };
    let files: [(&str, &[u8]); 2] = [("/lib/os-release", release), ("/bin/bash", &program)];
    let machine = Machine::new()
        .fat(ESP, &[("/flatcar/vmlinuz-a", &kernel)])
        .volume(FLATCAR_USR, usr("A"), Some(&files))
        .named("USR-A")
        .volume(FLATCAR_USR, usr("B"), None)
        .named("USR-B")
        .volume(LINUX, root, Some(&[]));
    let guest = look(machine.volumes(), Options::default()).unwrap();
    let facts = guest.facts();
    assert_eq!(facts.operating_system.id, "flatcar");
    assert_eq!(facts.operating_system.source, "/usr/lib/os-release");
    assert_eq!(facts.boot.loader, Loader::Grub2);
    assert_eq!(facts.root, VolumeId::new(0, 4));
    assert_eq!(facts.problems, []);
    let mounted = |number: usize| facts.disks[0].volumes[number].mount_point.as_deref();
    assert_eq!(
        (mounted(1), mounted(2), mounted(3)),
        (Some("/usr"), None, Some("/"))
    );
}
