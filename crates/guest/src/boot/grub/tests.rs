//! Configurations in the shape that each distribution's grub-mkconfig gives them.

use detente_samples::kernel;

use crate::boot::model::{Found, Start};
use crate::facts::DefaultReason;
use crate::tests::machine::{ESP, Machine};

/// What all of them begin with: functions, variables, the choice of the default.
const HEADER: &str = r#"
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="DEFAULT"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
function recordfail {
  set recordfail=1
  if [ -n "${have_grubenv}" ]; then if [ -z "${boot_once}" ]; then save_env recordfail; fi; fi
}
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod efi_gop
  fi
}
function gfxmode {
	set gfxpayload="${1}"
	if [ "${1}" = "keep" ]; then
		set vt_handoff=vt.handoff=7
	else
		set vt_handoff=
	fi
}
if [ x$feature_default_font_path = xy ] ; then
   font=unicode
else
insmod part_gpt
fi
if loadfont $font ; then
  set gfxmode=auto
fi
if [ $grub_platform = xen ]; then insmod xzio; insmod lzopio; fi
"#;

const DEBIAN: &str = r#"
function gfxmode { set gfxpayload="${1}"; }
set linux_gfx_mode=
export linux_gfx_mode
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux $menuentry_id_option 'gnulinux-simple-R' {
	load_video
	insmod gzio
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	insmod part_gpt
	insmod ext2
	set root='hd0,gpt1'
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint-efi=hd0,gpt2  R
	else
	  search --no-floppy --fs-uuid --set=root R
	fi
	echo	'Loading Linux 6.1.0-28-amd64 ...'
	linux	/boot/vmlinuz-6.1.0-28-amd64 root=UUID=R ro  quiet
	echo	'Loading initial ramdisk ...'
	initrd	/boot/initrd.img-6.1.0-28-amd64
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-R' {
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-28-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-28-amd64-advanced-R' {
		search --no-floppy --fs-uuid --set=root R
		linux	/boot/vmlinuz-6.1.0-28-amd64 root=UUID=R ro  quiet
		initrd	/boot/initrd.img-6.1.0-28-amd64
	}
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-9-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-9-amd64-advanced-R' {
		search --no-floppy --fs-uuid --set=root R
		linux	/boot/vmlinuz-6.1.0-9-amd64 root=UUID=R ro  single
		initrd	/boot/early.cpio /boot/initrd.img-6.1.0-9-amd64
	}
}
if [ "$grub_platform" = "efi" ]; then
	fwupdate=1
	menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
		fwsetup
	}
fi
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
fi
"#;

const STUB: &[u8] =
    b"search.fs_uuid R root \nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n";

fn grubenv(lines: &str) -> Vec<u8> {
    let mut block = format!("# GRUB Environment Block\n{lines}").into_bytes();
    block.resize(1024, b'#');
    block
}

/// A Debian guest with an ESP, a default and an environment block.
fn debian(default: &str, environment: &str) -> Found {
    let config = format!("{}{DEBIAN}", HEADER.replace("DEFAULT", default));
    let machine = Machine::new()
        .fat(ESP, &[("/EFI/debian/grub.cfg", STUB)])
        .ext4(
            "R",
            &[
                ("/boot/grub/grub.cfg", config.as_bytes()),
                ("/boot/grub/grubenv", &grubenv(environment)),
                ("/boot/vmlinuz-6.1.0-28-amd64", &kernel("6.1.0-28-amd64")),
            ],
        );
    super::find(&machine.volumes()).unwrap().unwrap()
}

/// Title of the default entry, and why it is.
fn chosen(found: &Found) -> (String, DefaultReason) {
    let (index, why) = found.default.clone().unwrap();
    (found.entries[index].title.clone(), why)
}

fn linux(found: &Found, index: usize) -> (String, String, Vec<String>) {
    match &found.entries[index].start {
        Start::Linux(linux) => (
            linux.kernel.place.as_ref().unwrap().to_string(),
            linux.command_line.clone(),
            linux
                .initramfs
                .iter()
                .map(|file| file.place.as_ref().unwrap().to_string())
                .collect(),
        ),
        other => panic!("not Linux: {other:?}"),
    }
}

