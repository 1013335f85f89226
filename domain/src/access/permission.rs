//! What can be allowed. Every route names one.

use crate::kinds::named;

named! {
    /// One thing that somebody may do. The name is shown in refusals and in the description of the API.
    Permission {
        AskPromises = "ask_promises",
        ReserveStock = "reserve_stock",
        PlaceOrders = "place_orders",
        /// Says that an order was paid elsewhere: the house asks for no money then.
        PayElsewhere = "pay_elsewhere",
        /// One order by its id, with what names its customer.
        ReadOrders = "read_orders",
        /// Lists of them.
        FindOrders = "find_orders",
        /// Looks for what is called so, of the kinds that they may read.
        Find = "find",
        CancelOrders = "cancel_orders",
        ChangeOrders = "change_orders",
        HoldOrders = "hold_orders",
        NoteOrders = "note_orders",
        /// Answers what an order asks of people.
        DecideOrders = "decide_orders",
        ExtendDeadlines = "extend_deadlines",
        RefundOrders = "refund_orders",
        /// Lets through what is above others' limits.
        DecideApprovals = "decide_approvals",
        /// Says how much may be given away.
        ManageLimits = "manage_limits",
        TakePayments = "take_payments",
        /// Says what became of a payment that nobody knows of.
        ResolvePayments = "resolve_payments",
        ReadReturns = "read_returns",
        OpenReturns = "open_returns",
        DecideReturns = "decide_returns",
        ReceiveReturns = "receive_returns",
        OpenClaims = "open_claims",
        DecideClaims = "decide_claims",
        StartExchanges = "start_exchanges",
        HandleAttention = "handle_attention",
        HandleDeadLetters = "handle_dead_letters",
        ReadFulfillment = "read_fulfillment",
        /// What is done where the goods are.
        WorkFulfillment = "work_fulfillment",
        /// Labels as documents: they name whom a parcel goes to.
        PrintLabels = "print_labels",
        /// Which facility does it, and when it may begin.
        PlanFulfillment = "plan_fulfillment",
        AllocateOrders = "allocate_orders",
        RunBulk = "run_bulk",
        ReadCatalog = "read_catalog",
        WriteProducts = "write_products",
        WriteFacilities = "write_facilities",
        ReadStock = "read_stock",
        WriteStock = "write_stock",
        ReadFeeds = "read_feeds",
        SendFeeds = "send_feeds",
        /// Lets a count through that changes more than it should.
        ApproveFeeds = "approve_feeds",
        ReadEvents = "read_events",
        ReadEndpoints = "read_endpoints",
        /// Has events sent again, and stops sending for a while.
        OperateEndpoints = "operate_endpoints",
        /// Says where events are sent, and from whom messages are taken.
        ManageEndpoints = "manage_endpoints",
        SendCarrierEvents = "send_carrier_events",
        /// Companies outside: whether they are asked, and what waits for them.
        ManageAdapters = "manage_adapters",
        ReadMetrics = "read_metrics",
        /// Figures on orders, and which orders they count. Nothing that names people.
        ReadInsights = "read_insights",
        /// Has all figures counted anew.
        RebuildInsights = "rebuild_insights",
        ReadAudit = "read_audit",
        ManageAccounts = "manage_accounts",
        ManagePeople = "manage_people",
        /// Stations of a facility, and the badges of those who work there.
        ManageStations = "manage_stations",
    }
}
