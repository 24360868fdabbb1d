//! Which queue a task waits in.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::claim::TASK_QUEUES;

/// The longest name of a queue.
const QUEUE_MAX: usize = 64;
const HASH_BYTES: usize = 6;

/// The queue of a task type. A type that cannot be the name of a queue gets one with a hash in it.
pub fn task_queue(task_type: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    let queue = format!("{TASK_QUEUES}{task_type}");
    if !task_type.is_empty() && queue.len() <= QUEUE_MAX && task_type.bytes().all(fits) {
        return queue;
    }
    let mut name = format!("{TASK_QUEUES}x-");
    for byte in Sha256::digest(task_type).iter().take(HASH_BYTES) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The task type that a queue is for; of one with a hash it is the hash.
pub fn task_type_of(queue: &str) -> &str {
    queue.strip_prefix(TASK_QUEUES).unwrap_or(queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_type_is_the_name_of_its_queue_where_that_is_possible() {
        for (task_type, queue) in [("common", "fang.common"), ("mail_2.eu", "fang.mail_2.eu")] {
            assert_eq!(task_queue(task_type), queue);
            assert_eq!(task_type_of(queue), task_type);
        }
        for odd in ["", "Mail", "a b", "דואר", &"a".repeat(60)] {
            let queue = task_queue(odd);
            assert!(queue.starts_with("fang.x-") && onward_workflows::is_queue_name(&queue), "{odd}: {queue}");
        }
        assert_ne!(task_queue("Mail"), task_queue("MAIL"));
    }
}
