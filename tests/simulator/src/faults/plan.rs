//! Faults by chance, the same ones for the same seed.

use std::fmt;
use std::str::FromStr;

use http::request::Parts;

use super::Fault;
use crate::script::Answer;
use crate::text::scramble;

/// Rolls for each request whether it meets a fault, and which one. The roll depends on the seed
/// and on how many requests came before, on nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    /// Decides everything.
    pub seed: u64,
    /// Part of all requests that meet a fault, from 0 to 1.
    pub rate: f64,
    /// What may happen, each as likely as another.
    pub menu: Vec<Fault>,
}

/// What a plan gives for request or delivery number `count`, out of `menu`.
pub(crate) fn chance<T>(
    seed: u64,
    rate: f64,
    count: u64,
    menu: impl FnOnce() -> Vec<T>,
) -> Option<(T, bool)> {
    let mut random = fastrand::Rng::with_seed(scramble(seed ^ scramble(count)));
    if random.f64() >= rate {
        return None;
    }
    Some((random.choice(menu())?, random.bool()))
}

/// Reads `SEED:PERCENT` as a seed and a rate.
pub(crate) fn read(text: &str) -> Result<(u64, f64), BadPlan> {
    let (seed, percent) = text.split_once(':').ok_or(BadPlan)?;
    let seed = seed.parse().map_err(|_| BadPlan)?;
    let percent = percent.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
    Ok((seed, percent.ok_or(BadPlan)? / 100.0))
}

impl FaultPlan {
    /// Any fault that passes, at this rate, from 0 to 1.
    pub fn new(seed: u64, rate: f64) -> Self {
        Self { seed, rate, menu: Fault::PASSING.to_vec() }
    }

    /// What request number `count` meets instead of its true answer.
    pub(crate) fn roll(&self, count: u64, request: &Parts) -> Option<Answer> {
        let fits = || self.menu.iter().copied().filter(|fault| fault.fits(request)).collect();
        let (fault, performed) = chance(self.seed, self.rate, count, fits)?;
        let answer = Answer::from(fault);
        Some(if fault.leaves_open() && performed { answer.executed() } else { answer })
    }
}

/// A text that is no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPlan;

impl fmt::Display for BadPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a seed and a percentage, as in `7:2.5`")
    }
}

impl std::error::Error for BadPlan {}

/// `SEED:PERCENT`: any fault that passes, for so many of a hundred requests.
impl FromStr for FaultPlan {
    type Err = BadPlan;

    fn from_str(text: &str) -> Result<Self, BadPlan> {
        read(text).map(|(seed, rate)| Self::new(seed, rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Parts {
        let (parts, ()) = http::Request::new(()).into_parts();
        parts
    }

    #[test]
    fn a_plan_keeps_its_rate_and_its_seed() {
        let request = request();
        let met = |seed| {
            let plan = FaultPlan::new(seed, 0.05);
            (0..10_000).filter_map(|count| plan.roll(count, &request)).collect::<Vec<_>>()
        };
        let faults = met(1);
        assert!((400..600).contains(&faults.len()), "{}", faults.len());
        assert_eq!(faults, met(1));
        assert_ne!(faults, met(2));
        assert!(FaultPlan::new(1, 0.0).roll(1, &request).is_none());
    }

    #[test]
    fn a_plan_is_read_from_text() {
        assert_eq!("7:2.5".parse(), Ok(FaultPlan::new(7, 0.025)));
        for bad in ["", "7", "7:", ":2", "7:101", "7:-1", "7:NaN", "x:1"] {
            assert_eq!(bad.parse::<FaultPlan>(), Err(BadPlan), "{bad}");
        }
    }
}
