//! Figures and displayed objects, captured as MIME bundles.

use memex_runtime::{Display, DisplayData, Outcome};
use memex_tests::{check_turns, nothing, run, session, still_works, value_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn text<'a>(display: &'a Display, mime: &str) -> &'a str {
    match display.data.get(mime) {
        Some(DisplayData::Text(text)) => text,
        other => panic!("{mime} is {other:?} in {:?}", display.data.keys()),
    }
}

fn picture(display: &Display) -> &[u8] {
    let Some(DisplayData::Bytes(bytes)) = display.data.get("image/png") else {
        panic!("no picture among {:?}", display.data.keys());
    };
    assert!(bytes.starts_with(PNG), "{:?}", &bytes[..8]);
    assert!(bytes.ends_with(b"IEND\xaeB`\x82"), "the picture is cut");
    bytes
}

fn shown(code: &str) -> Outcome {
    let mut session = session();
    let outcome = run(&mut session, code);
    assert!(outcome.is_ok(), "{code}: {outcome:#?}");
    still_works(&mut session);
    outcome
}

#[test]
fn figures_are_pictures() {
    let plot = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9]);";
    for (code, count, main) in [
        (plot.to_string(), 1, false),
        (format!("{plot}\nplt.show()"), 1, false),
        (
            format!("{plot}\nplt.show()\nplt.figure()\nplt.bar([1], [2])\nplt.show()"),
            2,
            false,
        ),
        (
            "import matplotlib.pyplot as plt\nf, a = plt.subplots()\na.plot([1, 2])\nf".to_owned(),
            1,
            true,
        ),
        (
            "import matplotlib.pyplot as plt\nf, a = plt.subplots()\na.plot([1, 2])\ndisplay(f)"
                .to_owned(),
            1,
            false,
        ),
        (
            "import pandas as pd\npd.DataFrame({'a': [1, 3, 2]}).plot();".to_owned(),
            1,
            false,
        ),
        (
            "from matplotlib.figure import Figure\nf = Figure()\nf.subplots().plot([1])\nf"
                .to_owned(),
            1,
            true,
        ),
        (
            "import matplotlib.pyplot as plt\nplt.title('Ä 名 $x^2$')\nplt.show()".to_owned(),
            1,
            false,
        ),
        (
            "import matplotlib.pyplot as plt\nplt.style.use('ggplot')\nplt.hist([1, 2, 2]);"
                .to_owned(),
            1,
            false,
        ),
    ] {
        let outcome = shown(&code);
        assert_eq!(outcome.displays.len(), count, "{code}: {outcome:#?}");
        for display in &outcome.displays {
            assert_eq!(display.main, main, "{code}");
            assert!(picture(display).len() > 1_000, "{code}");
            assert!(
                text(display, "text/plain").starts_with("<Figure size "),
                "{code}"
            );
        }
        assert_eq!(outcome.host_calls, count as u64, "{code}");
    }
}

/// A figure that is shown by name is closed; one that a turn leaves open lives on, and is
/// shown again when a later turn has changed it.
#[test]
fn a_figure_lives_on_until_it_is_shown_or_closed() {
    let mut session = session();
    let mut displays = |code: &str| run(&mut session, code).displays.len();
    assert_eq!(
        displays("import matplotlib.pyplot as plt\nplt.plot([1]);"),
        1
    );
    assert_eq!(displays("plt.get_fignums()"), 0);
    assert_eq!(displays("plt.title('later');"), 1);
    assert_eq!(
        displays("assert len(plt.gca().lines) == 1 and plt.gca().get_title() == 'later'"),
        0
    );
    assert_eq!(displays("plt.gca().lines[0].set_color('red');"), 1);
    assert_eq!(displays("plt.savefig('/tmp/a.png')"), 0);
    assert_eq!(displays("plt.show()"), 1);
    let outcome = run(&mut session, "plt.get_fignums()");
    assert_eq!(
        (outcome.value.as_deref(), outcome.displays.len()),
        (Some("[]"), 0)
    );
    // A figure of a turn that failed is shown with the failure.
    let outcome = run(&mut session, "plt.plot([1])\n1/0");
    assert_eq!(
        (
            outcome.displays.len(),
            outcome.error.unwrap().class.as_str()
        ),
        (1, "ZeroDivisionError")
    );
    let outcome = run(
        &mut session,
        "plt.savefig('/tmp/a.png')\nplt.close('all')\nopen('/tmp/a.png', 'rb').read(4)",
    );
    assert_eq!(
        (outcome.value.as_deref(), outcome.displays.len()),
        (Some("b'\\x89PNG'"), 0)
    );
    // The last few stay open.
    for _ in 0..15 {
        assert_eq!(
            run(&mut session, "plt.figure()\nplt.plot([1]);")
                .displays
                .len(),
            1
        );
    }
    let outcome = run(&mut session, "len(plt.get_fignums())");
    assert_eq!(
        (outcome.value.as_deref(), outcome.stderr.text.as_str()),
        (Some("10"), "")
    );
}

