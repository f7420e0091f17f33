//! Wrong input for `detente image`: what is wrong and where, the way out, the right exit code, and
//! nothing left behind.

mod support;

use support::images::Place;
use support::{expect_code, names, stderr};

/// The commands that read one image.
const READERS: [&[&str]; 5] = [
    &["info"],
    &["map"],
    &["check"],
    &["digest"],
    &["compare", "sound.raw"],
];

/// A folder with a sound image.
fn beside(place: Place) -> Place {
    std::fs::write(place.path("sound.raw"), [7; 4096]).expect("a file");
    place
}

/// Each of these commands says `says` of the file, with a way out, and leaves nothing behind.
#[track_caller]
fn check(place: &Place, commands: &[&[&str]], file: &str, says: &[&str]) {
    for command in commands {
        let before = names(place.folder());
        let output = place.image(&[command, &[file][..]].concat());
        expect_code(&output, 2);
        let said = stderr(&output);
        for text in says.iter().chain([&file, &"hint: "]) {
            assert!(
                said.contains(text),
                "{command:?} {file}: {said:?} lacks {text:?}"
            );
        }
        assert_eq!(names(place.folder()), before, "{command:?} {file}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    check(
        &beside(Place::empty()),
        &READERS,
        "missing.vhdx",
        &["No such file"],
    );
}

#[test]
fn a_directory() {
    let place = beside(Place::empty());
    std::fs::create_dir(place.path("folder")).expect("a folder");
    check(&place, &READERS, "folder", &["is a directory"]);
}

#[test]
fn a_file_below_a_file() {
    let place = beside(Place::empty());
    let says = ["Not a directory", "is a file, not a folder"];
    check(&place, &READERS, "sound.raw/disk.qcow2", &says);
}

#[test]
fn an_empty_file() {
    let place = beside(Place::empty());
    std::fs::write(place.path("empty.qcow2"), b"").expect("a file");
    check(
        &place,
        &READERS,
        "empty.qcow2",
        &["the file is empty", "copy it again"],
    );
}

#[test]
fn wrong_usage() {
    let place = beside(Place::empty());
    for arguments in [
        &[][..],
        &["conjure"],
        &["info"],
        &["map"],
        &["map", "a", "b"],
        &["compare", "sound.raw"],
        &["digest", "--algorithm", "md5", "sound.raw"],
        &["info", "-f", "vdi", "sound.raw"],
        &["info", "--format", "xml", "sound.raw"],
        &["digest", "--format", "qemu-json", "sound.raw"],
        &["nbd", "sound.raw"],
    ] {
        expect_code(&place.image(arguments), 64);
    }
}

/// Every sample with a spoiled field: the commands that need the field refuse it and say where.
#[test]
fn spoiled_samples_are_refused_with_rule_and_place() {
    let test = "spoiled_samples_are_refused_with_rule_and_place";
    for (name, says) in [
        ("h01-l1size-huge.qcow2", "offset 0x24"),
        ("h03-size-max.qcow2", "offset 0x18"),
        ("h05-refcount-order-7.qcow2", "offset 0x60"),
        ("h07-unknown-incompat-bit.qcow2", "offset 0x48"),
    ] {
        let Some(place) = Place::with_sample(test, name) else {
            return;
        };
        check(
            &beside(place),
            &[&["info"], &["map"], &["digest"]],
            name,
            &[says],
        );
    }
}

#[test]
fn a_chain_that_comes_back_to_itself_ends() {
    let name = "h09-backing-self.qcow2";
    let Some(place) = Place::with_sample("a_chain_that_comes_back_to_itself_ends", name) else {
        return;
    };
    let place = beside(place);
    // The file itself is sound, and may be looked at.
    expect_code(&place.image(&["info", name]), 0);
    check(
        &place,
        &[&["info", "--chain"], &["map"], &["digest"]],
        name,
        // Where qcow2's header says the backing file's name to be.
        &[
            "offset 0x200: the backing chain comes back to h09-backing-self.qcow2\n",
            "qemu-img rebase -u -b BASE -F FORMAT h09-backing-self.qcow2`",
        ],
    );
    let said = stderr(&place.image(&["map", name]));
    assert!(!said.contains("copy it again"), "{said}");
    // The way out works.
    if Place::with_qemu("a_chain_that_comes_back_to_itself_ends").is_some() {
        place.qemu_img(&["rebase", "-u", "-b", "sound.raw", "-F", "raw", name]);
        expect_code(&place.image(&["map", name]), 0);
    }
}

#[test]
fn the_file_that_closes_a_circle_is_named() {
    let Some(place) = Place::with_qemu("the_file_that_closes_a_circle_is_named") else {
        return;
    };
    let create = ["create", "-q", "-u", "-f", "qcow2", "-F", "qcow2"];
    for (name, below) in [("a.qcow2", "b.qcow2"), ("b.qcow2", "a.qcow2")] {
        place.qemu_img(&[&create[..], &["-b", below, name, "1M"]].concat());
    }
    check(
        &place,
        &[&["map"]],
        "a.qcow2",
        &["comes back to a.qcow2 (in the backing file ", "/b.qcow2` "],
    );
}

#[test]
fn a_data_file_of_another_protocol_is_never_opened() {
    let name = "h11-datafile-json.qcow2";
    let test = "a_data_file_of_another_protocol_is_never_opened";
    let Some(place) = Place::with_sample(test, name) else {
        return;
    };
    let place = beside(place);
    check(
        &place,
        &[&["info", "--chain"], &["map"], &["digest"]],
        name,
        &["json:", "it names a protocol"],
    );
    check_described(&place, name, "json:{");
}

/// What an image's own file says is said, with the name of its data file.
#[track_caller]
fn check_described(place: &Place, file: &str, data_file: &str) {
    let info = place.json(0, &["info", "--format", "json", file]);
    let layer = &info["images"][0]["layers"][0];
    assert_eq!(layer["format"], "qcow2");
    let named = layer["details"]["data_file"]["name"].as_str();
    assert!(
        named.is_some_and(|name| name.starts_with(data_file)),
        "{layer}"
    );
}

#[test]
fn a_data_file_that_is_not_there_hides_nothing_of_the_image() {
    let test = "a_data_file_that_is_not_there_hides_nothing_of_the_image";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    let place = beside(place);
    let create = ["create", "-q", "-f", "qcow2", "-o", "data_file=data.raw"];
    place.qemu_img(&[&create[..], &["image.qcow2", "4M"]].concat());
    std::fs::remove_file(place.path("data.raw")).expect("it was made");
    check_described(&place, "image.qcow2", "data.raw");
    check(
        &place,
        &[&["map"], &["digest"], &["compare", "sound.raw"]],
        "image.qcow2",
        &["data.raw", "the disk's data is in that file"],
    );
    let convert = place.image(&["convert", "image.qcow2", "new.raw"]);
    expect_code(&convert, 2);
    assert!(!stderr(&convert).contains("backing file"), "{convert:?}");
}

#[test]
fn an_image_is_not_its_own_data_file() {
    let Some(place) = Place::with_qemu("an_image_is_not_its_own_data_file") else {
        return;
    };
    let create = ["create", "-q", "-f", "qcow2", "-o", "data_file=data.raw"];
    place.qemu_img(&[&create[..], &["image.qcow2", "4M"]].concat());
    std::fs::rename(place.path("image.qcow2"), place.path("data.raw")).expect("both are there");
    check(
        &place,
        &[&["map"], &["digest"]],
        "data.raw",
        &["offset 0x", "\"data.raw\" is the image itself"],
    );
    check_described(&place, "data.raw", "data.raw");
}

#[test]
fn a_check_offers_a_copy_only_of_what_opens() {
    for (name, opens) in [
        ("h01-l1size-huge.qcow2", false),
        ("h03-size-max.qcow2", false),
        ("h05-refcount-order-7.qcow2", false),
        ("h13-vhd-bat-huge.vhd", false),
        ("h17-vhdx-bat-in-header.vhdx", true),
        ("h19-vhdx-both-headers-bad.vhdx", false),
    ] {
        let test = "a_check_offers_a_copy_only_of_what_opens";
        let Some(place) = Place::with_sample(test, name) else {
            return;
        };
        let output = place.image(&["check", name]);
        expect_code(&output, 1);
        let said = stderr(&output);
        assert!(said.contains("hint: "), "{name}: {said}");
        assert_eq!(said.contains("--repair"), opens, "{name}: {said}");
        assert_eq!(!said.contains("does not open"), opens, "{name}: {said}");
    }
}

#[test]
fn a_check_of_what_is_not_read_has_a_way_out() {
    let name = "h07-unknown-incompat-bit.qcow2";
    let test = "a_check_of_what_is_not_read_has_a_way_out";
    let Some(place) = Place::with_sample(test, name) else {
        return;
    };
    let says = ["incompatible feature", "qemu-img convert"];
    check(&place, &[&["check"]], name, &says);
}

#[test]
fn a_backing_file_elsewhere_is_opened_only_if_allowed() {
    let test = "a_backing_file_elsewhere_is_opened_only_if_allowed";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    let place = beside(place);
    let create = ["create", "-q", "-u", "-f", "qcow2", "-F", "raw"];
    for (name, base) in [
        ("shadow.qcow2", "/etc/shadow"),
        ("up.qcow2", "../sound.raw"),
        ("json.qcow2", "json:{\"driver\":\"raw\"}"),
        ("nbd.qcow2", "nbd:localhost:10809"),
    ] {
        place.qemu_img(&[&create[..], &["-b", base, name, "1M"]].concat());
        let readers: [&[&str]; 3] = [&["map"], &["digest"], &["info", "--chain"]];
        check(
            &place,
            &readers,
            name,
            &["may not be opened", "--allow-path"],
        );
    }
    // The way out works.
    let base = place.path("sound.raw");
    let base = base.to_str().expect("UTF-8");
    place.qemu_img(&[&create[..], &["-b", base, "top.qcow2", "4096"]].concat());
    let folder = place.folder().to_str().expect("UTF-8");
    expect_code(&place.image(&["compare", "sound.raw", "top.qcow2"]), 2);
    let allowed = ["compare", "--allow-path", folder, "sound.raw", "top.qcow2"];
    expect_code(&place.image(&allowed), 0);
}

#[test]
fn a_file_that_was_cut_off() {
    let Some(place) = Place::with_qemu("a_file_that_was_cut_off") else {
        return;
    };
    let place = beside(place);
    place.mixed("qcow2", "cut.qcow2", "");
    for len in [100, 65_536 + 100, 3 << 20] {
        place.cut("cut.qcow2", len);
        check(&place, &[&["digest"]], "cut.qcow2", &["offset 0x"]);
    }
}

/// Whatever a file holds, the answer is one of ours, never a panic (101) or a signal.
#[test]
fn every_sample_has_an_answer_from_every_command() {
    for name in [
        "h01-l1size-huge.qcow2",
        "h03-size-max.qcow2",
        "h05-refcount-order-7.qcow2",
        "h07-unknown-incompat-bit.qcow2",
        "h09-backing-self.qcow2",
        "h11-datafile-json.qcow2",
        "h13-vhd-bat-huge.vhd",
        "h15-vhd-footer-only.vhd",
        "h17-vhdx-bat-in-header.vhdx",
        "h19-vhdx-both-headers-bad.vhdx",
        "dfvfs-image.vhd",
        "dfvfs-ext2.vmdk",
        "virtualpc-dynamic.vhd",
    ] {
        let test = "every_sample_has_an_answer_from_every_command";
        let Some(place) = Place::with_sample(test, name) else {
            return;
        };
        for command in [
            &["info", name][..],
            &["info", "--chain", "--format", "json", name],
            &["map", name],
            &["check", "--format", "json", name],
            &["digest", name],
            &["compare", name, name],
            &["convert", "--salvage", name, "new.vhdx"],
            &["create", "--parent", name, "child.qcow2"],
            &["resize", name, "+1M"],
        ] {
            let output = place.image(command);
            let code = output.status.code();
            assert!(matches!(code, Some(0..=2)), "{command:?}: {output:?}");
            let silent = code == Some(2) && stderr(&output).is_empty();
            assert!(!silent || command[0] == "check", "{command:?}");
        }
    }
}

#[test]
fn every_command_shows_an_example_and_its_exit_codes() {
    let place = Place::empty();
    for command in [
        "info", "map", "check", "compare", "digest", "convert", "create", "resize", "nbd",
    ] {
        let output = place.image(&[command, "--help"]);
        expect_code(&output, 0);
        let said = support::stdout(&output);
        assert!(said.contains("Example"), "{command}: {said}");
        assert!(said.contains("Exit codes: 0"), "{command}: {said}");
    }
}

#[test]
fn a_name_neither_steers_the_terminal_nor_forges_a_line() {
    let place = Place::empty();
    let output = place.image(&["info", "\u{1b}[31mred\nhint: all is well.raw"]);
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(!said.contains("\nhint: all is well"), "{said:?}");
}
