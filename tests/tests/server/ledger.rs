//! The ledger of a data directory: what is in it when files go, and when it was not there yet.

use crate::world::{World, states};
use memex_journal::{Journal, Options};
use memex_snapshots::{DirectoryStore, RecordDraft, Saved, SnapshotStore};
use serde_json::json;
use std::path::Path;

/// The files of the server go while it runs: nothing is acknowledged that nothing keeps.
#[test]
fn a_server_whose_files_vanish_acknowledges_nothing() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({}));
    client.value(&sandbox, "x = 1");
    std::fs::remove_dir_all(world.folder.path().join("ledger")).unwrap();
    let turn = client.post(&format!("{sandbox}/turns"), json!({ "code": "x = 2" }));
    turn.problem(503, "store-unavailable");
    client
        .post("/v1/sandboxes", json!({}))
        .problem(503, "store-unavailable");
    client.delete(&sandbox).problem(503, "store-unavailable");
    // It goes on answering what needs no disk.
    assert_eq!(client.get(&sandbox).expect(200).json()["state"], "asleep");
    assert_eq!(client.get("/healthz").status, 200);
}

/// What a data directory of before the ledger holds: a file for each record, state and name.
#[test]
fn a_data_directory_of_earlier_files_is_taken_over() {
    let world = World::new();
    let mut client = world.client("a");
    let sandbox = client.sandbox(json!({ "metadata": { "k": "v" } }));
    client.value(&sandbox, "x = b'x' * 300_000");
    client.value(&sandbox, "y = 2");
    let gone = client.sandbox(json!({}));
    client.value(&gone, "1");
    let key = client.key.clone();
    drop(client);
    let folder = world.stopped();
    as_files(folder.path());
    let world = World::on(folder, |_| {});
    let mut client = world.client_with(&key);
    assert_eq!(client.get(&sandbox).json()["metadata"]["k"], "v");
    assert_eq!(client.value(&sandbox, "len(x), y"), "(300000, 2)");
    let back = json!({ "turn": 1 });
    client.post(&format!("{sandbox}/rewind"), back).expect(200);
    assert_eq!(client.value(&sandbox, "'y' in globals()"), "False");
    client.delete(&gone).expect(204);
    drop(client);
    let folder = world.stopped();
    let left = std::fs::read_dir(folder.path().join("tenants/a/sandboxes")).unwrap();
    assert_eq!(left.count(), 0, "the records are in the ledger");
    let names = std::fs::read_dir(folder.path().join("store/sessions")).unwrap();
    assert_eq!(names.count(), 0, "the names are in the ledger, or gone");
}

/// Writes a data directory as programs did that had no ledger.
fn as_files(data: &Path) {
    let journaled = states(data);
    let earlier = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(earlier.path()).unwrap();
    for head in journaled.sessions().unwrap() {
        let mut trail = journaled.trail(&head.snapshot).unwrap();
        trail.reverse();
        for record in trail {
            let (_, bytes) = journaled.get(&record.id).unwrap();
            let chunks = record.chunk_ids.iter();
            let chunks = chunks.map(|id| (*id, journaled.chunk(id).unwrap().into()));
            let saved = Saved {
                head: bytes,
                chunks: chunks.collect(),
                chunk_ids: record.chunk_ids.clone(),
            };
            let draft = RecordDraft {
                parent: record.parent,
                status: record.status.clone(),
                ..RecordDraft::new(&record.image, record.turn)
            };
            store.put(&saved, &draft).unwrap();
        }
        store.set_session(&head.name, None, head.snapshot).unwrap();
    }
    drop(journaled);
    let journal = Journal::open(&data.join("ledger"), Options::default()).unwrap();
    let records = journal.keys(b"r/a/");
    assert_eq!(records.len(), 2);
    for (key, _) in records {
        let id = std::str::from_utf8(&key[4..]).unwrap();
        let path = data.join(format!("tenants/a/sandboxes/{id}.json"));
        std::fs::write(path, journal.get(&key).unwrap().unwrap()).unwrap();
    }
    drop(journal);
    std::fs::remove_dir_all(data.join("ledger")).unwrap();
    std::fs::remove_dir_all(data.join("store")).unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([earlier.path(), &data.join("store")])
        .status();
    assert!(copied.unwrap().success());
}
