//! The types that the format itself knows.

use super::{ConfigField, FieldKind, StepType};

/// Carried out by the engine.
pub(super) const STEERING: [StepType; 9] = [
    StepType {
        name: "log",
        summary: "Writes a line to the run's log.",
        fields: &[
            required("message", FieldKind::Any, "what the line says"),
            optional("level", FieldKind::OneOf(&["debug", "info", "warn", "error"]), "info by default"),
            optional("data", FieldKind::Any, "kept beside the message"),
        ],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "wait",
        summary: "Pauses the run; nothing is held meanwhile.",
        fields: &[
            optional("for", FieldKind::Duration, "how long"),
            optional("until", FieldKind::Text, "an RFC 3339 instant"),
        ],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "delay",
        summary: "The replaced system's name for `wait`.",
        fields: &[optional("duration", FieldKind::Duration, "milliseconds, 1000 by default")],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "wait_for_event",
        summary: "Pauses the run until an event comes; needs a `timeout` beside `config`.",
        fields: &[
            required("event", FieldKind::Any, "the event's name, or a list of names"),
            optional("key", FieldKind::Text, "only events with this key"),
            optional("where", FieldKind::Any, "a condition over `event`"),
            optional("since", FieldKind::Text, "how far to look back; the run's start by default"),
        ],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "emit",
        summary: "Sends an event: wakes waiting runs, starts event triggers.",
        fields: &[
            required("event", FieldKind::Text, "the event's name"),
            optional("key", FieldKind::Any, "what waits compare with their `key`"),
            optional("data", FieldKind::Any, "anything"),
        ],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "call",
        summary: "Starts another workflow, and waits for its output.",
        fields: &[
            required("workflow", FieldKind::Text, "its id"),
            optional("input", FieldKind::Object, "its inputs"),
            optional("mode", FieldKind::OneOf(&["wait", "start"]), "wait by default; start goes on at once"),
        ],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "value",
        summary: "Computes its config once and names it.",
        fields: &[],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "return",
        summary: "Ends the run as succeeded.",
        fields: &[optional("value", FieldKind::Any, "the run's output")],
        secrets: &[],
        built_in: true,
    },
    StepType {
        name: "fail",
        summary: "Ends the run with an error; never repeated.",
        fields: &[
            required("message", FieldKind::Any, "what went wrong"),
            optional("code", FieldKind::Any, "for programs that read the error"),
            optional("details", FieldKind::Any, "anything that helps to understand it"),
        ],
        secrets: &[],
        built_in: true,
    },
];

/// Work that a worker of one's own may offer; the last two are names of the replaced system.
pub(super) const WORK: [StepType; 12] = [
    StepType {
        name: "airtable.lookup",
        summary: "Reads records of an Airtable base.",
        fields: &[
            required("table", FieldKind::Text, "name or id"),
            optional("base", FieldKind::Text, "id of the base"),
            optional("view", FieldKind::Text, "records of this view"),
            optional("filter", FieldKind::Text, "an Airtable formula"),
            optional("field", FieldKind::Text, "looked up together with `key`"),
            optional("key", FieldKind::Any, "the value that `field` has"),
            optional("expand", FieldKind::Any, "linked fields to read as well"),
            optional("max_records", FieldKind::Integer, "at most that many"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "cbb.sync_contact",
        summary: "Creates or updates a contact of the chatbot.",
        fields: &[
            required("phone", FieldKind::Text, "E.164"),
            optional("name", FieldKind::Text, "shown to the team"),
            optional("fields", FieldKind::Object, "custom fields"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "cbb.send_flow",
        summary: "Starts a flow of the chatbot for a contact.",
        fields: &[
            required("to", FieldKind::Text, "E.164"),
            required("flow", FieldKind::Any, "id or name"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "cbb.send_text",
        summary: "Sends a contact plain text.",
        fields: &[
            required("to", FieldKind::Text, "E.164"),
            required("text", FieldKind::Text, "what it says"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "whatsapp.send_template",
        summary: "Sends an approved WhatsApp template.",
        fields: &[
            required("to", FieldKind::Text, "E.164"),
            required("template", FieldKind::Text, "its name"),
            optional("language", FieldKind::Text, "of the template"),
            optional("params", FieldKind::Any, "values for its places"),
            optional("document", FieldKind::Text, "address of a file to attach"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "whatsapp.sync_templates",
        summary: "Reads the account's WhatsApp templates.",
        fields: &[
            optional("account", FieldKind::Text, "instead of the configured one"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "pdf.render",
        summary: "Makes a PDF.",
        fields: &[
            optional("template", FieldKind::Text, "its name"),
            optional("data", FieldKind::Any, "what the template reads"),
            optional("html", FieldKind::Text, "instead of a template"),
            optional("url", FieldKind::Url, "instead of a template"),
            optional("options", FieldKind::Object, "paper and margins"),
            optional("filename", FieldKind::Text, "of the result"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "job.run",
        summary: "Runs a task of a Rust program.",
        fields: &[required("task", FieldKind::Object, "the task; `type` is its kind, the rest its fields")],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "slack.send",
        summary: "Posts a message to Slack.",
        fields: &[
            required("channel", FieldKind::Text, "with `#` or `@`"),
            optional("message", FieldKind::Text, "the text"),
            optional("blocks", FieldKind::Any, "instead of a text"),
            optional("template", FieldKind::Text, "instead of a text"),
            optional("variables", FieldKind::Object, "what the template reads"),
            optional("token", FieldKind::Text, "instead of the configured one"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "email.send",
        summary: "Sends an e-mail.",
        fields: &[
            optional("to", FieldKind::Any, "an address or a list of them"),
            optional("recipient", FieldKind::Text, "the replaced system's name for `to`"),
            optional("subject", FieldKind::Text, "the subject line"),
            optional("text", FieldKind::Text, "the plain body"),
            optional("html", FieldKind::Text, "the body as HTML"),
            optional("template", FieldKind::Text, "instead of a body"),
            optional("data", FieldKind::Any, "what a body or template reads"),
            optional("variables", FieldKind::Object, "what the template reads"),
            optional("attachments", FieldKind::Any, "addresses of files"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "whatsapp.send",
        summary: "The replaced system's name for `whatsapp.send_template`.",
        fields: &[
            optional("contact", FieldKind::Text, "E.164"),
            optional("to", FieldKind::Text, "another name for `contact`"),
            optional("message", FieldKind::Text, "plain text, inside an open conversation"),
            optional("template", FieldKind::Text, "its name"),
            optional("variables", FieldKind::Object, "values for its places"),
            optional("fileUrl", FieldKind::Text, "address of a file to attach"),
            optional("fileType", FieldKind::OneOf(&["image", "document", "video", "audio"]), "what the file is"),
        ],
        secrets: &[],
        built_in: false,
    },
    StepType {
        name: "pdf.generate",
        summary: "The replaced system's name for `pdf.render`.",
        fields: &[
            required("template", FieldKind::Text, "its name"),
            optional("data", FieldKind::Any, "what the template reads"),
            optional("options", FieldKind::Object, "paper and margins"),
            optional("filename", FieldKind::Text, "of the result"),
        ],
        secrets: &[],
        built_in: false,
    },
];

const fn required(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: true, summary }
}

const fn optional(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}
