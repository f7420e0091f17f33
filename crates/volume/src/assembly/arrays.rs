//! Arrays out of members.

use std::collections::BTreeMap;

use super::{Assembled, AssembledKind, Assembly, Bare, Member, unseen};
use crate::mdraid::{self, build};
use crate::{ScanError, Volume};
use detente_block::Window;

/// The members of one array.
type Set = Vec<(Member, Window, mdraid::Member)>;

/// Builds the arrays whose members are among `volumes`.
pub(super) fn find(
    volumes: &[(Member, Volume)],
    assembly: &mut Assembly,
) -> Result<Vec<Bare>, ScanError> {
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (id, volume) in volumes {
        if !volume.content.is_other("linux_raid_member") {
            continue;
        }
        match mdraid::read(&volume.window)? {
            Some(Ok(member)) => {
                if !sets.contains_key(&member.uuid) {
                    order.push(member.uuid.clone());
                }
                let set = sets.entry(member.uuid.clone()).or_default();
                set.push((*id, volume.window.clone(), member));
            }
            Some(Err(rule)) => assembly.note(format!("a member of an array is not used: {rule}")),
            None => {}
        }
    }
    let sets = order.iter().filter_map(|uuid| sets.remove(uuid));
    Ok(sets.filter_map(one).collect())
}

fn one(set: Set) -> Option<Bare> {
    let on: Vec<Member> = set.iter().map(|(id, _, _)| *id).collect();
    let members: Vec<(Window, mdraid::Member)> = set
        .into_iter()
        .map(|(_, window, member)| (window, member))
        .collect();
    let array = build(&members)?;
    Some(Bare {
        assembled: Assembled {
            kind: AssembledKind::Array,
            name: array.name,
            uuid: array.uuid,
            layout: array.layout,
            len_bytes: array.len_bytes,
            on,
            missing: array.missing,
            dirty: Some(array.dirty),
            content: unseen(),
        },
        device: array.device,
    })
}
