//! Removing images by name, and what the list says of them.

use crate::cache::Copy;
use crate::small::small;
use std::time::{SystemTime, UNIX_EPOCH};

#[test]
fn the_list_has_sizes_and_ages() {
    let copy = Copy::new();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let listed = copy.run(&["image", "list", "--json"]).objects();
    // Others may be of other versions, which noted less.
    let mut usable = listed.iter().filter(|image| image["state"] == "ok");
    let first = usable.next().expect("the image in use");
    for image in usable.chain([first]) {
        assert!(image["bytes"].as_u64().unwrap() > 1 << 20, "{image}");
        assert!(image["made_unix_s"].as_u64().unwrap() <= now, "{image}");
    }
    let listed = copy.run(&["image", "list"]).stdout;
    let line = listed.lines().find(|line| line.contains(" ok ")).unwrap();
    let units = ["now", " min", " h", " d"];
    assert!(units.iter().any(|unit| line.contains(unit)), "{line}");
    assert!(line.contains(" MiB"), "{line}");
}

fn images(copy: &Copy) -> Vec<String> {
    let mut names = crate::cache::images(copy);
    names.sort();
    names
}

#[test]
fn an_image_is_removed_by_its_name() {
    let small = small();
    let copy = Copy::new();
    let before = images(&copy);
    assert!(before.len() > 1, "the small one and the standard one");
    let prefix = &small.name()[..16];
    for wrong in [&["image", "rm", "no-such-name"][..], &["image", "rm"]] {
        assert_ne!(copy.run(wrong).status, 0, "{wrong:?}");
    }
    // Nothing is removed if one name is wrong.
    let ran = copy.run(&["image", "rm", prefix, "no-such-name"]);
    assert_ne!(ran.status, 0, "{ran:#?}");
    assert_eq!(images(&copy), before);
    let ran = copy.run(&["image", "rm", prefix]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(ran.stdout.starts_with(small.name()), "{ran:#?}");
    assert!(ran.stdout.contains("removed"), "{ran:#?}");
    let left: Vec<String> = before
        .into_iter()
        .filter(|name| name != small.name())
        .collect();
    assert_eq!(images(&copy), left);
    // The others run, with the code and the packages that they share.
    let code = "import pytz\n1";
    let ran = copy.run(&["run", "-c", code]);
    assert_eq!(ran.stdout, "1\n", "{ran:#?}");
}
