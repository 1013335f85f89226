//! The command line: nouns, then verbs.

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use uuid::Uuid;

#[cfg(feature = "export")]
use crate::export::ExportArgs;
use crate::{
    allocate::{AllocateArgs, RulesCommand},
    client::{
        Api, account::AccountCommand, adapter::AdapterCommand, allocation::AllocationCommand, approval::ApprovalCommand, bulk::BulkCommand,
        claim::ClaimCommand, customer::CustomerCommand, endpoint::EndpointCommand, event::EventCommand, exchange::ExchangeCommand,
        facility::FacilityCommand, feed::FeedCommand, find::FindArgs, fulfillment::FulfillmentCommand, inbox::InboxCommand,
        inlet::InletCommand, insights::InsightsCommand, mapping::MappingCommand, open::OpenArgs, order::OrderCommand,
        person::PersonCommand, product::ProductCommand, promise::PromiseArgs, raw::RawArgs, returns::ReturnCommand,
        station::StationCommand, stock::StockCommand,
    },
    commands::{doctor::DoctorArgs, repair::RepairArgs, server::ServerArgs, setup::SetupArgs, worker::WorkerArgs},
    config::{ApiLayer, ConfigFile, FileArgs},
    deploy::DeployArgs,
    exit::EXIT_CODES,
    output::Format,
    replay::ReplayArgs,
    simulate::SimulateArgs,
    telemetry,
};
#[cfg(feature = "dev")]
use crate::{
    bench::BenchArgs,
    commands::{dev::DevArgs, simulators::SimulatorsArgs},
    demo::DemoArgs,
};

