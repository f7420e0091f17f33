//! A KubeVirt VirtualMachine as a manifest.
//!
//! Disks are claims for persistent volumes, referred to by name: the report says which image goes
//! into which. It has never met a cluster of ours; it is held against the types that KubeVirt
//! publishes.
//!
//! ```
//! use detente_machine::kubevirt::to_kubevirt;
//! use detente_machine::kvm::KvmOptions;
//! use detente_machine::spec::{Firmware, MachineSpec};
//!
//! let spec = MachineSpec::new("web", 2, 2 << 30, Firmware::Bios);
//! let (yaml, _losses) = to_kubevirt(&spec, &KvmOptions::default())?;
//! assert!(yaml.contains("kind: VirtualMachine"));
//! # Ok::<(), detente_machine::spec::SpecError>(())
//! ```

mod cards;
mod disks;
mod domain;

use serde_json::{Map, Value, json};

use crate::kvm::{KvmOptions, common, foreign_words, hardware_losses, no_checkpoint_policy};
use crate::loss::Losses;
use crate::spec::{GenerationId, MachineSpec, SpecError, StartPolicy, StopPolicy, UuidByteOrder};
use crate::yaml::to_yaml;

/// Names in Kubernetes: RFC 1123 labels.
const NAME_BYTES: usize = 63;

/// A manifest that is being written.
struct Writing<'a> {
    spec: &'a MachineSpec,
    options: &'a KvmOptions,
    name: String,
    losses: Losses,
}

/// Writes the manifest of a VirtualMachine, for `kubectl apply -f`. What executes the guest's
/// instructions is the cluster's decision.
///
/// # Errors
/// The rule that the definition breaks.
pub fn to_kubevirt(
    spec: &MachineSpec,
    options: &KvmOptions,
) -> Result<(String, Losses), SpecError> {
    spec.validate()?;
    let mut losses = Losses::new();
    common(spec, &mut losses);
    hardware_losses(spec, options.devices, &mut losses);
    foreign_words(spec, "KubeVirt", &mut losses);
    let name = label(&spec.name);
    if name != spec.name {
        let why = format!("Kubernetes has no such names: it is {name:?}");
        losses.approximated("name", why);
    }
    let mut writing = Writing {
        spec,
        options,
        name,
        losses,
    };
    writing.unsaid();
    let manifest = writing.manifest();
    Ok((to_yaml(&manifest), writing.losses))
}

impl Writing<'_> {
    fn manifest(&mut self) -> Value {
        let (disks, volumes) = self.disks();
        let (interfaces, networks) = self.cards();
        let mut template = Map::new();
        let domain = self.domain(disks, interfaces);
        template.insert("domain".to_owned(), domain);
        if !networks.is_empty() {
            template.insert("networks".to_owned(), Value::Array(networks));
        }
        if !volumes.is_empty() {
            template.insert("volumes".to_owned(), Value::Array(volumes));
        }
        let mut metadata = json!({ "name": self.name });
        if let (Some(notes), Some(map)) = (&self.spec.notes, metadata.as_object_mut()) {
            map.insert("annotations".to_owned(), json!({ "description": notes }));
        }
        let strategy = match self.spec.lifecycle.start {
            StartPolicy::Always => "Always",
            StartPolicy::Unspecified | StartPolicy::Never | StartPolicy::IfItRan => "Halted",
        };
        json!({
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": metadata,
            "spec": {
                "runStrategy": strategy,
                "template": {
                    "metadata": { "labels": { "kubevirt.io/vm": self.name } },
                    "spec": template,
                },
            },
        })
    }

    /// What KubeVirt has no place for.
    fn unsaid(&mut self) {
        let spec = self.spec;
        let losses = &mut self.losses;
        let mut dropped = |is_there: bool, field: &str, why: &str| {
            if is_there {
                losses.dropped(field, why);
            }
        };
        let identity = spec.identity;
        dropped(
            identity.generation_id != GenerationId::Absent,
            "identity.generation_id",
            "KubeVirt shows no generation id",
        );
        dropped(
            identity.platform_id.is_some(),
            "identity.platform_id",
            "Kubernetes gives an id of its own",
        );
        let turned = identity.uuid.is_some() && identity.byte_order == UuidByteOrder::AsWritten;
        dropped(
            turned,
            "identity.byte_order",
            "the digits of the UUID are turned round, so that the guest finds the same bytes",
        );
        dropped(
            !spec.numa.is_empty(),
            "numa",
            "KubeVirt shows the nodes of the host, and only with processors of its own",
        );
        dropped(
            spec.lifecycle.start == StartPolicy::IfItRan || spec.lifecycle.start_delay_s.is_some(),
            "lifecycle.start",
            "a machine runs always or when somebody starts it",
        );
        dropped(
            spec.lifecycle.stop != StopPolicy::Unspecified,
            "lifecycle.stop",
            "what happens when a node is drained is its evictionStrategy",
        );
        dropped(
            spec.lifecycle.on_crash != crate::spec::CrashAction::Stop,
            "lifecycle.on_crash",
            "the run strategy says what follows",
        );
        no_checkpoint_policy(spec, losses);
    }
}

/// A name as Kubernetes has them: lower case letters, digits and hyphens.
fn label(name: &str) -> String {
    let mut label = String::new();
    for c in name.to_lowercase().chars() {
        let fits = c.is_ascii_lowercase() || c.is_ascii_digit();
        match (fits, label.ends_with('-') || label.is_empty()) {
            (true, _) => label.push(c),
            (false, false) => label.push('-'),
            (false, true) => {}
        }
    }
    label.truncate(NAME_BYTES);
    let trimmed = label.trim_end_matches('-');
    if trimmed.is_empty() {
        "machine".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    /// RFC 1123, section 2.1.
    #[test]
    fn names_become_labels() {
        for (name, expected) in [
            ("web", "web"),
            ("Payroll (old)", "payroll-old"),
            ("--", "machine"),
            ("gl\u{fc}ck 1", "gl-ck-1"),
        ] {
            assert_eq!(label(name), expected);
        }
        assert_eq!(label(&"a".repeat(200)).len(), 63);
    }
}
