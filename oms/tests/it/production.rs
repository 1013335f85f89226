//! The commands that a production installation is made of, each in a process of its own.

use nix::sys::signal::Signal;
use oms_devstack::{DataDir, Progress, Stack, StackOptions, Tools};
use oms_domain::access::Role;
use oms_server::DeclaredAccount;
use oms_store::ApiKey;
use secrecy::ExposeSecret;

use crate::run::{Ran, Service, eventually, run_in};

/// Everything that the product's processes talk to.
pub struct Installation {
    runtime: tokio::runtime::Runtime,
    stack: Stack,
    address: String,
    outside: [String; 3],
    carrier: ApiKey,
    /// For the processes of the product.
    pub env: Vec<(String, String)>,
}

impl Installation {
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let stack = runtime.block_on(stack());
        let (address, outside) = (free_address(), [free_address(), free_address(), free_address()]);
        let urls = outside.each_ref().map(|address| format!("http://{address}"));
        let carrier = ApiKey::random();
        let env = env(&stack, &format!("http://{address}"), urls.each_ref().map(String::as_str), &carrier);
        Self { runtime, stack, address, outside, carrier, env }
    }

    /// Runs a command to its end.
    pub fn oms(&self, args: &[&str]) -> Ran {
        run_in(&self.env, args, "")
    }

    pub fn simulators(&self) -> Service {
        let [gateway, carrier, fraud] = &self.outside;
        let events_url = format!("http://{}/v1/carrier-events", self.address);
        let addresses = ["--gateway-addr", gateway, "--carrier-addr", carrier, "--fraud-addr", fraud, "--events-url", &events_url];
        let key = ("OMS_EVENTS_KEY".to_owned(), self.carrier.text().expose_secret().to_owned());
        Service::start(&[key], &[&["simulators"], &addresses[..]].concat())
    }

    /// The API, once it is ready.
    pub fn server(&self) -> Service {
        let server = Service::start(&self.env, &["server", "--http-addr", &self.address]);
        let ready = async || reqwest::get(format!("http://{}/readyz", self.address)).await.is_ok_and(|answer| answer.status().is_success());
        eventually("the server", || self.runtime.block_on(ready()).then_some(()));
        server
    }

    pub fn import_samples(&self) {
        for (kind, csv) in [
            ("facilities", include_str!("../../samples/facilities.csv")),
            ("products", include_str!("../../samples/products.csv")),
            ("stock", include_str!("../../samples/stock.csv")),
        ] {
            run_in(&self.env, &["feed", "import", kind, "-"], csv).ok();
        }
    }

    /// Places an order of one unit, and waits until a facility can work on it.
    pub fn place(&self, id: &str) {
        let order = self.oms(&["order", "example", "--id", id]).ok().stdout.clone();
        let placed = run_in(&self.env, &["order", "place", "-f", "-", "--wait", "20", "-o", "json"], &order).json();
        assert_eq!(placed["status"], "processing", "{placed:#}");
    }

    /// What `/metrics` at an address says.
    pub fn figures(&self, address: &str) -> String {
        let got = self.runtime.block_on(async {
            reqwest::Client::new().get(format!("http://{address}/metrics")).bearer_auth(self.key()).send().await?.text().await
        });
        got.unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// What this test shows the API.
    fn key(&self) -> &str {
        self.env.iter().find(|(name, _)| name == "OMS_API_KEY").map_or("", |(_, key)| key)
    }

    /// Stops the services, which must end well, then what they talked to.
    pub fn stop<const N: usize>(self, services: [Service; N]) {
        for mut service in services {
            assert_eq!(service.end(Signal::SIGTERM).code(), Some(0), "{}", service.log());
        }
        self.runtime.block_on(self.stack.stop()).unwrap();
    }
}

/// Databases and a Temporal that knows no search attributes, as an operator finds them.
async fn stack() -> Stack {
    let cache = std::env::var_os("OMS_CACHE_DIR").map(Into::into).or_else(|| dirs::cache_dir().map(|folder| folder.join("oms")));
    let tools = Tools::new(cache.expect("a cache folder"), Progress::on_stderr());
    Stack::start(StackOptions { data: DataDir::Ephemeral, ..StackOptions::ephemeral(tools) }).await.expect("a stack")
}

/// An address that is free now.
pub fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().to_string()
}

