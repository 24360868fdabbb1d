//! One exchange with the service of a step type: what was answered, and what the answer comes to.

mod call;
mod turn;
mod verdict;

pub(crate) use call::{Answer, Call, Lost};
pub(crate) use turn::take_turn;
pub(crate) use verdict::{Class, Verdict};
