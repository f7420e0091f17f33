//! Settings of the programs that make initramfs files.

use detente_volume::FsError;

use crate::facts::{Builder, BuilderSetting, Evidence};
use crate::files::Files;
use crate::settings::{MAX_LINES, drop_ins, lines};

/// \[dracut.conf(5)\]: what `/etc` has hides the same name in `/usr/lib`.
const DRACUT: [&str; 2] = ["/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d"];
/// \[initramfs.conf(5)\].
const INITRAMFS_TOOLS: [&str; 2] = [
    "/usr/share/initramfs-tools/conf.d",
    "/etc/initramfs-tools/conf.d",
];
/// \[initramfs-tools(7)\]: modules by name.
const INITRAMFS_TOOLS_MODULES: [&str; 2] = [
    "/etc/initramfs-tools/modules",
    "/usr/share/initramfs-tools/modules",
];
/// More settings than any system has.
const MAX_SETTINGS: usize = 1024;

pub(super) fn find(files: Files<'_>) -> Result<Vec<BuilderSetting>, FsError> {
    let mut all = Vec::new();
    dracut(files, &mut all)?;
    initramfs_tools(files, &mut all)?;
    shell(files, Builder::Mkinitcpio, "/etc/mkinitcpio.conf", &mut all)?;
    for path in drop_ins::overridden(files, &["/etc/mkinitcpio.conf.d"], ".conf")? {
        shell(files, Builder::Mkinitcpio, &path, &mut all)?;
    }
    for path in drop_ins::overridden(files, &["/etc/mkinitcpio.d"], ".preset")? {
        shell(files, Builder::Mkinitcpio, &path, &mut all)?;
    }
    shell(
        files,
        Builder::Mkinitfs,
        "/etc/mkinitfs/mkinitfs.conf",
        &mut all,
    )?;
    suse(files, &mut all)?;
    all.truncate(MAX_SETTINGS);
    Ok(all)
}

fn dracut(files: Files<'_>, all: &mut Vec<BuilderSetting>) -> Result<(), FsError> {
    shell(files, Builder::Dracut, "/etc/dracut.conf", all)?;
    for path in drop_ins::overridden(files, &DRACUT, ".conf")? {
        shell(files, Builder::Dracut, &path, all)?;
    }
    Ok(())
}

fn initramfs_tools(files: Files<'_>, all: &mut Vec<BuilderSetting>) -> Result<(), FsError> {
    let builder = Builder::InitramfsTools;
    shell(files, builder, "/etc/initramfs-tools/initramfs.conf", all)?;
    for folder in INITRAMFS_TOOLS {
        for path in drop_ins::folder(files, folder, "")? {
            shell(files, builder, &path, all)?;
        }
    }
    let mut paths: Vec<String> = INITRAMFS_TOOLS_MODULES.map(str::to_owned).to_vec();
    paths.extend(drop_ins::folder(
        files,
        "/usr/share/initramfs-tools/modules.d",
        "",
    )?);
    for path in paths {
        let text = files.text(&path)?.unwrap_or_default();
        all.extend(lines(&text, &['#']).map(|(number, line)| BuilderSetting {
            builder,
            name: "modules".to_owned(),
            values: line.split_whitespace().take(1).map(str::to_owned).collect(),
            adds: true,
            at: Evidence::line(&*path, number),
        }));
    }
    Ok(())
}

/// `INITRD_MODULES` and its relatives, up to SLES 11.
fn suse(files: Files<'_>, all: &mut Vec<BuilderSetting>) -> Result<(), FsError> {
    let mut found = Vec::new();
    shell(
        files,
        Builder::SuseMkinitrd,
        "/etc/sysconfig/kernel",
        &mut found,
    )?;
    let ours = ["INITRD_MODULES", "DOMU_INITRD_MODULES", "NO_KMS_IN_INITRD"];
    all.extend(
        found
            .into_iter()
            .filter(|own| ours.contains(&own.name.as_str())),
    );
    Ok(())
}

fn shell(
    files: Files<'_>,
    builder: Builder,
    path: &str,
    all: &mut Vec<BuilderSetting>,
) -> Result<(), FsError> {
    if all.len() < MAX_SETTINGS
        && let Some(text) = files.text(path)?
    {
        all.extend(parse(builder, path, &text));
    }
    Ok(())
}

/// Assignments of a shell script, arrays among them. Nothing is expanded or run.
fn parse(builder: Builder, path: &str, text: &str) -> Vec<BuilderSetting> {
    let mut scanner = Scanner::new(text);
    let mut all = Vec::new();
    while let Some(line) = scanner.statement() {
        let words = std::mem::take(&mut scanner.words);
        all.extend(words.iter().filter_map(|word| {
            let (name, values, adds) = assignment(word)?;
            let at = Evidence::line(path, line);
            Some(BuilderSetting {
                builder,
                name,
                values,
                adds,
                at,
            })
        }));
    }
    all
}

