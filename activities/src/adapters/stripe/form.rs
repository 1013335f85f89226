//! Operations as the forms that Stripe takes.

use oms_domain::{money::Money, placed::ThreeDSecure};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::ExposeSecret;

use super::{
    Stripe,
    amount::to_stripe,
    intent_of,
    objects::{KEY, ORDER},
    part_of,
};
use crate::ports::{GatewayOperation, Operation, PortError};

impl Stripe {
    pub(super) fn operation(&self, asked: &GatewayOperation) -> Result<RequestBuilder, PortError> {
        let amount = to_stripe(asked.operation.amount())?.to_string();
        let (path, form): (Vec<&str>, Vec<(String, String)>) = match &asked.operation {
            Operation::Authorize { amount: money, token, three_d_secure } => {
                let mut form = self.intent(asked, *money, &amount, token.expose_secret());
                form.extend(three_d_secure.iter().flat_map(proof));
                (vec!["v1", "payment_intents"], form)
            }
            Operation::Capture { authorization, .. } => {
                let mut form = vec![pair("amount_to_capture", &amount), pair(&format!("metadata[{}]", part_of(&asked.key)), &amount)];
                if self.captures_in_parts {
                    form.push(pair("final_capture", "false"));
                }
                (vec!["v1", "payment_intents", authorization, "capture"], form)
            }
            Operation::Void { authorization, .. } => (vec!["v1", "payment_intents", authorization, "cancel"], Vec::new()),
            Operation::Refund { capture, .. } => {
                let form = vec![
                    pair("payment_intent", intent_of(capture)),
                    pair("amount", &amount),
                    pair(&format!("metadata[{KEY}]"), &asked.key),
                    pair(&format!("metadata[{ORDER}]"), &asked.reference),
                ];
                (vec!["v1", "refunds"], form)
            }
        };
        let request = self.request(Method::POST, &path)?.header("Idempotency-Key", &asked.key);
        Ok(request.header("Content-Type", "application/x-www-form-urlencoded").body(form_of(&form)))
    }

    fn intent(&self, asked: &GatewayOperation, money: Money, amount: &str, token: &str) -> Vec<(String, String)> {
        let currency = money.currency().code().to_lowercase();
        let mut form = vec![
            pair("amount", amount),
            pair("currency", &currency),
            pair("payment_method", token),
            pair("payment_method_types[]", "card"),
            pair("capture_method", "manual"),
            pair("confirm", "true"),
            // Nobody is there to answer the bank's question: that is a decline which the customer can do something about.
            pair("error_on_requires_action", "true"),
            pair("expand[]", "latest_charge"),
            pair(&format!("metadata[{KEY}]"), &asked.key),
            pair(&format!("metadata[{ORDER}]"), &asked.reference),
        ];
        if self.captures_in_parts {
            form.push(pair("payment_method_options[card][request_multicapture]", "if_available"));
        }
        form
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What was proven at checkout, as Stripe takes it from elsewhere (<https://docs.stripe.com/payments/3d-secure/import>).
fn proof(proof: &ThreeDSecure) -> Vec<(String, String)> {
    let field = |name: &str, value: &str| pair(&format!("payment_method_options[card][three_d_secure][{name}]"), value);
    let mut form =
        vec![field("version", &proof.version), field("transaction_id", &proof.transaction_id), field("cryptogram", &proof.cryptogram)];
    form.extend(proof.electronic_commerce_indicator.iter().map(|indicator| field("electronic_commerce_indicator", indicator)));
    form
}

/// As HTML forms are sent.
fn form_of(pairs: &[(String, String)]) -> String {
    let mut url = Url::parse("form:").expect("a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_as_html_s_are() {
        assert_eq!(form_of(&[pair("a[b]", "x y&z")]), "a%5Bb%5D=x+y%26z");
    }
}
