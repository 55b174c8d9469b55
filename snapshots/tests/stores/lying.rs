//! A service over HTTP that lies about its lists.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memex_snapshots::{ObjectStore, SessionHead, SnapshotStore};

/// Pages after which the service gives up.
const PAGES_MAX: usize = 300;
/// Bytes after which it does.
const BYTES_MAX: usize = 512 << 20;

/// What the service says to a request for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// None: these keys, on one page.
    Page(&'static [&'static str]),
    /// The same page and the same token for the next one.
    Again,
    /// A length that no page has.
    Length,
    /// A page without an end.
    Endless,
}

fn page(keys: &[&str], token: Option<&str>) -> String {
    let keys: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;a&quot;</ETag><Size>1</Size></Contents>"
            )
        })
        .collect();
    let token = token.map_or(String::new(), |token| {
        format!("<NextContinuationToken>{token}</NextContinuationToken>")
    });
    format!("<ListBucketResult>{token}{keys}</ListBucketResult>")
}

fn whole(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes())
}

/// Answers requests of one connection. How many there were, and what they took, is counted.
fn answer(mut stream: TcpStream, lie: Lie, counted: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    loop {
        // Requests for lists have no body.
        let mut has_begun = false;
        loop {
            match lines.next() {
                Some(line) if line.as_ref().is_ok_and(|line| !line.is_empty()) => has_begun = true,
                Some(Ok(_)) if has_begun => break,
                _ => return Ok(()),
            }
        }
        match lie {
            Lie::Page(keys) => whole(&mut stream, &page(keys, None))?,
            Lie::Again => {
                let pages = counted.fetch_add(1, Ordering::Relaxed);
                let token = (pages < PAGES_MAX).then_some("again");
                whole(&mut stream, &page(&["p/sessions/a", "p/sessions/b"], token))?;
            }
            Lie::Length => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000\r\n\r\n")?;
                stream.write_all(page(&[], None).as_bytes())?;
            }
            Lie::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                let piece = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
                while counted.fetch_add(0x10000, Ordering::Relaxed) < BYTES_MAX {
                    stream.write_all(&piece)?;
                }
            }
        }
        if lie == Lie::Length {
            return Ok(());
        }
    }
}

fn serve(lie: Lie) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&counted);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            // A client that goes away has had enough.
            std::thread::spawn(move || drop(answer(stream, lie, &counter)));
        }
    });
    (address, counted)
}

/// The sessions that are found, and what the service has counted.
fn sessions(lie: Lie) -> (Result<Vec<SessionHead>, String>, usize) {
    let (address, counted) = serve(lie);
    let options = [
        ("aws_endpoint", format!("http://{address}")),
        ("aws_allow_http", "true".to_owned()),
        ("aws_access_key_id", "key".to_owned()),
        ("aws_secret_access_key", "secret".to_owned()),
        ("aws_region", "here".to_owned()),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value));
    let store = ObjectStore::open_with("s3://bucket/p", options).unwrap();
    let found = store.sessions().map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        text
    });
    (found, counted.load(Ordering::Relaxed))
}

#[test]
fn lists_that_a_service_makes_up_are_left() {
    let (refused, pages) = sessions(Lie::Again);
    let refused = refused.unwrap_err();
    assert!(refused.contains("begins again before its end"), "{refused}");
    assert!(pages < 10, "{pages} pages");

    let begun = Instant::now();
    let (refused, _) = sessions(Lie::Length);
    assert!(refused.is_err());
    assert!(begun.elapsed() < Duration::from_secs(60));

    let (refused, bytes) = sessions(Lie::Endless);
    let refused = refused.unwrap_err();
    assert!(refused.contains("length limit exceeded"), "{refused}");
    assert!(bytes < 128 << 20, "{bytes} bytes");
}

#[test]
fn objects_that_are_no_sessions_are_passed_over() {
    let long: &'static str = Box::leak(format!("p/sessions/{}", "x".repeat(100_000)).into());
    let keys: &'static [&'static str] = Box::leak(Box::new([
        "elsewhere/sessions/a",
        "p/sessions",
        "p/sessions/a/b",
        "p/sessions/..%2F..",
        "sessions/a",
        long,
    ]));
    let (found, _) = sessions(Lie::Page(keys));
    assert_eq!(found.unwrap().len(), 0);
    // The control: what could be one is asked for, and this service has no objects.
    let (found, _) = sessions(Lie::Page(&["p/sessions/a"]));
    assert!(found.unwrap_err().contains("sessions/a"));
}
