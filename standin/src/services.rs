//! The services beside the shop, and what is wrong with them when a test says so.

use std::collections::HashMap;

use crate::airtable::Airtable;
use crate::cbb::Cbb;
use crate::fault::Fault;
use crate::graph::Graph;
use crate::resend::Resend;
use crate::slack::Slack;
use crate::trouble::Trouble;

#[derive(Debug, Default)]
pub struct Services {
    pub airtable: Airtable,
    pub cbb: Cbb,
    pub graph: Graph,
    pub resend: Resend,
    pub slack: Slack,
    /// Reports of the shop's figures are there at the first look, not at the second.
    pub exports_are_ready: bool,
    /// By the beginning of the path: what happens to so many of the next requests.
    faults: Vec<(String, HashMap<String, String>, u64)>,
    trouble: Trouble,
}

impl Services {
    /// The next `times` requests whose path begins so meet this fault; named as in `?fault=`, with its parameters.
    pub fn fail(&mut self, path: &str, fault: &[(&str, &str)], times: u64) {
        let fault = fault.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.faults.push((path.to_owned(), fault, times));
    }

    /// From now on one request in so many to each service meets a fault.
    pub fn trouble(&mut self, every: u64) {
        self.trouble.every = every;
    }

    pub(crate) fn fault(&mut self, path: &str) -> Option<Fault> {
        let asked = self.faults.iter_mut().find(|(prefix, _, left)| *left > 0 && path.starts_with(prefix));
        if let Some((_, wanted, left)) = asked {
            *left -= 1;
            return Fault::wanted(wanted, path, 1);
        }
        let struck = self.trouble.strikes(path)?;
        Fault::wanted(&HashMap::from([("fault".to_owned(), struck.to_owned())]), path, 1)
    }
}