/// Order management on Temporal: places orders, finds their stock, has them paid, shipped and delivered.
#[derive(Debug, Parser)]
#[command(name = "oms", version, max_term_width = 120, after_help = EXIT_CODES)]
pub struct Cli {
    /// How data is printed on standard output; everything else goes to standard error.
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    api: ApiLayer,
    /// Have what this call does happen once, however often it is given: the key that is printed when an answer is lost [default: made up].
    #[arg(long, global = true, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine: databases, Temporal with its UI, simulators, worker and API.
    #[cfg(feature = "dev")]
    #[command(after_help = "Example:\n  oms dev --time-scale 3600")]
    Dev(Box<DevArgs>),
    /// Replay real orders on the whole system, from entry to delivered, and count what became of them.
    #[cfg(feature = "dev")]
    #[command(after_help = "Example:\n  oms demo --data ../shared/data/online-retail --orders 700")]
    Demo(Box<DemoArgs>),
    /// Measure the system beside its yardsticks, and say whether it keeps its bounds.
    #[cfg(feature = "dev")]
    #[command(after_help = "Example:\n  oms bench orders reserve --data ../shared/data/online-retail")]
    Bench(Box<BenchArgs>),
    /// Run the simulated payment gateway and carrier alone, for an installation whose other parts run elsewhere.
    #[cfg(feature = "dev")]
    #[command(after_help = "Example:\n  oms simulators --events-url http://127.0.0.1:8080/v1/carrier-events")]
    Simulators(SimulatorsArgs),
    /// Run a worker: orders' workflows and activities.
    #[command(after_help = "Example:\n  oms worker --queues orders,data")]
    Worker(Box<WorkerArgs>),
    /// Run the HTTP API.
    #[command(after_help = "Example:\n  oms server --http-addr 0.0.0.0:8080")]
    Server(Box<ServerArgs>),
    /// Bring the databases and Temporal to what this version needs: migrations, functions, table, search attributes.
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://oms@db/oms oms setup")]
    Setup(Box<SetupArgs>),
    /// Roll a build of the workflows out: see which builds have orders, send new orders to one, drain another.
    #[command(after_help = "Example:\n  oms deploy set-current 1.4.0-9f31c2a && oms deploy drain")]
    Deploy(Box<DeployArgs>),
    /// Replay histories of orders with this build, and say which would go another way than they went: the gate of a rollout.
    #[command(after_help = "Example:\n  oms replay --sample 200 --status running")]
    Replay(Box<ReplayArgs>),
    /// Look at every part and say what to do.
    #[command(after_help = "Example:\n  oms doctor --reconcile -o json")]
    Doctor(Box<DoctorArgs>),
    /// Bring the books of PostgreSQL, DynamoDB and Temporal together again after one of them was restored or a run was lost; says what it would do.
    #[command(after_help = "Example:\n  oms repair\n  oms repair --apply")]
    Repair(Box<RepairArgs>),
    /// Find whatever is called so: orders, parcels, returns, products, facilities.
    Find(FindArgs),
    /// Place orders, look at them, cancel and hold them.
    Order(Noun<OrderCommand>),
    /// Look at a customer: their orders, their returns, what they ordered for.
    Customer(Noun<CustomerCommand>),
    /// Ask what could be promised for a basket: from where, when and at what cost.
    #[command(after_help = "Example:\n  oms promise 85123A=6 71053=2 --country GB --at 53.80,-1.55")]
    Promise(PromiseArgs),
    /// Cancel, hold, release or move many orders at once, batch by batch.
    Bulk(Noun<BulkCommand>),
    /// Work on fulfillment orders: accept, pick, pack, ship, deliver.
    Fulfillment(Noun<FulfillmentCommand>),
    /// Take goods back: ask, approve, receive, judge, refund.
    Return(Noun<ReturnCommand>),
    /// Pay back units that do not come back.
    Claim(Noun<ClaimCommand>),
    /// Send other goods for units that come back.
    Exchange(Noun<ExchangeCommand>),
    /// Import facilities, products, stock, receipts and orders from files.
    Feed(Noun<FeedCommand>),
    /// Look at stock, count it and correct it.
    Stock(Noun<StockCommand>),
    /// Look at facilities and change them.
    Facility(Noun<FacilityCommand>),
    /// Look at products and change them.
    Product(Noun<ProductCommand>),
    /// Read what happens to all orders.
    Event(Noun<EventCommand>),
    /// Read figures on orders, and which orders they count.
    Insights(Noun<InsightsCommand>),
    /// Write rows as Parquet, by table and day, for an analysts' own store; run again, it writes what is new or has changed.
    #[cfg(feature = "export")]
    #[command(after_help = "Example:\n  oms export all --from 2026-11-01 --to 2026-11-30 /srv/lake")]
    Export(Box<ExportArgs>),
    /// Call the API as it is: any method and path, with the key, the bounds and the errors of the other commands.
    #[command(after_help = "Example:\n  oms api GET '/v1/orders?status=processing&limit=5'\n  oms api POST /v1/orders -d @order.json")]
    Api(RawArgs),
    /// Open an order's run in the Temporal UI.
    #[command(after_help = "Example:\n  oms open 536365")]
    Open(OpenArgs),
    /// Say where events are sent, and see what became of them there.
    Endpoint(Noun<EndpointCommand>),
    /// Say from whom messages are taken, and see what became of them.
    Inlet(Noun<InletCommand>),
    /// Say who may come in: accounts, their roles and their keys.
    Account(Noun<AccountCommand>),
    /// Let through what others may not do by themselves.
    Approval(Noun<ApprovalCommand>),
    /// Say which people may come in: what they may, and their invitations.
    Person(Noun<PersonCommand>),
    /// Look at companies outside and what waits for them; pause them, resume them, drain them.
    Adapters(Noun<AdapterCommand>),
    /// Enrol places of work that people take over by badge and PIN.
    Station(Noun<StationCommand>),
    /// Look at messages that orders could not be told, and have them tried again.
    Inbox(Noun<InboxCommand>),
    /// Decide about all orders at once: the pool that is not released yet, the stock's prices.
    Allocation(Noun<AllocationCommand>),
    /// Solve an allocation problem from a file.
    #[command(after_help = "Example:\n  oms allocate --problem problem.json -o json")]
    Allocate(AllocateArgs),
    /// Replay recorded orders under policies of allocation, and see what each would have cost.
    #[command(after_help = "Example:\n  oms simulate --data ../shared/data/online-retail --policy nearest,exact --out figures")]
    Simulate(SimulateArgs),
    /// Check the rule files of the allocation.
    Rules {
        #[command(subcommand)]
        verb: RulesCommand,
    },
    /// Try tables of columns for foreign files.
    Mapping {
        #[command(subcommand)]
        verb: MappingCommand,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  oms completion bash > ~/.local/share/bash-completion/completions/oms")]
    Completion { shell: Shell },
}

/// A noun whose verbs are clients of the HTTP API.
#[derive(Debug, Args)]
struct Noun<V: Subcommand> {
    #[command(subcommand)]
    verb: V,
}

/// Who to ask, and under which key.
struct Asking {
    api: ApiLayer,
    idempotency_key: Option<String>,
}

impl Asking {
    fn open(self, file: ConfigFile) -> Result<Api> {
        let given = self.idempotency_key.is_some();
        let key = self.idempotency_key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let mut words: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
        if !given {
            words.extend(["--idempotency-key".to_owned(), key.clone()]);
        }
        let api = self.api.over(file.client);
        Ok(Api::new(&api.url())?.showing(api.key()).keyed(key, words.join(" ")))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Does what the command line says.
///
/// # Errors
/// What went wrong; [`crate::exit`] gives it its exit code and its words.
pub async fn run(cli: Cli) -> Result<()> {
    let file = cli.file.read()?;
    telemetry::start(file.log_format, cli.command.default_log_filter())?;
    let asking = Asking { api: cli.api, idempotency_key: cli.idempotency_key };
    cli.command.run(file, asking, cli.output).await
}

impl Cli {
    /// How this call prints, also what went wrong.
    pub fn format(&self) -> Format {
        self.output
    }
}

impl Command {
    /// Services say what they do; commands for people only what went wrong.
    fn default_log_filter(&self) -> &'static str {
        match self {
            Self::Worker(_) | Self::Server(_) => "info,temporalio_sdk_core=warn,temporalio_client=warn",
            #[cfg(feature = "dev")]
            Self::Simulators(_) => "info",
            // What the SDK says of a run that would go another way, the report says in a line.
            Self::Replay(_) => "warn,temporalio_sdk=off,temporalio_sdk_core=off",
            // The embedded DynamoDB warns of every condition that does not hold, which ours are there for.
            _ => "warn,dynoxide=error",
        }
    }

    async fn run(self, file: ConfigFile, asking: Asking, format: Format) -> Result<()> {
        match self {
            #[cfg(feature = "dev")]
            Self::Dev(args) => args.run(file, asking.api, format).await,
            #[cfg(feature = "dev")]
            Self::Demo(args) => args.run(format).await,
            #[cfg(feature = "dev")]
            Self::Bench(args) => args.run(format).await,
            #[cfg(feature = "dev")]
            Self::Simulators(args) => args.run().await,
            Self::Worker(args) => args.run(file).await,
            Self::Server(args) => args.run(file).await,
            Self::Setup(args) => args.run(file, format).await,
            Self::Deploy(args) => args.run(file, format).await,
            Self::Replay(args) => args.run(file, format).await,
            Self::Doctor(args) => args.run(file, format).await,
            Self::Repair(args) => args.run(file, format).await,
            #[cfg(feature = "export")]
            Self::Export(args) => args.run(file, format).await,
            Self::Allocate(args) => args.run(format),
            Self::Simulate(args) => args.run(format),
            Self::Rules { verb } => verb.run(format),
            Self::Mapping { verb } => verb.run(format),
            Self::Completion { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "oms", &mut std::io::stdout());
                Ok(())
            }
            noun => noun.ask(&asking.open(file)?, format).await,
        }
    }

