//! Two hosts, one provider and every order of events, checked whole by `stateright`.
//!
//! A host may be killed after each step and may stand still for longer than its lease; requests
//! and answers may be lost or arrive late; a customer may take the grant back. Each event is one
//! action, and the hosts decide by the very functions that they run. How many faults a run has is
//! bounded, and so is the space.

mod check;
mod provider;

use std::hash::{Hash, Hasher};

use stateright::Model;

use self::provider::{Provider, Reply};
use super::tests::valid;
use super::*;

const LIFE_MS: u64 = 3_600_000;
const HOSTS: [&str; 2] = ["a", "b"];

/// The rules, so that a test can put a wrong one in their place.
#[derive(Clone, Copy)]
struct Rules {
    claim: fn(&GrantRow, &ClaimRequest<'_>) -> Claim,
    settle: fn(&GrantRow, u64, &str, RenewalOutcome, u64) -> Option<GrantRow>,
}

struct Renewals {
    rules: Rules,
    grace_ms: u64,
    faults: Faults,
}

/// What may still go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Faults {
    kills: u8,
    losses: u8,
    revocations: u8,
    /// How often time passes.
    ticks: u8,
}

#[derive(Debug, Clone, PartialEq)]
struct World {
    now_ms: u64,
    row: GrantRow,
    hosts: [Host; 2],
    /// Requests whose sender was killed; they may still arrive.
    orphans: Vec<u8>,
    provider: Provider,
    faults: Faults,
    seen: Seen,
}

/// What an onlooker remembers, for the properties.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Seen {
    /// The newest token ever kept.
    kept: u8,
    /// Times that tokens were kept.
    stores: u64,
    /// Sends of the row's token, not known to be without effect, while its access token lived.
    unknown_sends: u8,
    /// The provider said no.
    refusal: bool,
    /// A request or an answer was lost.
    loss: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    Idle,
    /// The intent is durable.
    Claimed(Turn),
    /// The request is on its way.
    Sent(Turn),
    /// The provider's answer is on its way.
    Answered(Turn, Reply),
    /// The host knows how it went, and has not kept it.
    Knows(Turn, Reply),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Turn {
    epoch: u64,
    token: u8,
    until_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Claim(usize),
    Send(usize),
    /// Too late to send.
    Withdraw(usize),
    Execute(usize),
    Deliver(usize),
    Settle(usize),
    /// Nothing was sent after all.
    NotSent(usize),
    Lose(usize),
    Kill(usize),
    ExecuteOrphan,
    Revoke,
    Tick,
}

impl Model for Renewals {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let granted = SealedGrant {
            sealed: Sealed(vec![0]),
            expires_ms: Some(LIFE_MS),
            scopes: Vec::new(),
            learned: Learned::default(),
        };
        let row = first(&valid().connection, 1, granted, 0);
        vec![World {
            now_ms: due_ms(&row).unwrap(),
            row,
            hosts: [Host::Idle, Host::Idle],
            orphans: Vec::new(),
            provider: Provider::new(self.grace_ms),
            faults: self.faults,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (index, host) in world.hosts.iter().enumerate() {
            steps.extend(match host {
                Host::Idle => vec![Step::Claim(index)],
                Host::Claimed(_) => vec![Step::Send(index), Step::Withdraw(index)],
                Host::Sent(_) => {
                    vec![Step::Execute(index), Step::Lose(index), Step::NotSent(index)]
                }
                Host::Answered(..) => vec![Step::Deliver(index), Step::Lose(index)],
                Host::Knows(..) => vec![Step::Settle(index)],
            });
            if *host != Host::Idle {
                steps.push(Step::Kill(index));
            }
        }
        steps.extend([Step::ExecuteOrphan, Step::Revoke, Step::Tick]);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        self.apply(&mut next, step).then_some(next)
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        check::properties()
    }
}

impl Renewals {
    /// Does `step`; false when it cannot be done now.
    fn apply(&self, world: &mut World, step: Step) -> bool {
        let now_ms = world.now_ms;
        match step {
            Step::Claim(index) => self.claim(world, index),
            Step::Send(index) => {
                let Host::Claimed(turn) = world.hosts[index] else { return false };
                // A host that stood still after it had looked at the time.
                let late = now_ms + DEADLINE_MS > turn.until_ms;
                if late && !spend(&mut world.faults.losses) {
                    return false;
                }
                if world.row.sealed_tokens.0 == [turn.token] && Some(now_ms) < world.row.expires_ms
                {
                    world.seen.unknown_sends += 1;
                }
                world.hosts[index] = Host::Sent(turn);
                true
            }
            Step::Withdraw(index) => {
                let Host::Claimed(turn) = world.hosts[index] else { return false };
                world.hosts[index] = Host::Knows(turn, Reply::Withdrawn);
                now_ms + DEADLINE_MS > turn.until_ms
            }
            Step::Execute(index) => {
                let Host::Sent(turn) = world.hosts[index] else { return false };
                let reply = world.provider.execute(turn.token, now_ms);
                world.hosts[index] = Host::Answered(turn, reply);
                true
            }
            Step::Deliver(index) => {
                let Host::Answered(turn, reply) = world.hosts[index] else { return false };
                world.seen.refusal |= reply == Reply::Refused;
                world.hosts[index] = Host::Knows(turn, reply);
                true
            }
            Step::NotSent(index) => {
                let Host::Sent(turn) = world.hosts[index] else { return false };
                if world.row.sealed_tokens.0 == [turn.token] {
                    world.seen.unknown_sends = world.seen.unknown_sends.saturating_sub(1);
                }
                world.hosts[index] = Host::Knows(turn, Reply::NotExecuted);
                spend(&mut world.faults.losses)
            }
            Step::Lose(index) => {
                let (Host::Sent(turn) | Host::Answered(turn, _)) = world.hosts[index] else {
                    return false;
                };
                world.seen.loss = true;
                world.hosts[index] = Host::Knows(turn, Reply::Lost);
                spend(&mut world.faults.losses)
            }
            Step::Settle(index) => self.settle(world, index),
            Step::Kill(index) => {
                if let Host::Sent(turn) = world.hosts[index] {
                    world.orphans.push(turn.token);
                }
                world.hosts[index] = Host::Idle;
                spend(&mut world.faults.kills)
            }
            Step::ExecuteOrphan => {
                let Some(token) = world.orphans.pop() else { return false };
                world.provider.execute(token, now_ms);
                true
            }
            Step::Revoke => {
                world.provider.revoked = true;
                spend(&mut world.faults.revocations)
            }
            Step::Tick => spend(&mut world.faults.ticks) && world.tick(),
        }
    }

