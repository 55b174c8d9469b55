//! Servers on loopback that answer what a test tells them to.

use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.line().split(' ').nth(1).unwrap()
    }

    /// The values of a header.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(": "))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

pub(crate) enum Reply {
    /// These bytes, and the end of the connection.
    Whole(Vec<u8>),
    /// These bytes, and then nothing.
    Hang(Vec<u8>),
    /// A byte every so often, for ever.
    Drip(Vec<u8>),
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A running server. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    handler: Box<Handler>,
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    arrived: Notify,
    gone: Notify,
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(None, Box::new(handler)).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listen(Some(acceptor), Box::new(handler)).await
    }

    /// Answers everything with `200` and this body.
    pub(crate) async fn with_body(body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| ok(body.as_bytes())).await
    }

    async fn listen(acceptor: Option<TlsAcceptor>, handler: Box<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            handler,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            arrived: Notify::new(),
            gone: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => shared.serve(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                shared.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, state, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The only request that came.
    pub(crate) fn request(&self) -> Received {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.into_iter().next().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Waits until a request has come that nobody waited for yet.
    pub(crate) async fn arrival(&self) {
        self.state.arrived.notified().await;
    }

    /// Waits until a client has left a reply that hangs.
    pub(crate) async fn departure(&self) {
        self.state.gone.notified().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(request) = read_request(&mut stream).await else {
            return;
        };
        let reply = (self.handler)(&request);
        self.requests.lock().unwrap().push(request);
        self.arrived.notify_one();
        match reply {
            // The client may have left at a limit: that is no fault here.
            Reply::Whole(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut [0; 64]).await;
                self.gone.notify_one();
            }
            Reply::Drip(bytes) => {
                let mut outcome = stream.write_all(&bytes).await;
                while outcome.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    outcome = stream.write_all(b"x").await;
                }
                self.gone.notify_one();
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut received = Received {
        head: String::from_utf8(bytes[..head_len].to_vec()).unwrap(),
        body: bytes[head_len + 4..].to_vec(),
    };
    let length = received.values("content-length");
    let length: usize = length.first().map_or(0, |text| text.parse().unwrap());
    while received.body.len() < length {
        if stream.read_buf(&mut received.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(received)
}

pub(crate) fn ok(body: &[u8]) -> Reply {
    answer("200 OK", &[], body)
}

pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    Reply::Whole(bytes)
}

pub(crate) fn redirect(status: u16, location: &str) -> Reply {
    answer(&format!("{status} Moved"), &[("location", location)], b"")
}