#[test]
fn debian_boots_the_first_entry_of_the_file_that_the_esp_leads_to() {
    let found = debian("0", "");
    assert_eq!(
        found.config.as_ref().unwrap().to_string(),
        "/boot/grub/grub.cfg on disk 0 partition 2"
    );
    let configured = DefaultReason::Configured {
        value: "0".to_owned(),
    };
    assert_eq!(chosen(&found), ("Debian GNU/Linux".to_owned(), configured));
    let titles: Vec<&str> = found
        .entries
        .iter()
        .map(|entry| entry.title.as_str())
        .collect();
    assert_eq!(
        titles,
        [
            "Debian GNU/Linux",
            "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-28-amd64",
            "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-9-amd64",
            "UEFI Firmware Settings",
        ]
    );
    let (kernel, line, initramfs) = linux(&found, 0);
    assert_eq!(kernel, "/boot/vmlinuz-6.1.0-28-amd64 on disk 0 partition 2");
    assert_eq!(line, "root=UUID=R ro quiet");
    assert_eq!(
        initramfs,
        ["/boot/initrd.img-6.1.0-28-amd64 on disk 0 partition 2"]
    );
    assert_eq!(found.entries[3].start, Start::Other("fwsetup".to_owned()));
    assert_eq!(found.problem, None);
}

#[test]
fn the_saved_entry_is_found_by_ids_titles_and_indexes_through_submenus() {
    let old = "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-9-amd64";
    for value in [
        "gnulinux-advanced-R>gnulinux-6.1.0-9-amd64-advanced-R",
        "1>1",
        "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-9-amd64",
    ] {
        let found = debian("${saved_entry}", &format!("saved_entry={value}\n"));
        let why = DefaultReason::SavedEntry {
            value: value.to_owned(),
        };
        assert_eq!(chosen(&found), (old.to_owned(), why));
    }
    let (_, line, initramfs) = linux(&debian("1>1", ""), 2);
    assert_eq!(line, "root=UUID=R ro single");
    assert_eq!(initramfs.len(), 2);
}

#[test]
fn next_entry_wins_for_one_boot() {
    let found = debian("${saved_entry}", "saved_entry=1>1\nnext_entry=1>0\n");
    assert_eq!(
        chosen(&found).1,
        DefaultReason::NextEntry {
            value: "1>0".to_owned()
        }
    );
}

#[test]
fn a_default_that_names_nothing_is_the_first_entry_and_says_so() {
    let found = debian("gone", "");
    let why = DefaultReason::NoSuchEntry {
        value: "gone".to_owned(),
    };
    assert_eq!(chosen(&found), ("Debian GNU/Linux".to_owned(), why));
    assert_eq!(
        chosen(&debian("${saved_entry}", "")).1,
        DefaultReason::First
    );
}

#[test]
fn a_stub_that_leads_nowhere_is_noted_and_the_other_volumes_are_tried() {
    let machine = Machine::new()
        .fat(
            ESP,
            &[(
                "/EFI/debian/grub.cfg",
                b"search.fs_uuid GONE root\nconfigfile ($root)/x\n",
            )],
        )
        .ext4(
            "R",
            &[("/boot/grub/grub.cfg", b"menuentry a { linux /k }\n")],
        );
    let found = super::find(&machine.volumes()).unwrap().unwrap();
    assert_eq!(found.entries.len(), 1);
    assert!(
        found.notes[0].contains("/EFI/debian/grub.cfg"),
        "{:?}",
        found.notes
    );
}

#[test]
fn ubuntu_with_a_boot_volume_of_its_own() {
    let config = format!(
        "{}{}",
        HEADER.replace("DEFAULT", "0"),
        r#"
if [ "${recordfail}" != 1 ]; then
  if [ -e ${prefix}/gfxblacklist.txt ]; then
    if [ ${grub_platform} != pc ]; then set linux_gfx_mode=keep
    elif hwmatch ${prefix}/gfxblacklist.txt 3; then
      if [ ${match} = 0 ]; then set linux_gfx_mode=keep; else set linux_gfx_mode=text; fi
    else set linux_gfx_mode=text; fi
  else
    set linux_gfx_mode=keep
  fi
else
  set linux_gfx_mode=text
fi
export linux_gfx_mode
menuentry 'Ubuntu' --class ubuntu $menuentry_id_option 'gnulinux-simple-R' {
	recordfail
	load_video
	gfxmode $linux_gfx_mode
	insmod gzio
	search --no-floppy --fs-uuid --set=root B
	linux	/vmlinuz-5.15.0-25-generic root=UUID=R ro  console=ttyS0 $vt_handoff
	initrd	/initrd.img-5.15.0-25-generic
}
"#
    );
    let machine = Machine::new()
        .ext4("R", &[("/etc/os-release", b"ID=ubuntu\n")])
        .ext4("B", &[("/grub/grub.cfg", config.as_bytes())]);
    let found = super::find(&machine.volumes()).unwrap().unwrap();
    let (kernel, line, _) = linux(&found, 0);
    assert_eq!(kernel, "/vmlinuz-5.15.0-25-generic on disk 0 partition 2");
    assert_eq!(line, "root=UUID=R ro console=ttyS0 vt.handoff=7");
}

