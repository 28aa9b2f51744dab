//! The connector of `things.rs`.

hostile::planted!(Undeclared);
