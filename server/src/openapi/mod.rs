//! The description of the API: OpenAPI 3.1, collected from the handlers.

mod shaping;

use std::sync::LazyLock;

use axum::Json;
use oms_api::problem::{PROBLEM_JSON, Problem};
use oms_domain::public_event::{PublicType, example, schema};
use serde_json::{Map, Value, json};
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    doors::{BEARER, operations},
    routes,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Order management",
        description = "Places orders, fulfills them from warehouses and stores, and tells what became of each unit. Every error is a problem \
                       document (RFC 9457) with a stable code. Every POST takes an Idempotency-Key: the same request again gets the first answer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "orders", description = "Placing, reading, cancelling and holding orders"),
        (name = "bulk", description = "One operation on many orders"),
        (name = "fulfillment", description = "What associates in warehouses and stores do"),
        (name = "returns", description = "Goods that come back, and what becomes of them"),
        (name = "allocation", description = "Deciding about all orders at once"),
        (name = "stock", description = "Facilities, products, stock and what is available"),
        (name = "feeds", description = "Files from other systems"),
        (name = "attention", description = "What only a person can put right"),
        (name = "events", description = "What happened"),
        (name = "insights", description = "Figures on orders, seconds old, and the very orders they count"),
        (name = "carriers", description = "What carriers report"),
        (name = "adapters", description = "Companies outside: whether they are asked, what waits for them, and what they say unasked"),
        (name = "approvals", description = "What a second person lets through, and how much the first one may give away"),
        (name = "accounts", description = "Who may come in, and what was done that is no event of an order"),
        (name = "health", description = "Probes")
    )
)]
struct Description;

/// How callers say who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let about = "A key of an account, as `Authorization: Bearer oms_<key id>_<secret>`. `x-permission` says what an operation needs; \
                     roles hold permissions.";
        let scheme = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("oms_<key id>_<secret>").description(Some(about)).build();
        document.components.get_or_insert_default().add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// The whole description.
pub fn openapi() -> Value {
    let mut document = Description::openapi();
    let published = [routes::published(), routes::entrance(), routes::streamed(), routes::probes()];
    for doors in [routes::placing(), routes::commands(), routes::small()].into_iter().chain(published) {
        document.merge(doors.into_openapi());
    }
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations) {
        answers_with_problems(operation);
    }
    // A tree of texts: it cannot fail to be JSON.
    let mut document = shaping::shaped(serde_json::to_value(document).unwrap_or_default());
    document["webhooks"] = PublicType::ALL.iter().map(|kind| (kind.name().to_owned(), webhook(*kind))).collect::<Map<_, _>>().into();
    document
}

/// What others are told of an event of this type, as they are sent it.
fn webhook(kind: PublicType) -> Value {
    let content = json!({"application/json": {"schema": schema(kind), "example": example(kind)}});
    json!({"post": {
        "operationId": kind.name(),
        "tags": ["events"],
        "description": kind.about(),
        "requestBody": {"required": true, "content": content},
        "responses": {"2XX": {"description": "It was taken. Any other answer has it sent again"}},
    }})
}

/// Whatever is not listed is a problem document.
fn answers_with_problems(operation: &mut Operation) {
    let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
    let response = ResponseBuilder::new()
        .description("A problem document: `code` says which, `errors` name the fields")
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
}

#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "This description", body = Value)))]
pub(crate) async fn document() -> Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi);
    Json(&DOCUMENT)
}