/// RHEL 9: `blscfg`, kernel options in the environment block, one entry saved.
fn rhel(environment: &str) -> Found {
    let config = format!(
        "{}{}",
        HEADER.replace("DEFAULT", "${saved_entry}"),
        r#"
search --no-floppy --fs-uuid --set=root B
insmod part_gpt
search --no-floppy --fs-uuid --set=boot B
if [ -z "${kernelopts}" ]; then
  set kernelopts="root=UUID=FALLBACK ro "
fi
insmod blscfg
blscfg
"#
    );
    let entry = |release: &str, options: &str| {
        format!(
            "title Red Hat Enterprise Linux ({release}) 9.4 (Plow)\nversion {release}\n\
             linux /vmlinuz-{release}\ninitrd /initramfs-{release}.img $tuned_initrd\n\
             options {options}\ngrub_users $grub_users\ngrub_arg --unrestricted\ngrub_class rhel\n"
        )
    };
    let stub = b"search --no-floppy --fs-uuid --set=dev B\nset prefix=($dev)/grub2\n\
                 export $prefix\nconfigfile $prefix/grub.cfg\n";
    let machine = Machine::new()
        .fat(ESP, &[("/EFI/redhat/grub.cfg", stub)])
        .ext4(
            "B",
            &[
                ("/grub2/grub.cfg", config.as_bytes()),
                ("/grub2/grubenv", &grubenv(environment)),
                (
                    "/loader/entries/m-0-rescue.conf",
                    entry("0-rescue-m", "root=UUID=R ro").as_bytes(),
                ),
                (
                    "/loader/entries/m-5.14.0-70.el9.x86_64.conf",
                    entry("5.14.0-70.el9.x86_64", "root=UUID=R ro crashkernel=1G").as_bytes(),
                ),
                (
                    "/loader/entries/m-5.14.0-427.el9.x86_64.conf",
                    entry("5.14.0-427.el9.x86_64", "$kernelopts $tuned_params").as_bytes(),
                ),
            ],
        );
    super::find(&machine.volumes()).unwrap().unwrap()
}

#[test]
fn rhel_sorts_its_entries_newest_first_and_expands_their_variables() {
    let found = rhel("kernelopts=root=UUID=R ro console=ttyS0\ntuned_params=skew_tick=1\n");
    let ids: Vec<&str> = found
        .entries
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "m-5.14.0-427.el9.x86_64",
            "m-5.14.0-70.el9.x86_64",
            "m-0-rescue"
        ]
    );
    let (kernel, line, initramfs) = linux(&found, 0);
    assert_eq!(
        kernel,
        "/vmlinuz-5.14.0-427.el9.x86_64 on disk 0 partition 2"
    );
    assert_eq!(line, "root=UUID=R ro console=ttyS0 skew_tick=1");
    assert_eq!(
        initramfs,
        ["/initramfs-5.14.0-427.el9.x86_64.img on disk 0 partition 2"]
    );
    assert_eq!(chosen(&found).1, DefaultReason::First);
    // What a booted RHEL 9 shows in /proc/cmdline.
    let Start::Linux(linux) = &found.entries[0].start else {
        panic!("not Linux")
    };
    let spelled = "(hd0,gpt2)/vmlinuz-5.14.0-427.el9.x86_64";
    assert_eq!(linux.boot_image.as_deref(), Some(spelled));
}

#[test]
fn rhel_boots_the_saved_entry_and_falls_back_to_the_options_of_the_configuration() {
    let found = rhel("saved_entry=m-5.14.0-70.el9.x86_64\n");
    let (index, why) = found.default.clone().unwrap();
    assert_eq!(index, 1);
    assert_eq!(
        why,
        DefaultReason::SavedEntry {
            value: "m-5.14.0-70.el9.x86_64".to_owned()
        }
    );
    assert_eq!(linux(&found, 0).1, "root=UUID=FALLBACK ro");
}

