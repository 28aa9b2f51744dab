//! The simulator as a client sees it. One module a concern; `client`, `app` and `receiver` are what they
//! share.

#[cfg(test)]
mod app;
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
mod ghosts;
#[cfg(test)]
mod index;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod older;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod predictions;
#[cfg(test)]
mod query;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod token_faults;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod wayside;
#[cfg(test)]
mod webhook_faults;
#[cfg(test)]
mod webhook_versions;
#[cfg(test)]
mod webhooks;
