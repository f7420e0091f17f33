//! The guest's own programs that a plan runs.

use serde::{Deserialize, Serialize};

/// Where the guest's programs are looked for, as in the variable `PATH` with which they are run.
pub const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The folder into which packages are put before they are installed. It is in memory, so that
/// nothing of it stays in the guest.
pub const PACKAGE_FOLDER: &str = "/run/detente-packages";

/// A program of the guest's own, and what it is to do. No shell has a part in it: [`argv`](Self::argv)
/// is what is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "kebab-case")]
pub enum Tool {
    /// dracut makes an initramfs anew.
    Dracut {
        /// The release of the kernel.
        kernel: String,
        /// The file that is made.
        image: String,
    },
    /// initramfs-tools makes the initramfs of a kernel anew.
    UpdateInitramfs {
        /// The release of the kernel.
        kernel: String,
    },
    /// initramfs-tools make a first initramfs for a kernel.
    NewInitramfs {
        /// The release of the kernel.
        kernel: String,
    },
    /// mkinitcpio makes an initramfs anew.
    Mkinitcpio {
        /// The release of the kernel, or its file.
        kernel: String,
        /// The file that is made.
        image: String,
    },
    /// mkinitcpio makes what a preset names: all files of one kernel.
    MkinitcpioPreset {
        /// The preset.
        preset: String,
    },
    /// mkinitfs of Alpine makes an initramfs anew.
    Mkinitfs {
        /// The release of the kernel.
        kernel: String,
        /// The file that is made.
        image: String,
    },
    /// mkinitrd of SUSE makes an initramfs anew.
    SuseMkinitrd {
        /// The kernel's file in `/boot`, without the folder.
        kernel_image: String,
        /// The initramfs in `/boot`, without the folder.
        image: String,
    },
    /// mkinitrd of Red Hat (up to 5) makes an initramfs anew.
    Mkinitrd {
        /// The release of the kernel.
        kernel: String,
        /// The file that is made.
        image: String,
        /// The modules that go into it whatever the machine is like.
        modules: Vec<String>,
    },
    /// kdump makes its initramfs anew.
    Kdump,
    /// Debian's kdump-tools make their initramfs of one kernel anew.
    KdumpTools {
        /// The release of the kernel.
        kernel: String,
    },
    /// GRUB's configuration is made anew.
    GrubMkconfig {
        /// The program: `grub-mkconfig`, `grub2-mkconfig`.
        program: String,
        /// The file that is made.
        output: String,
    },
    /// A service of systemd is unmasked and started at every boot.
    EnableUnit {
        /// The unit.
        unit: String,
    },
    /// A service of systemd that is masked can be started again.
    UnmaskUnit {
        /// The unit.
        unit: String,
    },
    /// A service of OpenRC is started at every boot.
    OpenRcAdd {
        /// The service.
        service: String,
    },
    /// Packages are installed that lie in [`PACKAGE_FOLDER`].
    InstallPackages {
        /// Who installs them.
        manager: PackageManager,
        /// Their files.
        files: Vec<PackageFile>,
    },
    /// Files get the SELinux labels that the guest's policy gives them.
    Relabel {
        /// The files.
        paths: Vec<String>,
    },
}

/// Who installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageManager {
    /// dpkg.
    Dpkg,
    /// RPM.
    Rpm,
    /// apk.
    Apk,
    /// pacman.
    Pacman,
}

/// A package that the user gave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageFile {
    /// Its file's name, without a folder.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// How many they are.
    pub len_bytes: u64,
}

