//! The script around the command line.

use super::{Word, Writing};
use crate::qemu::shell_line;

const HEAD: &str = "#!/bin/sh\n";

const VARIABLES: &str = "\
set -eu

# Where the machine keeps what is its own: UEFI's variables, TPM, sockets.
state=\"${STATE_DIR:-$(cd \"$(dirname \"$0\")\" && pwd)}\"
qemu=\"${QEMU:-qemu-system-x86_64}\"
";

/// Where distributions have OVMF: Debian and Ubuntu, Fedora and RHEL, SUSE, Arch.
const OVMF: &str = "
# UEFI, as distributions have it: the program, and variables to start with.
find_firmware() {
    for pair in \"$@\"; do
        code=\"${pair%%:*}\" vars=\"${pair#*:}\"
        if [ -r \"$code\" ] && [ -r \"$vars\" ]; then
            return
        fi
    done
    echo \"no UEFI firmware found: install ovmf or edk2-ovmf\" >&2
    exit 1
}
";

const OVMF_PLAIN: &str = "\
find_firmware \\
    /usr/share/OVMF/OVMF_CODE_4M.fd:/usr/share/OVMF/OVMF_VARS_4M.fd \\
    /usr/share/edk2/ovmf/OVMF_CODE.fd:/usr/share/edk2/ovmf/OVMF_VARS.fd \\
    /usr/share/qemu/ovmf-x86_64-code.bin:/usr/share/qemu/ovmf-x86_64-vars.bin \\
    /usr/share/edk2/x64/OVMF_CODE.4m.fd:/usr/share/edk2/x64/OVMF_VARS.4m.fd
";

const OVMF_SECURE: &str = "\
find_firmware \\
    /usr/share/OVMF/OVMF_CODE_4M.ms.fd:/usr/share/OVMF/OVMF_VARS_4M.ms.fd \\
    /usr/share/edk2/ovmf/OVMF_CODE.secboot.fd:/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd \\
    /usr/share/qemu/ovmf-x86_64-smm-ms-code.bin:/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin
";

const VARIABLES_OF_UEFI: &str = "\
[ -e \"$state/uefi-vars.fd\" ] || cp \"$vars\" \"$state/uefi-vars.fd\"
";

/// swtpm ends with the machine.
const TPM: &str = "
# A TPM of this machine's own. It starts empty: what another one held never moves.
mkdir -p \"$state/tpm\"
swtpm socket --tpmstate dir=\"$state/tpm\" --ctrl type=unixio,path=\"$state/tpm.sock\" \\
    TPM_VERSION--terminate --daemon
";

/// The whole script.
pub(super) fn script(writing: &Writing<'_>) -> String {
    let spec = writing.spec;
    let mut out = String::from(HEAD);
    comment(&mut out, &format!("{}: written by detente.", spec.name));
    let about = "Further arguments go to QEMU. STATE_DIR and QEMU in the environment change what \
                 they say.";
    comment(&mut out, about);
    if let Some(notes) = &spec.notes {
        out.push_str("#\n");
        for line in notes.lines() {
            comment(&mut out, line);
        }
    }
    out.push_str(VARIABLES);
    if spec.firmware.is_uefi() {
        out.push_str(OVMF);
        let secure = spec.firmware.has_secure_boot();
        out.push_str(if secure { OVMF_SECURE } else { OVMF_PLAIN });
        out.push_str(VARIABLES_OF_UEFI);
    }
    if let Some(tpm) = &spec.tpm {
        let version = match tpm.version {
            crate::spec::TpmVersion::V2_0 => "--tpm2 ",
            crate::spec::TpmVersion::V1_2 => "",
        };
        out.push_str(&TPM.replace("TPM_VERSION", version));
    }
    out.push_str("\nexec \"$qemu\"");
    for (option, word) in &writing.lines {
        out.push_str(" \\\n    ");
        out.push_str(option);
        match word {
            None => {}
            Some(Word::Text(text)) => {
                out.push(' ');
                out.push_str(&shell_line([text]));
            }
            Some(Word::Script(text)) => {
                out.push(' ');
                out.push_str(text);
            }
        }
    }
    out.push_str(" \\\n    \"$@\"\n");
    out
}

/// A line that a shell passes over.
fn comment(out: &mut String, line: &str) {
    let clean = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let clean: String = clean.collect();
    out.push_str("# ");
    out.push_str(clean.trim_end());
    out.push('\n');
}
