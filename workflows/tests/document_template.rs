//! Templates of documents: what they can do, and what they cannot do to us.

use std::fmt::Write as _;

use onward_workflows::{DocumentError, DocumentTemplate};
use serde_json::{Value, json};

fn rendered(source: &str, data: &Value) -> Result<String, DocumentError> {
    DocumentTemplate::compile(source).unwrap_or_else(|error| panic!("{source}: {error}")).render(data)
}

#[track_caller]
fn check(source: &str, data: &Value, expected: &str) {
    assert_eq!(rendered(source, data).as_deref(), Ok(expected), "{source}");
}

/// «» stands around what the error is about.
#[track_caller]
fn refuses(marked: &str, why: &str) {
    let source = marked.replace(['«', '»'], "");
    let error = DocumentTemplate::compile(&source).expect_err(&source);
    assert!(error.message.contains(why), "{source}: {}", error.message);
    let mut shown = source.clone();
    shown.insert(error.range.end, '»');
    shown.insert(error.range.start, '«');
    assert_eq!(shown, marked);
}

#[test]
fn blocks_helpers_and_names_do_what_handlebars_does() {
    let data = json!({
        "name": "Noa", "none": [], "n": 3, "who": { "first": "Dan" },
        "rows": [{ "id": 1, "sum": 2.5 }, { "id": 2, "sum": 10 }], "prices": { "a": 7, "b": 8 },
    });
    check("Dear {{name}},\n{{ who.first }} {{who/first}} {{[name]}}", &data, "Dear Noa,\nDan Dan Noa");
    check("{{#each rows}}{{id}}={{sum}}{{#unless @last}}, {{/unless}}{{/each}}", &data, "1=2.5, 2=10");
    check(
        "{{#each rows as |row at|}}{{at}}:{{row.id}}/{{../name}}/{{@index}} {{/each}}",
        &data,
        "0:1/Noa/0 1:2/Noa/1 ",
    );
    check(
        "{{#each rows as |row|}}{{#each @root.prices}}{{row.id}}{{@key}}{{this}} {{/each}}{{/each}}",
        &data,
        "1a7 1b8 2a7 2b8 ",
    );
    check("{{#each none}}x{{else}}nothing{{/each}}", &data, "nothing");
    check("{{#with who as |person|}}{{first}} {{person.first}} {{../n}}{{/with}}", &data, "Dan Dan 3");
    check("{{#if (gt n 2)}}many{{else if (eq n 2)}}two{{else}}few{{/if}}", &data, "many");
    check("{{#if (and (lte n 3) (not (eq name \"Dan\")))}}yes{{/if}}", &data, "yes");
    check(
        "{{lookup prices \"b\"}} {{#each prices}}{{lookup @root.prices @key}}{{/each}} {{len rows}}",
        &data,
        "8 78 2",
    );
    check("{{eq n 3.0}} {{ne name who.first}} {{lt \"a\" \"b\"}} {{gte n \"3\"}}", &data, "true true true false");
    check("{{! a note }}{{!-- another }} one --}}{{~name~}}  !", &data, "Noa!");
    check("{{#each rows}}\n  <li>{{id}}</li>\n{{/each}}\n", &data, "  <li>1</li>\n  <li>2</li>\n");
}

#[test]
fn values_are_escaped_for_html_and_left_alone_in_text() {
    let data = json!({ "name": "<b>Noa & \"Dan\"</b>" });
    check("{{name}}", &data, "&lt;b&gt;Noa &amp; &quot;Dan&quot;&lt;/b&gt;");
    check("{{{name}}} {{&name}} {{~{name}~}}", &data, "<b>Noa & \"Dan\"</b> <b>Noa & \"Dan\"</b><b>Noa & \"Dan\"</b>");
    let text = DocumentTemplate::compile("{{name}}").expect("a template").as_text();
    assert_eq!(text.render(&data).as_deref(), Ok("<b>Noa & \"Dan\"</b>"));
}

