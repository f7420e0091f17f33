//! What is in an initramfs: modules, and the files that say who made it, how and for what.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;

use detente_initramfs::{Entry, SegmentInfo};

use crate::command_line::parameters;
use crate::facts::{
    AddedCommandLine, Evidence, Generator, InitramfsContents, InitramfsSegment, ModuleRule, Scope,
};
use crate::modprobe::{self, normal};
use crate::modules::module_name;
use crate::os_release;
use crate::settings::{lines, shell};

/// More modules than any kernel has.
const MAX_MODULES: usize = 8192;
/// The kernel's own limit for a module's name is 56 bytes (`MODULE_NAME_LEN`).
const MAX_MODULE_NAME_BYTES: usize = 64;
/// Texts that are kept while the archive is read: together at most 2 MiB.
const MAX_TEXTS: usize = 64;
const MAX_TEXT_BYTES: u64 = 32 * 1024;
/// More than any initramfs has of them.
const MAX_RELEASES: usize = 16;
const MAX_WORDS: usize = 512;

/// Collects what the facts are made of, entry by entry.
#[derive(Default)]
pub(super) struct Collector {
    modules: BTreeSet<String>,
    releases: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    unread: Vec<String>,
    signs: BTreeSet<&'static str>,
    dracut: Option<String>,
    entries: u64,
    is_fallback: bool,
}

/// Files that give a generator away, without `usr/` before them.
const SIGNS: [(&str, Generator); 11] = [
    ("lib/dracut/build-parameter.txt", Generator::Dracut),
    ("lib/dracut-lib.sh", Generator::Dracut),
    ("dracut-state.sh", Generator::Dracut),
    ("conf/initramfs.conf", Generator::InitramfsTools),
    ("scripts/init-top/ORDER", Generator::InitramfsTools),
    ("init_functions", Generator::Mkinitcpio),
    ("sbin/nlplug-findfs", Generator::Mkinitfs),
    ("bin/nlplug-findfs", Generator::Mkinitfs),
    ("run_all.sh", Generator::SuseMkinitrd),
    ("bin/nash", Generator::Mkinitrd),
    ("etc/booster.init.yaml", Generator::Booster),
];

impl Collector {
    pub(super) fn new(is_fallback: bool) -> Self {
        Self {
            is_fallback,
            ..Self::default()
        }
    }

