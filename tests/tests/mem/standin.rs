//! A server on the loopback that answers HTTP as an API would.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What is answered: a status, headers, a body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// The server. It ends with the process.
pub(crate) struct StandIn {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    pub(crate) fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &answer, &seen);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&Request) -> Reply, seen: &Mutex<Vec<Request>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let head = lines.map_while(|line| line.ok().filter(|line| !line.is_empty()));
    let request = Request {
        target: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        headers: head
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            })
            .collect(),
    };
    seen.lock().unwrap().push(request.clone());
    let (status, headers, body) = answer(&request);
    let mut told = format!("HTTP/1.1 {status} Said\r\n");
    for (name, value) in headers {
        told.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    told.push_str(&format!(
        "content-length: {length}\r\nconnection: close\r\n\r\n"
    ));
    // A client that has gone is its own business.
    let _ = stream.write_all(&[told.into_bytes(), body].concat());
}
