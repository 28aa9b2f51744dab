//! What must hold in every world, and proof that a wrong rule is noticed.

use stateright::{Checker as _, HasDiscoveries, Property};

use super::*;

const RULES: Rules = Rules { claim, settle };
/// Enough for a provider that is asked again at once.
const SHORT_MS: u64 = 5_000;

/// Steps within which everything that can recover has.
const PATIENCE: usize = 60;

pub fn properties() -> Vec<Property<Renewals>> {
    vec![
        Property::always("one request at a time", |_, world: &World| {
            let live = |host: &&Host| match host {
                Host::Claimed(turn) | Host::Sent(turn) | Host::Answered(turn, _) => {
                    turn.until_ms > world.now_ms
                }
                Host::Idle | Host::Knows(..) => false,
            };
            world.hosts.iter().filter(live).count() <= 1
        }),
        Property::always("nothing older overwrites", |_, world: &World| {
            world.row.sealed_tokens.0 == [world.seen.kept]
                && world.row.epoch == world.seen.stores + 1
        }),
        Property::always(
            "two unknown sends at most while the access token lives",
            |_, world: &World| world.seen.unknown_sends <= 2,
        ),
        Property::always("ended only when the provider refused", |_, world: &World| {
            world.row.state != GrantState::Ended
                || world.seen.refusal
                    && !world.provider.accepts(world.row.sealed_tokens.0[0], world.now_ms)
        }),
        Property::always("what is not lost is recovered", |model: &Renewals, world: &World| {
            !is_honoured(world) || recovers(model, world.clone())
        }),
        Property::sometimes("an answer is lost, and the grant goes on", |_, world: &World| {
            world.row.epoch > 1 && world.seen.loss
        }),
        Property::sometimes("uncertain", |_, world: &World| {
            world.row.state == GrantState::Uncertain
        }),
        Property::sometimes("ended", |_, world: &World| world.row.state == GrantState::Ended),
    ]
}

/// Whether the provider still honours the grant, and the tokens that it gave out last are kept or
/// in the hands of who may keep them; or it would accept those before.
fn is_honoured(world: &World) -> bool {
    let owns = |index: usize, turn: &Turn| {
        let lease = world.row.lease.as_ref().filter(|lease| lease.until_ms > world.now_ms);
        turn.epoch == world.row.epoch && lease.is_some_and(|lease| lease.attempt == HOSTS[index])
    };
    let newest = Reply::Tokens(world.provider.current());
    let mut kept = world.row.sealed_tokens.0 == [world.provider.current()];
    for (index, host) in world.hosts.iter().enumerate() {
        match host {
            // A late request looks like theft when it arrives.
            Host::Sent(turn) if !owns(index, turn) => return false,
            Host::Answered(turn, reply) | Host::Knows(turn, reply) if *reply == newest => {
                kept |= owns(index, turn);
            }
            _ => {}
        }
    }
    !world.provider.revoked && (kept || world.provider.forgives())
}

/// Whether the grant is usable again when nothing more goes wrong.
fn recovers(model: &Renewals, mut world: World) -> bool {
    let mut patience = 0;
    while patience < PATIENCE {
        patience += 1;
        let settled = world.hosts.iter().all(|host| *host == Host::Idle);
        if settled && world.row.state == GrantState::Valid {
            return world.provider.accepts(world.row.sealed_tokens.0[0], world.now_ms);
        }
        let moved = (0..HOSTS.len()).fold(false, |moved, index| {
            let step = match world.hosts[index] {
                Host::Idle => Step::Claim(index),
                Host::Claimed(turn) if world.now_ms + DEADLINE_MS > turn.until_ms => {
                    Step::Withdraw(index)
                }
                Host::Claimed(_) => Step::Send(index),
                Host::Sent(_) => Step::Execute(index),
                Host::Answered(..) => Step::Deliver(index),
                Host::Knows(..) => Step::Settle(index),
            };
            model.apply(&mut world, step) || moved
        });
        if !moved && !world.tick() {
            return false;
        }
    }
    false
}

fn renewals(rules: Rules, grace_ms: u64, revocations: u8, ticks: u8) -> Renewals {
    let faults = Faults { kills: 1, losses: 2, revocations, ticks };
    Renewals { rules, grace_ms, faults }
}

#[test]
fn every_order_of_events_keeps_the_grant() {
    for (grace_ms, revocations, ticks) in [(0, 0, 4), (SHORT_MS, 1, 3), (u64::MAX, 1, 3)] {
        let model = renewals(RULES, grace_ms, revocations, ticks);
        let checker = model.checker().threads(2).spawn_bfs().join();
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        println!("grace {grace_ms} ms: {states} states, {depth} steps at most");
        checker.assert_properties();
    }
}

/// A host that stood still keeps what it got, whoever renewed meanwhile.
fn unfenced(
    row: &GrantRow,
    _: u64,
    _: &str,
    outcome: RenewalOutcome,
    now_ms: u64,
) -> Option<GrantRow> {
    let attempt = row.lease.as_ref().map_or("", |lease| lease.attempt.as_str()).to_owned();
    let lease = Some(Lease { attempt: attempt.clone(), until_ms: 0 });
    settle(&GrantRow { lease, ..row.clone() }, row.epoch, &attempt, outcome, now_ms)
}

/// A lease that nobody heeds.
fn heedless(row: &GrantRow, wish: &ClaimRequest<'_>) -> Claim {
    claim(&GrantRow { lease: None, ..row.clone() }, wish)
}

/// Lost answers are not counted.
fn forgetful(row: &GrantRow, wish: &ClaimRequest<'_>) -> Claim {
    claim(&GrantRow { sends: 0, ..row.clone() }, wish)
}

/// A lost answer is taken for a refusal.
fn hasty(
    row: &GrantRow,
    epoch: u64,
    attempt: &str,
    outcome: RenewalOutcome,
    now_ms: u64,
) -> Option<GrantRow> {
    let lost = outcome == RenewalOutcome::Unknown;
    let settled = settle(row, epoch, attempt, outcome, now_ms)?;
    Some(if lost { GrantRow { state: GrantState::Ended, ..settled } } else { settled })
}

/// Uncertain tokens are never tried again.
fn resigned(row: &GrantRow, wish: &ClaimRequest<'_>) -> Claim {
    match row.sends >= SENDS {
        true => Claim::Spent(GrantRow { state: GrantState::Uncertain, ..row.clone() }),
        false => claim(row, wish),
    }
}

#[test]
fn a_wrong_rule_is_found() {
    for (rules, property) in [
        (Rules { settle: unfenced, ..RULES }, "nothing older overwrites"),
        (Rules { claim: heedless, ..RULES }, "one request at a time"),
        (
            Rules { claim: forgetful, ..RULES },
            "two unknown sends at most while the access token lives",
        ),
        (Rules { settle: hasty, ..RULES }, "ended only when the provider refused"),
        (Rules { claim: resigned, ..RULES }, "what is not lost is recovered"),
    ] {
        let found = HasDiscoveries::AnyOf([property].into());
        let checker = renewals(rules, SHORT_MS, 0, 4).checker().threads(2).finish_when(found);
        let checker = checker.spawn_bfs().join();
        let path = checker.discovery(property);
        assert!(path.is_some(), "{property}");
    }
}
