//! Images put on another base: the view stays, judged by qemu-img, and what is held is what differs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detente_block::{BlockRead, DirectoryGate, FileBackend};
use detente_copy::{
    Amount, CommitTo, ConvertError, ConvertOptions, ConvertReport, OnExisting, Progress, Unwatched,
    Verification, Zeroes, commit, commit_target, convert, rebase,
};
use detente_disk::{
    Compression, Details, Format, Image, Mapped, Place, Qcow2Backing, Qcow2Spec, Qcow2Version,
    Target, VhdxKind, VhdxParent, VhdxSpec, open,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const SIZE: usize = 12 << 20;

/// A folder with two raw disks, which differ here and there.
struct Pair {
    folder: tempfile::TempDir,
    source: Vec<u8>,
}

impl Pair {
    /// What both have in common, and then what each writes: (offset, length, byte).
    fn new(len: (usize, usize), source: &[(u64, u64, u8)], base: &[(u64, u64, u8)]) -> Self {
        let common = [(0, 300 * KIB, 1), (4 * MIB, MIB, 2), (9 * MIB, 70_000, 3)];
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, len: usize, writes: &[(u64, u64, u8)]| {
            let file = File::create_new(folder.path().join(name)).unwrap();
            let mut bytes = vec![0; len];
            for (offset, count, byte) in common.iter().chain(writes) {
                let start = usize::try_from(*offset).unwrap().min(len);
                let end = usize::try_from(offset + count).unwrap().min(len);
                bytes[start..end].fill(*byte);
                file.write_all_at(&bytes[start..end], *offset).unwrap();
            }
            file.set_len(len as u64).unwrap();
            bytes
        };
        make("base.raw", len.1, base);
        let source = make("source.raw", len.0, source);
        Self { folder, source }
    }

    /// Equally long disks: other bytes, zeroes that are stored and such that are not, holes.
    fn usual() -> Self {
        let source = [
            (300 * KIB, 4 * KIB, 7),
            (4 * MIB + 100, 1, 9),
            (4 * MIB + 512 * KIB, 64 * KIB, 0),
            (6 * MIB, 10 * KIB, 4),
            (11 * MIB + 777, 5, 5),
        ];
        let base = [(2 * MIB, 200 * KIB + 10, 6), (10 * MIB, 3 * KIB, 8)];
        Self::new((SIZE, SIZE), &source, &base)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rebase(&self, target: &Target, options: &ConvertOptions) -> ConvertReport {
        self.try_rebase(target, options).unwrap()
    }

    fn try_rebase(
        &self,
        target: &Target,
        options: &ConvertOptions,
    ) -> Result<ConvertReport, ConvertError> {
        let (source, base) = (image(&self.path("source.raw")), image(&self.path("base")));
        let out = self.path("out");
        rebase(&source, &base, target, &out, options, &Unwatched)
    }

    /// The base in this format, under the name `base`.
    fn base_as(&self, target: &Target) {
        let raw = image(&self.path("base.raw"));
        let options = ConvertOptions::default();
        convert(&raw, target, &self.path("base"), &options, &Unwatched).unwrap();
    }

    /// The new image has the source's view, and zeroes behind.
    #[track_caller]
    fn holds_the_source(&self, format: Format) {
        let out = image(&self.path("out"));
        assert_eq!(out.layers.len(), 2);
        let mut bytes = vec![0; usize::try_from(out.reader.len_bytes()).unwrap()];
        out.reader.read_exact_at(0, &mut bytes).unwrap();
        let (view, behind) = bytes.split_at(self.source.len());
        assert!(view == self.source, "the view is another one");
        assert!(behind.iter().all(|byte| *byte == 0), "what shows behind it");
        if format == Format::Qcow2 {
            self.qemu_agrees();
        }
    }

    #[track_caller]
    fn qemu_agrees(&self) {
        let qemu = |arguments: &[&str]| {
            let mut command = Command::new("qemu-img");
            command.args(arguments).current_dir(self.folder.path());
            match command.output() {
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stdout);
                    assert!(output.status.success(), "{arguments:?}: {said}");
                }
                Err(_) => eprintln!("skipped: qemu_agrees: qemu-img is not there"),
            }
        };
        qemu(&["compare", "-f", "raw", "-F", "qcow2", "source.raw", "out"]);
        qemu(&["check", "-q", "-f", "qcow2", "out"]);
    }
}

fn image(path: &Path) -> Image {
    let file = Arc::new(FileBackend::open(path).unwrap());
    open(path, file, &DirectoryGate::beside(path)).unwrap()
}

