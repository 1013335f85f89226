//! The commands that a production installation is made of, each in a process of its own.

use nix::sys::signal::Signal;
use oms_devstack::{DataDir, Progress, Stack, StackOptions, Tools};
use secrecy::ExposeSecret;

use crate::run::{Service, eventually, run_in};

/// Databases and a Temporal that knows no search attributes, as an operator finds them.
async fn stack() -> Stack {
    let cache = std::env::var_os("OMS_CACHE_DIR").map(Into::into).or_else(|| dirs::cache_dir().map(|folder| folder.join("oms")));
    let tools = Tools::new(cache.expect("a cache folder"), Progress::on_stderr());
    Stack::start(StackOptions { data: DataDir::Ephemeral, ..StackOptions::ephemeral(tools) }).await.expect("a stack")
}

/// An address that is free now.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().to_string()
}

fn env(stack: &Stack, api: &str, [gateway, carrier, fraud]: [&str; 3]) -> Vec<(String, String)> {
    let variables = [
        ("OMS_API", api),
        ("OMS_PRIVACY_KEY", "a key of this test"),
        ("OMS_PAYLOAD_KEYS", "k1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("OMS_PAYMENT_GATEWAY_URL", gateway),
        ("OMS_CARRIER_URL", carrier),
        ("OMS_FRAUD_URL", fraud),
        ("OMS_FRAUD_CHECK", "true"),
        ("DATABASE_URL", stack.database_url.expose_secret()),
        ("TEMPORAL_ADDRESS", &stack.temporal_address),
        ("AWS_ENDPOINT_URL_DYNAMODB", &stack.dynamodb_endpoint),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_REGION", "eu-west-1"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn set_up_then_worker_and_server_carry_an_order_and_stop_when_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stack = runtime.block_on(stack());
    let address = free_address();
    let [gateway, carrier, fraud] = [free_address(), free_address(), free_address()];
    let outside = [&gateway, &carrier, &fraud].map(|address| format!("http://{address}"));
    let env = env(&stack, &format!("http://{address}"), outside.each_ref().map(String::as_str));
    let oms = |args: &[&str], input: &str| run_in(&env, args, input);

    let refused = oms(&["worker"], "");
    assert!(refused.exits(6).stderr.contains("run `oms setup` once"), "{}", refused.stderr);
    assert!(oms(&["setup"], "").ok().stdout.contains("search attributes registered: OrderStatus"));
    assert!(oms(&["setup"], "").ok().stdout.contains("search attributes were there already"));
    assert!(oms(&["doctor"], "").exits(6).stdout.contains("nobody serves the task queues"));

    let events_url = format!("http://{address}/v1/carrier-events");
    let simulators = ["--gateway-addr", &gateway, "--carrier-addr", &carrier, "--fraud-addr", &fraud, "--events-url", &events_url];
    let simulators = [&["simulators"], &simulators[..]].concat();
    let mut simulators = Service::start(&[], &simulators);
    // Two workers share the queues between them.
    let metrics = free_address();
    let mut first = Service::start(&env, &["worker", "--queues", "orders,data", "--metrics-addr", &metrics]);
    let mut second = Service::start(&env, &["worker", "--queues", "relations,payments,fraud,shipping,bulk"]);
    let mut server = Service::start(&env, &["server", "--http-addr", &address]);
    eventually("health", || (oms(&["doctor"], "").code == 0).then_some(()));
    for (kind, csv) in [
        ("facilities", include_str!("../../samples/facilities.csv")),
        ("products", include_str!("../../samples/products.csv")),
        ("stock", include_str!("../../samples/stock.csv")),
    ] {
        oms(&["feed", "import", kind, "-"], csv).ok();
    }
    let order = oms(&["order", "example", "--id", "p-1"], "").ok().stdout.clone();
    let placed = oms(&["order", "place", "-f", "-", "--wait", "20", "-o", "json"], &order).json();
    assert_eq!(placed["status"], "processing", "{placed:#}");
    assert_eq!(oms(&["fulfillment", "ship", "p-1-F1", "-o", "json"], "").json()["status"], "shipped");
    oms(&["fulfillment", "deliver", "p-1-F1"], "").ok();
    eventually("completion", || (oms(&["order", "get", "p-1", "-o", "json"], "").json()["status"] == "completed").then_some(()));
    let seen = oms(&["order", "events", "p-1"], "").ok().stdout.clone();
    assert!(seen.contains("screening_answered"), "{seen}");
    oms(&["doctor", "--reconcile"], "").ok();
    let figures = |address: &str| {
        let got = runtime.block_on(async { reqwest::get(format!("http://{address}/metrics")).await?.text().await });
        got.unwrap_or_else(|error| panic!("{address}: {error}"))
    };
    assert!(figures(&metrics).contains("temporal_workflow_completed"), "{}", figures(&metrics));
    let (shipped, waits) = (r#"route="/v1/fulfillment-orders/{fulfillment_order_id}/{action}""#, r#"oms_backlog{kind="waiting_units"} 0"#);
    assert!([shipped, waits].iter().all(|figure| figures(&address).contains(figure)), "{}", figures(&address));

    for service in [&mut server, &mut first, &mut second, &mut simulators] {
        assert_eq!(service.end(Signal::SIGTERM).code(), Some(0), "{}", service.log());
    }
    runtime.block_on(stack.stop()).unwrap();
}
