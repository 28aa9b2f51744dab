//! See `tests/publishing.rs`.
