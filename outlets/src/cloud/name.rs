//! What of Amazon's services is named by endpoints and inlets, and what of it the operator lets them name: whoever may make an endpoint is not
//! thereby let into every queue that the servers may read.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// Longest name of a bucket or a resource, with room to spare.
const NAME_MAX_CHARS: usize = 1_000;

/// Where events go, or messages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudName {
    /// An event bus of EventBridge.
    Bus(Arn),
    /// A queue of SQS.
    Queue(Arn),
    /// Objects of S3 under a prefix.
    Files { bucket: String, prefix: String },
}

/// The parts that matter of an Amazon Resource Name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    pub region: String,
    pub account: String,
    /// Of the bus or the queue.
    pub name: String,
}

/// Why a name is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedName {
    #[error("must be the ARN of an event bus, as in arn:aws:events:eu-west-1:123456789012:event-bus/orders")]
    NoBus,
    #[error("must be the ARN of a queue, as in arn:aws:sqs:eu-west-1:123456789012:orders, or a place of files, as in s3://bucket/stock/")]
    NoSource,
    #[error("is not among what OMS_CLOUD_NAMES lists")]
    NotListed,
}

impl FromStr for CloudName {
    type Err = RefusedName;

    fn from_str(text: &str) -> Result<Self, RefusedName> {
        if text.chars().count() > NAME_MAX_CHARS {
            return Err(RefusedName::NoSource);
        }
        if let Some((bucket, prefix)) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            let is_plain = !bucket.is_empty() && bucket.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
            return if is_plain {
                Ok(Self::Files { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            } else {
                Err(RefusedName::NoSource)
            };
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = parts.as_slice() else { return Err(RefusedName::NoSource) };
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if *arn != "arn" || ![partition, region, account].into_iter().all(|part| is_word(part)) {
            return Err(RefusedName::NoSource);
        }
        let arn = |name: &str| Arn { region: (*region).to_owned(), account: (*account).to_owned(), name: name.to_owned() };
        match (*service, resource.strip_prefix("event-bus/")) {
            ("events", Some(name)) if is_word(name) => Ok(Self::Bus(arn(name))),
            ("sqs", None) if is_word(resource) => Ok(Self::Queue(arn(resource))),
            _ => Err(RefusedName::NoSource),
        }
    }
}

/// What may be named: ARNs and `s3://` places, each whole or with `*` at its end for whatever follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CloudNames(Vec<String>);

/// A text is no list of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} names nothing: expected something like arn:aws:sqs:eu-west-1:123456789012:oms-* or s3://bucket/in/*, several separated by commas"
)]
pub struct InvalidCloudNames(String);

impl CloudNames {
    pub(super) fn have(&self, name: &str) -> bool {
        self.0.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == known,
        })
    }
}

impl FromStr for CloudNames {
    type Err = InvalidCloudNames;

    fn from_str(text: &str) -> Result<Self, InvalidCloudNames> {
        let name = |part: &str| {
            let is_name = part.starts_with("arn:") || part.starts_with("s3://");
            if is_name { Ok(part.to_owned()) } else { Err(InvalidCloudNames(part.to_owned())) }
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(name).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for CloudNames {
    type Error = InvalidCloudNames;

    fn try_from(text: String) -> Result<Self, InvalidCloudNames> {
        text.parse()
    }
}

impl fmt::Display for CloudNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buses_queues_and_places_of_files_are_told_apart() {
        let arn = |name: &str| Arn { region: "eu-west-1".into(), account: "123456789012".into(), name: name.into() };
        let read = |text: &str| text.parse::<CloudName>();
        assert_eq!(read("arn:aws:events:eu-west-1:123456789012:event-bus/orders"), Ok(CloudName::Bus(arn("orders"))));
        assert_eq!(read("arn:aws:sqs:eu-west-1:123456789012:orders.fifo"), Ok(CloudName::Queue(arn("orders.fifo"))));
        assert_eq!(read("s3://shop/in/stock"), Ok(CloudName::Files { bucket: "shop".into(), prefix: "in/stock".into() }));
        for wrong in
            ["", "s3://shop", "s3:///x", "arn:aws:sns:eu-west-1:1:x", "arn:aws:sqs:eu west:1:x", "arn:aws:events:eu-west-1:1:rule/x"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_listed_may_be_named_and_nothing_else() {
        let names: CloudNames = "arn:aws:sqs:eu-west-1:1:in-*, s3://shop/in/".parse().unwrap();
        assert!(names.have("arn:aws:sqs:eu-west-1:1:in-orders") && names.have("s3://shop/in/"));
        assert!(!names.have("arn:aws:sqs:eu-west-1:1:payroll") && !names.have("s3://shop/in/stock") && !CloudNames::default().have(""));
        assert!("https://sqs.example/1/in".parse::<CloudNames>().is_err());
    }
}
