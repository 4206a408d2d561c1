//! Host traits for Spin's interfaces, generated from the WIT files of the `spin-sdk` crate that the components are built with.
//!
//! The call of `bindgen!` is written by `build.rs`, which alone knows where cargo unpacked that crate.

#![allow(missing_docs, private_interfaces, unreachable_pub, unused_qualifications, clippy::all, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
