//! The adapter, driven by a fake of Linux's driver.

mod interface;
mod linux;
mod peer;
mod receiving;
mod sending;
mod spoiled;
