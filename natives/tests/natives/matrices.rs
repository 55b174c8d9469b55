//! Products and factors of matrices, against sums that are written out.

use crate::WIDE;
use memex_natives::matrices::{Element, Factoring, INNER, Product, factor, product};
use memex_natives::{Bounds, Refusal, Room};
use proptest::prelude::*;

/// Numbers without a pattern, between -1 and 1.
fn drawn(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64) / ((1_u64 << 52) as f64) - 1.0
    };
    (0..count).map(|_| draw()).collect()
}

/// What a product is, element by element: the chains that the crate promises.
fn written_out(asked: &Product<f64>, a: &[f64], b: &[f64], c: &[f64]) -> Vec<f64> {
    let mut result = c.to_vec();
    for j in 0..asked.columns {
        for i in 0..asked.rows {
            let element = &mut result[j * asked.strides[2] + i];
            *element = match asked.beta {
                0.0 => 0.0,
                beta => *element * beta,
            };
            if asked.alpha == 0.0 {
                continue;
            }
            for begun in (0..asked.inner).step_by(INNER) {
                let mut sum = 0.0;
                for p in begun..(begun + INNER).min(asked.inner) {
                    let x = match asked.first_transposed {
                        true => a[i * asked.strides[0] + p],
                        false => a[p * asked.strides[0] + i],
                    };
                    let y = match asked.second_transposed {
                        true => b[p * asked.strides[1] + j],
                        false => b[j * asked.strides[1] + p],
                    };
                    sum = f64::mul_add(x, y, sum);
                }
                *element = f64::mul_add(asked.alpha, sum, *element);
            }
        }
    }
    result
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    let plain = |number: &f64| match number.is_nan() {
        true => u64::MAX,
        false => number.to_bits(),
    };
    numbers.iter().map(plain).collect()
}

fn check(asked: &Product<f64>, special: Option<f64>) {
    let [first, second, result] = asked.extents().unwrap();
    let mut a = drawn(first, 1);
    let b = drawn(second, 2);
    let mut c = drawn(result, 3);
    if let (Some(special), Some(element)) = (special, a.get_mut(first / 2)) {
        *element = special;
    }
    if asked.beta == 0.0 {
        c.fill(f64::NAN);
    }
    let expected = written_out(asked, &a, &b, &c);
    product(asked, &a, &b, &mut c, &Room::new(WIDE, &|| false)).unwrap();
    // Bit for bit, what lies between the columns too.
    assert!(bits(&expected) == bits(&c), "{asked:?} {special:?}");
}

