//! The services beside the shop, and what is wrong with them when a test says so.

use std::collections::HashMap;

use crate::airtable::Airtable;
use crate::cbb::Cbb;
use crate::fault::Fault;
use crate::graph::Graph;
use crate::resend::Resend;
use crate::slack::Slack;

#[derive(Debug, Default)]
pub struct Services {
    pub airtable: Airtable,
    pub cbb: Cbb,
    pub graph: Graph,
    pub resend: Resend,
    pub slack: Slack,
    /// By the beginning of the path: what happens to so many of the next requests.
    faults: Vec<(String, HashMap<String, String>, u64)>,
}

impl Services {
    /// The next `times` requests whose path begins so meet this fault; named as in `?fault=`, with its parameters.
    pub fn fail(&mut self, path: &str, fault: &[(&str, &str)], times: u64) {
        let fault = fault.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.faults.push((path.to_owned(), fault, times));
    }

    pub(crate) fn fault(&mut self, path: &str) -> Option<Fault> {
        let (_, wanted, left) =
            self.faults.iter_mut().find(|(prefix, _, left)| *left > 0 && path.starts_with(prefix))?;
        *left -= 1;
        Fault::wanted(wanted, path, 1)
    }
}
