//! dpkg's and pacman's databases against their own tools, apk's against its documentation.

use detente_block::{FileBackend, MemoryBackend};
use detente_packages::{
    Corruption, DatabaseError, Limit, MAX_TEXT_BYTES, State, each_apk, each_dpkg, read_pacman,
};

use super::support::{Found, expected, path};

fn dpkg(text: &str) -> Found {
    let file = MemoryBackend::new(text.as_bytes().to_vec());
    Found::by(|visit| each_dpkg(&file, visit)).unwrap()
}

#[test]
fn dpkg_has_what_dpkg_query_lists() {
    let file = FileBackend::open(&path("dpkg-status")).unwrap();
    let found = Found::by(|visit| each_dpkg(&file, visit)).unwrap();
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    let lines = found.sorted(|package| format!("{package} {}", package.state.name()));
    assert_eq!(lines, expected("dpkg"));
    let text = std::fs::read_to_string(path("dpkg-status")).unwrap();
    for package in &found.packages {
        let line = usize::try_from(package.record).unwrap();
        let line = text.lines().nth(line - 1).unwrap();
        assert_eq!(line, format!("Package: {}", package.name));
        assert_eq!(
            package.vendor.as_deref(),
            Some("Example Works <deb@example.com>")
        );
    }
    let epoch = found.packages.iter().find(|one| one.name == "epoch");
    let epoch = epoch.unwrap();
    assert_eq!(epoch.epoch, Some(2));
    assert_eq!(epoch.version, "6.1~rc1");
    assert_eq!(epoch.release.as_deref(), Some("1+deb12u1"));
    assert_eq!(epoch.source.as_deref(), Some("epoch-source (6.1)"));
    assert_eq!(epoch.size_bytes, Some(12 * 1024));
    assert_eq!(epoch.summary.as_deref(), Some("What epoch does"));
}

#[test]
fn a_paragraph_without_status_is_installed() {
    // A file of `status.d`, as images without dpkg have it.
    let found = dpkg("Package: base-files\nVersion: 12.4\nArchitecture: amd64");
    assert_eq!(found.packages[0].state, State::Installed);
    assert_eq!(found.packages[0].to_string(), "base-files 12.4 amd64");
}

#[test]
fn damaged_paragraphs_are_said_and_the_others_read() {
    let found = dpkg(
        "Version: 1\n\n\nPackage: a\nStatus: install ok\nVersion: 1\n\nPackage: b\nVersion: 2\n\n\
         Package: c\nStatus: purge ok not-installed\n\nPackage: d\nStatus: install ok installed\n",
    );
    let names: Vec<&str> = found.packages.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    let damage: Vec<String> = found.damage.iter().map(ToString::to_string).collect();
    assert_eq!(
        damage,
        [
            "corrupt package database at line 1: a package without a name",
            "corrupt package database at line 4: status \"install ok\" is not three words",
            "corrupt package database at line 14: a package without a version",
        ]
    );
    let long = dpkg(&format!("Package: {}\nVersion: 1\n", "x".repeat(5000)));
    assert!(matches!(
        long.damage.as_slice(),
        [DatabaseError::CorruptLine {
            rule: Corruption::LongText("a name"),
            ..
        }]
    ));
}

#[test]
fn apk_is_read_as_its_documentation_says() {
    let file = FileBackend::open(&path("apk-installed")).unwrap();
    let found = Found::by(|visit| each_apk(&file, visit)).unwrap();
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    let lines = found.sorted(ToString::to_string);
    assert_eq!(
        lines,
        ["plain 1.2.3-r4 x86_64", "plain-doc 1.2.3_rc1-r0 noarch"]
    );
    let [plain, doc] = found.packages.as_slice() else {
        unreachable!("two were listed");
    };
    assert_eq!(plain.source, None);
    assert_eq!(doc.source.as_deref(), Some("plain"));
    assert_eq!(plain.size_bytes, Some(4096));
    assert_eq!(plain.release.as_deref(), Some("r4"));
    assert_eq!((plain.record, doc.record), (1, 22));
    assert_eq!(plain.summary.as_deref(), Some("What plain does"));
}

#[test]
fn pacman_has_what_pacman_lists() {
    let mut lines = Vec::new();
    for name in ["kernel", "plain"] {
        let file = FileBackend::open(&path(&format!("pacman-{name}"))).unwrap();
        let package = read_pacman(&file).unwrap();
        assert_eq!(package.source, Some(format!("{name}-base")));
        assert_eq!(package.vendor.as_deref(), Some("Example Works"));
        assert_eq!(package.summary, Some(format!("What {name} does")));
        assert_eq!(package.size_bytes, Some(4096));
        assert!(package.installed_s > Some(1_700_000_000));
        lines.push(format!("{} {}", package.name, package.full_version()));
    }
    assert_eq!(lines, expected("pacman"));
    let empty = read_pacman(&MemoryBackend::new(b"%NAME%\nx\n".to_vec()));
    assert!(matches!(
        empty,
        Err(DatabaseError::CorruptLine {
            rule: Corruption::Missing("a version"),
            ..
        })
    ));
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let len = usize::try_from(MAX_TEXT_BYTES).unwrap() + 1;
    let file = MemoryBackend::new(vec![b'\n'; len]);
    let refused = Found::by(|visit| each_dpkg(&file, visit));
    assert!(matches!(
        refused,
        Err(DatabaseError::LimitExceeded(Limit::Text))
    ));
}
