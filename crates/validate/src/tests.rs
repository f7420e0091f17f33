//! Runs against guests that are a script: no machine, and no time that passes.

mod boot;
mod cases;
mod fake;
mod formats;
mod image;
mod machines;
mod power;
mod prepare;
mod root_state;
mod scene;
mod welcome;
mod whole;
