//! Replays the corpus, then mutates sound samples for a while. Nothing may panic or hang.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::Path;

use detente_guest::{exercise, exercise_program};
use detente_samples::{Seeds, harmless, took_at_most_kib};

/// The samples are small: what the exerciser may take at its worst.
const MOST_KIB: u64 = 64 * 1024;

/// As long as a text that shows what takes more than linear time.
const LONG_BYTES: usize = 64 * 1024;

/// Sound files of every kind that is parsed.
const SAMPLES: [&str; 22] = [
    "if [ -s $prefix/grubenv ]; then\n  load_env\nfi\nset default=\"${saved_entry}\"\n\
     function gfxmode { set gfxpayload=\"${1}\"; }\nfor i in a b; do menuentry \"$i\" --id 'x' {\n\
     \tgfxmode keep\n\tsearch --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 1-2\n\
     \tlinux /vmlinuz root=UUID=1-2 ro $x\n\tinitrd /a /b\n}; done\n\
     submenu 'm' { menuentry y { chainloader +1 } }\nwhile false; do true; done\n",
    "# GRUB Environment Block\nsaved_entry=1>2\nkernelopts=root=UUID=1 ro\n####",
    "title A\nversion 6.1~rc1\nsort-key debian\nlinux /linux\ninitrd /i\noptions root=UUID=1 a=\"b c\"\n",
    "timeout 3\ndefault debian-*.conf\neditor no\n",
    "UUID=1 / ext4 errors=remount-ro 0 1\n/dev/sdb1 /a\\040b xfs defaults 0 0\n",
    "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='x \\\" y'\n",
    "BOOT_IMAGE=/k root=/dev/nvme0n1p2 dyndbg=\"a b\" -- x",
    "[connection]\nid=a\ntype=ethernet\ninterface-name=ens3\n[ethernet]\nmac-address=52:54:00:1:2:3\n\
     [match]\ndriver=virtio_net;\n[ipv4]\naddress1=192.0.2.1/24,192.0.2.2\ndns=1.1.1.1;\nmethod=manual\n",
    "DEVICE=\"eth0\"\nHWADDR=52:54:00:12:34:56\nIPADDR0='192.0.2.1'\nNETMASK0=255.255.255.0\n\
     BONDING_OPTS=\"mode=1 \\\n miimon=1\"\nSTARTMODE=auto # x\nBRIDGE_PORTS='eth0 eth1'\nDNS1=1.1.1.1\n",
    "network:\n  version: 2\n  ethernets: &e\n    a: {match: {macaddress: \"52:54:00:12:34:56\", name: 'e*'}, \
     set-name: x}\n    b:\n      addresses: [192.0.2.1/24, {\"2001:db8::1/64\": {label: l}}]\n      \
     routes:\n      - to: default\n        via: 192.0.2.2\n  bonds: {c: {interfaces: [a, b]}}\n  x: *e\n",
    "network:\n  version: 1\n  config:\n  - {type: physical, name: eth0, mac_address: '52:54:00:12:34:56', \
     subnets: [{type: static, address: 192.0.2.1/24}]}\ndatasource_list: [NoCloud, None]\n",
    "[Match]\nName=en* !eth0\n[Network]\nDHCP=yes\nAddress=192.0.2.1/24\n[Route]\nGateway=192.0.2.2\n\
     [NetDev]\nName=br0\nKind=bridge\n[Link]\nName=lan\nNamePolicy=keep path\n",
    "source interfaces.d/*\nauto lo /e*\niface eth0.7 inet static\n address 192.0.2.1\n netmask 255.0.0.0\n\
     bond-slaves a b\niface eth0 inet6 auto\nmapping x\n use dhcp\n",
    "SUBSYSTEM==\"net\", ATTR{address}==\"52:54:00:12:34:56\", KERNEL!=\"lo\", \\\n NAME=\"eth0\"\n\
     KERNEL==\"sd*[!0-9]|vd?\", SYMLINK+=\"x\"\neth0 mac 52:54:00:12:34:56\n",
    "confdir /etc/chrony.d\npool p iburst\nrefclock PHC /dev/ptp0\nmakestep 1 3\ntinker panic 0\n0\nLOCAL\n",
    "S0:2345:respawn:/sbin/agetty -L ttyS0\nhome /dev/sda1 none luks\nARRAY /dev/md0\n  devices=/dev/sdb\n\
     vm.nr_hugepages = 5\n-kernel/panic=1\next4 /dev/disk/by-path/x\n",
    "devices {\n filter = [ \"a|/dev/sda|\",\n \"r|.*|\" ] # x\n use_devicesfile=1\n}\nblacklist {\n device {\n\
     vendor \"x\"\n }\n}\nIDTYPE=sys_wwid IDNAME=naa.1 DEVNAME=/dev/sda PVID=. PART=2\n",
    "default saved\nfallback=1\ntitle A\n\troot (hd0,0)\n\tkernel --type=linux (hd0,1)/k ro root=/dev/sda1\n\
     \tinitrd /i /j\ntitle B\n uuid 1-2\n kernel /xen.gz\n module /k ro\n chainloader +1\n",
    "DEFAULT menu.c32\nAPPEND a\nLABEL lts\n MENU DEFAULT\n MENU LABEL ^L\n LINUX ../k\n INITRD a,b\n \
     APPEND initrd=c root=1\nINCLUDE x.cfg\nMENU INCLUDE y\nONTIMEOUT lts\nLABEL c\n COM32 chain.c32\n",
    "blacklist hv-netvsc\ninstall a \\\n /bin/true; b\noptions c d=1\nalias pci:v* x\nsoftdep a pre: b post: c\n\
     remove a b\nloop x=1\nmodprobe.blacklist=a,b module_blacklist=c\n",
    "add_drivers+=\" hv_vmbus \" # c\nhostonly=no;MODULES=(a \"b\" \\\n # c\n 'd')\nHOOKS=(base autodetect)\n\
     MODULES=most\nVERSION=\"9 dracut-057\"\nrd.driver.pre=x -N --hostonly\n",
    "kernel/drivers/scsi/hv_storvsc.ko.xz: kernel/drivers/hv/hv_vmbus.ko.xz\nkernel/fs/ext4/ext4.ko\n\
     CONFIG_SERIO_I8042=y\nsbat,1,SBAT Version,sbat,1,x\nshim,4,UEFI shim,shim,1,y\n",
];

