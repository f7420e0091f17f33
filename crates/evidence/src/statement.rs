//! The sentence that every report carries.

use crate::ProfileRun;

/// What a profile's part of a run is, and what it is not, word for word as the project says it.
#[must_use]
pub fn statement(part: &ProfileRun) -> String {
    let platform = &part.platform;
    let build = platform.package.as_deref().unwrap_or("package unknown");
    let not_proved = if part.not_proved.is_empty() {
        "nothing that the plan asks for".to_owned()
    } else {
        part.not_proved.join("; ")
    };
    format!(
        "Test result, not a vendor certification. Tested on: {}, {} {}, {build}; acceleration: {}. \
         Not proved: {not_proved}.",
        platform.implementation, platform.product, platform.version, platform.acceleration,
    )
}
