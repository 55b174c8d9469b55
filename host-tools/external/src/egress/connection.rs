//! One connection for one request, to an address that has been checked.

use futures_util::future::{BoxFuture, select_ok};
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::error::HttpError;
use super::resolver::Dial;
use super::target::Target;
use super::tls::Tls;

/// How long an address has the field for itself before the next is tried.
const HEAD_START: Duration = Duration::from_millis(250);

/// Bytes in both directions, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the first of the addresses that answers.
pub(super) async fn open(
    dialer: &dyn Dial,
    tls: &Tls,
    target: &Target,
    addresses: &[IpAddr],
) -> Result<Box<dyn Stream>, HttpError> {
    let stream = dial_any(dialer, target.port(), addresses)
        .await
        .map_err(|error| connection_error(target, &error))?;
    if !target.is_tls() {
        return Ok(Box::new(stream));
    }
    let name = match target.address() {
        Some(address) => ServerName::from(address),
        None => {
            let name = ServerName::try_from(target.host().to_owned());
            name.map_err(|error| HttpError::Invalid {
                what: target.origin(),
                reason: error.to_string(),
            })?
        }
    };
    let connector = tls.connector().map_err(|detail| HttpError::Connection {
        origin: target.origin(),
        reason: "no certificate is trusted here",
        detail: format!("{detail}; install the system's certificates"),
    })?;
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|error| connection_error(target, &error))?;
    Ok(Box::new(stream))
}

async fn dial_any(dialer: &dyn Dial, port: u16, addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let attempts: Vec<BoxFuture<'static, io::Result<TcpStream>>> = (0..)
        .zip(addresses)
        .map(|(place, address)| {
            let attempt = dialer.dial(SocketAddr::new(*address, port));
            let start = HEAD_START * place;
            let delayed = async move {
                if !start.is_zero() {
                    tokio::time::sleep(start).await;
                }
                attempt.await
            };
            Box::pin(delayed) as BoxFuture<'static, _>
        })
        .collect();
    if attempts.is_empty() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    select_ok(attempts).await.map(|(stream, _)| stream)
}

/// What went wrong, in words that give nothing away of the host's network.
pub(super) fn connection_error(target: &Target, error: &io::Error) -> HttpError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    let reason = match tls {
        Some(rustls::Error::InvalidCertificate(fault)) => certificate_reason(fault),
        Some(_) => "the TLS handshake failed",
        None => match error.kind() {
            io::ErrorKind::ConnectionRefused => "the connection was refused",
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                "the connection was reset"
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                "the connection was closed early"
            }
            _ => "the server cannot be reached",
        },
    };
    HttpError::Connection {
        origin: target.origin(),
        reason,
        detail: error.to_string(),
    }
}

fn certificate_reason(fault: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Fault;
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => "its certificate has expired",
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        Fault::UnknownIssuer => "its certificate is of an unknown issuer",
        _ => "its certificate is not valid",
    }
}
