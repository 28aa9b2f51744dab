//! A process that is killed while it keeps pages.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Tells the child which file to use.
const FILE: &str = "MIRROR_KILLS_FILE";
const KILLS: u32 = 30;

/// The child: keeps pages, and says each number before and after it.
#[tokio::test]
#[ignore = "runs as the child of the test below"]
async fn keeps_pages_until_it_is_killed() {
    let Ok(file) = std::env::var(FILE) else { return };
    let sqlite = Sqlite::open(Path::new(&file), Arc::new(SystemClock)).unwrap();
    let row = take(&sqlite).await;
    let first = row.cursor.as_deref().map_or(1, |cursor| cursor.parse::<u64>().unwrap() + 1);
    for number in first..first + 10_000 {
        println!("begins {number}");
        sqlite.apply(page(&row, number)).await.unwrap();
        println!("kept {number}");
    }
}

/// What was said to be kept is kept; of the page under way, everything or nothing.
#[tokio::test]
async fn a_killed_process_leaves_whole_pages() {
    let disk = disk().await;
    let child = "mirror::tests::kills::keeps_pages_until_it_is_killed";
    let mut before = 0;
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", child, "--ignored", "--nocapture"])
            .env(FILE, disk.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = fastrand::u32(1..12);
        let mut kept = before;
        for line in lines.map_while(Result::ok) {
            if let Some((_, number)) = line.split_once("kept ") {
                kept = number.parse().unwrap();
            }
            let is_page = line.contains("begins ") || line.contains("kept ");
            left = left.saturating_sub(u32::from(is_page));
            if left == 0 {
                // Somewhere in what it does next.
                (0..fastrand::u32(0..200_000)).for_each(|_| std::hint::spin_loop());
                child.kill().unwrap();
                left = u32::MAX;
            }
        }
        assert_eq!(child.wait().unwrap().code(), None, "it ended by itself");
        let found = agreed(&disk.sqlite()).await;
        assert!(found >= kept && found >= before, "{before}, {kept}, {found}");
        before = found;
    }
    assert!(before > 0);
}
