//! JPEG and WebP through PIL and matplotlib.
//!
//! What is expected is what Pillow 13 with libjpeg-turbo and libwebp comes to on an
//! ordinary machine, but for what the notes say.

use memex_tests::{check_turns, each, nothing, raises, session, value, value_of};

/// A picture, a measure of likeness, and a way through a file in memory.
const BEGIN: &str = "\
from PIL import Image, ImageFile
import io
W, H = 48, 40
im = Image.frombytes('RGB', (W, H), bytes(c for y in range(H) for x in range(W) for c in (x * 5, y * 6, (x + y) * 2)))
def near(a, b, t):
    a, b = a.tobytes(), b.tobytes()
    return len(a) == len(b) and max(abs(x - y) for x, y in zip(a, b)) <= t
def written(fmt, image=im, **o):
    f = io.BytesIO()
    image.save(f, fmt, **o)
    return f.getvalue()
def again(fmt, image=im, **o):
    return Image.open(io.BytesIO(written(fmt, image, **o)))";

#[test]
fn pil_reads_and_writes_jpeg() {
    check_turns(
        &mut session(),
        &[
            (BEGIN, nothing()),
            (
                "j = again('JPEG', quality=95)\nj.format, j.mode, j.size, near(im, j, 14)",
                value("('JPEG', 'RGB', (48, 40), True)"),
            ),
            (
                "near(im, again('JPEG', quality=95, subsampling=0), 8)",
                value("True"),
            ),
            (
                "p = again('JPEG', quality=90, progressive=True, optimize=True, dpi=(300, 150))\np.info.get('progressive'), p.info['dpi'], near(im, p, 24)",
                value("(1, (300, 150), True)"),
            ),
            (
                "e = Image.Exif()\ne[0x010e] = 'hello'\ne[0x0112] = 6\nx = again('JPEG', exif=e, icc_profile=b'not a profile' * 9000, comment=b'said')\nx.getexif()[0x010e], x.getexif()[0x112], len(x.info['icc_profile']), x.info['comment'], near(im, x, 60)",
                value("('hello', 6, 117000, b'said', True)"),
            ),
            (
                "[(y.mode, near(im.convert(y.mode), y, 16)) for y in (again('JPEG', im.convert(m), quality=95) for m in ('L', 'CMYK', 'YCbCr'))]",
                value("[('L', True), ('CMYK', True), ('RGB', True)]"),
            ),
            ("again('JPEG', im.convert('1')).mode", value("'L'")),
            (
                "written('JPEG', im.convert('RGBA'))",
                raises("OSError", &["cannot write mode RGBA as JPEG"]),
            ),
            (
                "q = again('JPEG', qtables=[[1] * 64], subsampling=0)\nq.quantization[0][:3], near(im, q, 4)",
                value("([1, 1, 1], True)"),
            ),
            (
                "k = again('JPEG', quality=42)\nagain('JPEG', k, quality='keep').quantization == k.quantization",
                value("True"),
            ),
            (
                "im.save('/tmp/a.jpg')\nim.save('/tmp/b.jpeg')\nImage.open('/tmp/a.jpg').convert('L').size, Image.open('/tmp/b.jpeg').format",
                value("((48, 40), 'JPEG')"),
            ),
            (
                "from PIL import features\nfeatures.check('jpg'), features.check('webp')",
                value("(True, True)"),
            ),
        ],
    );
}

#[test]
fn pil_reads_jpeg_smaller_and_as_far_as_it_goes() {
    check_turns(
        &mut session(),
        &[
            (BEGIN, nothing()),
            (
                "j = again('JPEG', quality=95)\nj.thumbnail((12, 12))\nj.size, near(im.resize(j.size, Image.BOX), j, 40)",
                value("((12, 10), True)"),
            ),
            (
                "j = again('JPEG', quality=95)\nj.draft('L', (24, 20)), near(im.convert('L').resize((24, 20), Image.BOX), j, 20)",
                value("(('L', (0, 0, 24.0, 20.0)), True)"),
            ),
            (
                "data = written('JPEG')\nImage.open(io.BytesIO(data[:-100])).load()",
                raises("OSError", &["image file is truncated"]),
            ),
            (
                "ImageFile.LOAD_TRUNCATED_IMAGES = True\nt = Image.open(io.BytesIO(data[:-100]))\nt.load()\nImageFile.LOAD_TRUNCATED_IMAGES = False\nt.size, near(im.crop((0, 0, 48, 8)), t.crop((0, 0, 48, 8)), 60)",
                value("((48, 40), True)"),
            ),
            (
                "Image.open(io.BytesIO(b'\\xff\\xd8\\xff' + bytes(100)))",
                raises(
                    "PIL.UnidentifiedImageError",
                    &["cannot identify image file"],
                ),
            ),
            (
                "at = data.index(b'\\xff\\xc4')\nImage.open(io.BytesIO(data[:at + 5] + b'\\xff' * 16 + data[at + 21:])).load()",
                raises("OSError", &["broken data stream"]),
            ),
        ],
    );
}

