//! dracut: `/etc/dracut.conf.d`.

use detente_volume::FsError;

use crate::facts::{Builder, BuilderSetting};
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::guest_tree::has_program;

/// Ours. \[dracut.conf(5)\]: read after those of lower numbers; `+=` adds to what they say.
const PATH: &str = "/etc/dracut.conf.d/90-detente.conf";

/// Names the drivers for every initramfs to come. Says whether dracut is there.
pub(super) fn configure(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    wanted: &[String],
    why: &Reason,
) -> Result<bool, FsError> {
    if !has_program(ask.files, "dracut")? {
        return Ok(false);
    }
    let settings = &ask.facts.module_settings.builders;
    let named = |module: &String| settings.iter().any(|own| names(own, module));
    if wanted.iter().all(named) {
        return Ok(true);
    }
    let modules = wanted.join(" ");
    // The blanks inside the quotes part the names from those of other files.
    let text = format!(
        "# Written by `detente prepare`: drivers of every machine that this guest is to run on.\n\
         add_drivers+=\" {modules} \"\n"
    );
    draft.write(PATH, text.into_bytes(), why)?;
    Ok(true)
}

/// Whether a setting already puts a module into every initramfs.
fn names(setting: &BuilderSetting, module: &str) -> bool {
    setting.builder == Builder::Dracut
        && matches!(setting.name.as_str(), "add_drivers" | "force_drivers")
        && setting
            .values
            .iter()
            .any(|value| value.replace('-', "_") == module)
}
