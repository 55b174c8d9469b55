//! `memex image push` and `pull`, and sessions that name their image.

use crate::cache::{images, without_image};
use crate::memex::{Ran, memex};
use crate::small::{open, small};
use memex_runtime::{Image, NoProgress};
use std::path::Path;

fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.status, 0, "{ran:#?}");
    ran
}

#[test]
fn an_image_is_pushed_and_pulled_by_url() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let name = small().name().to_owned();
    let pushed = ok(memex(&["image", "push", &url, &name[..16], "--json"]));
    let [pushed] = &pushed.objects()[..] else {
        panic!("{pushed:#?}");
    };
    assert_eq!(pushed["name"], name.as_str());
    assert!(pushed["sent_bytes"].as_u64() > pushed["stored_bytes"].as_u64());
    assert_eq!(pushed["code"][0]["vouched"], false, "{pushed}");
    let again = ok(memex(&["image", "push", &url, &name, "--json"])).objects();
    assert_eq!(again[0]["sent_bytes"], 0, "{again:?}");

    let copy = without_image();
    let pulled = ok(copy.run(&["image", "pull", &url, &name[..16], "--json"]));
    let [pulled] = &pulled.objects()[..] else {
        panic!("{pulled:#?}");
    };
    assert_eq!(pulled["name"], name.as_str());
    assert_eq!(
        (&pulled["was_there"], &pulled["code"]),
        (&false.into(), &"cache".into())
    );
    assert_eq!(images(&copy), [name.as_str()]);
    let list = ok(copy.run(&["image", "list"]));
    assert!(
        list.stdout.starts_with(&name[..32]) && list.stdout.contains("(pulled from "),
        "{list:#?}"
    );
    let ran = ok(copy.run(&["run", "--image", &name[..16], "-c", "print(6 * 7)"]));
    assert_eq!(ran.stdout, "42\n");
    ok(copy.run(&["image", "verify", &name[..16]]));
}

#[test]
fn what_a_store_has_not_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    for (arguments, status, expected) in [
        (&["image", "pull", &url][..], 2, "it holds none at all"),
        (&["image", "pull", &url, "abcdef"], 2, "no image in"),
        (&["image", "pull", "ftp://host/x"], 2, "names no store"),
        (
            &["image", "pull", "s3://user:word@bucket/x"],
            2,
            "credentials",
        ),
        (&["image", "push", &url, "ffffffffffff"], 2, "no image in"),
        (
            &["image", "push", &url, "--package", "nosuch==1.0"],
            2,
            "nosuch",
        ),
    ] {
        let ran = memex(arguments);
        assert_eq!(ran.status, status, "{arguments:?}: {ran:#?}");
        assert!(
            ran.stderr.contains(expected) && ran.stderr.contains("hint:"),
            "{arguments:?}: {ran:#?}"
        );
        assert!(!ran.stderr.contains("word"), "{ran:#?}");
    }
    // One that is not for the standard image is named with what it has else.
    let name = small().name().to_owned();
    ok(memex(&["image", "push", &url, &name, "--no-code"]));
    let ran = memex(&["image", "pull", &url]);
    assert!(
        ran.status == 2 && ran.stderr.contains(&name[..16]) && ran.stderr.contains("other modules"),
        "{ran:#?}"
    );
}