fn env(stack: &Stack, api: &str, [gateway, carrier, fraud]: [&str; 3], carriers: &ApiKey) -> Vec<(String, String)> {
    let key = ApiKey::random();
    let mut carrier_account = DeclaredAccount::of_all_roles("carrier".parse().unwrap(), carriers.hash());
    carrier_account.roles = [Role::Carrier].into();
    let accounts = [DeclaredAccount::of_all_roles("this-test".parse().unwrap(), key.hash()), carrier_account];
    let accounts = serde_json::to_string(&accounts).unwrap();
    let variables = [
        ("OMS_API", api),
        ("OMS_API_KEY", key.text().expose_secret()),
        ("OMS_ACCOUNTS", &accounts),
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

/// Makes an associate who knows of one facility alone, and shuts the door on them again.
fn the_first_admin_lets_others_in(installation: &Installation) {
    let with =
        |key: &str, args: &[&str]| run_in(&[&installation.env[..], &[("OMS_API_KEY".to_owned(), key.to_owned())]].concat(), args, "");
    let text = |ran: Ran, name: &str| ran.json()[name].as_str().expect("a text").to_owned();
    let admin = text(installation.oms(&["setup", "--admin-key", "first", "-o", "json"]), "admin_key");
    assert!(installation.oms(&["setup", "--admin-key", "second"]).exits(5).stderr.contains("there is an admin already"));
    let create = ["account", "create", "associate", "--role", "associate", "--facility", "NOWHERE", "-o", "json"];
    let account = text(with(&admin, &create), "account_id");
    let made = with(&admin, &["account", "key", "create", &account, "-o", "json"]).json();
    let (key, key_id) = (made["key"].as_str().expect("a key"), made["key_id"].as_str().expect("an id"));
    with(key, &["fulfillment", "list"]).ok();
    assert!(with(key, &["order", "list"]).exits(4).stderr.contains("find_orders"));
    assert!(with(&admin, &["order", "list"]).exits(4).stderr.contains("find_orders"), "an admin makes accounts and does no work");
    assert!(with(&admin, &["account", "get", &account]).ok().stdout.contains("facilities NOWHERE"));
    with(&admin, &["account", "key", "revoke", &account, key_id]).ok();
    eventually("its refusal", || (with(key, &["fulfillment", "list"]).code == 4).then_some(()));
    assert!(with(key, &["fulfillment", "list"]).exits(4).stderr.contains("A valid API key is needed"));
}

#[test]
fn set_up_then_worker_and_server_carry_an_order_and_stop_when_told() {
    let installation = Installation::start();
    let oms = |args: &[&str]| installation.oms(args);
    let refused = oms(&["worker"]);
    assert!(refused.exits(6).stderr.contains("run `oms setup` once"), "{}", refused.stderr);
    assert!(oms(&["setup"]).ok().stdout.contains("search attributes registered: OrderStatus"));
    assert!(oms(&["setup"]).ok().stdout.contains("search attributes were there already"));
    assert!(oms(&["doctor"]).exits(6).stdout.contains("nobody serves the task queues"));

    let simulators = installation.simulators();
    // Two workers share the queues between them.
    let (metrics, of_providers) = (free_address(), free_address());
    let first = Service::start(&installation.env, &["worker", "--queues", "orders,data", "--metrics-addr", &metrics]);
    let second = Service::start(
        &installation.env,
        &["worker", "--queues", "relations,payments,fraud,shipping,bulk", "--metrics-addr", &of_providers],
    );
    let server = installation.server();
    eventually("health", || (oms(&["doctor"]).code == 0).then_some(()));
    installation.import_samples();
    the_first_admin_lets_others_in(&installation);
    installation.place("p-1");
    assert_eq!(oms(&["fulfillment", "ship", "p-1-F1", "-o", "json"]).json()["status"], "shipped");
    oms(&["fulfillment", "deliver", "p-1-F1"]).ok();
    eventually("completion", || (oms(&["order", "get", "p-1", "-o", "json"]).json()["status"] == "completed").then_some(()));
    let seen = oms(&["order", "events", "p-1"]).ok().stdout.clone();
    assert!(seen.contains("screening_answered"), "{seen}");
    oms(&["doctor", "--reconcile"]).ok();
    let figures = installation.figures(&metrics);
    assert!(figures.contains("temporal_workflow_completed"), "{figures}");
    let figures = installation.figures(&of_providers);
    for (provider, operation) in [("payment", "authorize"), ("payment", "capture"), ("carrier", "book"), ("fraud", "screen")] {
        let labels = [format!("provider=\"{provider}\""), format!("operation=\"{operation}\""), "outcome=\"done\"".to_owned()];
        let is_of = |line: &str| line.starts_with("oms_provider_call_duration") && labels.iter().all(|label| line.contains(label));
        assert!(figures.lines().any(is_of), "{provider} {operation}: {figures}");
    }
    let (shipped, waits) = (r#"route="/v1/fulfillment-orders/{fulfillment_order_id}/ship""#, r#"oms_backlog{kind="waiting_units"} 0"#);
    let figures = installation.figures(&installation.address);
    assert!([shipped, waits].iter().all(|figure| figures.contains(figure)), "{figures}");
    installation.stop([server, first, second, simulators]);
}
