use std::net::SocketAddr;

use futures_util::future::join_all;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use super::*;
use testkit::{Reply, Site};

use crate::environment::Names;

const LARGEST: usize = 5 * 1024;
const AT: &str = "https://app.example/client.json";

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

async fn site() -> Site {
    Site::open(&["app.example", "other.example"]).await
}

/// The names of a site. (The `Names` that `Site` has are those of another compilation of this crate.)
struct Known(Site);

impl Names for Known {
    fn addresses(&self, host: &str) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let found = self.0.addresses(host);
        Box::pin(async { found })
    }
}

/// How a fetcher finds a site and trusts it.
fn web(site: &Site) -> Web {
    Web {
        names: Arc::new(Known(site.clone())),
        authorities: vec![site.certificate()],
    }
}

/// What a server on loopback gets.
async fn fetch(site: &Site, reply: Reply) -> Result<Arc<Fetched>, FetchError> {
    site.put(AT, reply);
    Fetcher::new(web(site), true)
        .fetch(&url(AT), LARGEST, async { Ok(()) })
        .await
}

/// Returns the same addresses for every name.
struct Fixed(Vec<SocketAddr>);

impl Names for Fixed {
    fn addresses(&self, _: &str) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let found = Ok(self.0.clone());
        Box::pin(async { found })
    }
}

/// The result of a fetch for a name with these addresses, where nothing listens.
async fn resolving(addresses: &[&str], loopback: bool) -> Result<Arc<Fetched>, FetchError> {
    let addresses = addresses
        .iter()
        .map(|address| SocketAddr::new(address.parse().expect("an address"), 9))
        .collect();
    let web = Web {
        names: Arc::new(Fixed(addresses)),
        authorities: vec![site().await.certificate()],
    };
    let fetcher = Fetcher::with(web, loopback, Duration::from_millis(300), 1);
    fetcher.fetch(&url(AT), LARGEST, async { Ok(()) }).await
}

#[tokio::test]
async fn r_c2_a_document_is_fetched_with_what_its_server_says_of_keeping_it() {
    let site = site().await;
    let fetched = fetch(
        &site,
        Reply::json("{}")
            .with("cache-control", "max-age=600")
            .with("age", "100"),
    )
    .await;
    let hour = |body: &str| {
        Ok(Arc::new(Fetched {
            body: body.into(),
            fresh_for: Duration::from_hours(1),
        }))
    };
    assert_eq!(
        fetched,
        Ok(Arc::new(Fetched {
            body: b"{}".into(),
            fresh_for: Duration::from_secs(500)
        }))
    );
    assert_eq!(
        fetch(&site, Reply::json("{\"a\": 1}")).await,
        hour("{\"a\": 1}")
    );
}

#[tokio::test]
async fn r_c4_caching_is_read_from_all_its_lines() {
    let site = site().await;
    let reply = Reply::json("{}")
        .with("cache-control", "public")
        .with("cache-control", "max-age=600");
    assert_eq!(
        fetch(&site, reply).await.map(|fetched| fetched.fresh_for),
        Ok(Duration::from_mins(10))
    );
}

#[tokio::test]
async fn r_c4_json_is_taken_under_every_name_that_it_has() {
    let site = site().await;
    for good in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/client-metadata+json",
        "application/json ;x=y",
    ] {
        assert!(
            fetch(&site, Reply::new("200 OK", "{}").with("content-type", good))
                .await
                .is_ok(),
            "{good}"
        );
    }
    let refused = Err(FetchError::Fault(FetchFault::ContentType));
    for bad in [
        "text/html",
        "text/plain",
        "application/jsonp",
        "application/+json",
        "text/x+json",
        "image/svg+xml",
        "",
    ] {
        assert_eq!(
            fetch(&site, Reply::new("200 OK", "{}").with("content-type", bad)).await,
            refused,
            "{bad}"
        );
    }
    assert_eq!(
        fetch(&site, Reply::new("200 OK", "{}")).await,
        refused,
        "none at all"
    );
}

