//! The connector of `things.rs`.

hostile::planted!(NoSchema);
