//! What the processor of a machine in QEMU can, by QMP (QEMU's target/i386: `feature-words`).

use serde_json::{Value, json};

use super::qmp::QmpError;
use crate::{HostError, ProcessorWord};

const ACTION: &str = "asking what the processor can";

/// More than there are.
const MAX_WORDS: usize = 256;

/// What carries out a command of the monitor.
type Ask<'a> = dyn FnMut(&str, Value) -> Result<Value, QmpError> + 'a;

/// Asks for the words of the first processor.
pub(super) fn words(ask: &mut Ask<'_>) -> Result<Vec<ProcessorWord>, HostError> {
    let during = |error: QmpError| error.during(ACTION);
    let processors = ask("query-cpus-fast", json!({})).map_err(during)?;
    let path = processors.pointer("/0/qom-path").ok_or_else(unreadable)?;
    let property = json!({ "path": path, "property": "feature-words" });
    let words = ask("qom-get", property).map_err(during)?;
    read(&words).ok_or_else(unreadable)
}

fn unreadable() -> HostError {
    HostError::Failed {
        action: ACTION,
        detail: "QEMU's answer cannot be read".to_owned(),
    }
}

fn read(words: &Value) -> Option<Vec<ProcessorWord>> {
    let words = words.as_array()?.iter().take(MAX_WORDS);
    words.map(word).collect()
}

fn word(word: &Value) -> Option<ProcessorWord> {
    let number = |name: &str| word.get(name).map_or(Some(0), Value::as_u64);
    let narrow = |name: &str| u32::try_from(number(name)?).ok();
    word.get("features")?;
    Some(ProcessorWord {
        leaf: narrow("cpuid-input-eax")?,
        // Where QEMU names none, none is asked for.
        subleaf: narrow("cpuid-input-ecx")?,
        register: match word.get("cpuid-register")?.as_str()? {
            "EAX" => 0,
            "EBX" => 1,
            "ECX" => 2,
            "EDX" => 3,
            _ => return None,
        },
        bits: narrow("features")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_qemu_writes_them() {
        // Shape: QEMU, qapi/misc-target.json, X86CPUFeatureWordInfo.
        let words = json!([
            { "cpuid-register": "EDX", "cpuid-input-eax": 1, "features": 126_614_525 },
            { "cpuid-register": "EBX", "cpuid-input-eax": 7, "cpuid-input-ecx": 0, "features": 4 },
        ]);
        let expected =
            [(1, 0, 3, 126_614_525), (7, 0, 1, 4)].map(|(leaf, subleaf, register, bits)| {
                ProcessorWord {
                    leaf,
                    subleaf,
                    register,
                    bits,
                }
            });
        assert_eq!(read(&words), Some(expected.to_vec()));
    }

    #[test]
    fn what_is_no_word_is_not_guessed_at() {
        for spoiled in [
            json!({}),
            json!([{ "cpuid-register": "XMM", "cpuid-input-eax": 1, "features": 1 }]),
            json!([{ "cpuid-register": "EAX", "cpuid-input-eax": 1 }]),
            json!([{ "cpuid-register": "EAX", "cpuid-input-eax": -1, "features": 1 }]),
            json!([{ "cpuid-register": "EAX", "cpuid-input-eax": 1, "features": 1_u64 << 32 }]),
        ] {
            assert_eq!(read(&spoiled), None, "{spoiled}");
        }
    }
}
