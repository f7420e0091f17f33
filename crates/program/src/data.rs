//! The facts, as embedded: as much of each document as the questions need.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The documents with their names.
pub const DOCUMENTS: [(&str, &str); 6] = [
    ("guests", include_str!("../data/guests.json")),
    (
        "guests-on-hyperv",
        include_str!("../data/guests-on-hyperv.json"),
    ),
    ("hosts", include_str!("../data/hosts.json")),
    ("rhel-on-kvm", include_str!("../data/rhel-on-kvm.json")),
    (
        "windows-on-hyperv",
        include_str!("../data/windows-on-hyperv.json"),
    ),
    (
        "windows-on-kvm",
        include_str!("../data/windows-on-kvm.json"),
    ),
];

/// All documents, parsed once.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) guests: Guests,
    pub(crate) hyperv: OnHyperv,
    pub(crate) hosts: Hosts,
    pub(crate) kvm: OnKvm,
    pub(crate) windows_on_hyperv: WindowsOnHyperv,
    pub(crate) windows_on_kvm: WindowsOnKvm,
}

/// The facts.
pub(crate) fn data() -> &'static Data {
    static DATA: OnceLock<Data> = OnceLock::new();
    DATA.get_or_init(|| Data {
        guests: parse("guests"),
        hyperv: parse("guests-on-hyperv"),
        hosts: parse("hosts"),
        kvm: parse("rhel-on-kvm"),
        windows_on_hyperv: parse("windows-on-hyperv"),
        windows_on_kvm: parse("windows-on-kvm"),
    })
}

fn parse<T: DeserializeOwned>(name: &str) -> T {
    let found = DOCUMENTS.iter().find(|(own, _)| *own == name);
    let (_, text) = found.expect("every document is listed");
    serde_json::from_str(text).expect("the embedded documents are tested")
}

/// The sources of a document, by key.
pub(crate) type Sources = BTreeMap<String, SourceEntry>;

/// A source, as a document has it.
#[derive(Debug, Deserialize)]
pub(crate) struct SourceEntry {
    pub(crate) title: String,
    pub(crate) repository: String,
    pub(crate) path: String,
    pub(crate) date: Option<String>,
}

/// One key, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Keys {
    One(String),
    Many(Vec<String>),
}

impl Keys {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(key) => std::slice::from_ref(key).iter(),
            Self::Many(keys) => keys.iter(),
        }
        .map(String::as_str)
    }
}

/// `guests.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Guests {
    pub(crate) sources: Sources,
    pub(crate) guests: Vec<GuestEntry>,
}

/// A guest release with the dates of its life.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GuestEntry {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) maintenance_end: Option<String>,
    pub(crate) extended_end: Option<String>,
    pub(crate) esu_end: Option<String>,
    pub(crate) detect: Detect,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
}

/// How a guest release is recognised.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detect {
    pub(crate) os_release_id: Option<String>,
    pub(crate) os_release_version_id: Option<String>,
}

/// `guests-on-hyperv.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnHyperv {
    pub(crate) as_of: String,
    pub(crate) hosts: Vec<NamedHost>,
    pub(crate) notes: BTreeMap<String, String>,
    pub(crate) sources: Sources,
    pub(crate) records: Vec<HypervRecord>,
    pub(crate) generation_support: Vec<Generations>,
    pub(crate) vendor_support: Vec<VendorStatement>,
}

/// A host that a document names.
#[derive(Debug, Deserialize)]
pub(crate) struct NamedHost {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A column of a page about guests on Hyper-V.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HypervRecord {
    pub(crate) distros: Vec<String>,
    pub(crate) label: String,
    pub(crate) versions: Vec<String>,
    pub(crate) integration_services: String,
    pub(crate) source: String,
    pub(crate) confidence: String,
    #[serde(default)]
    pub(crate) remarks: Vec<String>,
    pub(crate) features: BTreeMap<String, serde_json::Value>,
}

/// Which generations a release can use.
#[derive(Debug, Deserialize)]
pub(crate) struct Generations {
    pub(crate) distro: String,
    pub(crate) versions: String,
    pub(crate) generation1: bool,
    pub(crate) generation2: bool,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
    pub(crate) note: Option<String>,
}

/// What a vendor says in words.
#[derive(Debug, Deserialize)]
pub(crate) struct VendorStatement {
    pub(crate) guest: String,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) by: String,
    pub(crate) statement: String,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
}

/// `rhel-on-kvm.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnKvm {
    pub(crate) as_of: String,
    pub(crate) sources: Sources,
    pub(crate) records: Vec<Pair>,
}

/// A guest on a host.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) guest: String,
    pub(crate) host: String,
    pub(crate) status: String,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
    pub(crate) note: Option<String>,
}

/// `windows-on-kvm.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WindowsOnKvm {
    pub(crate) as_of: String,
    pub(crate) hosts: Vec<NamedHost>,
    pub(crate) sources: Sources,
    pub(crate) support: Vec<Pair>,
    pub(crate) support_elsewhere: Vec<Pair>,
}

/// `windows-on-hyperv.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WindowsOnHyperv {
    pub(crate) as_of: String,
    pub(crate) sources: Sources,
    pub(crate) records: Vec<WindowsRecord>,
}

/// A Windows release on Hyper-V.
#[derive(Debug, Deserialize)]
pub(crate) struct WindowsRecord {
    pub(crate) guest: String,
    pub(crate) hosts: Option<String>,
    pub(crate) generation1: bool,
    pub(crate) generation2: bool,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
    pub(crate) note: Option<String>,
}

/// `hosts.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hosts {
    pub(crate) sources: Sources,
    pub(crate) hosts: Vec<HostEntry>,
}

/// A host release with the dates of its life.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostEntry {
    pub(crate) id: String,
    pub(crate) product: String,
    pub(crate) extended_end: Option<String>,
    pub(crate) esu_end: Option<String>,
    pub(crate) maintenance_end: Option<String>,
    pub(crate) els_end: Option<String>,
    pub(crate) source: Keys,
    pub(crate) confidence: String,
}
