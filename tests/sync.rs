//! A mirror ends up as its provider, whatever happens on the way.

mod bookmarks;
mod clocks;
mod kills;
mod mirrored;
mod pages;
mod random;
mod rules;
mod sharing;
mod sweeps;
