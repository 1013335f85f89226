//! The search attributes that orders carry: the server must know them before a worker uses them.

use std::{collections::HashMap, time::Duration};

use anyhow::{Result, bail};
use oms_domain::error::ErrorCode;
use oms_workflows::names::SEARCH_ATTRIBUTES;
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType,
    operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest},
};
use tonic::IntoRequest;

use crate::exit::Coded;

/// How long the server may take until it lists what was registered.
const LISTED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Names of the attributes that the namespace lacks.
///
/// # Errors
/// `unavailable` when the server does not answer.
pub async fn missing_search_attributes(client: &Client) -> Result<Vec<&'static str>> {
    let request = ListSearchAttributesRequest { namespace: client.namespace() };
    let answer = client.connection().operator_service().list_search_attributes(request.into_request()).await;
    let known = answer.map_err(refused)?.into_inner().custom_attributes;
    Ok(SEARCH_ATTRIBUTES.iter().map(|(name, _)| *name).filter(|name| !known.contains_key(*name)).collect())
}

/// Registers what the namespace lacks, and waits until it is known. Answers the names that were registered.
///
/// # Errors
/// `unavailable` when the server does not answer or refuses; when they are still not listed after 30 s.
pub async fn register_search_attributes(client: &Client) -> Result<Vec<&'static str>> {
    let missing = missing_search_attributes(client).await?;
    if missing.is_empty() {
        return Ok(missing);
    }
    let wanted = SEARCH_ATTRIBUTES.iter().filter(|(name, _)| missing.contains(name));
    let search_attributes =
        wanted.map(|(name, kind)| Ok(((*name).to_owned(), value_type(kind)? as i32))).collect::<Result<HashMap<_, _>>>()?;
    let request = AddSearchAttributesRequest { search_attributes, namespace: client.namespace() };
    client.connection().operator_service().add_search_attributes(request.into_request()).await.map_err(refused)?;
    let listed = async {
        while !missing_search_attributes(client).await?.is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(LISTED_WITHIN, listed).await {
        Ok(listed) => listed?,
        Err(_) => bail!(Coded::new(ErrorCode::TimedOut, "Temporal took the search attributes and does not list them yet")),
    }
    Ok(missing)
}

fn refused(status: tonic::Status) -> anyhow::Error {
    let message = format!("Temporal does not tell or take search attributes: {} {}", status.code(), status.message());
    Coded::new(ErrorCode::Unavailable, message).hint("does the namespace exist, and may this account administer it?").into()
}

fn value_type(kind: &str) -> Result<IndexedValueType> {
    Ok(match kind {
        "Bool" => IndexedValueType::Bool,
        "Datetime" => IndexedValueType::Datetime,
        "Keyword" => IndexedValueType::Keyword,
        "KeywordList" => IndexedValueType::KeywordList,
        other => bail!("no search attribute of the house is of type {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_of_the_house_has_a_type_the_server_knows() {
        for (name, kind) in SEARCH_ATTRIBUTES {
            assert!(value_type(kind).is_ok(), "{name} {kind}");
        }
    }
}
