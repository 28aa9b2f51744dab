//! A checkpoint as the simulator makes it, and what it does to its tracking.

use crate::members::{Members, quote};
use crate::text;

/// What is told of a checkpoint; the rest is null.
pub(super) struct Checkpoint<'a> {
    /// `slug`.
    pub(super) slug: &'a str,
    /// `checkpoint_time`, in whatever form it came.
    pub(super) checkpoint_time: &'a str,
    /// `message`.
    pub(super) message: &'a str,
    /// `tag`, which becomes the tracking's.
    pub(super) tag: &'a str,
    /// `subtag`, which becomes the tracking's.
    pub(super) subtag: &'a str,
    /// `subtag_message`, which becomes the tracking's.
    pub(super) subtag_message: &'a str,
    /// `source`: `carrier` or `user`.
    pub(super) source: &'a str,
}

impl Checkpoint<'_> {
    /// Adds the checkpoint to a tracking and moves the tracking's tag, subtag and
    /// `return_to_sender` along. `created_at` is the time of the addition.
    pub(super) fn add_to(&self, members: &mut Members<'_>, created_at: &str) {
        members.push("checkpoints", &self.write(members, created_at));
        members.set_text("tag", self.tag);
        members.set_text("subtag", self.subtag);
        members.set_text("subtag_message", self.subtag_message);
        if matches!(self.subtag, "Exception_010" | "Exception_011") {
            members.set("return_to_sender", "true");
        }
    }

    fn write(&self, members: &Members<'_>, created_at: &str) -> String {
        let Self { slug, checkpoint_time, message, tag, subtag, subtag_message, source } = self;
        let id = members.text("id").unwrap_or_default();
        let seed = text::digest(&format!("{id} {checkpoint_time} {subtag} {message} {created_at}"));
        let mut checkpoint = Members::default();
        checkpoint.set_text("created_at", created_at);
        checkpoint.set_text("slug", slug);
        checkpoint.set_text("checkpoint_time", checkpoint_time);
        for name in ["location", "city", "state", "postal_code", "coordinate", "country_region"] {
            checkpoint.set(name, "null");
        }
        checkpoint.set("country_region_name", "null");
        checkpoint.set_text("message", message);
        checkpoint.set_text("tag", tag);
        checkpoint.set_text("subtag", subtag);
        checkpoint.set_text("subtag_message", subtag_message);
        checkpoint.set("raw_tag", "null");
        checkpoint.set("events", "[]");
        checkpoint.set_text("source", source);
        checkpoint.set("hash", quote(&text::hex(40, seed)));
        checkpoint.render()
    }
}
