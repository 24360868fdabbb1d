//! The ways in which a text may be written down, read back one piece after the other.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What one piece of a written text stands for, and how many bytes it takes.
struct Piece {
    bytes: [u8; 4],
    len: usize,
    taken: usize,
}

type Read = fn(&[u8]) -> Option<Piece>;

/// Where the value ends that begins at `at`, in the writing that makes it the longest.
pub(super) fn end_of_match(text: &[u8], at: usize, value: &[u8]) -> Option<usize> {
    let writings: [Read; 4] = [plain, json, percent, form];
    writings.into_iter().filter_map(|read| walk(text, at, value, read)).max()
}

fn walk(text: &[u8], mut at: usize, value: &[u8], read: Read) -> Option<usize> {
    let mut rest = value;
    while !rest.is_empty() {
        let piece = read(&text[at..])?;
        rest = rest.strip_prefix(&piece.bytes[..piece.len])?;
        at += piece.taken;
    }
    Some(at)
}

fn byte(value: u8, taken: usize) -> Piece {
    Piece { bytes: [value, 0, 0, 0], len: 1, taken }
}

fn plain(text: &[u8]) -> Option<Piece> {
    text.first().map(|first| byte(*first, 1))
}

/// As in a URL: any byte may be escaped, in either case.
fn percent(text: &[u8]) -> Option<Piece> {
    match text {
        [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => Some(byte(high << 4 | low, 3)),
            _ => plain(text),
        },
        _ => plain(text),
    }
}

fn form(text: &[u8]) -> Option<Piece> {
    if text.first() == Some(&b'+') { Some(byte(b' ', 1)) } else { percent(text) }
}

fn json(text: &[u8]) -> Option<Piece> {
    let [b'\\', escape, ..] = text else { return plain(text) };
    let meant = match escape {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(text),
        other => *other,
    };
    Some(byte(meant, 2))
}

fn unicode(text: &[u8]) -> Option<Piece> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        escape.iter().try_fold(0_u16, |unit, digit| Some(unit << 4 | u16::from(hex(*digit)?)))
    };
    let first = unit(0)?;
    let units = [first, unit(6).unwrap_or_default()];
    let pair = if (0xd800..0xdc00).contains(&first) { &units[..] } else { &units[..1] };
    let meant = char::decode_utf16(pair.iter().copied()).next()?.ok()?;
    let mut bytes = [0; 4];
    let len = meant.encode_utf8(&mut bytes).len();
    Some(Piece { bytes, len, taken: 6 * pair.len() })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The value in base64, alone and inside of something longer: there it begins at any of three places of a group, and only
/// the digits that no neighbour shares are its own.
pub(super) fn base64_forms(value: &str) -> Vec<String> {
    let mut forms = vec![STANDARD.encode(value), URL_SAFE.encode(value)];
    for lead in 0..3 {
        let shifted = [&[0; 2][..lead], value.as_bytes()].concat();
        let own = (lead * 8).div_ceil(6)..shifted.len() * 8 / 6;
        forms.extend(
            [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)]
                .map(|form| form[own.clone()].to_owned()),
        );
    }
    forms.extend([STANDARD_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(value)]);
    forms.sort_unstable();
    forms.dedup();
    forms
}
