//! Shortened run ids: people copy the first characters, as with commits.

use onward_workflows::RunId;
use uuid::Uuid;

use crate::Engine;

const ENCODED_LEN: usize = 26;
/// Below this a prefix would match whole weeks.
const SHORT_MIN: usize = 6;

/// The one run whose id begins with this text; None when there is none, or more than one.
pub async fn match_run(engine: &Engine, text: &str) -> Result<Option<RunId>, sqlx::Error> {
    if let Ok(run) = text.parse() {
        return Ok(Some(run));
    }
    let Some((from, to)) = range(text) else { return Ok(None) };
    let found = sqlx::query_file_scalar!("queries/match_runs.sql", from, to).fetch_all(engine.pool()).await?;
    Ok(match found.as_slice() {
        [one] => Some(RunId(*one)),
        _ => None,
    })
}

/// The first and the last id that begin with this text.
fn range(text: &str) -> Option<(Uuid, Uuid)> {
    let digits = text.strip_prefix(RunId::PREFIX)?.strip_prefix('_')?;
    if !(SHORT_MIN..ENCODED_LEN).contains(&digits.len()) || !digits.is_ascii() {
        return None;
    }
    let fill = |digit: &str| {
        let whole = format!("{}_{digits}{}", RunId::PREFIX, digit.repeat(ENCODED_LEN - digits.len()));
        whole.parse::<RunId>().ok().map(|run| run.0)
    };
    Some((fill("0")?, fill("Z")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_exactly_the_ids_that_begin_with_it() {
        let run = RunId(Uuid::from_u128(0x0192_8374_6556_7788_9900_aabb_ccdd_eeff));
        for len in SHORT_MIN..ENCODED_LEN {
            let short = run.to_string()[..RunId::PREFIX.len() + 1 + len].to_owned();
            let (from, to) = range(&short).unwrap();
            assert!(from <= run.0 && run.0 <= to, "{short}");
            assert!(RunId(from).to_string().starts_with(&short) && RunId(to).to_string().starts_with(&short));
        }
    }

    #[test]
    fn too_short_or_foreign_texts_are_no_prefix() {
        for text in ["", "run_", "run_01234", "wrk_0123456", "0123456", "run_01234U", "run_ééé"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
