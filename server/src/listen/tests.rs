use axum::{
    extract::Request,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
};

use super::*;
use crate::{config::ListenAddress, proxies::Proxies};

/// How long things may take that are to happen at once.
const SOON: Duration = Duration::from_secs(5);

/// A server with short timeouts.
struct Running {
    address: SocketAddr,
    stopper: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Running {
    async fn start(router: Router, connections: usize, patience: Patience) -> Self {
        let listeners = bind(&[ListenAddress {
            host: "127.0.0.1".to_owned(),
            port: 0,
        }])
        .await
        .expect("a free port");
        let address = listeners[0].local_addr().expect("bound");
        let (stopper, stop) = watch::channel(false);
        let ended = tokio::spawn(serve(
            listeners,
            Current::new(router),
            Bounds::new(connections, Proxies::default()),
            patience,
            stop,
        ));
        Self {
            address,
            stopper,
            ended,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("sent");
        stream
    }

    /// Stops, and says how long that took.
    async fn stop(self) -> Duration {
        let started = Instant::now();
        self.stopper.send_replace(true);
        self.ended.await.expect("the server ended by itself");
        started.elapsed()
    }
}

fn patience() -> Patience {
    Patience::default()
}

fn router() -> Router {
    let slow = || async {
        sleep(Duration::from_millis(300)).await;
        "done"
    };
    let large = || async { "x".repeat(64 * 1024 * 1024) };
    let echo = |request: Request| async {
        axum::body::to_bytes(request.into_body(), 1024)
            .await
            .unwrap_or_default()
    };
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/slow", get(slow))
        .route("/large", get(large))
        .route("/echo", post(echo))
}

/// What comes until the connection closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut bytes))
        .await
        .expect("it closes");
    // A connection that is closed with bytes unread is reset.
    assert!(
        read.is_ok() || read.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    );
    String::from_utf8_lossy(&bytes).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_AND_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const HALF: &str = "GET / HTTP/1.1\r\nhost: x\r\nx-half: ";

#[tokio::test]
async fn stopping_waits_for_the_request_under_way() {
    let server = Running::start(router(), 100, patience()).await;
    let mut stream = server.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    server.stop().await;
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"),
        "{answer}"
    );
}

#[tokio::test]
async fn stopping_waits_for_a_body_that_is_on_its_way() {
    let server = Running::start(router(), 100, patience()).await;
    let mut stream = server
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
        .await;
    sleep(Duration::from_millis(100)).await;
    server.stopper.send_replace(true);
    sleep(Duration::from_millis(200)).await;
    stream.write_all(b"cd").await.expect("sent");
    assert!(rest(&mut stream).await.ends_with("abcd"));
    server.stop().await;
}

#[tokio::test]
async fn neither_half_a_request_nor_an_idle_connection_nor_one_that_stalls_delays_stopping() {
    let server = Running::start(router(), 100, patience()).await;
    let mut held = vec![
        server.connect().await,
        server.send(HALF).await,
        server.send(GET).await,
    ];
    held.push(
        server
            .send("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTT")
            .await,
    );
    held.push(
        server
            .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
            .await,
    );
    held.push(server.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await);
    sleep(Duration::from_millis(200)).await;
    let took = server.stop().await;
    assert!(took < SOON, "{took:?}");
    drop(held);
}

#[tokio::test]
async fn a_client_that_never_reads_is_let_go() {
    let write = WritePatience {
        stall: Duration::from_millis(500),
        whole: Duration::from_mins(1),
    };
    let server = Running::start(
        router(),
        1,
        Patience {
            write,
            ..patience()
        },
    )
    .await;
    let _never_reads = server.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    assert!(
        rest(&mut server.send(GET_AND_CLOSE).await)
            .await
            .ends_with("here"),
        "its place is free again"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_gets_everything() {
    let server = Running::start(router(), 10, patience()).await;
    let mut stream = server
        .send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let mut bytes = Vec::new();
    timeout(Duration::from_mins(1), stream.read_to_end(&mut bytes))
        .await
        .expect("it ends")
        .expect("read");
    assert!(bytes.len() > 64 * 1024 * 1024);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_end_and_an_idle_connection_are_let_go() {
    let server = Running::start(
        router(),
        100,
        Patience {
            head: Duration::from_millis(300),
            ..patience()
        },
    )
    .await;
    assert_eq!(rest(&mut server.send(HALF).await).await, "");
    assert_eq!(rest(&mut server.connect().await).await, "");
    assert!(
        rest(&mut server.send(GET).await).await.ends_with("here"),
        "idle after its answer"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431_and_one_that_fits_is_read() {
    let server = Running::start(router(), 100, patience()).await;
    let with = |length: usize| {
        format!(
            "GET /?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "q".repeat(length)
        )
    };
    assert!(
        rest(&mut server.send(&with(LARGEST_HEAD - 1024)).await)
            .await
            .starts_with("HTTP/1.1 200")
    );
    let mut stream = server.connect().await;
    let _ = stream.write_all(with(LARGEST_HEAD * 2).as_bytes()).await;
    let mut head = [0; 12];
    timeout(SOON, stream.read_exact(&mut head))
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 431");
    server.stop().await;
}

#[tokio::test]
async fn requests_in_one_go_are_answered_one_after_the_other() {
    let server = Running::start(router(), 100, patience()).await;
    let mut stream = server
        .send(&format!(
            "{GET}{GET}GET /slow HTTP/1.1\r\nhost: x\r\n\r\n{GET_AND_CLOSE}"
        ))
        .await;
    let answers = rest(&mut stream).await;
    assert_eq!(
        (
            answers.matches("HTTP/1.1 200").count(),
            answers.matches("here").count()
        ),
        (4, 3),
        "{answers}"
    );
    assert!(
        answers
            .find("done")
            .is_some_and(|slow| answers.rfind("here").is_some_and(|last| slow < last))
    );
    server.stop().await;
}

#[tokio::test]
async fn when_there_are_too_many_connections_idle_and_stalled_ones_make_room() {
    let server = Running::start(router(), 8, patience()).await;
    let mut held = Vec::new();
    for text in [
        "",
        HALF,
        GET,
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n",
        "GET /large HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        for _ in 0..8 {
            held.push(server.send(text).await);
        }
        let answer = rest(&mut server.send(GET_AND_CLOSE).await).await;
        assert!(answer.ends_with("here"), "after {text:?}: {answer}");
    }
    server.stop().await;
}