/// Several images side by side, and each session on its own.
#[test]
fn a_saved_session_goes_on_with_the_image_that_it_names() {
    let store = tempfile::tempdir().unwrap();
    let store = store.path().to_str().unwrap();
    let name = small().name().to_owned();
    let copy = crate::cache::Copy::new();
    let run = |arguments: &[&str]| {
        copy.run(&[&["run", "--store", store, "--session", "study"], arguments].concat())
    };
    ok(run(&["--image", &name, "-c", "x = 41"]));
    let ran = ok(run(&[
        "-c",
        "import sys; print(x + 1, 'pandas' in sys.modules)",
    ]));
    assert_eq!(ran.stdout, "42 False\n", "the standard image has pandas");
    let ran = ok(copy.run(&["session", "show", "study", "--store", store]));
    assert!(ran.stdout.contains("x: int"), "{ran:#?}");

    // Where it is missing, it is told which one, and comes by a pull.
    let remote = tempfile::tempdir().unwrap();
    let url = format!("file://{}", remote.path().display());
    ok(copy.run(&["image", "push", &url, &name]));
    std::fs::remove_dir_all(copy.path().join("images").join(&name)).unwrap();
    let ran = run(&["-c", "x"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr
            .contains(&format!("was saved on the image {name}"))
            && ran.stderr.contains(&format!("memex image pull URL {name}")),
        "{ran:#?}"
    );
    ok(copy.run(&["image", "pull", &url, &name]));
    assert_eq!(ok(run(&["-c", "print(x + 1)"])).stdout, "42\n");
}

/// An image that was pulled cannot be made again, and stays.
#[test]
fn a_new_secret_makes_another_image_and_leaves_what_was_pulled() {
    let copy = without_image();
    let remote = tempfile::tempdir().unwrap();
    let url = format!("file://{}", remote.path().display());
    let standard = ok(memex(&["image", "path"])).stdout;
    let name = Path::new(standard.trim()).file_name().unwrap();
    let name = name.to_str().unwrap();
    ok(memex(&["image", "push", &url, "--no-code"]));
    std::fs::remove_file(copy.path().join("secret")).unwrap();
    ok(copy.run(&["image", "pull", &url]));
    assert_eq!(images(&copy), [name]);
    // Without a secret of its own, the cache starts from it.
    let path = ok(copy.run(&["image", "path"])).stdout;
    assert!(path.trim().ends_with(name), "{path}");
    ok(copy.run(&["image", "build", "--new-secret"]));
    let both = images(&copy);
    assert!(
        both.len() == 2 && both.iter().any(|own| own == name),
        "{both:?}"
    );
    let path = ok(copy.run(&["image", "path"])).stdout;
    assert!(!path.trim().ends_with(name), "now the cache's own: {path}");
}

/// What was pulled halfway by a process that is gone is harmless.
#[test]
fn what_a_killed_pull_left_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let image = small();
    ok(memex(&["image", "push", &url, image.name(), "--no-code"]));
    let copy = without_image();
    // As a kill leaves it: some of the memory, with a hole and wrong bytes in it.
    let cache = open(&copy);
    ok(copy.run(&["image", "pull", &url, image.name()]));
    let kept = copy.path().join("images").join(image.name());
    let locks = std::fs::read_dir(copy.path().join("locks")).unwrap();
    let key = locks
        .filter_map(|item| item.unwrap().file_name().into_string().ok())
        .find_map(|lock| Some(lock.strip_prefix("images-")?.to_owned()).filter(|k| k.len() == 32))
        .unwrap();
    let aside = copy
        .path()
        .join("images")
        .join(format!("{key}.tmp-pull-{}", &image.name()[..16]));
    std::fs::rename(&kept, &aside).unwrap();
    let memory = aside.join("memory.img");
    let mut bytes = std::fs::read(&memory).unwrap();
    let half = bytes.len() / 2 + 777;
    bytes.truncate(half);
    bytes[5_000_000] ^= 0xff;
    std::fs::write(&memory, bytes).unwrap();

    assert!(cache.images().unwrap().is_empty(), "no image is listed");
    let told = copy.run(&["image", "prune", "--dry-run"]);
    assert!(
        told.stdout.contains("left by a build or a pull"),
        "{told:#?}"
    );
    let pulled = ok(copy.run(&["image", "pull", &url, image.name(), "--json"])).objects();
    let fetched = pulled[0]["fetched_bytes"].as_u64().unwrap();
    let whole = std::fs::metadata(image.path().join("memory.img"))
        .unwrap()
        .len();
    assert!(
        fetched > 0 && fetched < whole * 3 / 4,
        "{fetched} of {whole}"
    );
    assert_eq!(images(&copy), [image.name()]);
    let found = Image::open(&cache, image.name(), &Default::default(), &mut NoProgress).unwrap();
    found.verify(&mut NoProgress).unwrap();
}
