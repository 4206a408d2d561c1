//! The verbs of the command line, one module each.

pub mod conflicts;
pub mod doctor;
pub mod embed;
pub mod folder;
pub mod key;
pub mod list;
pub mod migrate;
pub mod query;
pub mod rules;
pub mod status;
pub mod sync;
pub mod trash;
pub mod trust;
pub mod up;
pub mod write;
