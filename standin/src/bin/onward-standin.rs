//! The stand-in server as a program, for the examples and for tests that kill processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use onward_standin::{Hook, Options, StandIn};

/// Plays the services of the examples and keeps a ledger of what it was asked to do (GET /ledger).
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:9101")]
    listen: SocketAddr,
    /// File in which the ledger survives a restart
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Wait this long before every answer
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Server to which the simulated WhatsApp reports what becomes of messages
    #[arg(long, value_name = "ADDRESS")]
    reports_to: Option<SocketAddr>,
    /// One request in so many to a simulated service meets a fault; 0 for none
    #[arg(long, default_value_t = 0)]
    trouble_every: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { listen, ledger, delay_ms, reports_to, trouble_every } = Arguments::parse();
    let options = Options { address: listen, ledger, delay: Duration::from_millis(delay_ms) };
    let standin = StandIn::start_with(options).await?;
    {
        let mut services = standin.services();
        services.trouble(trouble_every);
        services.graph.hook = reports_to.map(|address| Hook {
            address,
            path: "/api/v1/webhooks/whatsapp".to_owned(),
            app_secret: "demo-app-secret".to_owned(),
        });
    }
    println!("listening on http://{}", standin.address());
    tokio::signal::ctrl_c().await?;
    standin.stop().await;
    Ok(())
}
