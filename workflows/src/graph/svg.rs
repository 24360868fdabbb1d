//! An SVG that stands alone: readable in light and in dark, and whatever a document says stays text.

use std::fmt::Write as _;

use super::layout::{Placed, What, lines_of, place};
use super::outline::{Outline, Role};

const STYLE: &str = "\
svg { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #818b98; --box: #f6f8fa; \
--block: #eaeef2; --bad: #b3261e; --good: #1a6b3c }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #6e7681; \
--box: #151b23; --block: #1c232c; --bad: #ff8a80; --good: #7ee2a8 } }
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: var(--ink) }
.soft { fill: var(--soft) } .head { font-weight: 700 } .paper { fill: var(--paper) }
.box { fill: var(--box); stroke: var(--line) } .block { fill: var(--block); stroke: var(--line) }
.frame { fill: none; stroke: var(--soft); stroke-dasharray: 4 3 } .on_error { stroke: var(--bad) }
.undo { stroke: var(--good) } .arrow { fill: none; stroke: var(--line); stroke-width: 1.4 } .tip { fill: var(--line) }";

const MARGIN: f64 = 8.0;
const LINE: f64 = 17.0;

pub(super) fn draw(outline: &Outline) -> String {
    let mut head = vec![outline.name.clone()];
    if !outline.triggers.is_empty() {
        head.push(outline.triggers.join(" · "));
    }
    let whole = place(outline, &head);
    let (width, height) = (whole.rect.width + 2.0 * MARGIN, whole.rect.height + 2.0 * MARGIN);
    let name = escaped(&outline.name);
    let mut picture = Picture { svg: String::new() };
    picture.line(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\">"
    ));
    picture.line(&format!("<title>{name}</title>\n<style>{STYLE}</style>"));
    picture.line(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0 0 L8 4 L0 8 z\"/></marker></defs>",
    );
    picture.line("<rect class=\"paper\" width=\"100%\" height=\"100%\"/>");
    picture.texts(&head, MARGIN, MARGIN);
    picture.inside(&whole, MARGIN, MARGIN);
    picture.line("</svg>");
    picture.svg
}

struct Picture {
    svg: String,
}

impl Picture {
    fn line(&mut self, line: &str) {
        self.svg.push_str(line);
        self.svg.push('\n');
    }

    fn inside(&mut self, placed: &Placed<'_>, x: f64, y: f64) {
        for arrow in &placed.arrows {
            self.arrow(arrow, x, y);
        }
        for inner in &placed.inside {
            self.placed(inner, x + inner.rect.x, y + inner.rect.y);
        }
    }

    fn placed(&mut self, placed: &Placed<'_>, x: f64, y: f64) {
        match placed.what {
            What::Whole => {}
            What::Tile(one) => {
                let class = if one.groups.is_empty() { "box" } else { "block" };
                self.rect(class, placed, x, y);
                self.texts(&lines_of(one), x, y);
            }
            What::Group(group) => {
                let class = match group.role {
                    Role::Body => None,
                    Role::Arm | Role::Finally => Some("frame"),
                    Role::OnError => Some("frame on_error"),
                    Role::Undo => Some("frame undo"),
                };
                if let Some(class) = class {
                    self.rect(class, placed, x, y);
                    self.text("soft", &group.title, x + 12.0, y + LINE);
                }
            }
        }
        self.inside(placed, x, y);
    }

    fn rect(&mut self, class: &str, placed: &Placed<'_>, x: f64, y: f64) {
        let (width, height) = (placed.rect.width, placed.rect.height);
        let line = format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
        );
        self.line(&line);
    }

    fn texts(&mut self, lines: &[String], x: f64, y: f64) {
        let mut baseline = y + LINE;
        for (place, line) in lines.iter().enumerate() {
            self.text(if place == 0 { "head" } else { "soft" }, line, x + 12.0, baseline);
            baseline += LINE;
        }
    }

    fn text(&mut self, class: &str, text: &str, x: f64, y: f64) {
        let line = format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text));
        self.line(&line);
    }

    /// Straight through a layer, curved between two.
    fn arrow(&mut self, points: &[(f64, f64)], x: f64, y: f64) {
        let Some(((first_x, first_y), rest)) = points.split_first() else { return };
        let mut path = format!("M{:.1} {:.1}", x + first_x, y + first_y);
        let (mut from_x, mut from_y) = (*first_x, *first_y);
        for (to_x, to_y) in rest {
            if (to_x - from_x).abs() < 0.5 {
                write!(path, " L{:.1} {:.1}", x + to_x, y + to_y).expect("a string takes everything");
            } else {
                let middle = y + f64::midpoint(from_y, *to_y);
                let (from, to) = (x + from_x, x + to_x);
                write!(path, " C{from:.1} {middle:.1} {to:.1} {middle:.1} {to:.1} {:.1}", y + to_y)
                    .expect("a string takes everything");
            }
            (from_x, from_y) = (*to_x, *to_y);
        }
        self.line(&format!("<path class=\"arrow\" marker-end=\"url(#tip)\" d=\"{path}\"/>"));
    }
}

/// Control characters are not even allowed as references in XML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}
