//! The helpers of templates, in place of those that could be made to work for hours.
//!
//! Loops count their rounds. What they and `with` go into is a part of the data, never a copy of it; and what is compared
//! is as short as what is counted for it.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy, Output, PathAndJson,
    RenderContext, RenderError, RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;

pub(super) const BLOCKS: [&str; 4] = ["each", "if", "unless", "with"];
pub(super) const INLINE: [&str; 11] = ["lookup", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len"];
/// Of the library, and not offered: one writes to the log, the other takes blocks in four braces.
const LEFT_OUT: [&str; 2] = ["log", "raw"];

/// Bytes that are compared or copied in one step.
const BYTES_A_STEP: u64 = 64;

/// What one rendering may still do. Its helpers share it, and the library wants to be able to share them among threads.
pub(super) struct Budget {
    left: AtomicU64,
    round: u64,
}

impl Budget {
    pub fn new(steps: u64, round: u64) -> Self {
        Self { left: AtomicU64::new(steps), round }
    }

    pub fn is_spent(&self) -> bool {
        self.left.load(Memory::Relaxed) == 0
    }

    fn spend(&self, steps: u64) -> Result<(), RenderError> {
        let left = self.left.load(Memory::Relaxed).saturating_sub(steps);
        self.left.store(left, Memory::Relaxed);
        if left == 0 { Err(refused("too much work")) } else { Ok(()) }
    }

    /// Text is the only value that is long in itself.
    fn spend_on(&self, value: &Value) -> Result<(), RenderError> {
        match value {
            Value::String(text) => self.spend(u64::try_from(text.len()).unwrap_or(u64::MAX) / BYTES_A_STEP + 1),
            Value::Array(_) | Value::Object(_) => Err(refused("a list or a map cannot be used here, only parts of it")),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(1),
        }
    }
}

pub(super) fn replace(registry: &mut Handlebars<'_>, budget: &Arc<Budget>) {
    for name in LEFT_OUT {
        registry.unregister_helper(name);
    }
    registry.register_helper("each", Box::new(Each(Arc::clone(budget))));
    registry.register_helper("with", Box::new(With));
    registry.register_helper("lookup", Box::new(Lookup(Arc::clone(budget))));
    let comparisons: [(&str, Holds); 6] = [
        ("eq", |order| order == Some(Ordering::Equal)),
        ("ne", |order| order != Some(Ordering::Equal)),
        ("gt", |order| order == Some(Ordering::Greater)),
        ("gte", |order| order.is_some_and(Ordering::is_ge)),
        ("lt", |order| order == Some(Ordering::Less)),
        ("lte", |order| order.is_some_and(Ordering::is_le)),
    ];
    for (name, holds) in comparisons {
        registry.register_helper(name, Box::new(Compare { budget: Arc::clone(budget), holds }));
    }
}

fn refused(message: &str) -> RenderError {
    RenderErrorReason::Other(message.to_owned()).into()
}

fn parameter<'h, 'rc>(helper: &'h Helper<'rc>, index: usize) -> Result<&'h PathAndJson<'rc>, RenderError> {
    let found =
        helper.param(index).ok_or_else(|| refused(&format!("`{}` wants more words behind it", helper.name())))?;
    if found.is_value_missing() {
        return Err(RenderError::strict_error(found.relative_path()));
    }
    Ok(found)
}

/// What a block goes into: the value, and where it stands in the data.
fn subject<'h>(helper: &'h Helper<'_>) -> Result<(&'h Value, &'h Vec<String>), RenderError> {
    let found = parameter(helper, 0)?;
    let path = found.context_path();
    let path = path.ok_or_else(|| refused(&format!("`{}` takes a name of the data", helper.name())))?;
    Ok((found.value(), path))
}

struct Each(Arc<Budget>);

