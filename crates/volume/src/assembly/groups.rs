//! Logical volumes out of physical ones.

use std::collections::HashMap;

use super::{Assembled, AssembledKind, Assembly, Bare, Member, unseen};
use crate::lvm2::{self, Group, LogicalVolume};
use crate::{ScanError, Volume};
use detente_block::Window;

/// Groups that are remembered.
const MAX_GROUPS: usize = 256;

/// The physical volumes found so far, and the newest description of each group.
#[derive(Default)]
pub(super) struct Groups {
    physical: HashMap<String, Window>,
    places: HashMap<String, Member>,
    /// In the order in which they were found; built ones stay, empty.
    groups: Vec<(String, Option<Group>)>,
    /// The names of those that were built.
    names: Vec<String>,
}

impl Groups {
    /// Takes the physical volumes among `volumes`.
    pub(super) fn look(
        &mut self,
        volumes: &[(Member, Volume)],
        assembly: &mut Assembly,
    ) -> Result<(), ScanError> {
        for (id, volume) in volumes {
            if !volume.content.is_other("LVM2_member") {
                continue;
            }
            match lvm2::read(&volume.window)? {
                Some(Ok(found)) => self.take(*id, volume, found, assembly),
                Some(Err(rule)) => {
                    assembly.note(format!("a physical volume is not used: {rule}"));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        id: Member,
        volume: &Volume,
        found: lvm2::PhysicalVolume,
        assembly: &mut Assembly,
    ) {
        for note in found.notes {
            assembly.note(format!("physical volume {}: {note}", found.id));
        }
        if self.physical.contains_key(&found.id) {
            let id = &found.id;
            return assembly.note(format!(
                "physical volume {id} is there twice: the first counts"
            ));
        }
        self.physical
            .insert(found.id.clone(), volume.window.clone());
        self.places.insert(found.id, id);
        let Some(group) = found.group else { return };
        let room = self.groups.len() < MAX_GROUPS;
        match self.groups.iter_mut().find(|(id, _)| *id == group.id) {
            Some((_, Some(known))) if known.seqno < group.seqno => *known = group,
            Some(_) => {}
            None if room => {
                self.groups.push((group.id.clone(), Some(group)));
            }
            None => assembly.note(format!(
                "group {} is left out: there are too many",
                group.name
            )),
        }
    }

    /// Builds every group that was not built yet.
    pub(super) fn build(&mut self, assembly: &mut Assembly) -> Result<Vec<Bare>, ScanError> {
        let mut all = Vec::new();
        for (_, group) in &mut self.groups {
            let Some(group) = group.take() else { continue };
            if self.names.contains(&group.name) {
                assembly.note(format!(
                    "there are two groups {}: the first counts",
                    group.name
                ));
                continue;
            }
            self.names.push(group.name.clone());
            let volumes = lvm2::build(&group, &self.physical)?;
            all.extend(volumes.into_iter().map(|volume| bare(volume, &self.places)));
        }
        Ok(all)
    }
}

fn bare(volume: LogicalVolume, places: &HashMap<String, Member>) -> Bare {
    let on = volume.on.iter().filter_map(|id| places.get(id).copied());
    Bare {
        assembled: Assembled {
            kind: AssembledKind::LogicalVolume,
            name: volume.name,
            uuid: volume.id,
            layout: volume.layout,
            len_bytes: volume.len_bytes,
            on: on.collect(),
            missing: volume.missing.into_iter().collect(),
            dirty: None,
            content: unseen(),
        },
        device: volume.device,
    }
}
