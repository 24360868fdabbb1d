//! The demonstration behind `make demo`: real processes, one of them killed, and books that have to balance.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match onward_testkit::demo::show().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("onward-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
