//! What tests stand on: a real database each, real processes to kill, and a stand-in for the services outside. Nothing
//! of our own is imitated here.
//!
//! Start at [`TestDatabase`]; [`Process`] runs the built binaries; [`wait_until`] replaces sleeping.

mod database;
pub mod demo;
mod port;
mod process;

mod wait;

pub use database::{TestDatabase, folder as test_database_folder, serve as serve_test_database};
pub use onward_standin as standin;
pub use port::free_port;
pub use process::{Process, built, onward};
pub use wait::wait_until;
