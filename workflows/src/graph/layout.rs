//! Where each box stands: layers from top to bottom, and boxes in boxes.

use super::outline::{Group, Outline, Role, Tile};

const CHARACTER: f64 = 7.3;
const LINE: f64 = 17.0;
const PADDING: f64 = 12.0;
const GAP_X: f64 = 22.0;
const GAP_Y: f64 = 34.0;
/// Of a place that an arrow keeps free in a layer that it passes.
const LANE: f64 = 14.0;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Positions count from the corner of what encloses it.
#[derive(Debug)]
pub(super) struct Placed<'o> {
    pub rect: Rect,
    pub what: What<'o>,
    pub inside: Vec<Placed<'o>>,
    /// Points of arrows between what is inside.
    pub arrows: Vec<Vec<(f64, f64)>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What<'o> {
    Tile(&'o Tile),
    Group(&'o Group),
    Whole,
}

/// How wide a text is when every letter is as wide as in a terminal.
pub(super) fn width_of(text: &str) -> f64 {
    let cells: u32 = text.chars().map(|letter| if u32::from(letter) >= 0x1100 { 2 } else { 1 }).sum();
    f64::from(cells) * CHARACTER
}

pub(super) fn place<'o>(outline: &'o Outline, head: &[String]) -> Placed<'o> {
    let groups: Vec<Placed<'_>> = outline.groups.iter().map(group).collect();
    beside(groups, head, What::Whole)
}

/// Lines of text over groups that stand side by side.
fn beside<'o>(groups: Vec<Placed<'o>>, head: &[String], what: What<'o>) -> Placed<'o> {
    let text_width = head.iter().map(|line| width_of(line)).fold(0.0, f64::max);
    let top = PADDING + lines(head.len());
    let (mut x, mut height) = (PADDING, top);
    let mut inside = Vec::with_capacity(groups.len());
    for mut group in groups {
        group.rect.x = x;
        group.rect.y = top;
        x += group.rect.width + PADDING;
        height = height.max(top + group.rect.height + PADDING);
        inside.push(group);
    }
    let width = x.max(text_width + 2.0 * PADDING);
    Placed { rect: Rect { width, height: height.max(top + 2.0), ..Rect::default() }, what, inside, arrows: Vec::new() }
}

#[expect(clippy::cast_precision_loss, reason = "a few lines of text")]
fn lines(count: usize) -> f64 {
    count as f64 * LINE
}

pub(super) fn lines_of(one: &Tile) -> Vec<String> {
    let mut all = vec![one.id.clone(), one.kind.clone()];
    all.extend(one.notes.iter().cloned());
    all
}

fn one(one: &Tile) -> Placed<'_> {
    beside(one.groups.iter().map(group).collect(), &lines_of(one), What::Tile(one))
}

/// What stands in one layer: a box, or the way of an arrow through it.
#[derive(Debug, Clone, Copy)]
struct Slot {
    of: Of,
    width: f64,
    center: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Tile(usize),
    Arrow(usize),
}

fn group(group: &Group) -> Placed<'_> {
    let mut boxes: Vec<Placed<'_>> = group.boxes.iter().map(one).collect();
    let layers = layers(group);
    let mut rows = rows(group, &boxes, &layers);
    let framed = group.role != Role::Body;
    let title = if framed { width_of(&group.title) + 2.0 * PADDING } else { 0.0 };
    let (left, top) = if framed { (PADDING, PADDING + LINE) } else { (0.0, 0.0) };
    let width = rows.iter().map(|row| row_width(row)).fold(0.0, f64::max);
    let inner = width.max(title - 2.0 * left);
    let mut y = top;
    let mut spans = Vec::with_capacity(rows.len());
    for layer in 0..rows.len() {
        let mut row = std::mem::take(&mut rows[layer]);
        if layer > 0 {
            let above = |slot: &Slot| above(group, &rows[layer - 1], slot.of);
            row.sort_by(|left, right| above(left).total_cmp(&above(right)));
        }
        let mut x = left + (inner - row_width(&row)) / 2.0;
        let mut height: f64 = 0.0;
        for slot in &mut row {
            slot.center = x + slot.width / 2.0;
            if let Of::Tile(place) = slot.of {
                boxes[place].rect.x = x;
                boxes[place].rect.y = y;
                height = height.max(boxes[place].rect.height);
            }
            x += slot.width + GAP_X;
        }
        rows[layer] = row;
        spans.push((y, y + height));
        y += height + GAP_Y;
    }
    let arrows = group.arrows.iter().enumerate().map(|(arrow, (from, to))| {
        let (start, end) = (boxes[*from].rect, boxes[*to].rect);
        let mut points = vec![(start.x + start.width / 2.0, start.y + start.height)];
        for layer in layers[*from] + 1..layers[*to] {
            if let Some(x) = center(&rows[layer], Of::Arrow(arrow)) {
                points.extend([(x, spans[layer].0), (x, spans[layer].1)]);
            }
        }
        points.push((end.x + end.width / 2.0, end.y));
        points
    });
    let arrows = arrows.collect();
    let height = (y - GAP_Y).max(top) + if framed { PADDING } else { 0.0 };
    let rect = Rect { width: inner + 2.0 * left, height, ..Rect::default() };
    Placed { rect, what: What::Group(group), inside: boxes, arrows }
}

fn rows(group: &Group, boxes: &[Placed<'_>], layers: &[usize]) -> Vec<Vec<Slot>> {
    let mut rows: Vec<Vec<Slot>> = vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)];
    for (place, layer) in layers.iter().enumerate() {
        rows[*layer].push(Slot { of: Of::Tile(place), width: boxes[place].rect.width, center: 0.0 });
    }
    for (arrow, (from, to)) in group.arrows.iter().enumerate() {
        for row in &mut rows[layers[*from] + 1..layers[*to]] {
            row.push(Slot { of: Of::Arrow(arrow), width: LANE, center: 0.0 });
        }
    }
    rows
}

fn center(row: &[Slot], of: Of) -> Option<f64> {
    row.iter().find(|slot| slot.of == of).map(|slot| slot.center)
}

/// The middle of what leads here from the row above, so that few arrows cross.
fn above(group: &Group, row: &[Slot], of: Of) -> f64 {
    let leads = |arrow: usize, from: usize| center(row, Of::Arrow(arrow)).or_else(|| center(row, Of::Tile(from)));
    let arrows = group.arrows.iter().enumerate().filter(|(arrow, (_, to))| match of {
        Of::Tile(place) => *to == place,
        Of::Arrow(own) => *arrow == own,
    });
    let (sum, count) = arrows
        .filter_map(|(arrow, (from, _))| leads(arrow, *from))
        .fold((0.0, 0.0), |(sum, count), center| (sum + center, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn layers(group: &Group) -> Vec<usize> {
    let mut layers = vec![0; group.boxes.len()];
    // Arrows only go down the list.
    for (place, _) in group.boxes.iter().enumerate() {
        let above = group.arrows.iter().filter(|(_, to)| *to == place).map(|(from, _)| layers[*from] + 1);
        layers[place] = above.max().unwrap_or(0);
    }
    layers
}

fn row_width(row: &[Slot]) -> f64 {
    let slots: f64 = row.iter().map(|slot| slot.width + GAP_X).sum();
    (slots - GAP_X).max(0.0)
}
