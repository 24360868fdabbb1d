//! How the pages look.

use serde_json::Value;

use crate::config::{Fields, Problem, scalar_text};

const FIELDS: &[&str] = &[
    "page_size",
    "format",
    "orientation",
    "margins",
    "scale",
    "background",
    "printBackground",
    "header",
    "headerTemplate",
    "footer",
    "footerTemplate",
    "page_numbers",
    "pageNumbers",
];
const MARGIN_MM: f64 = 15.0;
const MARGIN_MAX_MM: f64 = 100.0;
/// The replaced system counted margins in pixels, 96 to the inch.
const MM_PER_PIXEL: f64 = 25.4 / 96.0;
const BANNER_MAX: usize = 16 * 1024;

/// Name, width and height in millimetres.
const SIZES: [(&str, f64, f64); 5] = [
    ("A3", 297.0, 420.0),
    ("A4", 210.0, 297.0),
    ("A5", 148.0, 210.0),
    ("Letter", 215.9, 279.4),
    ("Legal", 215.9, 355.6),
];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    /// Its name, width and height, upright.
    pub size: (&'static str, f64, f64),
    pub landscape: bool,
    /// Top, right, bottom, left, in millimetres.
    pub margins: [f64; 4],
    pub scale: f64,
    pub background: bool,
    pub header: Option<String>,
    pub footer: Option<String>,
    pub page_numbers: bool,
}

impl Options {
    pub(super) fn parse(fields: Fields<'_>) -> Result<Self, Problem> {
        let none = serde_json::Map::new();
        let options = fields.object("options")?.unwrap_or(&none);
        if let Some(unknown) = options.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            return Err(Problem::new(
                format!("options.{unknown}"),
                format!("is not known; there are {}", FIELDS.join(", ")),
            ));
        }
        // The replaced system's names come second.
        let value = |names: &[&str]| names.iter().find_map(|name| options.get(*name)).filter(|value| !value.is_null());
        let flag = |names: &[&str], otherwise: bool| match value(names) {
            None => Ok(otherwise),
            Some(value) => {
                value.as_bool().ok_or_else(|| Problem::new(format!("options.{}", names[0]), "must be true or false"))
            }
        };
        let banner = |names: &[&str]| match value(names) {
            None => Ok(None),
            Some(value) => {
                let text = scalar_text(value).filter(|text| text.len() <= BANNER_MAX);
                let wrong = || Problem::new(format!("options.{}", names[0]), "must be HTML of at most 16 KiB");
                text.map(Some).ok_or_else(wrong)
            }
        };
        Ok(Self {
            size: size(value(&["page_size", "format"]))?,
            landscape: match value(&["orientation"]).map(Value::as_str) {
                None | Some(Some("portrait")) => false,
                Some(Some("landscape")) => true,
                Some(_) => return Err(Problem::new("options.orientation", "must be portrait or landscape")),
            },
            margins: margins(value(&["margins"]))?,
            scale: match value(&["scale"]) {
                None => 1.0,
                Some(value) => value
                    .as_f64()
                    .filter(|scale| (0.1..=2.0).contains(scale))
                    .ok_or_else(|| Problem::new("options.scale", "must be a number from 0.1 to 2"))?,
            },
            background: flag(&["background", "printBackground"], true)?,
            header: banner(&["header", "headerTemplate"])?,
            footer: banner(&["footer", "footerTemplate"])?,
            page_numbers: flag(&["page_numbers", "pageNumbers"], false)?,
        })
    }
}

fn size(value: Option<&Value>) -> Result<(&'static str, f64, f64), Problem> {
    let wanted = value.map_or(Some("A4"), Value::as_str).unwrap_or_default();
    SIZES.into_iter().find(|(name, ..)| name.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
        let names: Vec<_> = SIZES.iter().map(|(name, ..)| *name).collect();
        Problem::new("options.page_size", format!("must be one of {}", names.join(", ")))
    })
}

fn margins(value: Option<&Value>) -> Result<[f64; 4], Problem> {
    let Some(value) = value else { return Ok([MARGIN_MM; 4]) };
    if !value.is_object() {
        return Ok([length("options.margins", value)?; 4]);
    }
    let mut margins = [MARGIN_MM; 4];
    for (margin, side) in margins.iter_mut().zip(["top", "right", "bottom", "left"]) {
        if let Some(value) = value.get(side).filter(|value| !value.is_null()) {
            *margin = length(&format!("options.margins.{side}"), value)?;
        }
    }
    Ok(margins)
}

/// `15mm`, `1.5cm`, `0.5in`, `20px`, or a number of pixels.
fn length(field: &str, value: &Value) -> Result<f64, Problem> {
    let text = scalar_text(value).unwrap_or_default();
    let text = text.trim();
    let units = [("mm", 1.0), ("cm", 10.0), ("in", 25.4), ("px", MM_PER_PIXEL), ("", MM_PER_PIXEL)];
    let found = units.into_iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * factor)
    });
    found
        .filter(|length| (0.0..=MARGIN_MAX_MM).contains(length))
        .ok_or_else(|| Problem::new(field, format!("must be a length from 0 to {MARGIN_MAX_MM}mm, such as 15mm")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::TYPE;
    use super::*;

    fn parse(options: &Value) -> Result<Options, Problem> {
        let config = json!({ "options": options });
        Options::parse(Fields::open(&config, &TYPE)?)
    }

    #[test]
    fn old_and_new_names_are_read() {
        let options =
            parse(&json!({ "format": "letter", "orientation": "landscape", "margins": { "top": 96, "left": "1cm" } }))
                .unwrap();
        assert_eq!((options.size.0, options.landscape), ("Letter", true));
        assert_eq!(options.margins.map(|margin| format!("{margin:.1}")), ["25.4", "15.0", "15.0", "10.0"]);
        let bare = parse(&json!(null)).unwrap();
        assert_eq!((bare.size.0, bare.margins, bare.background), ("A4", [15.0; 4], true));
    }

    #[test]
    fn what_cannot_be_taken_names_its_field() {
        let check = |options: Value, field: &str| assert_eq!(parse(&options).unwrap_err().field, field);
        check(json!("A4"), "options");
        check(json!({ "page_size": "B7" }), "options.page_size");
        check(json!({ "margins": "wide" }), "options.margins");
        check(json!({ "margins": { "left": "200mm" } }), "options.margins.left");
        check(json!({ "scale": 5 }), "options.scale");
        check(json!({ "background": "yes" }), "options.background");
        check(json!({ "colour": "red" }), "options.colour");
    }
}
