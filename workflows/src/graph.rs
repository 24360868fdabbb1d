//! The steps of a document as a picture: a tree of text, a Mermaid flowchart, or an SVG.

mod layout;
mod mermaid;
mod outline;
mod svg;
mod text;

use crate::Definition;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// For terminals.
    Text,
    /// A flowchart for Markdown that knows Mermaid.
    Mermaid,
    /// Stands alone: no scripts, no fonts, nothing from elsewhere.
    Svg,
}

pub fn graph(definition: &Definition, format: GraphFormat) -> String {
    let outline = outline::outline(definition);
    match format {
        GraphFormat::Text => text::draw(&outline),
        GraphFormat::Mermaid => mermaid::draw(&outline),
        GraphFormat::Svg => svg::draw(&outline),
    }
}
