//! Queries and migrations are read at compile time; without these lines an edited file would not be noticed.

fn main() {
    println!("cargo::rerun-if-changed=queries");
    println!("cargo::rerun-if-changed=../migrations");
}
