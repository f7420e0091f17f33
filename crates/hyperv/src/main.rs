//! `detente-hyperv`: one machine, from start to power-off.

fn main() {}
