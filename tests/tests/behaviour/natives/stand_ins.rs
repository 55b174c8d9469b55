//! Compiled modules that the guest lacks, and that need nothing of the host: fonts for
//! PIL, and `ssl`.

use memex_tests::{check_turns, nothing, raises, session, value};

/// The numbers are Pillow's own, with the same font and without Raqm.
#[test]
fn pil_draws_text_in_truetype_fonts() {
    check_turns(
        &mut session(),
        &[
            (
                "from PIL import Image, ImageDraw, ImageFont, features\nf = ImageFont.truetype('DejaVuSans.ttf', 20)\nim = Image.new('L', (120, 40))\nd = ImageDraw.Draw(im)\nd.text((5, 5), 'Hello', fill=255, font=f)",
                nothing(),
            ),
            (
                "im.getbbox(), sum(im.tobytes()), f.getname(), f.getbbox('Hello'), f.getlength('Hello'), f.getmetrics()",
                value(
                    "((6, 9, 56, 24), 62415, ('DejaVu Sans', 'Book'), (0, 4, 51, 19), 51.0, (19, 5))",
                ),
            ),
            (
                "[d.textbbox((50, 20), 'Hello', font=f, anchor=a) for a in ('mm', 'rs', 'lt')]",
                value("[(24, 12, 75, 27), (-1, 5, 50, 20), (50, 20, 101, 35)]"),
            ),
            (
                "d.multiline_textbbox((0, 0), 'a\\nbb', font=f), d.textbbox((10, 10), 'Hi', font=f, stroke_width=2)",
                value("((0, 8, 26, 42), (8, 12, 33, 31))"),
            ),
            (
                "ImageFont.load_default(20).getbbox('Hello'), ImageFont.load_default().getbbox('Hi'), features.check('freetype2'), features.check('raqm')",
                value("((0, 5, 48, 20), (0, 2, 11, 10), True, False)"),
            ),
            (
                "data = open(f.path if '/' in f.path else __import__('matplotlib').get_data_path() + '/fonts/ttf/' + f.path, 'rb').read()\nImageFont.truetype(__import__('io').BytesIO(data), 12).getbbox('Hello')",
                value("(0, 2, 29, 12)"),
            ),
            (
                "im = Image.new('RGB', (60, 30), 'white')\nImageDraw.Draw(im).text((2, 2), 'Hé', fill=(200, 0, 0), font=f)\nim.getpixel((4, 12)), im.getpixel((59, 29))",
                value("((200, 0, 0), (255, 255, 255))"),
            ),
            (
                "ImageFont.truetype('nowhere.ttf')",
                raises("OSError", &["cannot open resource"]),
            ),
            (
                "ImageFont.truetype(__import__('io').BytesIO(b'no font'))",
                raises("OSError", &["unknown file format"]),
            ),
            (
                "f.getmask('x', direction='ttb')",
                raises("ValueError", &["needs Raqm"]),
            ),
        ],
    );
}

#[test]
fn ssl_is_imported_and_configured_and_connects_nowhere() {
    check_turns(
        &mut session(),
        &[
            (
                "import ssl, socket\nc = ssl.create_default_context()",
                nothing(),
            ),
            (
                "c.check_hostname, c.verify_mode, c.minimum_version, c.protocol",
                value(
                    "(True, <VerifyMode.CERT_REQUIRED: 2>, <TLSVersion.TLSv1_2: 771>, <_SSLMethod.PROTOCOL_TLS_CLIENT: 16>)",
                ),
            ),
            (
                "c.check_hostname = False\nc.verify_mode = ssl.CERT_NONE\nc.minimum_version = ssl.TLSVersion.TLSv1_3\nc.set_ciphers('DEFAULT')\nc.set_alpn_protocols(['http/1.1'])\nc.load_default_certs()\nc.verify_mode, c.minimum_version",
                value("(<VerifyMode.CERT_NONE: 0>, <TLSVersion.TLSv1_3: 772>)"),
            ),
            (
                "ssl.create_default_context().verify_mode = ssl.CERT_NONE",
                raises(
                    "ValueError",
                    &["Cannot set verify_mode to CERT_NONE when check_hostname is enabled."],
                ),
            ),
            (
                "c.load_verify_locations('/nowhere.pem')",
                raises("FileNotFoundError", &["/nowhere.pem"]),
            ),
            (
                "c.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())",
                raises("OSError", &["the sandbox has no network"]),
            ),
            (
                "issubclass(ssl.SSLError, OSError), issubclass(ssl.CertificateError, ssl.SSLError), len(ssl.RAND_bytes(8)), ssl.SSLError.__module__",
                value("(True, True, 8, 'ssl')"),
            ),
            (
                "import urllib.request\nurllib.request.urlopen('https://example.org', context=c)",
                raises("urllib.error.URLError", &["the sandbox has no network"]),
            ),
        ],
    );
}
