//! The five fields of a cron schedule, checked one by one so that an error points at the one that is wrong.

use std::ops::Range;

use super::ScheduleError;

pub(super) const ORDER: &str = "order: minute hour day-of-month month day-of-week";

struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// Of each month in a leap year.
const MONTH_LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[] },
    Field { name: "hour", min: 0, max: 23, names: &[] },
    Field { name: "day-of-month", min: 1, max: 31, names: &[] },
    Field { name: "month", min: 1, max: 12, names: &MONTHS },
    // 0 and 7 are both Sunday.
    Field { name: "day-of-week", min: 0, max: 7, names: &DAYS },
];

pub(super) fn check(schedule: &str) -> Result<(), ScheduleError> {
    let words = words(schedule);
    if words.len() != FIELDS.len() {
        return Err(error(
            format!("a schedule has 5 fields, this one has {}", words.len()),
            if words.len() == 6 { "seconds and years are not part of it" } else { "expected 5" },
            schedule_range(schedule),
        ));
    }
    for (field, word) in FIELDS.iter().zip(&words) {
        for part in split(schedule, word.clone(), ',') {
            check_part(field, schedule, part)?;
        }
    }
    check_date_exists(schedule, &words)
}

fn schedule_range(schedule: &str) -> Range<usize> {
    let start = schedule.len() - schedule.trim_start().len();
    start..start + schedule.trim().len()
}

fn words(schedule: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (at, letter) in schedule.char_indices().chain([(schedule.len(), ' ')]) {
        match (letter.is_whitespace(), start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words
}

fn split(schedule: &str, range: Range<usize>, separator: char) -> Vec<Range<usize>> {
    let mut start = range.start;
    schedule[range]
        .split(separator)
        .map(|part| {
            let found = start..start + part.len();
            start = found.end + separator.len_utf8();
            found
        })
        .collect()
}

/// `*`, `*/n`, `n`, `n-m` or `n-m/k`.
fn check_part(field: &Field, schedule: &str, part: Range<usize>) -> Result<(), ScheduleError> {
    let stepped = split(schedule, part.clone(), '/');
    let (range, step) = match stepped.as_slice() {
        [range] => (range.clone(), None),
        [range, step] => (range.clone(), Some(step.clone())),
        _ => return Err(error(format!("`{}` has two `/`", &schedule[part.clone()]), "one is enough", part)),
    };
    let is_star = &schedule[range.clone()] == "*";
    let mut is_range = is_star;
    if !is_star {
        let ends = split(schedule, range.clone(), '-');
        match ends.as_slice() {
            [only] => {
                value(field, schedule, only.clone())?;
            }
            [from, to] => {
                is_range = true;
                let (low, high) = (value(field, schedule, from.clone())?, value(field, schedule, to.clone())?);
                if low > high {
                    return Err(ScheduleError::Schedule {
                        message: format!("the {} range goes backwards", field.name),
                        label: format!("{low} is after {high}"),
                        help: Some(
                            "write two ranges with a comma between, one up to the end and one from the start"
                                .to_owned(),
                        ),
                        range,
                    });
                }
            }
            _ => return Err(error(format!("`{}` has two `-`", &schedule[range.clone()]), "one is enough", range)),
        }
    }
    let Some(step) = step else { return Ok(()) };
    if !is_range {
        return Err(ScheduleError::Schedule {
            message: format!("`{}` repeats a single {}", &schedule[part], field.name),
            label: "a step needs `*` or a range before it".to_owned(),
            help: Some(format!("for example {}-{}/{}", &schedule[range.clone()], field.max, &schedule[step])),
            range,
        });
    }
    match schedule[step.clone()].parse::<u32>() {
        Ok(number) if number >= 1 && number <= field.max => Ok(()),
        _ => Err(error(
            format!("the {} step {} is out of range", field.name, &schedule[step.clone()]),
            &format!("a step goes from 1 to {}", field.max),
            step,
        )),
    }
}

fn value(field: &Field, schedule: &str, range: Range<usize>) -> Result<u32, ScheduleError> {
    let text = &schedule[range.clone()];
    if text.is_empty() {
        return Err(error(format!("a {} is missing", field.name), "something belongs here", range));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let shown = text.trim_start_matches('0');
        let shown = if shown.is_empty() { "0" } else { shown };
        return match text.parse::<u32>() {
            Ok(number) if (field.min..=field.max).contains(&number) => Ok(number),
            _ => Err(error(
                format!("{} {shown} is out of range", field.name),
                &format!("{} goes from {} to {}", field.name, field.min, field.max),
                range,
            )),
        };
    }
    if let Some(place) = field.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(u32::try_from(place).unwrap_or_default() + field.min);
    }
    let long = text.get(..3).filter(|_| text.len() > 3).map(str::to_ascii_uppercase);
    let label = match long {
        Some(short) if field.names.contains(&short.as_str()) => format!("the short name is `{short}`"),
        _ if field.names.is_empty() => format!("expected a number from {} to {}, or `*`", field.min, field.max),
        _ => format!("expected a number from {} to {}, or a name such as `{}`", field.min, field.max, field.names[1]),
    };
    Err(error(format!("`{text}` is not a {}", field.name), &label, range))
}

/// A day that none of the months has would be waited for in vain. With a day of the week either may match.
fn check_date_exists(schedule: &str, words: &[Range<usize>]) -> Result<(), ScheduleError> {
    let [_, _, day, month, weekday] = words else { return Ok(()) };
    let day_text = &schedule[day.clone()];
    if &schedule[weekday.clone()] != "*" || day_text.starts_with('*') {
        return Ok(());
    }
    let earliest = split(schedule, day.clone(), ',')
        .into_iter()
        .filter_map(|part| {
            let first = schedule[part].split(['-', '/']).next()?.parse::<u32>().ok()?;
            Some(first)
        })
        .min();
    let months = months(schedule, month.clone());
    let longest = months.iter().map(|month| MONTH_LENGTHS[*month - 1]).max();
    match (earliest, longest) {
        (Some(day_number), Some(longest)) if day_number > longest => Err(error(
            format!("day {day_number} never comes in this month"),
            &format!("the month has at most {longest} days"),
            day.clone(),
        )),
        _ => Ok(()),
    }
}

/// The months of a field that has been checked.
fn months(schedule: &str, field: Range<usize>) -> Vec<usize> {
    let number = |text: &str| {
        text.parse::<usize>()
            .ok()
            .or_else(|| MONTHS.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|place| place + 1))
    };
    split(schedule, field, ',')
        .into_iter()
        .flat_map(|part| {
            let text = &schedule[part];
            let (range, step) = text.split_once('/').unwrap_or((text, "1"));
            let (from, to) = match range.split_once('-') {
                Some((from, to)) => (number(from).unwrap_or(1), number(to).unwrap_or(12)),
                None if range == "*" => (1, 12),
                None => (number(range).unwrap_or(1), number(range).unwrap_or(12)),
            };
            (from..=to).step_by(step.parse().unwrap_or(1).max(1)).collect::<Vec<_>>()
        })
        .collect()
}

fn error(message: String, label: &str, range: Range<usize>) -> ScheduleError {
    ScheduleError::Schedule { message, label: label.to_owned(), help: Some(ORDER.to_owned()), range }
}
