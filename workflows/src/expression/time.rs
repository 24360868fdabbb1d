//! `now()`, `uuid()` and what is done with instants.
//!
//! Neither function looks at a clock or a random source: both read hidden entries of the scope, so that every attempt
//! of a step, also after a crash, sends the same bytes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use sha2::{Digest, Sha256};

use super::scope::{NOW, SEED};
use crate::duration::parse_duration;

pub(super) fn add_to(language: &mut Environment<'static>) {
    language.add_function("now", now);
    language.add_function("uuid", uuid);
    language.add_filter("format_date", format_date);
    language.add_filter("add_time", add_time);
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

/// `now()` is `2026-03-01T08:00:00.000Z`: the instant at which the step became ready.
fn now(state: &State<'_, '_>) -> Result<Value, Error> {
    state.lookup(NOW).map_or_else(|| refuse("`now()` has no meaning here"), Ok)
}

/// `uuid()` is the same in every attempt of a step; `uuid('invoice')` gives further ones, one for each name.
fn uuid(state: &State<'_, '_>, name: Option<&str>) -> Result<String, Error> {
    let Some(seed) = state.lookup(SEED) else { return refuse("`uuid()` has no meaning here") };
    let mut hash = Sha256::new();
    hash.update(seed.as_str().unwrap_or_default());
    hash.update([0]);
    hash.update(name.unwrap_or_default());
    let digest = hash.finalize();
    let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    // Version 8 is the one for ids whose bits mean nothing to others.
    Ok(uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
}

/// `'2026-03-01T08:00:00Z' | format_date('%d.%m.%Y %H:%M', 'Asia/Jerusalem')` is `01.03.2026 10:00`.
///
/// The format is that of strftime (default `%Y-%m-%d`), the zone an IANA name (default UTC). The value is RFC 3339
/// text, a date, or milliseconds since 1970.
#[expect(clippy::needless_pass_by_value, reason = "MiniJinja hands these arguments over by value")]
fn format_date(value: &Value, format: Option<&str>, zone: Option<&str>, options: Kwargs) -> Result<String, Error> {
    let named = options.get::<Option<String>>("timezone")?;
    options.assert_all_used()?;
    let zone = zone.or(named.as_deref()).unwrap_or("UTC");
    let Ok(zone) = TimeZone::get(zone) else { return refuse(format!("`format_date`: there is no time zone `{zone}`")) };
    let instant = instant("format_date", value)?;
    jiff::fmt::strtime::format(format.unwrap_or("%Y-%m-%d"), &instant.to_zoned(zone))
        .or_else(|error| refuse(format!("`format_date`: {error}")))
}

/// `'2026-03-01T08:00:00Z' | add_time('1h30m')` is `2026-03-01T09:30:00Z`; `'-1d'` goes back.
///
/// A day is 24 hours.
fn add_time(value: &Value, duration: &str) -> Result<String, Error> {
    let (back, text) = duration.strip_prefix('-').map_or((false, duration), |rest| (true, rest));
    let Ok(span) = parse_duration(text) else {
        return refuse(format!("`add_time`: {duration:?} is not a duration; write for example `1h30m` or `-7d`"));
    };
    let instant = instant("add_time", value)?;
    let moved = if back { instant.checked_sub(span) } else { instant.checked_add(span) };
    moved.map(|moved| moved.to_string()).or_else(|_| refuse("`add_time`: the result is out of range"))
}

fn instant(filter: &str, value: &Value) -> Result<Timestamp, Error> {
    let found = match value.kind() {
        ValueKind::Number => value.as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            text.parse::<Timestamp>().ok().or_else(|| {
                let date: jiff::civil::Date = text.parse().ok()?;
                Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
            })
        }
        _ => None,
    };
    found.map_or_else(
        || refuse(format!("`{filter}` takes an instant such as `2026-03-01T08:00:00Z`, and this is {value}")),
        Ok,
    )
}
