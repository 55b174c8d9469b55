//! Traces: what a collector gets of requests.

use crate::webhooks::target;
use crate::world::{World, eventually};
use memex_server::operations::traces::TraceSettings;
use serde_json::{Value, json};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn attribute<'s>(span: &'s Value, name: &str) -> &'s Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|one| one["key"] == name);
    &found.unwrap()["value"]
}

#[test]
fn a_request_is_a_span_of_the_trace_that_asks_for_it() {
    let world = World::new();
    let (address, got) = target(&[]);
    let settings = TraceSettings {
        endpoint: format!("http://{address}"),
        service: Some("test".to_owned()),
    };
    world.service.set_collector(Some(settings.build().unwrap()));
    let mut client = world.client("a");
    let asked = client
        .send(
            "GET",
            "/v1/sandboxes?metadata=secret%3D1",
            &[("traceparent", PARENT)],
            b"",
        )
        .expect(200);
    let told = asked.header("traceresponse").unwrap().to_owned();
    assert!(
        told.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{told}"
    );
    // One that nobody traces begins a trace; one that is not sampled is left out.
    client
        .get("/v1/sandboxes/aaaaaaaaaaaaaaaaaaaa")
        .problem(404, "not-found");
    let unsampled = PARENT.replace("-01", "-00");
    let left_out = client.send("GET", "/v1/tenant", &[("traceparent", &unsampled)], b"");
    assert_eq!(left_out.header("traceresponse"), None);
    eventually(|| !got.lock().unwrap().is_empty());
    std::thread::sleep(std::time::Duration::from_millis(700));
    let got = got.lock().unwrap();
    let spans: Vec<Value> = got
        .iter()
        .flat_map(|one| {
            assert_eq!(one.header("content-type"), "application/json");
            let told = one.json();
            let resource = &told["resourceSpans"][0];
            assert_eq!(
                resource["resource"]["attributes"][0]["value"]["stringValue"],
                "test"
            );
            resource["scopeSpans"][0]["spans"]
                .as_array()
                .unwrap()
                .clone()
        })
        .collect();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let [first, second] = &spans[..] else {
        unreachable!()
    };
    assert_eq!(first["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(first["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(
        told,
        format!(
            "00-0af7651916cd43dd8448eb211c80319c-{}-01",
            first["spanId"].as_str().unwrap()
        )
    );
    assert_eq!(
        attribute(first, "url.path"),
        &json!({"stringValue": "/v1/sandboxes"})
    );
    assert_eq!(
        attribute(first, "http.response.status_code"),
        &json!({"intValue": "200"})
    );
    assert!(!first.to_string().contains("secret"));
    let time = |name: &str| first[name].as_str().unwrap().parse::<u128>().unwrap();
    assert!(time("startTimeUnixNano") > 1_600_000_000_000_000_000);
    assert!(time("endTimeUnixNano") > time("startTimeUnixNano"));
    assert_ne!(second["traceId"], first["traceId"]);
    assert_eq!(second.get("parentSpanId"), None);
    assert_eq!(
        attribute(second, "http.response.status_code"),
        &json!({"intValue": "404"})
    );
}

#[test]
fn a_collector_that_is_not_there_costs_spans_and_nothing_else() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = taken.local_addr().unwrap();
    drop(taken);
    let settings = TraceSettings {
        endpoint: format!("http://{nowhere}"),
        ..TraceSettings::default()
    };
    world.service.set_collector(Some(settings.build().unwrap()));
    let mut client = world.client("a");
    client.get("/v1/sandboxes").expect(200);
    eventually(|| crate::webhooks::figure(&world, "memex_spans_dropped_total") >= 1);
    let wrong = TraceSettings {
        endpoint: "udp://collector".to_owned(),
        ..TraceSettings::default()
    };
    assert!(wrong.build().unwrap_err().contains("endpoint"));
}
