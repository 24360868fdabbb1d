//! On which line of its document a step stands.

use std::collections::HashMap;

use super::path::id_of;
use crate::Source;
use crate::source::Lines;
use crate::tree::{Kind, Node, parse_tree};

#[derive(Debug)]
pub(super) struct Places {
    file: String,
    lines: HashMap<String, u32>,
}

impl Places {
    pub fn of_document(source: &Source) -> Self {
        let mut places = Self { file: source.file.clone(), lines: HashMap::new() };
        if let Ok(tree) = parse_tree(source) {
            places.collect(&tree, &Lines::new(&source.text));
        }
        places
    }

    fn collect(&mut self, node: &Node, lines: &Lines<'_>) {
        match &node.kind {
            Kind::Map(entries) => {
                let is_step = ["type", "steps", "switch"].iter().any(|body| node.field(body).is_some());
                if let Some(id) = node.field("id").filter(|_| is_step)
                    && let Some(text) = id.as_str()
                {
                    self.lines.entry(text.to_owned()).or_insert(lines.position(id.span.start).line);
                }
                for entry in entries {
                    self.collect(&entry.value, lines);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.collect(item, lines)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }

    /// `file:line` of the step at the end of a path.
    pub fn of(&self, path: &str) -> Option<String> {
        let id = id_of(path);
        let line = self.lines.get(id.trim_end_matches("~undo"))?;
        Some(format!("{}:{line}", self.file))
    }
}
