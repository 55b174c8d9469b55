//! Images that travel: nothing that a store gives is used before it was
//! compared, and nothing half is left.

mod code;

use crate::cache::{images, without_image};
use crate::small::{SECRET, open, small, spec};
use memex_runtime::{
    Cache, CodeSource, Error, Image, ImageStore, NoProgress, PullOptions, Pulled, PushOptions,
    Pushed, Runtime, Sandbox, SessionOptions, StoreError,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

type Digest = [u8; 32];
type Pieces = BTreeMap<Digest, Arc<Vec<u8>>>;

/// A store in memory, as honest as its contents.
#[derive(Default)]
pub(crate) struct Store {
    documents: Mutex<BTreeMap<String, Vec<u8>>>,
    pieces: Mutex<Pieces>,
    /// How many more pieces it gives before it fails.
    patience: Mutex<Option<usize>>,
    given: Mutex<usize>,
}

impl ImageStore for Store {
    fn place(&self) -> String {
        "memory://suite".into()
    }

    fn documents(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.documents.lock().unwrap().keys().cloned().collect())
    }

    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.documents.lock().unwrap().get(name).cloned())
    }

    fn put_document(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut documents = self.documents.lock().unwrap();
        documents.insert(name.into(), bytes.to_vec());
        Ok(())
    }

    fn present(&self, pieces: &[Digest]) -> Result<Vec<bool>, StoreError> {
        let there = self.pieces.lock().unwrap();
        Ok(pieces
            .iter()
            .map(|piece| there.contains_key(piece))
            .collect())
    }

    fn put_pieces(&self, pieces: Vec<(Digest, Vec<u8>)>) -> Result<u64, StoreError> {
        let stored = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let shared = pieces
            .into_iter()
            .map(|(name, bytes)| (name, Arc::new(bytes)));
        self.pieces.lock().unwrap().extend(shared);
        Ok(stored)
    }

    fn pieces(&self, pieces: &[Digest]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if let Some(left) = &mut *self.patience.lock().unwrap() {
            *left = left.checked_sub(pieces.len()).ok_or("the line went dead")?;
        }
        *self.given.lock().unwrap() += pieces.len();
        let there = self.pieces.lock().unwrap();
        let bytes = |piece| there.get(piece).map(|bytes: &Arc<Vec<u8>>| bytes.to_vec());
        Ok(pieces.iter().map(bytes).collect())
    }
}

impl Store {
    /// A store with the small image and its code, for which its secret vouches.
    pub(crate) fn with_image() -> (Self, Pushed) {
        static PUSHED: OnceLock<(BTreeMap<String, Vec<u8>>, Pieces, Pushed)> = OnceLock::new();
        let (documents, pieces, pushed) = PUSHED.get_or_init(|| {
            let store = Self::default();
            let options = PushOptions::default();
            let pushed = small().push(&store, &options, &mut NoProgress).unwrap();
            let mut documents = store.documents.into_inner().unwrap();
            // The cache may have code of other kinds too.
            let is_usual = |text: &[u8]| String::from_utf8_lossy(text).contains(", deadline, ");
            documents.retain(|name, text| !name.starts_with("code-") || is_usual(text));
            (documents, store.pieces.into_inner().unwrap(), pushed)
        });
        let store = Self {
            documents: Mutex::new(documents.clone()),
            pieces: Mutex::new(pieces.clone()),
            ..Self::default()
        };
        (store, pushed.clone())
    }

    /// Changes the document of a kind, and gives it the name that it has then.
    fn change(&self, kind: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut documents = self.documents.lock().unwrap();
        let old = documents.keys().find(|name| name.starts_with(kind));
        let old = old.unwrap().clone();
        let mut document: Value = serde_json::from_slice(&documents.remove(&old).unwrap()).unwrap();
        change(&mut document);
        let name = match document.get("description") {
            Some(Value::String(text)) => {
                format!("{kind}{}", blake3::hash(text.as_bytes()).to_hex())
            }
            _ => old,
        };
        documents.insert(name.clone(), serde_json::to_vec(&document).unwrap());
        name.trim_start_matches(kind).to_owned()
    }

