//! Services that fail, and machines that share one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::stream::BoxStream;
use memex_snapshots::{Error, ObjectStore, Saved, SnapshotStore};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore as Service, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::common::{chain, draft, is_whole, keep, later, state};

/// A service with something going on besides.
struct Eventful {
    inner: Arc<InMemory>,
    /// Called before each write, with its path.
    before_write: Box<dyn Fn(&Path) + Send + Sync>,
    /// Whether the answer to this conditional write is lost, so that a retry
    /// finds that somebody else, namely itself, was faster.
    forgets: fn(u32) -> bool,
    conditional_writes: AtomicU32,
}

impl fmt::Debug for Eventful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eventful")
    }
}

impl fmt::Display for Eventful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("eventful")
    }
}

#[async_trait::async_trait]
impl Service for Eventful {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        (self.before_write)(path);
        let conditional = !matches!(options.mode, object_store::PutMode::Overwrite);
        let result = self.inner.put_opts(path, payload, options).await;
        if conditional
            && result.is_ok()
            && (self.forgets)(self.conditional_writes.fetch_add(1, Ordering::Relaxed))
        {
            return Err(object_store::Error::Precondition {
                path: path.to_string(),
                source: "it changed".into(),
            });
        }
        result
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[test]
fn a_lost_answer_is_no_conflict() {
    let service = Arc::new(Eventful {
        inner: Arc::new(InMemory::new()),
        before_write: Box::new(|_| {}),
        forgets: |write| write % 3 == 2,
        conditional_writes: AtomicU32::new(0),
    });
    let store = ObjectStore::over(service.clone(), "some/prefix").unwrap();
    let records = chain(&store, "a", 20);
    let mut at = None;
    for record in &records {
        let lock = store.lock_session("work").unwrap();
        store.set_session("work", at, record.id).unwrap();
        at = Some(record.id);
        drop(lock);
    }
    assert!(service.conditional_writes.load(Ordering::Relaxed) > 20);
    assert_eq!(store.trail(&records[19].id).unwrap().len(), 20);
}

/// Two stores over one service; before the first writes an object whose path
/// ends with `suffix`, the second collects everything that has no name.
fn collected_before(suffix: &'static str) -> (ObjectStore, ObjectStore, Arc<AtomicBool>) {
    let inner = Arc::new(InMemory::new());
    let armed = Arc::new(AtomicBool::new(false));
    let collector = ObjectStore::over(inner.clone(), "").unwrap();
    let going = Arc::clone(&armed);
    let service = Eventful {
        inner: inner.clone(),
        before_write: Box::new(move |path| {
            if path.as_ref().ends_with(suffix) && going.swap(false, Ordering::AcqRel) {
                collector.gc(&keep(None, None), later()).unwrap();
            }
        }),
        forgets: |_| false,
        conditional_writes: AtomicU32::new(0),
    };
    let writer = ObjectStore::over(Arc::new(service), "").unwrap();
    (writer, ObjectStore::over(inner, "").unwrap(), armed)
}

#[test]
fn a_collection_during_a_save_is_made_good() {
    let (writer, other, armed) = collected_before(".snapshot");
    let dropped = writer.put(&state("a", 1), &draft(1, None)).unwrap();
    armed.store(true, Ordering::Release);
    // The chunks were there when looked for, and go before the snapshot comes.
    let saved = Saved {
        head: b"the same chunks again".to_vec(),
        ..state("a", 1)
    };
    let record = writer.put(&saved, &draft(2, None)).unwrap();
    assert!(
        !armed.load(Ordering::Acquire),
        "nothing was collected meanwhile"
    );
    assert!(other.get(&dropped.id).is_err());
    assert!(is_whole(&other, &record.id));
}

#[test]
fn a_collection_during_a_move_is_noticed() {
    for before in [false, true] {
        let (writer, other, armed) = collected_before("sessions/work");
        let named = writer.put(&state("named", 1), &draft(1, None)).unwrap();
        if before {
            writer.set_session("work", None, named.id).unwrap();
        }
        let record = writer.put(&state("a", 1), &draft(1, None)).unwrap();
        armed.store(true, Ordering::Release);
        let expected = before.then_some(named.id);
        let error = writer.set_session("work", expected, record.id).unwrap_err();
        assert!(
            matches!(error, Error::NoSnapshot { id } if id == record.id),
            "{error}"
        );
        let stands = other.session("work").unwrap().map(|head| head.snapshot);
        assert_eq!(stands, expected);
        assert_eq!(is_whole(&other, &named.id), before);
    }
}

#[test]
fn machines_share_a_bucket_under_a_prefix() {
    let service: Arc<dyn Service> = Arc::new(InMemory::new());
    let over = |prefix| ObjectStore::over(Arc::clone(&service), prefix).unwrap();
    let (one, two, elsewhere) = (over("team/a"), over("team/a"), over("team/b"));
    let records = chain(&one, "a", 2);
    one.set_session("work", None, records[0].id).unwrap();
    assert!(is_whole(&two, &records[1].id));
    assert!(elsewhere.get(&records[1].id).is_err());
    assert_eq!(elsewhere.sessions().unwrap(), []);

    two.set_session("work", Some(records[0].id), records[1].id)
        .unwrap();
    let error = one
        .set_session("work", Some(records[0].id), records[1].id)
        .unwrap_err();
    assert!(matches!(error, Error::Conflict { found: Some(found), .. } if found == records[1].id));

    let lock = one.lock_session("work").unwrap();
    let error = two.lock_session("work").unwrap_err();
    let text = error.to_string();
    let pid = std::process::id();
    assert!(
        text.starts_with(&format!(
            "session work is in use by another process (pid {pid} on "
        )),
        "{text}"
    );
    drop(elsewhere.lock_session("work").unwrap());
    drop(lock);
    drop(two.lock_session("work").unwrap());
}

#[test]
fn asynchronous_callers_are_no_trouble() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = ObjectStore::open("memory://").unwrap();
        let record = store.put(&state("a", 1), &draft(1, None)).unwrap();
        assert!(is_whole(&store, &record.id));
    });
}

#[test]
fn a_store_works_on_the_runtime_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driving = std::thread::spawn(move || {
        let _ended = runtime.block_on(stopped);
    });
    let store = ObjectStore::open_on(&url, [], &handle).unwrap();
    let record = store.put(&state("a", 1), &draft(1, None)).unwrap();
    assert!(is_whole(&store, &record.id));
    // It has no thread besides: when the runtime ends, requests are refused.
    drop(stop);
    driving.join().unwrap();
    assert!(matches!(
        store.put(&state("b", 1), &draft(1, None)),
        Err(Error::Busy { .. })
    ));
}
