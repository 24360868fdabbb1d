//! Keeps the Postgres server that the tests share. `scripts/test` starts it; a lone test starts it on demand.

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => onward_testkit::serve_test_database(),
        Some("folder") => {
            println!("{}", onward_testkit::test_database_folder().display());
            Ok(())
        }
        _ => anyhow::bail!("usage: onward-testdb serve | folder"),
    }
}