#[tokio::test]
async fn r_c7_only_200_is_an_answer_and_no_redirect_is_followed() {
    let site = site().await;
    site.put("https://other.example/x", Reply::json("{}"));
    let says = |fault: FetchFault, status: &str| fault.words() == format!("HTTP {}", &status[..3]);
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let answer = fetch(
            &site,
            Reply::new(status, "").with("location", "https://other.example/x"),
        )
        .await;
        assert!(
            matches!(answer, Err(FetchError::Fault(fault)) if says(fault, status)),
            "{status}: {answer:?}"
        );
    }
    assert_eq!(site.requests("https://other.example/x"), 0);
    let json = |status| Reply::new(status, "{}").with("content-type", "application/json");
    for status in [
        "201 Created",
        "204 No Content",
        "206 Partial Content",
        "400 Bad",
        "418 Odd",
    ] {
        assert!(
            matches!(fetch(&site, json(status)).await, Err(FetchError::Fault(_))),
            "{status}"
        );
    }
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "410 Gone",
    ] {
        let answer = fetch(&site, json(status)).await;
        assert!(
            matches!(answer, Err(FetchError::Fault(fault)) if says(fault, status)),
            "{status}: {answer:?}"
        );
    }
    for status in [
        "500 Oops",
        "502 Bad Gateway",
        "503 Busy",
        "504 Late",
        "408 Late",
        "429 Too Many",
    ] {
        let answer = fetch(&site, json(status)).await;
        assert!(
            matches!(answer, Err(FetchError::Transient(fault)) if says(fault, status)),
            "{status}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn t_e37_what_counts_is_what_is_read() {
    let site = site().await;
    let too_large = Err(FetchError::Fault(FetchFault::TooLarge));
    let of_length = |length: usize| Reply::json(&format!("\"{}\"", "x".repeat(length - 2)));
    assert_eq!(
        fetch(&site, of_length(LARGEST))
            .await
            .map(|fetched| fetched.body.len()),
        Ok(LARGEST)
    );
    assert_eq!(fetch(&site, of_length(LARGEST + 1)).await, too_large);
    assert_eq!(fetch(&site, of_length(1024 * 1024)).await, too_large);
    // Without a length, and with one that is too small.
    assert_eq!(
        fetch(&site, of_length(LARGEST + 1).chunked()).await,
        too_large
    );
    assert!(fetch(&site, of_length(LARGEST).chunked()).await.is_ok());
    let lying = Reply::json(&"x".repeat(LARGEST + 1)).claiming(10);
    assert!(
        fetch(&site, lying)
            .await
            .is_ok_and(|fetched| fetched.body.len() == 10),
        "the rest is never read"
    );
    // An end before the promised one is no document.
    assert_eq!(
        fetch(&site, Reply::json("{}").claiming(100)).await,
        Err(FetchError::Transient(FetchFault::NoAnswer))
    );
}

#[tokio::test]
async fn t_e37_nothing_is_decompressed() {
    let site = site().await;
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        let answer = fetch(&site, Reply::json("{}").with("content-encoding", encoding)).await;
        assert_eq!(
            answer,
            Err(FetchError::Fault(FetchFault::Compressed)),
            "{encoding}"
        );
    }
    assert!(
        fetch(
            &site,
            Reply::json("{}").with("content-encoding", "identity")
        )
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn t_e37_a_slow_answer_is_not_waited_for() {
    let site = site().await;
    site.put(
        AT,
        Reply::json(&"x".repeat(1000)).dripping(Duration::from_millis(20)),
    );
    let fetcher = Fetcher::with(web(&site), true, Duration::from_millis(300), 1);
    let late = Err(FetchError::Transient(FetchFault::Timeout));
    assert_eq!(
        fetcher.fetch(&url(AT), LARGEST, async { Ok(()) }).await,
        late
    );
    // Its slot is free again.
    site.put(AT, Reply::json("{}"));
    assert!(
        fetcher
            .fetch(&url(AT), LARGEST, async { Ok(()) })
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn t_e37_a_server_that_never_speaks_tls_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let names = Arc::new(Fixed(vec![silent.local_addr().expect("an address")]));
    let site = site().await;
    let fetcher = Fetcher::with(
        Web {
            names,
            ..web(&site)
        },
        true,
        Duration::from_millis(300),
        1,
    );
    let at = url(AT);
    let accept = async { silent.accept().await.expect("a connection").0 };
    let (answer, mut connection) =
        tokio::join!(fetcher.fetch(&at, LARGEST, async { Ok(()) }), accept);
    assert_eq!(answer, Err(FetchError::Transient(FetchFault::Timeout)));
    // It had connected and begun the handshake, and has hung up.
    let mut hello = Vec::new();
    timeout(Duration::from_secs(10), connection.read_to_end(&mut hello))
        .await
        .expect("in time")
        .expect("an end");
    assert_eq!(
        hello.first(),
        Some(&22),
        "a handshake record (RFC 8446 section 5.1)"
    );
    assert_eq!(
        fetcher.0.slots.available_permits(),
        1,
        "its place is free again"
    );
}

#[tokio::test]
async fn t_e37_a_name_with_no_public_address_is_not_connected_to() {
    let refused = Err(FetchError::Fault(FetchFault::NotPublic));
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fc00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:7f00:1::",
        "2001::1",
    ] {
        assert_eq!(resolving(&[address], false).await, refused, "{address}");
    }
    assert_eq!(
        resolving(&["10.0.0.1", "::1"], false).await,
        refused,
        "none of several"
    );
    assert_eq!(
        resolving(&["10.0.0.1"], true).await,
        refused,
        "on loopback too"
    );
    // A name without any address may have one later.
    assert_eq!(
        resolving(&[], false).await,
        Err(FetchError::Transient(FetchFault::NoAddress))
    );
}

#[tokio::test]
async fn t_e37_a_bad_address_among_good_ones_is_passed_over() {
    let site = site().await;
    site.put(AT, Reply::json("{}"));
    // Were the first one tried, its port would answer: it is the site's own, under an address that
    // is not loopback.
    let elsewhere = SocketAddr::new(
        "0.0.0.0".parse().expect("an address"),
        site.address().port(),
    );
    let web = |addresses: Vec<SocketAddr>| Web {
        names: Arc::new(Fixed(addresses)),
        authorities: web(&site).authorities,
    };
    let fetcher = Fetcher::new(web(vec![elsewhere]), true);
    let refused = Err(FetchError::Fault(FetchFault::NotPublic));
    assert_eq!(
        fetcher.fetch(&url(AT), LARGEST, async { Ok(()) }).await,
        refused
    );
    assert_eq!(site.requests(AT), 0);
    let fetcher = Fetcher::new(web(vec![elsewhere, site.address()]), true);
    assert!(
        fetcher
            .fetch(&url(AT), LARGEST, async { Ok(()) })
            .await
            .is_ok()
    );
}

/// The first response is valid, later ones are not.
struct Rebinding(SocketAddr, std::sync::atomic::AtomicUsize);

impl Names for Rebinding {
    fn addresses(&self, _: &str) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let first = self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let found = if first {
            self.0
        } else {
            SocketAddr::new("10.0.0.1".parse().expect("an address"), 443)
        };
        Box::pin(async move { Ok(vec![found]) })
    }
}

#[tokio::test]
async fn t_e37_a_name_is_resolved_once_and_what_was_checked_is_connected_to() {
    let site = site().await;
    site.put(AT, Reply::json("{}"));
    let names = Arc::new(Rebinding(
        site.address(),
        std::sync::atomic::AtomicUsize::new(0),
    ));
    let web = Web {
        names: names.clone(),
        authorities: web(&site).authorities,
    };
    let fetcher = Fetcher::new(web, true);
    assert!(
        fetcher
            .fetch(&url(AT), LARGEST, async { Ok(()) })
            .await
            .is_ok()
    );
    assert_eq!(names.1.load(std::sync::atomic::Ordering::SeqCst), 1);
    // The next fetch resolves again, and no connection is reused without a check.
    let refused = Err(FetchError::Fault(FetchFault::NotPublic));
    assert_eq!(
        fetcher.fetch(&url(AT), LARGEST, async { Ok(()) }).await,
        refused
    );
}

#[tokio::test]
async fn t_e37_certificates_are_checked() {
    let site = site().await;
    site.put(AT, Reply::json("{}"));
    let web = Web {
        authorities: super::tests::site().await.web().authorities,
        ..web(&site)
    };
    let stranger = Fetcher::new(web, true)
        .fetch(&url(AT), LARGEST, async { Ok(()) })
        .await;
    assert_eq!(stranger, Err(FetchError::Transient(FetchFault::Untrusted)));
    assert_eq!(site.requests(AT), 0);
}

#[tokio::test]
async fn r_c8_a_server_on_the_internet_reaches_nothing_on_this_computer() {
    let site = site().await;
    site.put(AT, Reply::json("{}"));
    let refused = Err(FetchError::Fault(FetchFault::NotPublic));
    let fetcher = Fetcher::new(web(&site), false);
    assert_eq!(
        fetcher.fetch(&url(AT), LARGEST, async { Ok(()) }).await,
        refused
    );
    for literal in [
        "https://127.0.0.1:9443/x",
        "https://[::1]:9443/x",
        "https://10.0.0.1/x",
    ] {
        assert_eq!(
            fetcher
                .fetch(&url(literal), LARGEST, async { Ok(()) })
                .await,
            refused,
            "{literal}"
        );
    }
    assert_eq!(site.requests(AT), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_fetches_of_one_address_share_the_answer() {
    let site = site().await;
    let gate = Arc::new(Semaphore::new(0));
    site.put(AT, Reply::json("{}").behind(&gate));
    let fetcher = Fetcher::new(web(&site), true);
    let admitted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let address = url(AT);
    let one = || {
        let admitted = admitted.clone();
        let admit = async move {
            admitted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        };
        fetcher.fetch(&address, LARGEST, admit)
    };
    let all = join_all((0..32).map(|_| one()));
    let open = async {
        while site.requests(AT) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(all, open);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(
        (
            site.requests(AT),
            admitted.load(std::sync::atomic::Ordering::SeqCst)
        ),
        (1, 1)
    );
    // Nothing remains: the next one fetches again.
    gate.add_permits(1);
    assert!(one().await.is_ok());
    assert_eq!(site.requests(AT), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_e37_the_number_of_concurrent_fetches_is_limited() {
    let site = site().await;
    let gate = Arc::new(Semaphore::new(0));
    let addresses: Vec<Url> = (0..12)
        .map(|number| url(&format!("https://app.example/{number}")))
        .collect();
    for address in &addresses {
        site.put(address.as_str(), Reply::json("{}").behind(&gate));
    }
    let fetcher = Fetcher::with(web(&site), true, Duration::from_secs(20), 3);
    let all = join_all(
        addresses
            .iter()
            .map(|address| fetcher.fetch(address, LARGEST, async { Ok(()) })),
    );
    let open = async {
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            gate.add_permits(1);
        }
    };
    let (answers, ()) = tokio::join!(all, open);
    assert!(answers.iter().all(Result::is_ok));
    assert!(site.most_at_once() <= 3, "{}", site.most_at_once());
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_no_shared_fetch() {
    let site = site().await;
    let gate = Arc::new(Semaphore::new(0));
    site.put(AT, Reply::json("{}").behind(&gate));
    let fetcher = Fetcher::new(web(&site), true);
    let address = url(AT);
    let mut first = Box::pin(fetcher.fetch(&address, LARGEST, async { Ok(()) }));
    assert!(
        timeout(Duration::from_millis(50), &mut first)
            .await
            .is_err()
    );
    drop(first);
    let second = fetcher.fetch(&address, LARGEST, async {
        panic!("nobody is asked: it is under way")
    });
    let open = async {
        while site.requests(AT) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gate.add_permits(1);
    };
    assert!(tokio::join!(second, open).0.is_ok());
    assert_eq!(site.requests(AT), 1);
}

#[tokio::test]
async fn a_fetch_that_is_not_admitted_sends_nothing() {
    let site = site().await;
    site.put(AT, Reply::json("{}"));
    let fetcher = Fetcher::new(web(&site), true);
    let busy = FetchError::Transient(FetchFault::Stopping);
    let refused = busy.clone();
    assert_eq!(
        fetcher
            .fetch(&url(AT), LARGEST, async { Err(refused) })
            .await,
        Err(busy)
    );
    assert_eq!(site.requests(AT), 0);
}

#[test]
fn a_fetch_while_the_runtime_shuts_down_is_interrupted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let handle = runtime.handle().clone();
    drop(runtime);
    let fetcher = Fetcher::new(
        Web {
            names: Arc::new(Fixed(Vec::new())),
            authorities: Vec::new(),
        },
        true,
    );
    let (sender, ended) = std::sync::mpsc::channel();
    // On a separate thread, so that a deadlock is a failure instead of a hanging test.
    std::thread::spawn(move || {
        let _entered = handle.enter();
        let answer = fetcher
            .fetch(&url(AT), LARGEST, async { Ok(()) })
            .now_or_never();
        sender.send((answer, fetcher.0.in_flight().len())).ok();
    });
    let interrupted = Err(FetchError::Transient(FetchFault::Interrupted));
    assert_eq!(
        ended.recv_timeout(Duration::from_secs(10)),
        Ok((Some(interrupted), 0))
    );
}
