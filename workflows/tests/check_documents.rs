//! Config fields that are templates of documents.

#[path = "kit/checking.rs"]
mod checking;

use checking::{check_marked, found};

const HEAD: &str = "version: 1\nname: mails\nsteps:\n";

#[test]
fn a_template_that_cannot_be_used_has_its_caret_inside_the_field() {
    let said = |step: &str, why: &str| {
        let diagnostics = check_marked(&format!("{HEAD}{step}"), &["E130"]);
        let message = &diagnostics[0].message;
        assert!(message.contains("cannot be used: ") && message.ends_with(why), "{message}");
    };
    said(
        "- { id: a, type: email.send, config: { to: a@b.test, html: '<p>שלום «{{> header}}»</p>' } }\n",
        "partials are not offered: a template is one text",
    );
    said(
        "- id: a\n  type: email.send\n  config:\n    to: a@b.test\n    text: |\n      Hello\n      «{{#if x}}»\n",
        "`{{#if}}` has no `{{/if}}`",
    );
    said(
        "- { id: a, type: pdf.render, config: { html: \"\\\"\\u05d0«{{shout x}}»\" } }\n",
        "there are `lookup`, `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `and`, `or`, `not` and `len`",
    );
}

#[test]
fn templates_with_loops_and_names_of_their_own_are_fine() {
    for html in ["{{#each rows}}{{id}}{{else}}-{{/each}}", "{{{ steps.a.output }}}", "no tags at all", "{{this}}"] {
        let text = format!("{HEAD}- {{ id: a, type: email.send, config: {{ to: a@b.test, html: '{html}' }} }}\n");
        assert!(found(&text).iter().all(|found| found.starts_with('W')), "{:?}", found(&text));
    }
}
