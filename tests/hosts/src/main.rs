//! Several real `connector-host serve` on one state, against simulated accounts: killed, frozen and cut
//! off while the accounts change, then judged by both sides. See README.md.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails at once, and says what it found"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hosts::process::Fleet;
use hosts::state::Disk;
use hosts::{Options, World, chaos, containers, judge, lock, show};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::main]
async fn main() -> ExitCode {
    let mode = std::env::args().nth(1);
    let found = match mode.as_deref() {
        Some("containers") => containers::run().await,
        mode => run(mode == Some("show")).await,
    };
    println!("{found} violations");
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows hosts that take over, or torments them; answers how many rules were broken.
async fn run(is_show: bool) -> usize {
    let options = Options {
        hosts: number("HOSTS", if is_show { 3 } else { 4 }) as usize,
        accounts: number("ACCOUNTS", if is_show { 200 } else { 20 }) as usize,
        chaos: Duration::from_secs(number("CHAOS_SECONDS", 60)),
        seed: number("SEED", 1),
    };
    let disk = Disk::new(std::env::var_os("SQLITE").is_some());
    println!("the state is in {}", disk.name());
    let fleet = Fleet::new(options.hosts, &disk);
    let world = Arc::new(World::new(options, disk, fleet).await);
    if is_show {
        show::run(&world).await;
    } else {
        let read = chaos::run(&world).await;
        judge::run(&world, &read).await;
    }
    world.fleet.end();
    lock(&world.found).len()
}