fn qcow2_on(format: Format, change: impl FnOnce(&mut Qcow2Spec)) -> Target {
    let mut spec = Qcow2Spec {
        backing: Some(Qcow2Backing {
            path: "base".to_owned(),
            format,
        }),
        ..Qcow2Spec::default()
    };
    change(&mut spec);
    Target::Qcow2(spec)
}

fn vhdx_on(base: &Image, block_bytes: u32) -> Target {
    let Details::Vhdx(parent) = &base.layers[0].details else {
        panic!("the base is no VHDX image");
    };
    Target::Vhdx(VhdxSpec {
        kind: VhdxKind::Differencing(VhdxParent {
            data_write_guid: parent.data_write_guid.0,
            virtual_disk_id: parent.virtual_disk_id.0,
            relative_path: ".\\base".to_owned(),
            absolute_path: None,
        }),
        block_bytes,
        ..VhdxSpec::default()
    })
}

fn verified() -> ConvertOptions {
    ConvertOptions {
        verification: Verification::ReadBack,
        ..ConvertOptions::default()
    }
}

/// How many bytes the top file says something of.
fn held(image: &Image) -> u64 {
    let (mut at, mut held) = (0, 0);
    while at < image.stack.len_bytes() {
        let extent = image.stack.map_extent(at, u64::MAX - at).unwrap();
        let is_own = match extent.place {
            Place::File { .. } | Place::Compressed { .. } | Place::Zero { .. } => extent.depth == 0,
            Place::Unallocated => false,
        };
        held += if is_own { extent.len } else { 0 };
        at += extent.len;
    }
    held
}

#[test]
fn the_view_stays_in_every_kind_of_qcow2() {
    let changes: [fn(&mut Qcow2Spec); 7] = [
        |_| {},
        |spec| spec.version = Qcow2Version::V2,
        |spec| spec.cluster_bits = 9,
        |spec| spec.cluster_bits = 21,
        |spec| spec.extended_l2 = true,
        |spec| spec.compression = Some(Compression::Zlib),
        |spec| spec.compression = Some(Compression::Zstd),
    ];
    for change in changes {
        for zeroes in [Zeroes::AsMapped, Zeroes::Detect] {
            let pair = Pair::usual();
            pair.base_as(&Target::Raw);
            let options = ConvertOptions {
                zeroes,
                ..verified()
            };
            pair.rebase(&qcow2_on(Format::Raw, change), &options);
            pair.holds_the_source(Format::Qcow2);
        }
    }
}

#[test]
fn the_view_stays_on_every_format() {
    let zlib = Qcow2Spec {
        compression: Some(Compression::Zlib),
        ..Qcow2Spec::default()
    };
    let targets = [
        Target::Qcow2(zlib),
        Target::Vhdx(VhdxSpec::default()),
        Target::Vhd(detente_disk::VhdSpec {
            kind: detente_disk::VhdKind::Dynamic,
        }),
    ];
    for base in targets {
        let pair = Pair::usual();
        pair.base_as(&base);
        pair.rebase(&qcow2_on(base.format(), |_| {}), &verified());
        pair.holds_the_source(Format::Qcow2);
    }
}

#[test]
fn the_view_stays_in_differencing_vhdx() {
    for block in [1 << 20, 32 << 20] {
        let pair = Pair::usual();
        pair.base_as(&Target::Vhdx(VhdxSpec::default()));
        let target = vhdx_on(&image(&pair.path("base")), block);
        pair.rebase(&target, &verified());
        pair.holds_the_source(Format::Vhdx);
    }
}

#[test]
fn only_what_differs_is_held() {
    let pair = Pair::usual();
    pair.base_as(&Target::Raw);
    let target = qcow2_on(Format::Raw, |spec| spec.cluster_bits = 12);
    let report = pair.rebase(&target, &ConvertOptions::default());
    // Clusters of 4 KiB. Other bytes: 300 KiB (1), 4 MiB (1), 6 MiB (3), 11 MiB (1). Zeroes over
    // bytes: 4.5 MiB (16), 2 MiB (51), 10 MiB (1).
    assert_eq!(held(&image(&pair.path("out"))), (6 + 68) * 4 * KIB);
    assert_eq!(report.data_bytes, 6 * 4 * KIB);
}

#[test]
fn zeroes_that_are_stored_are_told_from_others_if_wanted() {
    let pair = Pair::new((SIZE, SIZE), &[(2 * MIB, MIB, 0), (7 * MIB, MIB, 5)], &[]);
    pair.base_as(&Target::Raw);
    let target = qcow2_on(Format::Raw, |_| {});
    for (zeroes, expect) in [(Zeroes::AsMapped, 2 * MIB), (Zeroes::Detect, MIB)] {
        let options = ConvertOptions {
            zeroes,
            on_existing: OnExisting::Replace,
            ..ConvertOptions::default()
        };
        pair.rebase(&target, &options);
        assert_eq!(held(&image(&pair.path("out"))), expect, "{zeroes:?}");
    }
}

