//! The private Postgres, with real processes and real kills.

mod cluster;
mod holder;
mod owner;
