//! What the guest tells modprobe, and the programs that make its initramfs files.

use serde::{Deserialize, Serialize};

use super::Evidence;

/// Which modules are loaded, refused or changed, and what goes into the next initramfs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSettings {
    /// The lines of `modprobe.d` and `modprobe.conf`, in the order in which modprobe reads them.
    #[serde(default)]
    pub rules: Vec<ModuleRule>,
    /// Modules that are loaded at every start: `modules-load.d`, `/etc/modules`.
    #[serde(default)]
    pub loads: Vec<ModuleLoad>,
    /// What kernel command lines say of modules.
    #[serde(default)]
    pub arguments: Vec<ModuleArgument>,
    /// Settings of dracut, initramfs-tools, mkinitcpio, mkinitfs and SUSE's mkinitrd, in the order
    /// in which they are read.
    #[serde(default)]
    pub builders: Vec<BuilderSetting>,
}

/// A line of modprobe's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleRule {
    /// The module, with `_` for `-`; for an alias the pattern that it stands for, as written.
    pub module: String,
    /// What the line says of it.
    #[serde(flatten)]
    pub kind: ModuleRuleKind,
    /// The line as written.
    pub text: String,
    /// Where it is.
    pub at: Evidence,
}

/// What a line of modprobe's configuration says of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum ModuleRuleKind {
    /// It is not loaded for the hardware that it knows; by name it still is.
    Blacklist,
    /// This command is run instead of loading it.
    Install {
        /// The command.
        command: String,
        /// Whether that loads nothing: `/bin/true`, `/bin/false`, `:`.
        disables: bool,
    },
    /// This command is run instead of unloading it.
    Remove {
        /// The command.
        command: String,
    },
    /// It gets these parameters.
    Options {
        /// The parameters.
        parameters: String,
    },
    /// The name before means this module.
    Alias {
        /// The module, with `_` for `-`; `off` takes an alias away.
        target: String,
    },
    /// Others are loaded before and after it.
    Softdep {
        /// Before.
        pre: Vec<String>,
        /// After.
        post: Vec<String>,
    },
}

/// A module that is loaded at every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleLoad {
    /// The module, with `_` for `-`.
    pub module: String,
    /// Where it is named.
    pub at: Evidence,
}

/// What a kernel command line says of modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleArgument {
    /// The argument: `modprobe.blacklist`, `rd.driver.blacklist`, `module_blacklist`,
    /// `rd.driver.pre`, `initcall_blacklist`, ….
    pub name: String,
    /// The modules (functions, for `initcall_blacklist`), with `_` for `-`.
    pub modules: Vec<String>,
    /// The argument as written.
    pub text: String,
    /// The entry of the boot menu with it, as an index into `boot.entries`.
    pub entry: Option<usize>,
    /// The file with it, where that is a setting for entries to come: `/etc/default/grub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Evidence>,
}

/// A setting of a program that makes initramfs files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuilderSetting {
    /// The program.
    pub builder: Builder,
    /// The setting: `add_drivers`, `hostonly`, `MODULES`, `HOOKS`, `INITRD_MODULES`; `modules` for
    /// a line of initramfs-tools' file of that name, `features` for mkinitfs.
    pub name: String,
    /// The words of its value. Module names keep their spelling.
    pub values: Vec<String>,
    /// Whether it adds to the value before (`+=`).
    pub adds: bool,
    /// Where it is.
    pub at: Evidence,
}

/// A program whose configuration is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Builder {
    /// `/etc/dracut.conf`, `dracut.conf.d`.
    Dracut,
    /// `/etc/initramfs-tools`.
    InitramfsTools,
    /// `/etc/mkinitcpio.conf`, `mkinitcpio.conf.d`, `mkinitcpio.d`.
    Mkinitcpio,
    /// `/etc/mkinitfs/mkinitfs.conf`.
    Mkinitfs,
    /// `/etc/sysconfig/kernel` of SUSE.
    SuseMkinitrd,
}
