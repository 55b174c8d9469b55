//! Keys that are chosen to collide.

use super::{FORGE, SCOPE, family, seen};
use crate::support::shown;
use std::collections::HashSet;

/// Integers whose dictionary looks at hundreds of places for each key, with no two hashes
/// alike: the first fill places that lead to each other, the others begin there and walk.
fn colliding(count: usize) -> Vec<u64> {
    let size = (3 * count as u64 / 2).next_power_of_two();
    let mask = size - 1;
    let next = |at: u64, rest: u64| (5 * at + rest + 1) & mask;
    let mut keys = vec![0];
    while keys.len() < count * 2 / 3 {
        keys.push(next(keys[keys.len() - 1], 0));
    }
    let taken: HashSet<u64> = keys.iter().copied().collect();
    let early: HashSet<u64> = keys[..keys.len() / 3].iter().copied().collect();
    let mut drawn = 1_u64;
    while keys.len() < count {
        drawn = drawn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let key = size + (drawn >> 33) % ((1 << 31) - 2 - size);
        let (mut at, mut rest) = (key & mask, key);
        while taken.contains(&at) && rest > 0 {
            rest >>= 5;
            at = next(at, rest);
        }
        if early.contains(&at) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Measures how much longer a dictionary of `keys` takes than one of `others`.
const MEASURE: &str = "\
import random, time
def seconds(keys):
    best = 1e9
    for _ in range(5):
        began = time.perf_counter()
        dict.fromkeys(keys)
        best = min(best, time.perf_counter() - began)
    return best
others = random.sample(range(2 ** 31 - 2), 2000)
assert len(set(map(hash, keys))) == 2000
shared['slower'] = round(seconds(keys) / seconds(others), 1)
";

#[test]
fn keys_that_are_chosen_to_collide_are_refused() {
    let parent = format!(
        "{SCOPE}h = spawn_agent('go', tools=[], share=None, output=object)\n\
         try:\n    print('got', len(h.result()))\n\
         except ValueError as error:\n    print('refused:', error)\n\
         print('slower:', shared['slower'] > 4, shared['slower'])"
    );
    let chosen = colliding(2000);
    for (keys, expected) in [
        (
            "keys",
            "refused: what was handed over is not taken: Colliding: too many of its keys collide",
        ),
        ("others", "got 2000"),
    ] {
        let child =
            format!("{FORGE}keys = {chosen:?}\n{MEASURE}send(answer(['dict', {keys}, {keys}]))");
        let (result, _) = family(&parent, &child);
        let told = shown(&result).remove(0);
        assert!(told.contains(expected), "{keys}: {}", seen(&result));
        // The attack is one: the interpreter takes long for these keys.
        assert!(told.contains("slower: True"), "{keys}: {}", seen(&result));
        println!("{told}");
    }
}