#[test]
fn pil_reads_and_writes_webp() {
    check_turns(
        &mut session(),
        &[
            (BEGIN, nothing()),
            (
                "w = again('WEBP', lossless=True)\nw.format, w.mode, w.size, w.n_frames, near(im, w, 0), w.info",
                value(
                    "('WEBP', 'RGB', (48, 40), 1, True, {'loop': 1, 'background': (255, 255, 255, 255), 'timestamp': 0, 'duration': 0})",
                ),
            ),
            // Elsewhere this one has a loss.
            ("near(im, again('WEBP', quality=50), 0)", value("True")),
            (
                "a = im.convert('RGBA')\na.putalpha(77)\ne = Image.Exif()\ne[0x010e] = 'hello'\nw = again('WEBP', a, exif=e, icc_profile=b'p' * 11, xmp=b'<x/>')\nw.mode, near(a, w, 0), w.getexif()[0x010e], w.info['icc_profile'], w.info['xmp']",
                value("('RGBA', True, 'hello', b'ppppppppppp', b'<x/>')"),
            ),
            (
                "fr = [im.rotate(90 * n).crop((0, 0, 40, 40)) for n in range(3)]\nw = again('WEBP', fr[0], save_all=True, append_images=fr[1:], duration=[40, 60, 80], loop=2)\nw.n_frames, w.info['loop'], w.is_animated",
                value("(3, 2, True)"),
            ),
            (
                "r = []\nfor n in (0, 2, 1):\n    w.seek(n)\n    w.load()\n    r.append((w.info['timestamp'], w.info['duration'], near(fr[n], w.convert('RGB'), 0)))\nr",
                value("[(0, 40, True), (100, 80, True), (40, 60, True)]"),
            ),
            (
                "w.seek(3)",
                raises("EOFError", &["attempt to seek outside sequence"]),
            ),
            (
                "again('WEBP', im.convert('P')).mode, again('WEBP', im.convert('L')).mode",
                value("('RGB', 'RGB')"),
            ),
            (
                "r = []\nfor end in (20, 35, -10):\n    try: Image.open(io.BytesIO(written('WEBP')[:end])).load()\n    except OSError as error: r.append(str(error))\nset(r), len(r)",
                value("({'could not create decoder object'}, 3)"),
            ),
        ],
    );
}

/// Files that libjpeg-turbo and libwebp have written.
#[test]
fn files_of_other_programs_are_read() {
    use base64::Engine as _;
    let mut session = session();
    memex_tests::run(&mut session, BEGIN);
    memex_tests::run(
        &mut session,
        "import base64\ndef sent(text):\n    return Image.open(io.BytesIO(base64.b64decode(text)))",
    );
    macro_rules! data {
        ($name:literal) => {
            include_bytes!(concat!("../../../../natives/tests/data/", $name)).as_slice()
        };
    }
    each(
        [
            ("near(im, j, 14)", data!("baseline.jpg")),
            ("near(im, j, 8)", data!("progressive.jpg")),
            ("near(im.convert('L'), j, 5)", data!("grey.jpg")),
            ("near(im.convert('CMYK'), j, 8)", data!("inks.jpg")),
            ("near(im, j, 14)", data!("lossy.webp")),
            ("near(im, j, 0)", data!("lossless.webp")),
            ("near(im, j.convert('RGB'), 14)", data!("alpha.webp")),
            ("j.n_frames == 3 and j.mode == 'RGBA'", data!("moving.webp")),
        ],
        |(test, file)| {
            let text = base64::engine::general_purpose::STANDARD.encode(file);
            let code = format!("j = sent('{text}')\n{test}");
            assert_eq!(value_of(&mut session, &code), "True");
        },
    );
}

#[test]
fn matplotlib_reads_and_writes_both() {
    check_turns(
        &mut session(),
        &[
            (
                "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(2, 1), dpi=50)\nax.plot([1, 2, 3])\nfig.savefig('/tmp/f.jpg')\nfig.savefig('/tmp/f.webp')\nplt.close(fig)",
                nothing(),
            ),
            (
                "[(plt.imread('/tmp/f' + end).shape, str(plt.imread('/tmp/f' + end).dtype)) for end in ('.jpg', '.webp')]",
                value("[((50, 100, 3), 'uint8'), ((50, 100, 4), 'uint8')]"),
            ),
        ],
    );
}
