//! Pictures of the examples, and of a document that tries to be more than text.

#[path = "kit/checking.rs"]
mod checking;

use checking::catalog;
use insta::assert_snapshot;
use onward_workflows::{GraphFormat, Source, check, graph};

fn drawn(name: &str, text: &str, format: GraphFormat) -> String {
    let checked = check(&Source::from_file(name, text), &catalog());
    graph(&checked.definition.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)), format)
}

macro_rules! example {
    ($test:ident, $name:literal) => {
        #[test]
        fn $test() {
            let text = include_str!(concat!("../../examples/language/", $name, ".yaml"));
            assert_snapshot!(concat!($name, "-text"), drawn("a.yaml", text, GraphFormat::Text));
            assert_snapshot!(concat!($name, "-mermaid"), drawn("a.yaml", text, GraphFormat::Mermaid));
            let svg = drawn("a.yaml", text, GraphFormat::Svg);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert_snapshot!(concat!($name, "-svg"), svg);
        }
    };
}

example!(the_smallest, "smallest");
example!(an_old_one, "replaced-system");
example!(a_loop_with_a_handler, "evening-delivery");
example!(a_switch, "order-webhook");
example!(a_dag, "nightly-report");
example!(a_saga, "order-saga");

const HOSTILE: &str = r#"
version: 1
id: hostile
name: "</title><script>alert(1)</script> \"] --> x & `b`; <img src=x onerror=alert(1)>"
triggers: [{ type: event, config: { event: "a.*" } }]
steps:
  - id: a
    type: http.request
    if: "'</text><script>' != '\"] end; click n1'"
    config: { url: https://example.test }
  - { id: b, type: wait, config: { for: "{{ '<svg onload=x>' }}" } }
"#;

#[test]
fn a_document_stays_text_in_every_picture() {
    let svg = drawn("a.yaml", HOSTILE, GraphFormat::Svg);
    for wrong in ["<script", "<img", "<svg onload", "onerror=alert(1)>"] {
        assert!(!svg.contains(wrong), "{wrong}: {svg}");
    }
    let known = ["svg", "title", "style", "defs", "marker", "path", "rect", "text"];
    for tag in svg.split('<').skip(1).map(|rest| rest.trim_start_matches('/')) {
        let tag = tag.split([' ', '>', '/']).next().unwrap_or_default();
        assert!(known.contains(&tag), "`{tag}` is no part of the picture");
    }
    let mermaid = drawn("a.yaml", HOSTILE, GraphFormat::Mermaid);
    for line in mermaid.lines() {
        let inside = line.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
        let Some((inside, _)) = inside else { continue };
        let plain = inside.replace("<b>", "").replace("</b>", "").replace("<br/>", "");
        assert!(!plain.contains(['"', '<', '>', '`', '[', ']']), "{line}");
    }
    assert_eq!(mermaid.matches("click").count(), 1, "only inside a label: {mermaid}");
}
