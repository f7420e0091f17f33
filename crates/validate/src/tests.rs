//! Runs against guests that are a script: no machine, and no time that passes.

mod boot;
mod cases;
mod exercises;
mod fake;
mod formats;
mod hold;
mod image;
mod machines;
mod own_cases;
mod plugging;
mod power;
mod prepare;
mod restarts;
mod root_state;
mod scene;
mod scope;
mod welcome;
mod whole;
