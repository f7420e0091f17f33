//! The documents of prepare, in every form that they can take, against their schemas.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod schema;

use std::collections::BTreeMap;

use detente_guest::check::{By, Profile};
use detente_guest::prepare::{
    Change, ChangedFile, Content, DiskImage, FileFacts, FileState, JOURNAL_SCHEMA, Journal, Left,
    Owner, PLAN_SCHEMA, PackageFile, PackageManager, Plan, Step, StepOutcome, StepResult, Tool,
    Touched,
};
use serde_json::Value;

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn text(text: &str) -> String {
    text.to_owned()
}

fn file() -> FileState {
    FileState::File(FileFacts {
        sha256: text(DIGEST),
        len_bytes: 0,
        mode: 0o644,
        modified_s: -1,
        owner: Some(Owner { uid: 0, gid: 5 }),
        xattrs: Some(BTreeMap::from([(text("security.selinux"), text("00ff"))])),
    })
}

fn states() -> Vec<FileState> {
    let target = text("../x");
    vec![
        FileState::Absent,
        file(),
        FileState::Link { target },
        FileState::Other,
    ]
}

fn tools() -> Vec<Tool> {
    let (kernel, image) = (text("6.1"), text("/boot/i"));
    let (unit, modules) = (text("a.service"), vec![text("hv_vmbus")]);
    vec![
        Tool::Dracut {
            kernel: kernel.clone(),
            image: image.clone(),
        },
        Tool::UpdateInitramfs {
            kernel: kernel.clone(),
        },
        Tool::NewInitramfs {
            kernel: kernel.clone(),
        },
        Tool::Mkinitcpio {
            kernel: kernel.clone(),
            image: image.clone(),
        },
        Tool::MkinitcpioPreset {
            preset: text("linux"),
        },
        Tool::Mkinitfs {
            kernel: kernel.clone(),
            image: image.clone(),
        },
        Tool::SuseMkinitrd {
            kernel_image: text("vmlinuz-3"),
            image: text("initrd-3"),
        },
        Tool::Mkinitrd {
            kernel: kernel.clone(),
            image,
            modules,
        },
        Tool::Kdump,
        Tool::KdumpTools { kernel },
        Tool::GrubMkconfig {
            program: text("grub-mkconfig"),
            output: text("/boot/grub/grub.cfg"),
        },
        Tool::EnableUnit { unit: unit.clone() },
        Tool::UnmaskUnit { unit },
        Tool::OpenRcAdd { service: text("a") },
        Tool::InstallPackages {
            manager: PackageManager::Apk,
            files: vec![PackageFile {
                name: text("a.apk"),
                sha256: text(DIGEST),
                len_bytes: 1,
            }],
        },
        Tool::Relabel {
            paths: vec![text("/etc/x")],
        },
    ]
}

fn contents() -> Vec<Content> {
    let (path, sha256) = (text("/boot/efi/EFI/debian/shimx64.efi"), text(DIGEST));
    vec![
        Content::new(b"text".to_vec()),
        Content::new(vec![0xff, 0x00]),
        Content::Copy {
            path,
            sha256,
            len_bytes: 0,
        },
    ]
}

fn plan() -> Plan {
    let path = || text("/etc/fstab");
    let write = |content: Content| Change::Write {
        path: path(),
        content,
        mode: Some(0o600),
        before: FileState::Absent,
    };
    let remove = |before: FileState| Change::Remove {
        path: path(),
        before,
    };
    let run = |tool: Tool| Change::Run {
        tool,
        touches: vec![Touched {
            path: path(),
            before: file(),
        }],
    };
    let changes = contents().into_iter().map(write);
    let changes = changes
        .chain(states().into_iter().map(remove))
        .chain(tools().into_iter().map(run));
    let step = |(index, change): (usize, Change)| Step {
        id: format!("step {index}"),
        rules: vec![text("linux.fstab.device-name")],
        why: text("why"),
        change,
    };
    let left = |by: By| Left {
        rule: text("a"),
        why: text("b"),
        by,
        packages: vec![text("c")],
    };
    Plan {
        schema: text(PLAN_SCHEMA),
        profiles: Profile::ALL.to_vec(),
        steps: changes.enumerate().map(step).collect(),
        left: [By::Prepare, By::Hand, By::Machine].map(left).to_vec(),
    }
}

fn journal() -> Journal {
    let disk = || DiskImage {
        path: text("a.qcow2"),
        format: text("qcow2"),
        size_bytes: 1 << 30,
        content_digest: text(DIGEST),
    };
    let outcomes = [
        StepOutcome::Done,
        StepOutcome::Differs {
            path: text("/etc/fstab"),
            found: file(),
        },
        StepOutcome::Failed {
            why: text("no space"),
        },
        StepOutcome::NotBegun,
    ];
    let result = |outcome: StepOutcome| StepResult {
        step: text("step 0"),
        outcome,
        output: vec![text("a line")],
        duration_ms: 7,
    };
    let changed = ChangedFile {
        path: text("/etc/fstab"),
        steps: vec![text("step 0")],
        before: file(),
        after: FileState::Absent,
        blob: Some(text(DIGEST)),
    };
    Journal {
        schema: text(JOURNAL_SCHEMA),
        tool: text("0.1.0"),
        source: vec![disk()],
        output: vec![disk()],
        plan: plan(),
        results: outcomes.map(result).to_vec(),
        files: vec![changed],
        tree_sha256: Some(text(DIGEST)),
    }
}

#[track_caller]
fn fits(schema: &str, value: &Value) -> Option<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    schema::misfit(&schema, &schema, value, "document")
}

#[test]
fn every_form_of_a_plan_fits_its_schema() {
    let schema = include_str!("../../../docs/schemas/prepare-plan-1.json");
    let mut value = serde_json::to_value(plan()).unwrap();
    assert_eq!(fits(schema, &value), None);
    assert_eq!(
        serde_json::from_value::<Plan>(value.clone()).unwrap(),
        plan()
    );
    // The validator would say so.
    value["steps"][0]["change"]["content"]["from"] = "nowhere".into();
    assert!(fits(schema, &value).is_some());
}

#[test]
fn every_form_of_a_journal_fits_its_schema() {
    let schema = include_str!("../../../docs/schemas/prepare-journal-1.json");
    let mut value = serde_json::to_value(journal()).unwrap();
    assert_eq!(fits(schema, &value), None);
    assert_eq!(
        serde_json::from_value::<Journal>(value.clone()).unwrap(),
        journal()
    );
    value["results"][1]["outcome"] = "done".into();
    assert!(fits(schema, &value).is_some());
}
