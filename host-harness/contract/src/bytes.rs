//! Bytes as JSON: text where they are UTF-8, else numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum JsonBytes {
    Text(String),
    Numbers(Vec<u8>),
}

pub fn serialize<T, S>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Clone + Into<Option<Vec<u8>>>,
    S: Serializer,
{
    let json = bytes.clone().into().map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => JsonBytes::Text(text),
        Err(other) => JsonBytes::Numbers(other.into_bytes()),
    });
    json.serialize(serializer)
}

pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + From<Vec<u8>>,
    D: Deserializer<'de>,
{
    Ok(match Option::deserialize(deserializer)? {
        None => T::default(),
        Some(JsonBytes::Text(text)) => text.into_bytes().into(),
        Some(JsonBytes::Numbers(bytes)) => bytes.into(),
    })
}

#[test]
fn bytes_come_back() {
    use crate::http::{Request, Response};
    let request = |body: Option<&[u8]>| Request {
        endpoint: String::new(),
        path_with_query: String::new(),
        headers: vec![],
        body: body.map(<[u8]>::to_vec),
        secret_uses: vec![],
        cost: 0,
    };
    for (body, json) in [
        (None, "null"),
        (Some(&b""[..]), r#""""#),
        (Some(b"{\"a\":1}"), r#""{\"a\":1}""#),
        (Some(b"\x00\xff\x0a"), "[0,255,10]"),
    ] {
        let text = serde_json::to_string(&request(body)).unwrap();
        assert!(text.contains(&format!(r#""body":{json}"#)), "{text}");
        let answer = format!(r#"{{"status":200,"headers":[],"body":{json},"captured":[]}}"#);
        let answer: Response = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer.body, body.unwrap_or_default());
    }
}
