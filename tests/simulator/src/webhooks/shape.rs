//! A tracking in the shape of an older version, as far as the changelog tells.
//!
//! Source: AfterShip API, changelogs 2024-07 to 2026-07, and the answers of version 4.

use super::version::WebhookVersion;
use crate::members::{Members, elements};

/// The tracking as JSON text: untouched in the newest version.
pub(crate) fn of(text: &str, version: WebhookVersion) -> String {
    if version >= WebhookVersion::V2026_07 {
        return text.to_owned();
    }
    let mut shape = Shape::read(text);
    shape.before_2026_07();
    if version < WebhookVersion::V2026_01 {
        shape.before_2026_01();
    }
    if version < WebhookVersion::V2025_07 && shape.raw("custom_fields") == "null" {
        shape.set("custom_fields", "{}");
    }
    if version < WebhookVersion::V2025_04 {
        shape.change("latest_estimated_delivery", |latest| latest.drop(&["revise_reason"]));
    }
    if version < WebhookVersion::V2025_01 {
        shape.before_2025_01();
    }
    if version < WebhookVersion::V2024_10 {
        shape.before_2024_10();
    }
    if version < WebhookVersion::V2024_07 {
        shape.before_2024_07();
    }
    if version < WebhookVersion::V2023_10 {
        shape.version_4();
    }
    shape.render()
}

/// Members in their order, as raw text.
struct Shape(Vec<(String, String)>);

impl Shape {
    fn read(text: &str) -> Self {
        let members = Members::parse(text).unwrap_or_default();
        let owned = members.iter().map(|(name, raw)| (name.to_owned(), raw.to_owned()));
        Self(owned.collect())
    }

    fn render(&self) -> String {
        let mut members = Members::default();
        for (name, raw) in &self.0 {
            members.set(name, raw.as_str());
        }
        members.render()
    }

    fn before_2026_07(&mut self) {
        self.drop(&[
            "shipment_dimensions",
            "proof_of_delivery",
            "multi_piece_info",
            "shipment_direction",
            "return_shipment",
            "forward_shipment",
        ]);
        self.change_each("customers", |customer| customer.drop(&["id"]));
        self.change_each("checkpoints", |checkpoint| checkpoint.drop(&["hash"]));
    }

    fn before_2026_01(&mut self) {
        if self.has("order_promised_delivery_date") {
            let promised = self.within("order_promised_delivery_date", "promised_delivery_date");
            self.set("order_promised_delivery_date", &promised);
        }
        self.change_each("checkpoints", |checkpoint| checkpoint.rename("postal_code", "zip"));
    }

    fn before_2025_01(&mut self) {
        let last_mile = self.raw("last_mile").to_owned();
        let couriers = if last_mile == "null" { "[]".to_owned() } else { format!("[{last_mile}]") };
        self.set("last_mile", &couriers);
        self.rename("last_mile", "next_couriers");
        let customers = elements(self.raw("customers"));
        let first = customers.first().map(|raw| Self::read(raw));
        let name = first.map_or_else(|| "null".to_owned(), |first| first.raw("name").to_owned());
        self.set("customer_name", &name);
        for (list, member) in [("smses", "phone_number"), ("emails", "email")] {
            let known = customers.iter().map(|raw| Self::read(raw).raw(member).to_owned());
            let known: Vec<_> = known.filter(|raw| raw != "null").collect();
            self.set(list, &format!("[{}]", known.join(",")));
        }
        self.drop(&["customers", "first_mile"]);
        let updated = self.raw("updated_at").to_owned();
        self.set("last_updated_at", &updated);
        for place in ["origin", "destination", "courier_destination"] {
            self.rename(&format!("{place}_country_region"), &format!("{place}_country_iso3"));
        }
        self.change_each("checkpoints", |checkpoint| {
            checkpoint.drop(&["source"]);
            checkpoint.rename("country_region", "country_iso3");
            checkpoint.rename("country_region_name", "country_name");
        });
    }

    fn before_2024_10(&mut self) {
        let date = self.within("courier_estimated_delivery_date", "estimated_delivery_date");
        self.set("courier_estimated_delivery_date", &date);
        self.rename("courier_estimated_delivery_date", "expected_delivery");
        self.drop(&["aftership_tracking_url", "aftership_tracking_order_url"]);
    }

    /// Identifiers were of the older kind.
    fn before_2024_07(&mut self) {
        let legacy_id = self.raw("legacy_id").to_owned();
        if legacy_id != "null" {
            self.set("id", &legacy_id);
        }
        self.drop(&["legacy_id"]);
    }

    fn version_4(&mut self) {
        for (name, raw) in [
            ("android", "[]"),
            ("ios", "[]"),
            ("path", "\"deprecated\""),
            ("unique_token", "\"deprecated\""),
        ] {
            self.set(name, raw);
        }
        self.rename("transit_time", "delivery_time");
        let (weight, unit) =
            (self.within("shipment_weight", "value"), self.within("shipment_weight", "unit"));
        self.set("shipment_weight", &weight);
        self.set("shipment_weight_unit", &unit);
        self.change_each("checkpoints", |checkpoint| {
            checkpoint.rename("coordinate", "coordinates");
            checkpoint.set("coordinates", "[]");
        });
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("null", |(_, raw)| raw)
    }

    /// A member of a member.
    fn within(&self, outer: &str, inner: &str) -> String {
        Self::read(self.raw(outer)).raw(inner).to_owned()
    }

    fn set(&mut self, name: &str, raw: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => raw.clone_into(old),
            None => self.0.push((name.to_owned(), raw.to_owned())),
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        for (name, _) in &mut self.0 {
            if name == old {
                new.clone_into(name);
            }
        }
    }

    fn drop(&mut self, names: &[&str]) {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Changes a member that is an object.
    fn change(&mut self, name: &str, how: impl FnOnce(&mut Self)) {
        if self.raw(name).starts_with('{') {
            let mut inner = Self::read(self.raw(name));
            how(&mut inner);
            self.set(name, &inner.render());
        }
    }

    /// Changes each element of a member that is an array of objects.
    fn change_each(&mut self, name: &str, how: impl Fn(&mut Self)) {
        if !self.raw(name).starts_with('[') {
            return;
        }
        let changed: Vec<_> = elements(self.raw(name))
            .iter()
            .map(|raw| {
                let mut inner = Self::read(raw);
                how(&mut inner);
                inner.render()
            })
            .collect();
        self.set(name, &format!("[{}]", changed.join(",")));
    }
}
