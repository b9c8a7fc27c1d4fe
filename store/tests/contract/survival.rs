//! The store file after kills, when it is reopened, and when it is opened twice.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use store::{Error, Store, StoreLocation, Ttl};

use crate::{MINUTE, SHORT, open, until};

/// Environment variable with the folder of the child process's store.
const CHILD_FOLDER: &str = "STORE_TEST_CHILD_FOLDER";

/// How many tasks of the child write at once.
const WRITERS: usize = 16;

/// Not a test: the process that the tests below start and kill. Each line that it prints names an
/// acknowledged change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of other tests"]
async fn child() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let store = open(&StoreLocation::File(folder.into())).await;
    println!("\nopen");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write_without_end(store.clone(), writer)))
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
}

async fn write_without_end(store: Store, writer: usize) {
    for n in 0_u64.. {
        let key = format!("{writer}.{n}");
        assert!(
            store
                .insert(&key, b"kept", Ttl::Forever)
                .await
                .expect("insert")
        );
        let count = store
            .count(&format!("counter {writer}"), Duration::from_hours(1))
            .await
            .expect("count");
        println!("\nwrote {key} {count}");
        if n % 2 == 1 {
            assert!(store.take(&key).await.expect("take").is_some());
            println!("\ntook {key} {count}");
        }
    }
}

/// Not a test: it runs with a file size limit of two megabytes, like a full disk.
#[tokio::test]
#[ignore = "the child process of another test"]
async fn cramped_child() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let store = open(&StoreLocation::File(folder.into())).await;
    let large = vec![7; 100_000];
    let mut kept = 0;
    while let Ok(inserted) = store
        .insert(&format!("large {kept}"), &large, Ttl::Forever)
        .await
    {
        assert!(inserted && kept < 100, "the limit does not apply");
        kept += 1;
    }
    until("recovery", async || {
        store.insert("small", b"v", Ttl::Forever).await.is_ok()
    })
    .await;
    for n in 0..kept {
        let there = store.get(&format!("large {n}")).await.expect("get");
        assert_eq!(there.as_ref(), Some(&large), "{n} of {kept}");
    }
    assert!(store.take("small").await.expect("take").is_some());
    println!("\nrecovered with {kept}");
}

/// This test binary again, running only `child`.
fn start_child(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "survival::child", "--ignored", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts")
}

/// The lines of the child, one at a time. An incomplete last line is dropped, since the kill may
/// truncate it.
fn reports(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut reader = BufReader::new(child.stdout.take().expect("its output"));
    std::iter::from_fn(move || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("its output");
        line.ends_with('\n').then_some(line)
    })
    .map(|line| line.trim_end().to_owned())
    .filter(|line| !line.is_empty())
}

#[tokio::test]
async fn acknowledged_changes_survive_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = 0;
    for round in 0..3 {
        let data = folder.path().join(round.to_string());
        let mut child = start_child(&data);
        let mut reports = reports(&mut child);
        let mut seen: Vec<String> = reports.by_ref().take(400).collect();
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        seen.extend(reports);

        let store = open(&StoreLocation::File(data)).await;
        for report in &seen {
            acknowledged += check(&store, report).await;
        }
    }
    assert!(
        acknowledged >= 900,
        "only {acknowledged} changes were acknowledged"
    );
}

/// Checks one line against the store; returns how many changes it names.
async fn check(store: &Store, report: &str) -> usize {
    let words: Vec<&str> = report.split(' ').collect();
    let &[verb @ ("wrote" | "took"), key, count] = words.as_slice() else {
        return 0;
    };
    let there = store.get(key).await.expect("get");
    // Every second record is taken; the line about it may be lost.
    let may_be_taken = key
        .rsplit('.')
        .next()
        .and_then(|n| n.parse::<u64>().ok())
        .is_some_and(|n| n % 2 == 1);
    match verb {
        "wrote" if !may_be_taken => assert_eq!(there.as_deref(), Some(&b"kept"[..]), "{report}"),
        "wrote" => {}
        _ => assert_eq!(there, None, "{report}"),
    }
    let writer = key.split('.').next().expect("a writer");
    let counter = store
        .get(&format!("counter {writer}"))
        .await
        .expect("get")
        .expect("a counter");
    let counter: u64 = String::from_utf8(counter)
        .expect("digits")
        .parse()
        .expect("a number");
    assert!(
        counter >= count.parse().expect("a count"),
        "{report}: the counter shows {counter}"
    );
    1
}

