//! Zstandard, through `zstandard`, `compression.zstd` and pandas.

use memex_tests::{check_turns, nothing, raises, session, value};

#[test]
fn the_package_zstandard_is_there() {
    check_turns(
        &mut session(),
        &[
            (
                "import zstandard as z, io\nd = b'some data ' * 1000",
                nothing(),
            ),
            (
                "c = z.ZstdCompressor(level=5).compress(d)\nlen(c) < 100, z.ZstdDecompressor().decompress(c) == d, z.frame_content_size(c), z.get_frame_parameters(c).content_size",
                value("(True, True, 10000, 10000)"),
            ),
            ("z.decompress(z.compress(d)) == d", value("True")),
            (
                "o = z.ZstdCompressor().compressobj()\ns = o.compress(d[:5000]) + o.compress(d[5000:]) + o.flush()\nz.ZstdDecompressor().decompress(s, max_output_size=20000) == d",
                value("True"),
            ),
            (
                "do = z.ZstdDecompressor().decompressobj()\ndo.decompress(s + b'rest') == d, do.eof, do.unused_data",
                value("(True, True, b'rest')"),
            ),
            (
                "with z.open('/tmp/x.zst', 'wb') as f: f.write(d); f.write(b'more')\nwith z.open('/tmp/x.zst', 'rb') as f: r = f.read()\nr == d + b'more'",
                value("True"),
            ),
            (
                "with z.open('/tmp/t.zst', 'wt') as f: f.write('line 1\\nline 2\\n')\nwith z.open('/tmp/t.zst', 'rt') as f: print(list(f))",
                memex_tests::prints("['line 1\\n', 'line 2\\n']\n"),
            ),
            (
                "with open('/tmp/x.zst', 'rb') as g, z.ZstdDecompressor().stream_reader(g) as r: print(r.read(7), len(r.read()))",
                memex_tests::prints("b'some da' 9997\n"),
            ),
            (
                "b = io.BytesIO()\nw = z.ZstdCompressor().stream_writer(b, closefd=False)\nw.write(d)\nw.close()\nz.ZstdDecompressor().decompress(b.getvalue(), max_output_size=1 << 20) == d",
                value("True"),
            ),
            (
                "q = io.BytesIO()\nn = z.ZstdCompressor().copy_stream(io.BytesIO(d), q)\nq.seek(0)\na = io.BytesIO()\nn[0], z.ZstdDecompressor().copy_stream(q, a)[1], a.getvalue() == d",
                value("(10000, 10000, True)"),
            ),
            (
                "dd = z.ZstdCompressionDict(d[:200] + b'xyz' * 50)\nc2 = z.ZstdCompressor(dict_data=dd).compress(d[:150])\nlen(c2) < 60, z.ZstdDecompressor(dict_data=dd).decompress(c2) == d[:150]",
                value("(True, True)"),
            ),
            (
                "z.ZstdDecompressor().decompress(b'nonsense')",
                raises("zstandard.ZstdError", &["error determining content size"]),
            ),
            (
                "z.ZstdDecompressor().decompress(c[:-3])",
                raises("zstandard.ZstdError", &["did not decompress full frame"]),
            ),
        ],
    );
}

#[test]
fn the_library_s_own_module_is_there() {
    check_turns(
        &mut session(),
        &[
            (
                "from compression import zstd\nimport io\nd = b'some data ' * 1000",
                nothing(),
            ),
            ("zstd.decompress(zstd.compress(d)) == d", value("True")),
            (
                "P = zstd.CompressionParameter\nc = zstd.compress(d, options={P.compression_level: 9, P.checksum_flag: 1})\ni = zstd.get_frame_info(c)\ni.decompressed_size, i.dictionary_id, zstd.get_frame_size(c + b'x') == len(c), P.compression_level.bounds()",
                value("(10000, 0, True, (-131072, 22))"),
            ),
            (
                "k = zstd.ZstdCompressor()\ns = k.compress(d[:5000]) + k.compress(d[5000:]) + k.flush()\nzstd.decompress(s + zstd.compress(b'more')) == d + b'more'",
                value("True"),
            ),
            (
                "u = zstd.ZstdDecompressor()\nfirst = u.decompress(s + b'rest', 10)\nfirst, u.eof, u.needs_input, u.decompress(b'') == d[10:], u.eof, u.unused_data",
                value("(b'some data ', False, False, True, True, b'rest')"),
            ),
            (
                "u = zstd.ZstdDecompressor()\nb''.join(u.decompress(s[n : n + 1]) for n in range(len(s))) == d, u.eof",
                value("(True, True)"),
            ),
            (
                "with zstd.open('/tmp/a.zst', 'wt') as f: f.write('line 1\\nline 2\\n')\nwith zstd.open('/tmp/a.zst', 'rt') as f: print(list(f))",
                memex_tests::prints("['line 1\\n', 'line 2\\n']\n"),
            ),
            (
                "zstd.decompress(c[:-2])",
                raises(
                    "compression.zstd.ZstdError",
                    &["ended before the end-of-stream marker"],
                ),
            ),
            (
                "zstd.decompress(c[:20] + bytes((c[20] ^ 16,)) + c[21:])",
                raises("compression.zstd.ZstdError", &["Unable to decompress"]),
            ),
            (
                "zstd.compress(d, level=23)",
                raises("ValueError", &["illegal value 23; the valid range is"]),
            ),
            (
                "import tarfile\nwith tarfile.open('/tmp/a.tar.zst', 'w:zst') as t: t.add('/tmp/a.zst', 'a')\nwith tarfile.open('/tmp/a.tar.zst') as t: print(t.getnames())",
                memex_tests::prints("['a']\n"),
            ),
        ],
    );
}

#[test]
fn pandas_reads_and_writes_zstd() {
    check_turns(
        &mut session(),
        &[
            (
                "import pandas as pd\ndf = pd.DataFrame({'a': range(1000), 'b': ['x', 'y'] * 500})\ndf.to_csv('/tmp/d.csv.zst', index=False)\nopen('/tmp/d.csv.zst', 'rb').read(4)",
                value("b'(\\xb5/\\xfd'"),
            ),
            (
                "pd.read_csv('/tmp/d.csv.zst').equals(df), pd.read_csv('/tmp/d.csv.zst', compression='zstd').shape",
                value("(True, (1000, 2))"),
            ),
            (
                "df.to_pickle('/tmp/d.pkl.zst')\npd.read_pickle('/tmp/d.pkl.zst').equals(df)",
                value("True"),
            ),
        ],
    );
}