#[test]
fn display_shows_every_form() {
    let outcome = shown(
        "class R:\n    def _repr_html_(self): return '<b>h</b>'\n    def _repr_markdown_(self): return '*m*'\n    def _repr_latex_(self): return '$x$'\n    def _repr_svg_(self): return '<svg/>'\n    def _repr_json_(self): return {'a': [1]}\n    def _repr_png_(self): return b'\\x89PNG\\r\\n\\x1a\\n'\n    def __repr__(self): return 'plain'\nprint('before')\ndisplay(R(), 5, 'text')\nprint('after')",
    );
    assert_eq!(outcome.stdout.text, "before\nafter\n");
    let [rich, number, string] = outcome.displays.as_slice() else {
        panic!("{outcome:#?}")
    };
    for (mime, content) in [
        ("text/html", "<b>h</b>"),
        ("text/markdown", "*m*"),
        ("text/latex", "$x$"),
        ("image/svg+xml", "<svg/>"),
        ("application/json", "{\"a\": [1]}"),
        ("text/plain", "plain"),
    ] {
        assert_eq!(text(rich, mime), content);
    }
    assert_eq!(
        rich.data.get("image/png"),
        Some(&DisplayData::Bytes(PNG.to_vec()))
    );
    assert_eq!(
        (text(number, "text/plain"), text(string, "text/plain")),
        ("5", "'text'")
    );
}

#[test]
fn last_values_bring_their_rich_forms() {
    let outcome = shown("import pandas as pd\npd.DataFrame({'a': [1, 2]})");
    let [display] = outcome.displays.as_slice() else {
        panic!("{outcome:#?}")
    };
    assert!(display.main);
    assert!(text(display, "text/html").contains("<table"), "{display:?}");
    assert_eq!(Some(text(display, "text/plain")), outcome.value.as_deref());
    let outcome = shown("from PIL import Image\nImage.new('RGB', (4, 4), 'red')");
    let [display] = outcome.displays.as_slice() else {
        panic!("{outcome:#?}")
    };
    picture(display);
    assert!(shown("[1, 2]").displays.is_empty());
    assert!(
        shown("import pandas as pd\npd.DataFrame({'a': [1]});")
            .displays
            .is_empty()
    );
    let outcome = shown(
        "class B:\n    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/html': 'x', 'application/vnd.own+json': {'k': 1}, 'image/png': b'p'}\nB()",
    );
    let [display] = outcome.displays.as_slice() else {
        panic!("{outcome:#?}")
    };
    assert_eq!(text(display, "application/vnd.own+json"), "{\"k\": 1}");
}

#[test]
fn hostile_forms_do_no_harm() {
    for code in [
        "class H:\n    def _repr_html_(self): raise SystemExit(3)\nH()",
        "class H:\n    def _repr_html_(self): return 5\nH()",
        "class H:\n    def _repr_html_(self): return '\\ud800'\nH()",
        "class H:\n    def _repr_mimebundle_(self, **k): return {5: 6, None: 'x', 'a\\ud800': 'y'}\nH()",
        "class H:\n    def __getattr__(self, n): return lambda *a, **k: 'x'\nH()",
        "class H:\n    def _repr_png_(self): return bytes(20 * 2**20)\nH()",
        "class H:\n    def _repr_json_(self):\n        a = []\n        a.append(a)\n        return a\nH()",
        "class H:\n    def _repr_html_(self): return self._repr_html_()\nH()",
        "class H(dict):\n    _repr_html_ = property(lambda s: 1/0)\nH()",
    ] {
        let outcome = shown(code);
        assert!(outcome.value.is_some(), "{code}: {outcome:#?}");
    }
}

#[test]
fn turns_do_not_share_displays() {
    let mut session = session();
    assert_eq!(run(&mut session, "display(1)").displays.len(), 1);
    assert_eq!(run(&mut session, "pass").displays.len(), 0);
    assert_eq!(value_of(&mut session, "5"), "5");
    check_turns(&mut session, &[("display()", nothing())]);
}