    /// Changes what the image says of itself.
    fn redescribe(&self, change: impl FnOnce(&mut Value)) -> String {
        self.change("image-", |document| {
            let text = document["description"].as_str().unwrap();
            let mut description: Value = serde_json::from_str(text).unwrap();
            change(&mut description);
            let text = serde_json::to_string_pretty(&description).unwrap();
            document["description"] = text.into();
        })
    }

    /// Changes the bytes of one piece of a file.
    fn harm(&self, parcel: &Value, change: impl FnOnce(&mut Vec<u8>)) {
        let names = parcel["pieces"].as_array().unwrap();
        let name = names[names.len() / 2].as_str().unwrap();
        let digest = *blake3::Hash::from_hex(name).unwrap().as_bytes();
        let mut pieces = self.pieces.lock().unwrap();
        change(Arc::make_mut(pieces.get_mut(&digest).unwrap()));
    }

    fn document_of(&self, kind: &str) -> Value {
        let documents = self.documents.lock().unwrap();
        let (_, bytes) = documents
            .iter()
            .find(|(name, _)| name.starts_with(kind))
            .unwrap();
        serde_json::from_slice(bytes).unwrap()
    }
}

fn pull(store: &Store, cache: &Cache, options: &PullOptions) -> Result<Pulled, Error> {
    Image::pull(cache, &spec(SECRET), store, options, &mut NoProgress)
}

/// What went wrong, as it is told.
fn refusal(pulled: Result<Pulled, Error>) -> String {
    match pulled {
        Ok(_) => panic!("it was pulled"),
        Err(error) => error.to_string(),
    }
}

fn works(image: &Image) {
    let runtime = Runtime::new().unwrap();
    let sandbox = Sandbox::new(&runtime, image, Default::default(), &mut NoProgress).unwrap();
    let mut session = sandbox.session(SessionOptions::default()).unwrap();
    let outcome = session.run("x = 20\nx + 22").unwrap();
    assert_eq!(outcome.value.as_deref(), Some("42"));
}

#[test]
fn a_pulled_image_is_the_one_that_was_pushed() {
    let (store, pushed) = Store::with_image();
    let again = small()
        .push(&store, &PushOptions::default(), &mut NoProgress)
        .unwrap();
    assert_eq!((again.sent_bytes, again.bytes), (0, pushed.bytes));

    let copy = without_image();
    let cache = open(&copy);
    let pulled = pull(&store, &cache, &PullOptions::default()).unwrap();
    assert_eq!(pulled.image.name(), small().name());
    assert_eq!((pulled.was_there, pulled.code), (false, CodeSource::Cache));
    assert_eq!(images(&copy), [small().name()]);
    works(&pulled.image);
    let read = |image: &Image| std::fs::read(image.path().join("memory.img")).unwrap();
    assert!(read(&pulled.image) == read(&small()));
    let listed = cache.images().unwrap();
    assert_eq!(listed[0].pulled_from.as_deref(), Some("memory://suite"));
    assert!(listed[0].problem.is_none() && !listed[0].is_outdated);
    // By the beginning of its name, and once more for nothing.
    let options = PullOptions {
        name: Some(small().name()[..10].to_owned()),
        ..PullOptions::default()
    };
    let again = pull(&store, &cache, &options).unwrap();
    assert_eq!((again.was_there, again.fetched_bytes), (true, 0));
}

/// A specification without a secret takes an image that was pulled.
#[test]
fn who_has_no_secret_starts_from_what_was_pulled() {
    let (store, _) = Store::with_image();
    let copy = without_image();
    let cache = open(&copy);
    let asked = memex_runtime::ImageSpec {
        secret: None,
        ..spec(SECRET)
    };
    std::fs::remove_file(copy.path().join("secret")).unwrap();
    Image::pull(
        &cache,
        &asked,
        &store,
        &PullOptions::default(),
        &mut NoProgress,
    )
    .unwrap();
    let image = Image::load(&cache, &asked, &Default::default(), &mut NoProgress).unwrap();
    assert_eq!(image.name(), small().name());
    assert!(!copy.path().join("secret").exists(), "nothing was built");
}

