use crate::{conformance, servers, settings};
use memex_placement::{Error, InBucket, Placement};
use memex_snapshots::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore as Service, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};
use std::fmt;
use std::sync::Arc;

async fn opened(store: &ObjectStore, settings: memex_placement::Settings) -> Arc<dyn Placement> {
    Arc::new(InBucket::open(store.registers(), settings).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_memory_is_a_placement() {
    let store = ObjectStore::open("memory:///").unwrap();
    let settings = settings();
    let first = opened(&store, settings.clone()).await;
    conformance::all(&[first, opened(&store, settings).await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_a_placement() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}/store", directory.path().display());
    let settings = settings();
    let stores = [
        ObjectStore::open(&url).unwrap(),
        ObjectStore::open(&url).unwrap(),
    ];
    let first = opened(&stores[0], settings.clone()).await;
    conformance::all(&[first, opened(&stores[1], settings).await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_a_service_is_a_placement() {
    let server = servers::s3();
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let options = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    made_bucket(server.port);
    let settings = settings();
    let mut connections = Vec::new();
    let mut stores = Vec::new();
    for _ in 0..2 {
        let store = ObjectStore::open_with("s3://placement/p", options.clone()).unwrap();
        connections.push(opened(&store, settings.clone()).await);
        stores.push(store);
    }
    conformance::all(&connections).await;
}

/// The stand-in for a service lets anybody make a bucket.
fn made_bucket(port: u16) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = "PUT /placement HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
}

/// A service that says yes to every write, as some do.
#[derive(Debug)]
struct Careless(InMemory);

impl fmt::Display for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("careless")
    }
}

#[async_trait::async_trait]
impl Service for Careless {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        options.mode = PutMode::Overwrite;
        self.0.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: futures_util::stream::BoxStream<'static, Result<Path>>,
    ) -> futures_util::stream::BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(
        &self,
        prefix: Option<&Path>,
    ) -> futures_util::stream::BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

/// Two nodes would own every session: refused before the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_conditional_writes_is_refused() {
    let store = ObjectStore::over(Arc::new(Careless(InMemory::new())), "p").unwrap();
    let refused = InBucket::open(store.registers(), settings()).await;
    let error = refused.err().expect("it is refused");
    assert!(matches!(error, Error::Unfit { .. }), "{error}");
    assert!(error.to_string().contains("conditional writes"), "{error}");
}
