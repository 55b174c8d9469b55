//! Natives called directly, with heads and parts of every malformed kind, and with
//! bytes that were made to do harm.

use memex_runtime::{Session, Status};
use memex_tests::{each, run, session, still_works, value_of};

fn prepared() -> Session {
    let mut session = session();
    run(
        &mut session,
        "import _host, struct, json\ndef frame(head, *parts):\n    if not isinstance(head, bytes): head = json.dumps(head).encode()\n    return b'\\x08' + b''.join(struct.pack('<I', len(p)) + p for p in (head, *parts))\ndef told(reply):\n    n = struct.unpack_from('<I', reply, 1)[0]\n    return reply[0], json.loads(reply[5:5 + n])\ndef refused(frame):\n    status, head = told(_host.call(frame))\n    return status, head['type'], head['message']",
    );
    session
}

#[test]
fn a_native_is_answered_and_a_malformed_call_of_one_is_refused() {
    let mut session = prepared();
    let key = "{'name': 'kdf.pbkdf2', 'hash': 'sha1', 'iterations': 1, 'length': 20}";
    assert_eq!(
        value_of(
            &mut session,
            &format!("r = _host.call(frame({key}, b'password', b'salt'))\nr[0], r[-20:].hex()")
        ),
        "(0, '0c60c80f961f0e71f3a9b524af6012062fe037a6')"
    );
    each(
        [
            ("frame(b'')".to_owned(), "ValueError", "cannot be read"),
            ("frame(b'\\xff\\xfe')".to_owned(), "ValueError", "cannot be read"),
            ("frame(b'[' * 100000)".to_owned(), "ValueError", "cannot be read"),
            ("frame({'name': 'open', 'path': '/etc/passwd'})".to_owned(), "ValueError", "unknown variant"),
            (format!("frame({key})"), "ValueError", "0 parts, not 2"),
            (format!("frame({key}, *[b''] * 3)"), "ValueError", "3 parts, not 2"),
            ("b'\\x08\\xff\\xff\\xff\\xff'".to_owned(), "ValueError", "4294967295 bytes"),
            ("b'\\x08'".to_owned(), "ValueError", "cut off"),
            (format!("frame({key}, b'p', b's')[:-1]"), "ValueError", "cut off"),
            (
                "frame({'name': 'jpeg.encode', 'layout': 'RGB', 'width': 65535, 'height': 65535, 'quality': 1, 'subsampling': 0, 'progressive': False, 'optimize': False, 'restart_blocks': 0, 'dpi': [0, 0], 'tables': None}, b'x')".to_owned(),
                "ValueError",
                "are no image",
            ),
            (
                "frame({'name': 'webp.encode', 'width': 4294967295, 'height': 4294967295, 'has_alpha': True}, b'x')".to_owned(),
                "ValueError",
                "are no image",
            ),
        ],
        |(code, class, message)| {
            let outcome = run(&mut session, &format!("refused({code})"));
            let value = outcome.value.unwrap_or_default();
            assert!(value.starts_with(&format!("(1, '{class}'")), "{value}");
            assert!(value.contains(message), "{value}");
        },
    );
    still_works(&mut session);
}

/// Bombs: a few bytes that ask for gigabytes. Each is refused as what it is, and the
/// same form with a size that is permitted is read.
#[test]
fn bombs_are_refused_by_their_bounds() {
    let mut session = prepared();
    run(
        &mut session,
        "import io\nfrom PIL import Image\nfrom compression import zstd\nf = io.BytesIO()\nImage.new('RGB', (16, 16)).save(f, 'JPEG')\njpeg = f.getvalue()\nat = jpeg.index(b'\\xff\\xc0') + 5\ndef sized(w, h): return jpeg[:at] + struct.pack('>HH', h, w) + jpeg[at + 4:]\ng = io.BytesIO()\nImage.new('RGB', (16, 16)).save(g, 'WEBP')\nwebp = g.getvalue()\nwide = webp[:21] + struct.pack('<I', 16383 | 16383 << 14) + webp[25:]\nbomb = b'\\x28\\xb5\\x2f\\xfd\\x00\\x38' + (struct.pack('<I', 131072 << 3 | 2)[:3] + b'x') * 1000 + b'\\x01\\x00\\x00'",
    );
    let decode = "{'name': 'jpeg.decode', 'layout': 'RGB'}";
    for (bomb, harmless) in [
        (
            format!("frame({decode}, sized(65500, 65500))"),
            format!("frame({decode}, sized(16, 16))"),
        ),
        (
            "frame({'name': 'webp.decode'}, wide)".to_owned(),
            "frame({'name': 'webp.decode'}, webp)".to_owned(),
        ),
        (
            // A thousand blocks, each of one byte 131,072 times.
            "frame({'name': 'zstd.decompress'}, bomb)".to_owned(),
            "frame({'name': 'zstd.decompress'}, zstd.compress(bytes(1000)))".to_owned(),
        ),
    ] {
        assert_eq!(
            value_of(&mut session, &format!("told(_host.call({harmless}))[0]")),
            "0",
            "{harmless}"
        );
        let outcome = run(&mut session, &format!("r = refused({bomb})\nr[1]"));
        assert_eq!(
            outcome.value.as_deref(),
            Some("'MemoryError'"),
            "{outcome:#?}"
        );
        assert_eq!(outcome.status, Status::Ok);
    }
    // Through the ordinary names.
    let outcome = run(
        &mut session,
        "Image.MAX_IMAGE_PIXELS = None\nImage.open(io.BytesIO(sized(5000, 5000))).load()",
    );
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert_eq!(outcome.error.unwrap().class, "MemoryError");
    still_works(&mut session);
}