impl HelperDef for Each {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rendering: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let (value, path) = subject(helper)?;
        // The body looks keys up by itself: only they are needed here.
        let keys: Vec<Value> = match value {
            Value::Array(items) => (0..items.len()).map(Value::from).collect(),
            Value::Object(entries) => entries.keys().map(|key| Value::from(key.as_str())).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(refused("`each` takes a list or a map"));
            }
        };
        self.0.spend(u64::try_from(keys.len()).unwrap_or(u64::MAX) / BYTES_A_STEP + 1)?;
        if keys.is_empty() {
            return helper.inverse().map_or(Ok(()), |inverse| inverse.render(registry, context, rendering, out));
        }
        let Some(body) = helper.template() else { return Ok(()) };
        let last = keys.len() - 1;
        rendering.push_block(BlockContext::new());
        for (index, key) in keys.into_iter().enumerate() {
            self.0.spend(self.0.round)?;
            let block = rendering.block_mut().expect("it was pushed before the loop");
            let mut inside = path.clone();
            inside.push(key.as_str().map_or_else(|| key.to_string(), str::to_owned));
            *block.base_path_mut() = inside;
            let mut params = BlockParams::new();
            if let Some(name) = helper.block_param() {
                params.add_path(name, Vec::new())?;
            } else if let Some((name, key_name)) = helper.block_param_pair() {
                params.add_path(name, Vec::new())?;
                params.add_value(key_name, key.clone())?;
            }
            block.set_block_params(params);
            block.set_local_var("first", Value::Bool(index == 0));
            block.set_local_var("last", Value::Bool(index == last));
            block.set_local_var("index", Value::from(index));
            if key.is_string() {
                block.set_local_var("key", key);
            }
            body.render(registry, context, rendering, out)?;
        }
        rendering.pop_block();
        Ok(())
    }
}

struct With;

impl HelperDef for With {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rendering: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let (value, path) = subject(helper)?;
        if !value.is_truthy(false) {
            return helper.inverse().map_or(Ok(()), |inverse| inverse.render(registry, context, rendering, out));
        }
        let Some(body) = helper.template() else { return Ok(()) };
        let mut block = BlockContext::new();
        block.base_path_mut().clone_from(path);
        if let Some(around) = rendering.block() {
            block.local_variables_mut().clone_from(around.local_variables());
        }
        if let Some(name) = helper.block_param() {
            let mut params = BlockParams::new();
            params.add_path(name, Vec::new())?;
            block.set_block_params(params);
        }
        rendering.push_block(block);
        body.render(registry, context, rendering, out)?;
        rendering.pop_block();
        Ok(())
    }
}

/// `{{lookup prices @key}}`: one value, not a list or a map.
struct Lookup(Arc<Budget>);

impl HelperDef for Lookup {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let (within, key) = (parameter(helper, 0)?.value(), parameter(helper, 1)?.value());
        let found = match within {
            Value::Array(items) => key.as_u64().and_then(|index| items.get(usize::try_from(index).ok()?)),
            Value::Object(entries) => key.as_str().and_then(|key| entries.get(key)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        let found = found.ok_or_else(|| RenderError::strict_error(None))?;
        self.0.spend_on(found)?;
        Ok(ScopedJson::Derived(found.clone()))
    }
}

/// Whether a comparison is true of this order.
type Holds = fn(Option<Ordering>) -> bool;

/// Numbers by their size, text by its letters; whatever else is equal or not.
struct Compare {
    budget: Arc<Budget>,
    holds: Holds,
}

impl HelperDef for Compare {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let (left, right) = (parameter(helper, 0)?.value(), parameter(helper, 1)?.value());
        self.budget.spend_on(left)?;
        self.budget.spend_on(right)?;
        let order = match (left, right) {
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => Some(left.cmp(&right)),
                _ => left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right)),
            },
            _ => (left == right).then_some(Ordering::Equal),
        };
        Ok(ScopedJson::Derived(Value::Bool((self.holds)(order))))
    }
}
