//! Forwards while a program runs, and where they may lead.

use super::world::*;
use super::*;

#[tokio::test(start_paused = true)]
async fn only_one_process_hands_on_at_a_time() {
    let world = World::new().await;
    let other = LeaseHolder::new();
    world.state.lease_forward(&world.row.id, other.name(), 60_000).await.unwrap();
    world.change(&[("r1", 1)]).await;
    world.seconds(30).await;
    assert!(world.target.tries().is_empty());
    drop(other);
    world.seconds(10).await;
    assert_eq!(world.target.taken(), ["r1 1"]);
}

/// Forwards are run, changed and ended as they are kept, within two seconds; none waits for another.
#[tokio::test(start_paused = true)]
async fn forwards_come_change_and_go_while_they_are_run() {
    let world = World::new().await;
    let (_trigger, shutdown) = Shutdown::new();
    let supervisor = Supervisor::new(shutdown.clone());
    let mut jobs = world.jobs(&supervisor);
    let running = tokio::spawn(async move { jobs.keep(&shutdown).await });
    let soon = async || sleep(Duration::from_secs(4)).await;
    let put = async |row: ForwardRow| world.state.put_forward(row).await.unwrap();
    // One whose target never answers, and one that does not open.
    let silent = ForwardRow {
        id: "silent".to_owned(),
        name: "silent".to_owned(),
        filters: vec!["orders.n=99".to_owned()],
        ..world.row.clone()
    };
    let mut silent = silent;
    TargetAddress::new("http://127.0.0.1/hook", Private, Some(Secret::new(SECRET)))
        .unwrap()
        .seal(&mut silent, &world.vault)
        .unwrap();
    let broken =
        ForwardRow { id: "broken".to_owned(), name: "broken".to_owned(), ..world.row.clone() };
    world.target.says(|data| match data["record"]["n"].as_u64() {
        Some(99) => Says::Nothing,
        _ => Says::Status(200),
    });
    put(silent).await;
    put(broken).await;
    world.change(&[("r1", 1)]).await;
    soon().await;
    assert_eq!(world.target.taken(), ["r1 1"]);
    let lag = world.state.measure_forward("broken").await.unwrap();
    assert!(lag.error.unwrap().contains("does not open with this master key"));
    // Disabled, nothing is lost; enabled, all comes.
    put(ForwardRow { enabled: false, ..world.row.clone() }).await;
    soon().await;
    world.change(&[("r1", 2)]).await;
    soon().await;
    assert_eq!(world.target.taken(), ["r1 1"]);
    put(world.row.clone()).await;
    soon().await;
    assert_eq!(world.target.taken(), ["r1 1", "r1 2"]);
    // Changed.
    put(ForwardRow { filters: vec!["orders.n=4".to_owned()], ..world.row.clone() }).await;
    soon().await;
    world.change(&[("r1", 3), ("r1", 4)]).await;
    soon().await;
    assert_eq!(world.target.taken()[2..], ["r1 4"]);
    world.state.remove_forward(&world.row.id).await.unwrap();
    soon().await;
    world.change(&[("r1", 4)]).await;
    soon().await;
    assert_eq!(world.target.taken().len(), 3);
    running.abort();
}

/// A private target is refused where the operator does not allow it, when it is given and when it is used.
#[tokio::test(start_paused = true)]
async fn only_the_operator_opens_private_targets() {
    let target = Origin::of_url;
    for url in ["http://127.0.0.1/x", "http://a.example/x", "https://10.0.0.1/x"] {
        assert!(target(url, Public).is_err(), "{url}");
        assert!(target(url, Private).is_ok(), "{url}");
    }
    for url in ["https://me:pw@a.example/x", "ftp://a.example", "a.example"] {
        assert!(target(url, Private).is_err(), "{url}");
    }
    assert!(target("https://a.example/x", Public).is_ok());
    let world = World::new().await;
    let error = TargetAddress::open(&world.row, &world.vault, Public).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "its target http://127.0.0.1 is not https to a public address; --allow-private allows others"
    );
}

/// A name that leads to a private address is met when it is used: the forward waits, and says why.
#[tokio::test(start_paused = true)]
async fn a_name_that_leads_to_a_private_address_is_not_reached() {
    let mut world = World::new().await;
    let secret = Some(Secret::new(SECRET));
    let address = TargetAddress::new("https://inside.example/hook", Public, secret).unwrap();
    address.seal(&mut world.row, &world.vault).unwrap();
    let (_trigger, shutdown) = Shutdown::new();
    let supervisor = Supervisor::new(shutdown);
    world.state.put_forward(world.row.clone()).await.unwrap();
    let mut jobs = ForwardJobs { space: Public, ..world.jobs(&supervisor) };
    jobs.refresh().await.unwrap();
    world.change(&[("r1", 1)]).await;
    sleep(Duration::from_secs(30)).await;
    assert!(world.target.tries().is_empty());
    let lag = world.lag().await;
    assert_eq!((lag.waiting, lag.parked), (1, 0));
    let why = lag.error.unwrap();
    assert!(why.contains("127.0.0.1") || why.contains("public"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn targets_go_over_to_a_new_master_key() {
    let world = World::new().await;
    let new = || MasterKey(Key::new([9; 32]));
    assert_eq!(rewrap(&*world.state, &world.vault, &new()).await, Ok(1));
    assert_eq!(rewrap(&*world.state, &world.vault, &new()).await, Ok(0));
    let row = world.state.list_forwards().await.unwrap().remove(0);
    let vault = Vault::new(world.state.clone(), world.clock.clone(), new());
    assert!(TargetAddress::open(&row, &vault, Private).is_ok());
}