    fn claim(&self, world: &mut World, index: usize) -> bool {
        let row = &world.row;
        if !wants_renewal(row, world.now_ms) {
            return false;
        }
        let (epoch, now_ms) = (row.epoch, world.now_ms);
        let wish =
            ClaimRequest { epoch, refused: false, attempt: HOSTS[index], outwaited: None, now_ms };
        match (self.rules.claim)(row, &wish) {
            Claim::Mine(row) => {
                let until_ms = row.lease.as_ref().unwrap().until_ms;
                let turn = Turn { epoch, token: row.sealed_tokens.0[0], until_ms };
                world.hosts[index] = Host::Claimed(turn);
                world.row = row;
                true
            }
            Claim::Spent(row) => {
                let news = row != world.row;
                world.row = row;
                news
            }
            _ => false,
        }
    }

    fn settle(&self, world: &mut World, index: usize) -> bool {
        let Host::Knows(turn, reply) = world.hosts[index] else { return false };
        world.hosts[index] = Host::Idle;
        let outcome = reply.outcome(world.now_ms + LIFE_MS);
        let settled =
            (self.rules.settle)(&world.row, turn.epoch, HOSTS[index], outcome, world.now_ms);
        if let Some(row) = settled {
            // Old tokens are never sent again, so they tell worlds apart for nothing.
            world.row = GrantRow { previous: None, ..row };
            if let Reply::Tokens(token) = reply {
                world.seen.kept = world.seen.kept.max(token);
                world.seen.stores += 1;
                world.seen.unknown_sends = 0;
            }
        }
        true
    }
}

impl World {
    /// Time passes to the next moment at which somebody may decide otherwise.
    fn tick(&mut self) -> bool {
        let row = &self.row;
        let lease = row.lease.as_ref().map(|lease| lease.until_ms);
        let moments = [due_ms(row), row.expires_ms, row.retry_ms, lease, self.provider.grace_end()];
        let next = moments.into_iter().flatten().filter(|moment| *moment > self.now_ms).min();
        self.now_ms = next.unwrap_or(self.now_ms);
        next.is_some()
    }
}

fn spend(left: &mut u8) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let row = &self.row;
        let lease = row.lease.as_ref().map(|lease| (&lease.attempt, lease.until_ms));
        (self.now_ms, row.epoch, row.state as u8, row.sends, lease, &row.sealed_tokens.0)
            .hash(state);
        (row.received_ms, row.expires_ms, row.retry_ms, row.failures).hash(state);
        (&self.hosts, &self.orphans, &self.provider, self.faults, &self.seen).hash(state);
    }
}