impl Tool {
    /// The program and its arguments. The program is a name to be looked for in [`SEARCH_PATH`].
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match self {
            // The oldest spelling: every dracut takes it.
            Self::Dracut { kernel, image } => words(&["dracut", "--force", image, kernel]),
            Self::UpdateInitramfs { kernel } => words(&["update-initramfs", "-u", "-k", kernel]),
            Self::NewInitramfs { kernel } => words(&["update-initramfs", "-c", "-k", kernel]),
            Self::Mkinitcpio { kernel, image } => words(&["mkinitcpio", "-k", kernel, "-g", image]),
            Self::MkinitcpioPreset { preset } => words(&["mkinitcpio", "-p", preset]),
            Self::Mkinitfs { kernel, image } => words(&["mkinitfs", "-o", image, kernel]),
            Self::SuseMkinitrd {
                kernel_image,
                image,
            } => words(&["mkinitrd", "-k", kernel_image, "-i", image]),
            Self::Mkinitrd {
                kernel,
                image,
                modules,
            } => {
                let mut argv = words(&["mkinitrd", "-f"]);
                argv.extend(modules.iter().map(|module| format!("--with={module}")));
                argv.extend([image.clone(), kernel.clone()]);
                argv
            }
            Self::Kdump => words(&["kdumpctl", "rebuild"]),
            Self::KdumpTools { kernel } => words(&["/etc/kernel/postinst.d/kdump-tools", kernel]),
            Self::GrubMkconfig { program, output } => words(&[program, "-o", output]),
            Self::EnableUnit { unit } => words(&["systemctl", "enable", unit]),
            Self::UnmaskUnit { unit } => words(&["systemctl", "unmask", unit]),
            Self::OpenRcAdd { service } => words(&["rc-update", "add", service, "default"]),
            Self::InstallPackages { manager, files } => {
                let mut argv = words(manager.install());
                argv.extend(files.iter().map(PackageFile::path));
                argv
            }
            Self::Relabel { paths } => {
                // -i: a tool need not make every file that it may make.
                let mut argv = words(&["restorecon", "-i", "-F"]);
                argv.extend(paths.iter().cloned());
                argv
            }
        }
    }

    /// Settings of the environment that the program needs beside `PATH`.
    #[must_use]
    pub fn environment(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::InstallPackages { .. } => &[("DEBIAN_FRONTEND", "noninteractive")],
            Self::Dracut { .. }
            | Self::UpdateInitramfs { .. }
            | Self::NewInitramfs { .. }
            | Self::Mkinitcpio { .. }
            | Self::MkinitcpioPreset { .. }
            | Self::Mkinitfs { .. }
            | Self::SuseMkinitrd { .. }
            | Self::Mkinitrd { .. }
            | Self::Kdump
            | Self::KdumpTools { .. }
            | Self::GrubMkconfig { .. }
            | Self::EnableUnit { .. }
            | Self::UnmaskUnit { .. }
            | Self::OpenRcAdd { .. }
            | Self::Relabel { .. } => &[],
        }
    }
}

impl PackageManager {
    /// How it is told to install files without a network.
    fn install(self) -> &'static [&'static str] {
        match self {
            Self::Dpkg => &["dpkg", "--install", "--force-confold"],
            Self::Rpm => &["rpm", "--upgrade", "--replacepkgs"],
            Self::Apk => &["apk", "add", "--no-network"],
            Self::Pacman => &["pacman", "--upgrade", "--noconfirm"],
        }
    }
}

impl PackageFile {
    /// Where it is in the guest when it is installed.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{PACKAGE_FOLDER}/{}", self.name)
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tool: &Tool, line: &str) {
        assert_eq!(tool.argv().join(" "), line);
    }

    #[test]
    fn each_tool_is_called_as_its_manual_says() {
        let (kernel, image) = ("5.14.0-1".to_owned(), "/boot/i.img".to_owned());
        check(
            &Tool::Dracut {
                kernel: kernel.clone(),
                image: image.clone(),
            },
            "dracut --force /boot/i.img 5.14.0-1",
        );
        check(
            &Tool::UpdateInitramfs {
                kernel: kernel.clone(),
            },
            "update-initramfs -u -k 5.14.0-1",
        );
        check(
            &Tool::Mkinitrd {
                kernel,
                image,
                modules: vec!["a".to_owned(), "b".to_owned()],
            },
            "mkinitrd -f --with=a --with=b /boot/i.img 5.14.0-1",
        );
        let files = vec![PackageFile {
            name: "a b.deb".to_owned(),
            sha256: String::new(),
            len_bytes: 0,
        }];
        let install = Tool::InstallPackages {
            manager: PackageManager::Dpkg,
            files,
        };
        assert_eq!(install.argv()[3], "/run/detente-packages/a b.deb");
        assert_eq!(
            install.environment(),
            [("DEBIAN_FRONTEND", "noninteractive")]
        );
    }
}
