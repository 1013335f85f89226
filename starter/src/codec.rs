//! Encrypts payloads between this process and Temporal: the server, its UI and its backups see inputs, results and summaries only
//! as ciphertext. AES-256-GCM; the key's id travels with each payload, so that keys can be rotated.

use futures_util::{FutureExt, future::BoxFuture};
use prost::Message;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, sync::Arc};
use temporalio_common::{
    data_converters::{
        DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError, PayloadConverter, SerializationContextData,
    },
    protos::temporal::api::common::v1::Payload,
};

const ENCODING: &str = "encoding";
const ENCRYPTED: &[u8] = b"binary/encrypted";
const KEY_ID: &str = "encryption-key-id";

/// The key's text is not `<id>:<64 hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payload key is written <id>:<64 hex digits>")]
pub struct InvalidPayloadKey;

/// A data converter that encrypts under the first key and decrypts under any of them. Payloads in clear are read as they are, so
/// that encryption can be switched on while orders run.
///
/// # Errors
/// When a key is not `<id>:<64 hex digits>`, or there is none.
pub fn encrypting_converter(keys: &[SecretString]) -> Result<DataConverter, InvalidPayloadKey> {
    let parsed: Vec<(String, Arc<LessSafeKey>)> = keys.iter().map(|key| parse(key.expose_secret())).collect::<Result<_, _>>()?;
    let current = parsed.first().ok_or(InvalidPayloadKey)?.0.clone();
    let codec = AesCodec { current, keys: parsed.into_iter().collect() };
    // Failure messages stay in clear: they hold no personal data, and an operator must be able to read them.
    Ok(DataConverter::new(PayloadConverter::default(), DefaultFailureConverter::new(false), codec))
}

fn parse(text: &str) -> Result<(String, Arc<LessSafeKey>), InvalidPayloadKey> {
    let (id, hex) = text.split_once(':').ok_or(InvalidPayloadKey)?;
    if id.is_empty() || hex.len() != 64 || !hex.is_ascii() {
        return Err(InvalidPayloadKey);
    }
    let byte = |n: usize| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).map_err(|_| InvalidPayloadKey);
    let bytes: Vec<u8> = (0..32).map(byte).collect::<Result<_, _>>()?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidPayloadKey)?;
    Ok((id.to_owned(), Arc::new(LessSafeKey::new(key))))
}

#[derive(Clone)]
struct AesCodec {
    current: String,
    keys: BTreeMap<String, Arc<LessSafeKey>>,
}

fn failed(what: &'static str) -> PayloadConversionError {
    PayloadConversionError::EncodingError(what.into())
}

impl AesCodec {
    fn seal(&self, payload: &Payload) -> Result<Payload, PayloadConversionError> {
        let mut nonce = [0_u8; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| failed("no randomness for a nonce"))?;
        let mut sealed = payload.encode_to_vec();
        let key = self.keys.get(&self.current).ok_or_else(|| failed("no key to encrypt under"))?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| failed("encryption failed"))?;
        let metadata = [(ENCODING.to_owned(), ENCRYPTED.to_vec()), (KEY_ID.to_owned(), self.current.clone().into_bytes())];
        Ok(Payload { metadata: metadata.into(), data: [nonce.as_slice(), &sealed].concat(), ..Payload::default() })
    }

    fn open(&self, payload: Payload) -> Result<Payload, PayloadConversionError> {
        if payload.metadata.get(ENCODING).map(Vec::as_slice) != Some(ENCRYPTED) {
            return Ok(payload);
        }
        let id = payload.metadata.get(KEY_ID).and_then(|id| std::str::from_utf8(id).ok());
        let key = id.and_then(|id| self.keys.get(id)).ok_or_else(|| failed("encrypted under a key that is not configured"))?;
        let (nonce, sealed) = payload.data.split_at_checked(NONCE_LEN).ok_or_else(|| failed("an encrypted payload is too short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed("a nonce has the wrong length"))?;
        let mut sealed = sealed.to_vec();
        let opened = key.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| failed("decryption failed"))?;
        Payload::decode(&*opened).map_err(|_| failed("what was decrypted is no payload"))
    }
}

impl PayloadCodec for AesCodec {
    fn encode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let sealed = payloads.iter().map(|payload| self.seal(payload)).collect();
        async move { sealed }.boxed()
    }

    fn decode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let opened = payloads.into_iter().map(|payload| self.open(payload)).collect();
        async move { opened }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(ids: &[&str]) -> AesCodec {
        let key = |id: &&str| parse(&format!("{id}:{}", "0f".repeat(32))).unwrap();
        AesCodec { current: ids[0].to_owned(), keys: ids.iter().map(key).collect() }
    }

    fn clear() -> Payload {
        Payload { metadata: [(ENCODING.to_owned(), b"json/plain".to_vec())].into(), data: b"\"secret\"".to_vec(), ..Payload::default() }
    }

    #[test]
    fn a_payload_is_unreadable_outside_and_the_same_inside() {
        let sealed = codec(&["k1"]).seal(&clear()).unwrap();
        assert!(!sealed.data.windows(6).any(|window| window == b"secret"));
        assert_eq!(codec(&["k2", "k1"]).open(sealed.clone()).unwrap(), clear());
        assert!(codec(&["k2"]).open(sealed).is_err(), "the key it was encrypted under is gone");
    }

    #[test]
    fn payloads_in_clear_are_read_and_forged_ones_are_not() {
        let codec = codec(&["k1"]);
        assert_eq!(codec.open(clear()).unwrap(), clear());
        let mut forged = codec.seal(&clear()).unwrap();
        forged.data[20] ^= 1;
        assert!(codec.open(forged).is_err());
    }

    #[test]
    fn a_key_that_is_not_one_is_refused() {
        for text in ["", "k1", "k1:00", &format!(":{}", "00".repeat(32)), &format!("k1:{}", "zz".repeat(32))] {
            assert_eq!(parse(text).err(), Some(InvalidPayloadKey), "{text}");
        }
    }
}
