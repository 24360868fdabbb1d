//! Having stored what the flow asks for.

use onward_engine::{EndRow, RunWrite, Then, Written};
use onward_workflows::{ErrorKind, RunStatus};

use super::{Asked, Carried, HEAVY_PAUSE, Stretch, failed};
use crate::errand;

impl Carried<'_> {
    /// Has everything asked for stored; `Some` when this stretch is over with it.
    pub(super) async fn store(&mut self, asked: &mut Asked) -> Option<Stretch> {
        if asked.stores_nothing() {
            return None;
        }
        // Announcing is starting: while draining nothing new is announced.
        if self.carrier.drain.is_cancelled() {
            asked.announced.clear();
            asked.routed.clear();
            if asked.stores_nothing() {
                return None;
            }
        }
        let end = asked.end.take().map(|end| self.unsealed.mask.end(end));
        let end = end.map(|end| (end.status, EndRow::from(&end)));
        let progress = !asked.records.is_empty();
        let write = RunWrite {
            checkpoints: std::mem::take(&mut asked.records),
            announced: std::mem::take(&mut asked.announced),
            routed: asked.routed.clone(),
            settles: self.has_pending,
            resets_crashes: self.resets_crashes && progress && end.is_none(),
            then: end.as_ref().map_or(Then::Keep, |(_, row)| Then::End(row.clone())),
            ..RunWrite::nothing(self.run, self.claimed)
        };
        self.has_pending |= !write.announced.is_empty() || !write.routed.is_empty();
        self.resets_crashes &= !progress;
        let steps = write.checkpoints.len();
        match self.carrier.committer.write(write).await {
            Written::Stored => {
                metrics::counter!("onward_checkpoints_total").increment(steps as u64);
                self.handed_over(asked);
                let (status, _) = end?;
                self.carrier.engine.tell_end(self.run);
                self.give_everything_back().await;
                if let Some(parent) = self.parent {
                    errand::wake_parent(&self.carrier.engine, parent).await;
                }
                let name = match status {
                    RunStatus::Succeeded => "succeeded",
                    RunStatus::Failed => "failed",
                    RunStatus::Canceled => "canceled",
                };
                metrics::counter!("onward_runs_ended_total", "status" => name).increment(1);
                Some(Stretch::Over)
            }
            Written::ReadAgain => Some(Stretch::ReadAgain),
            Written::Lost => Some(Stretch::Over),
            Written::Refused(why) => {
                let end = failed(ErrorKind::Internal, why);
                let write = RunWrite {
                    settles: true,
                    then: Then::End(EndRow::from(&end)),
                    ..RunWrite::nothing(self.run, self.claimed)
                };
                self.carrier.committer.write(write).await;
                Some(Stretch::Over)
            }
            Written::TooHeavy => Some(self.hand_back(HEAVY_PAUSE).await),
        }
    }
}
