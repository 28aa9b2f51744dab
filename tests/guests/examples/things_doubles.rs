//! The connector of `things.rs`.

hostile::planted!(Doubles);
