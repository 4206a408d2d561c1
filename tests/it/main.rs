//! Everything that needs a running Noted, in one binary. Each test is its own tenant; a test's name is the sentence it proves.
#![cfg(test)]

mod conformance;
mod consent;
mod contract;
mod documents;
mod doors;
mod faults;
mod folder;
mod migrations;
mod questions;
mod up;