#[test]
fn the_guest_comes_along() {
    let (store, _) = Store::with_image();
    let copy = without_image();
    let guests = copy.path().join("guests");
    std::fs::remove_dir_all(&guests).unwrap();
    let cache = open(&copy);
    let pulled = pull(&store, &cache, &PullOptions::default()).unwrap();
    works(&pulled.image);
    pulled.image.verify(&mut NoProgress).unwrap();
}

type Harm = fn(&Store);

/// Everything that a store can get wrong, and what is said of it.
const HARMS: &[(&str, Harm, &str)] = &[
    (
        "a flipped bit of the memory",
        |store| {
            let parcel = store.document_of("image-")["memory"].clone();
            store.harm(&parcel, |bytes| bytes[1000] ^= 1);
        },
        "a piece of it is another one",
    ),
    (
        "a piece that is cut",
        |store| {
            let parcel = store.document_of("image-")["memory"].clone();
            store.harm(&parcel, |bytes| bytes.truncate(1000));
        },
        "a piece of it is another one",
    ),
    (
        "a piece that is gone",
        |store| {
            let parcel = store.document_of("image-")["memory"].clone();
            let names = parcel["pieces"].as_array().unwrap();
            let name = names[names.len() - 1].as_str().unwrap();
            let digest = *blake3::Hash::from_hex(name).unwrap().as_bytes();
            store.pieces.lock().unwrap().remove(&digest);
        },
        "is missing",
    ),
    (
        "pieces in another order",
        |store| {
            store.change("image-", |document| {
                let pieces = document["memory"]["pieces"].as_array_mut().unwrap();
                let (first, last) = (0, pieces.len() - 2);
                assert_ne!(pieces[first], pieces[last]);
                pieces.swap(first, last);
            });
        },
        "its memory is another one",
    ),
    (
        "fewer pieces than bytes",
        |store| {
            store.change("image-", |document| {
                document["memory"]["pieces"].as_array_mut().unwrap().pop();
            });
        },
        "not as many pieces as its size needs",
    ),
    (
        "a description that is not that of its name",
        |store| {
            let mut documents = store.documents.lock().unwrap();
            let bytes = documents.values_mut().last().unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replace("stack_pointer", "stack_painter").into_bytes();
        },
        "its digest is not its name",
    ),
    (
        "a document that is cut",
        |store| {
            let mut documents = store.documents.lock().unwrap();
            let bytes = documents.values_mut().last().unwrap();
            bytes.truncate(bytes.len() / 2);
        },
        "is damaged",
    ),
    (
        "another format of documents",
        |store| {
            store.change("image-", |document| document["format"] = 2.into());
        },
        "it was pushed in format 2, and this memex reads 1",
    ),
    (
        "another format of descriptions",
        |store| {
            store.redescribe(|description| description["format"] = 7.into());
        },
        "it was pushed in format 7, and this memex reads 1",
    ),
    (
        "another version of memex",
        |store| {
            store.redescribe(|description| description["memex"] = "99.0.0".into());
        },
        "memex 99.0.0 built it",
    ),
    (
        "another guest",
        |store| {
            store.redescribe(|description| description["manifest"] = "0".repeat(64).into());
        },
        "it has another guest",
    ),
    (
        "other inputs than it says",
        |store| {
            store.redescribe(|description| description["boot_unix_s"] = 1.into());
        },
        "another build",
    ),
    (
        "an address outside of the memory",
        |store| {
            store.redescribe(|description| {
                description["map"]["interrupt"]["exception"] = 0xffff_fff0_u32.into();
            });
        },
        "it names addresses outside of itself",
    ),
    (
        "an address that is another one",
        |store| {
            store.redescribe(|description| {
                let events = description["map"]["interrupt"]["events"].as_u64().unwrap();
                description["map"]["interrupt"]["events"] = (events + 400).into();
            });
        },
        "failed its self-test",
    ),
    (
        "a wheel that is written elsewhere",
        |store| {
            store.redescribe(|description| {
                let wheel = serde_json::json!({
                    "name": "a", "version": "1", "file": "../../../a.whl",
                    "sha256": "0".repeat(64),
                });
                description["wheels"] = serde_json::json!([wheel]);
            });
        },
        "it names files that are no wheels",
    ),
    (
        "a memory without an end",
        |store| {
            store.redescribe(|description| {
                description["memory"]["bytes"] = (1_u64 << 60).into();
            });
        },
        "impossible size",
    ),
];

