//! Runs carried to their end by workers of this process, on real Postgres and a real HTTP server.

#[path = "../support/bed.rs"]
mod bed;
mod examples;
mod language;
mod limits;
mod operate;
mod outside;
mod routed;
mod runs;
mod secrets;
mod whole;
