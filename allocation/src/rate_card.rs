//! What freight costs and how long it takes, by zone and service.

use serde::{Deserialize, Serialize};

/// How fast an order travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    Standard,
    Express,
}

/// Prices by zone, in the order in which zones are tried. Made by [`crate::Rules::parse`], which sees to it that each place falls into a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateCard {
    pub version: String,
    /// Express costs this share of standard: 180 is 1.8 times.
    pub express_percent: i64,
    pub zones: Vec<Zone>,
}

/// One row of the card. Its number is its place in the card, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub same_country: bool,
    /// None: any distance.
    pub max_km: Option<i64>,
    pub package_minor: i64,
    pub minor_per_kg: i64,
    pub standard_days: i64,
    pub express_days: i64,
}

/// What a consignment between two places costs and takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Freight {
    pub(crate) zone: usize,
    /// None: one of the places has no coordinates.
    pub(crate) distance_km: Option<f64>,
    pub(crate) package_milli: i64,
    pub(crate) weight_rate_milli_per_g: i64,
    pub(crate) transit_days: i64,
}

impl RateCard {
    /// Without a distance the last zone of its kind counts, the dearest: a place nobody knows is not taken for a near one.
    pub(crate) fn freight(&self, service: Service, same_country: bool, distance_km: Option<f64>) -> Option<Freight> {
        let mut zones = (1..).zip(&self.zones).filter(|(_, zone)| zone.same_country == same_country);
        let (number, zone) = match distance_km {
            Some(km) => zones.find(|(_, zone)| zone.max_km.is_none_or(|max| km <= max as f64)),
            None => zones.last(),
        }?;
        let percent = match service {
            Service::Standard => 100,
            Service::Express => self.express_percent,
        };
        Some(Freight {
            zone: number,
            distance_km,
            package_milli: zone.package_minor * 1000 * percent / 100,
            // A minor unit per kilogram is a thousandth of it per gram.
            weight_rate_milli_per_g: (zone.minor_per_kg * percent + 50) / 100,
            transit_days: match service {
                Service::Standard => zone.standard_days,
                Service::Express => zone.express_days,
            },
        })
    }
}
