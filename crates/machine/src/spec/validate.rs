//! Holds a definition against its rules.

mod cards;
mod drives;

use super::{Clock, MachineSpec, MemoryRange, ProcessorModel, SerialBackend, SpecError};

/// More processors than any platform gives a machine: Windows Server 2025's limit is 2,048.
const PROCESSORS: u64 = 4096;
/// More memory than any platform gives a machine: Windows Server 2025's limit is 240 TiB.
const MEMORY_BYTES: u64 = 1 << 48;
/// Names of features, of processors, of services.
const WORD_BYTES: usize = 256;
/// A path, as Linux limits it.
const PATH_BYTES: usize = 4096;
/// Notes, as people write them.
const NOTES_BYTES: usize = 64 << 10;

type Checked = Result<(), SpecError>;

impl MachineSpec {
    /// Holds it against the rules that every platform shares. Writers rely on them.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn validate(&self) -> Checked {
        name(&self.name)?;
        processors(self)?;
        memory(self)?;
        numa(self)?;
        drives::check(self)?;
        cards::check(self)?;
        boot_order(self)?;
        serial_ports(self)?;
        others(self)
    }
}

fn name(name: &str) -> Checked {
    let bad = name.is_empty() || name.len() > 200 || name.contains('/');
    // Device nodes are named after them: `.` and `..` are folders.
    if bad || matches!(name, "." | "..") || name.chars().any(is_unwritable) {
        let name = name.chars().take(64).collect();
        return Err(SpecError::Name { name });
    }
    Ok(())
}

/// What XML 1.0 cannot carry, and what would steer a terminal.
fn is_unwritable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A text of one line.
fn text(field: &str, text: &str, limit: usize) -> Checked {
    if text.len() > limit || text.chars().any(is_unwritable) {
        let field = field.to_owned();
        return Err(SpecError::Text { field, limit });
    }
    Ok(())
}

/// A text of one line that says something.
fn word(field: &str, word: &str, limit: usize) -> Checked {
    if word.is_empty() {
        let field = field.to_owned();
        return Err(SpecError::Empty { field });
    }
    text(field, word, limit)
}

fn range(field: &str, value: u64, least: u64, most: u64) -> Checked {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SpecError::OutOfRange {
        field: field.to_owned(),
        value,
        least,
        most,
    })
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Checked {
    if count <= limit {
        return Ok(());
    }
    Err(SpecError::TooMany { what, count, limit })
}

fn processors(spec: &MachineSpec) -> Checked {
    let own = &spec.processors;
    range("processors.count", own.count.into(), 1, PROCESSORS)?;
    if let Some(online) = own.online {
        range("processors.online", online.into(), 1, own.count.into())?;
    }
    if let Some(topology) = own.topology {
        let product = topology.count().unwrap_or(u32::MAX);
        if product != own.count {
            return Err(SpecError::Topology {
                product: product.into(),
                count: own.count,
            });
        }
    }
    if let ProcessorModel::Named(name) = &own.model {
        word("processors.model", name, WORD_BYTES)?;
    }
    at_most("features of the processor", own.features.len(), 1024)?;
    for feature in &own.features {
        word("processors.features", &feature.name, WORD_BYTES)?;
    }
    let limits = own.limits;
    if let Some(percent) = limits.reserve_percent {
        range("processors.limits.reserve_percent", percent.into(), 0, 100)?;
    }
    if let Some(percent) = limits.maximum_percent {
        range("processors.limits.maximum_percent", percent.into(), 1, 100)?;
    }
    if let Some(weight) = limits.weight {
        range("processors.limits.weight", weight.into(), 1, 10_000)?;
    }
    Ok(())
}

