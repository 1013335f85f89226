//! Where the generated facilities stand and the generated customers live. Coordinates are rounded to a kilometre or so.

/// A city: name, country, latitude, longitude, and how many of a hundred customers live there.
pub(super) struct City {
    pub name: &'static str,
    pub country: &'static str,
    pub latitude: f64,
    pub longitude: f64,
    pub customers: f64,
}

/// A facility: its id, its city, and the zone of its clock.
pub(super) struct Site {
    pub facility_id: &'static str,
    pub city: usize,
    pub is_store: bool,
    pub timezone: &'static str,
}

const fn city(name: &'static str, country: &'static str, latitude: f64, longitude: f64, customers: f64) -> City {
    City { name, country, latitude, longitude, customers }
}

/// As with the recorded orders, nine in ten customers live in Britain.
pub(super) const CITIES: [City; 32] = [
    city("Coventry", "GB", 52.41, -1.51, 1.5),
    city("Doncaster", "GB", 53.52, -1.13, 0.5),
    city("Bristol", "GB", 51.46, -2.60, 2.6),
    city("Glasgow", "GB", 55.87, -4.26, 2.6),
    city("Dublin", "IE", 53.33, -6.25, 1.4),
    city("Rotterdam", "NL", 51.92, 4.48, 0.4),
    city("Leipzig", "DE", 51.34, 12.37, 0.5),
    city("Lyon", "FR", 45.75, 4.85, 0.5),
    city("London", "GB", 51.51, -0.13, 38.0),
    city("Birmingham", "GB", 52.48, -1.90, 5.0),
    city("Manchester", "GB", 53.48, -2.24, 2.4),
    city("Leeds", "GB", 53.80, -1.55, 2.5),
    city("Sheffield", "GB", 53.38, -1.47, 2.5),
    city("Liverpool", "GB", 53.41, -2.98, 4.0),
    city("Edinburgh", "GB", 55.95, -3.20, 2.1),
    city("Cardiff", "GB", 51.48, -3.18, 2.0),
    city("Leicester", "GB", 52.64, -1.13, 2.0),
    city("Nottingham", "GB", 52.95, -1.15, 1.5),
    city("Newcastle upon Tyne", "GB", 54.97, -1.61, 1.1),
    city("Plymouth", "GB", 50.37, -4.14, 1.0),
    city("Southampton", "GB", 50.90, -1.40, 1.1),
    city("Reading", "GB", 51.46, -0.97, 1.1),
    city("Norwich", "GB", 52.63, 1.30, 0.9),
    city("Aberdeen", "GB", 57.14, -2.10, 0.8),
    city("Belfast", "GB", 54.60, -5.93, 1.2),
    city("Brighton", "GB", 50.83, -0.14, 1.0),
    city("Inverness", "GB", 57.48, -4.22, 0.3),
    city("Berlin", "DE", 52.52, 13.41, 1.7),
    city("Paris", "FR", 48.85, 2.35, 1.4),
    city("Antwerp", "BE", 51.22, 4.40, 0.5),
    city("Madrid", "ES", 40.42, -3.70, 0.5),
    city("Sydney", "AU", -33.87, 151.21, 0.3),
];

const fn warehouse(facility_id: &'static str, city: usize, timezone: &'static str) -> Site {
    Site { facility_id, city, is_store: false, timezone }
}

const fn store(facility_id: &'static str, city: usize) -> Site {
    Site { facility_id, city, is_store: true, timezone: "Europe/London" }
}

/// How many of [`SITES`] are warehouses: they come first.
pub(super) const WAREHOUSES: usize = 8;

/// Eight warehouses and sixteen stores.
pub(super) const SITES: [Site; 24] = [
    warehouse("WH-MIDLANDS", 0, "Europe/London"),
    warehouse("WH-NORTH", 1, "Europe/London"),
    warehouse("WH-WEST", 2, "Europe/London"),
    warehouse("WH-SCOTLAND", 3, "Europe/London"),
    warehouse("WH-IRELAND", 4, "Europe/Dublin"),
    warehouse("WH-BENELUX", 5, "Europe/Amsterdam"),
    warehouse("WH-CENTRAL", 6, "Europe/Berlin"),
    warehouse("WH-SOUTH", 7, "Europe/Paris"),
    store("ST-LONDON", 8),
    store("ST-BIRMINGHAM", 9),
    store("ST-MANCHESTER", 10),
    store("ST-LEEDS", 11),
    store("ST-SHEFFIELD", 12),
    store("ST-LIVERPOOL", 13),
    store("ST-EDINBURGH", 14),
    store("ST-CARDIFF", 15),
    store("ST-LEICESTER", 16),
    store("ST-NOTTINGHAM", 17),
    store("ST-NEWCASTLE", 18),
    store("ST-PLYMOUTH", 19),
    store("ST-SOUTHAMPTON", 20),
    store("ST-READING", 21),
    store("ST-NORWICH", 22),
    store("ST-ABERDEEN", 23),
];

/// The facilities, as a feed has them.
pub(super) fn facilities_csv() -> String {
    let header = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,cutoff_local_time,\
                  working_days,ship_enabled,pickup_enabled\n";
    let rows = SITES.iter().map(|site| {
        let City { name, country, latitude, longitude, .. } = &CITIES[site.city];
        // Handling cost, daily capacity, cutoff, working days, and whether it ships and hands over.
        let (kind, how) = match site.is_store {
            true => ("store", "180,12,15:00,Mon-Sat,true,true"),
            false => ("warehouse", "90,400,17:00,Mon-Fri,true,false"),
        };
        let Site { facility_id, timezone, .. } = site;
        format!("{facility_id},{name} {kind},{kind},{country},{name},{latitude},{longitude},{timezone},{how}\n")
    });
    std::iter::once(header.to_owned()).chain(rows).collect()
}