/// Pieces of grammar that a mutation may put anywhere.
const PIECES: [&str; 28] = [
    "{",
    "}",
    "$",
    "${",
    "'",
    "\"",
    "\\",
    "\n",
    ";",
    "if ",
    "then ",
    "fi ",
    "while true; do ",
    "function f { f; }; f;",
    "submenu a {",
    "menuentry b {",
    "source /x\n",
    "done ",
    ">",
    "\0",
    "[",
    "- ",
    "? ",
    "&a *a ",
    ": ",
    "|\n",
    "*",
    "==\"",
];

#[test]
fn the_corpus_is_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        round(&fs::read(file.unwrap().path()).unwrap(), "a corpus file");
        count += 1;
    }
    assert!(count > 0, "the corpus is missing");
    took_at_most_kib(MOST_KIB);
}

#[test]
fn mutations_are_harmless() {
    for seed in Seeds::of_environment("boot configuration", 1) {
        for (number, sample) in SAMPLES.iter().enumerate() {
            let mutated = mutate(sample.as_bytes(), seed);
            round(&mutated, &format!("sample {number} with seed {seed}"));
        }
    }
    took_at_most_kib(MOST_KIB);
}

/// shim's headers, with its certificate table right behind them: see `tests/images/make.sh`.
fn signed_program() -> Vec<u8> {
    let shim = zstd::decode_all(include_bytes!("images/shimx64.efi.zst").as_slice()).unwrap();
    // The entry among the data directories: PE header at 0x80, 24 to the optional header, 112, 4 × 8.
    let entry = 0x80 + 24 + 112 + 32;
    let field = |at: usize| u32::from_le_bytes(shim[at..at + 4].try_into().unwrap());
    let start = usize::try_from(field(entry)).unwrap();
    let len = usize::try_from(field(entry + 4)).unwrap();
    let mut small = shim[..1024].to_vec();
    small[entry..entry + 4].copy_from_slice(&1024_u32.to_le_bytes());
    small.extend(&shim[start..start + len]);
    small
}

#[test]
fn mutated_signatures_are_harmless() {
    let sample = signed_program();
    for seed in Seeds::of_environment("signed programs", 1) {
        // All of it, and the message alone, behind its header of 8 bytes.
        for start in [0, 1024] {
            let mutated = mutate(&sample[start..], seed);
            let what = format!("a program from {start} with seed {seed}");
            let _ = harmless(&what, || exercise_program(&mutated));
        }
    }
    took_at_most_kib(MOST_KIB);
}

#[test]
fn long_texts_of_one_piece_are_harmless() {
    for piece in PIECES {
        let text = piece.repeat(LONG_BYTES / piece.len());
        round(text.as_bytes(), &format!("a long text of {piece:?}"));
    }
}

fn round(bytes: &[u8], what: &str) {
    let _ = harmless(what, || exercise(bytes));
}

/// Changes, repeats, removes and inserts, as the seed says.
fn mutate(sample: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    // Never 0, which would stay so.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // xorshift64*
    let mut next = |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let value = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap() % below.max(1)
    };
    for _ in 0..=next(8) {
        let at = next(bytes.len() + 1);
        let len = next(24).min(bytes.len() - at);
        match next(4) {
            0 => drop(bytes.drain(at..at + len)),
            1 => {
                let piece = PIECES[next(PIECES.len())].repeat(1 + next(40));
                bytes.splice(at..at, piece.bytes());
            }
            2 => {
                let piece = bytes[at..at + len].repeat(1 + next(20));
                bytes.splice(at..at, piece);
            }
            _ => {
                for byte in &mut bytes[at..at + len] {
                    *byte ^= 1 << next(8);
                }
            }
        }
    }
    bytes
}
