//! The one room that knows SQL and DynamoDB.
//!
//! PostgreSQL decides: stock, reservations, versions, events, the projections that lists read. DynamoDB keeps the order's document, which
//! follows the events, and the order as placed. Concrete types and no traits: nothing else will ever stand behind them.
//!
//! Architecture invariant: every change of units is one call of one function in the database, in one transaction, and no row
//! lock is held while anything outside PostgreSQL is awaited. Rows cross this border as JSON in both directions, so that the
//! serde types below are the only description of them; scalars are bound as they are.

mod accounts;
mod api_key;
mod audit;
mod audit_seals;
mod authorizations;
mod backlog;
mod badge;
mod barcodes;
pub mod bench;
mod books;
mod bulk_results;
mod bulks;
mod carrier;
mod catalog;
mod changes;
mod closed_days;
mod combine;
mod config;
mod customers;
mod deliveries;
mod endpoints;
mod error;
mod exceptions;
mod export;
mod facility_addresses;
mod feed_batches;
mod feed_rows;
mod feeds;
mod find;
mod fulfillment_list;
mod functions;
mod gateway_events;
mod giving;
mod holds;
mod idempotency;
mod inbox;
mod inlet_messages;
mod inlets;
mod insights;
mod instruments;
mod intake;
mod invariants;
mod keyed;
mod labels;
mod lookups;
mod manifests;
mod months;
mod notes;
mod order_item;
mod order_list;
mod orders;
mod outbox;
mod pack_scans;
mod people;
mod picklists;
mod pickup_tries;
mod places;
mod pool;
mod promises;
mod protection;
mod providers;
mod prune;
mod public_events;
mod reach;
mod read_only;
mod recent;
mod record;
mod reserve;
mod returns;
mod scans_again;
mod sessions;
mod snapshots;
mod sourcing;
mod stations;
mod stock;
mod stock_movements;
mod stock_prices;
mod store;
mod sweep;
mod table;
mod texts;
mod timeline;
mod token;
mod waiting;
mod words;

pub use accounts::{ACCOUNT_PREFIX, Account, AccountKey, KeyRow, NewAccount};
pub use api_key::{ApiKey, InvalidKeyHash, KeyHash};
pub use audit::{AuditAction, AuditEntry, AuditFilter, AuditRow};
pub use audit_seals::AuditSeal;
pub use authorizations::Taken;
pub use backlog::{Backlog, QueueFigures};
pub use badge::BadgeCode;
pub use barcodes::{Barcode, Bin};
pub use books::{LastReconciliation, ListedOrder, OrderParts};
pub use bulk_results::BulkResult;
pub use bulks::{BULK_ORDERS_MAX, BulkIntake, BulkPreview, BulkRow, BulkTaken};
pub use carrier::{CarrierEvent, CarrierResult};
pub use catalog::{Catalog, FacilityBook, NumberedFacility};
pub use changes::Kept;
pub use closed_days::ClosedDay;
pub use config::{SnapshotGuard, StoreConfig};
pub use customers::{Customer, Ordered};
pub use deliveries::{
    Attempt as DeliveryAttempt, ClaimedEndpoint, ClaimedLane, Dead, HeldBack, MovedLane, Retry, Standing as HeldStanding, Work,
};
pub use endpoints::{
    DeadEvent, DeliveryRow, Endpoint, EndpointChange, EndpointFigures, EndpointSecret, EndpointState, NewEndpoint, Replay,
};
pub use error::StoreError;
pub use export::{EXPORT_TABLES, ExportKind, ExportRow, ExportTable, ExportedDay};
pub use feed_batches::FEED_BATCH_ROWS;
pub use feed_rows::{Facility, FeedRow, Product, Receipt, StockCount};
pub use feeds::{
    BatchResult, FacilityChange, FeedKind, FeedMode, FeedRun, Feeds, Parked, PickedUnits, PositionChange, RejectedRow, SnapshotChange,
    StartFeed,
};
pub use find::Found;
pub use fulfillment_list::{FulfillmentFilter, FulfillmentSummary, QueueCount};
pub use giving::{Approval, AskedGiving, GivingLimit};
pub use holds::{CheckoutHold, HeldUnits, Hold, HoldLine, Holding};
pub use idempotency::{Attempt, Begin, Idempotency, KeyedRequest, Standing, StoredAnswer};
pub use inbox::{DeadLetter, InboxMessage, Undelivered};
pub use inlet_messages::{Arrived, InletMessage, MessageSaid, MessageStatus, NewMessage};
pub use inlets::{Inlet, InletFigures, InletSecret, NewInlet};
pub use insights::{
    CountedOrder, CountedPage, CountedTotal, Freshness, Held, InWork, InsightSums, InsightsFilter, InsightsRound, LiveFigures, Since,
    SplitBy,
};
pub use instruments::{Instrument, InstrumentSecrets};
pub use intake::{Intake, IntakeRow, KeyedIntake, PlacingKey};
pub use invariants::Invariants;
pub use labels::{LabelDocument, LabelPrint};
pub use manifests::{HandoverScan, Manifest, ManifestParcel, WaitingParcel};
pub use notes::NotePut;
pub use order_list::{OrderFilter, OrderName, OrderSummary, Page};
pub use orders::Document;
pub use outbox::{EVENTS_END, EVENTS_RESTORED, EventFilter, EventsPage, LANES, OutboxEvent, position_key};
pub use pack_scans::PackSession;
pub use people::{NewPerson, PERSON_PREFIX, Person, PersonChange};
pub use picklists::{Picklist, PicklistPart};
pub use pickup_tries::{CodeTries, CodeTry};
pub use places::Places;
pub use pool::Unreleased;
pub use promises::Promise;
pub use protection::{Guard, Protection};
pub use providers::{Provider, ProviderOrders, ProviderReport, ProviderWait};
pub use prune::Pruned;
pub use public_events::{PlacedEvent, PublicFilter, PublicPage};
pub use reach::OrderReach;
pub use record::{FulfillmentRow, OrderRow, ParcelRow, Record, Recorded, RecordedEvent, StockTarget};
pub use reserve::{CapacityDay, Decision, Exclusion, FullFacility, Position, Reserve, Reserved, StockMark, Waiting};
pub use returns::{RestockedGoods, ReturnFilter, ReturnLabel, ReturnRecord, ReturnSummary};
pub use sessions::{LoginTry, Session};
pub use stations::{Badge, NewStation, Station};
pub use stock::{Adjustment, AdjustmentReason, AdjustmentResult, Availability, Available, StockPosition};
pub use stock_movements::StockMovement;
pub use stock_prices::{Demand, SkuDemand, StockPrice, WantedUnits};
pub use store::Store;
pub use sweep::PendingIntake;
pub use timeline::Timeline;
pub use token::{Token, TokenKind};
pub use waiting::{FacilitySet, SweptWaiting};
