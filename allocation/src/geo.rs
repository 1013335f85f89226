//! Places on the globe.

use serde::{Deserialize, Serialize};

/// Mean Earth radius, kilometres.
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

impl Position {
    /// Great-circle distance in kilometres, by the haversine, which stays exact for neighbours.
    pub fn distance_km(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let north = ((to - from) / 2.0).sin();
        let east = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let chord = north * north + from.cos() * to.cos() * east * east;
        // Rounding can lift antipodes a hair above 1, where the arc sine has no value.
        2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin()
    }

    /// Whether it is on the globe at all.
    pub fn is_valid(self) -> bool {
        (-90.0..=90.0).contains(&self.latitude) && (-180.0..=180.0).contains(&self.longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_agree_with_the_geometry_of_a_sphere() {
        let at = |latitude, longitude| Position { latitude, longitude };
        let quarter = EARTH_RADIUS_KM * std::f64::consts::FRAC_PI_2;
        assert!((at(0.0, 0.0).distance_km(at(90.0, 0.0)) - quarter).abs() < 1e-9);
        assert!((at(0.0, -90.0).distance_km(at(0.0, 90.0)) - 2.0 * quarter).abs() < 1e-9);
        // One degree of a meridian.
        assert!((at(50.0, 8.0).distance_km(at(51.0, 8.0)) - quarter / 90.0).abs() < 1e-9);
        assert_eq!(at(52.4, -1.5).distance_km(at(52.4, -1.5)), 0.0);
    }
}
