//! The gateway, the carrier and the fraud check do not answer, or not what they were asked.

use std::time::Duration;

use super::{FINE, Scenario, USUAL};
use crate::{
    breaking::{Way, answers, degraded, page},
    driver::HOPELESS,
    http_proxy::Mode,
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "gateway_answers_lost",
        about: "the gateway does what it is asked, and one answer in three is lost",
        fault: fault!(|ground, _fault| degraded(ground, Way::Gateway, Mode::LoseAnswers { percent: 33 }, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "gateway_500_for_one_key",
        about: "the gateway answers 500 for one order, for ever: it is kept for a person, the others go on",
        short: false,
        token: |n| if n == 0 { "tok_errors_1000000" } else { FINE },
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
    Scenario {
        name: "gateway_500_for_a_capture",
        about: "the gateway answers 500 to one order's captures, for ever: it is kept for a person, the others go on",
        short: false,
        token: |n| if n == 0 { HOPELESS } else { FINE },
        fault: fault!(|ground, _fault| {
            ground.ways.gateway.set(Mode::Refuse { in_call: "/captures", in_key: "gateway-500-for-a-capture-0:" });
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "gateway_429",
        about: "the gateway has had too many calls, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Gateway,
            answers(429, "{\"status\":\"refused\",\"code\":\"rate_limited\"}"),
            Duration::from_secs(20)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "gateway_down",
        about: "the gateway answers 503 for 30 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Gateway,
            answers(503, "{\"status\":\"refused\",\"code\":\"down\"}"),
            Duration::from_secs(30)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "gateway_other_kind",
        about: "a proxy of the gateway answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Gateway, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "gateway_answers_of_others",
        about: "the gateway does what it is asked, and answers with the operation before, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Gateway, Mode::AnswersOfOthers, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_answers_lost",
        about: "the carrier makes labels, and one answer in three is lost",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, Mode::LoseAnswers { percent: 33 }, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_429",
        about: "the carrier has had too many calls, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, answers(429, "{}"), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_down",
        about: "the carrier answers 503 for 30 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Carrier,
            answers(503, "{\"status\":\"refused\",\"code\":\"down\"}"),
            Duration::from_secs(30)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "carrier_other_kind",
        about: "a proxy of the carrier answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_answers_of_others",
        about: "the carrier does what it is asked, and answers with the label before, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, Mode::AnswersOfOthers, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "fraud_429",
        about: "the fraud check has had too many calls, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Fraud, answers(429, "{}"), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "fraud_down",
        about: "the fraud check answers 503 for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Fraud, answers(503, "{}"), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "fraud_other_kind",
        about: "a proxy of the fraud check answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Fraud, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
];