#[test]
fn hebrew_is_unharmed() {
    let data = json!({ "שם": "נועה", "שורות": [{ "סכום": "₪12" }] });
    let source = "<p dir=\"rtl\">שלום {{שם}},</p>{{#each שורות}}<li>סה״כ: {{סכום}} {{! הערה }}</li>{{/each}}";
    check(source, &data, "<p dir=\"rtl\">שלום נועה,</p><li>סה״כ: ₪12 </li>");
    refuses("שלום «{{> חלק}}»", "partials are not offered");
}

#[test]
fn a_name_without_a_value_is_an_error_with_its_place() {
    let error = rendered("<p>\n  {{ nane }}</p>", &json!({ "name": 1 })).expect_err("strict");
    assert_eq!(error.to_string(), "line 2, column 3 of the template: `nane` does not exist");
    for source in [
        "{{#each nope}}{{/each}}",
        "{{#with nope}}{{/with}}",
        "{{eq nope 1}}",
        "{{lookup rows 9}}",
        "{{#each name}}{{/each}}",
        "{{#each (lookup rows 0)}}{{/each}}",
        "{{eq rows rows}}",
        "{{lookup all \"rows\"}}",
    ] {
        let found = rendered(source, &json!({ "name": 1, "rows": [1], "all": { "rows": [1] } }));
        assert!(matches!(found, Err(DocumentError::Refused { .. })), "{source}: {found:?}");
    }
}

#[test]
fn what_is_not_offered_is_refused_with_its_place() {
    refuses("a «{{> header}}»", "partials");
    refuses("«{{~ > header}}»", "partials");
    refuses("«{{#> layout}}»{{/layout}}", "inline partials");
    refuses("«{{# *inline \"a\"}}»{{/inline}}", "inline partials");
    refuses("«{{* inline \"a\"}}»", "decorators");
    refuses("«{{{{»raw}}}} a {{{{/raw}}}}", "four braces");
    refuses("«\\{{»name}}", "a backslash");
    refuses("«{{»name", "no `}}`");
    refuses("«{{!»-- a }} b", "no `--}}`");
    refuses("«{{#if a}}»b", "`{{#if}}` has no `{{/if}}`");
    refuses("{{#if a}}b«{{/each}}»", "this ends `each`, and `if` is open");
    refuses("a«{{/if}}»", "`if` is not open here");
    refuses("«{{else}}»", "stands in no block");
    refuses("«{{#list rows}}»{{/list}}", "no helper `list` here; there are `each`, `if`, `unless` and `with`");
    refuses("«{{upper name}}»", "no helper `upper`");
    refuses("«{{log name}}»", "no helper `log`");
    refuses("«{{#if (empty a)}}»{{/if}}", "no helper `empty`");
    refuses("«{{name | default(1)}}»", "no helper `name`");
    refuses("«{{lookup a \"b}}»", "a quote");
    refuses("«{{lookup a [b\"}}»\"]}}", "between `[` and `]`");
    refuses("«{{eq (len a}}»", "a parenthesis is not closed");
    refuses("«{{eq a) 1}}»", "too many");
    refuses("«{{a b=1}}»", "no helper `a`");
    refuses("{{a.«.»b}}", "not a tag");
}

fn refused(source: &str) -> String {
    DocumentTemplate::compile(source).expect_err("a hostile text").message
}

