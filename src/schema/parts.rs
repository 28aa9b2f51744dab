//! What several schemas say stands once, as a part.
//!
//! Schemas are the largest texts that the component carries. In a schema or a part, the member
//! `"$part": "name"` stands for all members of that part, so each file stays JSON by itself.

/// Every part, by name: one JSON object each.
const PARTS: &[(&str, &str)] = &[
    ("checkpoint", include_str!("parts/checkpoint.json")),
    ("customer", include_str!("parts/customer.json")),
    ("customer-contact", include_str!("parts/customer-contact.json")),
    ("estimates", include_str!("parts/estimates.json")),
    ("prediction", include_str!("parts/prediction.json")),
    ("prediction-address", include_str!("parts/prediction-address.json")),
    ("prediction-request", include_str!("parts/prediction-request.json")),
    ("told", include_str!("parts/told.json")),
    ("tracking-filters", include_str!("parts/tracking-filters.json")),
];

/// How a part is named, up to its name.
const MARK: &str = r#""$part": ""#;

/// The schema with its parts filled in.
#[must_use]
pub fn whole(schema: &str) -> String {
    let mut whole = String::with_capacity(schema.len());
    let mut rest = schema;
    while let Some((before, (name, after))) =
        rest.split_once(MARK).and_then(|(before, named)| Some((before, named.split_once('"')?)))
    {
        whole.push_str(before);
        whole.push_str(&members(name));
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// What stands between the braces of a part.
fn members(name: &str) -> String {
    let part = PARTS.iter().find(|(known, _)| *known == name).map_or("{}", |(_, part)| part);
    let inner = part.trim().strip_prefix('{').and_then(|part| part.strip_suffix('}'));
    whole(inner.unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::REGISTRY;

    #[test]
    fn a_part_is_filled_in_between_other_members() {
        let schema = r#"{"title": "A", "properties": {"$part": "tracking-filters", "mine": {}}}"#;
        let filled: serde_json::Value = serde_json::from_str(&whole(schema)).unwrap();
        let part: serde_json::Value =
            serde_json::from_str(include_str!("parts/tracking-filters.json")).unwrap();
        let properties = filled["properties"].as_object().unwrap();
        assert_eq!(properties.len(), part.as_object().unwrap().len() + 1);
        assert_eq!(properties["keyword"], part["keyword"]);
        assert!(properties.contains_key("mine"));
    }

    #[test]
    fn every_part_is_used_by_several() {
        let mut texts: Vec<&str> = PARTS.iter().map(|(_, part)| *part).collect();
        for object in REGISTRY {
            let descriptor = object.descriptor();
            texts.extend([descriptor.record_schema, descriptor.filter_schema]);
            texts.extend(descriptor.create_schema.into_iter().chain(descriptor.update_schema));
            for action in descriptor.actions {
                texts.extend([action.input_schema, action.output_schema]);
            }
        }
        texts.sort_unstable();
        texts.dedup();
        for (name, _) in PARTS {
            let named = format!("{MARK}{name}\"");
            let uses: usize = texts.iter().map(|text| text.matches(&named).count()).sum();
            assert!(uses > 1, "{name} is used {uses} times");
        }
    }
}
