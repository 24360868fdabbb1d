//! Laying a document out changes nothing but white space, quotes and commas, and doing it twice changes nothing more.

#[path = "kit/rough.rs"]
mod rough;

use onward_workflows::{Format, Source, format};
use proptest::prelude::*;
use rough::{Noise, rough_json, rough_yaml, value};

fn laid_out(text: &str, in_format: Format) -> Option<String> {
    format(&Source::new("w", text, in_format)).ok()
}

/// Formatting has compared values, anchors and comments already: what is left is that it ends.
fn check_settled(text: &str, in_format: Format) {
    let Some(once) = laid_out(text, in_format) else { return };
    let twice = laid_out(&once, in_format).expect("what was laid out can be laid out");
    assert_eq!(once, twice, "{text}");
    assert!(once.ends_with('\n'), "{once:?}");
}

fn words_of_comments(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with("remark")).collect();
    words.sort_unstable();
    words
}

proptest! {
    #[test]
    fn rough_json_is_laid_out(value in value(), noise in prop::collection::vec(any::<u8>(), 1..60)) {
        let text = rough_json(&value, &mut Noise::new(&noise));
        let once = laid_out(&text, Format::Json);
        prop_assert!(once.is_some(), "{}", text);
        let once = once.unwrap_or_default();
        prop_assert_eq!(words_of_comments(&text), words_of_comments(&once), "{}", once);
        check_settled(&text, Format::Json);
        let bare: String = once.lines().filter(|line| !line.contains("remark")).collect();
        if bare.len() + once.lines().count() == once.len() {
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&once).ok(), Some(value), "strict JSON: {}", once);
        }
    }

    #[test]
    fn rough_yaml_is_laid_out(value in value(), noise in prop::collection::vec(any::<u8>(), 1..60)) {
        let text = rough_yaml(&value, &mut Noise::new(&noise));
        let once = laid_out(&text, Format::Yaml);
        prop_assert!(once.is_some(), "{}", text);
        let once = once.unwrap_or_default();
        prop_assert_eq!(words_of_comments(&text), words_of_comments(&once), "{}", once);
        check_settled(&text, Format::Yaml);
    }

    #[test]
    fn a_document_with_one_changed_piece_is_laid_out_or_left(
        document in prop::sample::select(DOCUMENTS),
        at in any::<prop::sample::Index>(),
        piece in prop::sample::select(PIECES),
        is_replaced in any::<bool>(),
    ) {
        let (text, in_format) = document;
        let place = at.index(text.chars().count());
        let start = text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
        let end = start + text[start..].chars().next().filter(|_| is_replaced).map_or(0, char::len_utf8);
        check_settled(&format!("{}{piece}{}", &text[..start], &text[end..]), in_format);
    }

    #[test]
    fn any_text_gets_an_answer(text in "[a-c\n\r\t {}\\[\\]:,\"'#&*!|>?%~-]{0,60}", is_yaml in any::<bool>()) {
        check_settled(&text, if is_yaml { Format::Yaml } else { Format::Json });
    }
}

const DOCUMENTS: &[(&str, Format)] = &[
    (include_str!("../../examples/heartbeat.yaml"), Format::Yaml),
    (include_str!("../../examples/nightly-report.yaml"), Format::Yaml),
    (include_str!("../../examples/order-confirmation.json"), Format::Json),
    (include_str!("../../examples/visa-status-update.json"), Format::Json),
    (include_str!("valid/old-flat.json"), Format::Json),
    (include_str!("valid/old-flat.yaml"), Format::Yaml),
    (include_str!("layout/rough.json"), Format::Json),
    (include_str!("layout/rough.yaml"), Format::Yaml),
];

const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    "\n\n\n",
    " ",
    "  ",
    "\t",
    "#",
    " # c\n",
    "\n# c\n",
    "\n    # c\n\n",
    ",",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n- ",
    "\"",
    "'",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">-\n",
    "? ",
    "// c\n",
    "/* c */",
    "/* c\nd */",
    "\\",
    "~",
    "\r\n",
    "\r",
    "---\n",
    "...\n",
    "%",
    "<<: ",
];

/// Every document of this repository's examples and tests; those that cannot be read are left as they are.
#[test]
fn the_documents_of_this_repository_are_settled() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut seen = 0;
    for folder in
        ["examples", "examples/language", "workflows/tests/valid", "workflows/tests/invalid", "workflows/tests/layout"]
    {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).expect("the folder is there") {
            let file = entry.expect("an entry").path();
            if !matches!(file.extension().and_then(|ending| ending.to_str()), Some("json" | "yaml")) {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("read a document");
            let source = Source::from_file(file.display().to_string(), text);
            check_settled(&source.text, source.format);
            seen += usize::from(format(&source).is_ok());
        }
    }
    assert!(seen >= 15, "{seen} documents were laid out");
}