fn memory(spec: &MachineSpec) -> Checked {
    let own = &spec.memory;
    let startup_bytes = own.startup_bytes;
    let maximum_bytes = own.maximum_bytes();
    let minimum_bytes = match own.range {
        MemoryRange::Fixed | MemoryRange::Balloon { .. } => startup_bytes,
        MemoryRange::Dynamic(dynamic) => {
            range("memory.range.priority", dynamic.priority.into(), 0, 100)?;
            let buffer = dynamic.buffer_percent.into();
            range("memory.range.buffer_percent", buffer, 0, 2000)?;
            dynamic.minimum_bytes
        }
    };
    for (field, bytes) in [
        ("memory.startup_bytes", startup_bytes),
        ("memory.range.minimum_bytes", minimum_bytes),
        ("memory.range.maximum_bytes", maximum_bytes),
    ] {
        range(field, bytes, 1024, MEMORY_BYTES)?;
        if bytes % 1024 != 0 {
            return Err(SpecError::MemoryUnit { field, bytes });
        }
    }
    if minimum_bytes <= startup_bytes && startup_bytes <= maximum_bytes {
        return Ok(());
    }
    Err(SpecError::MemoryOrder {
        minimum_bytes,
        startup_bytes,
        maximum_bytes,
    })
}

fn numa(spec: &MachineSpec) -> Checked {
    at_most("NUMA nodes", spec.numa.len(), 128)?;
    for (node, own) in spec.numa.iter().enumerate() {
        range("numa.memory_bytes", own.memory_bytes, 1024, MEMORY_BYTES)?;
        if own.memory_bytes % 1024 != 0 {
            return Err(SpecError::MemoryUnit {
                field: "numa.memory_bytes",
                bytes: own.memory_bytes,
            });
        }
        if own.processors.len() > PATH_BYTES || !is_list(&own.processors, spec.processors.count) {
            let text = own.processors.chars().take(64).collect();
            return Err(SpecError::NumaProcessors { node, text });
        }
    }
    Ok(())
}

/// A list like `0-3,8` of numbers below the limit.
fn is_list(text: &str, limit: u32) -> bool {
    text.split(',').all(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let plain = |number: &str| {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| number.parse::<u32>().ok()).flatten()
        };
        match (plain(first), plain(last)) {
            (Some(first), Some(last)) => first <= last && last < limit,
            (Some(_) | None, _) => false,
        }
    })
}

fn boot_order(spec: &MachineSpec) -> Checked {
    let disks = spec.disks.iter().filter_map(|disk| disk.boot_order);
    let cards = spec.nics.iter().filter_map(|nic| nic.boot_order);
    let mut ranks: Vec<u32> = disks.chain(cards).collect();
    ranks.sort_unstable();
    for (rank, next) in ranks.iter().zip(ranks.iter().skip(1)) {
        if rank == next {
            return Err(SpecError::BootOrderTwice { rank: *rank });
        }
    }
    let ends = [ranks.first(), ranks.last()];
    for rank in ends.into_iter().flatten() {
        range("boot_order", (*rank).into(), 1, 1_000_000)?;
    }
    Ok(())
}

fn serial_ports(spec: &MachineSpec) -> Checked {
    let mut ports: Vec<u32> = Vec::new();
    for own in &spec.serial_ports {
        range("serial_ports.port", own.port.into(), 0, 3)?;
        if ports.contains(&own.port) {
            return Err(SpecError::PortTwice { port: own.port });
        }
        ports.push(own.port);
        match &own.backend {
            SerialBackend::UnixSocket { path: Some(path) }
            | SerialBackend::NamedPipe { path }
            | SerialBackend::File { path } => word("serial_ports.path", path, PATH_BYTES)?,
            SerialBackend::Other { name } => word("serial_ports.name", name, WORD_BYTES)?,
            SerialBackend::Pty | SerialBackend::Null | SerialBackend::UnixSocket { path: None } => {
            }
        }
    }
    Ok(())
}

fn others(spec: &MachineSpec) -> Checked {
    at_most(
        "devices that are passed through",
        spec.passthrough.len(),
        256,
    )?;
    for device in &spec.passthrough {
        text("passthrough.name", &device.name, PATH_BYTES)?;
    }
    if let Some(id) = &spec.guest.os_id {
        word("guest.os_id", id, WORD_BYTES)?;
    }
    if let Clock::Timezone { name } = &spec.clock {
        word("clock.name", name, WORD_BYTES)?;
    }
    let Some(notes) = &spec.notes else {
        return Ok(());
    };
    let bad = |c: char| is_unwritable(c) && !matches!(c, '\n' | '\t');
    if notes.len() > NOTES_BYTES || notes.chars().any(bad) {
        return Err(SpecError::Text {
            field: "notes".to_owned(),
            limit: NOTES_BYTES,
        });
    }
    Ok(())
}