    pub(super) fn visit(&mut self, entry: &Entry, data: &mut dyn Read) -> ControlFlow<()> {
        self.entries = self.entries.saturating_add(1);
        let name = entry.name.trim_start_matches("./").trim_start_matches('/');
        if let Some(module) = module_name(name)
            && module.len() <= MAX_MODULE_NAME_BYTES
            && self.modules.len() < MAX_MODULES
        {
            self.modules.insert(module);
        }
        let short = name.strip_prefix("usr/").unwrap_or(name);
        self.release(short);
        if let Some((sign, _)) = SIGNS.iter().find(|(sign, _)| *sign == short) {
            self.signs.insert(sign);
        }
        if let Some(version) = short.strip_prefix("lib/dracut/dracut-")
            && version.starts_with(|c: char| c.is_ascii_digit())
            && version.len() < 128
        {
            self.dracut.get_or_insert(version.to_owned());
        }
        if is_nested(name) && self.unread.len() < MAX_RELEASES {
            self.unread.push(name.to_owned());
        }
        if is_text(short) && self.texts.len() < MAX_TEXTS {
            let mut bytes = Vec::new();
            // What the decoder met comes up again in the walk itself.
            let _ = data.take(MAX_TEXT_BYTES).read_to_end(&mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.texts.insert(short.to_owned(), text);
        }
        ControlFlow::Continue(())
    }

    fn release(&mut self, name: &str) {
        let rest = name.strip_prefix("lib/modules/");
        let release = rest.and_then(|rest| rest.split('/').next());
        if let Some(release) = release
            && release.starts_with(|c: char| c.is_ascii_digit())
            && release.len() < 256
            && self.releases.len() < MAX_RELEASES
        {
            self.releases.insert(release.to_owned());
        }
    }

    pub(super) fn finish(self, segments: &[SegmentInfo]) -> InitramfsContents {
        let generator = self.generator();
        let (scope, scope_evidence) = self.scope(generator);
        InitramfsContents {
            segments: segments.iter().map(segment).collect(),
            generator,
            generator_version: self.version(generator),
            scope,
            scope_evidence,
            build_parameters: self.text("lib/dracut/build-parameter.txt"),
            parts: self.parts(generator),
            loads: self.loads(generator),
            module_rules: self.module_rules(),
            command_lines: self.command_lines(),
            unread: self.unread,
            releases: self.releases.into_iter().collect(),
            modules: self.modules.into_iter().collect(),
            entries: self.entries,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = self.texts.get(name)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn generator(&self) -> Generator {
        // Dracut's early archive of microcode has no sign; any other segment has.
        let found = SIGNS.iter().find(|(sign, _)| self.signs.contains(sign));
        match (found, &self.dracut) {
            (Some((_, generator)), _) => *generator,
            (None, Some(_)) => Generator::Dracut,
            (None, None) => Generator::Unknown,
        }
    }

    fn version(&self, generator: Generator) -> Option<String> {
        match generator {
            Generator::Dracut => self.dracut.clone().or_else(|| {
                let release = ["etc/initrd-release", "lib/initrd-release"];
                let text = release.iter().find_map(|name| self.texts.get(*name))?;
                let version = os_release::parse(text).remove("VERSION")?;
                let (_, version) = version.split_once("dracut-")?;
                Some(version.split_whitespace().next()?.to_owned())
            }),
            Generator::Mkinitcpio => {
                let text = self.text("VERSION")?;
                text.split_whitespace().next_back().map(str::to_owned)
            }
            Generator::Mkinitfs => {
                let settings = shell::parse("init", self.texts.get("init")?);
                shell::value(&settings, "VERSION").map(str::to_owned)
            }
            Generator::InitramfsTools
            | Generator::SuseMkinitrd
            | Generator::Mkinitrd
            | Generator::Booster
            | Generator::Unknown => None,
        }
    }

    fn scope(&self, generator: Generator) -> (Scope, Option<String>) {
        let says = |name: &str, text: &str| Some(format!("{name}: {}", first_line(text)));
        match generator {
            Generator::Dracut => self.dracut_scope(),
            Generator::InitramfsTools => {
                let conf = "conf/initramfs.conf";
                // conf.d comes later, so it counts more.
                let conf_d = self
                    .texts
                    .iter()
                    .rev()
                    .filter(|(name, _)| name.starts_with("conf/conf.d/"));
                let all = conf_d
                    .map(|(name, text)| (name.as_str(), text))
                    .chain(self.texts.get(conf).map(|text| (conf, text)));
                let set = all.filter_map(|(name, text)| {
                    let settings = shell::parse(name, text);
                    shell::value(&settings, "MODULES").map(|value| (name, value.to_owned()))
                });
                let Some((name, value)) = set.into_iter().next() else {
                    return (Scope::Unknown, None);
                };
                let scope = match value.as_str() {
                    "most" => Scope::Generic,
                    "dep" => Scope::HostOnly,
                    _ => Scope::Unknown,
                };
                (scope, Some(format!("{name}: MODULES={value}")))
            }
            Generator::Mkinitcpio => {
                let Some(text) = self.texts.get("buildconfig") else {
                    return (Scope::Unknown, None);
                };
                let hooks = lines(text, &['#']).find(|(_, line)| line.starts_with("HOOKS"));
                let hooks = hooks.map_or("", |(_, line)| line);
                // The preset `fallback` is made without the hook that its configuration names.
                if self.is_fallback {
                    (
                        Scope::Generic,
                        Some("the preset fallback leaves autodetect out".to_owned()),
                    )
                } else if hooks.contains("autodetect") {
                    (Scope::HostOnly, says("buildconfig", hooks))
                } else if hooks.is_empty() {
                    (Scope::Unknown, None)
                } else {
                    (Scope::Generic, says("buildconfig", hooks))
                }
            }
            Generator::Mkinitfs
            | Generator::SuseMkinitrd
            | Generator::Mkinitrd
            | Generator::Booster
            | Generator::Unknown => (Scope::Unknown, None),
        }
    }

    /// Dracut's arguments come first; then the lists that it writes in host-only mode alone.
    fn dracut_scope(&self) -> (Scope, Option<String>) {
        let parameters = "lib/dracut/build-parameter.txt";
        if let Some(text) = self.text(parameters) {
            let said = || Some(format!("{parameters}: {}", first_line(&text)));
            let words = text.split(|c: char| c.is_whitespace() || c == '\'' || c == '"');
            let mut said_so = words.filter_map(|word| match word {
                "-N" | "--no-hostonly" => Some(Scope::Generic),
                "-H" | "--hostonly" => Some(Scope::HostOnly),
                _ => None,
            });
            if let Some(scope) = said_so.next_back() {
                return (scope, said());
            }
        }
        for name in [
            "lib/dracut/hostonly-files",
            "lib/dracut/hostonly-kernel-modules.txt",
        ] {
            if let Some(text) = self.texts.get(name) {
                return (
                    Scope::HostOnly,
                    Some(format!("{name}: {}", first_line(text))),
                );
            }
        }
        (Scope::Unknown, None)
    }

    fn parts(&self, generator: Generator) -> Vec<String> {
        let words = match generator {
            Generator::Dracut => self.text("lib/dracut/modules.txt"),
            Generator::Mkinitcpio => self.texts.get("buildconfig").and_then(|text| {
                let hooks = lines(text, &['#']).find(|(_, line)| line.starts_with("HOOKS"))?;
                let (_, value) = hooks.1.split_once('=')?;
                Some(value.replace(['(', ')', '"', '\''], " "))
            }),
            Generator::InitramfsTools
            | Generator::Mkinitfs
            | Generator::SuseMkinitrd
            | Generator::Mkinitrd
            | Generator::Booster
            | Generator::Unknown => None,
        };
        let words = words.unwrap_or_default();
        words
            .split_whitespace()
            .take(MAX_WORDS)
            .map(str::to_owned)
            .collect()
    }

    /// initramfs-tools' `conf/modules`; systemd's `modules-load.d`; dracut's `rd.driver.pre`.
    fn loads(&self, generator: Generator) -> Vec<String> {
        let mut loads = Vec::new();
        for (name, text) in &self.texts {
            let is_list = name == "conf/modules" || name.contains("modules-load.d/");
            if is_list {
                let words = lines(text, &['#', ';']);
                loads.extend(
                    words
                        .filter_map(|(_, line)| line.split_whitespace().next())
                        .map(normal),
                );
            }
        }
        if generator == Generator::Dracut {
            for line in self.command_lines() {
                let pairs = parameters(&line.text).into_iter();
                let ours = pairs.filter(|(name, _)| name == "rd.driver.pre");
                loads.extend(
                    ours.filter_map(|(_, value)| value)
                        .map(|value| normal(&value)),
                );
            }
        }
        loads.truncate(MAX_WORDS);
        loads
    }

    fn module_rules(&self) -> Vec<ModuleRule> {
        let ours = self
            .texts
            .iter()
            .filter(|(name, _)| name.contains("modprobe.d/"));
        ours.flat_map(|(name, text)| modprobe::parse(&format!("/{name}"), text))
            .filter(|rule| !matches!(rule.kind, crate::facts::ModuleRuleKind::Alias { .. }))
            .take(MAX_WORDS)
            .collect()
    }

    fn command_lines(&self) -> Vec<AddedCommandLine> {
        let is_ours = |name: &str| name == "etc/cmdline" || name.starts_with("etc/cmdline.d/");
        let ours = self.texts.iter().filter(|(name, _)| is_ours(name));
        ours.flat_map(|(name, text)| {
            lines(text, &['#']).map(move |(number, line)| AddedCommandLine {
                text: line.to_owned(),
                at: Evidence::line(format!("/{name}"), number),
            })
        })
        .take(MAX_WORDS)
        .collect()
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim()
        .chars()
        .take(256)
        .collect()
}

fn segment(info: &SegmentInfo) -> InitramfsSegment {
    InitramfsSegment {
        offset: info.offset,
        compression: info.compression.to_string(),
        entries: info.entries,
        unpacked_bytes: info.unpacked_bytes,
    }
}

/// A file system in a file: dracut's `99squash` and `95squash-squashfs`, live images aside.
fn is_nested(name: &str) -> bool {
    [
        "squash-root.img",
        "squashfs-root.img",
        "erofs-root.img",
        "squash/root.img",
    ]
    .iter()
    .any(|own| name.ends_with(own))
}

/// The files that are read, without `usr/` before them.
fn is_text(name: &str) -> bool {
    let conf = |folder: &str| name.starts_with(folder) && name.ends_with(".conf");
    matches!(
        name,
        "lib/dracut/build-parameter.txt"
            | "lib/dracut/modules.txt"
            | "lib/dracut/hostonly-files"
            | "lib/dracut/hostonly-kernel-modules.txt"
            | "lib/initrd-release"
            | "etc/initrd-release"
            | "etc/cmdline"
            | "conf/modules"
            | "conf/initramfs.conf"
            | "buildconfig"
            | "VERSION"
            | "init"
    ) || name.starts_with("conf/conf.d/")
        || conf("etc/cmdline.d/")
        || conf("etc/modprobe.d/")
        || conf("lib/modprobe.d/")
        || conf("etc/modules-load.d/")
        || conf("lib/modules-load.d/")
}

/// For the exerciser: every kind of text, in every generator's place.
pub(super) fn exercise(bytes: &[u8]) {
    let kept = bytes.get(..32 * 1024).unwrap_or(bytes);
    let text = String::from_utf8_lossy(kept).into_owned();
    let names = [
        "lib/dracut/build-parameter.txt",
        "lib/dracut/modules.txt",
        "etc/initrd-release",
        "conf/modules",
        "conf/initramfs.conf",
        "buildconfig",
        "init",
        "etc/cmdline.d/x.conf",
        "etc/modprobe.d/x.conf",
    ];
    for (sign, _) in SIGNS {
        let mut collector = Collector::new(false);
        collector.signs.insert(sign);
        collector.texts = names.map(|name| (name.to_owned(), text.clone())).into();
        collector.finish(&[]);
    }
}