    async fn ask(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Find(args) => args.run(api, format).await,
            Self::Order(noun) => noun.verb.run(api, format).await,
            Self::Customer(noun) => noun.verb.run(api, format).await,
            Self::Promise(basket) => basket.run(api, format).await,
            Self::Bulk(noun) => noun.verb.run(api, format).await,
            Self::Fulfillment(noun) => noun.verb.run(api, format).await,
            Self::Return(noun) => noun.verb.run(api, format).await,
            Self::Claim(noun) => noun.verb.run(api, format).await,
            Self::Exchange(noun) => noun.verb.run(api, format).await,
            Self::Feed(noun) => noun.verb.run(api, format).await,
            Self::Stock(noun) => noun.verb.run(api, format).await,
            Self::Facility(noun) => noun.verb.run(api, format).await,
            Self::Product(noun) => noun.verb.run(api, format).await,
            Self::Event(noun) => noun.verb.run(api, format).await,
            Self::Insights(noun) => noun.verb.run(api, format).await,
            Self::Api(call) => call.run(api, format).await,
            Self::Open(args) => args.run(api, format).await,
            Self::Endpoint(noun) => noun.verb.run(api, format).await,
            Self::Inlet(noun) => noun.verb.run(api, format).await,
            Self::Account(noun) => noun.verb.run(api, format).await,
            Self::Approval(noun) => noun.verb.run(api, format).await,
            Self::Person(noun) => noun.verb.run(api, format).await,
            Self::Adapters(noun) => noun.verb.run(api, format).await,
            Self::Station(noun) => noun.verb.run(api, format).await,
            Self::Inbox(noun) => noun.verb.run(api, format).await,
            Self::Allocation(noun) => noun.verb.run(api, format).await,
            // `run` has dealt with the others.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let words = ["oms", "--reason", "came late", "it's", "", "$HOME"].map(quoted);
        assert_eq!(words.join(" "), r"oms --reason 'came late' 'it'\''s' '' '$HOME'");
    }
}