#[tokio::test]
async fn a_killed_start_does_not_block_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..40 {
        let data = folder.path().join(round.to_string());
        let mut child = start_child(&data);
        // As soon as the folder is not empty, or a little later.
        while std::fs::read_dir(&data).map_or(0, Iterator::count) == 0 {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_micros(100 * round));
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        let store = open(&StoreLocation::File(data)).await;
        assert!(store.insert("k", b"v", Ttl::Forever).await.expect("insert"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_store_survives_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("sh")
        // In blocks of 512 bytes. The signal is ignored, since it would end the process.
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "survival::cramped_child",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, folder.path())
        .output()
        .expect("the child starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("recovered with"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_second_process_gets_a_locked_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().join("data"));
    let mut child = start_child(&folder.path().join("data"));
    assert!(reports(&mut child).any(|report| report == "open"));

    let fault = Store::open(&location).await.expect_err("it is in use");
    let file = folder.path().join("data/store.redb");
    assert!(
        matches!(&fault, Error::Locked(path) if *path == file),
        "{fault}"
    );

    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    open(&location).await;
}

#[tokio::test]
async fn a_second_open_in_the_same_process_gets_a_locked_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().to_owned());
    let first = open(&location).await;
    assert!(matches!(
        Store::open(&location).await,
        Err(Error::Locked(_))
    ));
    drop(first);
    open(&location).await;
}

#[tokio::test]
async fn reopening_keeps_records_lists_and_expiry() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().to_owned());
    let first = open(&location).await;
    let began = Instant::now();
    first
        .insert("ever", b"1", Ttl::Forever)
        .await
        .expect("insert");
    first.insert("minute", b"2", MINUTE).await.expect("insert");
    first
        .insert("short", b"3", Ttl::For(SHORT))
        .await
        .expect("insert");
    first
        .count("counter", Duration::from_mins(1))
        .await
        .expect("count");
    first.set_add("list", "member").await.expect("set_add");
    drop(first);

    let again = open(&location).await;
    assert_eq!(
        again.get("ever").await.expect("get").as_deref(),
        Some(&b"1"[..])
    );
    assert_eq!(
        again.get("minute").await.expect("get").as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(
        again
            .count("counter", Duration::from_mins(1))
            .await
            .expect("count"),
        2
    );
    assert_eq!(
        again.set_range("list", None, 9).await.expect("members"),
        ["member"]
    );
    until("short", async || {
        again.get("short").await.expect("get").is_none()
    })
    .await;
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn dropping_the_store_completes_pending_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().to_owned());
    let store = open(&location).await;
    let writes: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.insert(&n.to_string(), b"v", Ttl::Forever).await })
        })
        .collect();
    drop(store);
    for write in writes {
        assert!(write.await.expect("a task").expect("insert"));
    }
    let again = open(&location).await;
    for n in 0..200 {
        assert!(
            again.get(&n.to_string()).await.expect("get").is_some(),
            "{n}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_open_folder_and_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("new/data");
    let _store = open(&StoreLocation::File(data.clone())).await;
    let mode = |path: &Path| path.metadata().expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("store.redb")), 0o600);
}

#[tokio::test]
async fn open_existing_creates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().join("data"));
    assert!(
        Store::open_existing(&location)
            .await
            .expect("no fault")
            .is_none()
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
    open(&location)
        .await
        .insert("kept", b"x", Ttl::Forever)
        .await
        .expect("insert");
    let store = Store::open_existing(&location)
        .await
        .expect("opened")
        .expect("it is there");
    assert!(store.get("kept").await.expect("get").is_some());
    assert!(matches!(
        Store::open_existing(&location).await,
        Err(Error::Locked(_))
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn a_dangling_link_is_an_error_and_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let away = folder.path().join("away.redb");
    let link = folder.path().join("store.redb");
    std::os::unix::fs::symlink(&away, &link).expect("a link");
    let location = StoreLocation::File(folder.path().to_owned());
    for opened in [
        Store::open(&location).await.map(Some),
        Store::open_existing(&location).await,
    ] {
        assert!(matches!(opened, Err(Error::Unavailable(_))), "{opened:?}");
    }
    assert!(
        std::fs::symlink_metadata(&link)
            .expect("there")
            .is_symlink()
            && !away.exists()
    );
    // A link in place of the temporary file is not followed either.
    std::fs::remove_file(&link).expect("removed");
    std::os::unix::fs::symlink(&away, folder.path().join("store.redb.new")).expect("a link");
    open(&location)
        .await
        .insert("k", b"x", Ttl::Forever)
        .await
        .expect("insert");
    assert!(!away.exists() && std::fs::symlink_metadata(&link).expect("there").is_file());
}

#[tokio::test]
async fn an_unusable_path_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "no folder").expect("a file");
    std::fs::write(folder.path().join("store.redb"), "no database").expect("a file");
    for path in [folder.path().join("file"), folder.path().to_owned()] {
        let fault = Store::open(&StoreLocation::File(path))
            .await
            .expect_err("not a database");
        assert!(matches!(fault, Error::Unavailable(_)), "{fault}");
    }
}

#[tokio::test]
async fn the_memory_engine_warns_about_data_loss() {
    let warnings = open(&StoreLocation::Memory)
        .await
        .durability_warnings()
        .await
        .expect("warnings");
    assert!(
        warnings.len() == 1 && warnings[0].contains("memory"),
        "{warnings:?}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = open(&StoreLocation::File(folder.path().to_owned())).await;
    assert_eq!(file.durability_warnings().await.expect("warnings"), [""; 0]);
}
