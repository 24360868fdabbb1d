//! The workflow language: documents, their checker, expressions and the flow interpreter.
//!
//! Everything here is pure. There is no I/O, no clock and no randomness: a caller passes the text, the time and the
//! checkpoints in, and gets diagnostics or actions back. Start at [`check`] for "is this document right?" and at
//! [`Flow`] for "what does this run do next?".

mod again;
mod catalog;
mod check;
mod definition;
mod diagnose;
mod diagnostic;
mod difference;
mod document_template;
mod duration;
mod evaluate;
mod explain;
mod expression;
mod flow;
mod graph;
mod id;
mod import;
mod inputs;
mod layout;
mod outcome;
mod payload;
mod render;
mod repair;
mod schedule;
mod schema;
mod simulate;
mod slug;
mod source;
mod start;
mod suggest;
mod template;
mod tree;
mod trial;

pub use again::{Again, NotAgain, TakenOver, is_undo, step_at};
pub use catalog::{Catalog, ConfigField, FieldKind, StepType};
pub use check::{Checked, Outside, check, inputs_by_workflow};
pub use definition::{
    Arm, Backoff, Body, Cache, CallMode, CatchUp, Compensate, Concurrency, CronRules, CronTrigger, Definition,
    EventPattern, EventTrigger, Failure, Foreach, Input, LogLevel, Number, OnError, Overflow, Overlap, Priority,
    RateLimit, Respond, Retry, Signature, SignatureScheme, Slots, Step, Trigger, TriggerKind, WaitFor, WebhookAuth,
    WebhookTrigger,
};
pub use diagnose::diagnose;
pub use diagnostic::{Diagnostic, Edit, Fix, Position, Range, Related, RunPlace, Severity};
pub use difference::{Change, ChangeKind, difference};
pub use document_template::{DocumentError, DocumentTemplate, DocumentTemplateError};
pub use duration::{ParseDurationError, format_duration, parse_duration};
pub use evaluate::{evaluate, parse_data};
pub use explain::{Page, PageGroup, closest_topic, explain, topics};
pub use expression::{EvaluationError, Expression, ExpressionError, Found, Missing, Scope};
pub use flow::{
    Action, ArrivedEvent, Begun, CacheUse, CallChild, Cancel, Checkpoint, CheckpointStatus, ChildEnd, ChildRun,
    EmitEvent, End, Event, EventWait, Flow, Limits, LogLine, LoopCounts, Past, RateBound, RoutedEnd, RoutedStep,
    RunFacts, RunStatus, RunStep, SlotLimit, StepStatus, StepView, Wait, WaitKind, evaluate_variables,
    storable_outcome,
};
pub use graph::{GraphFormat, graph};
pub use id::{ApiKeyId, EventId, ParseIdError, RunId, WorkerId};
pub use import::{Imported, import_visapi};
pub use inputs::{InputCheck, InputProblem, check_inputs};
pub use layout::format;
pub use outcome::{ErrorKind, Outcome, StepError};
pub use payload::{PAYLOAD_DEPTH_MAX, PAYLOAD_NODES_MAX, PayloadProblem, check_payload};
pub use render::{Style, render, render_alone};
pub use repair::{Fixed, Repaired, Trust, apply, repair};
pub use schedule::{
    ClockChange, ClockChangeKind, Due, Earlier, Planned, Schedule, ScheduleError, Timetable, tzdb_version,
};
pub use schema::schema;
pub use simulate::{Deviation, DeviationKind, Simulated, simulate};
pub use slug::{is_queue_name, slug};
pub use source::{Format, Source, UnknownFormat};
pub use start::{Reading, START_KEY_MAX, StartFields, read_trigger};
pub use template::{Part, Template};
pub use trial::{CaseReport, Trial, tested_workflow, try_cases};