#[test]
fn a_shorter_or_longer_base_shows_nowhere() {
    let odd = SIZE - 3 * 64 * 1024 - 100;
    for lens in [
        (SIZE, 5 << 20),
        (SIZE, 4_567_890),
        (odd, SIZE),
        (5 << 20, SIZE),
    ] {
        for (bits, zeroes) in [
            (9, Zeroes::AsMapped),
            (16, Zeroes::Detect),
            (21, Zeroes::AsMapped),
            (21, Zeroes::Detect),
        ] {
            let options = ConvertOptions {
                zeroes,
                ..verified()
            };
            let pair = Pair::new(lens, &[(11 * MIB, MIB, 5)], &[(10 * MIB, 2 * MIB, 8)]);
            pair.base_as(&Target::Raw);
            let change = |spec: &mut Qcow2Spec| spec.cluster_bits = bits;
            pair.rebase(&qcow2_on(Format::Raw, change), &options);
            let out = image(&pair.path("out"));
            assert_eq!(
                out.reader.len_bytes(),
                (lens.0 as u64).next_multiple_of(512)
            );
            pair.holds_the_source(Format::Qcow2);
        }
    }
}

#[test]
fn what_both_have_in_the_same_place_is_not_read() {
    let pair = Pair::usual();
    pair.base_as(&Target::Qcow2(Qcow2Spec::default()));
    let on = |name: &str| {
        qcow2_on(Format::Qcow2, |spec| {
            spec.backing.as_mut().unwrap().path = name.to_owned();
        })
    };
    // Two children of the same file, one of which has a byte more.
    let (base, options) = (image(&pair.path("base")), ConvertOptions::default());
    for name in ["one", "other"] {
        let out = pair.path(name);
        rebase(&base, &base, &on("base"), &out, &options, &Unwatched).unwrap();
        assert_eq!(held(&image(&out)), 0);
    }
    let (one, other) = (image(&pair.path("one")), image(&pair.path("other")));
    let out = pair.path("out");
    let report = rebase(&one, &other, &on("other"), &out, &options, &Unwatched).unwrap();
    assert_eq!((report.data_bytes, held(&image(&out))), (0, 0));
    assert_eq!(image(&out).layers.len(), 3);
}

#[test]
fn files_that_are_read_are_no_destination() {
    let pair = Pair::usual();
    pair.base_as(&Target::Raw);
    let (source, base) = (image(&pair.path("source.raw")), image(&pair.path("base")));
    let options = ConvertOptions {
        on_existing: OnExisting::Replace,
        ..ConvertOptions::default()
    };
    let target = qcow2_on(Format::Raw, |_| {});
    for name in ["source.raw", "base"] {
        let out = pair.path(name);
        let before = fs::read(&out).unwrap();
        let error = rebase(&source, &base, &target, &out, &options, &Unwatched).unwrap_err();
        let is_right = matches!(error, ConvertError::DestinationIsSource { .. });
        assert!(is_right, "{error:?}");
        assert!(before == fs::read(&out).unwrap());
    }
}

#[test]
fn what_exists_stays() {
    let pair = Pair::usual();
    pair.base_as(&Target::Raw);
    fs::write(pair.path("out"), "something").unwrap();
    let target = qcow2_on(Format::Raw, |_| {});
    let error = pair.try_rebase(&target, &ConvertOptions::default());
    assert!(matches!(error, Err(ConvertError::DestinationExists { .. })));
    assert_eq!(fs::read(pair.path("out")).unwrap(), b"something");
}

#[test]
fn a_target_that_rests_on_nothing_is_refused() {
    let pair = Pair::usual();
    pair.base_as(&Target::Raw);
    for target in [Target::Raw, Target::Qcow2(Qcow2Spec::default())] {
        let error = pair.try_rebase(&target, &ConvertOptions::default());
        assert!(matches!(error, Err(ConvertError::Unsupported { .. })));
    }
}

/// Ends it once something is done.
struct Impatient;

