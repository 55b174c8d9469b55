//! Progress of a call, for clients that gave a token.

use std::time::{Duration, Instant};

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use tokio::sync::mpsc;

/// Pieces of output that are queued for a slow client; further ones are dropped.
pub(super) const PIECES_MAX: usize = 64;
/// At least this long between two notices, of which each has the output since the last one.
const PAUSE: Duration = Duration::from_millis(250);
/// A turn that says nothing is reported so often.
const SILENCE: Duration = Duration::from_secs(5);
/// The end of the output that a notice shows.
const SHOWN_BYTES: usize = 2 << 10;

/// Reports what a turn prints, and that it still runs, until its sender is gone.
pub(super) async fn tell(
    peer: Peer<RoleServer>,
    token: ProgressToken,
    mut pieces: mpsc::Receiver<String>,
) {
    let begun = Instant::now();
    loop {
        let message = match tokio::time::timeout(SILENCE, pieces.recv()).await {
            Ok(None) => return,
            Ok(Some(first)) => {
                let mut text = first;
                let pause = tokio::time::sleep(PAUSE);
                tokio::pin!(pause);
                loop {
                    tokio::select! {
                        () = &mut pause => break,
                        piece = pieces.recv() => match piece {
                            Some(piece) => keep(&mut text, &piece),
                            // The result has all of it, and comes now.
                            None => return,
                        },
                    }
                }
                text
            }
            Err(_) => format!("running for {} s", begun.elapsed().as_secs()),
        };
        let progress = begun.elapsed().as_secs_f64();
        let notice = ProgressNotificationParam::new(token.clone(), progress).with_message(message);
        if peer.notify_progress(notice).await.is_err() {
            return;
        }
    }
}

/// Adds a piece, and keeps the end.
fn keep(text: &mut String, piece: &str) {
    text.push_str(piece);
    if text.len() > SHOWN_BYTES {
        let from = text.ceil_char_boundary(text.len() - SHOWN_BYTES);
        text.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN_BYTES, keep};

    #[test]
    fn a_notice_has_the_end_of_the_output() {
        let mut text = String::new();
        for number in 0..5_000 {
            keep(&mut text, &format!("é{number}\n"));
        }
        assert!(text.len() <= SHOWN_BYTES && text.ends_with("é4999\n"));
    }
}