#[test]
fn what_is_damaged_or_another_is_refused_and_leaves_nothing() {
    let copy = without_image();
    let cache = open(&copy);
    for (harm, change, expected) in HARMS {
        let (store, _) = Store::with_image();
        change(&store);
        let names = store.documents().unwrap();
        let name = names.iter().find_map(|name| name.strip_prefix("image-"));
        let options = PullOptions {
            name: name.map(str::to_owned),
            ..PullOptions::default()
        };
        let told = refusal(pull(&store, &cache, &options));
        assert!(told.contains(expected), "{harm}: {told}");
        let listed = cache.images().unwrap();
        assert!(listed.is_empty(), "{harm}: {listed:?}");
    }
    let (store, _) = Store::with_image();
    let pulled = pull(&store, &cache, &PullOptions::default()).unwrap();
    works(&pulled.image);
}

#[test]
fn a_pull_that_was_stopped_goes_on_where_it_stopped() {
    let copy = without_image();
    let cache = open(&copy);
    let (store, _) = Store::with_image();
    *store.patience.lock().unwrap() = Some(40);
    let told = refusal(pull(&store, &cache, &PullOptions::default()));
    assert!(
        told.contains("cannot pull images in memory://suite") && told.contains("went dead"),
        "{told}"
    );
    assert!(cache.images().unwrap().is_empty());
    let first = *store.given.lock().unwrap();
    assert!(first > 0);
    *store.patience.lock().unwrap() = None;
    let pulled = pull(&store, &cache, &PullOptions::default()).unwrap();
    works(&pulled.image);
    let total = store.document_of("image-")["memory"]["pieces"]
        .as_array()
        .unwrap()
        .len();
    let given = *store.given.lock().unwrap();
    // Pieces of zeros are there before they are fetched.
    assert!(given <= total, "{given} pieces of {total} were given");
    assert!(pulled.fetched_bytes < total as u64 * (1 << 20));
    assert_eq!(images(&copy), [small().name()], "nothing is left aside");
}

#[test]
fn a_push_that_was_stopped_shows_nothing() {
    struct Full(Store);
    impl ImageStore for Full {
        fn place(&self) -> String {
            self.0.place()
        }
        fn documents(&self) -> Result<Vec<String>, StoreError> {
            self.0.documents()
        }
        fn document(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.document(name)
        }
        fn put_document(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
            self.0.put_document(name, bytes)
        }
        fn present(&self, pieces: &[Digest]) -> Result<Vec<bool>, StoreError> {
            self.0.present(pieces)
        }
        fn put_pieces(&self, pieces: Vec<(Digest, Vec<u8>)>) -> Result<u64, StoreError> {
            if self.0.pieces.lock().unwrap().len() > 30 {
                return Err("no room".into());
            }
            self.0.put_pieces(pieces)
        }
        fn pieces(&self, pieces: &[Digest]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
            self.0.pieces(pieces)
        }
    }
    let full = Full(Store::default());
    let pushed = small().push(&full, &PushOptions::default(), &mut NoProgress);
    let told = pushed.unwrap_err().to_string();
    assert!(told.contains("no room"), "{told}");
    let sent = full.0.pieces.lock().unwrap().len() as u64;
    assert!(sent > 30);
    let cache = open(&without_image());
    let told = refusal(pull(&full.0, &cache, &PullOptions::default()));
    assert!(told.contains("it holds none at all"), "{told}");
    let pushed = small()
        .push(&full.0, &PushOptions::default(), &mut NoProgress)
        .unwrap();
    assert!(pushed.sent_bytes <= pushed.bytes - (sent - 1) * (1 << 20));
}
