//! The connector of `things.rs`, with nothing wrong.

hostile::planted!(None);
