//! Builds the program again when there is a new migration: those that it has already are followed by the compiler.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
