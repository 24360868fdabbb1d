//! Numbering the steps of a document, so that results need no names at run time.

use std::collections::BTreeMap;

use super::{Definition, Number, Step};

/// Slots of steps by id, and by the alias in which `_` stands for the hyphens of an id.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    by_name: BTreeMap<String, usize>,
    ids: Vec<String>,
}

impl Slots {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// All ids in the order of the text; those of undo steps in the short form, which have none, are empty.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

impl Definition {
    /// Gives every step its number. A definition is used only after this.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        let mut slots = Slots::default();
        for list in [&mut self.steps, &mut self.on_error, &mut self.finally] {
            number(list, &mut slots);
        }
        // An id wins over an alias.
        for (slot, id) in slots.ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            slots.by_name.insert(id.clone(), slot);
        }
        self.slots = slots;
        self
    }
}

fn number(steps: &mut [Step], slots: &mut Slots) -> bool {
    let mut undoable = false;
    for step in steps {
        let slot = slots.ids.len();
        slots.by_name.insert(step.id.replace('-', "_"), slot);
        slots.ids.push(step.id.clone());
        let has_undo = step.compensate.is_some();
        let single = step.compensate.as_ref().is_some_and(|undo| undo.single);
        let lists = step.lists_mut();
        let last = lists.len();
        let mut inside = false;
        for (place, list) in lists.into_iter().enumerate() {
            let first = slots.ids.len();
            inside |= number(list, slots);
            if single && place + 1 == last {
                // It is found by nobody: the name belongs to the step that it undoes.
                slots.ids[first].clear();
                slots.by_name.insert(step_alias(list), slot);
            }
        }
        step.number = Number { slot, slots: slots.ids.len() - slot, undoable: has_undo || inside };
        undoable |= step.number.undoable;
    }
    undoable
}

fn step_alias(list: &[Step]) -> String {
    list[0].id.replace('-', "_")
}
