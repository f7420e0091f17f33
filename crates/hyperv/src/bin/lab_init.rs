//! `detente-lab-init`: the first process of the lab's Linux.

use std::process::ExitCode;

fn main() -> ExitCode {
    detente_hyperv::lab_init::main()
}