#[test]
fn hostile_templates_are_refused_before_they_can_do_harm() {
    // Each of these takes a process down that hands it to the library as it is.
    assert!(refused("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}").contains("inline partials"));
    let nested = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    for open in ["{{#if a}}", "{{#each a}}", "{{#a}}", "{{#if}}", "{{^a}}", "{{#if a}}{{else if b}}"] {
        refused(&nested(open, "{{/if}}", 20_000));
        refused(&open.repeat(64 * 1024 / open.len()));
    }
    assert!(refused(&nested("{{#if a}}", "{{/if}}", 17)).contains("more than 16 levels"));
    assert!(DocumentTemplate::compile(&nested("{{#if a}}", "{{/if}}", 16)).is_ok());
    let deepest = nested("{{#each this}}", "{{/each}}", 16).replacen("{{/each}}", "{{this}}{{/each}}", 1);
    let data = (0..16).fold(json!("."), |inner, n| if n < 8 { json!([inner, inner]) } else { json!([inner]) });
    assert_eq!(rendered(&deepest, &data).map(|text| text.len()), Ok(1 << 8));
    let chain = |links: usize| format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(links));
    assert!(refused(&chain(16)).contains("more than 16 levels") && DocumentTemplate::compile(&chain(15)).is_ok());
    assert!(refused(&chain(5_000)).contains("more than 16 levels"));
    let calls = |depth: usize| format!("{{{{len {}a{}}}}}", "(len ".repeat(depth), ")".repeat(depth));
    assert!(refused(&calls(20_000)).contains("64 KiB") && refused(&calls(10_000)).contains("1024 bytes"));
    assert!(refused(&calls(9)).contains("more than 8 levels") && DocumentTemplate::compile(&calls(8)).is_ok());
    for sign in [
        "{{", "{", "}}", "{{{", "{{!--", "{{!", "(", "{{(", "{{[", "{{\"", "{{#", "{{/", "{{else", "{{^}}", "{{~",
        "\\{{",
    ] {
        let text = sign.repeat(64 * 1024 / sign.len());
        let _ = DocumentTemplate::compile(&text);
        let _ = DocumentTemplate::compile(&format!("{{{{#if a}}}}{text}"));
    }
    let brackets = format!("{{{{a {}1{}}}}}", "[".repeat(400), "]".repeat(400));
    refused(&brackets);
    refused(&format!("{{{{eq a {}}}}}", "{\"a\":".repeat(100)));
    // Comments that never end, each of which would be looked for to the end of the text.
    refused(&"{{!-- }}".repeat(8_000));
}

#[test]
fn rendering_stops_when_it_is_too_much() {
    let items: Vec<usize> = (0..1_000).collect();
    let data = json!({ "a": items, "long": "x".repeat(1 << 20), "none": "", "tale": "x".repeat(100) });
    let cubed = |body: &str| {
        format!("{{{{#each a}}}}{{{{#each @root.a}}}}{{{{#each @root.a}}}}{body}{}", "{{/each}}".repeat(3))
    };
    assert_eq!(rendered(&cubed(""), &data), Err(DocumentError::TooMuchWork), "nothing is written");
    assert_eq!(rendered(&cubed("{{@root.none}}"), &data), Err(DocumentError::TooMuchWork));
    assert_eq!(rendered("{{#each a}}{{@root.long}}{{/each}}", &data), Err(DocumentError::TooLarge));
    assert_eq!(
        rendered("{{#each a}}{{#each ../a}}{{@root.tale}}{{/each}}{{/each}}!", &data),
        Err(DocumentError::TooLarge)
    );
    let compared = "{{#each a}}{{#if (eq @root.long @root.long)}}{{/if}}{{/each}}";
    assert_eq!(rendered(compared, &data), Err(DocumentError::TooMuchWork), "long texts cost more");
    let many: String = (0..200).fold(String::new(), |mut text, n| {
        write!(text, "{{{{#if a}}}}{n}{{{{/if}}}}").expect("a string takes everything");
        text
    });
    assert_eq!(
        rendered(&format!("{{{{#each a}}}}{{{{#each ../a}}}}{many}{{{{/each}}}}{{{{/each}}}}"), &data),
        Err(DocumentError::TooMuchWork)
    );
    let square = rendered("{{#each a}}{{#if @last}}{{#each ../a}}{{this}},{{/each}}{{/if}}{{/each}}", &data);
    assert_eq!(square.map(|text| text.matches(',').count()), Ok(1_000), "what people need is far below");
}