impl Progress for Impatient {
    fn advanced(&self, _amount: Amount) {}

    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn cancelling_leaves_nothing() {
    let pair = Pair::usual();
    pair.base_as(&Target::Raw);
    let (source, base) = (image(&pair.path("source.raw")), image(&pair.path("base")));
    let target = qcow2_on(Format::Raw, |_| {});
    let (out, options) = (pair.path("out"), ConvertOptions::default());
    let error = rebase(&source, &base, &target, &out, &options, &Impatient).unwrap_err();
    assert!(matches!(error, ConvertError::Cancelled));
    assert_eq!(fs::read_dir(pair.folder.path()).unwrap().count(), 3);
}

/// Numbers that look random: the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX; the upper half is the better one.
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) % end
    }

    /// Some writes to a disk, a quarter of them zeroes.
    fn writes(&mut self) -> Vec<(u64, u64, u8)> {
        let mut write = || {
            let most = [100, 5000, 300_000, 2_000_000][usize::try_from(self.below(4)).unwrap()];
            let byte = u8::try_from(self.below(4)).unwrap();
            (self.below(SIZE as u64), 1 + self.below(most), byte)
        };
        (0..12).map(|_| write()).collect()
    }
}

#[test]
fn the_view_of_random_disks_stays() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let lens = [SIZE, SIZE - 1, 3 << 20, 7_654_321];
        let mut len = || lens[usize::try_from(dice.below(4)).unwrap()];
        let lens = (len(), len());
        let (source, base) = (dice.writes(), dice.writes());
        let pair = Pair::new(lens, &source, &base);
        let zeroes = [Zeroes::AsMapped, Zeroes::Detect][usize::try_from(dice.below(2)).unwrap()];
        let options = ConvertOptions {
            zeroes,
            ..verified()
        };
        eprintln!("seed {seed}: {lens:?} {zeroes:?} {source:?} {base:?}");
        if dice.below(3) == 0 {
            pair.base_as(&Target::Vhdx(VhdxSpec::default()));
            let block = 1 << (20 + dice.below(4));
            let target = vhdx_on(&image(&pair.path("base")), block);
            pair.rebase(&target, &options);
        } else {
            pair.base_as(&Target::Raw);
            let bits = u32::try_from(9 + dice.below(13)).unwrap();
            let version = [Qcow2Version::V2, Qcow2Version::V3];
            let target = qcow2_on(Format::Raw, |spec| {
                spec.cluster_bits = bits;
                spec.version = version[usize::try_from(dice.below(2)).unwrap()];
                spec.compression = (dice.below(3) == 0).then_some(Compression::Zlib);
            });
            pair.rebase(&target, &options);
        }
        pair.holds_the_source(Format::Raw);
    }
}

#[test]
fn a_commit_keeps_the_old_file() {
    let pair = Pair::usual();
    pair.base_as(&Target::Vhdx(VhdxSpec::default()));
    let old = fs::read(pair.path("base")).unwrap();
    let child = vhdx_on(&image(&pair.path("base")), 1 << 20);
    pair.rebase(&child, &ConvertOptions::default());
    let out = image(&pair.path("out"));
    let target = commit_target(&out).unwrap();
    let options = ConvertOptions {
        on_existing: OnExisting::KeepOld,
        ..verified()
    };
    // What is in the way of the old file's new name stays.
    fs::write(pair.path("base.before"), "older").unwrap();
    let commit = || commit(&out, None, &target, CommitTo::InPlace, &options, &Unwatched);
    let error = commit().unwrap_err();
    assert!(
        matches!(error, ConvertError::DestinationExists { path } if path.ends_with("base.before"))
    );
    assert!(old == fs::read(pair.path("base")).unwrap());
    // What a run left that was killed between both names does not hinder the next.
    fs::remove_file(pair.path("base.before")).unwrap();
    fs::hard_link(pair.path("base"), pair.path("base.before")).unwrap();
    commit().unwrap();
    assert!(old == fs::read(pair.path("base.before")).unwrap());
    let base = image(&pair.path("base"));
    assert_eq!(base.layers.len(), 1);
    let mut bytes = vec![0; pair.source.len()];
    base.reader.read_exact_at(0, &mut bytes).unwrap();
    assert!(bytes == pair.source);
    // Children of the old file do not take the new one for it.
    let out = pair.path("out");
    let file = Arc::new(FileBackend::open(&out).unwrap());
    let opened = open(&out, file, &DirectoryGate::beside(&out));
    assert!(opened.is_err_and(|error| error.to_string().contains("not the one")));
}

#[test]
fn an_image_that_rests_on_nothing_is_not_committed() {
    let pair = Pair::usual();
    let source = image(&pair.path("source.raw"));
    let error = commit_target(&source);
    assert!(matches!(error, Err(ConvertError::Unsupported { .. })));
    let options = ConvertOptions::default();
    let to = CommitTo::InPlace;
    let error = commit(&source, None, &Target::Raw, to, &options, &Unwatched);
    assert!(matches!(error, Err(ConvertError::Unsupported { .. })));
}
