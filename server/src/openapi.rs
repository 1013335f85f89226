//! The description of the API: OpenAPI 3.1, collected from the handlers.

use std::sync::LazyLock;

use axum::Json;
use oms_api::problem::{PROBLEM_JSON, Problem};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder, path::Operation},
};

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Order management",
        description = "Places orders, fulfills them from warehouses and stores, and tells what became of each unit. Every error is a problem \
                       document (RFC 9457) with a stable code. Every POST takes an Idempotency-Key: the same request again gets the first answer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
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
        (name = "carriers", description = "What carriers report"),
        (name = "health", description = "Probes")
    )
)]
struct Description;

/// The whole description.
pub fn openapi() -> Document {
    let mut document = Description::openapi();
    for router in [routes::small(), routes::streamed(), routes::probes()] {
        document.merge(router.into_openapi());
    }
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(answers_with_problems);
    }
    document
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

#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "This description", body = serde_json::Value)))]
pub(crate) async fn document() -> Json<&'static Document> {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(openapi);
    Json(&DOCUMENT)
}
