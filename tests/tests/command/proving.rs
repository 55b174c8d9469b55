//! No image has its name before it has passed its self-test, whatever ends the process that
//! builds or pulls it.

use crate::cache::{Copy, images, without_image};
use crate::small::{SECRET, open, small, spec};
use crate::travel::Store;
use memex_runtime::{
    Cache, Error, Image, ImagePlaces, ImageSpec, Metering, NoProgress, Progress, PullOptions, Stage,
};
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Calls a function when the self-test begins.
struct AtSelfTest<F>(F);

impl<F: FnMut()> Progress for AtSelfTest<F> {
    fn begin(&mut self, stage: Stage, _: Option<u64>) {
        if stage == Stage::SelfTest {
            self.0();
        }
    }
    fn advance(&mut self, _: u64) {}
}

/// Sends the stages as they begin.
struct Stages(Sender<Stage>);

impl Progress for Stages {
    fn begin(&mut self, stage: Stage, _: Option<u64>) {
        // The receiver may be gone.
        let _ = self.0.send(stage);
    }
    fn advance(&mut self, _: u64) {}
}

/// Whether an image is found by its name, by its inputs and in the list. All ways agree.
fn is_found(cache: &Cache, name: &str) -> bool {
    let by_name = match Image::open(cache, name, &Default::default(), &mut NoProgress) {
        Ok(_) => true,
        Err(Error::NoImage { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    let places = ImagePlaces::of(cache, &spec(SECRET), Metering::Deadline).unwrap();
    let listed = cache.images().unwrap();
    assert_eq!(by_name, places.name.as_deref() == Some(name));
    assert_eq!(by_name, listed.iter().any(|image| image.name == name));
    by_name
}

fn is_aside(copy: &Copy) -> bool {
    matches!(&images(copy)[..], [one] if one.contains(".tmp-"))
}

#[test]
fn an_image_is_found_only_after_its_self_test() {
    let name = small().name().to_owned();
    let copy = without_image();
    let cache = open(&copy);
    let (stages, begun) = channel();
    let mut others = Vec::new();
    let mut progress = AtSelfTest(|| {
        assert!(!is_found(&cache, &name));
        assert!(is_aside(&copy), "{:?}", images(&copy));
        let ran = copy.run(&["run", "--image", &name, "-c", "print('ran')"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:#?}");
        // Another build of the same waits for this one to be proven.
        let (cache, stages) = (cache.clone(), stages.clone());
        others.push(thread::spawn(move || {
            let mut progress = Stages(stages);
            let image = Image::load(&cache, &spec(SECRET), &Default::default(), &mut progress);
            image.unwrap().name().to_owned()
        }));
        assert_eq!(begun.recv_timeout(PATIENCE), Ok(Stage::Wait));
    });
    let image = Image::load(&cache, &spec(SECRET), &Default::default(), &mut progress).unwrap();
    assert_eq!(image.name(), name);
    assert_eq!(others.len(), 1, "there was one self-test");
    for other in others {
        assert_eq!(other.join().unwrap(), name);
    }
    let more: Vec<Stage> = begun.try_iter().collect();
    assert!(more.is_empty(), "it took what it had waited for: {more:?}");
    assert!(is_found(&cache, &name));
    assert_eq!(images(&copy), [name.as_str()]);
    let ran = copy.run(&["run", "--image", &name, "-c", "print('ran')"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "ran\n"), "{ran:#?}");
}

#[test]
fn a_pulled_image_is_found_only_after_its_self_test() {
    let name = small().name().to_owned();
    let (store, _) = Store::with_image();
    let copy = without_image();
    let cache = open(&copy);
    let pull = |progress: &mut dyn Progress| {
        let options = PullOptions::default();
        Image::pull(&cache, &spec(SECRET), &store, &options, progress)
    };
    let mut has_looked = false;
    let mut progress = AtSelfTest(|| {
        assert!(!is_found(&cache, &name));
        has_looked = true;
        panic!("this test stops here");
    });
    assert!(catch_unwind(AssertUnwindSafe(|| pull(&mut progress))).is_err());
    assert!(has_looked);
    assert!(!is_found(&cache, &name));
    assert!(is_aside(&copy), "{:?}", images(&copy));
    // The next pull has all it needs, and proves it.
    let mut tests = 0;
    let pulled = pull(&mut AtSelfTest(|| tests += 1)).unwrap();
    assert_eq!((pulled.was_there, pulled.fetched_bytes), (false, 0));
    assert_eq!(tests, 1);
    assert!(is_found(&cache, &name));
    assert_eq!(images(&copy), [name.as_str()]);
}

/// The cache of the process that is killed.
const CACHE: &str = "MEMEX_TEST_PROVING_CACHE";
const TESTING: &str = "the self-test begins";

#[test]
fn a_build_that_is_killed_in_its_self_test_leaves_no_image() {
    let small = small();
    let copy = without_image();
    let cache = open(&copy);
    let mut build = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "proving::a_build_that_stops_in_its_self_test"])
        .args(["--ignored", "--nocapture"])
        .env(CACHE, copy.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(build.stdout.take().unwrap()).lines();
    let has_begun = lines.any(|line| line.is_ok_and(|line| line == TESTING));
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(has_begun, "the image was never made");
    // The whole image is there, and has no name.
    let [left] = &images(&copy)[..] else {
        panic!("{:?}", images(&copy));
    };
    let bytes = |directory: &std::path::Path| {
        let memory = std::fs::metadata(directory.join("memory.img"));
        memory.unwrap().len()
    };
    let left = copy.path().join("images").join(left);
    assert_eq!(bytes(&left), bytes(small.path()));
    assert!(!is_found(&cache, small.name()));

    let mut tests = 0;
    let mut progress = AtSelfTest(|| tests += 1);
    Image::load(&cache, &spec(SECRET), &Default::default(), &mut progress).unwrap();
    assert_eq!(tests, 1, "it was not taken as it was");
    assert!(is_found(&cache, small.name()));
    assert_eq!(images(&copy), [small.name()]);
}

#[test]
#[ignore = "run by a_build_that_is_killed_in_its_self_test_leaves_no_image, in its own process"]
fn a_build_that_stops_in_its_self_test() {
    let Some(cache) = std::env::var_os(CACHE) else {
        return;
    };
    let cache = Cache::open(cache).unwrap();
    let mut progress = AtSelfTest(|| {
        println!("\n{TESTING}");
        loop {
            thread::park();
        }
    });
    let _ = Image::load(&cache, &spec(SECRET), &Default::default(), &mut progress);
}

/// As an earlier version left it that was killed in the self-test: with its name, unproven.
#[test]
fn an_image_that_was_never_proved_is_proved_before_it_is_used() {
    let name = small().name().to_owned();
    for by_name in [false, true] {
        let copy = without_image();
        let cache = open(&copy);
        Image::load(&cache, &spec(SECRET), &Default::default(), &mut NoProgress).unwrap();
        let mark = copy.path().join("images").join(&name).join("proven");
        let load = || {
            let mut tests = 0;
            let mut progress = AtSelfTest(|| tests += 1);
            let fetch = Default::default();
            match by_name {
                true => Image::open(&cache, &name, &fetch, &mut progress),
                false => Image::load(&cache, &spec(SECRET), &fetch, &mut progress),
            }
            .unwrap();
            tests
        };
        assert_eq!(load(), 0, "the control: it was proved when it was built");
        std::fs::remove_file(&mark).unwrap();
        assert_eq!(load(), 1, "{by_name}");
        assert_eq!(load(), 0, "{by_name}");
        // A mark of another image is none.
        std::fs::remove_file(&mark).unwrap();
        std::fs::write(&mark, "0".repeat(64)).unwrap();
        assert_eq!(load(), 1, "{by_name}");
    }
}

#[test]
fn an_image_that_fails_its_self_test_never_gets_a_name() {
    let copy = without_image();
    let cache = open(&copy);
    // A proof changes no code, and with the manifest the place of the guest.
    let mut failing = spec(SECRET);
    failing.manifest.module.patch[0].proof = "1 == 2".to_owned();
    let guests = copy.path().join("guests");
    let place = |spec: &ImageSpec| guests.join(&spec.manifest.digest().to_string()[..32]);
    std::fs::rename(place(&spec(SECRET)), place(&failing)).unwrap();
    let load = |spec: &ImageSpec| Image::load(&cache, spec, &Default::default(), &mut NoProgress);
    let Err(error) = load(&failing) else {
        panic!("it passed");
    };
    let told = error.to_string();
    assert!(
        told.contains("failed its self-test") && told.contains("1 == 2"),
        "{told}"
    );
    assert!(images(&copy).is_empty(), "{:?}", images(&copy));
    assert!(cache.images().unwrap().is_empty());
    // The control: with its own proofs the same build passes.
    std::fs::rename(place(&failing), place(&spec(SECRET))).unwrap();
    load(&spec(SECRET)).unwrap();
    assert_eq!(images(&copy), [small().name()]);
}