fn assignment(word: &str) -> Option<(String, Vec<String>, bool)> {
    let (name, value) = word.split_once('=')?;
    let (name, adds) = match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let values = value.split_whitespace().map(str::to_owned).collect();
    is_name.then(|| (name.to_owned(), values, adds))
}

/// Words of a shell script; quotes and the brackets of an array are taken away, what they hold
/// stays one word.
struct Scanner<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: u32,
    statements: usize,
    words: Vec<String>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            line: 1,
            statements: 0,
            words: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line = self.line.saturating_add(u32::from(next == Some('\n')));
        next
    }

    /// Reads the words of a statement, and says in which line it starts.
    fn statement(&mut self) -> Option<u32> {
        self.statements = self.statements.saturating_add(1);
        if self.rest.peek().is_none() || self.statements > MAX_LINES {
            return None;
        }
        let (mut word, mut quote, mut array) = (String::new(), None, false);
        let start = self.line;
        while let Some(c) = self.next() {
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (Some('\''), c) => word.push(c),
                (_, '\\') => word.extend(self.next().filter(|&c| c != '\n')),
                (Some(_), c) => word.push(c),
                (None, '"' | '\'') => quote = Some(c),
                (None, '(') if word.ends_with('=') => array = true,
                (None, ')') if array => array = false,
                (None, '#') if word.is_empty() || word.ends_with(' ') => self.comment(),
                (None, c) if array && c.is_whitespace() => word.push(' '),
                (None, '\n' | ';') => break,
                (None, c) if c.is_whitespace() => self.words.push(std::mem::take(&mut word)),
                (None, c) => word.push(c),
            }
        }
        self.words.push(word);
        Some(start)
    }

    fn comment(&mut self) {
        while self.rest.peek().is_some_and(|&c| c != '\n') {
            self.next();
        }
    }
}

pub(super) fn exercise(text: &str) {
    parse(Builder::Mkinitcpio, "/x", text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    fn shown(settings: &[BuilderSetting]) -> Vec<String> {
        let one = |own: &BuilderSetting| {
            let sign = if own.adds { "+=" } else { "=" };
            format!("{}{sign}{} {}", own.name, own.values.join(","), own.at)
        };
        settings.iter().map(one).collect()
    }

    #[test]
    fn assignments_of_dracut_and_mkinitcpio() {
        let text = "# add_drivers+=\" no \"\nadd_drivers+=\" hv_vmbus hv_storvsc \" # yes\n\
                    hostonly=no; omit_drivers='a'\nMODULES=(virtio_blk \\\n  # c\n  \"btrfs\"\n)\n\
                    HOOKS=()\nif [ x ]; then early_microcode=yes; fi\n1x=2\n";
        assert_eq!(
            shown(&parse(Builder::Dracut, "/c", text)),
            [
                "add_drivers+=hv_vmbus,hv_storvsc /c:2",
                "hostonly=no /c:3",
                "omit_drivers=a /c:3",
                "MODULES=virtio_blk,btrfs /c:4",
                "HOOKS= /c:8",
                "early_microcode=yes /c:9",
            ]
        );
    }

    #[test]
    fn files_of_every_builder() {
        let fs = Memory::new()
            .file("/etc/dracut.conf", "hostonly=yes\n")
            .file("/etc/dracut.conf.d/02.conf", "hostonly=no\n")
            .file(
                "/usr/lib/dracut/dracut.conf.d/01.conf",
                "add_drivers+=\"x\"\n",
            )
            .file("/usr/lib/dracut/dracut.conf.d/02.conf", "hostonly=hidden\n")
            .file("/etc/initramfs-tools/initramfs.conf", "MODULES=most\n")
            .file("/etc/initramfs-tools/conf.d/driver-policy", "MODULES=dep\n")
            .file(
                "/etc/initramfs-tools/modules",
                "# c\nhv_vmbus\nhv_storvsc x=1\n",
            )
            .file(
                "/etc/mkinitfs/mkinitfs.conf",
                "features=\"ata base virtio\"\n",
            )
            .file(
                "/etc/sysconfig/kernel",
                "INITRD_MODULES=\"ata_piix\"\nOTHER=1\n",
            );
        assert_eq!(
            shown(&find(fs.files()).unwrap()),
            [
                "hostonly=yes /etc/dracut.conf:1",
                "add_drivers+=x /usr/lib/dracut/dracut.conf.d/01.conf:1",
                "hostonly=no /etc/dracut.conf.d/02.conf:1",
                "MODULES=most /etc/initramfs-tools/initramfs.conf:1",
                "MODULES=dep /etc/initramfs-tools/conf.d/driver-policy:1",
                "modules+=hv_vmbus /etc/initramfs-tools/modules:2",
                "modules+=hv_storvsc /etc/initramfs-tools/modules:3",
                "features=ata,base,virtio /etc/mkinitfs/mkinitfs.conf:1",
                "INITRD_MODULES=ata_piix /etc/sysconfig/kernel:1",
            ]
        );
    }
}