fn square(side: usize) -> Product<f64> {
    Product {
        rows: side,
        columns: side,
        inner: side,
        first_transposed: false,
        second_transposed: false,
        alpha: 1.0,
        beta: 0.0,
        strides: [side; 3],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn the_same_bits_as_written_out(
        (rows, columns, inner) in (0_usize..70, 0_usize..40, 0_usize..300),
        (first_transposed, second_transposed) in any::<(bool, bool)>(),
        gaps in (0_usize..3, 0_usize..3, 0_usize..3),
        alpha in prop_oneof![Just(1.0), Just(-0.5), Just(0.0)],
        beta in prop_oneof![Just(0.0), Just(1.0), Just(-2.0)],
        special in prop_oneof![Just(None), Just(Some(f64::NAN)), Just(Some(f64::INFINITY))],
    ) {
        let stride = |rows: usize, columns: usize, is_turned: bool, gap: usize| {
            (if is_turned { columns } else { rows }).max(1) + gap
        };
        check(&Product {
            rows, columns, inner, first_transposed, second_transposed, alpha, beta,
            strides: [
                stride(rows, inner, first_transposed, gaps.0),
                stride(inner, columns, second_transposed, gaps.1),
                rows.max(1) + gaps.2,
            ],
        }, special);
    }
}

/// More than one block of each side.
#[test]
fn large_ones_too() {
    for (rows, columns, inner) in [(700, 30, 600), (25, 1100, 260), (241, 9, 257)] {
        let asked = Product {
            rows,
            columns,
            inner,
            strides: [rows, inner, rows],
            beta: 1.0,
            ..square(0)
        };
        check(&asked, None);
    }
}

/// Rows are exchanged as the pivots say, and the triangles multiplied give the matrix.
fn check_factors(rows: usize, columns: usize, gap: usize) {
    let asked = Factoring {
        rows,
        columns,
        stride: rows + gap,
    };
    let given = drawn(asked.extent().unwrap(), 5);
    let mut data = given.clone();
    let mut pivots = vec![0; asked.pivots()];
    let room = Room::new(WIDE, &|| false);
    assert_eq!(factor(asked, &mut data, &mut pivots, &room).unwrap(), 0);
    let mut order: Vec<usize> = (0..rows).collect();
    for (row, pivot) in pivots.iter().enumerate() {
        assert!(*pivot as usize > row && *pivot as usize <= rows);
        order.swap(row, *pivot as usize - 1);
    }
    let at = |row: usize, column: usize| column * asked.stride + row;
    for i in 0..rows {
        for j in 0..columns {
            let mut sum = 0.0;
            for k in 0..=i.min(j).min(asked.pivots() - 1) {
                let lower = if k == i { 1.0 } else { data[at(i, k)] };
                assert!(lower.abs() <= 1.0, "{rows} × {columns}");
                sum += lower * data[at(k, j)];
            }
            let difference = (sum - given[at(order[i], j)]).abs();
            assert!(difference < 1e-11, "{rows} × {columns}: {difference}");
        }
    }
}

#[test]
fn factors_multiplied_are_the_matrix() {
    for (rows, columns) in [(1, 1), (2, 3), (16, 16), (17, 17), (33, 20), (20, 90)] {
        check_factors(rows, columns, 0);
        check_factors(rows, columns, 2);
    }
    check_factors(500, 500, 0);
    check_factors(301, 120, 1);
}

#[test]
fn the_first_pivot_that_is_zero_is_named() {
    let side = 40;
    let mut ones = vec![0.0_f64; side * side];
    ones.iter_mut().step_by(side + 1).for_each(|one| *one = 1.0);
    ones[21 * side + 21] = 0.0;
    let asked = Factoring {
        rows: side,
        columns: side,
        stride: side,
    };
    let room = Room::new(WIDE, &|| false);
    let mut pivots = vec![0; side];
    assert_eq!(factor(asked, &mut ones, &mut pivots, &room), Ok(22));
    assert!(ones.iter().all(|element| element.is_finite()));
}

#[test]
fn what_is_no_matrix_is_refused() {
    let room = Room::new(WIDE, &|| false);
    let huge = usize::MAX / 2;
    let mut elements = [1.0; 16];
    for (rows, columns, inner, stride) in [
        (4, 4, 5, 4),
        (4, 4, 4, 3),
        (huge, 4, 4, huge),
        (4, huge, huge, huge),
        (huge, huge, 0, huge),
    ] {
        let asked = Product {
            rows,
            columns,
            inner,
            strides: [stride; 3],
            ..square(4)
        };
        let refusal = product(&asked, &[1.0; 16], &[1.0; 16], &mut elements, &room);
        assert!(matches!(refusal, Err(Refusal::Options(_))), "{asked:?}");
        let asked = Factoring {
            rows,
            columns: columns.max(5),
            stride,
        };
        let refusal = factor(asked, &mut elements, &mut [0; 4], &room);
        assert!(matches!(refusal, Err(Refusal::Options(_))), "{asked:?}");
    }
    // Nothing at all, at no distance.
    for (rows, columns, beta) in [(4, 0, 0.0), (4, 0, 2.0), (0, 4, 0.0), (0, 0, 0.0)] {
        let asked = Product {
            rows,
            columns,
            beta,
            strides: [4, 4, 0],
            ..square(4)
        };
        let refusal = product(&asked, &[1.0; 16], &[1.0; 16], &mut elements, &room);
        assert!(matches!(refusal, Err(Refusal::Options(_))), "{asked:?}");
        let asked = Factoring {
            rows,
            columns,
            stride: 0,
        };
        let refusal = factor(asked, &mut elements, &mut [0; 4], &room);
        assert!(matches!(refusal, Err(Refusal::Options(_))), "{asked:?}");
    }
    assert_eq!(elements, [1.0; 16]);
    product(&square(4), &[1.0; 16], &[1.0; 16], &mut elements, &room).unwrap();
    assert_eq!(elements, [4.0; 16]);
}

/// What is empty has no columns that could overlap, and its stride may be any but 0.
#[test]
fn empty_matrices_are_done_at_every_stride() {
    let room = Room::new(WIDE, &|| false);
    let mut elements = [3.0; 16];
    for (rows, columns) in [(0, 4), (4, 0), (0, 0)] {
        for stride in [1, 4, usize::MAX] {
            let asked = Product {
                rows,
                columns,
                beta: 0.0,
                strides: [4, 4, stride],
                ..square(4)
            };
            product(&asked, &[1.0; 16], &[1.0; 16], &mut elements, &room).unwrap();
            let asked = Factoring {
                rows,
                columns,
                stride,
            };
            assert_eq!(factor(asked, &mut elements, &mut [], &room), Ok(0));
        }
    }
    assert_eq!(elements, [3.0; 16]);
}

/// How often long work looks at the interrupt, and that it ends there.
#[test]
fn left_at_every_look() {
    type Long<'a> = &'a dyn Fn(&Room<'_>) -> Result<(), Refusal>;
    fn looks(stop_at: u64, work: Long<'_>) -> u64 {
        let seen = std::cell::Cell::new(0);
        let interrupt = || {
            seen.set(seen.get() + 1);
            seen.get() > stop_at
        };
        let done = work(&Room::new(WIDE, &interrupt));
        let interrupted = seen.get() > stop_at;
        assert_eq!(
            done,
            if interrupted {
                Err(Refusal::Interrupted)
            } else {
                Ok(())
            }
        );
        seen.get()
    }
    let (a, b) = (drawn(300 * 300, 1), drawn(300 * 300, 2));
    let multiply = |room: &Room<'_>| product(&square(300), &a, &b, &mut a.clone(), room);
    let asked = Factoring {
        rows: 300,
        columns: 300,
        stride: 300,
    };
    let factored = |room: &Room<'_>| factor(asked, &mut a.clone(), &mut [0; 300], room).map(|_| ());
    let long = |rows: usize, columns: usize| {
        let asked = Factoring {
            rows,
            columns,
            stride: rows,
        };
        let drawn = drawn(rows * columns, 3);
        move |room: &Room<'_>| {
            let mut pivots = vec![0; asked.pivots()];
            factor(asked, &mut drawn.clone(), &mut pivots, room).map(|_| ())
        }
    };
    // Few columns of many rows, and many of few.
    let (tall, wide) = (long(40_000, 16), long(16, 40_000));
    let works: [(Long<'_>, u64); 4] =
        [(&multiply, 100), (&factored, 100), (&tall, 16), (&wide, 70)];
    for (work, least) in works {
        let all = looks(u64::MAX, work);
        assert!(all > least, "{all}");
        for stop_at in [0, 1, all / 2, all - 1] {
            assert_eq!(looks(stop_at, work), stop_at + 1);
        }
    }
}

#[test]
fn charged_before_it_is_done() {
    fn done(fuel: u64) -> (Result<(), Refusal>, u64, Vec<f64>) {
        let bounds = Bounds {
            work_max: Some(fuel),
            ..WIDE
        };
        let room = Room::new(bounds, &|| false);
        let mut result = vec![0.0; 100];
        let ones = vec![f64::ONE; 100];
        let done = product(&square(10), &ones, &ones, &mut result, &room);
        (done, room.work(), result)
    }
    assert_eq!(done(1000), (Ok(()), 1000, vec![10.0; 100]));
    assert_eq!(done(999), (Err(Refusal::Fuel), 1000, vec![0.0; 100]));
}