/// Files of some kilobytes whose columns would take a gigabyte: names that many columns
/// share, and paths that each leaf has of its own.
const DESCRIBING: &str = "
def message(count, length):
    b = bytearray(8)
    def words(*w):
        while len(b) % 4: b.append(0)
        at = len(b)
        b.extend(struct.pack(f'<{len(w)}I', *w))
        return at
    def halves(*h):
        at = words()
        b.extend(struct.pack(f'<{len(h)}H', *h))
        return at
    def refer(at, to): struct.pack_into('<I', b, at, to - at)
    tables = [halves(12, 24, 4, 6, 8, 16), halves(8, 12, 4, 8), halves(12, 20, 4, 0, 16, 8), halves(4, 4)]
    while len(b) % 8: b.append(0)
    m = words(0, 4 | 1 << 16, 0, 0, 0, 0); refer(0, m)
    s = words(0, 0, 0); refer(m + 8, s)
    v = words(count); refer(s + 8, v)
    b.extend(bytes(4 * count))
    c = words(0, 0, 0, 0, 1)
    for i in range(count): refer(v + 4 + 4 * i, c)
    n = words(0); refer(c + 8, n)
    name = words(length); refer(c + 4, name)
    b.extend(b'a' * length + b'\\0')
    while len(b) % 8: b.append(0)
    for at, of in zip((m, s, c, n), tables): struct.pack_into('<I', b, at, at - of)
    return struct.pack('<iI', -1, len(b)) + bytes(b) + struct.pack('<iI', -1, 0)
def varint(n):
    out = b''
    while n >= 128: out += bytes([n & 127 | 128]); n >>= 7
    return out + bytes([n])
def nested(name, leaves):
    def element(name, more): return more[0] + b'\\x18' + varint(len(name)) + name + more[1] + b'\\0'
    def group(name, n): return element(name, (b'\\x35\\0', b'\\x15' + varint(2 * n)))
    schema = [group(b's', 1), group(b'g' * name, leaves)]
    schema += [element(b'%d' % i, (b'\\x15\\x02\\x25\\0', b'')) for i in range(leaves)]
    footer = b'\\x15\\x02\\x19\\xfc' + varint(len(schema)) + b''.join(schema) + b'\\x16\\0\\x19\\x0c\\0'
    return b'PAR1' + footer + struct.pack('<I', len(footer)) + b'PAR1'
";

#[test]
fn columns_that_a_file_describes_count_as_memory_of_the_session() {
    let mut session = prepared();
    assert!(run(&mut session, DESCRIBING).is_ok());
    let (plain, read) = (
        "{'name': 'arrow.plain'}",
        "{'name': 'parquet.read', 'columns': None}",
    );
    for (request, bomb, harmless) in [
        (plain, "message(1000, 1 << 18)", "message(10, 1000)"),
        (read, "nested(1 << 17, 8000)", "nested(1000, 10)"),
    ] {
        assert_eq!(
            value_of(
                &mut session,
                &format!("told(_host.call(frame({request}, {harmless})))[0]")
            ),
            "0",
            "{harmless}"
        );
        let outcome = run(
            &mut session,
            &format!("b = {bomb}\nr = refused(frame({request}, b))\nlen(b) < 1 << 21, r[1]"),
        );
        assert_eq!(
            outcome.value.as_deref(),
            Some("(True, 'MemoryError')"),
            "{outcome:#?}"
        );
    }
    still_works(&mut session);
}