#[test]
fn fedora_with_its_entries_below_boot_and_a_blsdir() {
    let entry = b"title Fedora\nlinux /boot/vmlinuz-6.8\ninitrd /boot/initramfs-6.8.img\noptions root=UUID=R\n";
    let config = b"set pager=1\nif [ -f ${config_directory}/grubenv ]; then\n  load_env -f ${config_directory}/grubenv\nfi\n\
                   search --no-floppy --fs-uuid --set=root R\nblscfg\n";
    let machine = Machine::new().ext4(
        "R",
        &[
            ("/boot/grub2/grub.cfg", config),
            (
                "/boot/grub2/grubenv",
                &grubenv("blsdir=/boot/loader/entries\n"),
            ),
            ("/boot/loader/entries/a.conf", entry),
        ],
    );
    let found = super::find(&machine.volumes()).unwrap().unwrap();
    assert_eq!(
        linux(&found, 0).0,
        "/boot/vmlinuz-6.8 on disk 0 partition 1"
    );
}

#[test]
fn sles_with_linuxefi_and_a_default_by_title() {
    let config = format!(
        "{}{}",
        HEADER.replace("DEFAULT", "SLES 15-SP5"),
        r#"
if [ -n "$extra_cmdline" ]; then
  submenu "Bootable snapshot #$snapshot_num" {
    menuentry "If OK, run 'snapper rollback' and reboot." { true; }
  }
fi
menuentry 'other' { chainloader +1 }
menuentry 'SLES 15-SP5'  --class sles --class gnu-linux --hotkey=s $menuentry_id_option 'gnulinux-simple-R' {
	load_video
	set gfxpayload=keep
	search --no-floppy --fs-uuid --set=root R
	echo	'Loading Linux 5.14.21-150500.53-default ...'
	linuxefi /boot/vmlinuz-5.14.21-150500.53-default root=UUID=R ${extra_cmdline} splash=silent mitigations=auto quiet
	initrdefi /boot/initrd-5.14.21-150500.53-default
}
"#
    );
    let machine = Machine::new().ext4("R", &[("/boot/grub2/grub.cfg", config.as_bytes())]);
    let found = super::find(&machine.volumes()).unwrap().unwrap();
    assert_eq!(chosen(&found).0, "SLES 15-SP5");
    let (_, line, _) = linux(&found, 1);
    assert_eq!(line, "root=UUID=R splash=silent mitigations=auto quiet");
    assert_eq!(
        found.entries[0].start,
        Start::Other("chainloader +1".to_owned())
    );
}

/// Entries and problem of a configuration on the only volume.
fn run(config: &str) -> (usize, String) {
    let machine = Machine::new().ext4("R", &[("/boot/grub/grub.cfg", config.as_bytes())]);
    let found = super::find(&machine.volumes()).unwrap().unwrap();
    let problem = found.problem.map(|problem| problem.id().to_owned());
    (found.entries.len(), problem.unwrap_or_default())
}

#[test]
fn loops_functions_and_conditions_are_run() {
    let check = |script: &str, entries| assert_eq!(run(script).0, entries, "{script}");
    check("for k in a b c; do menuentry $k { linux /$k }; done", 3);
    check(
        "function m { menuentry \"$1\" { linux $2 } }\nm a /a\nm b /b",
        2,
    );
    check(
        "if [ 1 -lt 2 -a ! -z x ]; then menuentry a { linux /a }; fi",
        1,
    );
    check(
        "if false; then true; elif [ a != a -o b = b ]; then menuentry a { linux /a }; fi",
        1,
    );
    check("while true; do menuentry a { linux /a }; break; done", 1);
    check("until false; do break; done\nmenuentry a { linux /a }", 1);
    check("linux /vmlinuz root=/dev/sda1\ninitrd /initrd\nboot", 1);
    check(
        "if [ -f /boot/grub/grub.cfg ]; then menuentry a { linux /a }; fi",
        1,
    );
}

#[test]
fn scripts_without_end_are_stopped() {
    for script in [
        "while true; do true; done",
        "function f { f; }\nf",
        "configfile /boot/grub/grub.cfg",
        "source /boot/grub/grub.cfg",
        "set a=aaaaaaaaaaaaaaaa\nwhile true; do set a=$a$a; done",
        "while true; do menuentry a { true }; done",
    ] {
        assert!(
            matches!(run(script).1.as_str(), "boot.broken-config" | ""),
            "{script}"
        );
    }
    assert_eq!(
        run("while true; do true; done"),
        (0, "boot.broken-config".to_owned())
    );
    assert_eq!(run(""), (0, "boot.no-entries".to_owned()));
    assert_eq!(run("if true; then").1, "boot.broken-config");
    assert_eq!(
        run("menuentry a { linux /a }\nif true; then"),
        (1, String::new())
    );
}
