//! Names, addresses and grants of the tests.

use futures_util::future::BoxFuture;
use memex_external::egress::{
    Dial, Egress, EgressBuilder, EgressRules, HttpError, HttpRequest, HttpResponse, Resolve,
};
use memex_policies::HostGrant;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;

/// A public address. The dialer leads it to loopback; nothing is sent there.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// Answers for each name in turn; the last one stays.
#[derive(Clone, Default)]
pub(crate) struct Names {
    answers: Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// `example.test` and all below it are on loopback.
    pub(crate) fn local() -> Self {
        Self::default()
    }

    pub(crate) fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        let answers = answers.iter().map(parse).collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers);
        self
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.get_mut(host) {
            Some(queue) if queue.len() > 1 => Ok(queue.pop_front().unwrap()),
            Some(queue) => Ok(queue[0].clone()),
            None if host == "example.test" || host.ends_with(".example.test") => {
                Ok(vec![IpAddr::from([127, 0, 0, 1])])
            }
            None => Err(io::Error::other("no such name")),
        };
        Box::pin(async move { answer })
    }
}

/// Leads every address to loopback, and keeps a list.
#[derive(Clone, Default)]
pub(crate) struct Dialer {
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Dialer {
    pub(crate) fn dialled(&self) -> Vec<SocketAddr> {
        self.dialled.lock().unwrap().clone()
    }
}

impl Dial for Dialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        let dialled = Arc::clone(&self.dialled);
        Box::pin(async move {
            dialled.lock().unwrap().push(address);
            TcpStream::connect(("127.0.0.1", address.port())).await
        })
    }
}

/// Every method, any path, private addresses.
pub(crate) fn grant(host: &str, port: u16) -> HostGrant {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    HostGrant {
        ports: vec![port],
        methods: methods.map(str::to_owned).to_vec(),
        private_addresses: true,
        ..HostGrant::new(host)
    }
}

/// The same for public addresses only.
pub(crate) fn public_grant(host: &str, port: u16) -> HostGrant {
    HostGrant {
        private_addresses: false,
        ..grant(host, port)
    }
}

/// An egress under these grants, with local names.
pub(crate) fn egress(grants: impl IntoIterator<Item = HostGrant>) -> EgressBuilder {
    Egress::builder(EgressRules::new(grants))
        .resolver(Names::local())
        .dialer(Dialer::default())
}

pub(crate) fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest::new("GET", url)
}

pub(crate) fn with_header(mut request: HttpRequest, name: &str, value: &str) -> HttpRequest {
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

pub(crate) async fn send(egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    egress.request("session", request).await
}

pub(crate) fn header<'a>(response: &'a HttpResponse, name: &str) -> Vec<&'a str> {
    let named = response.headers.iter().filter(|(key, _)| key == name);
    named.map(|(_, value)| value.as_str()).collect()
}
