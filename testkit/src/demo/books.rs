//! The server's books beside the shop's.

use anyhow::Context;
use tokio::task::JoinSet;

use super::agency::Agency;
use super::cast::{Cast, Ledger};

const READERS: usize = 8;

pub struct Books {
    accepted: u64,
    succeeded: u64,
    failed: u64,
    steps: u64,
    attempts: u64,
    confirmations: Ledger,
    heartbeats: Ledger,
    beats: u64,
    agency: Agency,
    messages: Ledger,
    charges: Ledger,
    reservations: Ledger,
}

impl Books {
    pub async fn read(cast: &Cast, accepted: u64, agency: Agency) -> anyhow::Result<Self> {
        let succeeded = cast.server.runs("order-confirmation", &["succeeded"]).await?;
        let failed = cast.server.count_runs("order-confirmation", &["failed", "canceled"]).await?;
        let ids: Vec<String> = succeeded.iter().filter_map(|run| run["id"].as_str().map(str::to_owned)).collect();
        let mut readers = JoinSet::new();
        for reader in 0..READERS {
            let (server, ids): (_, Vec<String>) =
                (cast.server.clone(), ids.iter().skip(reader).step_by(READERS).cloned().collect());
            readers.spawn(async move {
                let (mut steps, mut attempts) = (0, 0);
                for id in ids {
                    for step in server.steps(&id).await.with_context(|| format!("read the steps of {id}"))? {
                        steps += u64::from(step["status"] == "succeeded");
                        attempts += step["attempts"].as_u64().unwrap_or_default();
                    }
                }
                anyhow::Ok((steps, attempts))
            });
        }
        let (mut steps, mut attempts) = (0, 0);
        while let Some(read) = readers.join_next().await {
            let (more_steps, more_attempts) = read??;
            steps += more_steps;
            attempts += more_attempts;
        }
        Ok(Self {
            accepted,
            succeeded: succeeded.len() as u64,
            failed,
            steps,
            attempts,
            confirmations: cast.shop_ledger("/confirmations").await?,
            beats: cast.server.count_runs("heartbeat", &["succeeded"]).await?,
            heartbeats: cast.shop_ledger("/heartbeats").await?,
            agency,
            messages: cast.shop_ledger("/whatsapp/").await?,
            charges: cast.shop_ledger("/charges").await?,
            reservations: cast.shop_ledger("/v1/s").await?,
        })
    }

    fn lost(&self) -> u64 {
        self.accepted - self.succeeded.min(self.accepted)
    }

    /// Every accepted order ended well, and its one effect took place once.
    pub fn balance(&self) -> bool {
        self.accepted > 0
            && self.lost() == 0
            && self.failed == 0
            && self.confirmations.effects == self.accepted
            && self.confirmations.duplicates == 0
            && self.beats > 0
            && self.heartbeats.effects >= self.beats
            && self.heartbeats.duplicates == 0
            && self.agency.delivered > 0
            && self.agency.shipped == self.agency.sagas
            // A delivery each, and thanks for each order.
            && self.messages.effects == self.agency.delivered + self.agency.sagas
            && self.messages.duplicates == 0
            && self.charges.effects == self.agency.sagas
            && self.charges.duplicates == 0
            // Stock, a slot and a shipment for each order.
            && self.reservations.effects == 3 * self.agency.sagas
            && self.reservations.duplicates == 0
    }

    pub fn print(&self, killed: bool) {
        let Ledger { effects, repeated, duplicates } = self.confirmations;
        println!();
        for (what, count) in [
            ("orders accepted", self.accepted),
            ("orders succeeded", self.succeeded),
            ("orders lost", self.lost()),
            ("steps executed", self.steps),
            ("attempts, repeated look-ups included", self.attempts),
            ("workers killed", u64::from(killed)),
            ("confirmations that took effect at the shop", effects),
            ("  sent again and recognised by their key", repeated),
            ("  took effect twice", duplicates),
            ("heartbeats by schedule", self.beats),
            ("visas delivered by PDF and WhatsApp", self.agency.delivered),
            ("orders charged and shipped", self.agency.shipped),
            ("WhatsApp messages that left", self.messages.effects),
            ("  left twice", self.messages.duplicates),
            ("charges", self.charges.effects),
            ("  taken twice", self.charges.duplicates),
        ] {
            println!("  {what:<52}{count:>6}");
        }
        println!("\n{}", if killed && self.balance() { "The books balance." } else { "THE BOOKS DO NOT BALANCE." });
    }
}
