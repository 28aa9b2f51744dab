//! The simulator as a client sees it. One module a concern; `client` is what they share.

#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod couriers;
#[cfg(test)]
mod create;
#[cfg(test)]
mod data;
#[cfg(test)]
mod detect;
#[cfg(test)]
mod envelope;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod predictions;
#[cfg(test)]
mod query;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod serving;
