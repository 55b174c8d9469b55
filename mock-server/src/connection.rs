//! One connection: one request, one answer.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use memex_models::{AGENT_HEADER, CONVERSATION_HEADER, Failure, Protocol, ScriptEntry, Usage};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::protocols;
use crate::shared::{Received, Shared};
use crate::wire::Event;

const HEAD_BYTES_MAX: usize = 64 << 10;
const BODY_BYTES_MAX: usize = 256 << 20;

/// A request as it came.
struct Incoming {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Incoming {
    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(held, _)| held == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// Serves a connection. Ignore clients that disconnect.
pub(crate) async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    if let Ok(incoming) = read(&mut socket).await
        && answer(&mut socket, &incoming, &shared).await.is_err()
    {
        shared.abandoned.send_modify(|count| *count += 1);
    }
}

async fn read(socket: &mut TcpStream) -> io::Result<Incoming> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > HEAD_BYTES_MAX || socket.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let incoming = Incoming {
        path: path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
    };
    let length = incoming.header("content-length");
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    if length > BODY_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    while body.len() < length {
        if socket.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Incoming { body, ..incoming })
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

async fn answer(socket: &mut TcpStream, incoming: &Incoming, shared: &Shared) -> io::Result<()> {
    let Some(protocol) = protocols::protocol_of(&incoming.path) else {
        return refuse(
            socket,
            shared,
            Protocol::Responses,
            404,
            "not_found",
            "no such path",
        )
        .await;
    };
    let mut refusal = async |status, code: &str, message: &str| {
        refuse(socket, shared, protocol, status, code, message).await
    };
    let body: Value = match serde_json::from_slice(&incoming.body) {
        Ok(body) => body,
        Err(error) => return refusal(400, "bad_json", &error.to_string()).await,
    };
    shared.note(Received {
        protocol,
        path: incoming.path.clone(),
        headers: shown(&incoming.headers),
        body: body.clone(),
    });
    if !is_admitted(incoming, shared) {
        let sent = incoming
            .header("x-api-key")
            .or(incoming.header("authorization"));
        let message = format!("the key {:?} is not known", sent.unwrap_or(""));
        return refusal(401, "authentication_error", &message).await;
    }
    let mut request = protocols::request(protocol, &body);
    request.conversation = incoming.header(CONVERSATION_HEADER).map(str::to_owned);
    request.agent = incoming.header(AGENT_HEADER).map(str::to_owned);
    let (entry, number) = match shared.player.next(&request) {
        Ok(step) => step,
        Err(error) => return refusal(400, "script_mismatch", &error.to_string()).await,
    };
    if let Some(latency_ms) = entry.latency_ms {
        let latency = tokio::time::sleep(Duration::from_millis(latency_ms));
        tokio::select! {
            () = latency => {}
            () = gone(socket) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    let model = body.get("model").and_then(Value::as_str).unwrap_or("");
    let mut reply = entry.reply(model, number, &request);
    // Figures that it sends are figures, even where it guessed them.
    reply.usage.estimated = false;
    if shared.options.without_usage {
        reply.usage = Usage::default();
    }
    let stream = body.get("stream").and_then(Value::as_bool) == Some(true);
    if stream && !matches!(entry.fail, Some(Failure::Http { .. })) {
        let events = protocols::events(protocol, &reply, shared.player.chunk_chars());
        return stream_events(socket, shared, protocol, &events, &entry).await;
    }
    let mut whole = protocols::answer(protocol, &reply).to_string();
    match &entry.fail {
        None => {}
        Some(Failure::Http {
            status,
            code,
            message,
            retry_after_ms,
        }) => {
            let code = code.as_deref().unwrap_or("scripted_failure");
            let message = message.as_deref().unwrap_or("a scripted failure");
            let body = protocols::failure(protocol, code, message).to_string();
            let wait = retry_after_ms.map(|wait| ("retry-after-ms", wait.to_string()));
            return respond(socket, shared, *status, wait, &body).await;
        }
        Some(Failure::Malformed { .. }) => whole.truncate(whole.len() / 2),
        Some(Failure::Timeout | Failure::Stall { .. }) => return stall(socket).await,
        Some(Failure::Disconnect) => return Ok(()),
        Some(Failure::Cut { .. }) => {
            let head = head(shared, 200, "application/json", Some(whole.len()), None);
            let half = whole.get(..whole.len() / 2).unwrap_or("");
            return socket.write_all(format!("{head}{half}").as_bytes()).await;
        }
    }
    respond(socket, shared, 200, None, &whole).await
}

fn is_admitted(incoming: &Incoming, shared: &Shared) -> bool {
    let Some(key) = &shared.options.key else {
        return true;
    };
    let bearer = incoming.header("authorization");
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    incoming.header("x-api-key").or(bearer) == Some(key)
}

fn shown(headers: &[(String, String)]) -> Vec<(String, String)> {
    let secret = |name: &str| matches!(name, "authorization" | "x-api-key");
    let headers = headers.iter().filter(|(name, _)| !secret(name));
    headers.cloned().collect()
}

async fn stream_events(
    socket: &mut TcpStream,
    shared: &Shared,
    protocol: Protocol,
    events: &[Event],
    entry: &ScriptEntry,
) -> io::Result<()> {
    match entry.fail {
        Some(Failure::Timeout) => return stall(socket).await,
        Some(Failure::Disconnect) => return Ok(()),
        _ => {}
    }
    let head = head(shared, 200, "text/event-stream", None, None);
    socket.write_all(head.as_bytes()).await?;
    for (index, event) in events.iter().enumerate() {
        match entry.fail {
            Some(Failure::Cut { after_pieces }) if index >= after_pieces => return Ok(()),
            Some(Failure::Stall { after_pieces }) if index >= after_pieces => {
                return stall(socket).await;
            }
            Some(Failure::Malformed { after_pieces }) if index >= after_pieces => {
                chunks(socket, shared, "data: {\"half\": \n\n").await?;
                return socket.write_all(b"0\r\n\r\n").await;
            }
            _ => {}
        }
        chunks(socket, shared, &event_text(shared, event)).await?;
    }
    if protocol == Protocol::ChatCompletions {
        chunks(socket, shared, "data: [DONE]\n\n").await?;
    }
    socket.write_all(b"0\r\n\r\n").await?;
    socket.shutdown().await
}

fn event_text(shared: &Shared, (name, value): &Event) -> String {
    let mut text = String::new();
    if shared.options.comments {
        text.push_str(": still here\n\n");
    }
    if let Some(name) = name {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "event: {name}");
    }
    let _ = write!(text, "data: {value}\n\n");
    text
}

/// Writes in HTTP chunks of the size asked for.
async fn chunks(socket: &mut TcpStream, shared: &Shared, text: &str) -> io::Result<()> {
    let text = match shared.options.crlf {
        true => text.replace('\n', "\r\n"),
        false => text.to_owned(),
    };
    let size = match shared.options.write_bytes {
        0 => text.len().max(1),
        size => size,
    };
    for chunk in text.as_bytes().chunks(size) {
        let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        socket.write_all(&bytes).await?;
    }
    socket.flush().await
}

async fn refuse(
    socket: &mut TcpStream,
    shared: &Shared,
    protocol: Protocol,
    status: u16,
    code: &str,
    message: &str,
) -> io::Result<()> {
    let body = protocols::failure(protocol, code, message).to_string();
    respond(socket, shared, status, None, &body).await
}

async fn respond(
    socket: &mut TcpStream,
    shared: &Shared,
    status: u16,
    header: Option<(&str, String)>,
    body: &str,
) -> io::Result<()> {
    let length = Some(body.len());
    let head = head(shared, status, "application/json", length, header);
    socket.write_all(format!("{head}{body}").as_bytes()).await?;
    socket.shutdown().await
}

fn head(
    shared: &Shared,
    status: u16,
    kind: &str,
    length: Option<usize>,
    header: Option<(&str, String)>,
) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\n");
    let length = match length {
        Some(length) => ("content-length", length.to_string()),
        None => ("transfer-encoding", "chunked".to_owned()),
    };
    let own = shared.options.headers.iter();
    let own = own.map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in own.chain(header).chain([length]) {
        // Writing to a text cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("connection: close\r\n\r\n");
    head
}

/// Says nothing until the client goes away.
async fn stall(socket: &mut TcpStream) -> io::Result<()> {
    socket.flush().await?;
    gone(socket).await;
    Err(io::ErrorKind::BrokenPipe.into())
}

/// Waits until the client closes.
async fn gone(socket: &mut TcpStream) {
    let mut rest = [0; 64];
    while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}
