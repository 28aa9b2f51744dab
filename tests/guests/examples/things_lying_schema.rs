//! The connector of `things.rs`.

hostile::planted!(LyingSchema);
